"""The menu: what a person sees depends on what that person may do."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from partner_center.environment import environment
from partner_center.tenancy.permissions import Permission

Audience = Literal["member", "platform", "developer"]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the menu; `permission` None means every member of the audience."""

    label: Promise
    icon: str
    url_name: str
    permission: Permission | None = None
    audience: Audience = "member"


@dataclass(frozen=True, kw_only=True)
class Section:
    title: Promise
    entries: tuple[Entry, ...]


@dataclass(frozen=True, kw_only=True)
class Link:
    """An entry as one person sees it."""

    label: Promise
    icon: str
    url: str
    is_active: bool


SECTIONS = (
    Section(
        title=_("Customer development"),
        entries=(
            Entry(label=_("Invite"), icon="send", url_name="invitations:invite", permission=Permission.INVITATION_SEND),
            Entry(
                label=_("History records"),
                icon="history",
                url_name="invitations:history",
                permission=Permission.INVITATION_READ,
            ),
            Entry(
                label=_("Links and QR codes"),
                icon="qr-code",
                url_name="invitations:links",
                permission=Permission.INVITATION_READ,
            ),
        ),
    ),
    Section(
        title=_("Customers"),
        entries=(
            Entry(
                label=_("Preregistrations"),
                icon="clipboard-list",
                url_name="customers:preregistrations",
                permission=Permission.CUSTOMER_READ,
            ),
        ),
    ),
    Section(
        title=_("Vouchers"),
        entries=(
            Entry(label=_("Quotas"), icon="wallet", url_name="vouchers:quotas", permission=Permission.QUOTA_READ),
            Entry(
                label=_("Issued coupons"),
                icon="gift",
                url_name="vouchers:coupons",
                permission=Permission.COUPON_READ,
            ),
            Entry(
                label=_("Whitelist"),
                icon="user-check",
                url_name="vouchers:whitelists",
                permission=Permission.WHITELIST_READ,
            ),
            Entry(
                label=_("Operation records"),
                icon="scroll-text",
                url_name="vouchers:operations",
                permission=Permission.COUPON_LOG_READ,
            ),
        ),
    ),
    Section(
        title=_("Jobs and exports"),
        entries=(Entry(label=_("Jobs"), icon="list-checks", url_name="jobs:list"),),
    ),
    Section(
        title=_("Settings"),
        entries=(
            Entry(
                label=_("Security"),
                icon="shield",
                url_name="verification:security",
                permission=Permission.SETTINGS_SECURITY,
            ),
        ),
    ),
    Section(
        title=_("Platform"),
        entries=(
            Entry(label=_("Account directory"), icon="building-2", url_name="customers:accounts", audience="platform"),
            Entry(label=_("Quotas"), icon="wallet", url_name="vouchers:platform_quotas", audience="platform"),
            Entry(
                label=_("Operation review"),
                icon="shield-check",
                url_name="vouchers:platform_operations",
                audience="platform",
            ),
            Entry(label=_("Jobs"), icon="list-checks", url_name="jobs:list", audience="platform"),
        ),
    ),
    Section(
        title=_("Development"),
        entries=(
            Entry(label=_("Mailbox"), icon="mailbox", url_name="mail:mailbox", audience="developer"),
            Entry(label=_("Components"), icon="palette", url_name="console:components", audience="developer"),
        ),
    ),
)


def menu(request: HttpRequest) -> list[tuple[Promise, list[Link]]]:
    """List the sections this person sees, with the entry marked whose page this is."""
    sections, nearest = [], _longest(request.path)
    for section in SECTIONS:
        links = list(_links(request, section.entries, nearest))
        if links:
            sections.append((section.title, links))
    return sections


def first_page(request: HttpRequest) -> str | None:
    """Return the address of the first page this person may see, or None."""
    order = ("invitations:history", "customers:preregistrations", "jobs:list", "customers:accounts")
    # Of two lines that lead to one page, the upper one says whose first page it is.
    entries = {entry.url_name: entry for section in reversed(SECTIONS) for entry in section.entries}
    for name in order:
        url = _url(name)
        if url and may_see(request, entries[name]):
            return url
    return None


def may_see(request: HttpRequest, entry: Entry) -> bool:
    """Tell whether this person may see the entry's page."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return False
    if entry.audience == "platform":
        return bool(user.is_platform_admin)
    if entry.audience == "developer":
        return shows_developer_pages(request)
    member = getattr(request, "member", None)
    return member is not None and (entry.permission is None or member.may(entry.permission))


def shows_developer_pages(request: HttpRequest) -> bool:
    """Tell whether this person may open the mailbox and the gallery: anybody in the demo, the vendor's staff always."""
    user = getattr(request, "user", None)
    return settings.DEBUG or not environment.is_production or bool(getattr(user, "is_platform_admin", False))


def _links(request: HttpRequest, entries: Iterable[Entry], nearest: str) -> Iterable[Link]:
    for entry in entries:
        url = _url(entry.url_name)
        if url and may_see(request, entry):
            yield Link(label=entry.label, icon=entry.icon, url=url, is_active=_is_active(request, entry, url, nearest))


def _is_active(request: HttpRequest, entry: Entry, url: str, nearest: str) -> bool:
    """Tell whether this page is the entry's own or stands below it; the longest address wins."""
    match = request.resolver_match
    return (match is not None and match.view_name == entry.url_name) or nearest == url


def _longest(path: str) -> str:
    urls = [url for section in SECTIONS for entry in section.entries if (url := _url(entry.url_name))]
    return max((url for url in urls if path.startswith(url)), key=len, default="")


def _url(name: str) -> str | None:
    return _url_in(settings.ROOT_URLCONF, name)


@cache
def _url_in(urlconf: str, name: str) -> str | None:
    """Return an address that never changes while the process lives; every page asks for all of the menu's."""
    try:
        return reverse(name, urlconf)
    except NoReverseMatch:
        return None
