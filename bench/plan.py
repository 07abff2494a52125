"""
A batch of ten thousand rows: planned, queued, worked; among a million invitations.

The yardstick of the work is the least that any way of sending must do: insert the same mails and log entries with
bulk_create, with no check, no reservation, no lock and no new term.
"""

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db import transaction
from django.utils import timezone

from bench.measuring import Figure
from customers.actions import Prospect
from customers.models import Preregistration
from customers.rules import Model
from customers.rules.contact import normalise_name
from invitations.actions import planning
from invitations.models import Invitation
from invitations.views.invite import COLUMNS
from partner_center import imports
from partner_center.audit.models import AuditEntry
from partner_center.jobs import actions as jobs
from partner_center.jobs import worker
from partner_center.jobs.models import Job
from partner_center.limits.models import Spending
from partner_center.mail.addresses import normalise_address
from partner_center.mail.models import MailOutbox
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, new_public_id

ROWS = 10_000
SECONDS_TO_PLAN, SECONDS_TO_QUEUE = 5.0, 2.0
LONGEST_WORK = 600
ROUNDS = 3
Made = TypeVar("Made")


def run(member: Member) -> list[Figure]:
    """Plan a pasted list and a resend; queue and work the resend."""
    _begin_anew(member)
    actor = Actor.member(member)
    _, to_invite = _best(lambda: _plan_list(member, actor))
    resend, to_resend = _best(lambda: _plan_resend(member, actor))
    _, to_queue = _timed(lambda: jobs.apply_plan(job=resend, digest=resend.digest, actor=actor, now=timezone.now()))
    _, to_work = _timed(lambda: worker.work_due(now=timezone.now(), budget=LONGEST_WORK))
    resend.refresh_from_db()
    if resend.done != ROWS:
        raise RuntimeError(f"{resend.done} of {ROWS} rows were sent")
    raw = _insert_the_least(member)
    return [
        _against_goal(f"plan to invite a pasted list of {ROWS:,}", to_invite, SECONDS_TO_PLAN),
        _against_goal(f"plan to resend {ROWS:,}", to_resend, SECONDS_TO_PLAN),
        _against_goal(f"queue {ROWS:,} resends", to_queue, SECONDS_TO_QUEUE),
        Figure(f"bulk_create of {ROWS:,} mails and entries", raw * 1000, 1.0, None, "yardstick"),
        Figure(f"work {ROWS:,} resends", to_work * 1000, to_work / raw, None, f"{ROWS / to_work:,.0f} rows/s"),
    ]


def _against_goal(name: str, seconds: float, goal: float) -> Figure:
    return Figure(name, seconds * 1000, seconds / goal, 1.0, f"of {goal:g} s")


def _timed(call: Callable[[], Made]) -> tuple[Made, float]:
    started = time.perf_counter()
    made = call()
    return made, time.perf_counter() - started


def _best(plan: Callable[[], Job]) -> tuple[Job, float]:
    """Make the plan a few times, which changes nothing else, and take the least disturbed time."""
    made = [_timed(plan) for _round in range(ROUNDS)]
    for job, _seconds in made:
        if (job.total, job.skipped) != (ROWS, 0):
            raise RuntimeError(f"{job.skipped} of {job.total} rows were left out")
    return made[-1][0], min(seconds for _job, seconds in made)


def _begin_anew(member: Member) -> None:
    """Let this partner invite, and give back what an earlier run over a kept database has spent."""
    member.partner.contact_email = "office@bench.example"
    member.partner.save(update_fields=["contact_email"])
    Spending.objects.all().delete()
    Preregistration.objects.of(member.partner).delete()


def _plan_list(member: Member, actor: Actor) -> Job:
    text = "".join(f"Customer {number},new{number}@example{number % 50}.test\n" for number in range(ROWS))
    upload = imports.read_pasted(text, columns=COLUMNS, max_rows=ROWS)
    rows = [planning.Row(number=row.number, prospect=_prospect(row)) for row in upload.rows]
    return planning.plan_invitations(
        rows=rows, model=Model.RESELLER, language="en", title="", member=member, actor=actor, now=timezone.now()
    )


def _prospect(row: imports.Row) -> Prospect:
    return Prospect(
        email=normalise_address(row.values["email"]), customer_name=normalise_name(row.values["customer_name"])
    )


def _plan_resend(member: Member, actor: Actor) -> Job:
    now = timezone.now()
    late = Invitation.objects.visible_to(member).in_status("expired", now=now).order_by("-pk")[:ROWS]
    return planning.plan_resend(invitations=late, member=member, actor=actor, now=now)


def _insert_the_least(member: Member) -> float:
    """Time the insertion of as many mails and entries, and undo it: entries of the log cannot be deleted."""
    mails: list[MailOutbox] = _copies(MailOutbox.objects.filter(partner=member.partner).order_by("-pk")[:ROWS])
    entries: list[AuditEntry] = _copies(AuditEntry.objects.of(member.partner).order_by("-pk")[:ROWS])
    last = AuditEntry.objects.of(member.partner).order_by("-seq").values_list("seq", flat=True)[0]
    for number, entry in enumerate(entries, start=last + 1):
        entry.seq = number
    with transaction.atomic():
        started = time.perf_counter()
        MailOutbox.objects.bulk_create(mails)
        AuditEntry.objects.bulk_create(entries)
        seconds = time.perf_counter() - started
        transaction.set_rollback(True)
    return seconds


def _copies(rows: Iterable[Made]) -> list[Made]:
    copies = list(rows)
    for row in copies:
        row.pk, row.public_id = None, new_public_id()  # type: ignore[attr-defined]
        if isinstance(row, MailOutbox):
            row.dedupe_key, row.message_id = row.public_id, row.public_id
    return copies
