"""What a ring of the alarm clock does: take due jobs in turn and work them until the budget is spent."""

import datetime
import logging
import time

from partner_center.jobs import file_work, item_work, kinds, leases
from partner_center.jobs.models import Job
from partner_center.jobs.owners import voice_of
from partner_center.jobs.rules import ErrorCode
from partner_center.refusals import Refusal

logger = logging.getLogger(__name__)

BUDGET = 5.0  # seconds; mail and sweeps wait behind us in the same few processes


def work_due(*, now: datetime.datetime, budget: float = BUDGET) -> int:
    """
    Work what is due. Safe to run in any number of processes at once.

    :param budget: seconds after which an unfinished job is put back; one chunk is always worked
    :returns: how many chunks were worked
    """
    deadline = time.monotonic() + budget
    chunks = 0
    while (job := leases.claim(now=now)) is not None:
        chunks += _work(job, now=now, deadline=deadline)
        if time.monotonic() >= deadline:
            break
    return chunks


def _work(job: Job, *, now: datetime.datetime, deadline: float) -> int:
    try:
        with voice_of(job):
            return _work_chunks(job, now=now, deadline=deadline)
    except leases.LeaseLost:
        logger.info("job %s was cancelled or taken over", job.public_id)
    except leases.JobStopped as stop:
        leases.fail(job, stop.code, now=now)
    except Refusal as refusal:
        leases.fail(job, refusal.code, now=now)
    except (KeyboardInterrupt, SystemExit):
        # The process is told to stop: the next one need not wait for the lease.
        leases.release(job)
        raise
    except Exception:
        logger.exception("a chunk of job %s (%s) raised", job.public_id, job.kind)
        leases.release_after_failure(job, now=now)
    return 0


def _work_chunks(job: Job, *, now: datetime.datetime, deadline: float) -> int:
    leases.stop_if_it_kills_workers(job)
    kind = kinds.find(job.kind)
    if isinstance(kind, kinds.FileJob):
        file_work.move_to_own_spool(job)
    chunks = 1
    while _work_chunk(job, kind, now=now):
        if time.monotonic() >= deadline:
            leases.release(job)
            break
        chunks += 1
    return chunks


def _work_chunk(job: Job, kind: kinds.JobKind | None, *, now: datetime.datetime) -> bool:
    if isinstance(kind, kinds.ItemJob) and not job.is_file:
        return item_work.work_chunk(job, kind, now=now)
    if isinstance(kind, kinds.FileJob) and job.is_file:
        return file_work.work_chunk(job, kind, now=now)
    raise leases.JobStopped(ErrorCode.UNKNOWN_KIND)
