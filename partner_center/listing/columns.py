"""
Columns of a list: declared as django-tables2 columns, drawn as plain strings.

A column turns once per page into a function from a row (a tuple) to HTML. Nothing is looked up, translated or
reversed per cell; that is why a page of fifty rows costs half a millisecond here (performance.md 2).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from html import escape
from operator import itemgetter
from typing import Any

import django_tables2
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from partner_center.listing.keyset import PUBLIC_ID, Row
from partner_center.masking import Mask

Text = str | Promise
Cell = Callable[[Row], str]
NOTHING = '<span class="muted">—</span>'


@dataclass(frozen=True)
class Paint:
    """What drawing needs to know about the page: where values stand in a row, who looks, and when."""

    index: Mapping[str, int]
    kind: str
    may_reveal: bool
    now: datetime
    zone: tzinfo
    row_address: Callable[[str], str] | None = None

    def getter(self, name: str) -> Callable[[Row], Any]:
        return itemgetter(self.index[name])


@dataclass(frozen=True)
class Heading:
    """One line of a column's head: a label, what it sorts by, and what its eye reveals."""

    label: Text
    key: str = ""
    sort_column: str = ""
    reveals: str = ""


class Column(django_tables2.Column):  # type: ignore[misc]
    """
    One column of a BaseTable.

    :param field: the model field, with `__` for relations, that `cell` reads
    :param sort: the model field to sort by, never null and indexed as (partner, field, id); "" for no sorting
    """

    css = ""
    wants_label = True

    def __init__(self, label: Text = "", *, field: str = "", sort: str = "", css: str = "") -> None:
        super().__init__(verbose_name=label, accessor=field or None, orderable=bool(sort), empty_values=())
        self.field, self.sort, self.css = field, sort, css or self.css

    @property
    def fields(self) -> tuple[str, ...]:
        return (self.field,) if self.field else ()

    def headings(self, name: str) -> tuple[Heading, ...]:
        return (Heading(self.verbose_name, name, self.sort),)

    def cell(self, paint: Paint) -> Cell:
        """Return what draws this column's cell of a row: safe HTML."""
        raise NotImplementedError


class TextColumn(Column):
    """Text as it is stored."""

    def cell(self, paint: Paint) -> Cell:
        value = paint.getter(self.field)
        return lambda row: escape(str(value(row))) or NOTHING


class ChoiceColumn(Column):
    """The label of a stored choice."""

    def __init__(self, label: Text = "", *, choices: Iterable[tuple[str, Text]], **options: Any) -> None:
        super().__init__(label, **options)
        self.choices = tuple(choices)

    def cell(self, paint: Paint) -> Cell:
        value, labels = paint.getter(self.field), {key: escape(str(label)) for key, label in self.choices}
        return lambda row: labels.get(value(row), NOTHING)


class StatusColumn(ChoiceColumn):
    """
    A state as a badge.

    :param kinds: state to the kind of badge: info, success, warning, danger; all others are neutral
    """

    def __init__(self, label: Text = "", *, kinds: Mapping[str, str], **options: Any) -> None:
        super().__init__(label, **options)
        self.kinds = kinds

    def badges(self) -> dict[str, str]:
        return {key: badge(self.kinds.get(key, "neutral"), label) for key, label in self.choices}

    def cell(self, paint: Paint) -> Cell:
        value, badges = paint.getter(self.field), self.badges()
        return lambda row: badges.get(value(row), NOTHING)


class TimeColumn(Column):
    """An instant in the viewer's zone; the zone is named once below the table, UTC stands in the title."""

    css = "nowrap"

    def cell(self, paint: Paint) -> Cell:
        value, zone = paint.getter(self.field), paint.zone
        return lambda row: time_html(value(row), zone) or NOTHING


class MaskedColumn(Column):
    """
    A personal value: masked here, never clear; the eye asks the server for it (listing.reveal).

    Sorting is offered only to those who may reveal, because an order tells what is hidden.

    :param mask: from masking.py
    :param field: model field, also the name the reveal registry knows
    """

    def __init__(self, label: Text = "", *, mask: Mask, is_link: bool = False, **options: Any) -> None:
        super().__init__(label, **options)
        self.mask, self.is_link = mask, is_link

    def headings(self, name: str) -> tuple[Heading, ...]:
        return (Heading(self.verbose_name, name, self.sort, reveals=self.field),)

    def cell(self, paint: Paint) -> Cell:
        value, public_id, mask = paint.getter(self.field), paint.getter(PUBLIC_ID), self.mask
        opening = f'<span class="masked" data-kind="{escape(paint.kind)}" data-id="'
        middle, tail = f'" data-field="{escape(self.field)}">', f"{self._eye(paint.may_reveal)}</span>"
        linked = paint.row_address if self.is_link else None

        def draw(row: Row) -> str:
            shown, row_id = escape(mask(value(row))), public_id(row)
            if not shown and not linked:
                return NOTHING
            text = f'<bdi class="masked-value">{shown}</bdi>'
            if linked:
                text = f'<a data-row-link href="{linked(row_id)}">{text}</a>'
            return f"{opening}{row_id}{middle}{text}{tail}"

        return draw

    def _eye(self, may_reveal: bool) -> str:
        if not may_reveal:
            return f'<span class="lock" role="img" aria-label="{escape(_("You may not reveal this"))}"></span>'
        label = escape(_("Reveal: %(field)s") % {"field": self.verbose_name})
        return f'<button type="button" class="eye" aria-pressed="false" aria-label="{label}"></button>'


class StackedColumn(Column):
    """Several columns in one cell, one below the other, each with its own line in the head."""

    def __init__(self, label: Text, *, parts: Mapping[str, Column], **options: Any) -> None:
        super().__init__(label, **options)
        self.parts = dict(parts)

    @property
    def fields(self) -> tuple[str, ...]:
        return tuple(field for part in self.parts.values() for field in part.fields)

    def headings(self, name: str) -> tuple[Heading, ...]:
        return tuple(heading for key, part in self.parts.items() for heading in part.headings(key))

    def cell(self, paint: Paint) -> Cell:
        first, *others = (part.cell(paint) for part in self.parts.values())

        def draw(row: Row) -> str:
            drawn = first(row)
            for cell in others:
                if (text := cell(row)) != NOTHING:
                    drawn += f'<span class="cell-sub">{text}</span>'
            return drawn

        return draw


class ActionsColumn(Column):
    """
    What can be done with a row.

    :param actions: draws the buttons of a row, given the page's Paint; it reads only the `needs` fields
    """

    css = "actions"

    def __init__(self, *, actions: Callable[[Paint], Cell], needs: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.actions, self.needs = actions, needs

    @property
    def fields(self) -> tuple[str, ...]:
        return self.needs

    def headings(self, name: str) -> tuple[Heading, ...]:
        return ()

    def cell(self, paint: Paint) -> Cell:
        return self.actions(paint)


class SelectColumn(Column):
    """The check box that chooses a row (static/js/selection.js)."""

    css = "select"
    wants_label = False

    def cell(self, paint: Paint) -> Cell:
        public_id, label = paint.getter(PUBLIC_ID), escape(_("Select this row"))
        return lambda row: f'<input type="checkbox" data-select value="{public_id(row)}" aria-label="{label}">'


def badge(kind: str, label: Text) -> str:
    return f'<span class="badge" data-kind="{kind}">{escape(str(label))}</span>'


def time_html(value: datetime | None, zone: tzinfo) -> str:
    """Write an instant in a zone, ISO-8601 for machines and UTC in the title; nothing for None."""
    if value is None:
        return ""
    local, utc = value.astimezone(zone).isoformat(" ", "seconds"), value.astimezone(UTC).isoformat(" ", "seconds")
    return f'<time datetime="{local}" title="{utc[:19]} UTC">{local[:16]}</time>'
