"""Orders that meet at one coupon, with real threads: nothing is used twice, whoever comes first."""

import pytest
from django.db.models import Q, Sum
from django.utils import timezone

from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member
from tests.rivals import run_together
from tests.vouchers.making import make_coupon, make_customer, make_quota
from vouchers.actions import consuming
from vouchers.actions.consumption_refusals import CouponRefused
from vouchers.models import Coupon, LedgerEntry, OperationRecord, Quota

pytestmark = pytest.mark.django_db(transaction=True)

BILLING = Actor(kind="api", name="Billing")
THREADS, ROUNDS = 25, 2


@pytest.fixture
def coupon(carol: Member) -> Coupon:
    return make_coupon(make_quota(carol.partner), make_customer(carol), 100_00)


def outcomes(call: "object") -> list[str]:
    """Tell each outcome by its word: "done", or the code of the refusal."""
    found = [each for _round in range(ROUNDS) for each in run_together(THREADS, call)]
    assert [each for each in found if isinstance(each, Exception) and not isinstance(each, CouponRefused)] == []
    return [each.code if isinstance(each, CouponRefused) else "done" for each in found]


def test_fifty_orders_never_use_more_than_there_is(coupon: Coupon) -> None:
    numbers = iter(range(10_000))

    def consume(_thread: int) -> object:
        order_id = f"O-{next(numbers)}"
        return consuming.consume(coupon=coupon, amount_minor=7_00, order_id=order_id, actor=BILLING, now=timezone.now())

    found = outcomes(consume)

    assert (len(found), found.count("done"), found.count("not_enough_on_coupon")) == (50, 14, 36)
    coupon.refresh_from_db()
    quota = Quota.objects.get(pk=coupon.quota_id)
    assert (coupon.status, coupon.balance_minor, coupon.consumed_minor) == ("usable", 2_00, 98_00)
    assert (quota.outstanding_minor, quota.consumed_minor) == (2_00, 98_00)
    entries = LedgerEntry.objects.filter(operation="consume")
    assert entries.aggregate(sum=Sum("amount_minor"))["sum"] == 98_00
    assert OperationRecord.objects.filter(operation="consume", result="success").count() == 14
    assert OperationRecord.objects.filter(operation="consume", result="failure").count() == 36


@pytest.mark.postgres
def test_without_the_locks_orders_do_meet_and_the_guard_stops_them(
    coupon: Coupon, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin of the test above: it would see rivals that get in each other's way."""

    def unlocked(chosen: Q) -> list[Coupon]:
        return list(Coupon.objects.filter(chosen).select_related("quota", "partner", "account", "chosen_account"))

    def consume(thread: int) -> object:
        order_id = f"O-{thread}"
        return consuming.consume(coupon=coupon, amount_minor=1_00, order_id=order_id, actor=BILLING, now=timezone.now())

    monkeypatch.setattr(consuming, "lock_coupons", unlocked)
    found = [each for _round in range(ROUNDS) for each in run_together(THREADS, consume)]

    assert any(isinstance(each, RuntimeError) for each in found)
    coupon.refresh_from_db()
    entries = LedgerEntry.objects.filter(operation="consume")
    assert coupon.consumed_minor == entries.aggregate(sum=Sum("amount_minor"))["sum"]


def test_the_same_order_fifty_times_uses_it_once(coupon: Coupon) -> None:
    def consume(_thread: int) -> object:
        return consuming.consume(coupon=coupon, amount_minor=1_00, order_id="O-1", actor=BILLING, now=timezone.now())

    found = outcomes(consume)

    assert (found.count("done"), found.count("order_already_paid")) == (1, 49)
    coupon.refresh_from_db()
    assert coupon.consumed_minor == 1_00


def test_fifty_refunds_of_one_order_give_back_once(coupon: Coupon) -> None:
    now = timezone.now()
    consuming.consume(coupon=coupon, amount_minor=60_00, order_id="O-1", actor=BILLING, now=now)

    def refund(_thread: int) -> object:
        return consuming.refund(coupon=coupon, order_id="O-1", amount_minor=25_00, actor=BILLING, now=timezone.now())

    found = outcomes(refund)

    assert (found.count("done"), found.count("refund_too_large")) == (2, 48)
    coupon.refresh_from_db()
    assert (coupon.balance_minor, coupon.consumed_minor) == (90_00, 10_00)


def test_of_two_orders_one_holds_the_coupon(coupon: Coupon) -> None:
    def lock(thread: int) -> object:
        return consuming.lock(coupon=coupon, order_id=f"O-{thread}", actor=BILLING, now=timezone.now())

    found = outcomes(lock)

    # Who holds it may ask again in the second round.
    assert found.count("done") == ROUNDS
    assert found.count("coupon_locked") == ROUNDS * (THREADS - 1)
