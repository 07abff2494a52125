"""Coupons of the key's partner: issue, list, recall (scopes coupon.issue, coupon.read, coupon.recall)."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import Field

from partner_center import masking, money
from partner_center.api.answers import ERRORS, ONCE, answer_once, done
from partner_center.api.auth import Bearer, actor_of, partner_of
from partner_center.api.idempotency import Answer
from partner_center.api.paging import Paged, page_of
from partner_center.api.rules import Scope
from partner_center.tenancy.models import Partner
from partner_center.verification import proofs
from partner_center.verification.rules import ProtectedOperation
from vouchers.actions.issuing import MOST_AT_ONCE, IssueRefused, Outcome, digest_of, issue_now
from vouchers.actions.recalling import digest_of_recall, recall_one
from vouchers.api.codes import COUPON_TYPES, KINDS_OF_COUPONS, CouponState, CouponType, coupon_state, in_coupon_state
from vouchers.api.errors import said
from vouchers.api.fields import LINE, Amount, Moment, OrderId, PublicId, between, minor
from vouchers.models import Coupon, LedgerEntry, Quota
from vouchers.rules import CouponKind, OrderType, Reason, answer, words
from vouchers.rules.issuing import Terms, terms_within

router = Router(tags=["coupons"])

Scopes = Annotated[list[Annotated[str, Field(min_length=1, max_length=64, pattern=LINE)]], Field(max_length=10)]


# --- issue -----------------------------------------------------------------------------------------------------------


class Issue(Schema):
    """Coupons of one face value for up to 100 customers; what is left out is the quota's."""

    quota_id: PublicId
    customer_ids: Annotated[list[PublicId], Field(min_length=1, max_length=MOST_AT_ONCE)]
    face_value: Amount
    valid_time: Moment | None = None
    expire_time: Moment | None = None
    min_order_amount: Amount | None = None
    ratio_percent: int | None = Field(None, ge=1, le=100, description="not for vouchers")
    order_types: Annotated[list[OrderType], Field(max_length=len(OrderType))] = []
    cloud_service_types: Scopes = []
    product_ids: Scopes = []
    memo: str | None = Field(None, max_length=256, pattern=LINE, description="for the issuing partner only")


class IssuedTo(Schema):
    """A customer and the coupon it got; a member's cash coupon is held by its master."""

    id: str
    coupon_id: str
    coupon_number: str


class RefusedTo(Schema):
    """A customer that got none, and why."""

    id: str
    error_code: str
    error_msg: str


class IssueResult(Schema):
    """What became of every customer, in the order given; also when nobody got any."""

    coupon_infos: list[IssuedTo]
    error_details: list[RefusedTo]


@router.post(
    "/coupons",
    response={200: IssueResult, **ERRORS},
    auth=Bearer(Scope.COUPON_ISSUE),
    openapi_extra=ONCE,
    url_name="issue",
)
def issue(request: HttpRequest, payload: Issue) -> HttpResponse:
    """Issue coupons from a quota, to each customer by itself."""
    now, partner, actor = timezone.now(), partner_of(request), actor_of(request)

    def work() -> Answer:
        quota = _quota(partner, payload.quota_id)
        accounts, terms = payload.customer_ids, _terms(payload, quota)
        digest = digest_of(quota=quota, accounts=accounts, terms=terms)
        outcomes = issue_now(
            quota=quota,
            accounts=accounts,
            terms=terms,
            member=None,
            partner=partner,
            proof=proofs.for_api(operation=ProtectedOperation.ISSUE, digest=digest),
            actor=actor,
            now=now,
        )
        return done(_result(accounts, outcomes))

    return answer_once(request, work, now=now, refused=said)


def _quota(partner: Partner, public_id: str) -> Quota:
    """What does not exist, is another partner's or cannot be issued from is told alike (domain.md 6.6)."""
    quota = Quota.objects.of(partner).select_related("partner").filter(public_id=public_id).first()
    if quota is None:
        raise IssueRefused(Reason.QUOTA_NOT_NORMAL)
    return quota


def _terms(asked: Issue, quota: Quota) -> Terms:
    least = asked.min_order_amount
    return terms_within(
        quota,
        face_minor=minor(asked.face_value, quota.currency, name="face_value"),
        effective_at=asked.valid_time,
        expires_at=asked.expire_time,
        min_order_minor=minor(least, quota.currency, name="min_order_amount") if least else None,
        ratio_percent=asked.ratio_percent,
        order_types=tuple(asked.order_types),
        services=tuple(asked.cloud_service_types),
        products=tuple(asked.product_ids),
        remark=asked.memo or "",
    )


def _result(customer_ids: Iterable[str], outcomes: Iterable[Outcome]) -> IssueResult:
    result = IssueResult(coupon_infos=[], error_details=[])
    for customer_id, outcome in zip(customer_ids, outcomes, strict=True):
        if outcome.coupon is not None:
            coupon = outcome.coupon
            result.coupon_infos.append(
                IssuedTo(id=customer_id, coupon_id=coupon.public_id, coupon_number=coupon.number)
            )
        else:
            reason = outcome.reason or Reason.BAD_REQUEST
            code, why = answer(reason).code, str(words(reason))
            result.error_details.append(RefusedTo(id=customer_id, error_code=code, error_msg=why))
    return result


# --- list ------------------------------------------------------------------------------------------------------------


class CouponsWanted(Paged):
    """Which coupons; times are exclusive."""

    coupon_id: PublicId | None = None
    customer_id: PublicId | None = None
    order_id: OrderId | None = Field(None, description="coupons that this order used or holds")
    coupon_type: CouponType | None = None
    status: CouponState | None = None
    create_time_begin: Moment | None = None
    create_time_end: Moment | None = None
    effective_time_begin: Moment | None = None
    effective_time_end: Moment | None = None
    expire_time_begin: Moment | None = None
    expire_time_end: Moment | None = None


class CouponOut(Schema):
    """An issued coupon (domain.md 3.7); who holds it is masked."""

    coupon_id: str
    coupon_number: str
    coupon_type: CouponType
    status: CouponState
    customer_id: str
    customer_name: str
    account_name: str
    association_type: str
    quota_id: str
    face_value: str
    balance: str
    currency: str
    min_order_amount: str | None
    ratio_percent: int | None
    order_types: list[str]
    cloud_service_types: list[str]
    product_ids: list[str]
    lock_order_id: str
    remark: str
    create_time: Moment
    effective_time: Moment
    expire_time: Moment
    last_used_time: Moment | None


class CouponsPage(Schema):
    """Coupons, newest first, and how many there are in all."""

    total_count: int
    user_coupons: list[CouponOut]


@router.get("/coupons", response={200: CouponsPage, **ERRORS}, auth=Bearer(Scope.COUPON_READ), url_name="coupons")
def list_coupons(request: HttpRequest, asked: Query[CouponsWanted]) -> CouponsPage:
    """List the coupons that the key's partner has issued."""
    now, partner = timezone.now(), partner_of(request)
    rows = Coupon.objects.of(partner).filter(_wanted(asked, partner, now)).select_related("account", "quota")
    total, page = page_of(rows, asked)
    return CouponsPage(total_count=total, user_coupons=[_out(coupon, now) for coupon in page])


def _wanted(asked: CouponsWanted, partner: Partner, now: datetime) -> Q:
    wanted = between("created_at", asked.create_time_begin, asked.create_time_end)
    wanted &= between("effective_at", asked.effective_time_begin, asked.effective_time_end)
    wanted &= between("expires_at", asked.expire_time_begin, asked.expire_time_end)
    same = {"public_id": asked.coupon_id, "account__public_id": asked.customer_id}
    wanted &= Q(**{column: value for column, value in same.items() if value is not None})
    if asked.coupon_type is not None:
        wanted &= Q(kind=KINDS_OF_COUPONS[asked.coupon_type])
    if asked.status is not None:
        wanted &= in_coupon_state(asked.status, now=now)
    if asked.order_id is not None:
        used = LedgerEntry.objects.of(partner).filter(order_id=asked.order_id)
        wanted &= Q(locked_by_order=asked.order_id) | Q(pk__in=used.values("coupon_id"))
    return wanted


def _out(coupon: Coupon, now: datetime) -> CouponOut:
    least = coupon.min_order_minor
    return CouponOut(
        coupon_id=coupon.public_id,
        coupon_number=coupon.number,
        coupon_type=COUPON_TYPES[CouponKind(coupon.kind)],
        status=coupon_state(coupon, now=now),
        customer_id=coupon.account.public_id,
        customer_name=masking.mask_name(coupon.account.customer_name),
        account_name=masking.mask_account(coupon.account.account_name),
        association_type=coupon.model,
        quota_id=coupon.quota.public_id,
        face_value=money.typed(coupon.face_minor, coupon.currency),
        balance=money.typed(coupon.balance_minor, coupon.currency),
        currency=coupon.currency,
        min_order_amount=None if least is None else money.typed(least, coupon.currency),
        ratio_percent=coupon.ratio_percent,
        order_types=coupon.order_types,
        cloud_service_types=coupon.services,
        product_ids=coupon.products,
        lock_order_id=coupon.locked_by_order,
        remark=coupon.remark,
        create_time=coupon.created_at,
        effective_time=coupon.effective_at,
        expire_time=coupon.expires_at,
        last_used_time=coupon.last_used_at,
    )


# --- recall ----------------------------------------------------------------------------------------------------------


class CouponNamed(Schema):
    """The coupon in an address."""

    coupon_id: PublicId


@router.post(
    "/coupons/{coupon_id}/recall",
    response={204: None, **ERRORS},
    auth=Bearer(Scope.COUPON_RECALL),
    openapi_extra=ONCE,
    url_name="recall",
)
def recall(request: HttpRequest, named: Path[CouponNamed]) -> HttpResponse:
    """Take back all that is left of a coupon; how much that was stands in the operation record."""
    now, partner, actor = timezone.now(), partner_of(request), actor_of(request)
    coupon = get_object_or_404(Coupon.objects.of(partner), public_id=named.coupon_id)

    def work() -> Answer:
        digest = digest_of_recall(coupon)
        recall_one(
            coupon=coupon,
            reason_for_customer="",
            remark="",
            partner=partner,
            member=None,
            proof=proofs.for_api(operation=ProtectedOperation.RECALL, digest=digest),
            actor=actor,
            now=now,
        )
        return done()

    return answer_once(request, work, now=now, refused=said)
