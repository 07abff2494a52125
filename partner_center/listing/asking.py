"""
What an address asks of a list, in one canonical form.

Unknown parameters are dropped, of a repeated one the last counts, and what cannot be understood gives the default,
so that an old or a meddled address still shows a page. Values of personal filters arrive by POST only; in addresses
they stand sealed under `f` (listing.sealing).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from partner_center.listing.fields import LONGEST
from partner_center.listing.filters import ListFilters
from partner_center.listing.keyset import Place, Side
from partner_center.listing.sealing import seal, unseal
from partner_center.tenancy.models import Viewer

SIZES = (20, 50, 100)
DEFAULT_SIZE = 50
FIRST_PAGE = Place()
SEALED, SORT, SIZE, MORE = "f", "sort", "size", "more"
PLACES = (Side.AFTER, Side.BEFORE, Side.LAST)
_PUBLIC_ID = re.compile(r"[A-Za-z0-9_-]{1,22}")


@dataclass(frozen=True)
class Asked:
    """
    Filters, order, size and place; `query()` writes them as the query string of an address.

    `is_broken` tells of a sealed filter that does not open: made for somebody else, or meddled with.
    """

    plain: dict[str, str]
    personal: dict[str, str]
    sealed: str
    sort: str
    size: int = DEFAULT_SIZE
    place: Place = FIRST_PAGE
    shows_more: bool = False
    is_broken: bool = False

    @property
    def values(self) -> dict[str, str]:
        return {**self.plain, **self.personal}

    def query(self, **changes: Any) -> str:
        """Write the query string with some parts changed; a change of anything but the place leads to page one."""
        parts = {**vars(self), "place": FIRST_PAGE, **changes}
        words = dict(parts["plain"])
        if parts["sealed"]:
            words[SEALED] = parts["sealed"]
        if parts["sort"]:
            words[SORT] = parts["sort"]
        if parts["size"] != DEFAULT_SIZE:
            words[SIZE] = str(parts["size"])
        if parts["shows_more"]:
            words[MORE] = "1"
        place: Place = parts["place"]
        if place.side != Side.FIRST:
            words[place.side.value] = place.public_id or "1"
        return urlencode(words) if words else ""

    def filter_query(self) -> str:
        """Write only what decides which rows match."""
        return self.query(sort="", size=DEFAULT_SIZE, shows_more=False)

    def without(self, names: frozenset[str], *, owner: str) -> "Asked":
        """Drop some filters."""
        personal = {name: value for name, value in self.personal.items() if name not in names}
        plain = {name: value for name, value in self.plain.items() if name not in names}
        sealed = self.sealed if personal == self.personal else seal(personal, owner=owner)
        return replace(self, plain=plain, personal=personal, sealed=sealed)


def read_address(words: QueryDict, filters: type[ListFilters], *, viewer: Viewer) -> Asked:
    """Understand the query string of an address."""
    sealed = words.get(SEALED, "")
    personal = unseal(sealed, owner=viewer.public_id)
    known = {name: personal[name] for name in filters.personal_names() if name in personal}
    return Asked(
        plain=_plain(words, filters),
        personal=known,
        sealed=sealed if known else "",
        place=_place(words),
        is_broken=bool(sealed) and not known,
        **_shape(words),
    )


def read_form(words: QueryDict, filters: type[ListFilters], *, viewer: Viewer) -> Asked:
    """Understand the posted filter form, and seal what it says about people."""
    personal = _chosen(words, filters.personal_names())
    sealed = seal(personal, owner=viewer.public_id)
    return Asked(plain=_plain(words, filters), personal=personal, sealed=sealed, **_shape(words))


def _plain(words: QueryDict, filters: type[ListFilters]) -> dict[str, str]:
    return _chosen(words, [name for name in filters.base_filters if name not in filters.personal_names()])


def _chosen(words: Mapping[str, str], names: Any) -> dict[str, str]:
    """Take what was filled in; of what is too long only so much that its field still refuses it."""
    return {name: text[: LONGEST + 1] for name in names if (text := str(words.get(name, "")).strip(" "))}


def _shape(words: QueryDict) -> dict[str, Any]:
    size = words.get(SIZE, "")
    return {
        "sort": words.get(SORT, "")[:64],
        "size": next((each for each in SIZES if str(each) == size), DEFAULT_SIZE),
        "shows_more": words.get(MORE) == "1",
    }


def _place(words: QueryDict) -> Place:
    for side in PLACES:
        if side in words:
            word = words.get(side, "")
            if side == Side.LAST:
                return Place(side)
            return Place(side, word) if _PUBLIC_ID.fullmatch(word) else FIRST_PAGE
    return FIRST_PAGE
