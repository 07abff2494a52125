"""Recall of one coupon: what comes back, every refusal, and what a refusal leaves as it was."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from partner_center.mail.models import MailOutbox
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner
from partner_center.verification.actions import AlreadySpent
from tests.people import actor_of
from tests.vouchers.making import HUNDRED, make_coupon, make_customer, make_quota
from vouchers.actions import consuming, recalling
from vouchers.actions.recalling import RecallResult
from vouchers.models import Coupon, LedgerEntry, OperationRecord, Quota
from vouchers.rules import CouponStatus, OperationType

pytestmark = pytest.mark.django_db

BILLING = Actor(kind="api", name="Billing")
USED = 37_50


def issued(member: Member, **fields: object) -> Coupon:
    return make_coupon(make_quota(member.partner), make_customer(member), **fields)


def use(coupon: Coupon, amount_minor: int = USED, order_id: str = "order-1") -> None:
    consuming.consume(coupon=coupon, amount_minor=amount_minor, order_id=order_id, actor=BILLING, now=timezone.now())


def recall(coupon: Coupon, member: Member, *, reason: str = "", remark: str = "", **options: object) -> RecallResult:
    """Recall as the view does: see the balance, be asked for a code, recall."""
    coupon.refresh_from_db()
    now, shown = timezone.now(), options.pop("shown", coupon.balance_minor)
    said = {"reason_for_customer": reason, "remark": remark, "shown_minor": shown}
    deed = {"coupon": coupon, "member": member, "actor": actor_of(member), "now": now}
    proof = recalling.ask_for_code(**said, **deed, code="")
    return recalling.recall_one(**said, **deed, partner=member.partner, proof=proof)


def amounts(quota: Quota) -> tuple[int, int, int, int]:
    quota.refresh_from_db()
    return quota.balance_minor, quota.outstanding_minor, quota.consumed_minor, quota.lapsed_minor


def last_record(partner: Partner) -> OperationRecord:
    return OperationRecord.objects.of(partner).latest("pk")


def test_the_whole_rest_comes_back_and_what_was_used_stays_used(fiona: Member) -> None:
    coupon = issued(fiona)
    use(coupon)

    result = recall(coupon, fiona, reason="Contract ended", remark="asked by phone")

    assert (result.amount_minor, result.shown) == (62_50, "62.50 CNY")
    coupon.refresh_from_db()
    assert coupon.status == CouponStatus.RECALLED
    assert (coupon.balance_minor, coupon.consumed_minor, coupon.recalled_minor) == (0, USED, 62_50)
    assert coupon.recall_reason == "Contract ended"
    assert amounts(coupon.quota) == (10 * HUNDRED - USED, 0, USED, 0)


def test_it_is_booked_once_with_entry_record_and_mail(fiona: Member) -> None:
    coupon = issued(fiona)

    recall(coupon, fiona, remark="asked by phone")

    record, entry = last_record(fiona.partner), LedgerEntry.objects.latest("pk")
    assert (record.operation, record.result, record.amount_minor) == ("recall", "success", HUNDRED)
    assert (record.coupon_id, record.actor_name, record.remark) == (coupon.public_id, "Fiona", "asked by phone")
    assert (entry.operation_id, entry.debit, entry.credit) == (record.operation_id, "coupon", "quota")
    assert MailOutbox.objects.filter(kind="coupon_recalled", object_id=coupon.public_id).count() == 1


def locked(coupon: Coupon) -> None:
    consuming.lock(coupon=coupon, order_id="order-9", actor=BILLING, now=timezone.now())


def used_up(coupon: Coupon) -> None:
    use(coupon, HUNDRED)


def expired(coupon: Coupon) -> None:
    """Its time is over, and nobody has written that down yet."""
    now = timezone.now()
    Coupon.objects.filter(pk=coupon.pk).update(effective_at=now - timedelta(days=2), expires_at=now)


STATES = [
    (locked, "coupon_locked", HUNDRED),
    (used_up, "coupon_used_up", 0),
    (expired, "coupon_expired", HUNDRED),
]


@pytest.mark.parametrize(("becomes", "code", "left"), STATES, ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_not_usable_is_refused_and_nothing_moves(
    fiona: Member, becomes: Callable[[Coupon], None], code: str, left: int
) -> None:
    coupon = issued(fiona)
    becomes(coupon)
    before = amounts(coupon.quota), LedgerEntry.objects.count(), Coupon.objects.values().get(pk=coupon.pk)

    with pytest.raises(Refusal) as refusal:
        recall(coupon, fiona, remark="try")

    assert refusal.value.code == code
    assert refusal.value.advice
    assert before == (
        amounts(coupon.quota), LedgerEntry.objects.count(), Coupon.objects.values().get(pk=coupon.pk)
    )  # fmt: skip
    record = last_record(fiona.partner)
    assert (record.operation, record.result, record.reason) == ("recall", "failure", code)
    assert (record.amount_minor, record.operation_id, record.remark) == (left, "", "try")
    assert not MailOutbox.objects.filter(kind="coupon_recalled").exists()


def test_the_second_recall_is_told_who_was_first(alice: Member, fiona: Member) -> None:
    coupon = issued(fiona)
    use(coupon)
    recall(coupon, alice)
    before = amounts(coupon.quota)

    with pytest.raises(recalling.AlreadyRecalled) as refusal:
        recall(coupon, fiona)

    assert str(refusal.value) == "This coupon has already been recalled by Alice: 62.50 CNY."
    assert amounts(coupon.quota) == before
    assert last_record(fiona.partner).result == "failure"
    assert MailOutbox.objects.filter(kind="coupon_recalled").count() == 1


def test_another_partners_coupon_is_refused_and_tells_nothing_of_it(fiona: Member, charlie: Member) -> None:
    coupon = issued(fiona)
    records = OperationRecord.objects.of(fiona.partner).count()

    with pytest.raises(recalling.NotOwnCoupon):
        recall(coupon, charlie)

    record = last_record(charlie.partner)
    assert (record.reason, record.quota_number, record.account_id, record.amount_minor) == ("not_own_coupon", "", "", 0)
    assert OperationRecord.objects.of(fiona.partner).count() == records
    coupon.refresh_from_db()
    assert coupon.status == CouponStatus.USABLE


def test_only_the_amount_that_was_shown_is_recalled(fiona: Member) -> None:
    coupon = issued(fiona)
    use(coupon)

    with pytest.raises(recalling.BalanceChanged) as refusal:
        recall(coupon, fiona, shown=HUNDRED)

    assert "62.50 CNY" in str(refusal.value)
    coupon.refresh_from_db()
    assert coupon.status == CouponStatus.USABLE
    assert last_record(fiona.partner).reason == "changed_since_plan"


@pytest.mark.parametrize("fields", [{"status": "invalid"}, {"status": "frozen"}], ids=str)
def test_a_closed_quota_is_credited_for_the_books(fiona: Member, fields: dict[str, object]) -> None:
    coupon = issued(fiona)
    Quota.objects.update(**fields)

    recall(coupon, fiona)

    assert amounts(coupon.quota) == (10 * HUNDRED, 0, 0, 0)


@pytest.mark.parametrize(
    ("reason", "remark"), [("x" * 201, ""), ("", "x" * 257), ("see evil.example", ""), ("<b>", "")], ids=str
)
def test_texts_that_cannot_stand_are_refused_before_anything(fiona: Member, reason: str, remark: str) -> None:
    coupon = issued(fiona)
    records = OperationRecord.objects.count()

    with pytest.raises(recalling.BadText):
        recall(coupon, fiona, reason=reason, remark=remark)

    assert OperationRecord.objects.count() == records


def test_nobody_recalls_without_a_proof_of_this_recall(fiona: Member) -> None:
    coupon, other = issued(fiona), issued(fiona)
    now, actor = timezone.now(), actor_of(fiona)
    said = {"reason_for_customer": "", "remark": "", "shown_minor": HUNDRED}
    deed = {"member": fiona, "actor": actor, "now": now}
    proof = recalling.ask_for_code(coupon=other, **said, **deed, code="")

    for wrong in (None, proof):
        with pytest.raises(AlreadySpent):
            recalling.recall_one(coupon=coupon, **said, **deed, partner=fiona.partner, proof=wrong)

    coupon.refresh_from_db()
    assert coupon.status == CouponStatus.USABLE
    assert not LedgerEntry.objects.filter(operation=OperationType.RECALL).exists()
