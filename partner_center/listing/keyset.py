"""
Keyset pages: the rows after, before or at an end of an ordered list, for the same price everywhere (performance.md 1).

A page is asked for by the public id of the row it begins behind. Its sort value is looked up here, inside the rows
the person may see, so that no sort value and no primary key ever stands in an address.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import F, Func, Q, QuerySet
from django.db.models.expressions import OrderBy

Row = tuple[Any, ...]
Rows = QuerySet[Any, Any]
PUBLIC_ID = "public_id"


@dataclass(frozen=True)
class Order:
    """One sort column that is never null, with the id behind it so that no two rows are equal."""

    column: str
    descending: bool = False

    def names(self, *, reverse: bool = False) -> tuple[str, ...]:
        sign = "-" if self.descending != reverse else ""
        return (f"{sign}id",) if self.column == "id" else (f"{sign}{self.column}", f"{sign}id")

    def beyond(self, key: tuple[Any, int], *, reverse: bool = False) -> Q:
        """Keep the rows that come after this (sort value, id), or before it when reversed."""
        value, pk = key
        side = "lt" if self.descending != reverse else "gt"
        past_id = Q(**{f"id__{side}": pk})
        if self.column == "id":
            return past_id
        # The first bound follows from the second, but only the first lets the database begin in the index (134 x).
        bound = Q(**{f"{self.column}__{side}e": value})
        return bound & (Q(**{f"{self.column}__{side}": value}) | (Q(**{self.column: value}) & past_id))


class Side(StrEnum):
    """From where a page is cut; the values are the names of the parameters."""

    FIRST = "first"
    AFTER = "after"
    BEFORE = "before"
    LAST = "last"


@dataclass(frozen=True)
class Place:
    """Which page: an end of the list, or the side of a row named by its public id."""

    side: Side = Side.FIRST
    public_id: str = ""


@dataclass(frozen=True)
class Page:
    """The rows of one page as tuples of `names`, and whether the list ends with it on either side."""

    rows: list[Row]
    at_start: bool
    at_end: bool
    names: tuple[str, ...]

    def key(self, order: Order) -> tuple[Any, int]:
        """Return (sort value, id) of the first row."""
        row = self.rows[0]
        return row[self.names.index(order.column)], row[self.names.index("id")]

    def public_id(self, position: int) -> str:
        return str(self.rows[position][self.names.index(PUBLIC_ID)])


def fetch(rows: Rows, *, visible: Rows, order: Order, place: Place, size: int, names: Sequence[str]) -> Page:
    """
    Read one page.

    :param rows: the filtered rows
    :param visible: all rows the person may see; the boundary row is looked up here, because the filter may
        have stopped to match it since
    :param place: an unknown boundary gives the first page
    """
    columns = _columns(order, names)
    key = _boundary(visible, order, place)
    if place.side == Side.LAST:
        return _read(rows, order, size, columns, reverse=True, open_side=False)
    if key is None:
        return _read(rows, order, size, columns, reverse=False, open_side=False)
    reverse = place.side == Side.BEFORE
    page = _read(rows.filter(order.beyond(key, reverse=reverse)), order, size, columns, reverse=reverse, open_side=True)
    if len(page.rows) == size or (page.rows and not reverse):
        return page
    # The whole first page instead of a scrap at the start, and the last page instead of nothing at the end.
    return _read(rows, order, size, columns, reverse=not reverse, open_side=False)


def first_of(rows: Rows, count: int) -> Rows:
    """
    Find the first rows of an ordered set by their keys, and read only those.

    Where a filter matches many rows that must be sorted, an index that holds filter and order answers that alone, and
    neither the table nor what is joined to it is read for rows nobody sees. SQLite gains tenfold. What is annotated is
    looked up for the rows found, and not for those passed over.
    """
    everything: Rows = rows if rows.query.annotations else rows.model.objects.all()
    return everything.filter(pk__in=rows.values("pk")[:count])


class Found(Func):
    """A column of rows that were found already: SQLite is kept from walking through an index in the order of it."""

    arity = 1
    template = "%(expressions)s"

    def as_sqlite(self, compiler: Any, connection: Any, **options: Any) -> Any:
        return super().as_sql(compiler, connection, template="+%(expressions)s", **options)


def _sorted_by(name: str) -> OrderBy:
    return OrderBy(Found(F(name.removeprefix("-"))), descending=name.startswith("-"))


def _columns(order: Order, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(("id", PUBLIC_ID, order.column, *names)))


def _boundary(visible: Rows, order: Order, place: Place) -> tuple[Any, int] | None:
    if not place.public_id:
        return None
    found = visible.filter(**{PUBLIC_ID: place.public_id}).order_by().values_list(order.column, "id")[:1]
    return next(iter(found), None)


def _read(rows: Rows, order: Order, size: int, columns: tuple[str, ...], *, reverse: bool, open_side: bool) -> Page:
    """Read one row more than shown: it tells whether the list goes on."""
    names = order.names(reverse=reverse)
    first = first_of(rows.order_by(*names), size + 1)
    found: list[Row] = list(first.order_by(*map(_sorted_by, names)).values_list(*columns))
    goes_on = len(found) > size
    shown = found[:size]
    if reverse:
        shown.reverse()
        return Page(shown, at_start=not goes_on, at_end=not open_side, names=columns)
    return Page(shown, at_start=not open_side, at_end=not goes_on, names=columns)
