"""Kinds and states of quotas and coupons, and what may follow what. Pure."""

from datetime import datetime

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from partner_center.refusals import Text


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


# What each phase means for the partner; told wherever it is shown.
EFFECT_OF_PHASE: dict[QuotaPhase, Text] = {
    QuotaPhase.NORMAL: _("Coupons can be issued from it."),
    QuotaPhase.ADJUSTING: _("The vendor is changing it. Nothing can be issued meanwhile; customers keep theirs."),
    QuotaPhase.FROZEN: _("The vendor has frozen it. Nothing can be issued; customers keep their coupons."),
    QuotaPhase.INVALID: _("The vendor has ended it for good. Nothing can be issued; customers keep their coupons."),
    QuotaPhase.NOT_YET: _("Its validity has not begun. Nothing can be issued yet."),
    QuotaPhase.EXPIRED: _("Its validity is over. Nothing can be issued any more."),
}
# What a change of the status brings about; told before the vendor confirms it.
CONSEQUENCE_OF_STATUS: dict[QuotaStatus, Text] = {
    QuotaStatus.NORMAL: _("The partner can issue from it again at once, within its validity and its limits."),
    QuotaStatus.ADJUSTING: _(
        "The partner sees the quota and can issue nothing until it is normal again."
        " You can change its limits meanwhile."
    ),
    QuotaStatus.FROZEN: _(
        "The partner can issue nothing until you lift it. Plans that wait to be applied will fail. What is recalled"
        " comes back to the quota; what expires meanwhile does not."
    ),
    QuotaStatus.INVALID: _(
        "This cannot be undone. The partner can never issue from the quota again, and what expires or is refunded"
        " lapses. Coupons that customers hold stay valid."
    ),
}
# The largest amount that can be granted or set as a limit, in minor units: a million millions.
LARGEST_AMOUNT = 10**14


def why_not_issuable(
    *,
    phase: QuotaPhase,
    balance_minor: int,
    counted: tuple[int, int | None],
    faces_minor: tuple[int, int | None],
    uses_coupons: bool = False,
) -> Text | None:
    """
    Return why nothing can be issued from a quota at present, None where something can (domain.md 4.12).

    :param counted: how many coupons were issued, and the most that may be
    :param faces_minor: what their face values add up to, and the most that they may
    :param uses_coupons: whether the partner uses coupons itself
    """
    if uses_coupons:
        return _("Your company uses coupons itself, so it cannot issue any.")
    if phase != QuotaPhase.NORMAL:
        return EFFECT_OF_PHASE[phase]
    if balance_minor <= 0:
        return _("Its balance is used up.")
    if counted[1] is not None and counted[0] >= counted[1]:
        return _("Its maximum number of coupons is reached.")
    if faces_minor[1] is not None and faces_minor[0] >= faces_minor[1]:
        return _("Its maximum total face value is reached.")
    return None


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
