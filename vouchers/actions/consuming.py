"""
Consumption: the vendor's orders use coupons, hold them until they are paid, and give back what they used.

All of it comes from the vendor's billing. A refused operation changes nothing, and its record stays in the log.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db import transaction
from django.db.models import Case, F, Q, Value, When

from partner_center.audit import actions as audit
from partner_center.audit.models import Deed
from partner_center.tenancy.actors import Actor
from vouchers.actions import balances
from vouchers.actions.booking import Operation, book
from vouchers.actions.consumption_refusals import refusal_of
from vouchers.actions.ending import lock_coupons
from vouchers.models import Coupon
from vouchers.queries.consumption import Uses, uses_by_orders
from vouchers.rules import CouponStatus, OperationType, QuotaPhase, Reason
from vouchers.rules.consuming import (
    Destination,
    Order,
    refund_goes_to,
    why_not_consumed,
    why_not_refunded,
    why_not_usable,
)


@dataclass(frozen=True, kw_only=True)
class Movement:
    """
    What billing says of one order and one coupon.

    :param coupon: its pk
    :param operation: CONSUME or REFUND
    :param amount_minor: None in a refund means: all that the order has used
    :param at: when it happened; the validity of the coupon is judged by it
    """

    coupon: int
    operation: OperationType
    order: Order
    amount_minor: int | None
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Settled:
    """
    What became of a movement.

    :param coupon: as it stands now
    :param reason: why nothing moved, None when it did
    :param destination: of a refund: where the money went
    """

    movement: Movement
    coupon: Coupon
    amount_minor: int
    reason: Reason | None = None
    destination: Destination = Destination.COUPON

    @property
    def operation(self) -> OperationType:
        """A refund that goes past its coupon is a return (domain.md 8 row 16)."""
        return self.movement.operation if self.destination == Destination.COUPON else OperationType.RETURN


def consume(
    *,
    coupon: Coupon,
    amount_minor: int,
    order_id: str,
    actor: Actor,
    now: datetime,
    order_total_minor: int | None = None,
    order_type: str = "",
) -> Settled:
    """
    Let an order use an amount of a coupon; a lock of that order ends with it.

    Not to be called inside a transaction that rolls back on a Refusal: the record of the failure would go with it.

    :param order_total_minor: None when billing does not say; then minimum order and ratio are not judged
    :param order_type: an OrderType, empty when billing does not say
    :raises CouponRefused: one of vouchers/actions/consumption_refusals.py
    """
    order = Order(id=order_id, total_minor=order_total_minor, type=order_type)
    movement = Movement(
        coupon=coupon.pk, operation=OperationType.CONSUME, order=order, amount_minor=amount_minor, at=now
    )
    return _settle_one(movement, actor, now)


def refund(*, coupon: Coupon, order_id: str, actor: Actor, now: datetime, amount_minor: int | None = None) -> Settled:
    """
    Give back what an order has used: to the coupon, or past it when that has ended (domain.md 8 row 16).

    :param amount_minor: a part of it; None means all that is not given back yet
    :raises RefundTooLarge: when the order has not used that much
    """
    order = Order(id=order_id)
    movement = Movement(
        coupon=coupon.pk, operation=OperationType.REFUND, order=order, amount_minor=amount_minor, at=now
    )
    return _settle_one(movement, actor, now)


def lock(*, coupon: Coupon, order_id: str, actor: Actor, now: datetime) -> None:
    """
    Hold a coupon for an order that is not paid yet: nobody recalls it and no other order uses it meanwhile.

    :raises CouponRefused: when it cannot be used, or another order holds it
    """
    with transaction.atomic():
        (held,) = lock_coupons(Q(pk=coupon.pk))
        reason = why_not_usable(held, order_id=order_id, now=now)
        if reason is not None:
            raise refusal_of(reason)
        if held.locked_by_order != order_id:
            Coupon.objects.filter(pk=held.pk).update(locked_by_order=order_id)
            audit.record(deed=Deed.COUPON_LOCKED, actor=actor, partner=held.partner, target=held, now=now)


def unlock(*, coupon: Coupon, order_id: str, actor: Actor, now: datetime) -> None:
    """
    Let go of a coupon that an order held and will not use; one that nobody holds stays as it is.

    :raises CouponLocked: when another order holds it
    """
    with transaction.atomic():
        (held,) = lock_coupons(Q(pk=coupon.pk))
        if held.locked_by_order not in {"", order_id}:
            raise refusal_of(Reason.LOCKED)
        if held.locked_by_order:
            Coupon.objects.filter(pk=held.pk).update(locked_by_order="")
            audit.record(deed=Deed.COUPON_UNLOCKED, actor=actor, partner=held.partner, target=held, now=now)


def _settle_one(movement: Movement, actor: Actor, now: datetime) -> Settled:
    with transaction.atomic():
        till = _Till(Q(pk=movement.coupon), now=now)
        settled = till.settle(movement)
        _book([settled], actor, now)
    if settled.reason is not None:
        raise refusal_of(settled.reason)
    return settled


# --- many at once, from a file ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ImportedRow:
    """One row of billing's file: its number there, the pk of its coupon, and what happened."""

    number: int
    coupon: int
    operation: OperationType
    order_id: str
    amount_minor: int | None
    at: datetime


@dataclass
class ImportReport:
    """What became of a file: rows that moved money, rows that had done so before, rows refused and why."""

    applied: int
    unchanged: int
    refused: list[tuple[int, Reason]]
    is_written: bool


def import_consumption(
    rows: Sequence[ImportedRow], *, is_whole: bool, skips_refused: bool, actor: Actor, now: datetime
) -> ImportReport:
    """
    Judge all rows behind one set of locks, in their order, then write all of them or none.

    A row whose order and coupon have met before, with the same amount, is left as it is: the same file twice changes
    nothing. Refused rows are told to whoever imports and leave no record, or each repetition would add one.

    :param is_whole: whether every row of the file could be read
    :param skips_refused: write the good rows although others are refused or could not be read
    """
    with transaction.atomic():
        till = _Till(Q(pk__in={row.coupon for row in rows}), now=now)
        settled = [(row.number, till.settle_row(row)) for row in rows]
        refused = [(number, each) for number, each in settled if isinstance(each, Reason)]
        moved = [each for _number, each in settled if isinstance(each, Settled)]
        is_written = skips_refused or (is_whole and not refused)
        if is_written:
            _book(moved, actor, now)
        else:
            transaction.set_rollback(True)
    unchanged = len(rows) - len(refused) - len(moved)
    return ImportReport(len(moved), unchanged, refused, is_written)


# --- moving ----------------------------------------------------------------------------------------------------------


class _Till:
    """Coupons and their quotas behind locks, and what orders have used of them: what stands here decides."""

    def __init__(self, chosen: Q, *, now: datetime) -> None:
        self.now = now
        self.coupons = {coupon.pk: coupon for coupon in lock_coupons(chosen)}
        self.uses: Uses = uses_by_orders(self.coupons)

    def settle(self, movement: Movement) -> Settled:
        """Move what a movement asks for, or find why not; nothing is booked yet."""
        coupon = self.coupons[movement.coupon]
        settled = self._consumed(movement, coupon) if _takes(movement) else self._refunded(movement, coupon)
        if settled.reason is None:
            self._note(settled)
        return settled

    def settle_row(self, row: ImportedRow) -> Settled | Reason | None:
        """Settle a row of a file; None when its order and coupon have met before and agree."""
        use, takes = self.uses[row.coupon, row.order_id], row.operation == OperationType.CONSUME
        before = use.consumed_minor if takes else use.refunded_minor
        if before and row.amount_minor in {None, before}:
            return None
        if before:
            return Reason.ORDER_ALREADY_PAID if takes else Reason.REFUND_TOO_LARGE
        order = Order(id=row.order_id)
        settled = self.settle(
            Movement(coupon=row.coupon, operation=row.operation, order=order, amount_minor=row.amount_minor, at=row.at)
        )
        return settled.reason or settled

    def _consumed(self, movement: Movement, coupon: Coupon) -> Settled:
        amount, at = movement.amount_minor or 0, movement.at
        paid = self.uses[coupon.pk, movement.order.id].paid_minor
        reason = why_not_consumed(coupon, order=movement.order, amount_minor=amount, paid_minor=paid, now=at)
        if reason is None:
            _take_from(coupon, amount, at)
            balances.consume(coupon.quota, amount, now=self.now)
        return Settled(movement=movement, coupon=coupon, amount_minor=amount, reason=reason)

    def _refunded(self, movement: Movement, coupon: Coupon) -> Settled:
        paid = self.uses[coupon.pk, movement.order.id].paid_minor
        amount = paid if movement.amount_minor is None else movement.amount_minor
        if reason := why_not_refunded(amount, paid_minor=paid):
            return Settled(movement=movement, coupon=coupon, amount_minor=amount, reason=reason)
        is_open = coupon.quota.phase_at(self.now) == QuotaPhase.NORMAL
        goes_to = refund_goes_to(coupon, quota_is_open=is_open, now=self.now)
        if goes_to == Destination.COUPON:
            _give_to(coupon, amount)
            balances.refund(coupon.quota, amount, now=self.now)
        else:
            _pass_by(coupon, amount)
            balances.return_refund(coupon.quota, amount, lapses=goes_to == Destination.LAPSED, now=self.now)
        return Settled(movement=movement, coupon=coupon, amount_minor=amount, destination=goes_to)

    def _note(self, settled: Settled) -> None:
        """Remember what moved, for the next movement of the same coupon."""
        coupon = settled.coupon
        use = self.uses[coupon.pk, settled.movement.order.id]
        if _takes(settled.movement):
            use.consumed_minor += settled.amount_minor
        else:
            use.refunded_minor += settled.amount_minor
        coupon.refresh_from_db(fields=_MOVING)


_MOVING = ["status", "balance_minor", "consumed_minor", "recalled_minor", "expired_minor", "locked_by_order"]


def _takes(movement: Movement) -> bool:
    return movement.operation == OperationType.CONSUME


def _take_from(coupon: Coupon, amount_minor: int, at: datetime) -> None:
    """Take from a usable coupon that has so much; what is taken to the last unit is used up."""
    usable = Coupon.objects.filter(pk=coupon.pk, status=CouponStatus.USABLE, balance_minor__gte=amount_minor)
    is_last = Q(balance_minor=amount_minor)
    _changed_one(
        usable.update(
            balance_minor=F("balance_minor") - amount_minor,
            consumed_minor=F("consumed_minor") + amount_minor,
            status=Case(When(is_last, then=Value(CouponStatus.USED)), default=F("status")),
            ended_at=Case(When(is_last, then=Value(at)), default=F("ended_at")),
            locked_by_order="",
            last_used_at=at,
        )
    )


def _give_to(coupon: Coupon, amount_minor: int) -> None:
    """Fill a coupon again, also one that was used up."""
    alive = Coupon.objects.filter(pk=coupon.pk, status__in=(CouponStatus.USABLE, CouponStatus.USED))
    _changed_one(
        alive.filter(consumed_minor__gte=amount_minor).update(
            balance_minor=F("balance_minor") + amount_minor,
            consumed_minor=F("consumed_minor") - amount_minor,
            status=CouponStatus.USABLE,
            ended_at=None,
        )
    )


def _pass_by(coupon: Coupon, amount_minor: int) -> None:
    """Write on a coupon that has ended that this much of it was not consumed after all, and is gone as the rest is."""
    column = "recalled_minor" if coupon.status == CouponStatus.RECALLED else "expired_minor"
    changes = {"consumed_minor": F("consumed_minor") - amount_minor, column: F(column) + amount_minor}
    _changed_one(Coupon.objects.filter(pk=coupon.pk, consumed_minor__gte=amount_minor).update(**changes))


def _changed_one(rows: int) -> None:
    if rows != 1:
        raise RuntimeError("a coupon changed although it was locked")


def _book(settled: Iterable[Settled], actor: Actor, now: datetime) -> None:
    """Write entries and records; the ends of the logs are locked in the order of the partners' pks."""
    ordered = sorted(settled, key=lambda each: each.coupon.partner_id)
    for partner, group in groupby(ordered, key=lambda each: each.coupon.partner):
        book([_operation(each) for each in group], partner=partner, actor=actor, now=now)


def _operation(settled: Settled) -> Operation:
    coupon = settled.coupon
    return Operation(
        operation=settled.operation,
        quota=coupon.quota,
        amount_minor=settled.amount_minor,
        coupon=coupon,
        account=coupon.account,
        chosen_account=coupon.chosen_account,
        reason=settled.reason,
        lapses=settled.destination == Destination.LAPSED,
        order_id=settled.movement.order.id,
    )
