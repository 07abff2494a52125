"""History records of a partner with 400 000 invitations, against an empty page and against Django's own admin."""

import re
from collections.abc import Callable
from html import unescape

from bench.measuring import Browser, Figure, medians
from invitations.models import Invitation
from partner_center.tenancy.models import Member

ADMIN = "/admin/invitations/invitation/"
MOST_TIMES_BLANK, MOST_TIMES_FIRST = 4.0, 1.2


def run(member: Member) -> list[Figure]:
    """Measure the history page in all its ways, and the admin beside it."""
    browser = Browser(member)
    pages = _pages(browser, "/invitations/")
    admin = {"admin, first page": ADMIN, "admin, last page": f"{ADMIN}?p={_last_of_admin(member)}"}
    addresses = {"empty page, signed in": "/blank/", "empty page in the shell": "/shell/", **pages}
    times = medians({name: _asking(browser, address) for name, address in addresses.items()}, rounds=200)
    times |= medians({name: _asking(browser, address) for name, address in admin.items()}, rounds=5)
    blank = times["empty page, signed in"]
    goals = dict.fromkeys(pages, MOST_TIMES_BLANK)
    figures = [Figure(name, each, each / blank, goals.get(name), "of the empty page") for name, each in times.items()]
    first, last = times["history, first page"], times["history, last page"]
    return [
        *figures,
        Figure("history, last page of first page", last, last / first, MOST_TIMES_FIRST, "of the first page"),
    ]


def _asking(browser: Browser, address: str) -> Callable[[], bytes]:
    return lambda: browser.get(address)


def _pages(browser: Browser, path: str) -> dict[str, str]:
    rows = Invitation.objects.of(browser.member.partner)
    middle = rows.order_by("created_at", "id")[rows.count() // 2].public_id
    return {
        "history, first page": path,
        "history, second page": _link(browser.get(path), "page-next"),
        "history, middle page": f"{path}?after={middle}",
        "history, last page": f"{path}?last=1",
        "history, expired": f"{path}?status=expired",
        "history, failed and the partner must act": f"{path}?status=association_failed&acts=partner",
        "history, bounced": f"{path}?delivery=bounced",
        "history, one tag and ten it begins": f"{path}?custom_tag=tag+17",
        "history, by name": f"{path}?sort=customer_name",
        "history, by e-mail, last page": f"{path}?sort=-email&last=1",
        "history, by status": f"{path}?sort=status",
    }


def _link(page: bytes, element: str) -> str:
    """Find the address that an element of the page leads to."""
    found = re.search(rf'id="{element}" href="([^"]+)"', page.decode())
    if found is None:
        raise RuntimeError(f"no {element} on the page")
    return unescape(found[1])


def _last_of_admin(member: Member) -> int:
    return -(-Invitation.objects.of(member.partner).count() // 50)
