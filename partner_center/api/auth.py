"""Who asks: a bearer key, its scope and its pace."""

from datetime import timedelta
from typing import cast

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from ninja.security import HttpBearer

from partner_center.api import actions
from partner_center.api.models import ApiKey
from partner_center.api.rules import Scope, hash_of, may_be_secret
from partner_center.limits.actions import spend
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.middleware import client_address
from partner_center.tenancy.models import Partner

REQUESTS, REQUESTS_PER = 1_200, timedelta(minutes=1)
FAILURES, FAILURES_PER = 60, timedelta(minutes=1)


class KeyRequest(HttpRequest):
    """A request of a program; every query of a partner's starts from `auth.partner`."""

    auth: ApiKey
    request_id: str


class KeyInvalid(Refusal):
    code = "CBC.0154"
    message = _("The key is missing, unknown or revoked.")
    status = 401


class ScopeMissing(Refusal):
    code = "CBC.0151"
    message = _("Access denied: this key may not do that.")
    status = 403


class Bearer(HttpBearer):
    """Lets in programs whose key holds a scope; how many requests a key may send is limited (domain.md 6.1)."""

    def __init__(self, scope: Scope) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> ApiKey:
        """
        Return the key that the request shows.

        :raises KeyInvalid: when it shows none that works
        :raises ScopeMissing: when the key is for something else
        :raises TooMany: when too many requests, or too many wrong keys, came in this time
        """
        key: ApiKey | None = super().__call__(request)
        now = timezone.now()
        if key is None:
            if self.header in request.headers:
                spend(key=f"api:failed:{client_address(request)}", allowed=FAILURES, per=FAILURES_PER, now=now)
            raise KeyInvalid
        spend(key=f"api:{key.public_id}", allowed=REQUESTS, per=REQUESTS_PER, now=now)
        actions.note_use(key=key, now=now)
        if not key.may(self.scope):
            raise ScopeMissing
        return key

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        if not may_be_secret(token):
            return None
        return ApiKey.objects.working().select_related("partner").filter(secret_hash=hash_of(token)).first()


def key_of(request: HttpRequest) -> ApiKey:
    """Return the key that has let the request in."""
    return cast(KeyRequest, request).auth


def actor_of(request: HttpRequest) -> Actor:
    """Say who does what this request asks for."""
    request_id = cast(KeyRequest, request).request_id
    return key_of(request).actor(ip=client_address(request), request_id=request_id)


def partner_of(request: HttpRequest) -> Partner:
    """
    Return whose rows the request may meet.

    :raises ScopeMissing: for a key of the vendor's, which no partner's address is for
    """
    partner = key_of(request).partner
    if partner is None:
        raise ScopeMissing
    return partner
