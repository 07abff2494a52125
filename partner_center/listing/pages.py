"""list_page(): filter, sort, cut one page, and answer with the whole page or with the part that changes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from partner_center.environment import environment
from partner_center.limits import actions as limits
from partner_center.limits.actions import TooMany
from partner_center.listing.asking import SIZES, Asked, read_address, read_form
from partner_center.listing.columns import Paint, Text
from partner_center.listing.counts import Count, grouped
from partner_center.listing.drawing import (
    Link,
    Way,
    draw_controls,
    draw_heads,
    draw_presets,
    draw_sizes,
    draw_tabs,
    draw_ways,
)
from partner_center.listing.filters import ListFilters, Preset
from partner_center.listing.keyset import Page, Place, Rows, Side, fetch
from partner_center.listing.tables import BaseTable
from partner_center.listing.tallies import BEFORE, TAB, TOTAL, tally
from partner_center.tenancy.models import Viewer
from partner_center.tenancy.requests import PartnerRequest, PlatformRequest

SEARCHES_PER_HOUR = 120
# The ids of what htmx swaps: all of the list, or only what a new page, order or tab changes.
WHOLE, PART = "list", "list-body"

ListRequest = PartnerRequest | PlatformRequest


@dataclass(frozen=True)
class Chip:
    """A filter in use, and the address without it."""

    label: Text
    value: str
    address_without: str


class Listing:
    """One answered list, as its templates read it."""

    def __init__(
        self, request: ListRequest, *, rows: Rows, asked: Asked, found: ListFilters, table: type[BaseTable]
    ) -> None:
        self.path, self.table, self.found, self.visible = request.path, table, found, rows
        self.owner, self.may_reveal, self.now = request.viewer.public_id, found.may_reveal, found.now
        self.kind, self.caption = table.kind, table.caption
        self.sort, self.order = table.order(asked.sort, may_reveal=self.may_reveal)
        self.asked = replace(asked, sort="" if self.sort == table.default_sort else self.sort)
        self.search_refusal = ""

    # --- rows

    @cached_property
    def page(self) -> Page:
        asked, names = self.asked, self.table.value_names()
        rows = self.found.rows()
        return fetch(rows, visible=self.visible, order=self.order, place=asked.place, size=asked.size, names=names)

    @cached_property
    def counts(self) -> dict[str, Count]:
        return tally(self.found, page=self.page, order=self.order)

    @property
    def total(self) -> Count:
        return self.counts[TOTAL]

    @property
    def body(self) -> SafeString:
        page = self.page
        paint = Paint(
            index={name: position for position, name in enumerate(page.names)},
            kind=self.kind,
            may_reveal=self.may_reveal,
            now=self.now,
            zone=timezone.get_current_timezone(),
            row_address=self.table.row_address(),
        )
        return self.table.body(page.rows, paint)

    # --- words

    @cached_property
    def showing(self) -> str:
        """Say which rows these are: "Showing 1–50 of 10 000+"."""
        shown, first = len(self.page.rows), self._first_position()
        if not shown:
            return _("No rows")
        if first is None:
            words = {"count": grouped(shown), "total": self.total}
            return ngettext("Showing %(count)s row of %(total)s", "Showing %(count)s rows of %(total)s", shown) % words
        ends = {"first": grouped(first), "last": grouped(first + shown - 1), "total": self.total}
        return _("Showing %(first)s–%(last)s of %(total)s") % ends

    def _first_position(self) -> int | None:
        """Return the position of the first row, None where counting it would cost more than it is worth."""
        if self.page.at_start:
            return 1
        if self.page.at_end:
            return None if self.total.is_more else max(1, self.total.value - len(self.page.rows) + 1)
        before = self.counts.get(BEFORE)
        return None if before is None or before.is_more else before.value + 1

    @property
    def zone(self) -> str:
        """Name the zone of every time on the page."""
        offset = timezone.localtime(self.now).strftime("%z")
        return f"{timezone.get_current_timezone_name()} (UTC{offset[:3]}:{offset[3:]})"

    # --- links

    def address(self, query: str) -> str:
        return f"{self.path}?{query}" if query else self.path

    def place_address(self, place: Place) -> str:
        return self.address(self.asked.query(place=place))

    @property
    def ways(self) -> SafeString:
        """Link to other pages; where there is none, the address is empty."""
        page = self.page
        back = [Place(), Place(Side.BEFORE, page.public_id(0))]
        on = [Place(Side.AFTER, page.public_id(-1)), Place(Side.LAST)]
        return draw_ways(
            [
                Way("first", _("First"), "" if page.at_start else self.place_address(back[0])),
                Way("previous", _("Previous"), "" if page.at_start else self.place_address(back[1])),
                Way("next", _("Next"), "" if page.at_end else self.place_address(on[0])),
                Way("last", _("Last"), "" if page.at_end else self.place_address(on[1])),
            ]
        )

    @property
    def sizes(self) -> SafeString:
        return draw_sizes(SIZES, self.asked.size)

    @property
    def heads(self) -> SafeString:
        heads = self.table.heads(
            sort=self.sort, may_reveal=self.may_reveal, address=lambda sort: self.address(self.asked.query(sort=sort))
        )
        return draw_heads(heads, kind=self.kind, may_reveal=self.may_reveal)

    @property
    def tabs(self) -> SafeString:
        name, plain = self.found.tab, self.asked.plain
        chosen = plain.get(name, "")
        others = {key: value for key, value in plain.items() if key != name}
        return draw_tabs(
            Link(
                label,
                self.address(self.asked.query(plain={**others, name: key} if key else others)),
                key == chosen,
                str(self.counts[TAB + key]),
            )
            for key, label in self.found.tabs()
        )

    @cached_property
    def chips(self) -> list[Chip]:
        filters = self.found.filters
        return [
            Chip(filters[name].label, filters[name].shown(value), self._address_without(name))
            for name, value in self.found.active().items()
        ]

    def _address_without(self, *names: str) -> str:
        return self.address(self.asked.without(frozenset(names), owner=self.owner).query())

    @property
    def clear_address(self) -> str:
        return self.address(self._only({}).query())

    def _only(self, values: Mapping[str, str]) -> Asked:
        return replace(self.asked, plain=dict(values), personal={}, sealed="")

    @property
    def presets(self) -> SafeString:
        return draw_presets(self._preset(preset) for preset in self.found.presets)

    def _preset(self, preset: Preset) -> Link:
        query = self._only(preset.values).query()
        return Link(preset.label, self.address(query), self.asked.plain == preset.values and not self.asked.personal)

    # --- the form

    @property
    def is_filtered(self) -> bool:
        return bool(self.asked.plain or self.asked.personal)

    @property
    def is_valid(self) -> bool:
        return bool(self.found.is_valid()) and not self.search_refusal

    @property
    def controls(self) -> SafeString:
        return draw_controls(self.found.controls(more=False))

    @property
    def more_controls(self) -> SafeString:
        return draw_controls(self.found.controls(more=True))

    @property
    def has_more_controls(self) -> bool:
        return bool(self.found.more_names())

    @cached_property
    def shows_more_controls(self) -> bool:
        """
        Tell whether to draw the seldom used filters: when asked for, and where there is something to mend.

        What a link set in them is carried along unseen and stands in a chip; what was typed stands where it was typed.
        """
        more, errors = self.found.more_names(), self.found.form.errors
        return self.asked.shows_more or any(name in errors or name in self.asked.personal for name in more)

    @property
    def kept(self) -> dict[str, str]:
        """Return what the form carries along unseen: the order, the tab, and filters whose controls are not drawn."""
        unseen = self.found.unseen() if self.shows_more_controls else [*self.found.unseen(), *self.found.more_names()]
        kept = {name: self.asked.plain.get(name, "") for name in unseen} | {"sort": self.asked.sort}
        return {name: value for name, value in kept.items() if value}

    @property
    def unseen_faults(self) -> list[str]:
        """Say what is wrong with filters that have no control: a tab or a link from another page."""
        errors = self.found.form.errors
        return [
            f"{self.found.filters[name].label}: {errors[name][0]}" for name in self.found.unseen() if name in errors
        ]

    @property
    def ranges(self) -> list[str]:
        return self.found.ranges()

    # --- choosing rows

    @property
    def filter_query(self) -> str:
        return self.asked.filter_query()

    @property
    def most_choosable(self) -> int:
        """How many rows "select all" names and an action will act on: exactly that many (peers.md O26)."""
        return min(self.total.value, environment.batch_limit)


def list_page(
    request: ListRequest,
    *,
    rows: Rows,
    filters: type[ListFilters],
    table: type[BaseTable],
    template: str,
    now: datetime,
    context: Mapping[str, Any] | None = None,
) -> HttpResponseBase:
    """
    Answer a list: the whole page, or for htmx only its list or the part that paging changes.

    :param rows: what the viewer may see, `.visible_to(member)`
    :param template: extends base.html and includes listing/_list.html
    :param context: for the template and for the fragments it names: `toolbar_template`, `empty_template`
    """
    is_form = request.method == "POST"
    asked = (read_form if is_form else read_address)(
        request.POST if is_form else request.GET, filters, viewer=request.viewer
    )
    found = filters(asked.values, rows=rows, viewer=request.viewer, now=now)
    listing = Listing(request, rows=rows, asked=asked, found=found, table=table)
    target = _target(request)
    if is_form:
        refused = _count_search(request, listing)
        if refused is not None:
            return _too_many(request, listing, refused, template, context)
        if not target and listing.is_valid:
            return HttpResponseRedirect(listing.address(listing.asked.query()), status=303)
    return _answer(request, listing, target, template, context)


def _target(request: ListRequest) -> str:
    """Name the part that htmx asks for, "" for the whole page."""
    if request.headers.get("HX-Request") != "true" or request.headers.get("HX-History-Restore-Request") == "true":
        return ""
    target = request.headers.get("HX-Target", "")
    return target if target in {WHOLE, PART} else ""


def _answer(
    request: ListRequest, listing: Listing, target: str, template: str, context: Mapping[str, Any] | None
) -> HttpResponse:
    is_whole = target == WHOLE or not listing.is_valid
    name = template if not target else "listing/_list.html" if is_whole else "listing/_part.html"
    response = render(
        request, name, {**(context or {}), "listing": listing, "is_part": bool(target)}, status=_status(listing)
    )
    if target:
        response["HX-Push-Url"] = listing.address(listing.asked.query(place=listing.asked.place))
        if is_whole and target == PART:
            response["HX-Retarget"], response["HX-Reswap"] = f"#{WHOLE}", "outerHTML"
    return response


def _status(listing: Listing) -> int:
    if listing.search_refusal:
        return TooMany.status
    return 200 if listing.is_valid else 422


def count_search(viewer: Viewer, *, now: datetime) -> None:
    """
    Count a search for a person, with those of all lists: guessing many names would show who is a customer.

    :raises TooMany: after 120 in an hour (reliability.md 4.4)
    """
    limits.spend(key=f"search:{viewer.public_id}", allowed=SEARCHES_PER_HOUR, per=timedelta(hours=1), now=now)


def _count_search(request: ListRequest, listing: Listing) -> TooMany | None:
    """Count a search for a person: guessing many addresses would show who is a customer (reliability.md 4.4)."""
    if not listing.asked.personal or not listing.is_valid:
        return None
    try:
        count_search(request.viewer, now=listing.now)
    except TooMany as refusal:
        return refusal
    return None


def _too_many(
    request: ListRequest, listing: Listing, refusal: TooMany, template: str, context: Mapping[str, Any] | None
) -> HttpResponse:
    """Refuse the search: nothing is looked up, and the form says why."""
    listing.search_refusal = f"{refusal} {refusal.advice}"
    listing.found.queryset = listing.visible.none()
    response = _answer(request, listing, _target(request), template, context)
    response["Retry-After"] = str(refusal.retry_after)
    return response


def matching_rows(
    query: str, *, rows: Rows, filters: type[ListFilters], viewer: Viewer, now: datetime
) -> tuple[Rows, ListFilters]:
    """
    Return the rows that a `filter_query` matches now, and the filters behind it.

    A query that was meddled with, or whose sealed part does not open, matches nothing: what acts on rows must never
    act on more than somebody has seen.
    """
    asked = read_address(QueryDict(query), filters, viewer=viewer)
    found = filters(asked.values, rows=rows.none() if asked.is_broken else rows, viewer=viewer, now=now)
    return found.rows(), found
