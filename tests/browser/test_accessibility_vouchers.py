"""Vouchers and codes: axe finds nothing on their pages and dialogs, and the keyboard is enough."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.acting import PLATFORM_ADMIN, wait_for_job
from tests.browser.acting_vouchers import FINANCE, toast
from tests.browser.conftest import Visitor
from tests.browser.stack import DemoStack
from tests.browser.test_accessibility import BROWSERS, DESK, PHONE, Inspector, inspector, open_by

__all__ = ["inspector"]
pytestmark = pytest.mark.browser

MEMBERS = {"en": FINANCE, "zh-hans": "admin@xinghe.example.com"}
AUDITOR, OTHER_ADMIN = "auditor@xinghe.example.com", "admin@harbour.example.org"
# The oldest quota for vouchers has no whitelist and much to give.
QUOTAS, ISSUE = "/quotas/?kind=voucher", "tbody tr:last-child a[href*='/coupons/issue/']"
PAGES = (
    "/quotas/",
    "/quotas/?number=nothing",
    "/coupons/?more=1",
    "/coupons/?number=nothing",
    "/whitelists/",
    "/whitelists/import/",
    "/whitelists/check/",
    "/operations/?more=1",
    "/operations/?coupon_number=nothing",
    "/account/two-step/",
)
VENDOR_PAGES = (
    "/platform/quotas/?number=nothing",
    "/platform/operations/?more=1",
    "/platform/quotas/grant/?wanted=Harbour",
)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_pages_of_vouchers(visitor: Visitor, inspector: Inspector, size: dict[str, int], language: str) -> None:
    page = visitor(MEMBERS[language], locale=BROWSERS[language], viewport=size)
    expect(page.locator("html")).to_have_attribute("lang", language)
    for address in [*PAGES, *deeper_addresses(page)]:
        page.goto(address)
        inspector.look(page, address)
    for name, open_dialog in DIALOGS.items():
        open_dialog(page)
        expect(page.locator("dialog[open]")).to_be_visible()
        inspector.look(page, name)
    assert inspector.seen >= 40


def deeper_addresses(page: Page) -> list[str]:
    """A quota with its ledger and its form to issue, a coupon of each end, a draft of a whitelist with its tabs."""
    quota, coupon, recalled, draft = (
        path_of(page, address, "tbody td.primary a")
        for address in ("/quotas/", "/coupons/", "/coupons/?status=recalled", "/whitelists/?status=draft")
    )
    issue = path_of(page, QUOTAS, ISSUE)
    return [quota, f"{quota}ledger/", issue, coupon, recalled, draft, f"{draft}changes/", f"{draft}rejected/"]


def path_of(page: Page, address: str, link: str) -> str:
    page.goto(address)
    found = page.locator(link).first
    expect(found).to_have_count(1)
    return str(found.evaluate("link => link.pathname"))


def open_chosen(page: Page) -> None:
    page.goto("/coupons/")
    page.locator("[data-select-page]").check()
    page.locator("[data-bulk] button[hx-post]").click()


def open_receivers(page: Page) -> None:
    page.goto(path_of(page, QUOTAS, ISSUE))
    page.locator("#add-customers").click()
    search_by_keyboard(page)
    expect(page.locator("#found [name=add]").first).to_be_visible()


def search_by_keyboard(page: Page) -> None:
    """Type where the focus is; faster than any hand, so wait until htmx has taken the dialog over."""
    expect(page.locator("dialog [name=wanted]")).to_be_focused()
    expect(page.locator(".htmx-added")).to_have_count(0)
    page.keyboard.type("hu")
    page.keyboard.press("Enter")


def open_activation(page: Page) -> None:
    page.goto(path_of(page, "/whitelists/?status=draft", "tbody td.primary a"))
    page.locator("[data-open-dialog=activate-version]").click()


DIALOGS: dict[str, Callable[[Page], None]] = {
    "recall": open_by("/coupons/", "tbody [hx-get$='/recall/']"),
    "recall chosen": open_chosen,
    "add customers": open_receivers,
    "export coupons": open_by("/coupons/", "[data-open-dialog=export]"),
    "export operations": open_by("/operations/", "[data-open-dialog=export]"),
    "activate": open_activation,
}


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_an_issue_from_fault_to_result(visitor: Visitor, inspector: Inspector, size: dict[str, int]) -> None:
    page = visitor(FINANCE, viewport=size)
    open_receivers(page)
    page.locator("#found [name=add]:enabled").first.check()
    page.locator("#found button[data-kind=primary]").click()
    expect(page.locator("#chosen")).to_have_attribute("data-count", "1")
    page.get_by_role("button", name="Show the plan").click()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    inspector.look(page, "issue, refused")
    page.get_by_label("Face value per customer (CNY)").fill("10")
    page.get_by_role("button", name="Show the plan").click()
    expect(page.locator("#rows tbody tr")).to_have_count(1)
    inspector.look(page, "plan of an issue")
    page.get_by_role("button", name="Issue 1 coupon").click()
    wait_for_job(page)
    inspector.look(page, "result of an issue")


def test_pages_of_who_only_reads(visitor: Visitor, inspector: Inspector) -> None:
    page = visitor(AUDITOR)
    for address in ("/quotas/", "/coupons/", "/operations/", "/settings/security/"):
        page.goto(address)
        inspector.look(page, f"{address} of an auditor")


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_voucher_pages_of_the_vendor(visitor: Visitor, inspector: Inspector, size: dict[str, int]) -> None:
    page = visitor(PLATFORM_ADMIN, viewport=size)
    quota = path_of(page, "/platform/quotas/", "tbody td.primary a")
    grant = path_of(page, VENDOR_PAGES[-1], ".quota-partners a")
    for address in (*VENDOR_PAGES, quota, f"{quota}ledger/", grant):
        page.goto(address)
        inspector.look(page, address)
    page.locator("main form button[data-kind=primary]").click()
    expect(page.locator("[aria-invalid=true]").first).to_be_visible()
    inspector.look(page, "grant, refused")
    page.goto("/platform/operations/")
    page.locator("tbody [data-select]").first.check()
    page.locator("summary").filter(has_text="Totals").click()
    inspector.look(page, "review, one chosen and totals open")
    for step in ("total", "invalid"):
        open_by(quota, f"[hx-get$='/{step}/']")(page)
        expect(page.locator("dialog[open]")).to_be_visible()
        inspector.look(page, f"{step} of a quota")


# --- codes and the keyboard ------------------------------------------------------------------------------------------


def test_a_code_by_keyboard(visitor: Visitor, stack: DemoStack, inspector: Inspector) -> None:
    """The field has the focus when the dialog opens and when a wrong code comes back; Escape leads to the button."""
    page = visitor(OTHER_ADMIN)
    switch_codes(stack, is_on=True)
    try:
        page.goto("/settings/security/")
        inspector.look(page, "security settings, codes on")
        opener = page.get_by_role("button", name="Switch off")
        press(page, opener)
        expect(page.locator("#code")).to_be_focused()
        inspector.look(page, "a code is asked for")
        page.keyboard.type("000000")
        page.keyboard.press("Enter")
        expect(page.locator("#code[aria-invalid=true]")).to_be_focused()
        inspector.look(page, "a wrong code")
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
        expect(opener).to_be_focused()
    finally:
        switch_codes(stack, is_on=False)


def switch_codes(stack: DemoStack, *, is_on: bool) -> None:
    stack.run_in_shell(
        "from partner_center.tenancy.models import Partner",
        f"own = Partner.objects.filter(members__user__email={OTHER_ADMIN!r})",
        f"own.update(verification_enabled={is_on})",
    )


def press(page: Page, wanted: Locator) -> None:
    tab_to(page, wanted)
    page.keyboard.press("Enter")


def tab_to(page: Page, wanted: Locator) -> None:
    """Go there as somebody without a mouse goes, from wherever the focus is."""
    expect(wanted).to_be_visible()
    for _step in range(120):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not reach {wanted}")


def test_customers_are_chosen_by_keyboard(visitor: Visitor) -> None:
    page = visitor(FINANCE)
    page.goto(path_of(page, QUOTAS, ISSUE))
    opener = page.locator("#add-customers")
    press(page, opener)
    search_by_keyboard(page)
    tab_to(page, page.locator("#found [name=add]:enabled").first)
    page.keyboard.press("Space")
    press(page, page.locator("#found button[data-kind=primary]"))
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.locator("#chosen")).to_have_attribute("data-count", "1")
    expect(opener).to_be_focused()


def test_a_coupon_is_recalled_by_keyboard(visitor: Visitor) -> None:
    page = visitor(FINANCE)
    page.goto("/coupons/")
    opener = page.locator("tbody [hx-get$='/recall/']").first
    press(page, opener)
    dialog = page.get_by_role("dialog", name="Recall this coupon?")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    page.keyboard.press("Enter")
    press(page, dialog.get_by_role("button", name=re.compile(r"^Recall \d")))
    toast(page, "recalled")
    expect(dialog).to_be_hidden()
