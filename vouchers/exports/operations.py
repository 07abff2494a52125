"""
What of the operation log leaves the building: anonymised for everyone, and provable without a server.

Every row carries its place in the chain and a digest of its cells; a manifest goes beside the file. The text that a
record's hash was made of holds public ids and the partner's own remark, so only the partner's own file has it: who
holds that file can recompute every hash (static/verify_operation_log.py).
"""

import csv
import hashlib
import re
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from partner_center import money
from partner_center.exports import Column
from partner_center.exports.cells import GUARD
from partner_center.jobs.kinds import FileJob
from partner_center.jobs.models import Job
from partner_center.listing.filters import ListFilters
from partner_center.listing.pages import matching_rows
from partner_center.masking import mask_account, mask_name
from partner_center.tenancy.models import Member, User, Viewer
from partner_center.tenancy.permissions import Permission
from vouchers.models import OperationRecord, OperationResult
from vouchers.queries import operations
from vouchers.rules import CouponKind, OperationType, words

FORMAT = "operation-log-export/1"
_ZEROS = re.compile(r"(-?\d+)\.(\d*?)0*")
Columns = dict[str, Column]


def _of(name: str) -> Callable[[OperationRecord], object]:
    return lambda record: getattr(record, name)


def _label(choices: Any, name: str) -> Callable[[OperationRecord], str]:
    return lambda record: str(choices(getattr(record, name)).label)


def _amount(record: OperationRecord) -> Decimal:
    return Decimal(money.typed(record.amount_minor, record.currency))


def _reason(record: OperationRecord) -> str:
    return str(words(record.reason)) if record.reason else ""


def _chain(record: OperationRecord) -> str:
    return record.partner.public_id if record.partner else ""


SHARED: Columns = {
    "seq": Column(_("Position"), _of("seq"), kind="number"),
    "occurred_at": Column(_("Time"), _of("occurred_at"), kind="time"),
    "operation": Column(_("Operation type"), _label(OperationType, "operation")),
    "kind": Column(_("Kind"), _label(CouponKind, "kind")),
    "result": Column(_("Result"), _label(OperationResult, "result")),
    "reason": Column(_("Reason"), _reason),
    "amount": Column(_("Amount"), _amount, kind="number"),
    "currency": Column(_("Currency"), _of("currency")),
    "customer_name": Column(_("Customer name"), _of("customer_name"), mask=mask_name, personal=True),
    "account_name": Column(_("Account name"), _of("account_name"), mask=mask_account, personal=True),
    "chosen_name": Column(_("Chosen account"), _of("chosen_name"), mask=mask_account, personal=True),
    "coupon_number": Column(_("Coupon number"), _of("coupon_number")),
    "quota_number": Column(_("Quota number"), _of("quota_number")),
    "order_id": Column(_("Order"), _of("order_id")),
    "operator": Column(_("Operator"), _of("actor_name")),
    "batch": Column(_("Batch"), _of("job_id")),
    "whitelist_version": Column(_("Whitelist version"), _of("whitelist_version"), kind="number"),
}
PROOF: Columns = {
    "chain": Column(_("Chain"), _chain),
    "public_id": Column(_("Record"), _of("public_id")),
    "prev_hash": Column(_("Hash before"), _of("prev_hash")),
    "hash": Column(_("Hash"), _of("hash")),
}
REMARK: Columns = {"remark": Column(_("Remark"), _of("remark"))}
HASHED: Columns = {"text": Column(_("Hashed text"), lambda record: record.canonical_text())}
PARTNER: Columns = {
    "partner": Column(_("Partner"), lambda record: record.partner.company_name if record.partner else "")
}


def with_digest(columns: Columns) -> Columns:
    """Add a last column: the SHA-256 of the cells before it, so that a changed file can name its row."""
    before = tuple(columns.values())
    digest = Column(_("Digest of this row"), lambda record: digest_of([column.text(record) for column in before]))
    return {**columns, "row_digest": digest}


def digest_of(cells: Sequence[str]) -> str:
    """Hash the cells of a row; a number counts by its value, because a workbook keeps no zeros at its end."""
    return hashlib.sha256("\x1f".join(map(_plain, cells)).encode()).hexdigest()


def _plain(cell: str) -> str:
    match = _ZEROS.fullmatch(cell)
    return cell if match is None else f"{match[1]}.{match[2]}".rstrip(".")


class LogExport(FileJob):
    """A file of operation records, all or those of one filter."""

    permission = Permission.COUPON_LOG_EXPORT
    shown: Columns

    def __init__(self, filters: type[ListFilters], words_of: Callable[[ListFilters], list[str]]) -> None:
        self.filters, self.words_of = filters, words_of

    @abstractmethod
    def viewer(self, job: Job) -> Viewer:
        """Return whose file it is."""

    @abstractmethod
    def visible(self, job: Job) -> QuerySet[OperationRecord]:
        """Return what that person may see when the work is done."""

    def columns(self, job: Job) -> Sequence[Column]:
        return tuple(self.shown.values())

    def count(self, job: Job) -> int:
        return self._records(job).count()

    def rows(self, job: Job, after_cursor: str, limit: int) -> Sequence[tuple[str, Any]]:
        """Go on behind a record, oldest first, so that records that arrive meanwhile stand at the end."""
        rows = self._records(job).order_by("pk").filter(pk__gt=int(after_cursor or 0)).select_related("partner")
        return [(str(record.pk), record) for record in rows[:limit]]

    def file_stem(self, job: Job) -> str:
        return str(_("operation-records"))

    def manifest(self, job: Job, spool: Path) -> Mapping[str, Any]:
        """Say what the file holds: which rows of which chains, by which filter, for whom."""
        owner = job.owner
        return {
            "format": FORMAT,
            "log": OperationRecord.__name__,
            "by": {"id": owner.public_id, "name": str(owner)},
            "filters": self.words_of(self._found(job)[1]),
            "is_whole": not job.parameters["filter"],
            "columns": list(self.shown),
            "hashed_columns": list(OperationRecord.hashed_columns),
            "chains": chains_in(spool, tuple(self.shown)),
        }

    def _records(self, job: Job) -> QuerySet[OperationRecord]:
        records: QuerySet[OperationRecord] = self._found(job)[0]
        return records

    def _found(self, job: Job) -> tuple[Any, ListFilters]:
        query, viewer = job.parameters["filter"], self.viewer(job)
        return matching_rows(query, rows=self.visible(job), filters=self.filters, viewer=viewer, now=job.created_at)


class OperationExport(LogExport):
    """A partner's own operation log, with its remarks and with what its hashes were made of."""

    key = "operation_export"
    label = _("Export of operation records")
    shown = with_digest({**SHARED, **REMARK, **PROOF, **HASHED})

    def viewer(self, job: Job) -> Member:
        return Member.objects.select_related("partner").get(jobs=job)

    def visible(self, job: Job) -> QuerySet[OperationRecord]:
        return operations.of_member(self.viewer(job))


class ReviewExport(LogExport):
    """The operation logs of all partners, for the vendor's staff: without remarks, which are the partners' own."""

    key = "review_export"
    label = _("Export of the operations of all partners")
    shown = with_digest({**PARTNER, **SHARED, **PROOF})

    def viewer(self, job: Job) -> User:
        return User.objects.get(jobs=job)

    def visible(self, job: Job) -> QuerySet[OperationRecord]:
        return operations.of_everybody(self.viewer(job))


def chains_in(spool: Path, names: Sequence[str]) -> list[dict[str, Any]]:
    """Read from the written rows which chains they are of, and where they begin and end."""
    chain_at, seq_at, hash_at = (names.index(name) for name in ("chain", "seq", "hash"))
    found: dict[str, dict[str, Any]] = {}
    with spool.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream)
        next(reader)
        for row in reader:
            end = {"seq": int(row[seq_at]), "hash": row[hash_at]}
            # A public id may begin with what a spreadsheet would run, and was guarded then.
            name = row[chain_at].removeprefix(GUARD)
            chain = found.setdefault(name, {"chain": name, "rows": 0, "first": end})
            chain["rows"], chain["last"] = chain["rows"] + 1, end
    return list(found.values())
