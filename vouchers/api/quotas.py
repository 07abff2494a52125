"""Quotas of the key's partner (scope quota.read)."""

from datetime import datetime
from typing import Annotated

from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from partner_center import money
from partner_center.api.answers import ERRORS
from partner_center.api.auth import Bearer, partner_of
from partner_center.api.paging import Paged, page_of
from partner_center.api.rules import Scope
from vouchers.api.codes import KINDS_OF_QUOTAS, QUOTA_TYPES, QuotaState, QuotaType, in_quota_state, quota_state
from vouchers.api.fields import Listed, Moment, PublicId, ZeroWhenEmpty, between
from vouchers.models import Quota
from vouchers.rules import CouponKind

router = Router(tags=["quotas"], auth=Bearer(Scope.QUOTA_READ))


class QuotasWanted(Paged):
    """Which quotas; without quota_type those of vouchers. Empty lists are no filter here (domain.md 6.3)."""

    quota_ids: Annotated[list[PublicId], Field(max_length=50), Listed] = []
    quota_status_list: Annotated[list[QuotaState], Field(max_length=5), Listed] = []
    quota_type: Annotated[QuotaType, ZeroWhenEmpty] = QuotaType.VOUCHER
    create_time_begin: Moment | None = None
    create_time_end: Moment | None = None
    effective_time_begin: Moment | None = None
    effective_time_end: Moment | None = None
    expire_time_begin: Moment | None = None
    expire_time_end: Moment | None = None


class QuotaLimits(Schema):
    """What a quota allows; null and empty lists mean: not limited."""

    min_face_value: str | None
    max_face_value: str | None
    max_count: int | None
    max_total_face_value: str | None
    order_types: list[str]
    cloud_service_types: list[str]
    product_ids: list[str]
    association_types: list[str]
    whitelist_required: bool
    first_associated_only: bool
    named_customers_only: bool


class QuotaOut(Schema):
    """A quota (domain.md 3.6)."""

    quota_id: str
    quota_number: str
    quota_type: QuotaType
    quota_status: QuotaState
    quota_value: str
    balance: str
    currency: str
    create_time: Moment
    last_update_time: Moment
    effective_time: Moment
    expire_time: Moment
    limits: QuotaLimits


class QuotasPage(Schema):
    """Quotas, newest first, and how many there are in all."""

    total_count: int
    quotas: list[QuotaOut]


@router.get("/quotas", response={200: QuotasPage, **ERRORS}, url_name="quotas")
def list_quotas(request: HttpRequest, asked: Query[QuotasWanted]) -> QuotasPage:
    """List the quotas of the key's partner."""
    now = timezone.now()
    rows = Quota.objects.of(partner_of(request)).filter(_wanted(asked, now))
    total, page = page_of(rows, asked)
    return QuotasPage(total_count=total, quotas=[_out(quota, now) for quota in page])


def _wanted(asked: QuotasWanted, now: datetime) -> Q:
    wanted = Q(kind=KINDS_OF_QUOTAS[asked.quota_type])
    wanted &= between("created_at", asked.create_time_begin, asked.create_time_end)
    wanted &= between("effective_at", asked.effective_time_begin, asked.effective_time_end)
    wanted &= between("expires_at", asked.expire_time_begin, asked.expire_time_end)
    if asked.quota_ids:
        wanted &= Q(public_id__in=asked.quota_ids)
    states = Q()
    for state in asked.quota_status_list:
        states |= in_quota_state(state, now=now)
    return wanted & states


def _out(quota: Quota, now: datetime) -> QuotaOut:
    return QuotaOut(
        quota_id=quota.public_id,
        quota_number=quota.number,
        quota_type=QUOTA_TYPES[CouponKind(quota.kind)],
        quota_status=quota_state(quota, now=now),
        quota_value=money.typed(quota.total_minor, quota.currency),
        balance=money.typed(quota.balance_minor, quota.currency),
        currency=quota.currency,
        create_time=quota.created_at,
        last_update_time=quota.updated_at,
        effective_time=quota.effective_at,
        expire_time=quota.expires_at,
        limits=_limits(quota),
    )


def _limits(quota: Quota) -> QuotaLimits:
    def amount(minor: int | None) -> str | None:
        return None if minor is None else money.typed(minor, quota.currency)

    return QuotaLimits(
        min_face_value=amount(quota.min_face_minor),
        max_face_value=amount(quota.max_face_minor),
        max_count=quota.max_count,
        max_total_face_value=amount(quota.max_total_face_minor),
        order_types=quota.order_types,
        cloud_service_types=quota.services,
        product_ids=quota.products,
        association_types=quota.allowed_models,
        whitelist_required=quota.whitelist_required,
        first_associated_only=quota.first_associated_only,
        named_customers_only=quota.has_named_customers,
    )
