"""Plans of issue and whitelists in force, for the tests of issuing."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone

from customers.models import Account, Association
from partner_center.jobs import actions as jobs
from partner_center.jobs import worker
from partner_center.jobs.models import Job, JobItem
from partner_center.tenancy.models import Member
from tests.people import actor_of
from vouchers.actions import planning
from vouchers.actions.planning import Chosen
from vouchers.models import OperationRecord, Quota, Whitelist, WhitelistEntry, WhitelistVersion
from vouchers.rules.issuing import Policy, Terms, terms_within

HUNDRED = 100_00


def make_terms(quota: Quota, face_minor: int = HUNDRED, **fields: Any) -> Terms:
    return terms_within(quota, face_minor=face_minor, **fields)


def make_plan(
    quota: Quota,
    customers: Iterable[Association] | Sequence[Chosen],
    member: Member,
    *,
    face_minor: int = HUNDRED,
    policy: Policy = Policy.SKIP,
    now: datetime | None = None,
    **fields: Any,
) -> Job:
    """Plan to issue to customers, or to rows of a list."""
    rows = list(customers)
    choice = rows if rows and isinstance(rows[0], Chosen) else planning.of_customers(rows)  # type: ignore[arg-type]
    return planning.plan_issue(
        quota=quota,
        choice=choice,  # type: ignore[arg-type]
        terms=make_terms(quota, face_minor, **fields),
        policy=policy,
        member=member,
        actor=actor_of(member),
        now=now or timezone.now(),
    )


def apply(job: Job, member: Member) -> None:
    """Queue a plan: what its button does."""
    jobs.apply_plan(job=job, digest=job.digest, actor=actor_of(member), now=timezone.now())


def carry_out(job: Job, member: Member) -> list[JobItem]:
    """Queue a plan and work it; returns its rows."""
    apply(job, member)
    worker.work_due(now=timezone.now(), budget=60)
    job.refresh_from_db()
    return rows_of(job)


def rows_of(job: Job) -> list[JobItem]:
    return list(job.items.order_by("position"))


def verdicts(job: Job) -> list[tuple[str, str]]:
    return [(row.verdict, row.reason) for row in rows_of(job)]


def results(job: Job) -> list[tuple[str, str]]:
    return [(row.state, row.reason) for row in rows_of(job)]


def records_of(quota: Quota) -> list[tuple[str, str]]:
    """Return result and reason of the issues of a quota that stand in the log, oldest first."""
    rows = OperationRecord.objects.of(quota.partner).filter(quota_number=quota.number, operation="issue")
    return list(rows.order_by("seq").values_list("result", "reason"))


def put_on_list(member: Member, accounts: Iterable[Account], *, kind: str = "customer") -> WhitelistVersion:
    """Put a version with these accounts in force, as activating one does."""
    lists, _made = Whitelist.objects.get_or_create(partner=member.partner, kind=kind)
    number = WhitelistVersion.objects.of(member.partner).filter(kind=kind).count() + 1
    WhitelistVersion.objects.of(member.partner).filter(kind=kind, status="active").update(status="superseded")
    version = WhitelistVersion.objects.create(
        partner=member.partner,
        kind=kind,
        number=number,
        status="active",
        imported_by=member,
        digest="0" * 64,
        created_at=timezone.now(),
    )
    WhitelistEntry.objects.bulk_create(WhitelistEntry(version=version, account=account) for account in accounts)
    Whitelist.objects.filter(pk=lists.pk).update(active=version)
    return version


def make_member_account(master: Account | None, **fields: Any) -> dict[str, Any]:
    """Return the fields of an enterprise's member account."""
    return {"enterprise_role": "member", "master": master, **fields}
