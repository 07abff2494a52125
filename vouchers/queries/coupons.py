"""Reads about issued coupons that span tables: which batch, which order, what happened to one."""

from collections.abc import Sequence
from typing import TypeVar

from django.db.models import QuerySet, Sum

from partner_center.jobs.models import Job, JobItem
from partner_center.jobs.rules import ItemState
from partner_center.tenancy.models import Partner
from vouchers.models import Coupon, LedgerEntry, OperationRecord, OperationResult
from vouchers.rules import RECALLS

# Of what happened to one coupon; the operation log lists all of it.
MOST_SHOWN = 100
MOST_OF_ORDER = 1000
Rows = TypeVar("Rows", bound=QuerySet[Coupon])


def issued_by_job(coupons: Rows, public_id: str) -> Rows:
    return coupons.filter(job__public_id=public_id)


def recalled_by_job(coupons: Rows, public_id: str, *, partner: Partner) -> Rows:
    """Keep what a batch really recalled; the job itself may be of any member of the partner."""
    jobs = Job.objects.of(partner).filter(public_id=public_id, kind="recall")
    done = JobItem.objects.filter(job__in=jobs, state=ItemState.DONE).values("object_id")
    return coupons.filter(public_id__in=done)


def of_order(coupons: Rows, order_id: str, *, partner: Partner) -> Rows:
    """
    Keep the coupons that an order has used, or holds while it is unpaid.

    An order takes few coupons: their keys are read first, so that indexes answer and no list of coupons is searched.
    """
    used = LedgerEntry.objects.of(partner).filter(order_id=order_id).values_list("coupon", flat=True).distinct()
    held = Coupon.objects.of(partner).filter(locked_by_order=order_id).values_list("pk", flat=True)
    return coupons.filter(pk__in={*used[:MOST_OF_ORDER], *held[:MOST_OF_ORDER]})


def recalled_in_all(coupons: QuerySet[Coupon]) -> dict[str, int]:
    """Sum by currency what recalls brought back of coupons; what a refund brought past them later is not of it."""
    entries = LedgerEntry.objects.filter(coupon__in=coupons.order_by().values("pk"), operation__in=RECALLS)
    return dict(entries.order_by().values_list("currency").annotate(total=Sum("amount_minor")))


def recalled_by(coupon: Coupon) -> str:
    """Name the person who recalled a coupon, "" where the system did or nobody has."""
    records = OperationRecord.objects.of(coupon.partner).filter(
        coupon_id=coupon.public_id, operation__in=RECALLS, result=OperationResult.SUCCESS
    )
    record = records.order_by("-pk").first()
    return record.actor_name if record is not None and record.actor_kind != "system" else ""


def usage_of(coupon: Coupon) -> Sequence[LedgerEntry]:
    """Return the newest of what moved on a coupon, newest first."""
    return list(LedgerEntry.objects.of(coupon.partner).filter(coupon=coupon).order_by("-pk")[:MOST_SHOWN])


def operations_on(coupon: Coupon) -> Sequence[OperationRecord]:
    """Return the newest of what was done to a coupon or tried, newest first."""
    records = OperationRecord.objects.of(coupon.partner).filter(coupon_id=coupon.public_id)
    return list(records.order_by("-pk")[:MOST_SHOWN])
