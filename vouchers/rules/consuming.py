"""When a coupon pays an order, and where the money of a refunded order goes. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from vouchers.rules.kinds import CouponStatus
from vouchers.rules.reasons import Reason

WHOLE = 100  # percent
_ENDED = {
    CouponStatus.USED: Reason.USED_UP,
    CouponStatus.EXPIRED: Reason.EXPIRED,
    CouponStatus.RECALLED: Reason.RECALLED,
}


class Payer(Protocol):
    """What the rules read of a coupon."""

    @property
    def status(self) -> str: ...
    @property
    def effective_at(self) -> datetime: ...
    @property
    def expires_at(self) -> datetime: ...
    @property
    def balance_minor(self) -> int: ...
    @property
    def locked_by_order(self) -> str: ...
    @property
    def min_order_minor(self) -> int | None: ...
    @property
    def ratio_percent(self) -> int | None: ...
    @property
    def order_types(self) -> list[str]: ...
    def status_at(self, now: datetime) -> CouponStatus: ...


@dataclass(frozen=True, kw_only=True)
class Order:
    """
    An order of the vendor's that a coupon pays, as far as billing tells of it.

    :param total_minor: None when billing does not say
    :param type: an OrderType, empty when billing does not say
    """

    id: str
    total_minor: int | None = None
    type: str = ""


class Destination(StrEnum):
    """Where the money of a refunded order goes (domain.md 8 row 16)."""

    COUPON = "coupon"
    QUOTA = "quota"
    LAPSED = "lapsed"


def why_not_usable(coupon: Payer, *, order_id: str, now: datetime) -> Reason | None:
    """Return why an order cannot use a coupon at all, whatever the amount."""
    status = coupon.status_at(now)
    if status in _ENDED:
        return _ENDED[status]
    if now < coupon.effective_at:
        return Reason.NOT_EFFECTIVE
    return Reason.LOCKED if coupon.locked_by_order not in {"", order_id} else None


def why_not_consumed(
    coupon: Payer, *, order: Order, amount_minor: int, paid_minor: int, now: datetime
) -> Reason | None:
    """
    Return why an amount of a coupon cannot pay an order.

    :param paid_minor: what the order has used of this coupon before and not got back: an order uses a coupon once, so
        that billing that reports it again takes nothing twice
    """
    if amount_minor <= 0:
        return Reason.BAD_REQUEST
    if paid_minor:
        return Reason.ORDER_ALREADY_PAID
    reason = why_not_usable(coupon, order_id=order.id, now=now)
    if reason is None and amount_minor > coupon.balance_minor:
        return Reason.NOT_ENOUGH_ON_COUPON
    return reason or _why_not_this_order(coupon, order, amount_minor)


def why_not_refunded(amount_minor: int, *, paid_minor: int) -> Reason | None:
    """Return why an order cannot be given back an amount: no more than it has used, less what it got back before."""
    return None if 0 < amount_minor <= paid_minor else Reason.REFUND_TOO_LARGE


def refund_goes_to(coupon: Payer, *, is_kept: bool, quota_is_open: bool, now: datetime) -> Destination:
    """
    Return where a refund goes: to the coupon while that could be used, else to its quota while that is open.

    :param is_kept: whether the holder may still have it; one who left gets nothing back to use (domain.md 4.15.9)
    """
    if is_kept and coupon.status in {CouponStatus.USABLE, CouponStatus.USED} and now < coupon.expires_at:
        return Destination.COUPON
    return Destination.QUOTA if quota_is_open else Destination.LAPSED


def _why_not_this_order(coupon: Payer, order: Order, amount_minor: int) -> Reason | None:
    total = order.total_minor
    if total is not None and total < (coupon.min_order_minor or 0):
        return Reason.ORDER_TOO_SMALL
    if total is not None and amount_minor * WHOLE > total * (coupon.ratio_percent or WHOLE):
        return Reason.ORDER_SHARE_TOO_LARGE
    if order.type and coupon.order_types and order.type not in coupon.order_types:
        return Reason.ORDER_TYPE_REFUSED
    return None
