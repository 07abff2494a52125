"""The vendor's review of the operations of all partners: look, add up, mark, take a file."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from partner_center import money
from partner_center.listing.choosing import chosen_rows
from partner_center.listing.counts import grouped
from partner_center.listing.pages import list_page, matching_rows
from partner_center.refusals import Refusal
from partner_center.tenancy.access import platform_required
from partner_center.tenancy.questions import go_to
from partner_center.tenancy.requests import PlatformRequest
from vouchers.actions import reviewing
from vouchers.exports import ReviewExport
from vouchers.filters.operations import ReviewFilters
from vouchers.forms.reviews import MarkForm
from vouchers.models import OperationRecord, OperationResult, ReviewMark
from vouchers.queries import operations as queries
from vouchers.rules import OperationType
from vouchers.tables.operations import ReviewTable
from vouchers.views.operations import export_answer, note_reading


@platform_required
@require_http_methods(["GET", "HEAD", "POST"])
def platform_operations(request: PlatformRequest) -> HttpResponseBase:
    """List the operations of all partners; that somebody looked is written down, a POST is the filter form."""
    note_reading(request, ReviewFilters)
    return list_page(
        request,
        rows=queries.of_everybody(request.viewer),
        filters=ReviewFilters,
        table=ReviewTable,
        template="vouchers/reviews.html",
        now=timezone.now(),
        context={
            "may_export": True,
            "filter_form": "export-form",
            "export_address": reverse("vouchers:platform_operations_export"),
            "toolbar_template": "vouchers/_reviews_toolbar.html",
            "empty_template": "vouchers/_operations_empty.html",
            "most_judged": grouped(queries.MOST_JUDGED),
        },
    )


@require_safe
@platform_required
def platform_totals(request: PlatformRequest) -> HttpResponse:
    """Add up what the filter of the list matches: a fragment, asked for on its own because it may take a moment."""
    rows, _found = matching_rows(
        request.META.get("QUERY_STRING", ""),
        rows=OperationRecord.objects.all(),
        filters=ReviewFilters,
        viewer=request.viewer,
        now=timezone.now(),
    )
    totals = queries.totals(rows)
    lines = [
        {
            "operation": OperationType(line.operation).label,
            "result": OperationResult(line.result).label,
            "is_failure": line.result == OperationResult.FAILURE,
            "count": grouped(line.count),
            "amount": money.shown(line.amount_minor, line.currency),
        }
        for line in totals.lines
    ]
    context = {"lines": lines, "is_partial": totals.is_partial, "most": grouped(queries.MOST_TOTALLED)}
    return render(request, "vouchers/_reviews_totals.html", context)


@require_POST
@platform_required
def mark(request: PlatformRequest) -> HttpResponseBase:
    """Mark the chosen operations, and go back to the list as it was."""
    now, form = timezone.now(), MarkForm(request.POST)
    back = f"{reverse('vouchers:platform_operations')}?{request.POST.get('filter', '')[:8000]}".rstrip("?")
    if not form.is_valid():
        for faults in form.errors.values():
            messages.error(request, str(faults[0]))
        return go_to(request, back)
    try:
        records = chosen_rows(request, visible=OperationRecord.objects.all(), filters=ReviewFilters, now=now)
        count = reviewing.mark(
            records=records.select_related("partner"),
            as_=ReviewMark(form.cleaned_data["mark"]),
            note=form.cleaned_data["note"],
            actor=request.actor,
            now=now,
        )
    except Refusal as refusal:
        messages.error(request, f"{refusal} {refusal.advice}")
    else:
        told = ngettext("%(count)d operation marked.", "%(count)d operations marked.", count)
        messages.success(request, told % {"count": count})
    return go_to(request, back)


@require_POST
@platform_required
def export(request: PlatformRequest) -> HttpResponseBase:
    """Queue a file of the operations of all partners, or of those that the present filter matches."""
    return export_answer(request, kind=ReviewExport.key, filters=ReviewFilters, back="vouchers:platform_operations")
