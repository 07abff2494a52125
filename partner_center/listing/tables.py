"""BaseTable: django-tables2 declares the columns, their labels and order; the body is drawn in one pass."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Any, ClassVar, cast

import django_tables2
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django_tables2.utils import Sequence

from partner_center.listing.columns import Column, Heading, Paint, SelectColumn, Text
from partner_center.listing.keyset import PUBLIC_ID, Order, Row

# Stands in an address that is reversed once per page; every row puts its own public id there.
ANY_ROW = "0" * 22


@dataclass(frozen=True)
class HeadLine:
    """One line of a column's head as one person sees it."""

    label: Text
    key: str
    sort_address: str
    direction: str
    reveals: str


@dataclass(frozen=True)
class Head:
    """The head of one column."""

    lines: tuple[HeadLine, ...]
    css: str
    is_select: bool
    aria_sort: str


class BaseTable(django_tables2.Table):  # type: ignore[misc]
    """
    What a list shows. Columns are attributes, in the order of the page.

    A subclass never renders through django-tables2, whose row templates cost forty times as much (performance.md 2).
    """

    kind: ClassVar[str] = ""
    caption: ClassVar[Text] = ""
    default_sort: ClassVar[str] = "-id"
    row_url_name: ClassVar[str] = ""

    @classmethod
    def columns_by_name(cls) -> dict[str, Column]:
        columns = cast("dict[str, Column]", cls.base_columns)
        sequence = Sequence(cls._meta.sequence or ("...",))
        sequence.expand(columns.keys())
        return {name: columns[name] for name in sequence}

    @classmethod
    def headings(cls) -> Iterator[Heading]:
        for name, column in cls.columns_by_name().items():
            yield from column.headings(name)

    @classmethod
    def value_names(cls) -> tuple[str, ...]:
        """Return every model field that some cell reads."""
        return tuple(field for column in cls.columns_by_name().values() for field in column.fields)

    @classmethod
    def sortable(cls, *, may_reveal: bool) -> dict[str, str]:
        """Return sort key to model field, as far as this person may sort: an order tells what a mask hides."""
        return {
            heading.key: heading.sort_column
            for heading in cls.headings()
            if heading.sort_column and (may_reveal or not heading.reveals)
        }

    @classmethod
    def order(cls, sort: str, *, may_reveal: bool) -> tuple[str, Order]:
        """Return (sort, order) for a sort key such as "-email"; the default for any other text."""
        keys = cls.sortable(may_reveal=may_reveal) | {"id": "id"}
        chosen = sort if sort.removeprefix("-") in keys else cls.default_sort
        return chosen, Order(keys[chosen.removeprefix("-")], descending=chosen.startswith("-"))

    @classmethod
    def heads(cls, *, sort: str, may_reveal: bool, address: Callable[[str], str]) -> list[Head]:
        """Describe the head of every column: labels, sort links with their state, eyes."""
        keys = cls.sortable(may_reveal=may_reveal)
        return [
            _head(column, [_line(heading, keys, sort, address) for heading in column.headings(name)])
            for name, column in cls.columns_by_name().items()
        ]

    @classmethod
    def body(cls, rows: list[Row], paint: Paint) -> SafeString:
        """Draw all rows in one pass."""
        public_id = paint.getter(PUBLIC_ID)
        cells = [(_cell_opening(column), column.cell(paint)) for column in cls.columns_by_name().values()]
        drawn: list[str] = []
        for row in rows:
            drawn.append(f'<tr id="row-{public_id(row)}">')
            for opening, cell in cells:
                drawn += (opening, cell(row), "</td>")
            drawn.append("</tr>\n")
        return mark_safe("".join(drawn))  # noqa: S308 - every column escapes what it shows

    @classmethod
    def row_address(cls) -> Callable[[str], str] | None:
        if not cls.row_url_name:
            return None
        before, after = reverse(cls.row_url_name, args=[ANY_ROW]).split(ANY_ROW)
        return lambda public_id: f"{before}{public_id}{after}"


def _cell_opening(column: Column) -> str:
    css = f' class="{escape(column.css)}"' if column.css else ""
    label = f' data-label="{escape(str(column.verbose_name))}"' if column.wants_label and column.verbose_name else ""
    return f"<td{css}{label}>"


def _line(heading: Heading, keys: dict[str, str], sort: str, address: Callable[[str], str]) -> HeadLine:
    direction = ""
    if heading.key in keys and sort.removeprefix("-") == heading.key:
        direction = "descending" if sort.startswith("-") else "ascending"
    link = ""
    if heading.key in keys:
        link = address(f"-{heading.key}" if direction == "ascending" else heading.key)
    return HeadLine(heading.label, heading.key, link, direction, heading.reveals)


def _head(column: Column, lines: list[HeadLine]) -> Head:
    directions: list[Any] = [line.direction for line in lines if line.direction]
    offered = any(line.sort_address for line in lines)
    return Head(
        lines=tuple(lines),
        css=column.css,
        is_select=isinstance(column, SelectColumn),
        aria_sort=directions[0] if directions else "none" if offered else "",
    )
