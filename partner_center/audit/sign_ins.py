"""
Signing in and out, logged where Django tells of it.

These are Django's own signals: sign-in belongs to the framework and to allauth, which offer nothing else to hold on to.
A request that did not come through our middleware (a shell, a test that signs somebody in) is nobody's deed.
"""

from typing import Any

from django.contrib.auth import signals
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from partner_center.audit.actions import record
from partner_center.audit.models import Deed, Result
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.middleware import actor_of
from partner_center.tenancy.models import Member, User


def install() -> None:
    """Listen; called once when the app starts."""
    signals.user_logged_in.connect(_signed_in, dispatch_uid="audit.signed_in")
    signals.user_logged_out.connect(_signed_out, dispatch_uid="audit.signed_out")
    signals.user_login_failed.connect(_sign_in_failed, dispatch_uid="audit.sign_in_failed")


def _signed_in(request: HttpRequest, user: User, **_event: Any) -> None:
    if hasattr(request, "actor"):
        member = _member(user)
        _record(Deed.SIGNED_IN, user, member, actor_of(request, member))


def _signed_out(request: HttpRequest, user: User | None, **_event: Any) -> None:
    if hasattr(request, "actor") and user is not None:
        _record(Deed.SIGNED_OUT, user, _member(user), request.actor)


def _sign_in_failed(credentials: dict[str, Any], request: HttpRequest | None = None, **_event: Any) -> None:
    """Log the attempt with the person it was about, if there is one; an unknown address is not kept."""
    if request is not None and hasattr(request, "actor"):
        user = User.objects.filter(email=str(credentials.get("email", "")).lower()).first()
        _record(Deed.SIGN_IN_FAILED, user, _member(user) if user else None, request.actor, Result.REFUSED)


def _member(user: User) -> Member | None:
    return Member.objects.select_related("partner", "user").filter(user=user).first()


def _record(deed: Deed, user: User | None, member: Member | None, actor: Actor, result: Result = Result.DONE) -> None:
    partner = member.partner if member else None
    now = timezone.now()  # noqa: TID251 - an edge of the house: Django tells of it without saying when
    with transaction.atomic():
        record(deed=deed, actor=actor, partner=partner, target=member or user, now=now, result=result)
