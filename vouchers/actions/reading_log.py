"""Reading the operation log is itself logged: who looked at it, with which filters, and who took a file of it."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import transaction

from partner_center.audit import actions as audit
from partner_center.audit.models import Deed
from partner_center.jobs import actions as jobs
from partner_center.jobs.models import Job
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Viewer

# Turning pages is one reading: the same person and the same filters are logged once in so long.
ONE_READING = timedelta(hours=1)
LOG = "operations"


def view_log(*, viewer: Viewer, asked: str, filters: Sequence[str], actor: Actor, now: datetime) -> None:
    """
    Log that somebody looks at the operation log, once an hour for the same filters.

    :param asked: what tells this reading from another one; it is kept as a digest only
    :param filters: names of the filters in use
    """
    key = f"log-viewed:{viewer.public_id}:{hashlib.sha256(asked.encode()).hexdigest()[:32]}"
    # Looked up before it is added: nearly every page is the second of a reading, and a look costs a third of that.
    if cache.get(key) or not cache.add(key, True, timeout=ONE_READING.total_seconds()):
        return
    with transaction.atomic():
        _record(Deed.LOG_VIEWED, viewer, actor, now, {"log": LOG, "filters": sorted(filters)}, target=None)


def export_log(
    *,
    kind: str,
    file_format: str,
    viewer: Viewer,
    parameters: Mapping[str, Any],
    filters: Sequence[str],
    actor: Actor,
    now: datetime,
) -> Job:
    """
    Queue a file of the operation log, and log who takes it.

    :param kind: of the file job: that of a partner's own log, or that of all
    :param parameters: the filter that is pinned to the file
    :raises TooManyFiles: when this person has ten files waiting
    """
    about: dict[str, Any] = {
        "kind": kind, "file_format": file_format, "title": "", "parameters": parameters, "actor": actor, "now": now,
    }  # fmt: skip
    with transaction.atomic(), audit.written_last():
        if isinstance(viewer, Member):
            job = jobs.queue_file(member=viewer, partner=viewer.partner, **about)
        else:
            job = jobs.queue_file_of_staff(staff=viewer, **about)
        details = {"log": LOG, "filters": sorted(filters), "format": file_format}
        _record(Deed.LOG_EXPORTED, viewer, actor, now, details, target=job)
    return job


def _record(
    deed: Deed, viewer: Viewer, actor: Actor, now: datetime, details: Mapping[str, object], *, target: Job | None
) -> None:
    partner = viewer.partner if isinstance(viewer, Member) else None
    audit.record(deed=deed, actor=actor, partner=partner, target=target, now=now, details=details)
