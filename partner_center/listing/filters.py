"""ListFilters: what a list can be asked. Each filter knows its rows, its control on the page and its chip."""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar, Literal, Self, cast

import django_filters
from django import forms
from django.db.models import Q
from django.db.models.expressions import Combinable
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from partner_center.listing.columns import Text
from partner_center.listing.fields import DayField, FilterForm, LineField, PublicIdField
from partner_center.listing.keyset import Rows
from partner_center.masking import Mask
from partner_center.tenancy.models import Member, Viewer
from partner_center.tenancy.permissions import Permission

SHORTEST_PERSONAL = 2
LAST_DIGITS = 4
FIRST_SURROGATE, LAST_SURROGATE = 0xD800, 0xDFFF
ControlKind = Literal["text", "select", "day", "hidden"]
Condition = Callable[[Rows, str, "ListFilters"], Rows]


@dataclass(frozen=True)
class Preset:
    """A filter that people need every day, ready to click."""

    label: Text
    values: Mapping[str, str]


@dataclass(frozen=True)
class Control:
    """One filter as the form shows it."""

    name: str
    label: Text
    kind: ControlKind
    value: str
    errors: list[str]
    hint: Text
    options: list[tuple[str, Text]]
    is_search: bool


def begins_with(field: str, prefix: str) -> Q:
    """
    Keep texts with a beginning, by a range that an index serves; LIKE is not served on SQLite, and folds case there.

    :param field: compared by bytes: any text on SQLite, one with collation "C" on PostgreSQL
    """
    last = ord(prefix[-1])
    if last == sys.maxunicode:
        return Q(**{f"{field}__startswith": prefix})
    follower = chr(last + 1) if not FIRST_SURROGATE <= last + 1 <= LAST_SURROGATE else chr(LAST_SURROGATE + 1)
    return Q(**{f"{field}__gte": prefix, f"{field}__lt": prefix[:-1] + follower})


class ListFilter(django_filters.Filter):  # type: ignore[misc]
    """
    One filter.

    :param field: model field
    :param more: whether it stands under "More filters"
    """

    control: ClassVar[ControlKind] = "text"
    is_personal = False
    parent: "ListFilters"

    def __init__(self, label: Text, *, field: str = "", more: bool = False, hint: Text = "", **options: Any) -> None:
        super().__init__(field_name=field or None, label=label, **options)
        self.more, self.hint = more, hint

    def of(self, parent: "ListFilters") -> Self:
        """Return this filter as one list has it; copy.copy() takes four times as long."""
        filter_ = object.__new__(type(self))
        filter_.__dict__ = {**self.__dict__, "parent": parent}
        return filter_

    def options(self) -> list[tuple[str, Text]]:
        return []

    def shown(self, value: Any) -> str:
        """Say a value in a chip."""
        return str(value)


class TextFilter(ListFilter):
    """Rows whose text begins like this."""

    field_class = LineField

    def filter(self, rows: Rows, value: str) -> Rows:
        return rows.filter(begins_with(self.field_name, value)) if value else rows


class PersonalFilter(ListFilter):
    """
    A filter on a masked column: exact for those who may not reveal, else also by its beginning (decisions.md 6).

    Letter by letter, a prefix would tell what the mask hides. Its value is only ever posted, and sealed in addresses.

    :param normalise: brings what was typed into the stored form, or raises a Refusal that says what is wrong with it
    :param by_prefix: whether holders of customer.unmask may ask for a beginning
    :param by_last_digits: whether four digits ask for the end of a number
    """

    field_class = LineField
    is_personal = True

    def __init__(
        self,
        label: Text,
        *,
        mask: Mask,
        normalise: Callable[[str], str] = str,
        by_prefix: bool = True,
        by_last_digits: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(label, least=SHORTEST_PERSONAL, normalise=self._normal, **options)
        self.mask, self.normalise, self.by_prefix, self.by_last_digits = mask, normalise, by_prefix, by_last_digits

    def _normal(self, text: str) -> str:
        return text if self._is_last_digits(text) else self.normalise(text)

    def _is_last_digits(self, text: str) -> bool:
        return self.by_last_digits and len(text) == LAST_DIGITS and text.isascii() and text.isdecimal()

    def filter(self, rows: Rows, value: str) -> Rows:
        if not value:
            return rows
        if self._is_last_digits(value):
            return rows.filter(**{f"{self.field_name}__endswith": value})
        if self.by_prefix and self.parent.may_reveal:
            return rows.filter(begins_with(self.field_name, value))
        return rows.filter(**{self.field_name: value})

    def shown(self, value: Any) -> str:
        return self.mask(value)


class ChoiceFilter(ListFilter):
    """
    Rows with one of several values.

    :param choices: (value, label) pairs, or a function from the ListFilters to such pairs
    :param condition: (rows, value, filters) to rows, where it is more than a comparison
    :param parts: value to (rows, filters) to sets of rows that do not overlap and together are `condition`'s, for the
        values that are more than a comparison of the field
    :param group: (filters) to the expression of a row's value, for counting all tabs at once
    :param within: the tab that every match falls under, where the condition says so
    """

    control = "select"

    def __init__(
        self,
        label: Text,
        *,
        choices: Iterable[tuple[str, Text]] | Callable[["ListFilters"], Iterable[tuple[str, Text]]],
        condition: Condition | None = None,
        parts: Mapping[str, Callable[[Rows, "ListFilters"], tuple[Rows, ...]]] | None = None,
        group: Callable[["ListFilters"], Combinable] | None = None,
        within: str = "",
        **options: Any,
    ) -> None:
        super().__init__(label, **options)
        self.within = within
        self.choices = choices if callable(choices) else list(choices)
        self.condition, self.parts, self.group = condition, parts or {}, group
        self._found: list[tuple[str, Text]] | None = None

    @property
    def field(self) -> forms.ChoiceField:
        unknown = {"invalid_choice": _("Choose one of the list.")}
        return forms.ChoiceField(choices=[("", ""), *self.options()], required=False, error_messages=unknown)

    def options(self) -> list[tuple[str, Text]]:
        if not callable(self.choices):
            return self.choices
        if self._found is None:
            self._found = list(self.choices(self.parent))
        return self._found

    def filter(self, rows: Rows, value: str) -> Rows:
        if not value:
            return rows
        if self.condition is not None:
            return self.condition(rows, value, self.parent)
        return rows.filter(**{self.field_name: value})

    def countable(self, rows: Rows, value: str) -> tuple[Rows, ...]:
        return self.parts[value](rows, self.parent) if value in self.parts else (self.filter(rows, value),)

    def plain_values(self) -> list[str]:
        """Return the values that are nothing but a comparison of the field."""
        return [value for value, _label in self.options() if value not in self.parts]

    def shown(self, value: Any) -> str:
        return str(dict(self.options()).get(value, value))


class PublicIdFilter(ListFilter):
    """
    Rows that belong to something with a public id, which another page's link names; no control of its own.

    :param condition: (rows, public id, filters) to rows
    """

    control = "hidden"
    field_class = PublicIdField

    def __init__(self, label: Text, *, condition: Condition, **options: Any) -> None:
        super().__init__(label, **options)
        self.condition = condition

    def filter(self, rows: Rows, value: str) -> Rows:
        return self.condition(rows, value, self.parent) if value else rows

    def shown(self, value: Any) -> str:
        return f"{str(value)[:6]}…"


class DayFilter(ListFilter):
    """
    One end of a range of days in the viewer's zone; both days are inside.

    :param edge: "from" or "to"
    """

    control = "day"
    field_class = DayField

    def __init__(self, label: Text, *, edge: Literal["from", "to"], **options: Any) -> None:
        super().__init__(label, **options)
        self.edge = edge

    def filter(self, rows: Rows, value: date | None) -> Rows:
        if value is None:
            return rows
        if self.edge == "from":
            return rows.filter(**{f"{self.field_name}__gte": _midnight(value)})
        return rows.filter(**{f"{self.field_name}__lt": _midnight(value + timedelta(days=1))})

    def shown(self, value: date) -> str:
        return date_format(value, "DATE_FORMAT")


class ListFilters(django_filters.FilterSet):  # type: ignore[misc]
    """
    The filters of one list, declared as attributes.

    :param rows: what the viewer may see
    :param viewer: a partner's member, or one of the vendor's staff
    """

    tab: ClassVar[str] = ""
    presets: ClassVar[tuple[Preset, ...]] = ()

    def __init__(self, values: Mapping[str, str], *, rows: Rows, viewer: Viewer, now: datetime) -> None:
        # The base copies every filter to its depth and makes a new form class, at every request: half a millisecond.
        self.is_bound, self.data, self.queryset = True, dict(values), rows
        self.viewer, self.now = viewer, now
        self.may_reveal = viewer.may(Permission.CUSTOMER_UNMASK)
        self.filters = {name: each.of(self) for name, each in self.base_filters.items()}

    @property
    def member(self) -> Member:
        """
        Return the viewer of a partner's list.

        :raises TypeError: when such a list is shown to the vendor's staff
        """
        if not isinstance(self.viewer, Member):
            raise TypeError("a partner's list, shown to somebody who is no member of it")
        return self.viewer

    @cached_property
    def form(self) -> FilterForm:
        """A form of the fields that were filled in: an empty filter has nothing to check."""
        form = FilterForm(self.data)
        form.fields = {name: each.field for name, each in self.filters.items() if name in self.data}
        return form

    @classmethod
    def personal_names(cls) -> frozenset[str]:
        return frozenset(name for name, each in cls.base_filters.items() if each.is_personal)

    def rows(self) -> Rows:
        """Return the matching rows; none when something was typed wrongly."""
        return self._apply(self.queryset, self.form.cleaned_data) if self.is_valid() else self.queryset.none()

    def countable(self) -> tuple[Rows, ...]:
        """Return the matching rows as sets that do not overlap."""
        return self.tab_filter.countable(self.rows_of_all_tabs(), self.chosen_tab) if self.tab else (self.rows(),)

    def rows_of_all_tabs(self) -> Rows:
        """Return what the other filters match, whichever tab is chosen."""
        if not self.is_valid():
            return self.queryset.none()
        others = {name: value for name, value in self.form.cleaned_data.items() if name != self.tab}
        return self._apply(self.queryset, others)

    @property
    def tab_filter(self) -> ChoiceFilter:
        return cast(ChoiceFilter, self.filters[self.tab])

    @property
    def chosen_tab(self) -> str:
        return str(self.form.cleaned_data.get(self.tab, "")) if self.is_valid() else ""

    def _apply(self, rows: Rows, values: Mapping[str, Any]) -> Rows:
        for name, value in values.items():
            rows = self.filters[name].filter(rows, value)
        return rows

    def only_tab(self) -> str:
        """Name the tab that everything found falls under, if a filter in use says so."""
        return next((tab for name in self.active() if (tab := getattr(self.filters[name], "within", ""))), "")

    def active(self) -> dict[str, Any]:
        """Return the filters in use, without the tab."""
        values = self.form.cleaned_data if self.is_valid() else {}
        return {name: value for name, value in values.items() if value not in {"", None} and name != self.tab}

    def tabs(self) -> list[tuple[str, Text]]:
        return [("", _("All")), *self.filters[self.tab].options()] if self.tab else []

    def controls(self, *, more: bool) -> list[Control]:
        return [
            self._control(name, each)
            for name, each in self.filters.items()
            if each.more == more and each.control != "hidden" and name != self.tab
        ]

    @classmethod
    def more_names(cls) -> list[str]:
        return [name for name, each in cls.base_filters.items() if each.more]

    @classmethod
    def unseen(cls) -> list[str]:
        """Name what the form carries along without a control: the tab and what links of other pages set."""
        return [name for name, each in cls.base_filters.items() if each.control == "hidden" or name == cls.tab]

    def ranges(self) -> list[str]:
        """Say the chosen days in the reader's language."""
        return [
            f"{each.label}: {each.shown(value)}"
            for name, value in self.active().items()
            if isinstance(each := self.filters[name], DayFilter)
        ]

    def _control(self, name: str, each: ListFilter) -> Control:
        return Control(
            name=name,
            label=each.label,
            kind=each.control,
            value=str(self.data.get(name, "")),
            errors=list(cast("dict[str, list[str]]", self.form.errors).get(name, ())),
            hint=each.hint,
            options=each.options(),
            is_search=name == self.first_control(),
        )

    @classmethod
    def first_control(cls) -> str:
        """Name the field that the key `/` goes to."""
        return next((name for name, each in cls.base_filters.items() if name != cls.tab and each.control == "text"), "")


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone())
