"""Who a job works for: asked again each time, because rights may have gone since the button was pressed."""

import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager

from django.utils import timezone, translation

from partner_center.jobs.kinds import JobKind
from partner_center.jobs.leases import JobStopped
from partner_center.jobs.models import Job
from partner_center.jobs.rules import ErrorCode
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, User


def actor_of(job: Job, kind: JobKind) -> Actor:
    """
    Return the actor in whose name a chunk is worked.

    :raises JobStopped: when the member is disabled or no longer holds the permission, or the staff is no staff any more
    """
    return _staff_of(job) if job.staff_id else _member_of(job, kind)


def _staff_of(job: Job) -> Actor:
    staff = User.objects.filter(jobs=job, is_platform_admin=True, is_active=True).first()
    if staff is None:
        raise JobStopped(ErrorCode.PERMISSION_LOST)
    return Actor.person(staff, request_id=f"job-{job.public_id}")


def _member_of(job: Job, kind: JobKind) -> Actor:
    member = Member.objects.of(job.partner).active().select_related("user").filter(jobs=job).first()
    if member is None or not member.may(kind.permission):
        raise JobStopped(ErrorCode.PERMISSION_LOST)
    return Actor.member(member, request_id=f"job-{job.public_id}")


@contextmanager
def voice_of(job: Job) -> Iterator[None]:
    """Write texts and times as the person who asked for the job reads them, also after a restart."""
    with translation.override(job.language), timezone.override(_zone(job.time_zone)):
        yield


def _zone(name: str) -> zoneinfo.ZoneInfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return zoneinfo.ZoneInfo("UTC")
