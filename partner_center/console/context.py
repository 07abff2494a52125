"""What every template may rely on: brand, display choices, menu, and the sentences scripts say."""

from functools import partial
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from partner_center.console.demo import shown_demo_logins
from partner_center.console.navigation import menu
from partner_center.console.texts import script_texts
from partner_center.environment import environment

THEMES = ("light", "dark")
DENSITIES = ("compact",)


def brand() -> dict[str, str]:
    """Name the vendor and the product; white-label, so only ever from settings."""
    return {
        "vendor_name": environment.vendor_name,
        "product_name": environment.product_name,
        "support_email": environment.support_email,
    }


def console(request: HttpRequest) -> dict[str, Any]:
    """Add the shell's context. What costs is a function: the template calls it only where a whole page is drawn."""
    return {
        **brand(),
        "theme": chosen(request, "theme", THEMES),
        "density": chosen(request, "density", DENSITIES),
        "keys": chosen(request, "keys", ("off",)),
        "csp_nonce": getattr(request, "csp_nonce", None),
        "reveal_url": reveal_url(),
        "menu": partial(menu, request),
        "demo_logins": shown_demo_logins,
        "script_texts": script_texts,
    }


def chosen(request: HttpRequest, cookie: str, allowed: tuple[str, ...]) -> str:
    """Return the choice a cookie remembers, or "" when it is absent or not one of ours."""
    value = request.COOKIES.get(cookie, "")
    return value if value in allowed else ""


def reveal_url() -> str:
    try:
        return reverse("listing:reveal")
    except NoReverseMatch:
        return ""
