"""The end of coupons, recalled or expired: lock, empty by one guarded UPDATE, move the amounts back, tell, book."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from django.db import connection
from django.db.models import F, Q

from partner_center.tenancy.actors import Actor
from vouchers.actions import balances
from vouchers.actions.announcing import announce_recalled
from vouchers.actions.booking import Operation, book
from vouchers.models import Coupon, Quota
from vouchers.rules import RECALLS, CouponStatus, OperationType
from vouchers.rules.recalling import lapses_on_expiry

_RECALLED = ("recalled_minor", CouponStatus.RECALLED)
_EXPIRED = ("expired_minor", CouponStatus.EXPIRED)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """
    Why coupons end.

    :param operation: one of RECALLS, or EXPIRE
    :param reason_for_customer: told to the customers, may be empty
    :param remark: for the eyes of the issuing partner only
    :param job_id: public id of the batch
    """

    operation: OperationType
    reason_for_customer: str = ""
    remark: str = ""
    job_id: str = ""

    @property
    def is_recall(self) -> bool:
        return self.operation in RECALLS


def lock_coupons(chosen: Q, *, skips_locked: bool = False) -> list[Coupon]:
    """
    Lock coupons behind their quotas, both in the order of their pks, and return them as they stand now.

    The quota of a coupon never changes, so it can be read before the locks. What is chosen should not depend on
    anything else that moves: coupons that come to match in between are left out.

    :param skips_locked: leave out what somebody else holds, where the database can
    """
    found = list(Coupon.objects.filter(chosen).order_by().values_list("pk", "quota_id"))
    quotas = balances.lock_quotas(quota_id for _pk, quota_id in found)
    skip = skips_locked and connection.features.has_select_for_update_skip_locked
    rows = Coupon.objects.filter(chosen, pk__in=[pk for pk, _quota_id in found])
    rows = rows.select_related("account__user", "chosen_account", "partner")
    coupons = list(rows.order_by("pk").select_for_update(of=("self",), no_key=True, skip_locked=skip))
    for coupon in coupons:
        coupon.quota = quotas[coupon.quota_id]
    return coupons


def end(coupons: Sequence[Coupon], ending: Ending, *, actor: Actor, now: datetime) -> None:
    """
    Take all that is left of locked, usable coupons, and book it for each of their partners.

    Afterwards the coupons' `balance_minor` still says what was taken, for the caller to report.

    :param coupons: as `lock_coupons` returned them
    """
    if not coupons:
        return
    _empty(coupons, ending, now)
    for quota, group in groupby(sorted(coupons, key=lambda each: each.quota_id), key=lambda each: each.quota):
        _give_back(quota, sum(coupon.balance_minor for coupon in group), ending, now)
    if ending.is_recall:
        announce_recalled(coupons, now=now)
    # The ends of the logs are locked last, in the order of the partners' pks.
    for partner, group in groupby(sorted(coupons, key=lambda each: each.partner_id), key=lambda each: each.partner):
        book([_operation(coupon, ending, now) for coupon in group], partner=partner, actor=actor, now=now)


def _empty(coupons: Sequence[Coupon], ending: Ending, now: datetime) -> None:
    """Move each balance to where it ends by one statement: the amount is the balance that this statement finds."""
    column, status = _RECALLED if ending.is_recall else _EXPIRED
    in_time = Q(expires_at__gt=now) if ending.is_recall else Q(expires_at__lte=now)
    usable = Coupon.objects.filter(in_time, pk__in=[coupon.pk for coupon in coupons], status=CouponStatus.USABLE)
    emptied = usable.update(
        **{column: F(column) + F("balance_minor")},
        balance_minor=0,
        status=status,
        recall_reason=ending.reason_for_customer,
        locked_by_order="",
        ended_at=now,
    )
    if emptied != len(coupons):
        raise RuntimeError("a coupon changed although it was locked")


def _give_back(quota: Quota, amount_minor: int, ending: Ending, now: datetime) -> None:
    if _lapses(quota, ending, now):
        balances.lapse(quota, amount_minor, now=now)
    else:
        balances.give_back(quota, amount_minor, now=now)


def _lapses(quota: Quota, ending: Ending, now: datetime) -> bool:
    """A recall is credited for the books even where nothing can be issued any more (domain.md 4.15.6)."""
    return not ending.is_recall and lapses_on_expiry(quota.phase_at(now))


def _operation(coupon: Coupon, ending: Ending, now: datetime) -> Operation:
    """Describe what is taken; where an order held the coupon, the record names it."""
    return Operation(
        operation=ending.operation,
        quota=coupon.quota,
        amount_minor=coupon.balance_minor,
        coupon=coupon,
        account=coupon.account,
        chosen_account=coupon.chosen_account,
        lapses=_lapses(coupon.quota, ending, now),
        order_id=coupon.locked_by_order,
        remark=ending.remark,
        job_id=ending.job_id,
    )
