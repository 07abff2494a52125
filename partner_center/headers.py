"""Headers that every answer carries, whoever made it: view, redirect, error page or static file."""

import secrets
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from structlog.contextvars import bound_contextvars

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'nonce-{nonce}' 'strict-dynamic'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "object-src 'none'",
        "frame-ancestors 'none'",
    )
)
REFUSED_FEATURES = ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
PERMISSIONS_POLICY = ", ".join(f"{feature}=()" for feature in REFUSED_FEATURES)
# A view may be stricter (an invitation page sends no referrer at all), so these only fill gaps.
DEFAULTS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS_POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class SecurityHeadersMiddleware:
    """
    Puts `request.csp_nonce` and `request.request_id` on the request and the headers on the answer.

    It stands first in MIDDLEWARE, so that answers given by other middleware carry the headers too (reliability.md 4).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        nonce = secrets.token_urlsafe(16)
        request_id = uuid.uuid4().hex
        request.csp_nonce = nonce  # type: ignore[attr-defined]
        request.request_id = request_id  # type: ignore[attr-defined]
        with bound_contextvars(request_id=request_id):
            response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY.format(nonce=nonce))
        for name, value in DEFAULTS.items():
            response.headers.setdefault(name, value)
        response.headers["X-Request-ID"] = request_id
        if _is_signed_in(request) or "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response


def _is_signed_in(request: HttpRequest) -> bool:
    """Tell by the actor that tenancy has put there: asking `request.user` could query a database that is down."""
    actor = getattr(request, "actor", None)
    return actor is not None and actor.user_id is not None
