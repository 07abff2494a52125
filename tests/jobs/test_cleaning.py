"""What ends by time: plans nobody applied, and the personal data of jobs that are over."""

import datetime
from typing import Any

import pytest

from partner_center.audit.models import AuditEntry, Deed
from partner_center.jobs import actions, cleaning
from partner_center.jobs.models import JobItem
from partner_center.jobs.rules import PAYLOAD_LIFE, JobState
from partner_center.tenancy.actors import Actor
from tests.jobs.making import applied, plan, planned, refused

pytestmark = pytest.mark.django_db
A_SECOND = datetime.timedelta(seconds=1)


def personal(job: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(key, payload) for key, payload in job.items.values_list("key", "payload") if key or payload]


def test_a_plan_nobody_applied_is_closed_after_a_day_and_forgotten(bob: Any, now: Any) -> None:
    job = plan(bob, planned(2) + refused(1, start=3), now=now)
    day = datetime.timedelta(hours=24)
    assert cleaning.expire_plans(now=now + day - A_SECOND) == 0
    assert cleaning.expire_plans(now=now + day) == 1
    assert cleaning.expire_plans(now=now + day) == 0
    job.refresh_from_db()
    assert (job.state, job.error_code, job.skipped, job.waiting) == (JobState.CANCELLED, "plan_expired", 3, 0)
    assert personal(job) == []
    assert AuditEntry.objects.get(deed=Deed.JOB_CANCELLED).actor_kind == "system"


def test_an_applied_plan_does_not_expire(bob: Any, now: Any, work: Any) -> None:
    job = applied(bob, planned(2), now=now)
    assert cleaning.expire_plans(now=now + datetime.timedelta(days=3)) == 0
    work()
    job.refresh_from_db()
    assert job.state == JobState.DONE


def test_the_rows_of_old_jobs_are_forgotten_and_those_of_young_ones_are_not(bob: Any, now: Any, work: Any) -> None:
    items = planned(2) + planned(2, outcome="failed", start=3) + refused(1, start=5)
    job = applied(bob, items, now=now)
    work()
    assert cleaning.forget_old_rows(now=now + PAYLOAD_LIFE - A_SECOND) == 0
    assert len(personal(job)) == 5
    assert cleaning.forget_old_rows(now=now + PAYLOAD_LIFE) == 1
    assert cleaning.forget_old_rows(now=now + PAYLOAD_LIFE) == 0
    assert personal(job) == []
    assert JobItem.objects.filter(job=job, label="").count() == 0, "labels are masked and stay"
    job.refresh_from_db()
    with pytest.raises(actions.RowsForgotten):
        actions.retry_failed(job=job, actor=Actor.member(bob), now=now)


def test_a_job_that_still_waits_is_never_forgotten(bob: Any, now: Any) -> None:
    job = applied(bob, planned(2), now=now)
    assert cleaning.clean(now=now + datetime.timedelta(days=30)) == 0
    assert len(personal(job)) == 2
