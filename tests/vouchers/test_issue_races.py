"""Issuers that meet: no quota is oversold, and the twin without its guard shows that the test would see it."""

import threading
from collections.abc import Callable
from copy import copy

import pytest
from django.db.models import Sum
from django.utils import timezone

from customers.models import Association
from partner_center.jobs import worker
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner
from partner_center.verification import proofs
from partner_center.verification.rules import ProtectedOperation
from tests.people import actor_of
from tests.rivals import run_together
from tests.vouchers.making import HUNDRED, make_customer, make_quota, part_with
from tests.vouchers.making_issue import apply, make_plan, make_terms, records_of, results
from vouchers.actions import balances, issuing
from vouchers.models import Coupon, LedgerEntry, OperationRecord, Quota

pytestmark = pytest.mark.django_db(transaction=True)

ISSUERS, ROUNDS = 40, 5
KEY = Actor(kind="system", name="api key")


def issue_one(quota: Quota, customer: Association) -> bool:
    accounts, terms = [customer.account.public_id], make_terms(quota)
    digest = issuing.digest_of(quota=quota, accounts=accounts, terms=terms)
    proof = proofs.for_api(operation=ProtectedOperation.ISSUE, digest=digest)
    partner, now = quota.partner, timezone.now()
    outcomes = issuing.issue_now(
        quota=quota, accounts=accounts, terms=terms, member=None, partner=partner, proof=proof, actor=KEY, now=now
    )
    return outcomes[0].coupon is not None


def storm(quota: Quota, receivers: list[Association], *, look: Callable[[Quota], object] = lambda _: None) -> int:
    """Let 200 issuers read the quota at the same moments and issue; returns how many believe they did."""
    ready = threading.Barrier(ISSUERS, timeout=120)

    def rival(number: int) -> int:
        won = 0
        for turn in range(ROUNDS):
            read = Quota.objects.select_related("partner").get(pk=quota.pk)
            look(read)
            ready.wait()
            won += issue_one(read, receivers[turn * ISSUERS + number])
        return won

    outcomes = run_together(ISSUERS, rival)
    assert [each for each in outcomes if isinstance(each, Exception)] == []
    return sum(each for each in outcomes if isinstance(each, int))


def make_receivers(manager: Member) -> list[Association]:
    return [make_customer(manager) for _ in range(ISSUERS * ROUNDS)]


def issued(quota: Quota) -> int:
    return Coupon.objects.filter(quota=quota).aggregate(total=Sum("face_minor"))["total"] or 0


def assert_in_order(quota: Quota, count: int) -> None:
    """The columns, the coupons, the ledger and the log of a quota tell the same story."""
    quota.refresh_from_db()
    assert issued(quota) == count * HUNDRED <= quota.total_minor
    assert (quota.balance_minor, quota.outstanding_minor) == (quota.total_minor - issued(quota), issued(quota))
    assert LedgerEntry.objects.filter(quota=quota, operation="issue").count() == count
    seqs = list(OperationRecord.objects.of(quota.partner).order_by("seq").values_list("seq", flat=True))
    assert seqs == list(range(1, len(seqs) + 1))


def test_200_issuers_never_oversell(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner, 60 * HUNDRED + 99_99)

    assert storm(quota, make_receivers(fiona)) == 60
    assert_in_order(quota, 60)
    told = records_of(quota)
    assert told.count(("success", "")) == 60
    assert told.count(("failure", "not_enough_balance")) == 140


def read_then_write(quota: Quota, *, face_minor: int, count: int, now: object) -> bool:
    """Take like somebody who has never been robbed."""
    amount = face_minor * count
    if quota.balance_minor < amount:
        return False
    Quota.objects.filter(pk=quota.pk).update(
        balance_minor=quota.balance_minor - amount,
        outstanding_minor=quota.outstanding_minor + amount,
        issued_count=quota.issued_count + count,
        issued_face_minor=quota.issued_face_minor + amount,
    )
    return True


class WithoutLock:
    """Returns the quota as each thread read it before its transaction: what a forgotten lock comes to."""

    def __init__(self) -> None:
        self.read = threading.local()

    def look(self, quota: Quota) -> None:
        self.read.quota = copy(quota)

    def lock_quotas(self, pks: list[int]) -> dict[int, Quota]:
        return {pks[0]: self.read.quota}


def test_without_the_guard_they_do(partner: Partner, fiona: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    quota = make_quota(partner, 60 * HUNDRED)
    unlocked = WithoutLock()
    monkeypatch.setattr(balances, "lock_quotas", unlocked.lock_quotas)
    monkeypatch.setattr(balances, "take", read_then_write)

    assert storm(quota, make_receivers(fiona), look=unlocked.look) > 60
    assert issued(quota) > quota.total_minor


def test_the_guarded_update_alone_is_enough(partner: Partner, fiona: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    quota = make_quota(partner, 60 * HUNDRED)
    unlocked = WithoutLock()
    monkeypatch.setattr(balances, "lock_quotas", unlocked.lock_quotas)

    assert storm(quota, make_receivers(fiona), look=unlocked.look) == 60
    assert_in_order(quota, 60)


def test_two_plans_worked_at_once_share_the_last_of_a_quota(partner: Partner, fiona: Member) -> None:
    for _round in range(3):
        quota = make_quota(partner, 5 * HUNDRED)
        plans = [make_plan(quota, [make_customer(fiona) for _ in range(4)], fiona) for _ in range(2)]
        for job in plans:
            apply(job, fiona)

        run_together(2, lambda _number: worker.work_due(now=timezone.now(), budget=60))

        assert sum(row == ("done", "") for job in plans for row in results(job)) == 5
        assert_quota(quota, 5)


def assert_quota(quota: Quota, count: int) -> None:
    quota.refresh_from_db()
    assert (quota.balance_minor, quota.issued_count, issued(quota)) == (0, count, count * HUNDRED)


def test_no_coupon_outlives_an_association_that_ends_meanwhile(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner, 100 * HUNDRED)
    receivers = [make_customer(fiona) for _ in range(20)]

    def rival(number: int) -> object:
        customer = Association.objects.select_related("partner", "account").get(pk=receivers[number // 2].pk)
        if number % 2:
            return issue_one(Quota.objects.select_related("partner").get(pk=quota.pk), customer)
        return part_with(customer, actor=actor_of(fiona))

    outcomes = run_together(40, rival)

    assert [each for each in outcomes if isinstance(each, Exception)] == []
    assert not Association.objects.filter(ended_at=None).exists()
    assert not Coupon.objects.filter(status="usable").exists()
    quota.refresh_from_db()
    assert (quota.balance_minor, quota.outstanding_minor) == (quota.total_minor, 0)
