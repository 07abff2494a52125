"""A plan is computed, sealed, shown, and applied once: exactly these rows, or none."""

import datetime
import threading
from typing import Any

import pytest

from partner_center.audit.models import AuditEntry, Deed
from partner_center.jobs import actions
from partner_center.jobs.models import Job
from partner_center.jobs.rules import ItemState, JobState
from partner_center.tenancy.actors import Actor
from tests.jobs.making import applied, plan, planned, refused
from tests.jobs.toys import effects
from tests.rivals import run_together

pytestmark = pytest.mark.django_db


def test_a_sealed_plan_has_totals_that_add_up_and_nothing_has_happened(bob: Any, now: Any, work: Any) -> None:
    job = plan(bob, planned(7) + refused(3, start=8), now=now)
    assert (job.state, job.total, job.skipped, job.waiting) == (JobState.PLANNED, 10, 3, 7)
    assert len(job.digest) == 64
    assert work() == 0
    assert effects() == {}
    assert set(job.items.values_list("state", flat=True)) == {ItemState.PLANNED, ItemState.SKIPPED}


def test_applying_works_the_rows_that_go_and_no_other(bob: Any, now: Any, work: Any) -> None:
    job = applied(bob, planned(12) + refused(3, start=13), now=now)
    assert job.state == JobState.QUEUED
    work()
    job.refresh_from_db()
    assert (job.state, job.total, job.done, job.failed, job.skipped) == (JobState.DONE, 15, 12, 0, 3)
    assert effects() == {str(number): 1 for number in range(1, 13)}
    assert job.items.get(position=1).object_id == "made-of-this-row"
    assert job.items.get(position=13).reason == "toy_reason"


def test_the_digest_depends_on_every_part_of_a_row(bob: Any, now: Any) -> None:
    rows = planned(2)
    digests = {plan(bob, rows, now=now).digest}
    assert plan(bob, rows, now=now).digest in digests
    for change in ({"key": "x"}, {"verdict": "refused"}, {"reason": "r"}, {"payload": {"outcome": "failed"}}):
        changed = [rows[0], actions.PlannedItem(**{**vars(rows[1]), **change})]
        digests.add(plan(bob, changed, now=now).digest)
    digests.add(plan(bob, rows[::-1], now=now).digest)
    assert len(digests) == 6


def test_another_digest_is_refused_and_changes_nothing(bob: Any, now: Any, work: Any) -> None:
    job = plan(bob, planned(3), now=now)
    with pytest.raises(actions.PlanChanged):
        actions.apply_plan(job=job, digest="0" * 64, actor=Actor.member(bob), now=now)
    job.refresh_from_db()
    assert job.state == JobState.PLANNED
    assert work() == 0


@pytest.mark.parametrize("change", [{"payload": {"outcome": "failed"}}, {"key": "99"}, {"verdict": "refused"}])
def test_rows_altered_behind_the_digest_are_noticed(bob: Any, now: Any, change: dict[str, Any]) -> None:
    job = plan(bob, planned(3), now=now)
    job.items.filter(position=2).update(**change)
    with pytest.raises(actions.PlanChanged):
        actions.apply_plan(job=job, digest=job.digest, actor=Actor.member(bob), now=now)
    job.refresh_from_db()
    assert job.state == JobState.PLANNED
    assert not job.items.filter(state=ItemState.PENDING).exists()


def test_an_open_plan_cannot_be_applied_without_digest(bob: Any, now: Any) -> None:
    actor = Actor.member(bob)
    job = actions.open_plan(
        kind="toy_batch", title="", member=bob, partner=bob.partner, parameters={}, actor=actor, now=now
    )
    with pytest.raises(actions.PlanChanged):
        actions.apply_plan(job=job, digest="", actor=actor, now=now)


def test_a_plan_is_sealed_once(bob: Any, now: Any) -> None:
    job = plan(bob, planned(2), now=now)
    with pytest.raises(actions.PlanChanged):
        actions.seal_plan(job=job, items=planned(1, start=9), actor=Actor.member(bob), now=now)
    assert job.items.count() == 2


def test_a_plan_lives_a_day(bob: Any, now: Any) -> None:
    job = plan(bob, planned(2), now=now)
    late = now + datetime.timedelta(hours=24)
    with pytest.raises(actions.PlanExpired):
        actions.apply_plan(job=job, digest=job.digest, actor=Actor.member(bob), now=late)
    just_in_time = late - datetime.timedelta(microseconds=1)
    assert actions.apply_plan(job=job, digest=job.digest, actor=Actor.member(bob), now=just_in_time).is_live


def test_a_plan_without_a_row_that_goes_is_refused(bob: Any, now: Any) -> None:
    job = plan(bob, refused(2, start=1), now=now)
    with pytest.raises(actions.NothingToApply):
        actions.apply_plan(job=job, digest=job.digest, actor=Actor.member(bob), now=now)


def test_a_discarded_plan_forgets_its_rows_and_cannot_be_applied(bob: Any, now: Any) -> None:
    job = plan(bob, planned(2), now=now)
    actions.discard_plan(job=job, actor=Actor.member(bob), now=now)
    job.refresh_from_db()
    assert (job.state, job.skipped, job.waiting) == (JobState.CANCELLED, 2, 0)
    assert list(job.items.values_list("key", "payload")) == [("", {}), ("", {})]
    with pytest.raises(actions.PlanExpired):
        actions.apply_plan(job=job, digest=job.digest, actor=Actor.member(bob), now=now)
    with pytest.raises(actions.PlanAlreadyApplied):
        actions.discard_plan(job=job, actor=Actor.member(bob), now=now)


def test_deeds_are_logged_without_personal_values(bob: Any, now: Any, work: Any) -> None:
    applied(bob, planned(2), now=now)
    work()
    entries = AuditEntry.objects.filter(partner=bob.partner).order_by("seq")
    assert [entry.deed for entry in entries] == [Deed.JOB_PLANNED, Deed.JOB_APPLIED, Deed.JOB_FINISHED]
    assert {entry.actor_name for entry in entries} == {bob.user.name}
    assert not [entry for entry in entries if "example.test" in entry.details or "Toys" in entry.details]


@pytest.mark.django_db(transaction=True)
def test_a_double_press_applies_once(bob: Any, now: Any, work: Any) -> None:
    job = plan(bob, planned(20), now=now)
    answers = run_together(
        8, lambda _: actions.apply_plan(job=job, digest=job.digest, actor=Actor.member(bob), now=now)
    )
    assert sum(isinstance(answer, Job) for answer in answers) == 1
    assert sum(isinstance(answer, actions.PlanAlreadyApplied) for answer in answers) == 7
    work()
    assert set(effects().values()) == {1}
    assert AuditEntry.objects.filter(deed=Deed.JOB_APPLIED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_looking_before_writing_would_apply_it_several_times(bob: Any, now: Any) -> None:
    """The naive version, to show that the race above is a real one."""
    job = plan(bob, planned(2), now=now)
    everybody_has_looked = threading.Barrier(4)

    def naive(_rival: int) -> int:
        is_planned = Job.objects.get(pk=job.pk).state == JobState.PLANNED
        everybody_has_looked.wait()
        return Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED, due_at=now) if is_planned else 0

    assert run_together(4, naive) == [1, 1, 1, 1]
