"""The code that a kind of plan may ask for: checked before the transaction that queues the rows, used up inside it."""

import datetime
from collections.abc import Callable

from partner_center.jobs import kinds
from partner_center.jobs.models import Job
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member


def confirmation(job: Job, *, code: str, actor: Actor, now: datetime.datetime) -> Callable[[], None]:
    """
    Ask the kind whether its rows may be worked, and return what has to be called inside the transaction.

    :param code: as typed; empty to be asked for one
    :raises Question: when a code has to be typed
    """
    kind = None if job.is_file else kinds.item_kind(job.kind)
    if kind is None:
        return lambda: None
    member = Member.objects.select_related("partner", "user").get(pk=job.member.pk)
    proof = kind.check_code(job, member=member, code=code, actor=actor, now=now)
    return lambda: kind.authorise(job, member=member, proof=proof, now=now)
