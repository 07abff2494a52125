"""axe finds nothing on any page a member, the vendor or a customer sees: both themes, languages and widths."""

import re
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.acting import PLATFORM_ADMIN, open_newest_mail
from tests.browser.conftest import Visitor
from tests.browser.stack import DemoStack

pytestmark = pytest.mark.browser

DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
# One member of each language who may do everything on these pages.
MEMBERS = {"en": "operator@xinghe.example.com", "zh-hans": "admin@xinghe.example.com"}
BROWSERS = {"en": "en-GB", "zh-hans": "zh-CN"}
READY, BLOCKED = "ready.customer@example.com", "blocked.customer@example.org"
STATES = ("associated", "association_failed", "declined", "expired", "cancelled", "invited")


class Inspector:
    """Runs axe in both themes wherever it is led, and keeps what it finds until the end."""

    def __init__(self) -> None:
        self.axe = Axe()
        self.found: list[str] = []
        self.seen = 0

    def look(self, page: Page, name: str) -> None:
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            self.seen += 1
            results = self.axe.run(page)
            self.found += [
                f"{name} ({theme}): {each['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
                for each in results.response["violations"]
                for node in each["nodes"][:3]
            ]
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            self.found.append(f"{name}: scrolls sideways")


@pytest.fixture
def inspector() -> Iterator[Inspector]:
    tester = Inspector()
    yield tester
    assert tester.found == [], "\n".join(tester.found)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_pages_of_members(visitor: Visitor, inspector: Inspector, size: dict[str, int], language: str) -> None:
    page = visitor(MEMBERS[language], locale=BROWSERS[language], viewport=size)
    expect(page.locator("html")).to_have_attribute("lang", language)
    for address in addresses_of_menu(page):
        page.goto(address)
        inspector.look(page, address)
    for address in deeper_addresses(page):
        page.goto(address)
        inspector.look(page, address)
    for name, open_dialog in DIALOGS.items():
        open_dialog(page)
        expect(page.locator("dialog[open]")).to_be_visible()
        inspector.look(page, name)
    assert inspector.seen > 40


def addresses_of_menu(page: Page) -> list[str]:
    return page.locator(".sidebar .nav-link").evaluate_all("links => links.map((link) => link.pathname)")


def deeper_addresses(page: Page) -> list[str]:
    """One invitation of each status, one link, one job, one mail; and lists without a row."""
    found = []
    for state in STATES:
        found += first_row(page, f"/invitations/?status={state}")
    for address in ("/invitations/links/", "/jobs/", "/mail/mailbox/"):
        found += first_row(page, address)
    return [*found, "/invitations/?custom_tag=nothing", "/mail/mailbox/?to=nobody@nowhere.example"]


def first_row(page: Page, address: str) -> list[str]:
    page.goto(address)
    link = page.locator("tbody td.primary a").first
    expect(link).to_have_count(1)
    return [link.evaluate("link => link.pathname")]


def open_resend(page: Page) -> None:
    page.goto("/invitations/?status=expired")
    page.locator("[data-select-page]").check()
    page.locator("[data-bulk] button[hx-post]").click()


def open_by(address: str, opener: str) -> Callable[[Page], None]:
    def open_dialog(page: Page) -> None:
        page.goto(address)
        page.locator(opener).first.click()

    return open_dialog


DIALOGS: dict[str, Callable[[Page], None]] = {
    "resend": open_resend,
    "export": open_by("/invitations/", "[data-open-dialog=export]"),
    "why reveal": open_by("/invitations/", "#list-body .masked .eye"),
    "preview of the mail": open_by("/invitations/new/", "[hx-post$='/preview/']"),
    "new link": open_by("/invitations/links/", "[data-open-dialog=new-link]"),
}


def test_pages_with_faults(visitor: Visitor, inspector: Inspector) -> None:
    """Forms that come back: every fault stands beside its field, and the dialog of a refused link opens again."""
    page = visitor(MEMBERS["en"])
    page.goto("/invitations/new/")
    page.get_by_role("region", name="One customer").get_by_role("button", name="Show the plan").click()
    expect(page.locator("[aria-invalid=true]")).to_have_count(2)
    inspector.look(page, "invite one, refused")
    page.get_by_role("region", name="A list of customers").get_by_role("button", name="Show the plan").click()
    expect(page.get_by_role("alert")).to_contain_text("one of the two")
    inspector.look(page, "invite a list, refused")
    page.goto("/invitations/links/")
    page.locator("[data-open-dialog=new-link]").click()
    page.locator("#new-link button[data-kind=primary]").click()
    expect(page.get_by_role("dialog", name="New link")).to_contain_text("A custom link needs a tag.")
    inspector.look(page, "new link, refused")


def test_pages_of_the_vendor(visitor: Visitor, inspector: Inspector) -> None:
    page = visitor(PLATFORM_ADMIN)
    for address in addresses_of_menu(page):
        page.goto(address)
        inspector.look(page, address)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_pages_of_customers(
    visitor: Visitor, stack: DemoStack, inspector: Inspector, size: dict[str, int], language: str
) -> None:
    options = {"locale": BROWSERS[language], "viewport": size}
    operator = visitor(MEMBERS["en"])
    links = {email: open_newest_mail(operator, email) for email in (READY, BLOCKED)}
    page = visitor(**options)
    page.goto("/account/login/")
    inspector.look(page, "sign in")
    page.goto(links[READY])
    expect(page.locator("html")).to_have_attribute("lang", language)
    inspector.look(page, "landing of a stranger")
    page.locator("button[value=register]").click()
    inspector.look(page, "register, with an account already")
    register_by_reusable_link(page, operator, stack, inspector, f"newcomer-{size['width']}-{language}@example.com")
    page.goto("/i/no-such-link")
    inspector.look(page, "unusable link")
    page.locator("form[action$='/new-link/'] button").click()
    inspector.look(page, "new link asked for")
    for email in (READY, BLOCKED):
        page = visitor(email, **options)
        page.goto(links[email])
        inspector.look(page, f"landing of {email}")
        page.goto(links[BLOCKED])
        inspector.look(page, f"landing of {BLOCKED}, seen by {email}")


def register_by_reusable_link(page: Page, operator: Page, stack: DemoStack, inspector: Inspector, email: str) -> None:
    """Give an address, read its mail, open the one-use link, and see the form refuse what is missing."""
    token = stack.run_in_shell(
        "from invitations.models import InvitationLink",
        "from invitations.queries import token_of",
        "link = InvitationLink.objects.filter(revoked_at=None, expires_at=None, max_uses=None).first()",
        "print(token_of(link, kind='k'))",
    ).strip()
    page.goto(f"/i/{token}/qr")
    page.locator("button[value=register]").click()
    inspector.look(page, "register, address first")
    page.locator("form.form button[data-kind=primary]").click()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    inspector.look(page, "register, no address")
    page.locator("[name=email]").fill(email)
    page.locator("form.form button[data-kind=primary]").click()
    expect(page).to_have_url(re.compile("/mailed/$"))
    inspector.look(page, "register, mailed")
    page.goto(open_newest_mail(operator, email))
    expect(page.locator("[name=customer_name]")).to_be_visible()
    inspector.look(page, "register")
    page.locator("form.form button[data-kind=primary]").click()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    inspector.look(page, "register, refused")


def test_answers_to_customers(visitor: Visitor, stack: DemoStack, inspector: Inspector) -> None:
    """What a customer sees who comes back: one of each status that has an account behind it."""
    lines = stack.run_in_shell(
        "from invitations.models import Invitation",
        "rows = Invitation.objects.exclude(account=None).exclude(status='invited').order_by('pk')",
        "for row in rows: print(row.status, row.account.email)",
    ).splitlines()
    for email in dict(map(str.split, lines)).values():
        page = visitor()
        page.goto("/account/login/")
        page.locator("[name=login]").fill(email)
        page.locator("[name=password]").fill("northwind-demo-2026")
        page.locator("form.form button[type=submit]").click()
        page.goto("/invitation/")
        inspector.look(page, f"answer to {email}: {page.locator('h1').inner_text()}")
    assert inspector.seen >= 4
