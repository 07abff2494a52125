"""One chunk of a file: append to the spool, put it on the disk, then move the checkpoint."""

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils.text import get_valid_filename

from partner_center.audit.models import Deed
from partner_center.environment import environment
from partner_center.exports import SpoolDamagedError, append_csv, csv_to_xlsx, sha256_of
from partner_center.jobs import files, leases
from partner_center.jobs.kinds import FileJob
from partner_center.jobs.log import log
from partner_center.jobs.models import Job
from partner_center.jobs.owners import actor_of
from partner_center.jobs.rules import FILE_LEASE, MOST_WORKBOOK_ROWS, ErrorCode, FileFormat, JobState
from partner_center.tenancy.actors import Actor

CHUNK_ROWS = 2_000
LONGEST_STEM = 140
WORKBOOK_ROWS_A_SECOND = 1_000  # a slow machine; decides only how long a dead worker's conversion stays locked


def work_chunk(job: Job, kind: FileJob, *, now: datetime.datetime) -> bool:
    """
    Write the next rows.

    :returns: whether there may be more
    :raises LeaseLost: when the job is no longer ours
    :raises JobStopped: when its owner may no longer do this, or a workbook cannot hold the rows
    """
    leases.renew(job, lease=FILE_LEASE)
    actor = actor_of(job, kind)
    if job.rows_matched is None:
        _begin(job, kind)
    try:
        return _append(job, kind, actor, now)
    except SpoolDamagedError:
        # The disk lost what the database remembers: begin again rather than hand out half a file.
        _start_over(job)
        return True


def move_to_own_spool(job: Job) -> None:
    """Continue a dead worker's spool in a new file: should it only have been asleep, it writes into the old one."""
    if job.takeovers == 0 or job.file_path == "":
        return
    old, new = job.file_path, files.new_name()
    try:
        files.copy_beginning(old, new, size=job.spool_bytes)
    except SpoolDamagedError:
        _start_over(job)
        return
    leases.write_as_holder(job, file_path=new)
    job.file_path = new
    files.unlink(old)


def _begin(job: Job, kind: FileJob) -> None:
    matched = kind.count(job)
    if job.file_format == FileFormat.XLSX and matched > MOST_WORKBOOK_ROWS:
        raise leases.JobStopped(ErrorCode.TOO_MANY_ROWS)
    spool = files.new_name()
    leases.write_as_holder(job, rows_matched=matched, total=matched, file_path=spool)
    job.rows_matched, job.total, job.file_path = matched, matched, spool


def _start_over(job: Job) -> None:
    spool = files.new_name()
    leases.write_as_holder(job, file_path=spool, cursor="", spool_bytes=0, done=0)
    job.file_path, job.cursor, job.spool_bytes, job.done = spool, "", 0, 0


def _append(job: Job, kind: FileJob, actor: Actor, now: datetime.datetime) -> bool:
    page = kind.rows(job, job.cursor, CHUNK_ROWS)
    # An empty page is written too: it begins an empty file, and cuts off what a dead worker left behind.
    spool = files.path_of(job.file_path)
    written = append_csv(kind.columns(job), [row for _cursor, row in page], spool, offset=job.spool_bytes)
    if not page:
        _finish(job, kind, actor, now)
        return False
    cursor, done = page[-1][0], job.done + written.rows
    leases.write_as_holder(job, cursor=cursor, spool_bytes=written.bytes, done=done, attempts=0, takeovers=0)
    job.cursor, job.spool_bytes, job.done, job.attempts, job.takeovers = cursor, written.bytes, done, 0, 0
    return True


def _finish(job: Job, kind: FileJob, actor: Actor, now: datetime.datetime) -> None:
    recounted = kind.count(job)
    spool, name = job.file_path, job.file_path
    if job.file_format == FileFormat.XLSX:
        leases.renew(job, lease=FILE_LEASE + datetime.timedelta(seconds=job.done / WORKBOOK_ROWS_A_SECOND))
        name = files.new_name()
        csv_to_xlsx(kind.columns(job), files.path_of(spool), files.path_of(name), title=str(kind.label)[:28])
    path = files.path_of(name)
    files.make_durable(path)
    described = _described(job, kind.manifest(job, files.path_of(spool)), kind.file_stem(job), path, now)
    with transaction.atomic():
        leases.write_as_holder(
            job,
            state=JobState.DONE,
            lease_owner="",
            lease_until=None,
            rows_recounted=recounted,
            total=job.done,
            finished_at=now,
            file_path=name,
            **described,
            file_expires_at=now + datetime.timedelta(hours=environment.export_hours),
        )
        log(Deed.JOB_FINISHED, job, actor=actor, now=now, done=job.done)
    if name != spool:
        files.unlink(spool)


def _described(job: Job, said: Mapping[str, Any], stem: str, path: Path, now: datetime.datetime) -> dict[str, Any]:
    name, digest = f"{get_valid_filename(stem)[:LONGEST_STEM]}.{job.file_format}", sha256_of(path)
    about = {"file": name, "sha256": digest, "rows": job.done, "written_at": now.isoformat()}
    return {
        "file_name": name,
        "file_size": path.stat().st_size,
        "file_sha256": digest,
        "manifest": {**about, **said} if said else {},
    }
