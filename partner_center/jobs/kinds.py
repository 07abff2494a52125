"""The kinds of job there are. Upper rooms register theirs in `AppConfig.ready()`; nothing else runs in a job."""

import datetime
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from partner_center.exports import Column
from partner_center.jobs.rules import CHUNK_ROWS, ErrorCode, ItemState
from partner_center.refusals import Text
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.permissions import Permission

if TYPE_CHECKING:
    from partner_center.jobs.models import Job, JobItem
    from partner_center.tenancy.models import Member


@dataclass(frozen=True)
class ItemOutcome:
    """
    What became of one item.

    :param item_id: primary key of the JobItem
    :param state: done, failed or skipped
    :param reason: code that `reason_text` explains; empty when done
    :param object_id: public id of what was made or changed, for a link
    """

    item_id: int
    state: ItemState
    reason: str = ""
    object_id: str = ""


@dataclass(frozen=True)
class FaultyRows:
    """
    Faulty rows in the layout of their upload, clear text as the person typed it.

    :param headings: of the upload; a reason column is added behind them
    :param cells: takes an item and returns its cells, one for each heading
    """

    headings: Sequence[Text]
    cells: "Callable[[JobItem], Sequence[object]]"


class JobKind(ABC):
    """What both kinds of job tell: a key, a label, and the permission that is checked again when the work is done."""

    key: ClassVar[str]
    label: ClassVar[Text]
    permission: ClassVar[Permission]

    def reason_text(self, code: str) -> Text:
        """Explain a reason of an item or the error of the whole job; a code that is not known is shown as it is."""
        return ErrorCode(code).label if code in ErrorCode.values else code

    def result_url(self, job: "Job") -> str | None:
        """Return the page where the effects of the job can be seen."""
        return None


class ItemJob(JobKind):
    """A plan of rows: computed first, shown, applied once, worked in chunks of one transaction each."""

    chunk_rows: ClassVar[int] = CHUNK_ROWS
    # Verdicts whose rows a person is to mend and upload again.
    faulty_verdicts: ClassVar[frozenset[str]] = frozenset({"refused"})

    @abstractmethod
    def apply(
        self, job: "Job", items: "Sequence[JobItem]", *, actor: Actor, now: datetime.datetime
    ) -> Sequence[ItemOutcome]:
        """
        Do the rows and return one outcome for each.

        Runs inside the transaction that also writes the outcomes: whatever it writes to the database stands if and
        only if the rows are marked. It must do nothing outside the database (mails go to the outbox).

        :param items: pending items in the order of the plan, at most `chunk_rows`
        """

    def chunk_size(self, job: "Job") -> int:
        """Return how many rows are worked in one transaction; all of them where it is all rows or none."""
        return self.chunk_rows

    def on_applied(self, job: "Job", *, actor: Actor, now: datetime.datetime) -> None:
        """Do what applying the plan means for rows that were left out of it, inside the transaction that queues it."""

    def check_code(self, job: "Job", *, member: "Member", code: str, actor: Actor, now: datetime.datetime) -> object:
        """
        Return the proof that the member may have the rows worked, or None where nothing has to be confirmed.

        Called before the transaction that queues them, once it is known that they can be queued.

        :param job: a plan whose planned rows are to be worked, or an ended job whose failed rows are
        :param code: as typed; empty to be asked for one
        :raises Question: when a code has to be typed
        """
        return None

    def authorise(self, job: "Job", *, member: "Member", proof: Any, now: datetime.datetime) -> None:
        """
        Use the proof of `check_code` up, inside the transaction that queues the rows.

        :raises Refusal: when it is not good for this job
        """

    def verdict_label(self, code: str) -> Text:
        """Name a verdict on the plan page."""
        return code

    def action_label(self, count: int) -> str:
        """Name the button that applies the plan, with its number of rows."""
        return ngettext("Apply %(count)d row", "Apply %(count)d rows", count) % {"count": count}

    def consequences(self, job: "Job") -> Text:
        """Say on the plan page what applying changes and what the way back is."""
        return ""

    def result_text(self, job: "Job") -> Text:
        """Say in one sentence what came of a job that is over: amounts, where its rows are about money."""
        return ""

    def item_url(self, item: "JobItem") -> str | None:
        """Return the page of the object that an item made or changed."""
        return None

    def faulty_rows(self, job: "Job") -> FaultyRows | None:
        """Return how faulty rows are written for upload, or None where nothing was uploaded."""
        return None


class FileJob(JobKind):
    """A file written row by row from a query that goes on behind a cursor."""

    @abstractmethod
    def columns(self, job: "Job") -> Sequence[Column]:
        """Return the columns; personal ones carry their mask."""

    @abstractmethod
    def count(self, job: "Job") -> int:
        """Return how many rows match now."""

    @abstractmethod
    def rows(self, job: "Job", after_cursor: str, limit: int) -> Sequence[tuple[str, Any]]:
        """
        Return the next rows, each with its cursor, in an order that never changes; an empty answer is the end.

        :param after_cursor: cursor of the last row written; empty for the first rows
        """

    @abstractmethod
    def file_stem(self, job: "Job") -> str:
        """Return the name of the file without its ending."""

    def manifest(self, job: "Job", spool: Path) -> Mapping[str, Any]:
        """
        Return what is handed out beside the finished file to prove later what it held; empty for no manifest.

        :param spool: the rows of the file as CSV
        """
        return {}


class UnknownKind(LookupError):
    """No kind is registered under this key."""


_kinds: dict[str, JobKind] = {}


def register(kind: JobKind) -> None:
    """
    Make a kind of job known; called from `AppConfig.ready()`.

    :raises ValueError: when the key is taken by another kind
    """
    known = _kinds.setdefault(kind.key, kind)
    if type(known) is not type(kind):
        raise ValueError(f"The job kind {kind.key!r} is registered twice.")


def find(key: str) -> JobKind | None:
    return _kinds.get(key)


def item_kind(key: str) -> ItemJob:
    """
    Return the kind of a plan.

    :raises UnknownKind: when no plan is registered under this key
    """
    kind = _kinds.get(key)
    if not isinstance(kind, ItemJob):
        raise UnknownKind(key)
    return kind


def file_kind(key: str) -> FileJob:
    """
    Return the kind of a file.

    :raises UnknownKind: when no file is registered under this key
    """
    kind = _kinds.get(key)
    if not isinstance(kind, FileJob):
        raise UnknownKind(key)
    return kind


def label(key: str) -> Text:
    """Name a kind for people; one that this version does not know keeps its key."""
    kind = _kinds.get(key)
    return kind.label if kind else _("Unknown kind (%(key)s)") % {"key": key}
