"""What of the issued coupons leaves the building, and how each column is masked. The remark never does."""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from customers.rules import Model
from partner_center import money
from partner_center.exports import Column
from partner_center.jobs.kinds import FileJob
from partner_center.jobs.models import Job
from partner_center.listing.filters import ListFilters
from partner_center.listing.pages import matching_rows
from partner_center.masking import mask_account, mask_name
from partner_center.tenancy.models import Member
from partner_center.tenancy.permissions import Permission
from vouchers.models import Coupon
from vouchers.rules import CouponKind, coupon_status

FIELDS = (
    "number",
    "kind",
    "account__customer_name",
    "account__account_name",
    "status",
    "expires_at",
    "currency",
    "face_minor",
    "balance_minor",
    "consumed_minor",
    "recalled_minor",
    "expired_minor",
    "model",
    "quota__number",
    "effective_at",
    "created_at",
    "last_used_at",
    "ended_at",
    "issued_by__user__name",
)
_AT = {name: position for position, name in enumerate(FIELDS, start=1)}


def _label(choices: Any, name: str) -> Callable[[Sequence[Any]], str]:
    return lambda row: str(choices(row[_AT[name]]).label)


def _amount(name: str) -> Callable[[Sequence[Any]], Decimal]:
    return lambda row: Decimal(money.typed(row[_AT[name]], row[_AT["currency"]]))


def _status(now: datetime) -> Callable[[Sequence[Any]], str]:
    status, expires_at = _AT["status"], _AT["expires_at"]
    return lambda row: str(coupon_status(status=row[status], expires_at=row[expires_at], now=now).label)


def coupon_columns(now: datetime) -> Sequence[Column]:
    """Return the columns of the issued coupons as they stand at one moment."""
    return (
        Column(_("Coupon number"), _AT["number"]),
        Column(_("Kind"), _label(CouponKind, "kind")),
        Column(_("Customer name"), _AT["account__customer_name"], mask=mask_name, personal=True),
        Column(_("Account name"), _AT["account__account_name"], mask=mask_account, personal=True),
        Column(_("Status"), _status(now)),
        Column(_("Currency"), _AT["currency"]),
        Column(_("Face value"), _amount("face_minor"), kind="number"),
        Column(_("Balance"), _amount("balance_minor"), kind="number"),
        Column(_("Consumed"), _amount("consumed_minor"), kind="number"),
        Column(_("Recalled"), _amount("recalled_minor"), kind="number"),
        Column(_("Expired"), _amount("expired_minor"), kind="number"),
        Column(_("Association model"), _label(Model, "model")),
        Column(_("Quota number"), _AT["quota__number"]),
        Column(_("Effective at"), _AT["effective_at"], kind="time"),
        Column(_("Expires at"), _AT["expires_at"], kind="time"),
        Column(_("Issued at"), _AT["created_at"], kind="time"),
        Column(_("Last used at"), _AT["last_used_at"], kind="time"),
        Column(_("Ended at"), _AT["ended_at"], kind="time"),
        Column(_("Issued by"), _AT["issued_by__user__name"]),
    )


class CouponExport(FileJob):
    """All issued coupons a member sees, or those of one filter, anonymised for everyone."""

    key = "coupon_export"
    label = _("Export of issued coupons")
    permission = Permission.COUPON_LOG_EXPORT

    def __init__(self, filters: type[ListFilters]) -> None:
        self.filters = filters

    def columns(self, job: Job) -> Sequence[Column]:
        return coupon_columns(job.created_at)

    def count(self, job: Job) -> int:
        return self._coupons(job).count()

    def rows(self, job: Job, after_cursor: str, limit: int) -> Sequence[tuple[str, Any]]:
        """Go on behind a row, oldest first, so that rows that arrive meanwhile stand at the end."""
        rows = self._coupons(job).order_by("pk").filter(pk__gt=int(after_cursor or 0))
        return [(str(row[0]), row) for row in rows.values_list("pk", *FIELDS)[:limit]]

    def file_stem(self, job: Job) -> str:
        return str(_("issued-coupons"))

    def _coupons(self, job: Job) -> QuerySet[Coupon]:
        """Start from what the owner may see when the work is done, and apply the filter that was pinned."""
        member = Member.objects.select_related("partner").get(jobs=job)
        visible = Coupon.objects.visible_to(member)
        query = job.parameters["filter"]
        return matching_rows(query, rows=visible, filters=self.filters, viewer=member, now=job.created_at)[0]
