"""The rows of a plan on their way into the database, and the digest over them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from partner_center.jobs.models import Job, JobItem
from partner_center.jobs.rules import DigestedRow, ItemState, plan_digest

ITEMS_AT_ONCE = 1_000


@dataclass(frozen=True, kw_only=True)
class PlannedItem:
    """
    One row of a plan.

    :param key: tells the row apart inside the plan; may be personal, never shown
    :param label: what people see of the row; masked
    :param verdict: short code of what will happen to the row
    :param reason: code of why, for rows that do not go
    :param note: more to the reason: a code that the kind explains, or words; masked
    :param payload: what the work needs to do the row; may be personal, blanked later
    :param goes: whether the row is worked when the plan is applied
    """

    key: str
    label: str
    verdict: str
    goes: bool
    reason: str = ""
    note: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict)


def store_items(job: Job, items: Iterable[PlannedItem]) -> tuple[int, int]:
    """Insert the rows in pieces; returns how many there are and how many of them go."""
    rows = (_row(job, position, item) for position, item in enumerate(items, start=1))
    total = going = 0
    while piece := list(islice(rows, ITEMS_AT_ONCE)):
        JobItem.objects.bulk_create(piece)
        total += len(piece)
        going += sum(row.state == ItemState.PLANNED for row in piece)
    return total, going


def _row(job: Job, position: int, item: PlannedItem) -> JobItem:
    return JobItem(
        job=job,
        position=position,
        key=item.key,
        label=item.label,
        verdict=item.verdict,
        reason=item.reason,
        note=item.note,
        payload=dict(item.payload),
        state=ItemState.PLANNED if item.goes else ItemState.SKIPPED,
    )


def digest_of(job: Job) -> str:
    """Return the digest of a job's rows as they stand in the database."""
    columns = job.items.order_by("position").values_list("position", "key", "verdict", "reason", "payload")
    return plan_digest(DigestedRow(*row) for row in columns.iterator(chunk_size=ITEMS_AT_ONCE))


def copy_failed_items(old: Job, new: Job) -> None:
    """Copy the failed rows with their positions, so that row 17 of an upload is still called row 17."""
    failed = old.items.filter(state=ItemState.FAILED).order_by("position").iterator(chunk_size=ITEMS_AT_ONCE)
    while piece := list(islice(failed, ITEMS_AT_ONCE)):
        JobItem.objects.bulk_create(
            JobItem(
                job=new,
                position=row.position,
                key=row.key,
                label=row.label,
                verdict=row.verdict,
                payload=row.payload,
                state=ItemState.PENDING,
            )
            for row in piece
        )
