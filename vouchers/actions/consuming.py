"""
Consumption: the vendor's orders use coupons, hold them until they are paid, and give back what they used.

All of it comes from the vendor's billing. A refused operation changes nothing, and its record stays in the log.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils.functional import cached_property

from partner_center.audit import actions as audit
from partner_center.audit.models import Deed
from partner_center.tenancy.actors import Actor
from vouchers.actions import balances
from vouchers.actions.booking import Operation, book
from vouchers.actions.consumption_refusals import refusal_of
from vouchers.actions.ending import lock_coupons
from vouchers.models import Coupon, Quota
from vouchers.queries.consumption import Uses, kept_by_customers, uses_by_orders
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
        till.write()
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
        is_written = skips_refused or (is_whole and not refused)
        if is_written:
            till.write()
            _book(till.moved, actor, now)
    unchanged = len(rows) - len(refused) - len(till.moved)
    return ImportReport(len(till.moved) if is_written else 0, unchanged, refused, is_written)


# --- moving ----------------------------------------------------------------------------------------------------------


class _Till:
    """
    Coupons and their quotas behind locks, and what orders have used of them: what stands here decides.

    `settle` judges and counts here; `write` puts down each coupon and each quota once, however many rows a file had.
    """

    def __init__(self, chosen: Q, *, now: datetime) -> None:
        self.now = now
        self.coupons = {coupon.pk: coupon for coupon in lock_coupons(chosen)}
        self.found = {pk: _columns(coupon, _GUARD) for pk, coupon in self.coupons.items()}
        self.uses: Uses = uses_by_orders(self.coupons)
        self.moved: list[Settled] = []

    @cached_property
    def kept(self) -> set[int]:
        """Know the coupons that a refund may fill again; consumption does not ask."""
        return kept_by_customers(self.coupons)

    def settle(self, movement: Movement) -> Settled:
        """Judge a movement and count what it moves, or find why it cannot."""
        settled = self._consumed(movement) if _takes(movement) else self._refunded(movement)
        if settled.reason is None:
            self._count(settled)
            self.moved.append(settled)
        return settled

    def settle_row(self, row: ImportedRow) -> Settled | Reason | None:
        """Settle a row of a file; None when its order and coupon have met before and agree."""
        use, takes = self.uses[row.coupon, row.order_id], row.operation == OperationType.CONSUME
        before = use.consumed_minor if takes else use.refunded_minor
        if before and (row.amount_minor == before or (row.amount_minor is None and not use.paid_minor)):
            return None
        if before and row.amount_minor is not None:
            return Reason.ORDER_ALREADY_PAID if takes else Reason.REFUND_TOO_LARGE
        order = Order(id=row.order_id)
        settled = self.settle(
            Movement(coupon=row.coupon, operation=row.operation, order=order, amount_minor=row.amount_minor, at=row.at)
        )
        return settled.reason or settled

    def write(self) -> None:
        """Write what was counted: each coupon by one UPDATE that finds it as it was locked, then each quota."""
        for pk in {settled.coupon.pk for settled in self.moved}:
            unchanged = Coupon.objects.filter(pk=pk, **self.found[pk])
            if not unchanged.update(**_columns(self.coupons[pk], _GUARD + _TIMES)):
                raise RuntimeError("a coupon changed although it was locked")
        in_order = sorted(self.moved, key=lambda each: each.coupon.quota_id)
        for quota, group in groupby(in_order, key=lambda each: each.coupon.quota):
            _move_quota(quota, list(group), self.now)

    def _consumed(self, movement: Movement) -> Settled:
        coupon, amount = self.coupons[movement.coupon], movement.amount_minor or 0
        paid = self.uses[coupon.pk, movement.order.id].paid_minor
        reason = why_not_consumed(coupon, order=movement.order, amount_minor=amount, paid_minor=paid, now=movement.at)
        return Settled(movement=movement, coupon=coupon, amount_minor=amount, reason=reason)

    def _refunded(self, movement: Movement) -> Settled:
        coupon = self.coupons[movement.coupon]
        paid = self.uses[coupon.pk, movement.order.id].paid_minor
        amount = paid if movement.amount_minor is None else movement.amount_minor
        if reason := why_not_refunded(amount, paid_minor=paid):
            return Settled(movement=movement, coupon=coupon, amount_minor=amount, reason=reason)
        is_open = coupon.quota.phase_at(self.now) == QuotaPhase.NORMAL
        is_kept = coupon.pk in self.kept
        goes_to = refund_goes_to(coupon, is_kept=is_kept, quota_is_open=is_open, now=self.now)
        return Settled(movement=movement, coupon=coupon, amount_minor=amount, destination=goes_to)

    def _count(self, settled: Settled) -> None:
        """Change the coupon and the order's use here, for the next movement and for `write`."""
        coupon, amount = settled.coupon, settled.amount_minor
        use = self.uses[coupon.pk, settled.movement.order.id]
        if settled.operation == OperationType.CONSUME:
            use.consumed_minor += amount
            _take_from(coupon, amount, settled.movement.at)
            return
        use.refunded_minor += amount
        if settled.operation == OperationType.REFUND:
            _give_to(coupon, amount)
        else:
            _pass_by(coupon, amount)


_GUARD = ("status", "balance_minor", "consumed_minor", "recalled_minor", "expired_minor", "locked_by_order")
_TIMES = ("last_used_at", "ended_at")


def _columns(coupon: Coupon, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(coupon, name) for name in names}


def _takes(movement: Movement) -> bool:
    return movement.operation == OperationType.CONSUME


def _take_from(coupon: Coupon, amount_minor: int, at: datetime) -> None:
    """Take from a coupon and end its lock; what is taken to the last unit is used up."""
    coupon.balance_minor -= amount_minor
    coupon.consumed_minor += amount_minor
    coupon.locked_by_order, coupon.last_used_at = "", at
    if not coupon.balance_minor:
        coupon.status, coupon.ended_at = CouponStatus.USED, at


def _give_to(coupon: Coupon, amount_minor: int) -> None:
    """Fill a coupon again, also one that was used up."""
    coupon.balance_minor += amount_minor
    coupon.consumed_minor -= amount_minor
    coupon.status, coupon.ended_at = CouponStatus.USABLE, None


def _pass_by(coupon: Coupon, amount_minor: int) -> None:
    """Write on a coupon that has ended that this much of it was not consumed after all, and is gone as the rest is."""
    coupon.consumed_minor -= amount_minor
    if coupon.status == CouponStatus.RECALLED:
        coupon.recalled_minor += amount_minor
    else:
        coupon.expired_minor += amount_minor


def _move_quota(quota: Quota, settled: Iterable[Settled], now: datetime) -> None:
    """Move the sums on the quota; what was consumed and given back to coupons is one amount, in one direction."""
    sums: Counter[OperationType | Destination] = Counter()
    for each in settled:
        sums[each.operation if each.operation != OperationType.RETURN else each.destination] += each.amount_minor
    consumed = sums[OperationType.CONSUME] - sums[OperationType.REFUND]
    if consumed > 0:
        balances.consume(quota, consumed, now=now)
    if consumed < 0:
        balances.refund(quota, -consumed, now=now)
    for destination in (Destination.QUOTA, Destination.LAPSED):
        if amount := sums[destination]:
            balances.return_refund(quota, amount, lapses=destination == Destination.LAPSED, now=now)


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
