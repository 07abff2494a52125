"""How deeds on jobs enter the audit log: codes and counts, never a row's values or a title."""

import datetime

from partner_center.audit.actions import record
from partner_center.audit.models import Deed, Result
from partner_center.jobs.models import Job
from partner_center.tenancy.actors import Actor


def log(
    deed: Deed,
    job: Job,
    *,
    actor: Actor,
    now: datetime.datetime,
    result: Result = Result.DONE,
    **details: str | int,
) -> None:
    """
    Add an entry about the job to its partner's chain, or to the platform's for a file of the staff.

    It is the last thing in the transaction of the deed.
    """
    record(
        deed=deed,
        actor=actor,
        partner=job.partner,
        target=job,
        now=now,
        result=result,
        details={"kind": job.kind, **details},
    )
