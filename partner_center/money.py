"""Money is integer minor units and a currency code; this is how it is shown and read (decisions.md 5.4). Pure."""

import re

_NO_MINOR_UNITS = frozenset({"JPY", "KRW", "VND"})
# ASCII digits only, no grouping and no exponent: what is not exactly an amount is asked for again, never guessed.
_AMOUNT = re.compile(r"(-?)(0|[1-9][0-9]{0,15})(?:\.([0-9]{1,2}))?")


class NotAnAmount(ValueError):
    """A text that is no amount of this currency."""


def shown(minor: int, currency: str) -> str:
    """
    Write an amount for people: thousands grouped, the currency's own number of decimals, its code behind.

    :param minor: amount in the smallest unit, such as cents
    """
    sign, amount = ("-" if minor < 0 else ""), abs(minor)
    if currency in _NO_MINOR_UNITS:
        return f"{sign}{amount:,} {currency}"
    return f"{sign}{amount // 100:,}.{amount % 100:02d} {currency}"


def typed(minor: int, currency: str) -> str:
    """Write an amount the way `parse` reads it: no grouping, no code."""
    sign, amount = ("-" if minor < 0 else ""), abs(minor)
    return f"{sign}{amount}" if currency in _NO_MINOR_UNITS else f"{sign}{amount // 100}.{amount % 100:02d}"


def parse(text: str, currency: str) -> int:
    """
    Read a typed amount such as 1280.50 into minor units.

    :raises NotAnAmount: for anything but digits, with at most as many decimals as the currency has
    """
    match = _AMOUNT.fullmatch(text.strip(" "))
    if match is None:
        raise NotAnAmount
    sign, whole, decimals = match[1], match[2], match[3]
    if currency in _NO_MINOR_UNITS:
        if decimals is not None:
            raise NotAnAmount
        minor = int(whole)
    else:
        minor = int(whole) * 100 + int((decimals or "").ljust(2, "0"))
    return -minor if sign else minor
