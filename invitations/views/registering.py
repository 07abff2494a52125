"""
A customer's way to an account: name the address, read the mail that comes there, register.

Who came by a mailed invitation has shown already that the mail of its address is theirs. Before that is shown, no page
tells whether an address has an account (reliability.md 4.2).
"""

from datetime import datetime

from django.contrib.auth import login
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from customers.models import Account
from invitations import queries
from invitations.actions import registering
from invitations.actions.answering import Arrival
from invitations.actions.registering import Newcomer
from invitations.forms import AddressForm, RegisterForm
from invitations.views.door import arrival_of, door_page, spend_ask, works
from partner_center.limits import actions as limits
from partner_center.masking import mask_email
from partner_center.refusals import Refusal
from partner_center.tenancy.models import new_public_id
from partner_center.tenancy.requests import PersonRequest


@require_http_methods(["GET", "POST"])
def register(request: PersonRequest) -> HttpResponse:
    """Open an account on the way, and come back signed in."""
    arrival = arrival_of(request)
    if request.user.is_authenticated or not works(arrival, None):
        return redirect("invitations:landing")
    if not arrival.proven_address:
        return _ask_for_address(request, arrival)
    if queries.has_sign_in(arrival.proven_address):
        hint = mask_email(arrival.proven_address)
        return door_page(request, "invitations/landing_known.html", {"hint": hint})
    return _open_account(request, arrival)


@require_safe
def mailed(request: PersonRequest) -> HttpResponse:
    """Say where to look, the same to everybody."""
    return door_page(request, "invitations/landing_mailed.html", {"hours": registering.LIFE_HOURS})


def _ask_for_address(request: PersonRequest, arrival: Arrival) -> HttpResponse:
    """Mail a link to the address that is named here, or to the one of the invitation whose link was handed on."""
    fixed = arrival.invitation.email if arrival.invitation else ""
    form = AddressForm(request.POST or None, fixed_email=fixed)
    refusal: limits.TooMany | None = None
    if request.method == "POST" and form.is_valid():
        try:
            spend_ask(request, "register")
            registering.request_mail(
                arrival=arrival, address=form.address, language=request.LANGUAGE_CODE, now=timezone.now()
            )
            return redirect("invitations:mailed")
        except limits.TooMany as many:
            refusal = many
    context = {"form": form, "hint": mask_email(fixed) if fixed else "", "refusal": refusal}
    status = refusal.status if refusal else 422 if form.errors else 200
    answer = door_page(request, "invitations/landing_address.html", context, status=status)
    if refusal is not None:
        answer["Retry-After"] = str(refusal.retry_after)
    return answer


def _open_account(request: PersonRequest, arrival: Arrival) -> HttpResponse:
    form = RegisterForm(request.POST or None, address=arrival.proven_address)
    if request.method == "POST" and form.is_valid():
        account = _registered(request, form, arrival, timezone.now())
        if account is not None:
            login(request, account.user, backend="allauth.account.auth_backends.AuthenticationBackend")
            return redirect("invitations:landing")
    context = {"form": form, "hint": mask_email(arrival.proven_address)}
    return door_page(request, "invitations/landing_register.html", context, status=422 if form.errors else 200)


def _registered(request: PersonRequest, form: RegisterForm, arrival: Arrival, now: datetime) -> Account | None:
    newcomer = Newcomer(
        customer_name=form.cleaned_data["customer_name"],
        account_name=form.cleaned_data["account_name"] or f"u_{new_public_id()[:16].lower()}",
        mobile=form.cleaned_data["mobile"],
        password=form.cleaned_data["password"],
        language=request.LANGUAGE_CODE,
    )
    try:
        spend_ask(request, "register")
        return registering.register(arrival=arrival, newcomer=newcomer, now=now)
    except Refusal as refusal:
        form.add_error(None, f"{refusal} {refusal.advice}")
        return None
