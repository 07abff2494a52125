"""One chunk of a plan, in one transaction: a killed worker leaves it either done or untouched."""

import datetime
from collections import Counter
from collections.abc import Sequence

from django.db import connection, transaction
from django.db.models import F

from partner_center.audit.models import Deed
from partner_center.jobs import leases
from partner_center.jobs.kinds import ItemJob, ItemOutcome
from partner_center.jobs.log import log
from partner_center.jobs.models import Job, JobItem
from partner_center.jobs.owners import actor_of
from partner_center.jobs.rules import ItemState, JobState
from partner_center.tenancy.actors import Actor

TABLE = JobItem._meta.db_table  # noqa: SLF001 - Django documents it
OUTCOME_STATES = frozenset({ItemState.DONE, ItemState.FAILED, ItemState.SKIPPED})


def work_chunk(job: Job, kind: ItemJob, *, now: datetime.datetime) -> bool:
    """
    Work the next rows.

    :returns: whether there may be more
    :raises LeaseLost: when the job is no longer ours
    :raises JobStopped: when its owner may no longer do this
    """
    with transaction.atomic():
        # The fence locks the row of the job: until the commit nobody else can claim or cancel it.
        leases.renew(job)
        actor = actor_of(job, kind)
        most = kind.chunk_size(job)
        items = list(job.items.pending().order_by("position")[:most])
        if items:
            outcomes = kind.apply(job, items, actor=actor, now=now)
            _record(job, items, outcomes)
        is_last = len(items) < most
        if is_last:
            _finish(job, actor, now)
    job.attempts = job.takeovers = 0
    return not is_last


def _record(job: Job, items: Sequence[JobItem], outcomes: Sequence[ItemOutcome]) -> None:
    _check_complete(items, outcomes)
    if _write(job, outcomes) != len(items):
        raise RuntimeError("an item was not pending any more")
    counts = Counter(outcome.state for outcome in outcomes)
    Job.objects.filter(pk=job.pk).update(
        done=F("done") + counts[ItemState.DONE],
        failed=F("failed") + counts[ItemState.FAILED],
        skipped=F("skipped") + counts[ItemState.SKIPPED],
        attempts=0,
        takeovers=0,
    )


def _check_complete(items: Sequence[JobItem], outcomes: Sequence[ItemOutcome]) -> None:
    if sorted(outcome.item_id for outcome in outcomes) != sorted(item.pk for item in items):
        raise RuntimeError("a job kind must answer each of its items once")
    if not OUTCOME_STATES.issuperset(outcome.state for outcome in outcomes):
        raise RuntimeError("an outcome is done, failed or skipped")


def _write(job: Job, outcomes: Sequence[ItemOutcome]) -> int:
    """Write all outcomes in one statement; bulk_update takes ten times as long and would be most of the job."""
    rows = ", ".join(["(%s, %s, %s, %s)"] * len(outcomes))
    statement = f"""
        UPDATE {TABLE} SET
            state = outcome.column2,
            reason = CASE WHEN outcome.column3 = '' THEN reason ELSE outcome.column3 END,
            object_id = outcome.column4,
            payload = CASE WHEN outcome.column2 = '{ItemState.DONE}' THEN '{{}}' ELSE payload END
        FROM (VALUES {rows}) AS outcome
        WHERE id = outcome.column1 AND job_id = %s AND state = '{ItemState.PENDING}'
    """  # noqa: S608 - only names of our own and placeholders
    values = [v for o in outcomes for v in (o.item_id, str(o.state), o.reason, o.object_id)]
    with connection.cursor() as cursor:
        cursor.execute(statement, [*values, job.pk])
        return int(cursor.rowcount)


def _finish(job: Job, actor: Actor, now: datetime.datetime) -> None:
    Job.objects.filter(pk=job.pk).update(state=JobState.DONE, finished_at=now, lease_owner="", lease_until=None)
    job.refresh_from_db(fields=["done", "failed", "skipped"])
    log(Deed.JOB_FINISHED, job, actor=actor, now=now, done=job.done, failed=job.failed, skipped=job.skipped)
