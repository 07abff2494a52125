"""
Where customers come in: the address of a link, who stands at the door, and whether the link lets them through.

Opening a link looks nothing up and writes nothing, not even a session.
"""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from customers.models import Account
from invitations import queries, rules
from invitations.actions.answering import Arrival
from invitations.models import Invitation
from invitations.rules import MAIL_LINK, OFFLINE_LINK, REGISTER_LINK, Token
from partner_center.limits import actions as limits
from partner_center.tenancy.requests import PersonRequest

COOKIE = "invitation"
COOKIE_AGE = 14 * 24 * 3600
SEE_OTHER = 303
ASKS_AN_HOUR = 20


@require_safe
def open_link(request: HttpRequest, token: str) -> HttpResponse:
    return _remember(token, by_qr=False)


@require_safe
def open_qr(request: HttpRequest, token: str) -> HttpResponse:
    return _remember(token, by_qr=True)


def _remember(token: str, *, by_qr: bool) -> HttpResponse:
    """Move the token out of the address and into a cookie of these pages alone."""
    parts = rules.split_token(token)
    way_on = "invitations:register" if parts and parts.kind == REGISTER_LINK else "invitations:landing"
    answer = HttpResponseRedirect(reverse(way_on), status=SEE_OTHER)
    answer.set_cookie(
        COOKIE,
        f"{'q' if by_qr else 'l'}.{token if parts else 'unknown'}",
        max_age=COOKIE_AGE,
        path=reverse("invitations:landing"),
        secure=settings.SITE_URL.startswith("https://"),
        httponly=True,
        samesite="Lax",
    )
    answer["Referrer-Policy"] = "no-referrer"
    answer["Cache-Control"] = "no-store"
    return answer


def arrival_of(request: HttpRequest) -> Arrival:
    """Read who stands at the door; an arrival without invitation and link stands for every link that is not ours."""
    way, _dot, text = request.COOKIES.get(COOKIE, "").partition(".")
    token = rules.split_token(text)
    if token is None:
        return Arrival()
    if token.kind == REGISTER_LINK:
        return _newcomer(token)
    if token.kind == OFFLINE_LINK:
        return Arrival(link=queries.proven_link(token), generation=token.generation, by_qr=way == "q")
    invitation, by_mail = queries.proven_invitation(token), token.kind == MAIL_LINK
    return Arrival(invitation=invitation, generation=token.generation, by_mail=by_mail)


def _newcomer(token: Token) -> Arrival:
    """Stand at the link the newcomer came by first; once the mailed link is used or too old, it proves nothing."""
    row = queries.proven_registration(token)
    if row is None:
        return Arrival()
    return Arrival(
        invitation=row.invitation,
        link=row.link,
        generation=row.link_generation,
        by_qr=row.by_qr,
        registration=row if row.is_usable(now=timezone.now()) else None,
    )


def works(arrival: Arrival, account: Account | None) -> bool:
    """Tell whether this person could get through by accepting now."""
    now, row = timezone.now(), arrival.invitation
    if arrival.link is not None:
        came_before = account is not None and Invitation.objects.filter(link=arrival.link, account=account).exists()
        return rules.link_admits(arrival.link, generation=arrival.generation, came_before=came_before, now=now)
    acceptable = Invitation.objects.acceptable(generation=arrival.generation, now=now)
    return row is not None and acceptable.filter(pk=row.pk).exists()


def account_of(request: HttpRequest) -> Account | None:
    """Find the customer account of who is signed in."""
    return Account.objects.filter(user=request.user).first() if request.user.is_authenticated else None


def door_page(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """Show a page to a customer that no cache keeps."""
    answer = render(request, template, context, status=status)
    # The token is out of the address by now. "no-referrer" would make browsers post these forms with "Origin: null",
    # which the check against forged requests refuses.
    answer["Referrer-Policy"] = "same-origin"
    answer["Cache-Control"] = "no-store"
    return answer


def spend_ask(request: PersonRequest, what: str) -> None:
    """
    Count what somebody who need not be signed in asks for, by the address they come from.

    :raises TooMany: when enough was asked for in this hour
    """
    key = f"landing:{what}:{request.actor.ip}"
    limits.spend(key=key, allowed=ASKS_AN_HOUR, per=timedelta(hours=1), now=timezone.now())
