"""A running job in a real browser: it moves, it is read out, it stops asking, and the results are there."""

from typing import Any

import pytest

from partner_center.jobs import actions
from tests.jobs.making import applied, planned
from tests.people import signed_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_progress_moves_and_ends_by_itself(page: Any, live_server: Any, bob: Any, now: Any) -> None:
    cookies = signed_in(bob).cookies.items()
    page.context.add_cookies(
        [{"name": name, "value": morsel.value, "url": live_server.url} for name, morsel in cookies]
    )
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    job = applied(bob, planned(12) + planned(2, outcome="failed", start=13), now=now)

    page.goto(f"/jobs/{job.public_id}/")
    page.get_by_text("Waiting for its turn.").last.wait_for()
    actions.work_due(now=now, budget=0)
    page.locator("progress[value='5'][max='14']").wait_for()
    page.locator("#job-status", has_text="5 of 14 rows.").wait_for(state="attached")

    polls: list[int] = []
    page.on("response", lambda response: polls.append(response.status) if "/progress/" in response.url else None)
    actions.work_due(now=now, budget=60)
    page.get_by_role("button", name="Retry 2 failed rows").wait_for()
    assert page.get_by_role("row").count() == 3, "the header and the two failures"
    assert polls[-1] == 286
    seen = len(polls)
    page.wait_for_timeout(2_500)  # two polls would fit in here
    assert len(polls) == seen
    assert complaints == []
