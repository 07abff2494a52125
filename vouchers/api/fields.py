"""Amounts, times and names as programs send and read them."""

from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, Field, PlainSerializer

from partner_center import money
from partner_center.api.answers import BadParameter
from vouchers.rules import LARGEST_AMOUNT

# A text, because what reads JSON makes floats of numbers; the currency's decimals, no grouping: "37.50".
Amount = Annotated[str, Field(min_length=1, max_length=20, examples=["37.50"])]
# As the vendor's billing names its orders; it stands in addresses too.
OrderId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}$", examples=["CS2611201200ABCDE"])]
CouponNumber = Annotated[str, Field(min_length=1, max_length=16, pattern=r"^[A-Z0-9-]+$", examples=["C7KM-2QXD-9RTB"])]
PublicId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


def _utc(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


Moment = Annotated[AwareDatetime, Field(examples=["2026-11-20T12:00:00Z"]), PlainSerializer(_utc, return_type=str)]


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
