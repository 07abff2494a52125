"""Jobs to test with."""

import datetime
from collections.abc import Iterable

from partner_center.jobs import actions
from partner_center.jobs.models import Job
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member


def planned(count: int, *, outcome: str = "done", start: int = 1) -> list[actions.PlannedItem]:
    """Make rows that go."""
    return [
        actions.PlannedItem(
            key=str(number),
            label=f"p***@example.test {number}",
            verdict="send",
            goes=True,
            payload={"outcome": outcome, "email": f"person-{number}@example.test"},
        )
        for number in range(start, start + count)
    ]


def refused(count: int, *, start: int) -> list[actions.PlannedItem]:
    """Make rows that the plan leaves out."""
    return [
        actions.PlannedItem(
            key=str(number),
            label=f"r***@example.test {number}",
            verdict="refused",
            reason="toy_reason",
            goes=False,
            payload={"email": f"refused-{number}@example.test"},
        )
        for number in range(start, start + count)
    ]


def plan(member: Member, items: Iterable[actions.PlannedItem], *, now: datetime.datetime) -> Job:
    actor = Actor.member(member)
    job = actions.open_plan(
        kind="toy_batch",
        title="Toys",
        member=member,
        partner=member.partner,
        parameters={},
        actor=actor,
        now=now,
    )
    return actions.seal_plan(job=job, items=items, actor=actor, now=now)


def applied(member: Member, items: Iterable[actions.PlannedItem], *, now: datetime.datetime) -> Job:
    job = plan(member, items, now=now)
    return actions.apply_plan(job=job, digest=job.digest, actor=Actor.member(member), now=now)


def queued_file(member: Member, *, now: datetime.datetime, file_format: str = "csv") -> Job:
    return actions.queue_file(
        kind="toy_file",
        file_format=file_format,
        title="All toys",
        member=member,
        partner=member.partner,
        parameters={},
        actor=Actor.member(member),
        now=now,
    )
