"""Expiry: it counts from its time, is written down once, and goes back to the quota only while that is open."""

from datetime import timedelta

import pytest
from django.utils import timezone

from partner_center.mail.models import MailOutbox
from partner_center.tenancy.models import Member
from tests.vouchers.making import HUNDRED, make_coupon, make_customer, make_quota
from vouchers.actions import announcing, expiring
from vouchers.models import Coupon, LedgerEntry, OperationRecord, Quota
from vouchers.rules import CouponStatus
from vouchers.tasks import sweeping

pytestmark = pytest.mark.django_db


def due(member: Member, count: int = 1, **quota: object) -> list[Coupon]:
    """Make coupons whose time was over a minute ago."""
    source, customer = make_quota(member.partner, **quota), make_customer(member)
    coupons = [make_coupon(source, customer) for _number in range(count)]
    Coupon.objects.filter(quota=source).update(expires_at=timezone.now() - timedelta(minutes=1))
    return coupons


def amounts(quota: Quota) -> tuple[int, int, int, int]:
    quota.refresh_from_db()
    return quota.balance_minor, quota.outstanding_minor, quota.consumed_minor, quota.lapsed_minor


def test_what_is_left_goes_back_to_an_open_quota(fiona: Member) -> None:
    (coupon,) = due(fiona)

    assert expiring.expire_due(now=timezone.now()) == 1

    coupon.refresh_from_db()
    assert (coupon.status, coupon.balance_minor, coupon.expired_minor) == (CouponStatus.EXPIRED, 0, HUNDRED)
    assert amounts(coupon.quota) == (10 * HUNDRED, 0, 0, 0)
    record, entry = OperationRecord.objects.latest("pk"), LedgerEntry.objects.latest("pk")
    assert (record.operation, record.actor_kind, record.actor_name) == ("expire", "system", "expiry")
    assert (entry.debit, entry.credit, entry.amount_minor) == ("coupon", "quota", HUNDRED)


@pytest.mark.parametrize("closed", ["frozen", "adjusting", "invalid", "expired"])
def test_it_lapses_where_the_quota_is_closed(fiona: Member, closed: str) -> None:
    (coupon,) = due(fiona)
    now = timezone.now()
    Quota.objects.update(**({"expires_at": now} if closed == "expired" else {"status": closed}))

    expiring.expire_due(now=now)

    assert amounts(coupon.quota) == (9 * HUNDRED, 0, 0, HUNDRED)
    assert LedgerEntry.objects.latest("pk").credit == "lapsed"


def test_it_is_written_down_once_and_nobody_is_mailed(fiona: Member) -> None:
    due(fiona)

    assert (expiring.expire_due(now=timezone.now()), expiring.expire_due(now=timezone.now())) == (1, 0)

    assert OperationRecord.objects.filter(operation="expire").count() == 1
    assert not MailOutbox.objects.exists()


def test_what_has_not_run_out_stays(fiona: Member) -> None:
    coupon = make_coupon(make_quota(fiona.partner), make_customer(fiona))

    assert expiring.expire_due(now=coupon.expires_at - timedelta(microseconds=1)) == 0
    assert expiring.expire_due(now=coupon.expires_at) == 1


def test_a_coupon_that_an_order_holds_expires_too(fiona: Member) -> None:
    (coupon,) = due(fiona)
    Coupon.objects.update(locked_by_order="order-9")

    expiring.expire_due(now=timezone.now())

    coupon.refresh_from_db()
    assert (coupon.status, coupon.locked_by_order) == (CouponStatus.EXPIRED, "")


def test_the_bell_works_chunk_by_chunk_until_nothing_is_due(fiona: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    due(fiona, 5)
    chunks = iter([2, 2, 1, 0])
    real = expiring.expire_due
    monkeypatch.setattr(expiring, "expire_due", lambda *, now: real(now=now, limit=max(1, next(chunks))))

    assert sweeping.expire_due() == 5


# --- warnings ------------------------------------------------------------------------------------


def soon(member: Member, days: float = 5, *, old: bool = True) -> Coupon:
    coupon = make_coupon(make_quota(member.partner), make_customer(member))
    now = timezone.now()
    made = now - timedelta(days=30 if old else 0)
    Coupon.objects.filter(pk=coupon.pk).update(created_at=made, expires_at=now + timedelta(days=days))
    return coupon


def test_a_holder_is_warned_once(fiona: Member) -> None:
    coupon = soon(fiona)

    assert (sweeping.announce_expiring(), sweeping.announce_expiring()) == (1, 0)

    mail = MailOutbox.objects.get()
    assert (mail.kind, mail.object_id, mail.partner) == ("coupon_expiring", coupon.public_id, fiona.partner)


@pytest.mark.parametrize(
    ("days", "old"), [(7.5, True), (-1, True), (5, False)], ids=["later", "over", "issued for a shorter time"]
)
def test_nobody_else_is(fiona: Member, days: float, old: bool) -> None:
    soon(fiona, days, old=old)

    assert sweeping.announce_expiring() == 0


def test_warnings_go_out_chunk_by_chunk(fiona: Member) -> None:
    for _number in range(3):
        soon(fiona)

    told = [announcing.announce_expiring(now=timezone.now(), limit=2) for _round in range(3)]

    assert told == [2, 1, 0]
