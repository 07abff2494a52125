"""What the pages of the operation log read: records with the names behind their ids, hints, marks and totals."""

import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery, Sum
from django.db.models.expressions import Value
from django.db.models.functions import Coalesce

from customers.models import Account
from partner_center.listing.keyset import Rows
from partner_center.tenancy.models import Member, User
from partner_center.tenancy.zones import zone_of
from vouchers.models import Coupon, OperationRecord, OperationResult, Review
from vouchers.rules import RECALLS, OperationType
from vouchers.rules.hints import JUDGED, THRESHOLDS, Facts, Hint, hints_of

# How many records, newest first, are judged for "with hints", and how many are added up: what a page may cost.
MOST_JUDGED = 5_000
MOST_TOTALLED = 200_000

FACTS = (
    "operation", "result", "actor_kind", "amount_minor", "occurred_at", "partner__time_zone", "burst_from",
    "last_issue_at", "last_recall_at",
)  # fmt: skip


def of_member(member: Member) -> QuerySet[OperationRecord]:
    """Find the operation log of a member's partner."""
    return _named(OperationRecord.objects.of(member.partner))


def of_everybody(_staff: User) -> QuerySet[OperationRecord]:
    """Find the operation logs of all partners, for the vendor's staff."""
    return _named(OperationRecord.objects.all()).annotate(**_past(), **_marks())


def _named(rows: QuerySet[OperationRecord]) -> QuerySet[OperationRecord]:
    """Add names and numbers that records know by public id only; read for the rows of a page, not for those counted."""
    holder, chosen = (Account.objects.filter(public_id=OuterRef(name)) for name in ("account_id", "chosen_account_id"))
    coupon = Coupon.objects.filter(public_id=OuterRef("coupon_id"))
    return rows.annotate(
        customer_name=_text(holder, "customer_name"),
        account_name=_text(holder, "account_name"),
        chosen_name=_text(chosen, "account_name"),
        coupon_number=_text(coupon, "number"),
    )


def _text(rows: QuerySet[Any], field: str) -> Coalesce:
    return Coalesce(Subquery(rows.values(field)[:1]), Value(""))


def _past() -> dict[str, Subquery]:
    """What hints are judged by; each is one short walk along an index, however long the log is."""
    before = OperationRecord.objects.filter(partner=OuterRef("partner"), id__lte=OuterRef("id")).order_by("-id")
    by_operator = before.filter(actor_id=OuterRef("actor_id")).values("occurred_at")
    customers = before.filter(account_id=OuterRef("account_id"), result=OperationResult.SUCCESS)
    earlier = customers.filter(id__lt=OuterRef("id")).values("occurred_at")
    return {
        "burst_from": Subquery(by_operator[THRESHOLDS.burst_count - 1 : THRESHOLDS.burst_count]),
        "last_issue_at": Subquery(earlier.filter(operation=OperationType.ISSUE)[:1]),
        "last_recall_at": Subquery(earlier.filter(operation__in=RECALLS)[:1]),
    }


def _marks() -> dict[str, Coalesce]:
    newest = Review.objects.filter(record=OuterRef("pk")).order_by("-pk")
    return {
        "mark": _text(newest, "mark"),
        "mark_note": _text(newest, "note"),
        "marked_by": _text(newest, "actor_name"),
    }


def unreviewed(rows: Rows) -> Rows:
    return rows.filter(~Exists(Review.objects.filter(record=OuterRef("pk"))))


def marked(rows: Rows, mark: str) -> Rows:
    """Keep what an admin marked like this last."""
    newer = Review.objects.filter(record=OuterRef("record"), pk__gt=OuterRef("pk"))
    return rows.filter(pk__in=Review.objects.filter(~Exists(newer), mark=mark).values("record"))


def hints_of_row(facts: Mapping[str, Any]) -> tuple[Hint, ...]:
    """
    Judge one record.

    :param facts: by the names in FACTS
    """
    return hints_of(
        Facts(
            operation=facts["operation"],
            succeeded=facts["result"] == OperationResult.SUCCESS,
            actor_kind=facts["actor_kind"],
            amount_minor=facts["amount_minor"],
            occurred_at=facts["occurred_at"],
            zone=zone_of(facts["partner__time_zone"]) or zoneinfo.ZoneInfo("UTC"),
            burst_from=facts["burst_from"],
            last_issue_at=facts["last_issue_at"],
            last_recall_at=facts["last_recall_at"],
        )
    )


def hinted(rows: Rows, wanted: Iterable[Hint]) -> list[int]:
    """Judge the newest MOST_JUDGED issues and recalls of some records; returns the keys of those with a wanted hint."""
    judged = rows.filter(operation__in=JUDGED).annotate(**_past())
    newest = judged.order_by("-pk").values("pk", *FACTS)[:MOST_JUDGED]
    hints = frozenset(wanted)
    return [facts["pk"] for facts in newest.iterator(chunk_size=1000) if hints.intersection(hints_of_row(facts))]


@dataclass(frozen=True)
class Total:
    """How many records of one type and currency there are, and how much they moved or would have moved."""

    operation: str
    result: str
    currency: str
    count: int
    amount_minor: int


@dataclass(frozen=True)
class Totals:
    """
    Totals of some records.

    :param is_partial: there are more than MOST_TOTALLED records; only the newest of them were added up
    """

    lines: tuple[Total, ...]
    is_partial: bool


def totals(rows: Rows) -> Totals:
    """Add up records by type, result and currency: exactly up to MOST_TOTALLED, beyond that the newest of them."""
    plain = rows.order_by("-pk")
    border = plain.values_list("pk", flat=True)[MOST_TOTALLED : MOST_TOTALLED + 1].first()
    counted = rows if border is None else rows.filter(pk__gt=border)
    groups = counted.order_by().values_list("operation", "result", "currency")
    found = groups.annotate(count=Count("pk"), amount=Sum("amount_minor")).order_by("operation", "-result", "currency")
    return Totals(tuple(Total(*group) for group in found), is_partial=border is not None)
