"""Kinds and states of quotas and coupons, and what may follow what. Pure."""

from datetime import datetime

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class CouponKind(TextChoices):
    """What partners give to customers (domain.md 2: never mix voucher and cash coupon)."""

    VOUCHER = "voucher", _("Voucher")
    CASH = "cash_coupon", _("Cash coupon")
    PICKUP = "pickup_coupon", _("Pickup coupon")


class OrderType(TextChoices):
    """Orders that a coupon may pay (domain.md 8 row 31)."""

    NEW = "new", _("New purchase")
    RENEW = "renew", _("Renewal")
    CHANGE = "change", _("Change of specifications")


class QuotaStatus(TextChoices):
    """What the vendor says of a quota; that it has not begun or has ended is told by its times (domain.md 3.6)."""

    NORMAL = "normal", _("Normal")
    ADJUSTING = "adjusting", _("Being adjusted")
    FROZEN = "frozen", _("Frozen")
    INVALID = "invalid", _("Invalid")


class QuotaPhase(TextChoices):
    """What people see of a quota: its status, or what its times say while it is normal."""

    NORMAL = "normal", _("Normal")
    ADJUSTING = "adjusting", _("Being adjusted")
    FROZEN = "frozen", _("Frozen")
    INVALID = "invalid", _("Invalid")
    NOT_YET = "not_yet", _("Not yet effective")
    EXPIRED = "expired", _("Expired")


class CouponStatus(TextChoices):
    """What became of a coupon (domain.md 3.7)."""

    USABLE = "usable", _("Usable")
    USED = "used", _("Used up")
    EXPIRED = "expired", _("Expired")
    RECALLED = "recalled", _("Recalled")


# Every guard of an action asks these tables.
NEXT_OF_QUOTA: dict[QuotaStatus, frozenset[QuotaStatus]] = {
    QuotaStatus.NORMAL: frozenset({QuotaStatus.ADJUSTING, QuotaStatus.FROZEN, QuotaStatus.INVALID}),
    QuotaStatus.ADJUSTING: frozenset({QuotaStatus.NORMAL, QuotaStatus.FROZEN, QuotaStatus.INVALID}),
    QuotaStatus.FROZEN: frozenset({QuotaStatus.NORMAL, QuotaStatus.INVALID}),
    QuotaStatus.INVALID: frozenset(),
}
NEXT_OF_COUPON: dict[CouponStatus, frozenset[CouponStatus]] = {
    CouponStatus.USABLE: frozenset({CouponStatus.USED, CouponStatus.EXPIRED, CouponStatus.RECALLED}),
    # An order that is refunded fills a used coupon again (domain.md 8 row 16).
    CouponStatus.USED: frozenset({CouponStatus.USABLE}),
    CouponStatus.EXPIRED: frozenset(),
    CouponStatus.RECALLED: frozenset(),
}


def quota_phase(*, status: str, effective_at: datetime, expires_at: datetime, now: datetime) -> QuotaPhase:
    """Return what people see of a quota at one moment (decisions.md 5.6)."""
    if status != QuotaStatus.NORMAL:
        return QuotaPhase(status)
    if expires_at <= now:
        return QuotaPhase.EXPIRED
    return QuotaPhase.NOT_YET if now < effective_at else QuotaPhase.NORMAL


def coupon_status(*, status: str, expires_at: datetime, now: datetime) -> CouponStatus:
    """Return the status with expiry applied: a coupon is expired because its time is over (decisions.md 5.6)."""
    if status == CouponStatus.USABLE and expires_at <= now:
        return CouponStatus.EXPIRED
    return CouponStatus(status)
