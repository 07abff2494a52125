"""History records in a real browser: filter, page, reveal, choose all, on a desk and on a telephone."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page, expect

from partner_center.audit.models import AuditEntry, Deed
from partner_center.tenancy.models import Member
from tests.invitations.rows import make_record, make_records
from tests.people import signed_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

EMAIL = "zylphia.quasar@canary.example"


@pytest.fixture
def history(page: Page, alice: Member, live_server) -> Iterator[Page]:
    """Open the page as alice, over 60 expired invitations; at the end no script and no policy may have complained."""
    long_ago = timezone.now() - timedelta(days=9)
    make_records(alice, 59, status="expired", sent_at=long_ago, created_at=long_ago)
    make_record(alice, status="expired", email=EMAIL, customer_name="Zylphia Quasar", sent_at=long_ago)
    session = signed_in(alice).cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    faults: list[str] = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.on("console", lambda line: faults.append(line.text) if "Content Security Policy" in line.text else None)
    page.goto("/invitations/")
    yield page
    assert faults == []


def test_a_search_for_a_person_leaves_nothing_in_the_address(history: Page) -> None:
    history.fill("#filter-email", EMAIL)
    history.press("#filter-email", "Enter")
    expect(history.locator("tbody tr")).to_have_count(1)
    expect(history.locator("#list-status")).to_have_text("Showing 1–1 of 1")
    expect(history.locator(".chip")).to_contain_text("z***@canary.example")
    assert "canary" not in history.url
    assert "f=" in history.url
    history.reload()
    expect(history.locator("tbody tr")).to_have_count(1)
    expect(history.locator("#filter-email")).to_have_value(EMAIL)
    history.click(".chip a")
    expect(history.locator("tbody tr")).to_have_count(50)
    expect(history.locator("#filter-email")).to_have_value("")


def test_paging_swaps_the_rows_keeps_the_focus_and_goes_back(history: Page) -> None:
    first = history.locator("tbody tr").first.get_attribute("id")
    history.click("#page-next")
    expect(history.locator("tbody tr")).to_have_count(10)
    expect(history.locator("#list-status")).to_have_text("Showing 51–60 of 60")
    history.click("#page-previous")
    expect(history.locator("tbody tr")).to_have_count(50)
    expect(history.locator("tbody tr").first).to_have_attribute("id", first or "")
    history.click("#sort-email")
    expect(history.locator("th[aria-sort=ascending] a[data-sorted]")).to_have_text("E-mail")
    expect(history.locator("#sort-email")).to_be_focused()
    history.go_back()
    expect(history.locator("th[aria-sort=descending] a[data-sorted]")).to_have_text("Dates")


def test_a_column_is_revealed_for_a_reason_logged_once_and_masked_again(history: Page) -> None:
    assert EMAIL not in history.content()
    history.click(".eye[data-reveal-column=email]")
    history.click("#purpose input >> nth=0")
    history.click("#purpose button[value=ok]")
    expect(history.get_by_text(EMAIL)).to_be_visible()
    expect(history.locator("td .masked[data-revealed]")).to_have_count(50)
    [entry] = AuditEntry.objects.filter(deed=Deed.FIELD_REVEALED)
    assert EMAIL not in entry.details
    history.click("#page-next")
    expect(history.locator("tbody tr")).to_have_count(10)
    assert "@customer.example" not in history.locator("tbody").inner_text().replace("***@customer.example", "")
    expect(history.locator("[data-revealed]")).to_have_count(0)


def test_all_that_match_are_named_planned_and_nothing_is_sent_before(history: Page, alice: Member) -> None:
    history.check("[data-select-page]")
    expect(history.locator("[data-bulk-count]")).to_have_text("50 selected")
    history.click("[data-select-all]")
    expect(history.locator("[data-bulk-count]")).to_contain_text("All 60")
    history.click(".bulk-actions button >> nth=0")
    expect(history.locator("#dialog")).to_be_visible()
    expect(history.locator("#dialog")).to_contain_text("Resend 60 invitations")
    assert not AuditEntry.objects.filter(deed=Deed.INVITATION_RESENT).exists()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_nothing_hangs_over_the_edge(history: Page, alice: Member, width: int, height: int) -> None:
    make_record(
        alice,
        customer_name="A customer with a name that goes on and on and on and on and on",
        email=f"{'x' * 60}@{'y' * 60}.{'z' * 60}.example",
        mobile="+8613912345678",
        custom_tag="x" * 64,
        status="association_failed",
        delivery="bounced",
        ready_to_retry_at=timezone.now(),
    )
    history.set_viewport_size({"width": width, "height": height})
    history.goto("/invitations/?more=1")
    assert history.evaluate("document.documentElement.scrollWidth <= innerWidth")
    wrap = "document.querySelector('.table-wrap')"
    assert history.evaluate(f"{wrap}.scrollWidth <= {wrap}.clientWidth")


def test_filters_fold_on_a_telephone_and_say_how_many_are_in_use(history: Page) -> None:
    history.set_viewport_size({"width": 390, "height": 844})
    history.reload()
    switch, field = history.locator(".filters-switch"), history.locator("#filter-email")
    expect(switch).to_have_attribute("aria-expanded", "false")
    expect(field).to_be_hidden()
    assert history.locator("tbody tr").first.bounding_box()["y"] < 844
    switch.focus()
    history.keyboard.press("Enter")
    expect(switch).to_have_attribute("aria-expanded", "true")
    history.keyboard.press("Tab")
    expect(history.locator(".filters :focus")).to_have_count(1)
    field.fill(EMAIL)
    field.press("Enter")
    expect(history.locator("tbody tr")).to_have_count(1)
    expect(switch).to_have_text("Filters (1)")
    expect(switch).to_be_focused()
    expect(field).to_be_hidden()
    history.click(".chip a")
    expect(switch).to_have_text("Filters")


def test_filters_never_fold_on_a_desk(history: Page) -> None:
    expect(history.locator(".filters-switch")).to_be_hidden()
    history.fill("#filter-email", EMAIL)
    history.press("#filter-email", "Enter")
    expect(history.locator("tbody tr")).to_have_count(1)
    expect(history.locator("#filter-email")).to_be_visible()


def test_filters_that_are_at_fault_stand_open_on_a_telephone(history: Page) -> None:
    history.set_viewport_size({"width": 390, "height": 844})
    history.goto("/invitations/?invited_from=nonsense")
    expect(history.locator(".filters-switch")).to_have_attribute("aria-expanded", "true")
