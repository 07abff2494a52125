"""Issued coupons: the list, one coupon with what happened to it, and the export."""

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from partner_center import money
from partner_center.listing.exporting import queue_export
from partner_center.listing.pages import list_page
from partner_center.masking import mask_account, mask_name
from partner_center.refusals import Refusal
from partner_center.tenancy.access import member_required
from partner_center.tenancy.permissions import Permission
from partner_center.tenancy.questions import go_to
from partner_center.tenancy.requests import PartnerRequest
from vouchers.filters.coupons import CouponFilters
from vouchers.models import Coupon, LedgerEntry, OperationRecord, OperationResult
from vouchers.queries import coupons as queries
from vouchers.rules import LedgerAccount, OperationType, OrderType, words
from vouchers.rules.recalling import why_not_recallable
from vouchers.tables import coupons as tables
from vouchers.tasks.recalling import told_result
from vouchers.views import recall


@member_required(Permission.COUPON_READ)
@require_http_methods(["GET", "HEAD", "POST"])
def coupons(request: PartnerRequest) -> HttpResponseBase:
    """List the coupons the member sees; a POST is the filter form, nothing is written."""
    may_recall = request.member.may(Permission.COUPON_RECALL)
    return list_page(
        request,
        rows=Coupon.objects.visible_to(request.member),
        filters=CouponFilters,
        table=tables.RecallerTable if may_recall else tables.ReadingTable,
        template="vouchers/coupons.html",
        now=timezone.now(),
        context={
            "may_export": request.member.may(Permission.COUPON_LOG_EXPORT),
            "toolbar_template": "vouchers/_coupons_toolbar.html" if may_recall else "",
            "filter_form": "export-form",
            "empty_template": "vouchers/_coupons_empty.html",
            "recalled": _recalled_in_batch(request),
        },
    )


def _recalled_in_batch(request: PartnerRequest) -> str:
    """Sum what the batch recalled whose result the page shows."""
    public_id = request.GET.get("recall", "")
    if not public_id or not public_id.isascii() or not public_id.isprintable():
        return ""
    rows = queries.recalled_by_job(Coupon.objects.visible_to(request.member), public_id, partner=request.partner)
    return told_result(rows.count(), queries.recalled_in_all(rows))


@require_safe
@member_required(Permission.COUPON_READ)
def coupon(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Show one coupon: its facts, what it was used for, and everything that was done to it."""
    rows = Coupon.objects.visible_to(request.member)
    rows = rows.select_related("account", "chosen_account", "quota", "job", "issued_by__user", "whitelist_version")
    found, now = get_object_or_404(rows, public_id=public_id), timezone.now()
    badge, status = tables.status_of(found, now=now)
    reason = why_not_recallable(found, now=now)
    may_recall = request.member.may(Permission.COUPON_RECALL)
    context = {
        "coupon": found,
        "badge_kind": badge,
        "status": status,
        "is_held": bool(found.locked_by_order) and found.status_at(now) == found.status,
        "bar": tables.bar_of(found),
        "amounts": tables.amounts_of(found),
        "face": money.shown(found.face_minor, found.currency),
        "min_order": money.shown(found.min_order_minor, found.currency) if found.min_order_minor else "",
        "order_types": [OrderType(each).label for each in found.order_types],
        "masked": _masked(found),
        "may_reveal": request.member.may(Permission.CUSTOMER_UNMASK),
        "may_recall": may_recall and reason is None,
        "why_not": words(reason) if may_recall and reason else "",
        "usage": [_used(entry) for entry in queries.usage_of(found)],
        "events": [_happened(record) for record in queries.operations_on(found)],
        "most_shown": queries.MOST_SHOWN,
        "may_read_log": request.member.may(Permission.COUPON_LOG_READ),
    }
    return render(request, "vouchers/coupon.html", context)


def _masked(found: Coupon) -> dict[str, str]:
    return {
        "customer_name": mask_name(found.account.customer_name),
        "account_name": mask_account(found.account.account_name),
        "chosen_name": mask_name(found.chosen_account.customer_name),
    }


def _used(entry: LedgerEntry) -> dict[str, object]:
    """Tell one movement from the coupon's own point of view: what comes onto it, and what leaves it."""
    sign = "+" if entry.credit == LedgerAccount.COUPON else "−" if entry.debit == LedgerAccount.COUPON else ""
    return {
        "entry": entry,
        "label": OperationType(entry.operation).label,
        "amount": f"{sign}{money.shown(entry.amount_minor, entry.currency)}",
        "lapsed": entry.credit == LedgerAccount.LAPSED,
    }


def _happened(record: OperationRecord) -> dict[str, object]:
    is_failure = record.result == OperationResult.FAILURE
    return {
        "record": record,
        "title": OperationType(record.operation).label,
        "kind": "danger" if is_failure else "success",
        "is_failure": is_failure,
        "reason": words(record.reason) if record.reason else "",
        "amount": money.shown(record.amount_minor, record.currency),
    }


@member_required(Permission.COUPON_LOG_EXPORT)
@require_POST
def export(request: PartnerRequest) -> HttpResponseBase:
    """Queue an export of all coupons, or of those of the present filter, and show its job."""
    try:
        job = queue_export(request, kind="coupon_export", filters=CouponFilters, now=timezone.now())
    except Refusal as refusal:
        return recall.refused(request, refusal, back=reverse("vouchers:coupons"))
    return go_to(request, reverse("jobs:detail", args=[job.public_id]))
