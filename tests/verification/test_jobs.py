"""Jobs ask for a code: the plan is applied with it, and by no direct request without it."""

from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from partner_center.audit.models import AuditEntry
from partner_center.jobs import actions, kinds, worker
from partner_center.jobs.models import Job
from partner_center.jobs.rules import JobState
from partner_center.tenancy.models import Member, Partner
from partner_center.verification.actions import CodeNeeded, CodeVoid
from partner_center.verification.models import Challenge
from partner_center.verification.rules import SEND_AGAIN, State
from tests.people import actor_of, signed_in
from tests.verification import toys
from tests.verification.making import mailed_code, switch_on, wrong

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _toys(partner: Partner, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(kinds._kinds, toys.SignedToy.key, toys.SignedToy())
    switch_on(partner)
    toys.done.clear()


def plan(member: Member, *outcomes: str) -> Job:
    rows = [
        actions.PlannedItem(key=str(n), label=f"row {n}", verdict="send", goes=True, payload={"outcome": outcome})
        for n, outcome in enumerate(outcomes, start=1)
    ]
    who = {"actor": actor_of(member), "now": timezone.now()}
    job = actions.open_plan(
        kind="signed_toy", title="Toys", member=member, partner=member.partner, parameters={}, **who
    )
    return actions.seal_plan(job=job, items=rows, **who)


def post(client: Client, job: Job, address: str = "jobs:apply", **data: str):
    return client.post(reverse(address, args=[job.public_id]), {"digest": job.digest, **data})


def assert_untouched(job: Job, state: str = JobState.PLANNED) -> None:
    worker.work_due(now=timezone.now(), budget=10)
    job.refresh_from_db()
    assert job.state == state
    assert toys.done == []


def test_a_plan_is_applied_with_its_code(fiona: Member) -> None:
    client, job = signed_in(fiona), plan(fiona, "done", "done")
    asked = post(client, job)
    assert asked.status_code == 403
    assert "Issue 2 coupons, 200.00 CNY in total, to 2 customers" in asked.text
    assert_untouched(job)

    answer = post(client, job, code=mailed_code(fiona))
    assert answer.status_code == 302
    worker.work_due(now=timezone.now(), budget=10)
    assert toys.done == ["1", "2"]
    deeds = AuditEntry.objects.order_by("seq").values_list("deed", flat=True)
    assert list(deeds) == ["job_planned", "code_sent", "code_accepted", "job_applied", "job_finished"]


def test_the_page_posts_the_same_again(fiona: Member) -> None:
    client, job = signed_in(fiona), plan(fiona, "done")
    asked = post(client, job)
    assert f'name="digest" value="{job.digest}"' in asked.text
    assert f'action="{reverse("jobs:apply", args=[job.public_id])}"' in asked.text
    assert f'href="{reverse("jobs:detail", args=[job.public_id])}"' in asked.text


def test_htmx_gets_a_dialog_and_is_led_on(fiona: Member) -> None:
    client, job = signed_in(fiona), plan(fiona, "done")
    client.defaults["HTTP_HX_REQUEST"] = "true"
    asked = post(client, job)
    assert asked.status_code == 422
    assert "<html" not in asked.text
    answer = post(client, job, code=mailed_code(fiona))
    assert (answer.status_code, answer["HX-Redirect"]) == (204, reverse("jobs:detail", args=[job.public_id]))


def test_a_wrong_code_says_how_many_tries_are_left(fiona: Member) -> None:
    client, job = signed_in(fiona), plan(fiona, "done")
    post(client, job)
    refused = post(client, job, code=wrong(mailed_code(fiona)))
    assert refused.status_code == 403
    assert "You have 4 tries left." in refused.text
    assert_untouched(job)


def test_a_code_of_one_plan_applies_no_other(fiona: Member) -> None:
    client, job, other = signed_in(fiona), plan(fiona, "done"), plan(fiona, "done")
    post(client, job)
    code = mailed_code(fiona)
    assert "has changed" in post(client, other, code=code).text
    assert_untouched(other)


def test_a_plan_that_cannot_be_applied_asks_for_nothing(fiona: Member) -> None:
    """The input is judged before a code is spent."""
    client, job = signed_in(fiona), plan(fiona, "done")
    answer = client.post(reverse("jobs:apply", args=[job.public_id]), {"digest": "another"}, follow=True)
    assert "This is not the plan you were shown." in answer.text
    assert not Challenge.objects.exists()


def test_the_action_refuses_too(fiona: Member) -> None:
    job = plan(fiona, "done")
    for code, refusal in (("", CodeNeeded), ("123456", CodeVoid)):
        Challenge.objects.all().delete()
        with pytest.raises(refusal):
            actions.apply_plan(job=job, digest=job.digest, code=code, actor=actor_of(fiona), now=timezone.now())
    assert_untouched(job)


def test_the_last_action_refuses_whoever_skips_the_first(fiona: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a kind that forgets to look at the answer cannot be worked: spending wants the proof itself."""
    monkeypatch.setattr(toys.SignedToy, "check_code", lambda *_arguments, **_options: None)
    job = plan(fiona, "done")
    with pytest.raises(AttributeError):
        actions.apply_plan(job=job, digest=job.digest, actor=actor_of(fiona), now=timezone.now())
    assert_untouched(job)


def test_a_retry_is_confirmed_again_with_what_is_left(fiona: Member) -> None:
    client, job = signed_in(fiona), plan(fiona, "done", "failed", "failed")
    post(client, job)
    code = mailed_code(fiona)
    post(client, job, code=code)
    worker.work_due(now=timezone.now(), budget=10)
    job.refresh_from_db()
    toys.done.clear()

    asked = post(client, job, "jobs:retry", code=code)
    assert "has already been used" in asked.text
    asked = post(client, job, "jobs:retry")
    assert not Job.objects.filter(retry_of=job).exists()
    assert "You cannot ask for another code yet." in asked.text
    assert "200.00 CNY" in asked.text
    assert_untouched(job, JobState.DONE)


def test_a_new_code_kills_the_old_one(fiona: Member, time_machine) -> None:
    job = plan(fiona, "done")
    now = timezone.now()
    time_machine.move_to(now, tick=False)
    client = signed_in(fiona)
    post(client, job)
    old = mailed_code(fiona)
    refused = post(client, job, code=SEND_AGAIN)
    assert refused.status_code == 429
    time_machine.shift(60)
    post(client, job, code=SEND_AGAIN)
    assert Challenge.objects.filter(state=State.OPEN).count() == 1
    new = mailed_code(fiona)
    if old != new:
        assert "This code is not right." in post(client, job, code=old).text
    assert post(client, job, code=new).status_code == 302


def test_switched_off_a_plan_is_applied_at_once(fiona: Member, partner: Partner) -> None:
    Partner.objects.update(verification_enabled=False)
    job = plan(fiona, "done")
    assert post(signed_in(fiona), job).status_code == 302
    worker.work_due(now=timezone.now(), budget=10)
    assert toys.done == ["1"]
    assert not Challenge.objects.exists()
