"""Operation records of the key's partner (scope coupon_log.read)."""

from typing import Annotated

from django.db.models import Q
from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from partner_center import money
from partner_center.api.answers import ERRORS
from partner_center.api.auth import Bearer, partner_of
from partner_center.api.paging import Paged, page_of
from partner_center.api.rules import Scope
from partner_center.tenancy.models import Partner
from vouchers.api.codes import KINDS_OF_QUOTAS, OPERATIONS, QUOTA_TYPES, QuotaType, operations_of
from vouchers.api.fields import Listed, Moment, PublicId, between
from vouchers.models import OperationRecord, OperationResult, Quota
from vouchers.rules import CouponKind, OperationType

router = Router(tags=["records"], auth=Bearer(Scope.COUPON_LOG_READ))

# Any other value is no filter (domain.md 6.3).
RESULTS = {"0": OperationResult.SUCCESS, "-1": OperationResult.FAILURE}
MostlyId = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_-]*$")]


class RecordsWanted(Paged):
    """Which records; lists and ids that are given and empty are filters that nothing passes (domain.md 6.3)."""

    operation_types: Annotated[list[int] | None, Field(max_length=9), Listed] = None
    quota_id: MostlyId | None = None
    quota_type: QuotaType | None = None
    coupon_ids: Annotated[list[PublicId] | None, Field(max_length=100), Listed] = None
    customer_id: PublicId | None = None
    operation_time_begin: Moment | None = None
    operation_time_end: Moment | None = None
    result: str | None = Field(None, max_length=64, description="0 success, -1 failure; anything else: all")


class RecordOut(Schema):
    """What was done to one coupon or quota, or refused (domain.md 3.8)."""

    id: str
    operation_type: int
    operation_time: Moment
    result: int
    reason: str
    quota_id: str
    quota_number: str
    quota_type: QuotaType
    coupon_id: str
    customer_id: str
    operation_amount: str
    currency: str
    order_id: str
    operator: str
    remark: str


class RecordsPage(Schema):
    """Records, newest first, and how many there are in all."""

    total_count: int
    records: list[RecordOut]


@router.get("/records", response={200: RecordsPage, **ERRORS}, url_name="records")
def list_records(request: HttpRequest, asked: Query[RecordsWanted]) -> RecordsPage:
    """List the operation records of the key's partner."""
    partner = partner_of(request)
    rows = OperationRecord.objects.of(partner).filter(_wanted(asked, partner))
    total, page = page_of(rows, asked)
    numbers = {record.quota_number for record in page}
    ids = dict(Quota.objects.of(partner).filter(number__in=numbers).values_list("number", "public_id"))
    return RecordsPage(total_count=total, records=[_out(record, ids) for record in page])


def _wanted(asked: RecordsWanted, partner: Partner) -> Q:
    wanted = between("occurred_at", asked.operation_time_begin, asked.operation_time_end)
    if asked.operation_types is not None:
        wanted &= Q(operation__in=operations_of(asked.operation_types))
    if asked.quota_id is not None:
        own = Quota.objects.of(partner).filter(public_id=asked.quota_id)
        wanted &= Q(quota_number__in=list(own.values_list("number", flat=True)))
    if asked.quota_type is not None:
        wanted &= Q(kind=KINDS_OF_QUOTAS[asked.quota_type])
    if asked.coupon_ids is not None:
        wanted &= Q(coupon_id__in=asked.coupon_ids)
    if asked.customer_id is not None:
        wanted &= Q(account_id=asked.customer_id)
    if asked.result in RESULTS:
        wanted &= Q(result=RESULTS[asked.result])
    return wanted


def _out(record: OperationRecord, quota_ids: dict[str, str]) -> RecordOut:
    return RecordOut(
        id=record.public_id,
        operation_type=OPERATIONS[OperationType(record.operation)],
        operation_time=record.occurred_at,
        result=0 if record.result == OperationResult.SUCCESS else -1,
        reason=record.reason,
        quota_id=quota_ids.get(record.quota_number, ""),
        quota_number=record.quota_number,
        quota_type=QUOTA_TYPES[CouponKind(record.kind)],
        coupon_id=record.coupon_id,
        customer_id=record.account_id,
        operation_amount=money.typed(record.amount_minor, record.currency),
        currency=record.currency,
        order_id=record.order_id,
        operator=record.actor_name or record.actor_kind,
        remark=record.remark,
    )
