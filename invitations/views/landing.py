"""
The customer's pages. Opening a link changes nothing; only what a person submits does.

A link that does not work gets one page, whatever the reason, unless its own customer is signed in: a stranger must not
learn whether a link ever existed (reliability.md 4.2).
"""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from customers import queries as customer_queries
from customers.models import Account
from customers.rules import CAUSES, AccountFacts, Model, checklist, consequences
from invitations import queries
from invitations.actions import answering
from invitations.actions.answering import Arrival
from invitations.forms import AcceptForm, DeclineForm
from invitations.models import Invitation
from invitations.rules import Status
from invitations.views.door import account_of, arrival_of, door_page, spend_ask, works
from partner_center import money
from partner_center.limits import actions as limits
from partner_center.masking import mask_email
from partner_center.refusals import Refusal
from partner_center.tenancy.models import Partner
from partner_center.tenancy.requests import PersonRequest

# --- the page ------------------------------------------------------------------------------------


@require_GET
def landing(request: PersonRequest) -> HttpResponse:
    """Show what this customer can do with this link now."""
    arrival = arrival_of(request)
    account = account_of(request)
    answered = _answered(arrival, account)
    if answered is not None:
        return _show_answer(request, arrival, answered, may_retry=works(arrival, account))
    if not works(arrival, account):
        return door_page(request, "invitations/landing_unusable.html", {}, status=404)
    return _show_offer(request, arrival, account, AcceptForm(), DeclineForm())


def _answered(arrival: Arrival, account: Account | None) -> Invitation | None:
    """Find what this very customer already did with this link, or with the newest if he came without one."""
    if account is None:
        return None
    mine = Invitation.objects.filter(account=account) | Invitation.objects.filter(email=account.email)
    if arrival.invitation is not None:
        row = mine.filter(pk=arrival.invitation.pk).first()
        return row if row and not (works(arrival, account) and row.status == Status.INVITED) else None
    if arrival.link is not None:
        return mine.filter(link=arrival.link).first()
    return mine.exclude(status=Status.INVITED).order_by("-pk").first()


def _show_answer(request: PersonRequest, arrival: Arrival, invitation: Invitation, *, may_retry: bool) -> HttpResponse:
    """Tell a customer, and nobody else, what became of the invitation and what to do next."""
    status = invitation.status_at(timezone.now())
    has_failed = status == Status.ASSOCIATION_FAILED
    failing = queries.blockers(invitation, now=timezone.now()) if has_failed else []
    context = {
        "invitation": invitation,
        "status": status,
        "cause": CAUSES.get(invitation.cause),
        "partner": invitation.partner,
        "model": Model(invitation.model),
        "sections": checklist(Model(invitation.model), failing) if has_failed else [],
        "obstacles": len(failing),
        "may_retry": has_failed and may_retry,
        "may_decline": has_failed and may_retry and arrival.invitation is not None,
        "decline_form": DeclineForm(),
        "superseded": arrival.invitation is not None and arrival.generation < invitation.generation,
    }
    return door_page(request, "invitations/landing_answer.html", context)


def _show_offer(
    request: PersonRequest,
    arrival: Arrival,
    account: Account | None,
    accept_form: AcceptForm,
    decline_form: DeclineForm,
    *,
    refusal: Refusal | None = None,
) -> HttpResponse:
    partner, model = _offer(arrival)
    facts = customer_queries.account_facts(account, now=timezone.now()) if account else None
    failing = queries.failing_for(account, partner=partner, model=model, now=timezone.now()) if account else []
    context = {
        "arrival": arrival,
        "partner": partner,
        "model": model,
        "account": account,
        "wrong_person": request.user.is_authenticated and account is None,
        "other_address": _is_for_other(arrival, account),
        "hint": mask_email(arrival.invitation.email) if arrival.invitation else "",
        "consequences": _told_consequences(facts or customer_queries.NEW_ACCOUNT, partner, model),
        "sections": checklist(model, failing) if account else [],
        "obstacles": len(failing),
        "accept_form": accept_form,
        "decline_form": decline_form,
        "refusal": refusal,
    }
    status = refusal.status if refusal else 422 if accept_form.errors or decline_form.errors else 200
    return door_page(request, "invitations/landing.html", context, status=status)


def _told_consequences(facts: AccountFacts, partner: Partner, model: Model) -> list[dict[str, Any]]:
    return [
        {
            "weight": each.weight.value,
            "title": each.title,
            "text": each.told(total=money.shown(each.total_minor or 0, each.currency)),
        }
        for each in consequences(facts, customer_queries.partner_facts(partner), model)
    ]


def _offer(arrival: Arrival) -> tuple[Partner, Model]:
    row = arrival.invitation or arrival.link
    if row is None:
        raise Http404
    return row.partner, Model(row.model)


def _is_for_other(arrival: Arrival, account: Account | None) -> bool:
    return account is not None and arrival.invitation is not None and arrival.invitation.email != account.email


# --- answering -----------------------------------------------------------------------------------


@require_POST
def opened(request: PersonRequest) -> HttpResponse:
    """Note an opening, told by the page's own script: mail scanners run none and submit nothing."""
    arrival = arrival_of(request)
    if works(arrival, account_of(request)):
        answering.record_opening(arrival=arrival, actor=request.actor, now=timezone.now())
    return HttpResponse(status=204)


@require_POST
def start(request: PersonRequest) -> HttpResponse:
    """Count that somebody goes on to sign in or register, and send them there."""
    arrival = arrival_of(request)
    if works(arrival, account_of(request)):
        answering.record_start(arrival=arrival)
    if request.POST.get("way") == "register":
        return redirect("invitations:register")
    return redirect(f"{reverse('account_login')}?next={reverse('invitations:landing')}")


@require_POST
def accept(request: PersonRequest) -> HttpResponse:
    """Accept, run the checks, and show what came of it."""
    form = AcceptForm(request.POST)

    def deed(arrival: Arrival, account: Account) -> None:
        answering.accept(arrival=arrival, account=account, actor=request.actor, now=timezone.now())

    return _answer(request, form, DeclineForm(), form.is_valid(), deed)


@require_POST
def decline(request: PersonRequest) -> HttpResponse:
    """Say no, with a reason if the customer gives one."""
    form = DeclineForm(request.POST)

    def deed(arrival: Arrival, account: Account) -> None:
        reason = form.cleaned_data["reason"]
        answering.decline(arrival=arrival, account=account, reason=reason, actor=request.actor, now=timezone.now())

    return _answer(request, AcceptForm(), form, form.is_valid(), deed)


def _answer(
    request: PersonRequest,
    accept_form: AcceptForm,
    decline_form: DeclineForm,
    is_valid: bool,
    deed: Callable[[Arrival, Account], None],
) -> HttpResponse:
    arrival, account = arrival_of(request), account_of(request)
    if account is None or not (arrival.invitation or arrival.link):
        return redirect("invitations:landing")
    try:
        if is_valid:
            deed(arrival, account)
    except Refusal as refusal:
        # Who pressed twice is shown what the first press did.
        if _answered(arrival, account) or not works(arrival, account):
            return redirect("invitations:landing")
        return _show_offer(request, arrival, account, accept_form, decline_form, refusal=refusal)
    if not is_valid and works(arrival, account):
        return _show_offer(request, arrival, account, accept_form, decline_form)
    return redirect("invitations:landing")


@require_POST
def new_link(request: PersonRequest) -> HttpResponse:
    """Mail a fresh link to the original address if there is one; the answer is the same whether a mail left or not."""
    arrival = arrival_of(request)
    try:
        spend_ask(request, "new-link")
        if arrival.invitation is not None:
            answering.request_new_link(invitation=arrival.invitation, actor=request.actor, now=timezone.now())
    except limits.TooMany as refusal:
        answer = door_page(request, "invitations/landing_unusable.html", {"refusal": refusal}, status=refusal.status)
        answer["Retry-After"] = str(refusal.retry_after)
        return answer
    return door_page(request, "invitations/landing_unusable.html", {"asked": True})
