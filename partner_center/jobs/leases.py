"""Who works a job: claimed by one guarded UPDATE, leased by the clock of the database, fenced before every chunk."""

import datetime

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Coalesce, Now

from partner_center.audit.models import Deed, Result
from partner_center.jobs.files import unlink_after_commit
from partner_center.jobs.log import log
from partner_center.jobs.models import Job, JobQuerySet
from partner_center.jobs.rules import LEASE, MOST_ATTEMPTS, MOST_TAKEOVERS, ErrorCode, ItemState, JobState, backoff
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import new_public_id

WORKER = "jobs"


class LeaseLost(Exception):
    """The job was cancelled, or another worker has taken it over: stop, and write nothing more."""


class JobStopped(Exception):
    """The job cannot go on, and trying again would not help."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def claim(*, now: datetime.datetime) -> Job | None:
    """Take the job that has waited longest, or None when nothing is due for this worker."""
    try:
        with transaction.atomic():
            return _claim(now)
    except IntegrityError:
        # Another worker took another file of the same owner in the same instant; ours waits for the next ring.
        return None


def _claim(now: datetime.datetime) -> Job | None:
    due = _workable().select_related("partner", "member__user", "member__partner", "staff").order_by("due_at", "pk")
    job = due.select_for_update(skip_locked=True, of=("self",), no_key=True).first()
    if job is None:
        return None
    owner = new_public_id()
    taken_over = job.lease_owner != ""
    claimed = (
        Job.objects.due()
        .filter(pk=job.pk)
        .update(
            state=JobState.RUNNING,
            lease_owner=owner,
            lease_until=Now() + LEASE,
            takeovers=F("takeovers") + int(taken_over),
            started_at=Coalesce(F("started_at"), now),
        )
    )
    if not claimed:
        return None
    job.state, job.lease_owner, job.takeovers = JobState.RUNNING, owner, job.takeovers + int(taken_over)
    job.started_at = job.started_at or now
    return job


def _workable() -> JobQuerySet:
    same_owner = Q(partner=OuterRef("partner")) | Q(staff=OuterRef("staff"))
    running_file = Job.objects.filter(same_owner, ~Q(file_format=""), state=JobState.RUNNING)
    return Job.objects.due().exclude(~Q(file_format=""), Exists(running_file), state=JobState.QUEUED)


def renew(job: Job, *, lease: datetime.timedelta = LEASE) -> None:
    """
    Fence: make sure the job is still ours, and keep it for another lease.

    :raises LeaseLost: when it was cancelled, or the lease ran out
    """
    write_as_holder(job, lease_until=Now() + lease)


def write_as_holder(job: Job, **values: object) -> None:
    """
    Write to the job as the worker that holds it.

    :raises LeaseLost: when this worker no longer holds it; nothing is written
    """
    if not Job.objects.held_by(job.lease_owner).filter(pk=job.pk).update(**values):
        raise LeaseLost(job.public_id)


def release(job: Job) -> None:
    """Let go of a job that is not finished; it goes to the end of the line, so that others get their turn."""
    held = Job.objects.held_by(job.lease_owner).filter(pk=job.pk)
    held.update(lease_owner="", lease_until=None, due_at=Now())


def release_after_failure(job: Job, *, now: datetime.datetime) -> None:
    """Let go of a job whose chunk raised: it is tried again after a pause, three times in all."""
    attempts = job.attempts + 1
    if attempts >= MOST_ATTEMPTS:
        fail(job, ErrorCode.CRASHED, now=now)
        return
    held = Job.objects.held_by(job.lease_owner).filter(pk=job.pk)
    held.update(lease_owner="", lease_until=None, attempts=attempts, due_at=Now() + backoff(attempts))


def stop_if_it_kills_workers(job: Job) -> None:
    """
    Refuse a job that many workers in a row did not survive.

    :raises JobStopped: when the job was taken over too often without progress
    """
    if job.takeovers > MOST_TAKEOVERS:
        raise JobStopped(ErrorCode.CRASHED)


def fail(job: Job, code: str, *, now: datetime.datetime) -> None:
    """End a job that cannot go on; the rows it did not reach are failed with the same code, so that totals add up."""
    with transaction.atomic():
        held = Job.objects.held_by(job.lease_owner).filter(pk=job.pk)
        ended = held.update(
            state=JobState.FAILED, error_code=code, finished_at=now, lease_owner="", lease_until=None, file_path=""
        )
        if ended:
            unlink_after_commit(job.file_path)
            missed = job.items.still_open().update(state=ItemState.FAILED, reason=code)
            Job.objects.filter(pk=job.pk).update(failed=F("failed") + missed)
            actor = Actor.system(WORKER)
            log(Deed.JOB_FINISHED, job, actor=actor, now=now, result=Result.FAILED, reason=str(code))
