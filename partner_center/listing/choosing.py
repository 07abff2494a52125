"""The rows of a list that somebody has ticked, or "all N" of a filter: exactly those, or none (peers.md O26)."""

import re
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from partner_center.environment import environment
from partner_center.listing.filters import ListFilters
from partner_center.listing.keyset import Rows
from partner_center.listing.pages import ListRequest, matching_rows
from partner_center.refusals import Refusal
from partner_center.tenancy.requests import posted_ids

_NUMBER = re.compile(r"[0-9]{1,9}")


class NothingChosen(Refusal):
    code = "nothing_chosen"
    message = _("Nothing is selected.")
    next_step = _("Tick the rows you mean.")
    status = 400


class NumberChanged(Refusal):
    """The filter matches another number of rows than the person was told."""

    code = "selection_changed"
    message = _("%(now)d rows match now, not %(then)d as shown before.")
    next_step = _("Look at the list again and select anew.")


def chosen_rows(request: ListRequest, *, visible: Rows, filters: type[ListFilters], now: datetime) -> Rows:
    """
    Return exactly the rows that a bulk bar named, newest first, at most BATCH_LIMIT.

    :param visible: what the viewer may see
    :param filters: of the list that the bar stood on
    :raises NothingChosen: if there are none
    :raises NumberChanged: if "all N" are not N any more
    """
    if named := request.POST.get("all_matching", ""):
        return _all_matching(request, visible, filters, int(named) if _NUMBER.fullmatch(named) else 0, now)
    ids = posted_ids(request)[: environment.batch_limit]
    rows = visible.filter(public_id__in=ids).order_by("-pk")
    if not ids or not rows.exists():
        raise NothingChosen
    return rows


def _all_matching(request: ListRequest, visible: Rows, filters: type[ListFilters], named: int, now: datetime) -> Rows:
    query = request.POST.get("filter", "")
    matching, _filters = matching_rows(query, rows=visible, filters=filters, viewer=request.viewer, now=now)
    rows = matching.order_by("-pk")[: environment.batch_limit]
    count = rows.count()
    if not count:
        raise NothingChosen
    if count != named:
        raise NumberChanged(now=count, then=named)
    return rows
