"""Totals lowered while coupons are taken, grants pressed twice, statuses that change meanwhile: with real threads."""

from datetime import timedelta

import pytest
from django.utils import timezone

from partner_center.tenancy.models import Partner
from tests.rivals import run_together
from tests.vouchers.making import HUNDRED, VENDOR, make_quota
from vouchers.actions import balances, quotas
from vouchers.actions.quotas import Limits
from vouchers.models import LedgerEntry, OperationRecord, Quota
from vouchers.rules import CouponKind, OperationType, QuotaStatus

pytestmark = pytest.mark.django_db(transaction=True)
RIVALS, ROUNDS = 20, 4


def take(quota: Quota) -> bool:
    return balances.take(quota, face_minor=HUNDRED, count=1, now=timezone.now())


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_nothing_that_is_taken_is_lowered_away(partner: Partner, _round: int) -> None:
    """Half of them take, half lower the total to what half of the takes would leave."""
    quota = make_quota(partner, RIVALS // 2 * HUNDRED)
    lowered = RIVALS // 4 * HUNDRED

    def rival(number: int) -> object:
        if number % 2:
            return take(quota)
        return quotas.change_total(quota=quota, total_minor=lowered, note="", actor=VENDOR, now=timezone.now())

    outcomes = run_together(RIVALS, rival)

    quota.refresh_from_db()
    taken, changed = outcomes.count(True), [each for each in outcomes if isinstance(each, Quota)]
    refused = [each for each in outcomes if isinstance(each, Exception)]
    assert {type(each) for each in refused} <= {quotas.BelowIssued, quotas.SameTotal}
    assert len(changed) <= 1
    assert quota.total_minor == (lowered if changed else RIVALS // 2 * HUNDRED)
    assert quota.outstanding_minor == taken * HUNDRED
    assert quota.balance_minor == quota.total_minor - taken * HUNDRED >= 0
    lowerings = LedgerEntry.objects.filter(operation=OperationType.DECREASE)
    assert [entry.amount_minor for entry in lowerings] == [RIVALS // 2 * HUNDRED - lowered] * len(changed)


def test_a_form_sent_many_times_at_once_grants_once(partner: Partner) -> None:
    now = timezone.now()

    def press(_number: int) -> Quota:
        return quotas.grant(
            partner=partner, kind=CouponKind.VOUCHER, total_minor=HUNDRED, currency="CNY", effective_at=now,
            expires_at=now + timedelta(days=1), limits=Limits(), public_id="p" * 22, actor=VENDOR, now=now,
        )  # fmt: skip

    outcomes = run_together(RIVALS, press)

    assert outcomes == [Quota.objects.get()] * RIVALS
    assert LedgerEntry.objects.count() == OperationRecord.objects.count() == 1


def test_of_many_who_end_a_quota_one_does(partner: Partner) -> None:
    quota = make_quota(partner)

    def end(_number: int) -> Quota:
        return quotas.change_status(
            quota=quota, status=QuotaStatus.INVALID, note="Over", actor=VENDOR, now=timezone.now()
        )

    outcomes = run_together(RIVALS, end)

    assert sum(isinstance(each, Quota) for each in outcomes) == 1
    assert sum(isinstance(each, quotas.StatusNotAllowed) for each in outcomes) == RIVALS - 1
    assert OperationRecord.objects.filter(operation=OperationType.QUOTA_STATUS).count() == 1


def test_nothing_is_taken_from_a_quota_once_it_is_frozen(partner: Partner) -> None:
    quota = make_quota(partner, RIVALS * HUNDRED)

    def rival(number: int) -> object:
        if number:
            return take(quota)
        frozen = quotas.change_status(
            quota=quota, status=QuotaStatus.FROZEN, note="Stop", actor=VENDOR, now=timezone.now()
        )
        return frozen.outstanding_minor

    at_freezing, *taken = run_together(RIVALS, rival)

    quota.refresh_from_db()
    assert taken.count(True) * HUNDRED == at_freezing == quota.outstanding_minor
    assert not take(quota)
