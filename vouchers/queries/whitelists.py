"""Reads of whitelists: which version is in force, who stands on it, what a draft would change."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from django.db import connection
from django.db.models import Case, CharField, Count, Exists, OuterRef, QuerySet, Value, When
from django.db.transaction import TransactionManagementError

from customers.models import Account, Association
from partner_center.jobs.models import Job
from partner_center.jobs.rules import LIVE_STATES, JobState
from partner_center.tenancy.models import Member, Partner, PartnerKind
from partner_center.tenancy.permissions import Permission
from vouchers.models import Quota, Whitelist, WhitelistEntry, WhitelistRejection, WhitelistVersion
from vouchers.models.whitelists import WhitelistQuerySet
from vouchers.rules import CouponKind, WhitelistKind
from vouchers.rules.whitelists import Change, Customer

# As many as SQLite takes in one statement: PostgreSQL may read all customers of the partner for each.
LOOKED_UP_AT_ONCE = 20_000
MOST_PLANS = 50
Looked = TypeVar("Looked")


def active_version(partner: Partner, kind: str, *, lock: bool = False) -> WhitelistVersion | None:
    """
    Return the version of a partner's list that is in force, None where there is none.

    :param kind: a WhitelistKind, as `whitelist_for` names it
    :param lock: whether the list stays as it is until the transaction ends; the first lock of a deed
    :raises TransactionManagementError: when locking outside a transaction
    """
    lists = Whitelist.objects.of(partner).filter(kind=kind)
    found = _locked(lists).first() if lock else lists.first()
    # Read behind the lock and not joined: whoever held it may have put another version in force.
    return found.active if found else None


def _locked(lists: WhitelistQuerySet) -> WhitelistQuerySet:
    # SQLite locks with the transaction and would say nothing where there is none.
    if not connection.in_atomic_block:
        raise TransactionManagementError("a list is locked until the transaction ends, so there has to be one")
    return lists.select_for_update(no_key=True)


def listed_accounts(version: WhitelistVersion, account_pks: Iterable[int]) -> set[int]:
    """Return which of these accounts, by pk, stand on a version."""
    entries = WhitelistEntry.objects.filter(version=version)
    listed: set[int] = set()
    for piece in _pieces(sorted(set(account_pks))):
        listed.update(entries.filter(account_id__in=piece).values_list("account_id", flat=True))
    return listed


def entries_of(version: WhitelistVersion) -> list[int]:
    """Return the accounts of a version, by pk."""
    return list(WhitelistEntry.objects.filter(version=version).values_list("account_id", flat=True))


def own_customers(partner: Partner, account_names: Iterable[str]) -> dict[str, Customer]:
    """Look up which of these account names, in lower case, belong to customers the partner has now."""
    own = Association.objects.of(partner).active()
    found: dict[str, Customer] = {}
    for piece in _pieces(sorted(set(account_names))):
        rows = own.filter(account__account_name__in=piece)
        columns = rows.values_list(
            "account__account_name", "account_id", "account__public_id", "account__customer_name"
        )
        found |= {name: Customer(pk, public_id, customer) for name, pk, public_id, customer in columns}
    return found


# --- pages ---------------------------------------------------------------------------------------


def kinds_of(partner: Partner) -> list[WhitelistKind]:
    """List the lists a partner works with: that of pickup coupons where it is one of government clouds or has any."""
    uses_pickup = (
        partner.kind == PartnerKind.GOVERNMENT
        or Quota.objects.of(partner).filter(kind=CouponKind.PICKUP).exists()
        or Whitelist.objects.of(partner).filter(kind=WhitelistKind.PICKUP).exists()
    )
    return [kind for kind in WhitelistKind if kind != WhitelistKind.PICKUP or uses_pickup]


def listed(version: WhitelistVersion) -> QuerySet[Account]:
    """Return the accounts on a version."""
    return Account.objects.filter(pk__in=version.entries.values("account"))


def changed(version: WhitelistVersion) -> QuerySet[Account]:
    """Return the accounts that a version adds to the one it was compared with, or takes from it, each with `change`."""
    both = WhitelistEntry.objects.filter(version__in=[version.pk, version.compared_with_id or version.pk])
    once = both.order_by().values("account").annotate(times=Count("pk")).filter(times=1)
    is_added = Exists(WhitelistEntry.objects.filter(version=version, account=OuterRef("pk")))
    change = Case(When(is_added, then=Value(Change.ADDED)), default=Value(Change.REMOVED), output_field=CharField())
    return Account.objects.filter(pk__in=once.values("account")).annotate(change=change)


def accounts_of_member(member: Member) -> QuerySet[Account]:
    """Return the accounts on any version of the lists that a member may read, for revealing."""
    entries = WhitelistEntry.objects.filter(version__partner=member.partner, account=OuterRef("pk"))
    may_read = member.may(Permission.WHITELIST_READ)
    return Account.objects.filter(Exists(entries)) if may_read else Account.objects.none()


def same_list_before(version: WhitelistVersion) -> WhitelistVersion | None:
    """Return the newest earlier version with exactly the same customers."""
    versions = WhitelistVersion.objects.of(version.partner).filter(kind=version.kind, digest=version.digest)
    return versions.filter(number__lt=version.number).order_by("-number").first()


def rejected_rows(version: WhitelistVersion, *, after: int = 0, limit: int) -> list[WhitelistRejection]:
    """Return the next rejected rows in the order of the file, behind a row number."""
    return list(version.rejections.filter(row__gt=after).order_by("row")[:limit])


@dataclass(frozen=True)
class AffectedPlan:
    """A plan of issue that names customers whom a draft removes, and how many of its rows do."""

    job: Job
    rows: int


def affected_plans(version: WhitelistVersion) -> list[AffectedPlan]:
    """
    Find the plans that are not worked yet and name customers whom a draft removes: those rows would be left out.

    :param version: a draft
    """
    if version.compared_with is None:
        return []
    removed = set(entries_of(version.compared_with)) - set(entries_of(version))
    found = [(job, _rows_naming(job, removed)) for job in _open_plans(version)] if removed else []
    return [AffectedPlan(job, rows) for job, rows in found if rows]


def _open_plans(version: WhitelistVersion) -> Iterator[Job]:
    """Find the plans that this list judges; what a plan was judged by stands in its parameters."""
    jobs = Job.objects.filter(partner=version.partner, kind="issue", state__in=[JobState.PLANNED, *LIVE_STATES])
    for job in jobs.select_related("member__user").order_by("-pk")[:MOST_PLANS]:
        is_pickup = job.parameters.get("kind") == CouponKind.PICKUP
        if job.parameters.get("whitelist_version") and is_pickup == (version.kind == WhitelistKind.PICKUP):
            yield job


def _rows_naming(job: Job, accounts: set[int]) -> int:
    """Count the rows still to be worked that name one of these accounts."""
    customers = [pk for pk in job.items.still_open().values_list("payload__customer", flat=True) if pk]
    return sum(
        pk in accounts
        for piece in _pieces(customers)
        for pk in Association.objects.filter(pk__in=piece).values_list("account_id", flat=True)
    )


def _pieces(values: Sequence[Looked]) -> Iterator[Sequence[Looked]]:
    """Cut what is looked up into statements that every database takes."""
    return (values[start : start + LOOKED_UP_AT_ONCE] for start in range(0, len(values), LOOKED_UP_AT_ONCE))
