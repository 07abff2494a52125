"""
The guarded columns of a quota: every amount that moves, moves here, by one conditional UPDATE (ADR 0003).

Lock order of the house for whatever touches quotas: whitelist, associations by pk, quotas by pk, coupons by pk, ends
of operation logs by pk of the partner, ends of audit logs (audit.written_last). Who keeps to it waits for nobody in a
ring.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import BigIntegerField, F, Q
from django.db.models.functions import Coalesce

from vouchers.models import Quota

_NO_LIMIT = 2**62


def lock_quotas(pks: Iterable[int]) -> dict[int, Quota]:
    """Lock quotas in the order of their pks and return them by pk, as they stand now."""
    rows = Quota.objects.select_for_update(of=("self",), no_key=True).select_related("partner")
    return {quota.pk: quota for quota in rows.filter(pk__in=set(pks)).order_by("pk")}


def take(quota: Quota, *, face_minor: int, count: int, now: datetime) -> bool:
    """
    Move the face values of new coupons out of a quota's balance, if it is open and has room for all of them.

    :param face_minor: of one coupon
    :returns: whether it had; if not, nothing was moved
    """
    amount = face_minor * count
    room = (
        Q(balance_minor__gte=amount)
        & Q(issued_count__lte=Coalesce(F("max_count"), _NO_LIMIT, output_field=BigIntegerField()) - count)
        & Q(issued_face_minor__lte=Coalesce(F("max_total_face_minor"), _NO_LIMIT) - amount)
    )
    taken = (
        Quota.objects.open(now=now)
        .filter(room, pk=quota.pk)
        .update(
            balance_minor=F("balance_minor") - amount,
            outstanding_minor=F("outstanding_minor") + amount,
            issued_count=F("issued_count") + count,
            issued_face_minor=F("issued_face_minor") + amount,
            updated_at=now,
        )
    )
    return bool(taken)


def give_back(quota: Quota, amount_minor: int, *, now: datetime) -> None:
    """Move what was recalled from customers back to the balance."""
    _move(quota, "outstanding_minor", "balance_minor", amount_minor, now)


def lapse(quota: Quota, amount_minor: int, *, now: datetime) -> None:
    """Move what ran out with customers to where nobody can issue it from: the quota has ended."""
    _move(quota, "outstanding_minor", "lapsed_minor", amount_minor, now)


def consume(quota: Quota, amount_minor: int, *, now: datetime) -> None:
    """Move what paid an order from what customers hold to what is consumed."""
    _move(quota, "outstanding_minor", "consumed_minor", amount_minor, now)


def refund(quota: Quota, amount_minor: int, *, now: datetime) -> None:
    """Move what a refunded order gives back to its coupon."""
    _move(quota, "consumed_minor", "outstanding_minor", amount_minor, now)


def return_refund(quota: Quota, amount_minor: int, *, lapses: bool, now: datetime) -> None:
    """Move what a refunded order gives back past a coupon that has ended."""
    _move(quota, "consumed_minor", "lapsed_minor" if lapses else "balance_minor", amount_minor, now)


def _move(quota: Quota, source: str, target: str, amount_minor: int, now: datetime) -> None:
    """Constraints refuse what would leave the source negative: then the books were wrong, and nobody's input was."""
    changes = {source: F(source) - amount_minor, target: F(target) + amount_minor}
    Quota.objects.filter(pk=quota.pk).update(**changes, updated_at=now)
