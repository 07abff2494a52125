"""Who is asking, and for which partner: put on every request, once."""

import hashlib
from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from partner_center.tenancy.actors import Actor, Trace
from partner_center.tenancy.models import Member, User
from partner_center.tenancy.zones import zone_of


class TenancyMiddleware:
    """Sets `request.member`, `partner`, `viewer` and `actor`; ends the session of a disabled member."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        member = _member_of(request)
        if member is not None and not _is_active(member):
            logout(request)
            member = None
        request.member = member  # type: ignore[attr-defined]
        request.partner = member.partner if member else None  # type: ignore[attr-defined]
        request.viewer = member or _staff_of(request)  # type: ignore[attr-defined]
        request.actor = actor_of(request, member)  # type: ignore[attr-defined]
        with timezone.override(_zone(request)):
            return self.get_response(request)


def _member_of(request: HttpRequest) -> Member | None:
    if not request.user.is_authenticated or request.user.is_platform_admin:
        return None
    return Member.objects.select_related("partner", "user").filter(user=request.user).first()


def _staff_of(request: HttpRequest) -> User | None:
    return request.user if isinstance(request.user, User) and request.user.is_platform_admin else None


def _is_active(member: Member) -> bool:
    return member.disabled_at is None and member.partner.disabled_at is None


def actor_of(request: HttpRequest, member: Member | None) -> Actor:
    """Say who does what this request asks for."""
    key = request.session.session_key or ""
    trace: Trace = {
        "session_ref": hashlib.sha256(key.encode()).hexdigest()[:16] if key else "",
        "ip": client_address(request),
        "request_id": getattr(request, "request_id", ""),
    }
    if member is not None:
        return Actor.member(member, **trace)
    if isinstance(request.user, User):
        return Actor.person(request.user, **trace)
    return Actor(kind="customer", name="", **trace)


def client_address(request: HttpRequest) -> str:
    """Return the address of the peer; proxies must rewrite REMOTE_ADDR, a header is never believed."""
    return str(request.META.get("REMOTE_ADDR", ""))[:45]


def _zone(request: HttpRequest) -> ZoneInfo | None:
    return zone_of(request.user.time_zone) if isinstance(request.user, User) else None
