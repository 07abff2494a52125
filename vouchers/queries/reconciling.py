"""
Reconcile: every stored amount of quotas and coupons recomputed from the entries that explain it (reliability.md 7.4).

The database adds up and compares; what comes here is the first row that differs. So a million entries need no more
memory than ten.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from partner_center import money
from vouchers.models import Coupon, LedgerEntry, OperationRecord, OperationResult, Quota
from vouchers.rules import (
    COLUMN_OF_ACCOUNT,
    RECALLS,
    CouponStatus,
    LedgerAccount,
    OperationType,
    possible_postings,
    posting,
)

RECOMPUTED = "recomputed_"
OF_VENDOR = (OperationType.GRANT, OperationType.INCREASE, OperationType.DECREASE)
MOVING = [each for each in OperationType if posting(each)]


@dataclass(frozen=True)
class Difference:
    """Where the books do not agree: what is stored there, and what it should be by whom."""

    where: str
    column: str
    stored: str
    recomputed: str
    by: str

    def __str__(self) -> str:
        return f"{self.where}: {self.column} is {self.stored}, but by {self.by} it is {self.recomputed}"


@dataclass(frozen=True)
class Check:
    """
    One thing that must agree.

    :param count: tells how many rows are looked at
    :param first: finds the first row that does not agree
    """

    name: str
    count: Callable[[], int]
    first: Callable[[], Difference | None]


@contextmanager
def snapshot() -> Iterator[None]:
    """See one moment of the database in every statement of this block, while others go on writing."""
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic():
            _execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield
    else:
        # Ours begin by taking the right to write; this one only reads.
        _execute("BEGIN DEFERRED")
        try:
            yield
        finally:
            _execute("COMMIT")


def _execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


# --- amounts ---------------------------------------------------------------------------------------------------------


def _sum(column: str, condition: Q | None = None) -> Combinable:
    return Coalesce(Sum(column, filter=condition), 0)


def _entries(condition: Q) -> Combinable:
    return _sum("entries__amount_minor", condition)


def _held_on(account: LedgerAccount) -> Combinable:
    """Recompute what is on an account; the vendor's counts what it gave."""
    came, went = _entries(Q(entries__credit=account)), _entries(Q(entries__debit=account))
    return went - came if account == LedgerAccount.VENDOR else came - went


def _first_difference(
    rows: QuerySet[Any], recomputed: Mapping[str, Combinable], *, noun: str, by: str
) -> Difference | None:
    """Find the first row one of whose columns is not what it is recomputed to."""
    named = {RECOMPUTED + column: expression for column, expression in recomputed.items()}
    differs = reduce(or_, (~Q(**{column: F(RECOMPUTED + column)}) for column in recomputed))
    plain = rows.order_by("pk").values("pk", "number", "currency", *recomputed)
    row = plain.annotate(**named).filter(differs).first()
    if row is None:
        return None
    column = next(each for each in recomputed if row[each] != row[RECOMPUTED + each])
    stored, wanted = (_shown(row[name], column, row["currency"]) for name in (column, RECOMPUTED + column))
    return Difference(f"{noun} {row['number']}", column, stored, wanted, by)


def _shown(value: int, column: str, currency: str) -> str:
    return money.shown(value, currency) if column.endswith("_minor") else str(value)


def _quotas_against_ledger() -> Difference | None:
    issued = Q(entries__operation=OperationType.ISSUE)
    recomputed = {COLUMN_OF_ACCOUNT[account]: _held_on(account) for account in LedgerAccount}
    recomputed |= {"issued_count": Count("entries", filter=issued), "issued_face_minor": _entries(issued)}
    return _first_difference(Quota.objects.all(), recomputed, noun="Quota", by="its ledger entries")


def _quotas_against_coupons() -> Difference | None:
    recomputed = {
        "outstanding_minor": _sum("coupons__balance_minor"),
        "consumed_minor": _sum("coupons__consumed_minor"),
        "issued_count": Count("coupons"),
        "issued_face_minor": _sum("coupons__face_minor"),
    }
    return _first_difference(Quota.objects.all(), recomputed, noun="Quota", by="its coupons")


def _coupons_against_ledger() -> Difference | None:
    """What is refunded past a coupon that has ended joins what was recalled or expired of it (domain.md 8 row 16)."""
    returned, was_recalled = Q(entries__operation=OperationType.RETURN), Q(status=CouponStatus.RECALLED)
    recomputed = {
        "face_minor": _entries(Q(entries__operation=OperationType.ISSUE)),
        "balance_minor": _held_on(LedgerAccount.COUPON),
        "consumed_minor": _held_on(LedgerAccount.CONSUMED),
        "recalled_minor": _entries(Q(entries__operation__in=RECALLS) | returned & was_recalled),
        "expired_minor": _entries(Q(entries__operation=OperationType.EXPIRE) | returned & ~was_recalled),
    }
    return _first_difference(Coupon.objects.all(), recomputed, noun="Coupon", by="its ledger entries")


# --- what belongs together -------------------------------------------------------------------------------------------


def _coupons_of_quotas() -> Difference | None:
    recomputed = {name: F(f"quota__{name}") for name in ("partner_id", "kind", "currency")}
    return _first_difference(Coupon.objects.all(), recomputed, noun="Coupon", by="its quota")


def _entries_of_quotas() -> Difference | None:
    """Find an entry in other hands or another currency than its quota, or beside its coupon's quota."""
    same = {"partner": F("quota__partner"), "currency": F("quota__currency")}
    for column, right in same.items():
        wrong = LedgerEntry.objects.filter(~Q(**{column: right})).order_by("pk").values(column, right=right).first()
        if wrong is not None:
            return _about_entry(~Q(**{column: right}), column, wrong[column], wrong["right"], "its quota")
    beside = Q(coupon__isnull=False) & ~Q(coupon__quota=F("quota"))
    wrong = LedgerEntry.objects.filter(beside).order_by("pk").values("quota__number", "coupon__quota__number").first()
    if wrong is None:
        return None
    return _about_entry(beside, "quota", wrong["quota__number"], wrong["coupon__quota__number"], "its coupon")


def _entries_by_rule() -> Difference | None:
    """Find an entry that moves money where its operation never does, or a coupon's without a coupon."""
    allowed = reduce(
        or_, (Q(operation=each, debit=debit, credit=credit) for each, debit, credit in possible_postings())
    )
    wrong = LedgerEntry.objects.exclude(allowed).order_by("pk").first()
    if wrong is not None:
        way = f"from {wrong.debit} to {wrong.credit}"
        return _about_entry(~allowed, "way", way, f"another for {wrong.operation}", "the rules")
    has_coupon = Q(coupon__isnull=False)
    odd = (Q(operation__in=OF_VENDOR) & has_coupon) | (~Q(operation__in=OF_VENDOR) & ~has_coupon)
    wrong = LedgerEntry.objects.filter(odd).order_by("pk").first()
    if wrong is None:
        return None
    stored, wanted = ("none", "one") if wrong.coupon_id is None else ("one", "none")
    return _about_entry(odd, "coupon", stored, wanted, "the rules")


def _about_entry(wrong: Q, column: str, stored: object, wanted: object, by: str) -> Difference:
    entry = LedgerEntry.objects.filter(wrong).select_related("quota").order_by("pk")[0]
    where = f"Ledger entry {entry.operation_id} of quota {entry.quota.number}"
    return Difference(where, column, str(stored), str(wanted), by)


# --- entries and records ---------------------------------------------------------------------------------------------

# Column of a record, and where an entry has the same.
TWINS = {
    "partner_id": "partner_id",
    "operation": "operation",
    "amount_minor": "amount_minor",
    "currency": "currency",
    "order_id": "order_id",
    "quota_number": "quota__number",
    "coupon_id": "named_coupon",
}


def _twins() -> QuerySet[Any]:
    entries: QuerySet[Any] = LedgerEntry.objects.annotate(named_coupon=Coalesce("coupon__public_id", Value("")))
    return entries


def _records_against_entries() -> Difference | None:
    """Find a record of money that moved without the entry that says the same."""
    same = {theirs: OuterRef(ours) for ours, theirs in TWINS.items()}
    fitting = _twins().filter(operation_id=OuterRef("operation_id"), **same)
    names_none = Q(operation_id="", result=OperationResult.SUCCESS, operation__in=MOVING)
    moved_nothing = ~Q(operation_id="") & Q(result=OperationResult.FAILURE)
    unlike = ~Q(operation_id="") & ~Exists(fitting)
    record = OperationRecord.objects.filter(names_none | moved_nothing | unlike).order_by("pk").first()
    return None if record is None else _why_unlike(record)


def _why_unlike(record: OperationRecord) -> Difference:
    where = f"Operation record {record.seq} ({record.operation}) of quota {record.quota_number}"
    entry = _twins().filter(operation_id=record.operation_id).values(*TWINS.values()).first()
    if record.result == OperationResult.FAILURE:
        return Difference(where, "result", "failure", "success", "the ledger entry it names")
    if entry is None:
        return Difference(where, "ledger entry", record.operation_id or "none", "missing", "the ledger")
    column = next(ours for ours, theirs in TWINS.items() if getattr(record, ours) != entry[theirs])
    stored, wanted = getattr(record, column), entry[TWINS[column]]
    return Difference(where, column, str(stored), str(wanted), "its ledger entry")


def _entries_against_records() -> Difference | None:
    """Find an entry that no record names, or that two name."""
    entries, records = LedgerEntry.objects.order_by(), OperationRecord.objects.order_by().exclude(operation_id="")
    unnamed = entries.values_list("operation_id").difference(records.values_list("operation_id"))[:1]
    for (operation_id,) in unnamed:
        return _about_entry(Q(operation_id=operation_id), "operation record", "missing", "one", "the operation log")
    named = (
        records.values("operation_id").annotate(times=Count("pk")).filter(times__gt=1).order_by("operation_id").first()
    )
    if named is None:
        return None
    twice = Q(operation_id=named["operation_id"])
    return _about_entry(twice, "operation record", f"named {named['times']} times", "named once", "the operation log")


CHECKS = (
    Check("quotas against their ledger entries", Quota.objects.count, _quotas_against_ledger),
    Check("quotas against their coupons", Quota.objects.count, _quotas_against_coupons),
    Check("coupons against their ledger entries", Coupon.objects.count, _coupons_against_ledger),
    Check("coupons against their quotas", Coupon.objects.count, _coupons_of_quotas),
    Check("ledger entries against their quotas and coupons", LedgerEntry.objects.count, _entries_of_quotas),
    Check("ledger entries against the rules", LedgerEntry.objects.count, _entries_by_rule),
    Check("operation records against the ledger", OperationRecord.objects.count, _records_against_entries),
    Check("ledger entries against the operation log", LedgerEntry.objects.count, _entries_against_records),
)
