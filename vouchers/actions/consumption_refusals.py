"""Why an order cannot use a coupon or get back what it used: one refusal for each reason."""

from django.utils.translation import gettext_lazy as _

from partner_center.refusals import Refusal
from vouchers.rules import Reason


class CouponRefused(Refusal):
    """The base of all of them."""

    status = 400


class AmountNotPositive(CouponRefused):
    code = Reason.BAD_REQUEST.value
    message = _("The amount should be more than nothing.")


class CouponRecalled(CouponRefused):
    code = Reason.RECALLED.value
    message = Reason.RECALLED.label


class CouponUsedUp(CouponRefused):
    code = Reason.USED_UP.value
    message = Reason.USED_UP.label


class CouponExpired(CouponRefused):
    code = Reason.EXPIRED.value
    message = Reason.EXPIRED.label


class CouponNotEffective(CouponRefused):
    code = Reason.NOT_EFFECTIVE.value
    message = Reason.NOT_EFFECTIVE.label


class CouponLocked(CouponRefused):
    code = Reason.LOCKED.value
    message = Reason.LOCKED.label
    next_step = _("Wait until that order is paid, or cancel it.")


class NotEnoughOnCoupon(CouponRefused):
    code = Reason.NOT_ENOUGH_ON_COUPON.value
    message = Reason.NOT_ENOUGH_ON_COUPON.label
    next_step = _("Use what is left of it, and pay the rest in another way.")


class OrderTooSmall(CouponRefused):
    code = Reason.ORDER_TOO_SMALL.value
    message = Reason.ORDER_TOO_SMALL.label


class OrderShareTooLarge(CouponRefused):
    code = Reason.ORDER_SHARE_TOO_LARGE.value
    message = Reason.ORDER_SHARE_TOO_LARGE.label
    next_step = _("Use less of the coupon for this order.")


class OrderTypeRefused(CouponRefused):
    code = Reason.ORDER_TYPE_REFUSED.value
    message = Reason.ORDER_TYPE_REFUSED.label


class OrderAlreadyPaid(CouponRefused):
    code = Reason.ORDER_ALREADY_PAID.value
    message = Reason.ORDER_ALREADY_PAID.label
    next_step = _("Refund the order first if the amount was wrong.")


class RefundTooLarge(CouponRefused):
    code = Reason.REFUND_TOO_LARGE.value
    message = Reason.REFUND_TOO_LARGE.label


_BY_REASON: dict[str, type[CouponRefused]] = {
    kind.code: kind
    for kind in (
        AmountNotPositive, CouponRecalled, CouponUsedUp, CouponExpired, CouponNotEffective, CouponLocked,
        NotEnoughOnCoupon, OrderTooSmall, OrderShareTooLarge, OrderTypeRefused, OrderAlreadyPaid, RefundTooLarge,
    )
}  # fmt: skip


def refusal_of(reason: Reason) -> CouponRefused:
    """Return the refusal that says a reason."""
    return _BY_REASON[reason.value]()
