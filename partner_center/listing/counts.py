"""
Counting up to a cap: "10 000+" costs the same on ten thousand rows and on ten million (performance.md 1).

Everything a page counts is asked in one statement: `SELECT name, count(*) FROM (… LIMIT n) UNION ALL …`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models.expressions import Combinable
from django.utils.formats import number_format

from partner_center.listing.keyset import Rows, first_of

Part = tuple[str, tuple[Any, ...]]
THOUSAND = 1000
# Stands for the value in a statement that is written once and asked for many values; it never reaches a database.
ANY_VALUE = "\0any value"


@dataclass(frozen=True)
class Count:
    """How many rows there are, or that there are more than so many."""

    value: int
    is_more: bool = False

    def up_to(self, cap: int) -> "Count":
        """Say the same with a cap."""
        return Count(min(self.value, cap), self.is_more or self.value > cap)

    def __str__(self) -> str:
        if self.is_more and not self.value:
            return "…"
        return grouped(self.value) + ("+" if self.is_more else "")


@dataclass(frozen=True)
class Question:
    """
    One thing to count.

    :param rows: sets of rows that do not overlap; their counts are added up
    :param cap: nothing is counted beyond it
    """

    name: str
    rows: tuple[Rows, ...]
    cap: int


@dataclass(frozen=True)
class Series:
    """
    The same question for many values of one column, which Django has to write only once.

    :param rows: filtered by ANY_VALUE
    :param names: value to name
    """

    rows: Rows
    names: Mapping[str, str]
    cap: int


@dataclass(frozen=True)
class Division:
    """
    Rows to be counted by groups; if there are more than `cap`, only the first ones are looked at.

    :param rows: in an order that an index serves
    :param by: the expression that names a row's group
    """

    rows: Rows
    by: Combinable
    cap: int


def grouped(number: int) -> str:
    """Write a number with its thousands apart, the way of the reader's language."""
    return str(number_format(number, use_l10n=True, force_grouping=True)) if number >= THOUSAND else str(number)


def count_all(
    questions: Iterable[Question], series: Series | None = None, division: Division | None = None
) -> tuple[dict[str, Count], dict[str, Count]]:
    """Answer every question by name, and the groups of the division by group, in one statement."""
    asked = list(questions)
    caps = {question.name: question.cap for question in asked}
    parts = [part for question in asked for part in _parts(question)]
    if series:
        caps |= dict.fromkeys(series.names.values(), series.cap)
        parts += _parts_of_series(series)
    if division:
        parts.append(_division(division))
    found = dict.fromkeys(caps, 0)
    groups: dict[str, int] = {}
    for is_group, name, number in _answers(parts):
        target = groups if is_group else found
        target[name] = target.get(name, 0) + number
    counts = {name: Count(number).up_to(caps[name]) for name, number in found.items()}
    return counts, _group_counts(groups, division.cap if division else 0)


def _group_counts(groups: dict[str, int], cap: int) -> dict[str, Count]:
    is_more = sum(groups.values()) > cap
    return {name: Count(number, is_more) for name, number in groups.items()}


def _answers(parts: list[Part]) -> list[tuple[int, str, int]]:
    if not parts:
        return []
    sql = " UNION ALL ".join(part for part, _values in parts)
    with connection.cursor() as cursor:
        cursor.execute(sql, [value for _part, values in parts for value in values])
        found: list[tuple[int, str, int]] = cursor.fetchall()
    return found


def _parts(question: Question) -> Iterable[Part]:
    for rows in question.rows:
        if compiled := _capped(rows, question.cap):
            sql, values = compiled
            yield sql, (question.name, *values)


def _parts_of_series(series: Series) -> Iterable[Part]:
    if compiled := _capped(series.rows, series.cap):
        sql, values = compiled
        for value, name in series.names.items():
            yield sql, (name, *(value if each == ANY_VALUE else each for each in values))


def _capped(rows: Rows, cap: int) -> Part | None:
    # What `rows.exists()` asks, the shortest way to rows without columns, but of more than one row.
    query = rows.query.exists(limit=False)
    query.set_limits(high=cap + 1)
    compiled = _compiled(query)
    if compiled is None:
        return None
    return f"SELECT 0, %s, count(*) FROM ({compiled[0]}) t", compiled[1]  # noqa: S608 - compiled by Django


def _division(division: Division) -> Part:
    rows = first_of(division.rows, division.cap + 1).annotate(tab=division.by).values_list("tab")
    compiled = _compiled(rows.query)
    if not compiled:
        return "SELECT 1, %s, 0", ("",)
    sql, values = compiled
    return f"SELECT 1, tab, count(*) FROM ({sql}) t GROUP BY tab", values  # noqa: S608 - compiled by Django


def _compiled(query: Any) -> Part | None:
    """Let Django write the statement; None when it knows without asking that there is no row."""
    try:
        sql, values = query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return None
    return str(sql), tuple(values)
