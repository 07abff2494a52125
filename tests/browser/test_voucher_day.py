"""
A day with vouchers on the whole stack: quota, issue, consumption, recall, whitelist, a coupon that lands at a master
account, codes, review, and an exported log that is proved without the server.

Nobody reaches around the screens, but for what cannot be waited for: the minute between two codes.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from partner_center.masking import mask_account
from tests.browser.acting import PARTNER, PLATFORM_ADMIN, Customer, assert_hidden, rows
from tests.browser.acting_vouchers import (
    FINANCE,
    answer_with,
    apply_issue,
    assert_balance,
    consume,
    customers_of,
    export_log,
    grant_quota,
    import_whitelist,
    let_a_minute_pass,
    make_billing_key,
    mark,
    newest_code,
    open_log_of,
    open_result,
    open_review,
    plan_issue,
    toast,
)
from tests.browser.conftest import Visitor
from tests.browser.stack import DemoStack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

ADMIN = "admin@xinghe.example.com"
ORDER = "CS-26-VOUCHER-DAY"
# A hint says of the issue that its coupon was recalled; the operation is the first word of a row.
RECALL = re.compile(r"^\s*Recall(?!ed)")
NOTE = "Who agreed to this one?"


def test_a_day_with_vouchers(visitor: Visitor, stack: DemoStack, tmp_path: Path) -> None:
    everybody = customers_of(stack)
    *singles, member, master = everybody
    vendor, finance = visitor(PLATFORM_ADMIN), visitor(FINANCE)
    quota = grant_quota(vendor, "250.00")
    coupon = issue_until_it_is_empty(finance, quota, singles[:3])
    see_all_three_in_the_log(finance, quota, everybody)

    use_some_of_it(finance, stack, coupon)
    recall_the_rest(finance, quota, coupon, everybody)

    import_whitelist(finance, [member, *singles[:2]], tmp_path)
    activate_what_was_shown(finance, everybody)
    issue_to_the_master(finance, grant_quota(vendor, "500.00", "Cash coupon"), member, master)

    admin = visitor(ADMIN, locale="zh-CN")
    switch_codes_on(admin)
    confirm_another_amount(finance, stack, quota, singles[0])
    switch_codes_off(admin)

    review(vendor, quota, everybody)
    prove_the_log(vendor, tmp_path, everybody)


# --- issue, use, recall ----------------------------------------------------------------------------------------------


def issue_until_it_is_empty(finance: Page, quota: str, customers: list[Customer]) -> str:
    """Of three coupons two fit; the third is refused before anything is done. Gives the number of a coupon."""
    plan_issue(finance, quota, "100.00", *customers)
    planned = finance.locator("#rows tbody tr")
    expect(planned.nth(0)).to_contain_text("250.00 CNY → 150.00 CNY")
    expect(planned.nth(1)).to_contain_text("150.00 CNY → 50.00 CNY")
    expect(planned.nth(2)).to_contain_text("Over the quota")
    expect(planned.nth(2)).to_contain_text("The quota's balance is too small")
    expect(finance.locator("main")).to_contain_text("The quota's balance goes from 250.00 CNY to 50.00 CNY.")
    assert_balance(finance.context.new_page(), quota, "250.00")
    apply_issue(finance, "Issue 2 coupons")
    expect(finance.locator(".notice")).to_contain_text(
        "Issued to 2 customers, 200.00 CNY in all. 1 row was not issued."
    )
    assert_hidden(finance, *customers)
    coupons = open_result(finance)
    expect(coupons).to_have_count(2)
    expect(coupons.filter(has_text="Usable").filter(has_text="of 100.00 CNY")).to_have_count(2)
    assert_hidden(finance, *customers)
    return coupons.first.locator("[data-row-link]").inner_text()


def see_all_three_in_the_log(finance: Page, quota: str, everybody: list[Customer]) -> None:
    open_log_of(finance, quota)
    issued = rows(finance).filter(has_text="Issue").filter(has_text="100.00 CNY")
    expect(issued).to_have_count(3)
    expect(issued.filter(has_text="Success")).to_have_count(2)
    expect(issued.filter(has_text="Failure")).to_have_count(1)
    expect(issued.filter(has_text="Failure")).to_contain_text("The quota's balance is too small.")
    assert_hidden(finance, *everybody)


def use_some_of_it(finance: Page, stack: DemoStack, coupon: str) -> None:
    """Billing posts an order, and posts it again because it has not heard the answer: it is used once."""
    key = make_billing_key(stack)
    first = consume(stack, key, coupon, "37.50", order=ORDER)
    assert consume(stack, key, coupon, "37.50", order=ORDER) == first
    assert (first["amount"], first["balance"], first["status"]) == ("37.50", "62.50", "usable")
    finance.goto("/coupons/")
    finance.get_by_role("link", name=coupon).click()
    expect(finance.locator(".quota-numbers [data-part=coupon]")).to_contain_text("62.50 CNY")
    expect(finance.locator(".quota-numbers [data-part=consumed]")).to_contain_text("37.50 CNY")
    expect(finance.locator("main").get_by_text(ORDER)).to_have_count(1)


def recall_the_rest(finance: Page, quota: str, coupon: str, everybody: list[Customer]) -> None:
    finance.get_by_role("link", name="Recall").click()
    dialog = finance.get_by_role("dialog", name="Recall this coupon?")
    expect(dialog).to_contain_text("62.50 CNY of coupon")
    expect(dialog).to_contain_text("37.50 CNY of it has been used and stays used.")
    dialog.get_by_label("Reason").fill("The campaign has ended.")
    dialog.get_by_role("button", name="Recall 62.50 CNY").click()
    toast(finance, f"62.50 CNY recalled. It is back in the quota {quota}.")
    expect(finance.get_by_role("link", name="Recall", exact=True)).to_have_attribute("aria-disabled", "true")
    assert_hidden(finance, *everybody)
    finance.goto("/coupons/")
    row = rows(finance).filter(has_text=coupon)
    expect(row).to_contain_text("Recalled")
    expect(row).to_contain_text("62.50 CNY recalled")
    assert_hidden(finance, *everybody)
    assert_balance(finance, quota, "112.50")


# --- whitelist -------------------------------------------------------------------------------------------------------


def activate_what_was_shown(finance: Page, everybody: list[Customer]) -> None:
    """See what the file changes and which of its rows nobody is, then put it in force."""
    main = finance.locator("main")
    expect(main.locator(".notice")).to_contain_text("This version removes 6, adds 1 and leaves 2 as they are")
    expect(rows(finance).filter(has_text="Removed")).to_have_count(6)
    expect(rows(finance).filter(has_text="Added")).to_have_count(1)
    assert_hidden(finance, *everybody)
    finance.get_by_role("link", name="Rejected rows").click()
    rejected = main.locator("tbody tr")
    expect(rejected).to_have_count(1)
    expect(rejected).to_contain_text("No customer of yours has this account name.")
    finance.get_by_role("button", name="Activate").click()
    finance.get_by_role("dialog").get_by_role("button", name="Activate", exact=True).click()
    toast(finance, "is in force.")
    expect(rows(finance)).to_have_count(3)
    assert_hidden(finance, *everybody)


def issue_to_the_master(finance: Page, quota: str, member: Customer, master: Customer) -> None:
    """Plan and list say that the member's cash coupon goes to its enterprise."""
    plan_issue(finance, quota, "80.00", member)
    expect(finance.locator("#rows tbody tr")).to_contain_text("master")
    assert_hidden(finance, member, master)
    apply_issue(finance, "Issue 1 coupon")
    coupons = open_result(finance)
    expect(coupons).to_have_count(1)
    expect(coupons.locator("[data-field=account__account_name]")).to_contain_text(mask_account(master.account_name))
    assert_hidden(finance, member, master)
    coupons.locator("[data-row-link]").click()
    expect(finance.locator("main")).to_contain_text("Issued for the member")
    assert_hidden(finance, member, master)


# --- codes -----------------------------------------------------------------------------------------------------------


def switch_codes_on(admin: Page) -> None:
    """The admin of this partner reads Chinese."""
    admin.goto("/settings/security/")
    admin.get_by_role("button", name="开启").click()
    expect(admin.locator("#codes-title .badge")).to_have_text("已开启")


def confirm_another_amount(finance: Page, stack: DemoStack, quota: str, customer: Customer) -> None:
    """A code is asked for; then another amount is wanted, and the code that was sent opens neither plan any more."""
    plan_issue(finance, quota, "50.00", customer)
    first = ask_for_code(finance, "50.00 CNY")
    reader = finance.context.new_page()
    old_code = newest_code(reader, FINANCE)

    changed = finance.context.new_page()
    plan_issue(changed, quota, "60.00", customer)
    changed.get_by_role("button", name="Issue 1 coupon").click()
    refused = changed.get_by_role("dialog")
    expect(refused).to_contain_text("You cannot ask for another code yet.")
    expect(refused.get_by_label("Verification code")).to_have_count(0)
    let_a_minute_pass(stack)
    changed.reload()
    second = ask_for_code(changed, "60.00 CNY")
    code = newest_code(reader, FINANCE, besides=old_code)

    answer_with(first, old_code)
    expect(first.get_by_role("alert")).to_contain_text("This code is no longer valid.")
    answer_with(second, old_code)
    expect(second.get_by_role("alert")).to_contain_text("This code is not right. You have 4 tries left.")
    assert_balance(reader, quota, "112.50")
    answer_with(second, code)
    see_it_issued(changed, quota)


def ask_for_code(page: Page, amount: str) -> Locator:
    """Press the button of a plan; gives the dialog that asks for the code and names the amount."""
    page.get_by_role("button", name="Issue 1 coupon").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(amount)
    expect(dialog.get_by_label("Verification code")).to_be_visible()
    return dialog


def see_it_issued(page: Page, quota: str) -> None:
    expect(page.locator(".notice")).to_contain_text("Issued to 1 customer, 60.00 CNY in all.")
    assert_balance(page, quota, "52.50")


def switch_codes_off(admin: Page) -> None:
    """That needs a code itself; the tests behind this one find the partner as it was."""
    admin.get_by_role("button", name="关闭").click()
    dialog = admin.get_by_role("dialog")
    expect(dialog).to_contain_text(f"为{PARTNER}关闭验证码")
    answer_with(dialog, newest_code(admin.context.new_page(), ADMIN), "确认")
    expect(admin.locator("#codes-title .badge")).to_have_text("已关闭")


# --- the log ---------------------------------------------------------------------------------------------------------


def review(vendor: Page, quota: str, everybody: list[Customer]) -> None:
    """Everything of the quota that was done is looked at, the recall is flagged; nothing of it is left to review."""
    open_review(vendor, quota)
    found = rows(vendor).count()
    mark(vendor, rows(vendor).filter(has_not_text=RECALL), "Mark as reviewed")
    mark(vendor, rows(vendor).filter(has_text=RECALL), "Flag", NOTE)
    expect(rows(vendor)).to_have_count(found)
    expect(rows(vendor).filter(has_text="Flagged").filter(has_text=NOTE)).to_have_count(1)
    expect(rows(vendor).filter(has_text="Reviewed")).to_have_count(found - 1)
    assert_hidden(vendor, *everybody)
    open_review(vendor, quota, "Not reviewed")
    expect(vendor.locator("main")).to_contain_text("Nothing matches these filters")


def prove_the_log(vendor: Page, folder: Path, everybody: list[Customer]) -> None:
    """Check the file as an auditor does, then change one digit of an amount."""
    vendor.goto("/platform/operations/")
    program, file, manifest = export_log(vendor, folder)
    text = file.read_bytes()
    shown = text.decode("utf-8-sig")
    assert [secret for each in everybody for secret in each.secrets if secret in shown] == []
    assert verify(program, file, manifest) == (0, [])
    place = text.index(ORDER.encode())
    row = text[:place].count(b"\r\n") + 1
    file.write_bytes(text[:place] + b"X" + text[place + 1 :])
    code, told = verify(program, file, manifest)
    assert code == 1
    assert f"WRONG: row {row}: it was changed: its cells do not fit its digest" in told


def verify(program: Path, file: Path, manifest: Path) -> tuple[int, list[str]]:
    """Run the program in a Python that knows nothing of the product; gives its exit code and what it found wrong."""
    command = [sys.executable, "-I", *map(str, (program, file, manifest))]
    ended = subprocess.run(command, cwd=file.parent, capture_output=True, text=True, timeout=60, check=False)
    return ended.returncode, [line for line in ended.stdout.splitlines() if line.startswith("WRONG")]
