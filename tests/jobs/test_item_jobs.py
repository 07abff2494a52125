"""The worker and its plans: chunks, failures, retries, rights, races."""

import datetime
import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Sum
from django.utils import timezone

from partner_center.audit.models import AuditEntry, Deed, Result
from partner_center.jobs import actions, item_work, leases, worker
from partner_center.jobs.models import Job, JobItem
from partner_center.jobs.rules import MOST_TAKEOVERS, ErrorCode, ItemState, JobState
from partner_center.tenancy.actors import Actor
from tests.jobs.making import applied, plan, planned, refused
from tests.jobs.toys import ToyBatch, effects
from tests.rivals import run_together

pytestmark = pytest.mark.django_db


def make_due(job: Job) -> None:
    """Let the pause after a failure, or the lease of a dead worker, be over by the clock of the database."""
    past = timezone.now() - datetime.timedelta(minutes=1)
    Job.objects.filter(pk=job.pk).update(due_at=past)
    Job.objects.filter(pk=job.pk, lease_until__isnull=False).update(lease_until=past)


def test_each_row_keeps_what_became_of_it(bob: Any, now: Any, work: Any) -> None:
    items = planned(3) + planned(2, outcome="failed", start=4) + planned(1, outcome="skipped", start=6)
    job = applied(bob, items, now=now)
    work()
    job.refresh_from_db()
    assert (job.state, job.done, job.failed, job.skipped, job.waiting) == (JobState.DONE, 3, 2, 1, 0)
    assert [item.state for item in job.items.order_by("position")] == ["done"] * 3 + ["failed"] * 2 + ["skipped"]
    assert job.items.get(position=4).reason == "toy_reason"
    assert AuditEntry.objects.get(deed=Deed.JOB_FINISHED).result == Result.DONE


def test_a_row_that_is_done_no_longer_holds_personal_data(bob: Any, now: Any, work: Any) -> None:
    job = applied(bob, planned(1) + planned(1, outcome="failed", start=2), now=now)
    work()
    assert job.items.get(position=1).payload == {}
    assert job.items.get(position=2).payload["email"] == "person-2@example.test"


def test_a_spent_budget_puts_the_job_back_at_the_end_of_the_line(bob: Any, alice: Any, now: Any) -> None:
    first = applied(bob, planned(12), now=now)
    second = applied(alice, planned(12, start=50), now=now)
    assert actions.work_due(now=now, budget=0) == 1
    first.refresh_from_db()
    assert (first.state, first.done, first.lease_owner) == (JobState.RUNNING, 5, "")
    assert actions.work_due(now=now, budget=0) == 1
    second.refresh_from_db()
    assert second.done == 5, "the other job was passed over"
    while actions.work_due(now=now, budget=0):
        pass
    assert set(effects().values()) == {1}
    assert len(effects()) == 24


def test_a_chunk_that_raises_is_undone_tried_again_and_given_up_after_three_times(
    bob: Any, now: Any, work: Any, caplog: Any
) -> None:
    job = applied(bob, planned(5) + planned(1, outcome="raise", start=6) + planned(1, start=7), now=now)
    for attempt in (1, 2, 3):
        assert job.state != JobState.FAILED
        with caplog.at_level(logging.ERROR):
            work()
        assert len([record for record in caplog.records if record.exc_info]) == attempt
        assert work() == 0, "it was not given a pause"
        make_due(job)
        job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.FAILED, ErrorCode.CRASHED)
    assert (job.done, job.failed, job.waiting) == (5, 2, 0)
    assert effects() == {str(number): 1 for number in range(1, 6)}, "a chunk that raised left something behind"
    assert set(job.items.filter(state=ItemState.FAILED).values_list("reason", flat=True)) == {ErrorCode.CRASHED}
    assert AuditEntry.objects.get(deed=Deed.JOB_FINISHED).result == Result.FAILED
    assert work() == 0


def test_a_toy_that_answers_too_few_rows_is_a_mistake_of_ours(bob: Any, now: Any, work: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(
        ToyBatch, "apply", lambda self, job, items, *, actor, now: [self.outcome(item) for item in items[1:]]
    )
    job = applied(bob, planned(3), now=now)
    work()
    job.refresh_from_db()
    assert (job.attempts, job.done) == (1, 0)
    assert job.items.filter(state=ItemState.PENDING).count() == 3


def test_a_refusal_of_the_whole_chunk_ends_the_job_with_its_code(bob: Any, now: Any, work: Any) -> None:
    job = applied(bob, planned(2, outcome="refuse"), now=now)
    work()
    job.refresh_from_db()
    assert (job.state, job.error_code, job.failed) == (JobState.FAILED, "toy_refusal", 2)
    assert effects() == {}


@pytest.mark.parametrize("loss", ["role", "disabled", "user", "partner"])
def test_rights_lost_before_the_run_stop_the_job(bob: Any, now: Any, work: Any, loss: str) -> None:
    job = applied(bob, planned(2), now=now)
    if loss == "role":
        bob.roles = ["auditor"]
        bob.save(update_fields=["roles"])
    elif loss == "disabled":
        bob.disabled_at = now
        bob.save(update_fields=["disabled_at"])
    elif loss == "user":
        bob.user.is_active = False
        bob.user.save(update_fields=["is_active"])
    else:
        bob.partner.disabled_at = now
        bob.partner.save(update_fields=["disabled_at"])
    work()
    job.refresh_from_db()
    assert (job.state, job.error_code, job.failed) == (JobState.FAILED, ErrorCode.PERMISSION_LOST, 2)
    assert effects() == {}


def test_a_kind_that_is_gone_fails_the_job(bob: Any, now: Any, work: Any) -> None:
    job = applied(bob, planned(2), now=now)
    Job.objects.filter(pk=job.pk).update(kind="retired")
    work()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.FAILED, ErrorCode.UNKNOWN_KIND)


def test_a_job_that_kills_its_workers_is_given_up(bob: Any, now: Any, work: Any) -> None:
    job = applied(bob, planned(2), now=now)
    for _ in range(MOST_TAKEOVERS + 1):
        assert leases.claim(now=now) is not None
        make_due(job)
    work()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (JobState.FAILED, ErrorCode.CRASHED)
    assert effects() == {}


def test_a_worker_that_is_told_to_stop_gives_the_job_back(bob: Any, now: Any, work: Any, monkeypatch: Any) -> None:
    job = applied(bob, planned(2), now=now)
    with monkeypatch.context() as patch:
        patch.setattr(ToyBatch, "apply", stop_the_process)
        with pytest.raises(SystemExit):
            worker.work_due(now=now)
    job.refresh_from_db()
    assert (job.state, job.lease_owner, job.attempts) == (JobState.RUNNING, "", 0)
    work()
    assert set(effects().values()) == {1}


def stop_the_process(*_arguments: object, **_options: object) -> None:
    raise SystemExit


def test_cancel_midway_keeps_what_is_done_and_leaves_out_the_rest(bob: Any, now: Any, work: Any) -> None:
    job = applied(bob, planned(12) + refused(1, start=13), now=now)
    actions.work_due(now=now, budget=0)
    actions.cancel(job=job, actor=Actor.member(bob), now=now)
    assert work() == 0
    job.refresh_from_db()
    assert (job.state, job.done, job.skipped, job.waiting) == (JobState.CANCELLED, 5, 8, 0)
    assert len(effects()) == 5
    assert job.items.filter(state=ItemState.SKIPPED, reason=ErrorCode.CANCELLED).count() == 7
    with pytest.raises(actions.JobIsOver):
        actions.cancel(job=job, actor=Actor.member(bob), now=now)


def test_a_worker_that_lost_its_job_writes_nothing_more(bob: Any, now: Any, work: Any) -> None:
    job = applied(bob, planned(12), now=now)
    sleeper = leases.claim(now=now)
    assert sleeper is not None
    make_due(job)
    assert work() > 0
    with pytest.raises(leases.LeaseLost):
        leases.renew(sleeper)
    leases.fail(sleeper, ErrorCode.CRASHED, now=now)
    leases.release(sleeper)
    leases.release_after_failure(sleeper, now=now)
    job.refresh_from_db()
    assert (job.state, job.done, job.failed) == (JobState.DONE, 12, 0)


def test_a_worker_that_wakes_up_late_does_no_row(bob: Any, now: Any) -> None:
    job = applied(bob, planned(12), now=now)
    sleeper = leases.claim(now=now)
    assert sleeper is not None
    make_due(job)
    assert actions.work_due(now=now, budget=0) == 1
    with pytest.raises(leases.LeaseLost):
        item_work.work_chunk(sleeper, ToyBatch(), now=now)
    assert len(effects()) == 5
    actions.cancel(job=job, actor=Actor.member(bob), now=now)
    with pytest.raises(leases.LeaseLost):
        item_work.work_chunk(sleeper, ToyBatch(), now=now)
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_retry_takes_the_failed_rows_only_and_once(bob: Any, now: Any, work: Any) -> None:
    job = applied(bob, planned(4) + planned(2, outcome="failed", start=5) + refused(1, start=7), now=now)
    work()
    job.refresh_from_db()
    new = actions.retry_failed(job=job, actor=Actor.member(bob), now=now)
    assert (new.state, new.total, new.retry_of_id) == (JobState.QUEUED, 2, job.pk)
    assert list(new.items.order_by("position").values_list("position", "key", "state")) == [
        (5, "5", ItemState.PENDING),
        (6, "6", ItemState.PENDING),
    ]
    with pytest.raises(actions.AlreadyRetried):
        actions.retry_failed(job=job, actor=Actor.member(bob), now=now)
    new.items.update(payload={"outcome": "done"})
    work()
    new.refresh_from_db()
    assert (new.state, new.done, new.failed) == (JobState.DONE, 2, 0)
    assert effects() == {"1": 1, "2": 1, "3": 1, "4": 1, "5": 2, "6": 2}
    with pytest.raises(actions.NothingToRetry):
        actions.retry_failed(job=new, actor=Actor.member(bob), now=now)


def test_a_running_job_is_not_retried(bob: Any, now: Any) -> None:
    job = applied(bob, planned(5, outcome="failed") + planned(7, start=6), now=now)
    actions.work_due(now=now, budget=0)
    job.refresh_from_db()
    assert job.failed == 5
    with pytest.raises(actions.NothingToRetry):
        actions.retry_failed(job=job, actor=Actor.member(bob), now=now)


@pytest.mark.django_db(transaction=True)
def test_two_presses_of_retry_make_one_job(bob: Any, now: Any, work: Any) -> None:
    job = applied(bob, planned(3, outcome="failed"), now=now)
    work()
    answers = run_together(6, lambda _: actions.retry_failed(job=job, actor=Actor.member(bob), now=now))
    assert sum(isinstance(answer, Job) for answer in answers) == 1
    assert Job.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_many_workers_do_each_row_once(bob: Any, alice: Any, now: Any) -> None:
    jobs = [applied(bob, planned(200), now=now), applied(alice, planned(200, start=500), now=now)]
    answers = run_together(6, until_nothing_is_due(now))
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    done = effects()
    assert len(done) == 400
    assert set(done.values()) == {1}
    for job in jobs:
        job.refresh_from_db()
        assert (job.state, job.done) == (JobState.DONE, 200)


def until_nothing_is_due(now: Any) -> Callable[[int], int]:
    """Work in small bites, so that the workers take the jobs from each other all the time."""

    def bites(_worker: int) -> int:
        eaten = 0
        while Job.objects.live().exists():
            eaten += actions.work_due(now=now, budget=0)
        return eaten

    return bites


def test_counts_cannot_exceed_the_rows(bob: Any, now: Any) -> None:
    from django.db import IntegrityError, transaction

    job = plan(bob, planned(2), now=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(done=3)


def test_counters_equal_the_rows_whatever_happens(bob: Any, now: Any, work: Any) -> None:
    items = planned(3) + planned(2, outcome="failed", start=4) + refused(4, start=6) + planned(9, start=10)
    job = applied(bob, items, now=now)
    actions.work_due(now=now, budget=0)
    actions.cancel(job=job, actor=Actor.member(bob), now=now)
    job.refresh_from_db()
    for state, count in (("done", job.done), ("failed", job.failed), ("skipped", job.skipped)):
        assert JobItem.objects.filter(job=job, state=state).count() == count
    assert Job.objects.aggregate(total=Sum("total"))["total"] == JobItem.objects.count()
