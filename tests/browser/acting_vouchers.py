"""What people do with quotas, coupons, whitelists and the operation log in the browser, by what they see."""

import csv
import json
import re
from pathlib import Path
from urllib.request import Request, urlopen

from playwright.sync_api import Download, Locator, Page, expect

from tests.browser.acting import PARTNER, Customer, assert_hidden, eventually, mails_to, rows, wait_for_job
from tests.browser.stack import DemoStack

FINANCE = "finance@xinghe.example.com"
NUMBER = r"\b[A-Z0-9]{5}(?:-[A-Z0-9]{4}){2}\b"
CUSTOMERS = (
    "import json",
    "from customers.models import Association",
    f"rows = Association.objects.active().filter(partner__company_name={PARTNER!r}, model='reseller')",
    "told = lambda one: [one.customer_name, one.email, one.account_name, one.mobile]",
    "rows = [row.account for row in rows.select_related('account__master').order_by('pk')]",
    "single = [told(account) for account in rows if account.enterprise_role == 'none'][:5]",
    "member = [[told(account), told(account.master)] for account in rows if account.enterprise_role == 'member'][0]",
    "print(json.dumps([*single, *member]))",
)


def customers_of(stack: DemoStack) -> list[Customer]:
    """Name the partner's customers as it knows them: five of their own, then a member and its enterprise's master."""
    return [Customer(*told) for told in json.loads(stack.run_in_shell(*CUSTOMERS))]


def toast(page: Page, text: str) -> None:
    expect(page.locator("#toasts")).to_contain_text(text)


# --- quotas ----------------------------------------------------------------------------------------------------------


def grant_quota(vendor: Page, total: str, kind: str = "Voucher") -> str:
    """Find the partner and give it a quota in yuan; gives the quota's number."""
    vendor.goto("/platform/quotas/")
    vendor.get_by_role("link", name="Grant a quota").click()
    vendor.get_by_label("Company name or account number").fill(PARTNER[:4])
    vendor.get_by_role("button", name="Find").click()
    vendor.get_by_role("link", name=f"Choose {PARTNER}").click()
    vendor.get_by_role("radio", name=kind, exact=True).check()
    vendor.get_by_label("Total", exact=True).fill(total)
    vendor.get_by_role("button", name="Grant the quota").click()
    toast(vendor, "was granted")
    return str(re.findall(NUMBER, vendor.locator("h1").inner_text())[0])


def open_quota(page: Page, number: str) -> None:
    page.goto("/quotas/")
    page.get_by_role("link", name=number).click()
    expect(page.locator("h1")).to_contain_text(number)


def assert_balance(page: Page, number: str, amount: str) -> None:
    open_quota(page, number)
    expect(page.locator(".quota-numbers [data-part=quota] dd")).to_have_text(f"{amount} CNY")


# --- issue -----------------------------------------------------------------------------------------------------------


def plan_issue(page: Page, number: str, face: str, *customers: Customer) -> None:
    """Type the face value, find every customer in the dialog, and ask for the plan."""
    open_quota(page, number)
    page.get_by_role("link", name="Issue", exact=True).click()
    page.get_by_label("Face value per customer (CNY)").fill(face)
    for count, customer in enumerate(customers, start=1):
        add_customer(page, customer)
        expect(page.locator("#chosen")).to_have_attribute("data-count", str(count))
    assert_hidden(page, *customers)
    page.get_by_role("button", name="Show the plan").click()
    expect(page.locator("#rows tbody tr")).to_have_count(len(customers))
    assert_hidden(page, *customers)


def add_customer(page: Page, customer: Customer) -> None:
    page.get_by_role("button", name="Add customers").click()
    dialog = page.get_by_role("dialog", name="Add customers")
    dialog.get_by_label("Customer name or account name").fill(customer.account_name)
    dialog.get_by_role("button", name="Search").click()
    expect(dialog.get_by_role("status")).to_have_text("1 customer found")
    assert_hidden(page, customer)
    dialog.get_by_role("checkbox").check()
    dialog.get_by_role("button", name="Add the ticked customers").click()
    expect(dialog).to_be_hidden()


def apply_issue(page: Page, button: str) -> None:
    page.get_by_role("button", name=button).click()
    wait_for_job(page)


def open_result(page: Page) -> Locator:
    """Go from the result of a batch to the coupons it made; gives their rows."""
    page.get_by_role("link", name="Show what changed").click()
    expect(page.locator("h1")).to_contain_text("Issued coupons")
    return rows(page)


# --- consumption -----------------------------------------------------------------------------------------------------


def make_billing_key(stack: DemoStack) -> str:
    """Give the vendor's billing a key, as an operator does."""
    made = stack.run_command("create_api_key", "billing", "--platform", "--scope", "consumption.write")
    return made.splitlines()[-1]


def consume(stack: DemoStack, key: str, coupon: str, amount: str, *, order: str) -> dict[str, str]:
    """Post an order as billing does, under an Idempotency-Key of the order's; gives the answer."""
    request = Request(
        f"{stack.url}/api/v1/consumptions",
        data=json.dumps({"coupon_number": coupon, "order_id": order, "amount": amount}).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json", "Idempotency-Key": order},
    )
    with urlopen(request, timeout=60) as answer:
        return dict(json.load(answer))


# --- whitelist -------------------------------------------------------------------------------------------------------


def import_whitelist(page: Page, customers: list[Customer], folder: Path) -> None:
    """Upload a list of these customers, and one whom nobody knows."""
    file = folder / "whitelist.csv"
    with file.open("w", encoding="utf-8", newline="") as stream:
        lines = [[each.account_name, each.name] for each in customers]
        csv.writer(stream).writerows([["Account name", "Customer name"], *lines, ["nobody-knows", "Nobody"]])
    page.goto("/whitelists/")
    page.get_by_role("link", name="Import a new version").click()
    page.get_by_label("File with all customers of the list").set_input_files(file)
    page.get_by_role("button", name="Import and compare").click()
    expect(page.locator(".page-title .badge")).to_have_text("Draft")


# --- codes -----------------------------------------------------------------------------------------------------------


def newest_code(page: Page, email: str, *, besides: str = "") -> str:
    """Read the newest code mailed to somebody, in whichever language it came, once it is another one than before."""
    codes: list[str] = []

    def has_come() -> bool:
        mails_to(page, email)
        page.locator("tbody td.primary a").first.click()
        text = page.locator("[data-mail-text]").inner_text()
        codes[:] = re.findall(r"^(?:Verification code:|验证码：) *(\d{6})$", text, re.MULTILINE)
        return codes not in ([], [besides])

    eventually(has_come, f"a code to {email}")
    return codes[0]


def answer_with(dialog: Locator, code: str, button: str = "Confirm") -> None:
    dialog.locator("#code").fill(code)
    dialog.get_by_role("button", name=button, exact=True).click()


def let_a_minute_pass(stack: DemoStack) -> None:
    """Move the sending of codes back in time, so that another may be asked for."""
    stack.run_in_shell(
        "from datetime import timedelta",
        "from django.db.models import F",
        "from partner_center.limits.models import Spending",
        "minute = timedelta(minutes=1)",
        "rows = Spending.objects.filter(key__startswith='verification:cooldown:')",
        "rows.update(ends_at=F('ends_at') - minute)",
    )


# --- the log ---------------------------------------------------------------------------------------------------------


def open_log_of(page: Page, quota: str) -> None:
    """Open the operations of one quota from its page."""
    open_quota(page, quota)
    page.locator("main").get_by_role("link", name="Operation records").click()
    expect(page.locator(".chip")).to_contain_text(quota)


def open_review(page: Page, quota: str, state: str = "All") -> None:
    """Filter the operations of all partners by a quota, and by what was found so far."""
    page.goto("/platform/operations/")
    page.get_by_role("button", name="More filters").click()
    search = page.get_by_role("search")
    search.get_by_label("Quota number").fill(quota)
    search.get_by_label("Review state").select_option(label=state)
    search.get_by_role("button", name="Filter", exact=True).click()
    expect(page.locator(".chips")).to_contain_text(quota)


def mark(page: Page, chosen: Locator, button: str, note: str = "") -> None:
    """Tick rows of the review and say what was found."""
    for box in chosen.get_by_role("checkbox").all():
        box.check()
    bar = page.locator("[data-bulk]")
    bar.get_by_label("Note").fill(note)
    bar.get_by_role("button", name=button).click()
    toast(page, "marked.")


def export_log(page: Page, folder: Path) -> list[Path]:
    """Take the whole log as CSV; gives the program that checks it, the file and its manifest, in its order."""
    page.get_by_role("button", name="Export", exact=True).click()
    dialog = page.get_by_role("dialog", name="Export operation records")
    dialog.get_by_label("CSV").check()
    program = download(page, dialog.get_by_role("link", name="Download the program"), folder)
    dialog.get_by_role("button", name="Export", exact=True).click()
    wait_for_job(page)
    links = [page.get_by_role("link", name=name) for name in ("Download the file", "Download its manifest")]
    return [program, *(download(page, link, folder) for link in links)]


def download(page: Page, link: Locator, folder: Path) -> Path:
    with page.expect_download() as coming:
        link.click()
    came: Download = coming.value
    path = folder / came.suggested_filename
    came.save_as(path)
    return path
