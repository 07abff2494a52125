"""Invitations to test with, made the way people make them."""

from collections.abc import Sequence
from datetime import datetime

from customers.actions import Prospect
from customers.rules import Model
from invitations.actions import planning
from invitations.actions.planning import Row
from invitations.models import Invitation
from partner_center.jobs import actions as jobs
from partner_center.jobs import worker
from partner_center.jobs.models import Job
from partner_center.tenancy.models import Member
from tests.people import actor_of


def row(number: int, email: str = "", **fields: object) -> Row:
    prospect = Prospect(email=email or f"person{number}@customer.example", customer_name=f"Person {number}")
    return Row(number=number, prospect=prospect, **fields)


def plan(member: Member, rows: Sequence[Row], *, now: datetime, model: Model = Model.RESELLER) -> Job:
    return planning.plan_invitations(
        rows=rows, model=model, language="en", title="", member=member, actor=actor_of(member), now=now
    )


def apply(job: Job, *, now: datetime) -> Job:
    jobs.apply_plan(job=job, digest=job.digest, actor=actor_of(job.member), now=now)
    worker.work_due(now=now, budget=60)
    job.refresh_from_db()
    return job


def invite(member: Member, email: str, *, now: datetime, model: Model = Model.RESELLER) -> Invitation:
    """Invite one customer all the way: plan, apply, work."""
    apply(plan(member, [row(1, email)], now=now, model=model), now=now)
    return Invitation.objects.of(member.partner).filter(email=email).latest("pk")


def resend(member: Member, invitations: Sequence[Invitation], *, now: datetime) -> Job:
    rows = Invitation.objects.filter(pk__in=[each.pk for each in invitations]).order_by("-pk")
    return apply(planning.plan_resend(invitations=rows, member=member, actor=actor_of(member), now=now), now=now)
