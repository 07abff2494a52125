"""What people do in the browser, step by step, by what they see."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

OPERATOR = "operator@xinghe.example.com"
PLATFORM_ADMIN = "platform@northwind.example.com"
PARTNER = "星河数字科技有限公司"
SECONDS_TO_WAIT = 90
PASSWORD = "three quiet harbour cranes"


@dataclass(frozen=True)
class Customer:
    """Somebody to invite; the tag is the same for all customers of one test."""

    name: str
    email: str
    account_name: str
    mobile: str
    language: str = "en"

    @property
    def secrets(self) -> tuple[str, ...]:
        return self.name, self.email, self.account_name, self.mobile


def eventually(condition: Callable[[], object], what: str) -> None:
    """Ask again until the workers have done it."""
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"


def assert_hidden(page: Page, *customers: Customer) -> None:
    """No clear value may stand anywhere in the page: not in the text, not in an attribute."""
    html = page.content()
    found = [secret for customer in customers for secret in customer.secrets if secret in html]
    assert found == []


def sign_in(page: Page, email: str) -> None:
    """Press a demo account under the sign-in form, as a new user does."""
    page.goto("/account/login/")
    page.get_by_role("button", name=email).click()
    expect(page.locator("[name=login]")).to_have_value(email)
    page.locator("form.form button[type=submit]").click()
    expect(page.locator("[name=login]")).to_have_count(0)


def invite_one(page: Page, customer: Customer, tag: str) -> None:
    """Type one customer in, read the plan, apply it and watch the job end by itself."""
    page.goto("/invitations/new/")
    card = page.get_by_role("region", name="One customer")
    card.get_by_label("Customer name").fill(customer.name)
    card.get_by_label("E-mail").fill(customer.email)
    card.get_by_label("Account name").fill(customer.account_name)
    card.get_by_label("Mobile number").fill(customer.mobile)
    card.get_by_label("Custom tag").fill(tag)
    card.get_by_label("Language of the mail").select_option(customer.language)
    card.get_by_role("button", name="Show the plan").click()
    apply_plan(page, "Send 1 invitation", customer)


def invite_list(page: Page, customers: list[Customer], tag: str) -> None:
    """Paste a list."""
    page.goto("/invitations/new/")
    card = page.get_by_role("region", name="A list of customers")
    lines = [",".join([*(each.name, each.email, each.account_name, each.mobile), tag]) for each in customers]
    card.get_by_label("Paste a list").fill("\n".join(lines))
    card.get_by_role("button", name="Show the plan").click()
    apply_plan(page, f"Send {len(customers)} invitations", *customers)


def apply_plan(page: Page, button: str, *customers: Customer) -> None:
    expect(job_state(page)).to_have_text("Planned")
    expect(page.locator("#rows tbody tr")).to_have_count(len(customers))
    assert_hidden(page, *customers)
    page.get_by_role("button", name=button).click()
    wait_for_job(page)
    assert_hidden(page, *customers)


def job_state(page: Page) -> Locator:
    return page.locator(".page-title .badge")


def wait_for_job(page: Page) -> None:
    """The page asks for news by itself; nobody reloads it."""
    expect(job_state(page)).to_have_text("Done", timeout=SECONDS_TO_WAIT * 1000)


# --- mail ------------------------------------------------------------------------------------------------------------


def mails_to(page: Page, email: str, *, at_least: int = 1) -> list[str]:
    """Open the dev mailbox until the sender has done its work; gives the subjects, newest first."""
    subjects = page.locator("tbody td.primary")

    def have_come() -> bool:
        page.goto(f"/mail/mailbox/?to={email}")
        return subjects.count() >= at_least

    eventually(have_come, f"{at_least} mails to {email}")
    return subjects.all_inner_texts()


def open_newest_mail(page: Page, email: str, *, at_least: int = 1) -> str:
    """Read the newest mail to somebody; gives its one link."""
    mails_to(page, email, at_least=at_least)
    page.locator("tbody td.primary a").first.click()
    text = page.locator("[data-mail-text]").inner_text()
    links = re.findall(r"https?://\S+", text)
    assert len(links) == 1
    expect(page.get_by_role("link", name="Open the link")).to_have_attribute("href", links[0])
    return str(links[0])


# --- customers -------------------------------------------------------------------------------------------------------


def follow_link(page: Page, link: str, *strangers: Customer) -> None:
    """Arrive at the clean address and see who invites, and nothing about anybody else."""
    page.goto(link)
    expect(page).to_have_url(re.compile(r"/invitation/$"))
    expect(page.locator("h1")).to_contain_text(PARTNER)
    expect(page.locator("#what-changes")).to_be_visible()
    assert_hidden(page, *strangers)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def register(page: Page, customer: Customer) -> None:
    page.locator("button[value=register]").click()
    page.locator("[name=customer_name]").fill(customer.name)
    page.locator("[name=account_name]").fill(customer.account_name)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form.form button[data-kind=primary]").click()
    expect(page.locator("[name=understood]")).to_be_visible()


def accept(page: Page) -> None:
    """Press first without having ticked the box: nothing may happen but a sentence beside it."""
    button = page.locator("form[action$='/accept/'] button")
    button.click()
    expect(page.locator("[name=understood]")).to_have_attribute("aria-invalid", "true")
    page.locator("[name=understood]").check()
    button.click()
    expect(page.locator("[type=checkbox][name=understood]")).to_have_count(0)


# --- the vendor ------------------------------------------------------------------------------------------------------


def set_overdue_amount(page: Page, customer: Customer, amount: str) -> None:
    """Look the account up by its whole name, and correct what the directory knows."""
    page.goto("/customers/accounts/")
    page.get_by_role("searchbox").fill(customer.account_name)
    page.get_by_role("button", name="Find").click()
    page.get_by_label("Overdue amount").fill(amount)
    assert_hidden(page, customer)
    page.get_by_role("button", name="Save the facts").click()
    expect(page.get_by_role("status").filter(has_text="The facts were saved")).to_be_visible()


# --- history ---------------------------------------------------------------------------------------------------------


def open_history(page: Page, tag: str) -> None:
    """Filter the history records by the tag, through the form."""
    page.goto("/invitations/")
    page.get_by_role("search").get_by_label("Custom tag").fill(tag)
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page.locator(".chip")).to_contain_text(tag)


def rows(page: Page) -> Locator:
    return page.locator("#list-body tbody tr")


def reveal(page: Page, eye: Locator) -> None:
    """Press an eye; the first time in a session it asks why."""
    eye.click()
    dialog = page.locator("#purpose")
    expect(dialog.or_(page.locator("[data-revealed]").first).first).to_be_visible()
    if dialog.is_visible():
        dialog.locator("input[type=radio]").first.check()
        dialog.get_by_role("button", name="Reveal").click()


def export_all(page: Page, label: str, folder: Path) -> Path:
    """Export all history records and download the file."""
    page.goto("/invitations/")
    page.get_by_role("button", name="Export all").click()
    dialog = page.get_by_role("dialog", name="Export all")
    expect(dialog.get_by_label("All history records")).to_be_checked()
    dialog.get_by_label(label).check()
    dialog.get_by_role("button", name="Export", exact=True).click()
    wait_for_job(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the file").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path
