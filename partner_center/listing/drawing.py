"""
The parts of a list that repeat - head cells, filter controls, links - drawn as strings.

Sixteen controls and eight heads through the template engine cost more than the fifty rows (performance.md 2).
What stands once on the page stays in templates/listing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from html import escape

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from partner_center.listing.columns import Text
from partner_center.listing.filters import Control
from partner_center.listing.tables import Head, HeadLine


@dataclass(frozen=True, slots=True)
class Link:
    """Something to click that asks the list for something else."""

    label: Text
    address: str
    is_current: bool = False
    count: str = ""

    def current(self) -> str:
        return ' aria-current="true"' if self.is_current else ""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to another page; without an address there is none."""

    key: str
    label: str
    address: str


INPUT_TYPES = {"text": "search", "day": "date"}


def draw_tabs(links: Iterable[Link]) -> SafeString:
    """Draw tabs with their counts."""
    drawn = [
        f'<a id="tab-{number}" href="{escape(link.address)}"{link.current()}>{escape(str(link.label))}'
        f' <span class="count">{link.count}</span></a>\n'
        for number, link in enumerate(links)
    ]
    return mark_safe("".join(drawn))  # noqa: S308 - escaped above


def draw_presets(links: Iterable[Link]) -> SafeString:
    """Draw filters that are ready to click."""
    opening = '<a class="button" data-kind="quiet" data-size="small" href="'
    drawn = [f'{opening}{escape(link.address)}"{link.current()}>{escape(str(link.label))}</a>\n' for link in links]
    return mark_safe("".join(drawn))  # noqa: S308 - escaped above


def draw_ways(ways: Iterable[Way]) -> SafeString:
    """Draw the buttons to other pages, dead ones where there is no such page."""
    return mark_safe("".join(map(_way, ways)))  # noqa: S308 - escaped below


def _way(way: Way) -> str:
    shape = f'class="button" data-size="small" id="page-{way.key}"'
    if not way.address:
        return f'<span {shape} aria-disabled="true">{escape(way.label)}</span>\n'
    return f'<a {shape} href="{escape(way.address)}">{escape(way.label)}</a>\n'


def draw_sizes(sizes: Iterable[int], chosen: int) -> SafeString:
    """Draw the options of how many rows a page has."""
    drawn = [f'<option value="{size}"{" selected" if size == chosen else ""}>{size}</option>' for size in sizes]
    return mark_safe("".join(drawn))  # noqa: S308 - numbers


def draw_controls(controls: Iterable[Control]) -> SafeString:
    """Draw filters with their labels and faults."""
    everything = escape(_("All"))
    return mark_safe("".join(_control(control, everything) for control in controls))  # noqa: S308 - escaped below


def _control(control: Control, everything: str) -> str:
    name = f"filter-{control.name}"
    fault, described = "", ""
    if control.errors:
        fault = f'<p class="field-error" id="{name}-error">{escape(control.errors[0])}</p>'
        described = f' aria-invalid="true" aria-describedby="{name}-error"'
    drawn = (
        _select(control, name, described, everything) if control.kind == "select" else _input(control, name, described)
    )
    label = f'<label class="filter-label" for="{name}">{escape(str(control.label))}</label>'
    return f'<div class="filter filter-half">{label}{drawn}{fault}</div>\n'


def _select(control: Control, name: str, described: str, everything: str) -> str:
    options = "".join(
        f'<option value="{escape(value)}"{" selected" if value == control.value else ""}>{escape(str(label))}</option>'
        for value, label in control.options
    )
    opening = f'<select id="{name}" name="{control.name}" data-submit-on-change{described}>'
    return f'{opening}<option value="">{everything}</option>{options}</select>'


def _input(control: Control, name: str, described: str) -> str:
    hint = f' placeholder="{escape(str(control.hint))}"' if control.hint else ""
    search = " data-search" if control.is_search else ""
    return (
        f'<input id="{name}" name="{control.name}" type="{INPUT_TYPES[control.kind]}" value="{escape(control.value)}"'
        f"{search}{hint}{described}>"
    )


def draw_heads(heads: Iterable[Head], *, kind: str, may_reveal: bool) -> SafeString:
    """Draw the head of every column: sort links, and the eye of each masked line or a lock in its place."""
    lock = f'<span class="lock" role="img" aria-label="{escape(_("You may not reveal this"))}"></span>'
    reveal = escape(_("Reveal this page's column: %(field)s"))
    eye = f'<button type="button" class="eye" data-kind="{kind}" aria-pressed="false" data-reveal-column="'

    def line(each: HeadLine) -> str:
        label = escape(str(each.label))
        mark = " data-sorted" if each.direction else ""
        text = (
            f'<a id="sort-{each.key}" href="{escape(each.sort_address)}"{mark}>{label}</a>'
            if each.sort_address
            else label
        )
        if not each.reveals:
            return text
        return (
            f'{text}{eye}{each.reveals}" aria-label="{reveal % {"field": label}}"></button>'
            if may_reveal
            else text + lock
        )

    return mark_safe("".join(f"{_opening(head)}{_inside(head, line)}</th>" for head in heads))  # noqa: S308 - escaped above


def _opening(head: Head) -> str:
    css = f' class="{head.css}"' if head.css else ""
    sort = f' aria-sort="{head.aria_sort}"' if head.aria_sort else ""
    return f'<th scope="col"{css}{sort}>'


def _inside(head: Head, line: Callable[[HeadLine], str]) -> str:
    if head.is_select:
        return f'<input type="checkbox" data-select-page aria-label="{escape(_("Select all rows of this page"))}">'
    if not head.lines:
        return f'<span class="visually-hidden">{escape(_("Actions"))}</span>'
    return "<br>".join(map(line, head.lines))
