"""Typed requests: what a view may rely on once its decorator has let the request through."""

from django.http import HttpRequest

from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner, User, Viewer


def posted_ids(request: HttpRequest) -> list[str]:
    """Return the public ids that a form names; what cannot be one is left out, as PostgreSQL chokes on a NUL."""
    return [text for text in request.POST.getlist("id") if text.isascii() and text.isprintable()]


class PersonRequest(HttpRequest):
    """A request with an author, signed in or not."""

    actor: Actor
    htmx: bool
    csp_nonce: str
    request_id: str


class ViewerRequest(PersonRequest):
    """A request of somebody who looks at lists and jobs: a partner's member or the vendor's staff."""

    user: User
    viewer: Viewer


class PartnerRequest(ViewerRequest):
    """A request of a partner's member; every query starts from `partner`."""

    user: User
    member: Member
    viewer: Member
    partner: Partner


class PlatformRequest(ViewerRequest):
    """A request of the vendor's staff."""

    user: User
    viewer: User
