"""A plan and a file to work with: the plan counts what it does to each row, the file lists those counts."""

import datetime
from collections.abc import Sequence
from typing import Any

from django.db.models import F

from partner_center.exports import Column
from partner_center.jobs import kinds
from partner_center.jobs.models import Job, JobItem
from partner_center.jobs.rules import ItemState
from partner_center.limits.models import Spending
from partner_center.masking import mask_email
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.permissions import Permission

EPOCH = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


class ToyRefusal(Refusal):
    code = "toy_refusal"


class ToyBatch(kinds.ItemJob):
    """Does what the payload of each row says, and counts in the database how often it did it."""

    key = "toy_batch"
    label = "Toy batch"
    permission = Permission.INVITATION_SEND
    chunk_rows = 5

    def apply(
        self, job: Job, items: Sequence[JobItem], *, actor: Actor, now: datetime.datetime
    ) -> Sequence[kinds.ItemOutcome]:
        count_effects([item.key for item in items])
        if any(item.payload.get("outcome") == "raise" for item in items):
            raise ZeroDivisionError("the toy broke")
        if any(item.payload.get("outcome") == "refuse" for item in items):
            raise ToyRefusal
        return [self.outcome(item) for item in items]

    def outcome(self, item: JobItem) -> kinds.ItemOutcome:
        state = ItemState(item.payload.get("outcome", "done"))
        return kinds.ItemOutcome(item.pk, state, "" if state == ItemState.DONE else "toy_reason", "made-of-this-row")

    def verdict_label(self, code: str) -> str:
        return {"send": "Send it", "refused": "Refused"}[code]

    def reason_text(self, code: str) -> Any:
        return "A reason in words" if code == "toy_reason" else super().reason_text(code)

    def action_label(self, count: int) -> str:
        return f"Do {count} toys"

    def faulty_rows(self, job: Job) -> kinds.FaultyRows:
        return kinds.FaultyRows(["E-mail"], lambda item: [item.payload.get("email", "")])


class ToyFile(kinds.FileJob):
    """Writes every counted row: its key, an address that is masked, and a text that would like to be a formula."""

    key = "toy_file"
    label = "Toy file"
    permission = Permission.INVITATION_EXPORT

    def columns(self, job: Job) -> Sequence[Column]:
        return [
            Column("Key", 0),
            Column("E-mail", 1, mask=mask_email, personal=True),
            Column("Formula", 2),
        ]

    def count(self, job: Job) -> int:
        return file_rows().count()

    def rows(self, job: Job, after_cursor: str, limit: int) -> Sequence[tuple[str, Any]]:
        keys = file_rows().filter(key__gt=after_cursor).order_by("key").values_list("key", flat=True)[:limit]
        return [(key, (key, f"person-{key[-6:]}@example.test", f"=1+{key[-6:]}")) for key in keys]

    def file_stem(self, job: Job) -> str:
        return "toys/../of today"


def file_rows() -> Any:
    return Spending.objects.filter(key__startswith="row:")


def make_file_rows(count: int, *, start: int = 0) -> None:
    rows = (Spending(key=f"row:{number:06}", ends_at=EPOCH) for number in range(start, start + count))
    Spending.objects.bulk_create(rows)


def count_effects(keys: Sequence[str]) -> None:
    names = [f"effect:{key}" for key in keys]
    Spending.objects.bulk_create([Spending(key=name, ends_at=EPOCH) for name in names], ignore_conflicts=True)
    Spending.objects.filter(key__in=names).update(used=F("used") + 1)


def effects() -> dict[str, int]:
    """Return how often each row was done."""
    counted = Spending.objects.filter(key__startswith="effect:").values_list("key", "used")
    return {key.removeprefix("effect:"): used for key, used in counted}


def register() -> None:
    kinds.register(ToyBatch())
    kinds.register(ToyFile())
