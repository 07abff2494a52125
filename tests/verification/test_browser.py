"""The dialog for a code in a real browser: by keyboard alone, with a way out, and within the content policy."""

from typing import Any

import pytest
from django.utils import timezone

from partner_center.jobs import actions, kinds
from partner_center.jobs.models import Job
from partner_center.jobs.rules import JobState
from partner_center.tenancy.models import Member
from partner_center.verification.models import Challenge
from tests.people import actor_of, signed_in
from tests.verification import toys
from tests.verification.making import mailed_code, switch_on, wrong

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def job(fiona: Member, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setitem(kinds._kinds, toys.SignedToy.key, toys.SignedToy())
    switch_on(fiona.partner)
    who = {"actor": actor_of(fiona), "now": timezone.now()}
    row = actions.PlannedItem(key="1", label="row 1", verdict="send", goes=True, payload={"outcome": "done"})
    plan = actions.open_plan(kind="signed_toy", title="Toys", member=fiona, partner=fiona.partner, parameters={}, **who)
    return actions.seal_plan(job=plan, items=[row], **who)


def state(job: Job) -> str:
    return Job.objects.get(pk=job.pk).state


def enter(page: Any, live_server: Any, member: Member) -> list[str]:
    """Sign in, and collect what the browser complains about."""
    morsels = signed_in(member).cookies.items()
    page.context.add_cookies(
        [{"name": name, "value": morsel.value, "url": live_server.url} for name, morsel in morsels]
    )
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return complaints


def test_a_code_is_typed_by_keyboard_alone(page: Any, live_server: Any, fiona: Member, job: Job) -> None:
    complaints = enter(page, live_server, fiona)
    page.goto(f"/jobs/{job.public_id}/")
    page.get_by_role("button", name="Apply 1 row").focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name="Confirm with a code").wait_for()
    page.get_by_text("Issue 1 coupon, 100.00 CNY in total, to 1 customers").wait_for()
    assert page.evaluate("document.activeElement.id") == "code"
    assert page.get_by_role("button", name="Send a new code").is_disabled()

    code = mailed_code(fiona)
    page.keyboard.type(wrong(code))
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_text("This code is not right. You have 4 tries left.").wait_for()
    assert page.evaluate("document.activeElement.id") == "code"
    assert page.locator("#code").input_value() == ""
    assert state(job) == JobState.PLANNED

    page.keyboard.type(code)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert state(job) == JobState.QUEUED
    # htmx takes 422 for what it is; the browser notes every answer that is none of 2xx.
    assert [text for text in complaints if "422" not in text] == []


def test_cancel_leaves_everything_as_it_was(page: Any, live_server: Any, fiona: Member, job: Job) -> None:
    enter(page, live_server, fiona)
    page.goto(f"/jobs/{job.public_id}/")
    apply = page.get_by_role("button", name="Apply 1 row")
    apply.click()
    page.get_by_role("dialog", name="Confirm with a code").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")
    assert state(job) == JobState.PLANNED

    apply.click()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("dialog").wait_for(state="hidden")
    assert state(job) == JobState.PLANNED
    assert Challenge.objects.count() == 1, "asking for the same again sends no second code"
