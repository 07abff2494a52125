"""The vendor's side of quotas: all partners' quotas, granting, and changing total, status and limits."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRedirect

from partner_center import money
from partner_center.listing.pages import list_page
from partner_center.refusals import Refusal
from partner_center.tenancy.access import platform_required
from partner_center.tenancy.models import Partner
from partner_center.tenancy.requests import PlatformRequest
from vouchers.actions import quotas as actions
from vouchers.filters.quotas import PlatformQuotaFilters
from vouchers.forms.quotas import ChangeLimitsForm, GrantForm, StatusForm, TotalForm
from vouchers.models import Quota
from vouchers.queries import quotas as queries
from vouchers.rules import CONSEQUENCE_OF_STATUS, NEXT_OF_QUOTA, QuotaStatus
from vouchers.tables.quota_columns import PLATFORM_LEDGER
from vouchers.tables.quotas import PlatformQuotaTable
from vouchers.views.quotas import ledger_page, quota_context

PAGE = "vouchers:platform_quota"
LONGEST_WANTED = 100
# What is asked in a dialog; the other forms are too long for one.
DIALOGS = frozenset({"total", "status"})
READ_OR_POST = ["GET", "HEAD", "POST"]


@require_http_methods(READ_OR_POST)
@platform_required
def platform_quotas(request: PlatformRequest) -> HttpResponseBase:
    """List the quotas of all partners, newest first; a POST is the filter form, nothing is written."""
    return list_page(
        request,
        rows=Quota.objects.all(),
        filters=PlatformQuotaFilters,
        table=PlatformQuotaTable,
        template="vouchers/quotas_platform.html",
        now=timezone.now(),
        context={"empty_template": "vouchers/_quotas_platform_empty.html"},
    )


@require_http_methods(READ_OR_POST)
@platform_required
def platform_ledger(request: PlatformRequest, public_id: str) -> HttpResponseBase:
    """List the entries of any quota; a POST is the filter form, nothing is written."""
    back = {"list_address": reverse("vouchers:platform_quotas"), "quota_address": reverse(PAGE, args=[public_id])}
    return ledger_page(request, _quota(public_id), back)


@require_safe
@platform_required
def choose_partner(request: PlatformRequest) -> HttpResponseBase:
    """Find the partner that a quota is for, by company name or account number."""
    wanted = request.GET.get("wanted", "")[:LONGEST_WANTED]
    context = {"wanted": wanted, "partners": queries.partners_called(wanted)}
    return render(request, "vouchers/quota_partner.html", context)


@require_http_methods(READ_OR_POST)
@platform_required
def grant(request: PlatformRequest, public_id: str) -> HttpResponseBase:
    """Grant a quota to one partner."""
    partner = get_object_or_404(Partner, public_id=public_id, disabled_at=None)
    now = timezone.now()
    form = GrantForm(request.POST if request.method == "POST" else None, partner=partner, now=now)
    if request.method == "POST" and form.is_valid():
        try:
            quota = actions.grant(partner=partner, **form.granted(), actor=request.actor, now=now)
        except Refusal as refusal:
            form.add_error(None, f"{refusal} {refusal.advice}")
        else:
            messages.success(request, _("The quota %(number)s was granted.") % {"number": quota.number})
            return redirect(PAGE, quota.public_id)
    context = {"form": form, "partner": partner}
    return render(request, "vouchers/quota_grant.html", context, status=422 if form.is_bound else 200)


@require_safe
@platform_required
def platform_quota(request: PlatformRequest, public_id: str) -> HttpResponseBase:
    """Show a quota with what the vendor can do to it and what was done."""
    quota = _quota(public_id)
    steps = [QuotaStatus(each) for each in QuotaStatus if each in NEXT_OF_QUOTA[QuotaStatus(quota.status)]]
    records = [
        (record, money.shown(record.amount_minor, record.currency) if record.amount_minor else "")
        for record in queries.history(quota)
    ]
    context = {
        **quota_context(quota, ledger_name=PLATFORM_LEDGER),
        "steps": steps,
        "is_over": quota.status == QuotaStatus.INVALID,
        "is_adjusting": quota.status == QuotaStatus.ADJUSTING,
        "records": records,
    }
    return render(request, "vouchers/quota_platform.html", context)


@require_http_methods(READ_OR_POST)
@platform_required
def change_total(request: PlatformRequest, public_id: str) -> HttpResponseBase:
    """Ask for a new total, and set it."""
    quota = _quota(public_id)
    form = TotalForm(request.POST if request.method == "POST" else None, quota=quota)

    def act(given: Mapping[str, Any]) -> str:
        actions.change_total(
            quota=quota,
            total_minor=given["total_minor"],
            note=given["note"],
            seen_minor=given["seen"],
            actor=request.actor,
            now=timezone.now(),
        )
        return _("The total was changed.")

    context = {
        "quota": quota,
        "total": money.shown(quota.total_minor, quota.currency),
        "least": money.shown(quota.total_minor - quota.balance_minor, quota.currency),
    }
    return _ask(request, form, act, "total", context)


@require_http_methods(READ_OR_POST)
@platform_required
def change_status(request: PlatformRequest, public_id: str, status: str) -> HttpResponseBase:
    """Say what another status brings about, and set it."""
    if status not in QuotaStatus.values:
        raise Http404
    quota, wanted = _quota(public_id), QuotaStatus(status)
    form = StatusForm(request.POST if request.method == "POST" else None, status=wanted)

    def act(given: Mapping[str, Any]) -> str:
        actions.change_status(quota=quota, status=wanted, note=given["note"], actor=request.actor, now=timezone.now())
        return _("The status was changed to “%(status)s”.") % {"status": wanted.label}

    context = {
        "quota": quota,
        "wanted": wanted,
        "consequence": CONSEQUENCE_OF_STATUS[wanted],
        "is_grave": wanted in {QuotaStatus.INVALID, QuotaStatus.FROZEN},
        "held": money.shown(quota.outstanding_minor, quota.currency),
        "is_held": quota.outstanding_minor > 0,
    }
    return _ask(request, form, act, "status", context)


@require_http_methods(READ_OR_POST)
@platform_required
def change_limits(request: PlatformRequest, public_id: str) -> HttpResponseBase:
    """Change the limits of a quota that is being adjusted."""
    quota = _quota(public_id)
    form = ChangeLimitsForm(request.POST if request.method == "POST" else None, quota=quota)

    def act(given: Mapping[str, Any]) -> str:
        actions.change_limits(
            quota=quota,
            limits=form.limits(),
            named_customers=form.named_customers(),
            note=given["note"],
            actor=request.actor,
            now=timezone.now(),
        )
        return _("The limits were changed.")

    context = {"quota": quota, "is_adjusting": quota.status == QuotaStatus.ADJUSTING}
    return _ask(request, form, act, "limits", context)


def _quota(public_id: str) -> Quota:
    return get_object_or_404(Quota.objects.select_related("partner"), public_id=public_id)


def _ask(
    request: PlatformRequest,
    form: forms.Form,
    act: Callable[[Mapping[str, Any]], str],
    what: str,
    context: dict[str, Any],
) -> HttpResponse:
    """
    Show a form, as a dialog to htmx and else as a page, and do what it says when it is sent.

    :param act: does it and returns what to tell; a Refusal stands above the form
    :param what: names the templates
    """
    back = reverse(PAGE, args=[context["quota"].public_id])
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                messages.success(request, act(form.cleaned_data))
            except Refusal as refusal:
                form.add_error(None, f"{refusal} {refusal.advice}")
                status = refusal.status
            else:
                return HttpResponseClientRedirect(back) if request.htmx else redirect(back)
    is_dialog = request.htmx and what in DIALOGS
    template = f"vouchers/_quota_{what}_dialog.html" if is_dialog else f"vouchers/quota_{what}.html"
    return render(request, template, {**context, "form": form, "back": back}, status=status)
