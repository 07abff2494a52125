"""Preregistrations: whom the partner has reserved; reserve and give up."""

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods
from django_htmx.http import HttpResponseClientRedirect

from customers import actions, queries
from customers.filters import PreregistrationFilters
from customers.forms import ProspectForm
from customers.models import Preregistration
from customers.rules import CUSTOMER_MUST_ACT
from customers.tables import PreregistrationTable, WorkingTable, invite_address
from partner_center.environment import environment
from partner_center.listing.pages import list_page
from partner_center.refusals import Refusal
from partner_center.tenancy.access import member_required
from partner_center.tenancy.permissions import Permission
from partner_center.tenancy.requests import PartnerRequest

LIST = "customers:preregistrations"


@member_required(Permission.CUSTOMER_READ)
@require_http_methods(["GET", "HEAD", "POST"])
def preregistrations(request: PartnerRequest) -> HttpResponseBase:
    """List the preregistrations the member sees; a POST is the filter form, nothing is written."""
    may_preregister = request.member.may(Permission.CUSTOMER_PREREGISTER)
    may_invite = request.member.may(Permission.INVITATION_SEND) and invite_address()
    return list_page(
        request,
        rows=Preregistration.objects.visible_to(request.member),
        filters=PreregistrationFilters,
        table=WorkingTable if may_preregister else PreregistrationTable,
        template="customers/preregistrations.html",
        now=timezone.now(),
        context={
            "may_preregister": may_preregister,
            "invite_address": invite_address() if may_invite else "",
            "toolbar_template": "customers/_preregistrations_toolbar.html" if may_invite else "",
            "empty_template": "customers/_preregistrations_empty.html",
        },
    )


@member_required(Permission.CUSTOMER_PREREGISTER)
@require_http_methods(["GET", "HEAD", "POST"])
def preregister(request: PartnerRequest) -> HttpResponseBase:
    """Reserve one customer; asked for by htmx it is a dialog, else a page of its own."""
    form = ProspectForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _form_page(request, form)
    if not form.is_valid():
        return _form_page(request, form, status=422)
    try:
        row = actions.preregister(
            prospect=actions.Prospect(**form.cleaned_data),
            owner=request.member,
            actor=request.actor,
            now=timezone.now(),
        )
    except Refusal as refusal:
        form.add_error(None, f"{refusal} {refusal.advice}")
        return _form_page(request, form, status=refusal.status)
    _tell(request, row)
    return _to_list(request)


def _form_page(request: PartnerRequest, form: ProspectForm, *, status: int = 200) -> HttpResponse:
    template = "customers/_preregister_dialog.html" if request.htmx else "customers/preregister.html"
    now = timezone.now()
    held, cap = queries.reservations_held(request.partner, now=now), environment.preregistration_cap
    context = {
        "form": form,
        "days": environment.preregistration_days,
        "held": held,
        "cap": cap,
        "is_full": held >= cap,
    }
    return render(request, template, context, status=status)


def _tell(request: PartnerRequest, row: Preregistration) -> None:
    """Say that the reservation stands; that the customer must act is all a partner learns of him (decisions.md 8)."""
    days = environment.preregistration_days
    done = ngettext(
        "The customer is reserved for you for %(days)d day.",
        "The customer is reserved for you for %(days)d days.",
        days,
    )
    messages.success(request, done % {"days": days})
    if queries.customer_must_act(row.email, partner=request.partner, now=row.created_at):
        messages.warning(request, f"{CUSTOMER_MUST_ACT.partner_message} {CUSTOMER_MUST_ACT.partner_next_step}")


def _to_list(request: PartnerRequest) -> HttpResponse:
    return HttpResponseClientRedirect(reverse(LIST)) if request.htmx else redirect(LIST)


@member_required(Permission.CUSTOMER_PREREGISTER)
@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Ask whether a reservation is to be given up, and give it up."""
    rows = Preregistration.objects.visible_to(request.member).select_related("partner")
    row = get_object_or_404(rows, public_id=public_id)
    if request.method != "POST":
        template = "customers/_withdraw_dialog.html" if request.htmx else "customers/withdraw.html"
        return render(request, template, {"row": row, "back": reverse(LIST)})
    try:
        actions.withdraw_preregistration(preregistration=row, actor=request.actor, now=timezone.now())
    except Refusal as refusal:
        messages.error(request, f"{refusal} {refusal.advice}")
    else:
        messages.success(request, _("The preregistration was withdrawn. Every partner may take the customer now."))
    return _to_list(request)
