"""What a list counts for its page: all that match, each tab, and where the page stands; in one query."""

from collections.abc import Mapping

from django.core.cache import caches
from django.db.models import F
from django.utils.crypto import salted_hmac

from partner_center.listing.counts import ANY_VALUE, Count, Division, Question, Series, count_all
from partner_center.listing.filters import ListFilters
from partner_center.listing.keyset import Order, Page

MOST_COUNTED = 10_000
MOST_COUNTED_IN_TAB = 999
# Rows that are looked at to divide a filter's matches among the tabs.
MOST_DIVIDED = 300
# How long it is taken for granted that what was more than its cap still is.
SECONDS_REMEMBERED = 30
TOTAL, BEFORE, TAB = "total", "before", "tab:"
Tallies = dict[str, Count]
UNKNOWN = Count(0, is_more=True)


def tally(found: ListFilters, *, page: Page, order: Order) -> Tallies:
    """Count all rows under TOTAL, those of a tab under TAB + its value, and under BEFORE those before a middle page."""
    known = _known_to_be_more(found, {TOTAL: MOST_COUNTED})
    questions = [] if known else [Question(TOTAL, found.countable(), MOST_COUNTED)]
    # Where in ten thousand rows a page stands is worth a count, where in a million nobody asks.
    if not known and page.rows and not page.at_start and not page.at_end:
        earlier = found.rows().filter(order.beyond(page.key(order), reverse=True))
        questions.append(Question(BEFORE, (earlier,), MOST_COUNTED_IN_TAB))
    counts = _divide(found, questions, order, is_vast=bool(known)) | known
    _remember_what_is_more(found, counts)
    return {**counts, TAB + found.chosen_tab: counts[TOTAL].up_to(MOST_COUNTED_IN_TAB)}


def _divide(found: ListFilters, questions: list[Question], order: Order, *, is_vast: bool) -> Tallies:
    """Answer the questions, and beside them what each tab would show."""
    if not found.tab:
        return count_all(questions)[0]
    if found.only_tab():
        return _tally_only_tab(found, questions)
    return _tally_divided(found, questions, order, is_vast) if found.active() else _tally_tabs(found, questions)


def _tally_tabs(found: ListFilters, questions: list[Question]) -> Tallies:
    """Count each tab by itself: indexes answer that as long as there is no other filter."""
    tabs, chosen, rows = found.tab_filter, found.chosen_tab, found.rows_of_all_tabs()
    caps = {TAB + value: MOST_COUNTED_IN_TAB for value, _label in found.tabs() if value != chosen}
    known = _known_to_be_more(found, caps)
    unknown = caps.keys() - known.keys()
    asked = [
        Question(TAB + value, tabs.countable(rows, value), MOST_COUNTED_IN_TAB)
        for value in ("", *tabs.parts)
        if TAB + value in unknown
    ]
    names = {value: TAB + value for value in tabs.plain_values() if TAB + value in unknown}
    series = Series(rows.filter(**{tabs.field_name: ANY_VALUE}), names, MOST_COUNTED_IN_TAB) if names else None
    return count_all([*questions, *asked], series)[0] | known


def _tally_only_tab(found: ListFilters, questions: list[Question]) -> Tallies:
    """Count what falls under one tab only: nothing has to be divided, and mostly the total says it already."""
    only, tabs = found.only_tab(), {TAB + key: Count(0) for key, _label in found.tabs()}
    if found.chosen_tab in {"", only}:
        counts, _groups = count_all(questions)
        matches = counts.get(TOTAL, Count(MOST_COUNTED, is_more=True)).up_to(MOST_COUNTED_IN_TAB)
    else:
        rows = (found.rows_of_all_tabs(),)
        counts, _groups = count_all([*questions, Question(TAB, rows, MOST_COUNTED_IN_TAB)])
        matches = counts[TAB]
    return {**tabs, **counts, TAB: matches, TAB + only: matches}


def _tally_divided(found: ListFilters, questions: list[Question], order: Order, is_vast: bool) -> Tallies:
    """
    Look once at the first rows that the other filters match, and say what tabs they fall under.

    Of a list beyond its cap that would say next to nothing, so nothing is said.
    """
    if is_vast:
        return {TAB + key: UNKNOWN for key, _label in found.tabs()} | count_all(questions)[0]
    # In the list's order: without one PostgreSQL hopes to meet the rows early and reads through the table.
    rows = found.rows_of_all_tabs().order_by(*order.names())
    by = found.tab_filter.group(found) if found.tab_filter.group else F(found.tab_filter.field_name)
    counts, groups = count_all(questions, division=Division(rows, by, MOST_DIVIDED))
    if counts[TOTAL].is_more:
        return {TAB + key: UNKNOWN for key, _label in found.tabs()} | counts
    everything = Count(sum(count.value for count in groups.values())).up_to(MOST_DIVIDED)
    rest = UNKNOWN if everything.is_more else Count(0)
    tabs = {TAB + key: groups.get(key, rest) if key else everything for key, _label in found.tabs()}
    return counts | tabs


def _known_to_be_more(found: ListFilters, caps: Mapping[str, int]) -> Tallies:
    """Return the counts that were beyond their caps a moment ago: a list of millions is not counted at every click."""
    keys = {_memory_key(found, name): name for name in caps}
    return {keys[key]: Count(caps[keys[key]], is_more=True) for key in caches["process"].get_many(keys)}


def _remember_what_is_more(found: ListFilters, counts: Tallies) -> None:
    kept = (TOTAL,) if found.active() else [name for name in counts if name != BEFORE]
    more = {_memory_key(found, name): True for name in kept if counts[name].is_more}
    if more:
        caches["process"].set_many(more, timeout=SECONDS_REMEMBERED)


def _memory_key(found: ListFilters, name: str) -> str:
    """Name a count of one viewer's list; how many match in all depends on tab and filters, kept as a keyed digest."""
    asked = [found.chosen_tab, *sorted(map(str, found.active().items()))] if name == TOTAL else []
    digest = salted_hmac(__name__, "|".join(asked), algorithm="sha256").hexdigest()[:16] if any(asked) else ""
    return f"{type(found).__name__}:{found.viewer.public_id}:{name}:{digest}"
