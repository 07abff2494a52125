"""The operation log of a partner: everything that was done to its quotas and coupons, also what was refused."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponseBase, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from partner_center.jobs.models import Job
from partner_center.listing.asking import read_address
from partner_center.listing.pages import ListRequest, list_page
from partner_center.refusals import Refusal
from partner_center.tenancy.access import member_required
from partner_center.tenancy.permissions import Permission
from partner_center.tenancy.questions import go_to
from partner_center.tenancy.requests import PartnerRequest
from vouchers.actions import reading_log
from vouchers.exports import OperationExport
from vouchers.filters.operations import LogFilters, OperationFilters
from vouchers.forms.reviews import FileForm
from vouchers.queries import operations as queries
from vouchers.tables import operations as tables


@member_required(Permission.COUPON_LOG_READ)
@require_http_methods(["GET", "HEAD", "POST"])
def operations(request: PartnerRequest) -> HttpResponseBase:
    """List the partner's operations; that somebody looked is written down, a POST is the filter form."""
    note_reading(request, OperationFilters)
    may_open_coupons = request.member.may(Permission.COUPON_READ)
    return list_page(
        request,
        rows=queries.of_member(request.member),
        filters=OperationFilters,
        table=tables.LogTable if may_open_coupons else tables.PlainCouponsTable,
        template="vouchers/operations.html",
        now=timezone.now(),
        context={
            "may_export": request.member.may(Permission.COUPON_LOG_EXPORT),
            "filter_form": "export-form",
            "export_address": reverse("vouchers:operations_export"),
            "empty_template": "vouchers/_operations_empty.html",
        },
    )


@require_POST
@member_required(Permission.COUPON_LOG_EXPORT)
def export(request: PartnerRequest) -> HttpResponseBase:
    """Queue a file of the log, all of it or what the present filter matches, and show its job."""
    return export_answer(request, kind=OperationExport.key, filters=OperationFilters, back="vouchers:operations")


def note_reading(request: ListRequest, filters: type[LogFilters]) -> None:
    """Write down who reads the log by which filters; a search that was only posted is written down where it leads."""
    if request.method != "GET":
        return
    asked = read_address(request.GET, filters, viewer=request.viewer)
    reading_log.view_log(
        viewer=request.viewer,
        asked=f"{sorted(asked.values.items())}",
        filters=list(asked.values),
        actor=request.actor,
        now=timezone.now(),
    )


def export_answer(request: ListRequest, *, kind: str, filters: type[LogFilters], back: str) -> HttpResponseBase:
    """Queue a file of a log for whoever asks, and show its job; a refusal is shown as it is."""
    form = FileForm(request.POST)
    if not form.is_valid():
        raise PermissionDenied
    query = request.POST.get("filter", "") if form.cleaned_data["scope"] == "filter" else ""
    asked = read_address(QueryDict(query), filters, viewer=request.viewer)
    if asked.is_broken:
        raise PermissionDenied
    try:
        job: Job = reading_log.export_log(
            kind=kind,
            file_format=form.cleaned_data["format"],
            viewer=request.viewer,
            parameters={"filter": asked.filter_query()},
            filters=list(asked.values),
            actor=request.actor,
            now=timezone.now(),
        )
    except Refusal as refusal:
        messages.error(request, f"{refusal} {refusal.advice}")
        return go_to(request, reverse(back))
    return go_to(request, reverse("jobs:detail", args=[job.public_id]))
