"""Apply a plan of issue, a chunk at a time; and book what the plan refused (domain.md 3.8)."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from customers.models import Account
from partner_center.jobs.kinds import ItemOutcome
from partner_center.jobs.models import Job, JobItem
from partner_center.jobs.rules import ItemState
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member
from vouchers.actions.booking import Operation, book
from vouchers.actions.issuing import IssueRefused, Outcome, Wanted, issue
from vouchers.actions.planning import seal_of
from vouchers.models import Quota
from vouchers.queries import receivers
from vouchers.rules import OperationType, Reason
from vouchers.rules.issuing import GOES, Policy, Terms, why_terms_refused


def quota_of(job: Job) -> Quota:
    """Return the quota a plan issues from."""
    return Quota.objects.of(job.partner).select_related("partner").get(public_id=job.parameters["quota"])


def refuse_closed_quota(job: Job, *, now: datetime) -> None:
    """
    Look whether a plan's quota still gives, before anybody is asked for a code.

    :raises IssueRefused: when every row would fail
    """
    if reason := why_terms_refused(Terms.from_parameters(job.parameters["terms"]), quota_of(job), now=now):
        raise IssueRefused(reason)


def apply_issue(job: Job, items: Sequence[JobItem], *, actor: Actor, now: datetime) -> list[ItemOutcome]:
    """
    Issue a chunk of a plan inside the job's transaction; rows whose judgement changed since are skipped.

    Where it is all or nothing, the chunk is the whole plan.
    """
    seal, member = seal_of(job.parameters), Member.objects.select_related("partner", "user").get(jobs=job)
    outcomes = issue(
        quota=quota_of(job),
        wanted=[_wanted(item, seal) for item in items],
        terms=Terms.from_parameters(job.parameters["terms"]),
        member=member,
        actor=actor,
        now=now,
        job=job,
        all_or_none=job.parameters["policy"] == Policy.ALL,
    )
    return [_told(item, outcome) for item, outcome in zip(items, outcomes, strict=True)]


def _wanted(item: JobItem, seal: str) -> Wanted:
    planned = item.payload
    fault = None if planned["plan"] == seal else Reason.CHANGED_SINCE_PLAN
    return Wanted(customer=planned["customer"], holder=planned["holder"], fault=fault)


def _told(item: JobItem, outcome: Outcome) -> ItemOutcome:
    if outcome.coupon is None:
        return ItemOutcome(item.pk, ItemState.SKIPPED, str(outcome.reason), "")
    return ItemOutcome(item.pk, ItemState.DONE, "", outcome.coupon.public_id)


def book_refused(job: Job, *, actor: Actor, now: datetime) -> None:
    """Write a failed operation for each row that the plan refused, inside the transaction that queues it."""
    refused = list(job.items.exclude(verdict__in=GOES).order_by("position"))
    quota, terms = quota_of(job), Terms.from_parameters(job.parameters["terms"])
    chosen = receivers.accounts_of(_pks(refused, "customer"), partner=job.partner)
    holders = Account.objects.in_bulk(set(_pks(refused, "holder")))
    operations = [
        Operation(
            operation=OperationType.ISSUE,
            quota=quota,
            amount_minor=terms.face_minor,
            account=holders.get(item.payload["holder"]) or chosen.get(item.payload["customer"]),
            chosen_account=chosen.get(item.payload["customer"]),
            reason=Reason(item.reason),
            whitelist_version=job.parameters["whitelist_version"],
            remark=terms.remark,
            job_id=job.public_id,
        )
        for item in refused
    ]
    book(operations, partner=job.partner, actor=actor, now=now)


def _pks(items: Iterable[JobItem], name: str) -> list[int]:
    return [item.payload[name] for item in items if item.payload[name] is not None]
