"""Amounts, times and names as programs send and read them."""

from datetime import UTC, datetime
from typing import Annotated

from django.db.models import Q
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, PlainSerializer

from partner_center import money
from partner_center.api.answers import BadParameter
from vouchers.rules import LARGEST_AMOUNT

# A text, because what reads JSON makes floats of numbers; the currency's decimals, no grouping: "37.50".
Amount = Annotated[str, Field(min_length=1, max_length=20, examples=["37.50"])]
# As the vendor's billing names its orders; it stands in addresses too.
OrderId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$", examples=["CS2611201200ABCDE"])]
CouponNumber = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[A-Z0-9-]+$", examples=["C7KM-2QXD-9RTB"])]
PublicId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
# PostgreSQL can keep no null characters, and nobody can read the other control characters.
LINE = r"^[^\x00-\x1f\x7f]*$"


def _in_utc(moment: datetime) -> datetime:
    """Refuse what lies outside the calendar in UTC; PostgreSQL knows no zones as far off as Python does."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("out of the calendar") from None


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


Moment = Annotated[
    AwareDatetime,
    AfterValidator(_in_utc),
    Field(examples=["2026-11-20T12:00:00Z"]),
    PlainSerializer(_utc, return_type=str),
]


def minor(text: str, currency: str, *, name: str) -> int:
    """
    Read an amount that a program sent into minor units.

    :raises BadParameter: when it is no amount of this currency, not above nothing, or beyond all sense
    """
    try:
        amount = money.parse(text, currency)
    except money.NotAnAmount:
        amount = 0
    if not 0 < amount <= LARGEST_AMOUNT:
        raise BadParameter(why=f"{name}: {text[:20]!r}")
    return amount


# --- query strings ---------------------------------------------------------------------------------------------------


def _without_blanks(given: object) -> object:
    """An address says the empty list by a parameter without a value."""
    return [item for item in given if item != ""] if isinstance(given, list) else given


def _blank_is_zero(given: object) -> object:
    return 0 if given in {"", "null"} else given


Listed = BeforeValidator(_without_blanks)
ZeroWhenEmpty = BeforeValidator(_blank_is_zero)


def between(column: str, begin: datetime | None, end: datetime | None) -> Q:
    """Keep what is after the beginning and before the end; neither belongs to it (domain.md 6.3)."""
    bounds = {f"{column}__gt": begin, f"{column}__lt": end}
    return Q(**{lookup: bound for lookup, bound in bounds.items() if bound is not None})
