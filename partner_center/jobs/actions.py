"""What people do to jobs: plan, apply, queue, cancel, retry, discard. Each is one transaction, guarded and logged."""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from partner_center.audit.actions import written_last
from partner_center.audit.models import Deed
from partner_center.jobs import kinds
from partner_center.jobs.confirming import confirmation
from partner_center.jobs.files import unlink_after_commit
from partner_center.jobs.items import PlannedItem, copy_failed_items, digest_of, store_items
from partner_center.jobs.log import log
from partner_center.jobs.models import Job, JobQuerySet
from partner_center.jobs.rules import (
    LIVE_STATES,
    OVER_STATES,
    PLAN_LIFE,
    ErrorCode,
    FileFormat,
    ItemState,
    JobState,
)
from partner_center.jobs.worker import work_due
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner, User, Viewer

__all__ = [
    "PlannedItem",
    "apply_plan",
    "cancel",
    "discard_plan",
    "open_plan",
    "queue_file",
    "queue_file_of_staff",
    "retry_failed",
    "seal_plan",
    "work_due",
]

MOST_WAITING_FILES = 10


class PlanChanged(Refusal):
    code = "plan_changed"
    message = _("This is not the plan you were shown.")
    next_step = _("Look at the plan again, then apply it.")


class PlanAlreadyApplied(Refusal):
    code = "plan_already_applied"
    message = _("This plan has already been applied.")
    next_step = _("Its progress and results are on this page.")


class PlanExpired(Refusal):
    code = "plan_expired"
    message = _("This plan is older than a day, so its checks no longer count.")
    next_step = _("Make a new plan.")
    status = 410


class NothingToApply(Refusal):
    code = "nothing_to_apply"
    message = _("Every row of this plan is left out.")
    next_step = _("The reasons stand beside the rows.")


class JobIsOver(Refusal):
    code = "job_is_over"
    message = _("This job has already ended.")
    next_step = _("Its results are on this page.")


class NothingToRetry(Refusal):
    code = "nothing_to_retry"
    message = _("No row of this job has failed.")


class AlreadyRetried(Refusal):
    code = "already_retried"
    message = _("The failed rows of this job have already been tried again.")
    next_step = _("Retry what failed in the newer job.")


class RowsForgotten(Refusal):
    code = "rows_forgotten"
    message = _("The rows of this job have been deleted to protect personal data.")
    next_step = _("Start again from the list or from your file.")
    status = 410


class TooManyFiles(Refusal):
    code = "too_many_files"
    message = _("You already have %(count)d files waiting to be written.")
    next_step = _("Wait until one is done, or cancel one.")
    status = 429


def open_plan(
    *,
    kind: str,
    title: str,
    member: Member,
    partner: Partner,
    parameters: Mapping[str, Any],
    actor: Actor,
    now: datetime.datetime,
) -> Job:
    """
    Begin a plan: nothing happens to its rows until it is sealed, shown and applied.

    :param title: one line for the list of jobs; without clear personal values
    :raises UnknownKind: when no plan is registered under this key
    """
    kinds.item_kind(kind)
    return Job.objects.create(
        partner=partner,
        member=member,
        kind=kind,
        title=title[:200],
        parameters=dict(parameters),
        state=JobState.PLANNED,
        created_at=now,
        plan_expires_at=now + PLAN_LIFE,
        **_voice(),
    )


def _voice() -> dict[str, str]:
    return {
        "language": translation.get_language() or "en",
        "time_zone": timezone.get_current_timezone_name(),
    }


def seal_plan(*, job: Job, items: Iterable[PlannedItem], actor: Actor, now: datetime.datetime) -> Job:
    """
    Store the rows of an open plan with their totals, and sign them with a digest.

    :raises PlanChanged: when the plan has been sealed before
    """
    with transaction.atomic():
        locked = _lock(job)
        if locked.state != JobState.PLANNED or locked.digest:
            raise PlanChanged
        total, going = store_items(locked, items)
        digest = digest_of(locked)
        Job.objects.filter(pk=job.pk).update(digest=digest, total=total, skipped=total - going)
        log(Deed.JOB_PLANNED, locked, actor=actor, now=now, rows=total, going=going)
    job.refresh_from_db()
    return job


def _lock(job: Job) -> Job:
    jobs = Job.objects.select_for_update(of=("self",), no_key=True).select_related("partner", "member", "staff")
    return jobs.get(pk=job.pk)


def apply_plan(*, job: Job, digest: str, code: str = "", actor: Actor, now: datetime.datetime) -> Job:
    """
    Queue a sealed plan, exactly once however often the button is pressed.

    :param digest: of the plan the person was shown
    :param code: that confirms it, where its kind asks for one
    :raises PlanChanged: when the stored rows are not those of the digest
    :raises PlanAlreadyApplied: when somebody was faster
    :raises PlanExpired: a day after planning, or when it was discarded
    :raises NothingToApply: when no row goes
    :raises Question: when the kind asks for a code, and this is none
    """
    if not _applicable(job, digest, now).exists():
        raise _why_not_applied(job, digest, now)
    use_code = confirmation(job, code=code, actor=actor, now=now)
    with transaction.atomic(), written_last():
        use_code()
        if not _applicable(job, digest, now).update(state=JobState.QUEUED, queued_at=now, due_at=Now()):
            raise _why_not_applied(job, digest, now)
        if digest_of(job) != digest:
            raise PlanChanged
        count = job.items.filter(state=ItemState.PLANNED).update(state=ItemState.PENDING)
        kinds.item_kind(job.kind).on_applied(job, actor=actor, now=now)
        log(Deed.JOB_APPLIED, job, actor=actor, now=now, rows=count, digest=digest)
    job.refresh_from_db()
    return job


def _applicable(job: Job, digest: str, now: datetime.datetime) -> JobQuerySet:
    plan = Job.objects.filter(pk=job.pk, state=JobState.PLANNED, digest=digest, plan_expires_at__gt=now)
    return plan.exclude(digest="").filter(skipped__lt=F("total"))


def _why_not_applied(job: Job, digest: str, now: datetime.datetime) -> Refusal:
    plan = Job.objects.get(pk=job.pk)
    if plan.state == JobState.CANCELLED and plan.queued_at is None:
        return PlanExpired()
    if plan.state != JobState.PLANNED:
        return PlanAlreadyApplied()
    if plan.plan_expires_at is None or plan.plan_expires_at <= now:
        return PlanExpired()
    if not plan.digest or plan.digest != digest:
        return PlanChanged()
    return NothingToApply()


def discard_plan(*, job: Job, actor: Actor, now: datetime.datetime) -> Job:
    """
    Throw a plan away; the rows' personal data goes with it.

    :raises PlanAlreadyApplied: when it has been applied meanwhile
    """
    with transaction.atomic():
        planned = Job.objects.filter(pk=job.pk, state=JobState.PLANNED)
        if not _end_early(planned, job, code=ErrorCode.DISCARDED, now=now):
            raise PlanAlreadyApplied
        forget_rows(job, now=now)
        log(Deed.JOB_CANCELLED, job, actor=actor, now=now, reason=ErrorCode.DISCARDED.value)
    job.refresh_from_db()
    return job


def cancel(*, job: Job, actor: Actor, now: datetime.datetime) -> Job:
    """
    Stop a job. Rows that are done stay done; the chunk in hand is finished first, the rest is left out.

    :raises JobIsOver: when it has ended meanwhile
    """
    with transaction.atomic():
        live = Job.objects.filter(pk=job.pk, state__in=LIVE_STATES)
        if not _end_early(live, job, code=ErrorCode.CANCELLED, now=now):
            raise JobIsOver
        log(Deed.JOB_CANCELLED, job, actor=actor, now=now, reason=ErrorCode.CANCELLED.value)
    job.refresh_from_db()
    return job


def _end_early(guarded: JobQuerySet, job: Job, *, code: str, now: datetime.datetime) -> bool:
    ended = guarded.update(
        state=JobState.CANCELLED, cancelled_at=now, finished_at=now, error_code=code, lease_owner="", lease_until=None
    )
    if not ended:
        return False
    missed = job.items.still_open().update(state=ItemState.SKIPPED, reason=code)
    spool = Job.objects.values_list("file_path", flat=True).get(pk=job.pk)
    Job.objects.filter(pk=job.pk).update(skipped=F("skipped") + missed, file_path="")
    unlink_after_commit(spool)
    return True


def expire_plan(*, job: Job, actor: Actor, now: datetime.datetime) -> bool:
    """Close a plan that nobody applied in time; returns whether it was still open."""
    with transaction.atomic():
        late = Job.objects.filter(pk=job.pk, state=JobState.PLANNED, plan_expires_at__lte=now)
        if not _end_early(late, job, code=ErrorCode.PLAN_EXPIRED, now=now):
            return False
        forget_rows(job, now=now)
        log(Deed.JOB_CANCELLED, job, actor=actor, now=now, reason=ErrorCode.PLAN_EXPIRED.value)
    return True


def forget_rows(job: Job, *, now: datetime.datetime) -> None:
    """Blank what may be personal in a job that is over: keys, payloads and parameters. Labels are masked and stay."""
    with transaction.atomic():
        job.items.update(key="", payload={})
        Job.objects.filter(pk=job.pk).update(parameters={}, cursor="", forgotten_at=now)


def queue_file(
    *,
    kind: str,
    file_format: str,
    title: str,
    member: Member,
    partner: Partner,
    parameters: Mapping[str, Any],
    actor: Actor,
    now: datetime.datetime,
) -> Job:
    """
    Queue a file to be written.

    :param file_format: "csv" or "xlsx"
    :param parameters: what `rows` and `count` of the kind need, such as the filter
    :raises TooManyFiles: when the member has ten files waiting
    :raises UnknownKind: when no file is registered under this key
    """
    wanted = Job(
        partner=partner, member=member, kind=kind, title=title[:200], parameters=dict(parameters), created_at=now
    )
    return _queue(wanted, FileFormat(file_format), owner=member, actor=actor, now=now)


def queue_file_of_staff(
    *,
    kind: str,
    file_format: str,
    title: str,
    staff: User,
    parameters: Mapping[str, Any],
    actor: Actor,
    now: datetime.datetime,
) -> Job:
    """
    Queue a file for one of the vendor's staff; else as queue_file().

    :raises TooManyFiles: when that person has ten files waiting
    :raises UnknownKind: when no file is registered under this key
    """
    wanted = Job(staff=staff, kind=kind, title=title[:200], parameters=dict(parameters), created_at=now)
    return _queue(wanted, FileFormat(file_format), owner=staff, actor=actor, now=now)


def _queue(wanted: Job, file_format: FileFormat, *, owner: Viewer, actor: Actor, now: datetime.datetime) -> Job:
    kinds.file_kind(wanted.kind)
    with transaction.atomic():
        (Member if isinstance(owner, Member) else User).objects.select_for_update(no_key=True).get(pk=owner.pk)
        waiting = Job.objects.live().owned_by(owner).exclude(file_format="").count()
        if waiting >= MOST_WAITING_FILES:
            raise TooManyFiles(count=waiting)
        wanted.state, wanted.file_format = JobState.QUEUED, file_format
        wanted.queued_at = wanted.due_at = now
        wanted.language, wanted.time_zone = _voice().values()
        wanted.save(force_insert=True)
        # What is due is told by the clock of the database.
        Job.objects.filter(pk=wanted.pk).update(due_at=Now())
        log(Deed.EXPORT_REQUESTED, wanted, actor=actor, now=now, format=file_format.value)
    wanted.refresh_from_db()
    return wanted


def retry_failed(*, job: Job, code: str = "", actor: Actor, now: datetime.datetime) -> Job:
    """
    Queue a new job with the failed rows only, or with the whole file. Each job is retried once; then its retry is.

    :param code: that confirms it, where its kind asks for one
    :raises NothingToRetry: when nothing has failed, or the job still runs
    :raises AlreadyRetried: when it has been retried before
    :raises RowsForgotten: when the rows have been blanked
    :raises Question: when the kind asks for a code, and this is none
    """
    _require_retryable(Job.objects.get(pk=job.pk))
    use_code = confirmation(job, code=code, actor=actor, now=now)
    with transaction.atomic(), written_last():
        use_code()
        old = _lock(job)
        _require_retryable(old)
        new = _retry_of(old, now)
        log(Deed.JOB_RETRIED, new, actor=actor, now=now, rows=new.total, retry_of=old.public_id)
    new.refresh_from_db()
    return new


def _require_retryable(old: Job) -> None:
    if old.state not in OVER_STATES or not (old.failed or (old.is_file and old.state == JobState.FAILED)):
        raise NothingToRetry
    if old.forgotten_at is not None:
        raise RowsForgotten
    if Job.objects.filter(retry_of=old).exists():
        raise AlreadyRetried


def _retry_of(old: Job, now: datetime.datetime) -> Job:
    new = Job.objects.create(
        partner=old.partner,
        member=old.member,
        staff=old.staff,
        kind=old.kind,
        title=old.title,
        parameters=old.parameters,
        language=old.language,
        time_zone=old.time_zone,
        state=JobState.QUEUED,
        file_format=old.file_format,
        retry_of=old,
        total=old.failed,
        created_at=now,
        queued_at=now,
        due_at=Now(),
    )
    if not old.is_file:
        copy_failed_items(old, new)
        Job.objects.filter(pk=new.pk).update(digest=digest_of(new))
    return new
