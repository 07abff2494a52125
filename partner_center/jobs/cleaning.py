"""What ends by time: files, plans nobody applied, the personal data of old jobs, and what a crash left on the disk."""

import datetime

from partner_center.jobs import actions, files
from partner_center.jobs.models import Job
from partner_center.jobs.rules import ORPHAN_AGE, OVER_STATES, PAYLOAD_LIFE, JobState
from partner_center.tenancy.actors import Actor

AT_ONCE = 200
SWEEP = "jobs"


def clean(*, now: datetime.datetime) -> int:
    """Do all of it; returns how many files, plans and jobs were cleaned."""
    return delete_expired_files(now=now) + expire_plans(now=now) + forget_old_rows(now=now) + delete_orphans(now=now)


def delete_expired_files(*, now: datetime.datetime) -> int:
    """Delete files whose life is over. The file goes first: a crash in between is mended by the next sweep."""
    expired = Job.objects.exclude(file_path="").filter(file_expires_at__lte=now)[:AT_ONCE]
    for job in expired:
        files.unlink(job.file_path)
        Job.objects.filter(pk=job.pk, file_path=job.file_path).update(file_path="")
    return len(expired)


def expire_plans(*, now: datetime.datetime) -> int:
    late = Job.objects.filter(state=JobState.PLANNED, plan_expires_at__lte=now).select_related("partner")[:AT_ONCE]
    return sum(actions.expire_plan(job=job, actor=Actor.system(SWEEP), now=now) for job in late)


def forget_old_rows(*, now: datetime.datetime) -> int:
    """Blank the personal data of jobs that ended a week ago."""
    old = Job.objects.filter(state__in=OVER_STATES, forgotten_at=None, finished_at__lte=now - PAYLOAD_LIFE)[:AT_ONCE]
    for job in old:
        actions.forget_rows(job, now=now)
    return len(old)


def delete_orphans(*, now: datetime.datetime) -> int:
    """Delete files that no job names: a worker died between making the file and saying so."""
    border = (now - ORPHAN_AGE).timestamp()
    old = [entry.name for entry in files.stored() if entry.stat().st_mtime < border]
    named = set(Job.objects.filter(file_path__in=old).values_list("file_path", flat=True))
    orphans = [name for name in old if name not in named]
    for name in orphans:
        files.unlink(name)
    return len(orphans)
