"""When a coupon can be recalled, and where the amount of a coupon that ends goes (domain.md 4.15, 8 row 17). Pure."""

from datetime import datetime
from typing import Protocol

from vouchers.rules.kinds import CouponStatus, QuotaPhase, coupon_status
from vouchers.rules.reasons import Reason

LONGEST_REASON, LONGEST_REMARK = 200, 256

_WHY_OVER: dict[CouponStatus, Reason] = {
    CouponStatus.USED: Reason.USED_UP,
    CouponStatus.EXPIRED: Reason.EXPIRED,
    CouponStatus.RECALLED: Reason.RECALLED,
}


class State(Protocol):
    """What of a coupon decides."""

    status: str
    expires_at: datetime
    locked_by_order: str


def why_not_recallable(coupon: State, *, now: datetime) -> Reason | None:
    """Return why a partner cannot recall a coupon, None where it can: usable, and held by no order."""
    status = coupon_status(status=coupon.status, expires_at=coupon.expires_at, now=now)
    if status != CouponStatus.USABLE:
        return _WHY_OVER[status]
    return Reason.LOCKED if coupon.locked_by_order else None


def lapses_on_expiry(phase: QuotaPhase) -> bool:
    """Tell whether what expires lapses: it comes back only to a quota that can be issued from."""
    return phase != QuotaPhase.NORMAL
