"""What the vendor's billing posts: orders that use coupons, hold them, or are refunded (scope consumption.write)."""

from typing import Literal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Path, Router, Schema
from pydantic import Field

from partner_center import money
from partner_center.api.answers import ERRORS, ONCE, answer_once, done
from partner_center.api.auth import Bearer, actor_of
from partner_center.api.idempotency import Answer
from partner_center.api.rules import Scope
from vouchers.actions import consuming
from vouchers.api.errors import said
from vouchers.api.fields import Amount, CouponNumber, OrderId, minor
from vouchers.models import Coupon
from vouchers.rules import CouponStatus, OperationType, OrderType

router = Router(tags=["billing"], auth=Bearer(Scope.CONSUMPTION_WRITE))


class OrderOfCoupon(Schema):
    """An order and the coupon it is about."""

    coupon_number: CouponNumber
    order_id: OrderId


class Consumption(OrderOfCoupon):
    """An order uses an amount of a coupon; billing that tells total and type has them judged too."""

    amount: Amount
    order_total: Amount | None = None
    order_type: OrderType | None = None


class Refund(OrderOfCoupon):
    """An order gives back what it used of a coupon; without an amount all of it."""

    amount: Amount | None = None


class Moved(OrderOfCoupon):
    """What moved, where it went, and how the coupon stands now."""

    amount: str
    currency: str
    destination: Literal["order", "coupon", "quota", "lapsed"] = Field(description="where the amount went")
    balance: str
    status: CouponStatus


@router.post("/consumptions", response={200: Moved, **ERRORS}, openapi_extra=ONCE, url_name="consumptions")
def consume(request: HttpRequest, payload: Consumption) -> HttpResponse:
    """Let an order use an amount of a coupon."""
    now, actor = timezone.now(), actor_of(request)
    coupon = _coupon(payload.coupon_number)
    amount = minor(payload.amount, coupon.currency, name="amount")
    total = minor(payload.order_total, coupon.currency, name="order_total") if payload.order_total else None

    def work() -> Answer:
        settled = consuming.consume(
            coupon=coupon,
            amount_minor=amount,
            order_id=payload.order_id,
            order_total_minor=total,
            order_type=payload.order_type or "",
            actor=actor,
            now=now,
        )
        return done(_moved(settled))

    return answer_once(request, work, now=now, refused=said)


@router.post("/refunds", response={200: Moved, **ERRORS}, openapi_extra=ONCE, url_name="refunds")
def refund(request: HttpRequest, payload: Refund) -> HttpResponse:
    """Give back what an order has used: to the coupon, or past it when that was recalled or has expired."""
    now, actor = timezone.now(), actor_of(request)
    coupon = _coupon(payload.coupon_number)
    amount = minor(payload.amount, coupon.currency, name="amount") if payload.amount else None

    def work() -> Answer:
        settled = consuming.refund(coupon=coupon, order_id=payload.order_id, amount_minor=amount, actor=actor, now=now)
        return done(_moved(settled))

    return answer_once(request, work, now=now, refused=said)


@router.post("/locks", response={204: None, **ERRORS}, openapi_extra=ONCE, url_name="locks")
def lock(request: HttpRequest, payload: OrderOfCoupon) -> HttpResponse:
    """Hold a coupon for an order that is not paid yet."""
    now, actor = timezone.now(), actor_of(request)
    coupon = _coupon(payload.coupon_number)

    def work() -> Answer:
        consuming.lock(coupon=coupon, order_id=payload.order_id, actor=actor, now=now)
        return done()

    return answer_once(request, work, now=now, refused=said)


@router.delete("/locks/{coupon_number}/{order_id}", response={204: None, **ERRORS}, openapi_extra=ONCE, url_name="lock")
def unlock(request: HttpRequest, payload: Path[OrderOfCoupon]) -> HttpResponse:
    """Let go of a coupon that an order held and will not use."""
    now, actor = timezone.now(), actor_of(request)
    coupon = _coupon(payload.coupon_number)

    def work() -> Answer:
        consuming.unlock(coupon=coupon, order_id=payload.order_id, actor=actor, now=now)
        return done()

    return answer_once(request, work, now=now, refused=said)


def _coupon(number: str) -> Coupon:
    """Billing is the vendor's: it reaches the coupons of all partners."""
    return get_object_or_404(Coupon, number=number)


def _moved(settled: consuming.Settled) -> Moved:
    coupon = settled.coupon
    is_consumption = settled.operation == OperationType.CONSUME
    return Moved(
        coupon_number=coupon.number,
        order_id=settled.movement.order.id,
        amount=money.typed(settled.amount_minor, coupon.currency),
        currency=coupon.currency,
        destination="order" if is_consumption else settled.destination.value,
        balance=money.typed(coupon.balance_minor, coupon.currency),
        status=CouponStatus(coupon.status),
    )
