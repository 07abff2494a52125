"""Orders use coupons, hold them and give back: what moves, what is logged, what a refusal leaves as it was."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from customers.models import Association
from partner_center.audit.models import AuditEntry
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member
from tests.vouchers.making import HUNDRED, make_coupon, make_customer, make_quota
from vouchers.actions import consuming
from vouchers.actions.consumption_refusals import CouponRefused
from vouchers.actions.ending import Ending, end, lock_coupons
from vouchers.models import Coupon, LedgerEntry, OperationRecord, Quota
from vouchers.rules import OperationType

pytestmark = pytest.mark.django_db

BILLING = Actor(kind="api", name="Billing", public_id="k" * 22)


@pytest.fixture
def customer(carol: Member) -> Association:
    return make_customer(carol)


@pytest.fixture
def quota(carol: Member) -> Quota:
    return make_quota(carol.partner)


@pytest.fixture
def coupon(quota: Quota, customer: Association) -> Coupon:
    return make_coupon(quota, customer)


def consume(coupon: Coupon, amount_minor: int = 37_50, order_id: str = "O-1", **more: Any) -> consuming.Settled:
    more.setdefault("now", timezone.now())
    return consuming.consume(coupon=coupon, amount_minor=amount_minor, order_id=order_id, actor=BILLING, **more)


def refund(coupon: Coupon, order_id: str = "O-1", **more: Any) -> consuming.Settled:
    more.setdefault("now", timezone.now())
    return consuming.refund(coupon=coupon, order_id=order_id, actor=BILLING, **more)


def of_coupon(coupon: Coupon) -> tuple[str, int, int, int, int]:
    coupon.refresh_from_db()
    return coupon.status, coupon.balance_minor, coupon.consumed_minor, coupon.recalled_minor, coupon.expired_minor


def of_quota(coupon: Coupon) -> tuple[int, int, int, int]:
    quota = Quota.objects.get(pk=coupon.quota_id)
    return quota.balance_minor, quota.outstanding_minor, quota.consumed_minor, quota.lapsed_minor


def picture(coupon: Coupon) -> tuple[object, ...]:
    coupon.refresh_from_db()
    return of_coupon(coupon), of_quota(coupon), coupon.locked_by_order, LedgerEntry.objects.count()


def last_record() -> OperationRecord:
    return OperationRecord.objects.latest("pk")


# --- consumption -----------------------------------------------------------------------------------------------------


def test_an_order_uses_a_part(coupon: Coupon) -> None:
    settled = consume(coupon)

    assert of_coupon(coupon) == ("usable", 62_50, 37_50, 0, 0)
    assert of_quota(coupon) == (900_00, 62_50, 37_50, 0)
    assert (settled.coupon.balance_minor, settled.amount_minor) == (62_50, 37_50)
    assert coupon.ended_at is None
    assert coupon.last_used_at is not None


def test_it_is_booked_and_logged(coupon: Coupon) -> None:
    consume(coupon)

    entry, record = LedgerEntry.objects.latest("pk"), last_record()
    assert (entry.debit, entry.credit, entry.amount_minor, entry.order_id) == ("coupon", "consumed", 37_50, "O-1")
    assert (record.operation, record.result, record.amount_minor, record.order_id) == (
        "consume", "success", 37_50, "O-1",
    )  # fmt: skip
    assert record.operation_id == entry.operation_id
    assert (record.actor_kind, record.actor_name, record.coupon_id) == ("api", "Billing", coupon.public_id)


def test_the_last_unit_uses_it_up(coupon: Coupon) -> None:
    consume(coupon, 99_99)
    consume(coupon, 1, "O-2")

    assert of_coupon(coupon) == ("used", 0, HUNDRED, 0, 0)
    assert coupon.ended_at is not None


REFUSED = {
    "recalled": ({"status": "recalled", "balance_minor": 0, "recalled_minor": HUNDRED}, {}, "coupon_recalled"),
    "used up": ({"status": "used", "balance_minor": 0, "consumed_minor": HUNDRED}, {}, "coupon_used_up"),
    "expired": ({"status": "expired", "balance_minor": 0, "expired_minor": HUNDRED}, {}, "coupon_expired"),
    "not yet valid": ({"effective_at": timezone.now() + timedelta(days=1)}, {}, "coupon_not_effective"),
    "locked": ({"locked_by_order": "O-9"}, {}, "coupon_locked"),
    "too much": ({}, {"amount_minor": HUNDRED + 1}, "not_enough_on_coupon"),
    "nothing": ({}, {"amount_minor": 0}, "bad_request"),
    "less than nothing": ({}, {"amount_minor": -1}, "bad_request"),
    "small order": ({"min_order_minor": 2 * HUNDRED}, {"order_total_minor": 2 * HUNDRED - 1}, "order_too_small"),
    "ratio": ({"ratio_percent": 50}, {"order_total_minor": 74_99}, "order_share_too_large"),
    "more than the order": ({}, {"order_total_minor": 37_49}, "order_share_too_large"),
    "order type": ({"order_types": ["renew"]}, {"order_type": "new"}, "order_type_refused"),
}


@pytest.mark.parametrize(("columns", "asked", "code"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_moves_nothing_and_is_logged(
    coupon: Coupon, columns: dict[str, Any], asked: dict[str, Any], code: str
) -> None:
    Coupon.objects.filter(pk=coupon.pk).update(**columns)
    before = picture(coupon)

    with pytest.raises(CouponRefused) as refused:
        consume(coupon, **asked)

    assert refused.value.code == code
    assert picture(coupon) == before
    record = last_record()
    assert (record.operation, record.result, record.reason, record.operation_id) == ("consume", "failure", code, "")
    assert record.amount_minor == asked.get("amount_minor", 37_50)


def test_a_coupon_whose_time_is_over_is_expired_before_anybody_wrote_it_down(coupon: Coupon) -> None:
    with pytest.raises(CouponRefused, match="expired"):
        consume(coupon, now=coupon.expires_at)
    assert consume(coupon, now=coupon.expires_at - timedelta(microseconds=1)).reason is None


@pytest.mark.parametrize(
    ("columns", "asked"),
    [
        ({"min_order_minor": HUNDRED}, {"order_total_minor": HUNDRED}),
        ({"ratio_percent": 50}, {"order_total_minor": 75_00}),
        ({"ratio_percent": 50, "min_order_minor": HUNDRED, "order_types": ["renew"]}, {}),
        ({"order_types": ["renew", "new"]}, {"order_type": "new"}),
        ({}, {"amount_minor": HUNDRED}),
    ],
    ids=str,
)
def test_limits_let_pass_what_just_fits_and_what_billing_does_not_say(
    coupon: Coupon, columns: dict[str, Any], asked: dict[str, Any]
) -> None:
    Coupon.objects.filter(pk=coupon.pk).update(**columns)

    assert consume(coupon, **asked).reason is None


def test_an_order_uses_a_coupon_once(coupon: Coupon) -> None:
    consume(coupon)
    before = picture(coupon)

    with pytest.raises(CouponRefused) as refused:
        consume(coupon)

    assert refused.value.code == "order_already_paid"
    assert picture(coupon) == before


def test_an_order_that_got_all_back_may_use_it_again(coupon: Coupon) -> None:
    consume(coupon)
    refund(coupon)

    assert consume(coupon, 10_00).coupon.balance_minor == 90_00


# --- locks -----------------------------------------------------------------------------------------------------------


def lock(coupon: Coupon, order_id: str = "O-1") -> None:
    consuming.lock(coupon=coupon, order_id=order_id, actor=BILLING, now=timezone.now())


def unlock(coupon: Coupon, order_id: str = "O-1") -> None:
    consuming.unlock(coupon=coupon, order_id=order_id, actor=BILLING, now=timezone.now())


def deeds() -> list[str]:
    return list(AuditEntry.objects.order_by("pk").values_list("deed", flat=True))


def test_an_order_holds_a_coupon_and_lets_it_go(coupon: Coupon) -> None:
    lock(coupon)
    lock(coupon)
    assert picture(coupon)[2] == "O-1"

    unlock(coupon)
    unlock(coupon)
    assert picture(coupon)[2] == ""
    assert deeds() == ["coupon_locked", "coupon_unlocked"]


def test_nobody_else_takes_over_a_lock(coupon: Coupon) -> None:
    lock(coupon)

    for attempt in (lock, unlock):
        with pytest.raises(CouponRefused) as refused:
            attempt(coupon, "O-2")
        assert refused.value.code == "coupon_locked"
    assert picture(coupon)[2] == "O-1"
    assert deeds() == ["coupon_locked"]


def test_the_order_that_holds_it_uses_it_and_the_lock_ends(coupon: Coupon) -> None:
    lock(coupon)
    consume(coupon)

    assert picture(coupon)[2] == ""


def test_what_has_ended_cannot_be_held(coupon: Coupon) -> None:
    consume(coupon, HUNDRED)

    with pytest.raises(CouponRefused) as refused:
        lock(coupon, "O-2")
    assert refused.value.code == "coupon_used_up"


# --- refunds ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("used", [37_50, HUNDRED])
def test_a_refund_goes_back_to_the_coupon(coupon: Coupon, used: int) -> None:
    consume(coupon, used)

    settled = refund(coupon)

    assert settled.destination == "coupon"
    assert of_coupon(coupon) == ("usable", HUNDRED, 0, 0, 0)
    assert of_quota(coupon) == (900_00, HUNDRED, 0, 0)
    assert coupon.ended_at is None
    record = last_record()
    assert (record.operation, record.amount_minor, record.order_id) == ("refund", used, "O-1")


def test_a_refund_in_parts_gives_no_more_than_was_used(coupon: Coupon) -> None:
    consume(coupon)
    consume(coupon, 40_00, "O-2")
    refund(coupon, amount_minor=30_00)
    before = picture(coupon)

    for amount in (7_51, 0, -1):
        with pytest.raises(CouponRefused) as refused:
            refund(coupon, amount_minor=amount)
        assert refused.value.code == "refund_too_large"
    assert picture(coupon) == before
    assert refund(coupon).amount_minor == 7_50
    assert of_coupon(coupon) == ("usable", 60_00, 40_00, 0, 0)


def test_what_an_order_never_used_is_not_refunded(coupon: Coupon) -> None:
    consume(coupon)

    with pytest.raises(CouponRefused) as refused:
        refund(coupon, "O-2")
    assert refused.value.code == "refund_too_large"
    assert last_record().reason == "refund_too_large"


def recalled(coupon: Coupon) -> None:
    with transaction.atomic():
        ended = Ending(operation=OperationType.RECALL_ON_DISASSOCIATION)
        end(lock_coupons(Q(pk=coupon.pk)), ended, actor=Actor.system("test"), now=timezone.now())


def test_a_refund_of_a_recalled_coupon_goes_to_its_open_quota(coupon: Coupon) -> None:
    consume(coupon)
    recalled(coupon)

    settled = refund(coupon)

    assert settled.destination == "quota"
    assert of_coupon(coupon) == ("recalled", 0, 0, HUNDRED, 0)
    assert of_quota(coupon) == (1000_00, 0, 0, 0)
    record, entry = last_record(), LedgerEntry.objects.latest("pk")
    assert (record.operation, record.amount_minor) == ("return", 37_50)
    assert (entry.debit, entry.credit) == ("consumed", "quota")


@pytest.mark.parametrize("status", ["frozen", "invalid", "adjusting"])
def test_a_refund_of_a_recalled_coupon_lapses_where_the_quota_is_not_open(coupon: Coupon, status: str) -> None:
    consume(coupon)
    recalled(coupon)
    Quota.objects.filter(pk=coupon.quota_id).update(status=status)

    assert refund(coupon).destination == "lapsed"
    assert of_quota(coupon) == (962_50, 0, 0, 37_50)
    entry = LedgerEntry.objects.latest("pk")
    assert (entry.operation, entry.debit, entry.credit) == ("return", "consumed", "lapsed")


@pytest.mark.parametrize("used", [37_50, HUNDRED])
def test_a_refund_after_the_end_passes_by_the_coupon(coupon: Coupon, used: int) -> None:
    consume(coupon, used)
    ended = coupon.expires_at - timedelta(days=100)
    Coupon.objects.filter(pk=coupon.pk).update(expires_at=ended)
    coupon.refresh_from_db()

    assert refund(coupon, now=ended).destination == "quota"
    assert of_coupon(coupon) == ("used" if used == HUNDRED else "usable", HUNDRED - used, 0, 0, used)
    assert of_quota(coupon) == (900_00 + used, HUNDRED - used, 0, 0)


def test_a_coupon_that_changes_behind_the_lock_is_noticed(coupon: Coupon, monkeypatch: pytest.MonkeyPatch) -> None:
    before = picture(coupon)
    read_uses = consuming.uses_by_orders

    def meanwhile(pks: Any) -> Any:
        Coupon.objects.filter(pk=coupon.pk).update(balance_minor=10_00, consumed_minor=90_00)
        return read_uses(pks)

    monkeypatch.setattr(consuming, "uses_by_orders", meanwhile)
    with pytest.raises(RuntimeError), transaction.atomic():
        consume(coupon)
    assert picture(coupon) == before
