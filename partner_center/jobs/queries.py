"""What the pages of jobs read."""

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Count, Q
from django.utils.http import urlencode

from partner_center.jobs import kinds
from partner_center.jobs.models import Job, JobItem, JobItemQuerySet
from partner_center.jobs.rules import ItemState, seconds_left
from partner_center.refusals import Text
from partner_center.tenancy.models import Viewer

JOBS_A_PAGE = 25
ROWS_A_PAGE = 50
LARGEST_POSITION = 2**31 - 1
LONGEST_CODE = 60
STATES_SHOWN = (ItemState.FAILED, ItemState.DONE, ItemState.SKIPPED, ItemState.PENDING, ItemState.PLANNED)


@dataclass(frozen=True)
class Tally:
    """How many rows share a code, and how many of them share a reason; the parts add up to the whole."""

    code: str
    label: Text
    count: int
    parts: "Sequence[Tally]" = ()


@dataclass(frozen=True)
class Tallies:
    verdicts: Sequence[Tally]
    states: Sequence[Tally]
    reasons: Sequence[Tally]


@dataclass(frozen=True)
class RowFilter:
    """Which rows of a job a person wants to see; values that cannot be are ignored."""

    state: str = ""
    verdict: str = ""
    reason: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "RowFilter":
        state = query.get("state", "")
        return cls(
            state=state if state in ItemState.values else "",
            verdict=_code(query.get("verdict", "")),
            reason=_code(query.get("reason", "")),
        )

    @property
    def query(self) -> str:
        return urlencode({name: value for name, value in vars(self).items() if value})

    def narrow(self, items: JobItemQuerySet) -> JobItemQuerySet:
        return items.filter(**{name: value for name, value in vars(self).items() if value})


@dataclass(frozen=True)
class Row:
    """A row of a job as it is shown."""

    item: JobItem
    verdict: Text
    reason: Text
    note: Text
    url: str | None


@dataclass(frozen=True)
class RowPage:
    rows: Sequence[Row] = field(default_factory=list)
    first: int | None = None
    last: int | None = None


def jobs_page(viewer: Viewer, *, before: str, mine: bool) -> tuple[list[Job], str]:
    """
    Return one page of jobs, newest first, and the public id behind which the next page begins, or nothing.

    :param before: public id of the last job of the page before
    """
    visible = Job.objects.visible_to(viewer)
    jobs = Job.objects.owned_by(viewer) if mine else visible
    jobs = jobs.select_related("member__user", "staff", "retry_of").order_by("-pk")
    border = visible.filter(public_id=before).values_list("pk", flat=True).first()
    if border is not None:
        jobs = jobs.filter(pk__lt=border)
    page = list(jobs[: JOBS_A_PAGE + 1])
    return page[:JOBS_A_PAGE], page[JOBS_A_PAGE - 1].public_id if len(page) > JOBS_A_PAGE else ""


def tally(job: Job) -> Tallies:
    """Count the rows three ways: by what was planned, by what became of them (failures first), and by reason."""
    kind = kinds.find(job.kind)
    verdict_label = kind.verdict_label if isinstance(kind, kinds.ItemJob) else str
    groups = list(job.items.order_by().values_list("verdict", "state", "reason").annotate(count=Count("pk")))
    states = _tally(job, [(state, reason, n) for _verdict, state, reason, n in groups], _state_label)
    return Tallies(
        verdicts=_tally(job, [(verdict, reason, n) for verdict, _state, reason, n in groups], verdict_label),
        states=sorted(states, key=lambda tally: STATES_SHOWN.index(ItemState(tally.code))),
        reasons=_reasons(job, [(reason, n) for _verdict, _state, reason, n in groups]),
    )


def _state_label(code: str) -> Text:
    return ItemState(code).label


def _tally(job: Job, counts: Iterable[tuple[str, str, int]], label: Callable[[str], Text]) -> list[Tally]:
    parts: dict[str, list[tuple[str, int]]] = {}
    for code, reason, count in counts:
        parts.setdefault(code, []).append((reason, count))
    tallies = [
        Tally(code, label(code), sum(n for _, n in found), _reasons(job, found)) for code, found in parts.items()
    ]
    return sorted(tallies, key=lambda tally: (-tally.count, tally.code))


def _reasons(job: Job, counts: Iterable[tuple[str, int]]) -> list[Tally]:
    sums: Counter[str] = Counter()
    for reason, count in counts:
        sums[reason] += count
    return [Tally(reason, reason_text(job, reason), count) for reason, count in sums.most_common() if reason]


def reason_text(job: Job, code: str) -> Text:
    kind = kinds.find(job.kind)
    return kind.reason_text(code) if kind and code else code


def rows_page(job: Job, wanted: RowFilter, *, after: str, before: str) -> RowPage:
    """Return one page of rows by their position; the last page costs what the first does."""
    items = wanted.narrow(JobItem.objects.filter(job=job)).defer("payload")
    if (border := _position(before)) is not None:
        found = list(items.filter(position__lt=border).order_by("-position")[: ROWS_A_PAGE + 1])
        page = found[:ROWS_A_PAGE][::-1]
        return _page(job, page, has_earlier=len(found) > ROWS_A_PAGE, has_later=True)
    start = _position(after)
    found = list(items.filter(position__gt=start or 0).order_by("position")[: ROWS_A_PAGE + 1])
    return _page(job, found[:ROWS_A_PAGE], has_earlier=bool(start), has_later=len(found) > ROWS_A_PAGE)


def _page(job: Job, items: Sequence[JobItem], *, has_earlier: bool, has_later: bool) -> RowPage:
    kind = kinds.find(job.kind)
    plan = kind if isinstance(kind, kinds.ItemJob) else None
    rows = [_row(item, plan) for item in items]
    return RowPage(
        rows,
        first=items[0].position if items and has_earlier else None,
        last=items[-1].position if items and has_later else None,
    )


def _row(item: JobItem, kind: kinds.ItemJob | None) -> Row:
    if kind is None:
        return Row(item, item.verdict, item.reason, item.note, None)
    reason, note = (kind.reason_text(code) if code else "" for code in (item.reason, item.note))
    return Row(item, kind.verdict_label(item.verdict), reason, note, kind.item_url(item) if item.object_id else None)


def faulty_items(job: Job, kind: kinds.ItemJob) -> JobItemQuerySet:
    """Return the rows a person is to mend: refused by the plan, or failed when they were worked."""
    faulty = Q(state=ItemState.FAILED) | Q(verdict__in=kind.faulty_verdicts)
    return JobItem.objects.filter(faulty, job=job).order_by("position")


def time_left(job: Job, *, now: datetime.datetime) -> int | None:
    """Estimate the seconds until the job is done, or None when nothing can be said."""
    if job.started_at is None:
        return None
    return seconds_left(worked=job.worked, waiting=job.waiting, elapsed=now - job.started_at)


def _code(text: str) -> str:
    return text if len(text) <= LONGEST_CODE and text.isprintable() else ""


def _position(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST_POSITION))):
        return None
    return min(int(text), LARGEST_POSITION)
