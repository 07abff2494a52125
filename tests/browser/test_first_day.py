"""
A first day with the whole stack running: invite, answer, fail, mend, resend in a batch, accept, export.

Nobody reaches around the screens, but for what cannot be waited for: a week passes.
"""

import csv
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from tests.browser.acting import (
    OPERATOR,
    PLATFORM_ADMIN,
    Customer,
    accept,
    assert_hidden,
    eventually,
    export_all,
    follow_link,
    invite_list,
    invite_one,
    mails_to,
    open_history,
    open_newest_mail,
    register,
    reveal,
    rows,
    set_overdue_amount,
    sign_in,
    wait_for_job,
)
from tests.browser.conftest import PHONE, Visitor
from tests.browser.stack import DemoStack

pytestmark = pytest.mark.browser

# A tag is shown and exported as it is; this one would run as a formula in a careless file.
TAG = "=1+1 first day"
YUNFAN = Customer("云帆智能科技", "yunfan@customer.example", "yunfan-tech", "+8613900010001", "zh-hans")
RIVERBEND = Customer("Riverbend Textiles", "office@riverbend.example", "riverbend-textiles", "+8613900010002")
LATE = [
    Customer(f"Late Bakery {number}", f"late{number}@bakery.example", f"late-bakery-{number}", f"+861390001001{number}")
    for number in (3, 4, 5)
]
EVERYBODY = [YUNFAN, RIVERBEND, *LATE]
ROWS_OF_TAG = f"rows = Invitation.objects.filter(custom_tag={TAG!r})"
IMPORTS = (
    "from datetime import timedelta",
    "from django.utils import timezone",
    "from invitations.models import Invitation",
)


def let_a_week_pass(stack: DemoStack) -> None:
    """Move this test's mails back in time: who has not answered is late, and nobody's mail was sent a moment ago."""
    stack.run_in_shell(
        *IMPORTS,
        ROWS_OF_TAG,
        "now = timezone.now()",
        "rows.update(sent_at=now - timedelta(days=8))",
        "rows.filter(status='invited').update(expires_at=now - timedelta(days=1))",
    )


def test_a_first_day(visitor: Visitor, stack: DemoStack, tmp_path: Path) -> None:
    operator = visitor(OPERATOR)
    invite_one(operator, YUNFAN, TAG)
    invite_one(operator, RIVERBEND, TAG)
    invite_list(operator, LATE, TAG)

    vendor = visitor(PLATFORM_ADMIN)
    yunfan = visitor(**PHONE, locale="zh-CN")
    associate_at_once(operator, yunfan)
    riverbend = visitor(**PHONE)
    old_link = fail_a_check(operator, riverbend, vendor)
    see_both_in_history(operator)
    stranger = visitor()
    stranger.goto(old_link)
    assert_hidden(stranger, *EVERYBODY)

    set_overdue_amount(vendor, RIVERBEND, "0")
    let_a_week_pass(stack)
    see_what_can_be_resent(operator)
    resend_all_five(operator)

    come_back(operator, riverbend, old_link)
    stranger.goto(old_link)
    expect(stranger.locator("h1")).to_have_text("This link cannot be used")
    see_who_is_won(operator)
    read_the_files(operator, tmp_path)


def associate_at_once(operator: Page, customer: Page) -> None:
    """The Chinese customer gets a Chinese mail, registers on a phone and accepts."""
    link = open_newest_mail(operator, YUNFAN.email)
    expect(operator.locator("[data-mail-text]")).to_contain_text(YUNFAN.name)
    follow_link(customer, link, RIVERBEND, *LATE)
    expect(customer.locator("html")).to_have_attribute("lang", "zh-hans")
    register(customer, YUNFAN)
    accept(customer)
    expect(customer.locator(".notice[data-kind=success]")).to_be_visible()
    assert len(mails_to(operator, YUNFAN.email, at_least=2)) == 2


def fail_a_check(operator: Page, customer: Page, vendor: Page) -> str:
    """The English customer owes money: the page says so beforehand and afterwards, and what to do."""
    link = open_newest_mail(operator, RIVERBEND.email)
    follow_link(customer, link, YUNFAN, *LATE)
    register(customer, RIVERBEND)
    expect(customer.get_by_role("heading", name="Nothing stands in the way")).to_be_visible()
    set_overdue_amount(vendor, RIVERBEND, "1280.50")
    customer.reload()
    expect(customer.get_by_role("heading", name="1 thing stands in the way")).to_be_visible()
    accept(customer)
    expect(customer.locator("h1")).to_have_text("Something stands in the way")
    expect(customer.locator(".check[data-result=fail]")).to_contain_text("Top up and repay it")
    expect(customer.locator("body")).not_to_contain_text("1280.50")
    return link


def see_both_in_history(operator: Page) -> None:
    open_history(operator, TAG)
    expect(rows(operator)).to_have_count(5)
    expect(rows(operator).filter(has_text="Associated")).to_have_count(1)
    failed = rows(operator).filter(has_text="Association failed")
    expect(failed).to_have_count(1)
    expect(failed.locator(".cell-reason")).to_have_text("Overdue payment")
    assert_hidden(operator, *EVERYBODY)
    failed.locator("[data-row-link]").click()
    expect(operator.locator(".notice[data-kind=danger]")).to_contain_text("Ask the customer to top up")
    expect(operator.locator(".timeline")).to_contain_text("Checks failed")
    assert_hidden(operator, *EVERYBODY)


def see_what_can_be_resent(operator: Page) -> None:
    """Beat looks again at who failed: the debt is paid, so a retry would succeed."""

    def is_ready() -> bool:
        open_history(operator, TAG)
        return rows(operator).filter(has_text="Ready to retry").count() == 1

    eventually(is_ready, "the re-check of the failed invitation")
    expect(rows(operator).filter(has_text="Expired")).to_have_count(3)
    expect(rows(operator).filter(has_text="Associated").get_by_role("button", name="Resend")).to_have_count(0)


def resend_all_five(operator: Page) -> None:
    """Of five that are ticked, four go; the one that is associated stays, and the dialog says why."""
    operator.get_by_label("Select all rows of this page").check()
    bar = operator.locator("[data-bulk]")
    expect(bar).to_contain_text("5 selected")
    bar.get_by_role("button", name="Resend").click()
    dialog = operator.get_by_role("dialog", name="Resend invitations")
    expect(dialog).to_contain_text("4 customers get a new link each")
    expect(dialog).to_contain_text("1 is left out")
    expect(dialog).to_contain_text("already associated")
    assert_hidden(operator, *EVERYBODY)
    cell = dialog.locator("[data-field=email]").first
    reveal(operator, cell.get_by_role("button"))
    expect(cell.locator(".masked-value")).to_have_text(LATE[-1].email)
    dialog.get_by_role("button", name="Resend 4 invitations").click()
    wait_for_job(operator)
    expect(operator.locator("#rows tbody tr").filter(has_text="Done")).to_have_count(4)
    assert_hidden(operator, *EVERYBODY)


def come_back(operator: Page, customer: Page, old_link: str) -> None:
    """The old link leads to the news that there is a newer one; the newer one leads to the end."""
    link = open_newest_mail(operator, RIVERBEND.email, at_least=2)
    assert link != old_link
    customer.goto(old_link)
    expect(customer.locator("h1")).to_have_text("There is a newer link")
    customer.goto(link)
    expect(customer.get_by_role("heading", name="Nothing stands in the way")).to_be_visible()
    accept(customer)
    expect(customer.locator("h1")).to_have_text("You are associated")


def see_who_is_won(operator: Page) -> None:
    for late in LATE:
        assert len(mails_to(operator, late.email, at_least=2)) == 2
    assert len(mails_to(operator, YUNFAN.email, at_least=2)) == 2, "who was left out got another mail"
    open_history(operator, TAG)
    expect(rows(operator).filter(has_text="Associated")).to_have_count(2)
    expect(rows(operator).filter(has_text="Invited").filter(has_not_text="Associated")).to_have_count(3)


def read_the_files(operator: Page, folder: Path) -> None:
    operator.goto("/invitations/")
    total = int(operator.locator("#tab-0 .count").inner_text())
    book = load_workbook(export_all(operator, "Excel workbook", folder))
    cells = [list(line) for line in book.worksheets[0].iter_rows()]
    assert not [cell for line in cells for cell in line if cell.data_type == "f"]
    check_file([["" if cell.value is None else str(cell.value) for cell in line] for line in cells], total)
    with export_all(operator, "CSV", folder).open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.reader(file))
    check_file(lines, total)
    assert not [field for line in lines for field in line if field[:1] in ("=", "@", "-")]


def check_file(lines: list[list[str]], total: int) -> None:
    """As many rows as the list has; ours masked, and no clear value of anybody of ours."""
    assert len(lines) == 1 + total
    text = "\n".join("\t".join(line) for line in lines)
    assert [secret for customer in EVERYBODY for secret in customer.secrets if secret in text] == []
    ours = [line for line in lines if any("1+1 first day" in field for field in line)]
    assert len(ours) == len(EVERYBODY)
    shown = "\n".join("\t".join(line) for line in ours)
    for masked in ("云**", "y***@customer.example", "R**", "o***@riverbend.example", "Associated", "Invited"):
        assert masked in shown


# --- looking and choosing --------------------------------------------------------------------------------------------


def test_a_clear_value_is_seen_for_a_moment(visitor: Visitor) -> None:
    page = visitor()
    page.clock.install()
    sign_in(page, OPERATOR)
    page.goto("/invitations/?size=20")
    first, column = page.locator("#list-body [data-field=email]").first, page.locator("[data-reveal-column=email]")
    masked = first.locator(".masked-value").inner_text()
    reveal(page, first.get_by_role("button"))
    expect(first).to_have_attribute("data-revealed", "")
    clear = first.locator(".masked-value").inner_text()
    assert clear != masked
    assert "***" not in clear
    page.clock.fast_forward(30_001)
    expect(first.locator(".masked-value")).to_have_text(masked)
    assert clear not in page.content()

    reveal(page, column)
    shown = page.locator("#list-body [data-field=email][data-revealed]")
    expect(shown).to_have_count(page.locator("#list-body [data-field=email] .eye").count())
    expect(page.locator("#list-body [data-field=mobile][data-revealed]")).to_have_count(0)
    page.get_by_role("link", name="Next").click()
    expect(page.locator("#list-status")).to_contain_text("21")
    expect(page.locator("[data-revealed]")).to_have_count(0)
    assert clear not in page.content()


def test_select_all_sends_exactly_the_number_it_named_or_nothing(visitor: Visitor, stack: DemoStack) -> None:
    page = visitor(OPERATOR)
    page.goto("/invitations/?status=expired&size=20")
    total = int(page.locator("#list-tabs [aria-current] .count").inner_text())
    assert total > 20
    choose_all(page, total)
    stack.run_in_shell(
        *IMPORTS,
        "row = Invitation.objects.filter(partner__company_name='星河数字科技有限公司', status='expired').first()",
        "Invitation.objects.filter(pk=row.pk).update(status='cancelled')",
    )
    page.locator("[data-bulk]").get_by_role("button", name="Resend").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"{total - 1} rows match now, not {total}")
    expect(dialog.get_by_role("button", name="Resend")).to_have_count(0)
    dialog.get_by_role("button", name="Close").last.click()

    page.reload()
    choose_all(page, total - 1)
    page.locator("[data-bulk]").get_by_role("button", name="Resend").click()
    goes = dialog.locator("button[data-kind=primary]")
    expect(goes).to_be_visible()
    stays = dialog.locator(".notice-title")
    left_out = int(stays.inner_text().split()[0]) if stays.count() else 0
    assert int(goes.inner_text().split()[1]) + left_out == total - 1
    page.keyboard.press("Escape")
    expect(page.locator("#dialog")).to_be_hidden()
    expect(page.locator("[data-bulk]")).to_contain_text(f"All {total - 1}")


def choose_all(page: Page, total: int) -> None:
    page.get_by_label("Select all rows of this page").check()
    page.get_by_role("button", name=f"Select all {total} matching").click()
    expect(page.locator("[data-bulk]")).to_contain_text(f"All {total} matching this filter are selected")
