"""
What a masked value looks like (decisions.md 6). Pure: text in, text out.

Every function takes anything and never raises, gives its own result back unchanged, and always prints the same
number of stars, so that a mask does not tell how long the value was. Where the usual shape would show nearly the
whole value, because the value is short, less of it is shown.
"""

import re
from collections.abc import Callable

Mask = Callable[[object], str]

HIDDEN_NAME = "**"
HIDDEN = "***"
HIDDEN_MOBILE = "****"
HIDDEN_NUMBER = "*****"

MOST_HIDDEN_WHOLE = 2
# An account name shorter than this would be shown whole, or nearly, by "first two and last one".
SHORTEST_ACCOUNT_IN_FULL_SHAPE = 6
# Below ten digits "first three, last four" would leave one or two digits to guess.
SHORTEST_MOBILE_IN_FULL_SHAPE = 10
SHORTEST_MOBILE_WITH_TAIL = 7
SHORTEST_NUMBER_IN_FULL_SHAPE = 10
SHORTEST_NUMBER_WITH_ENDS = 8

# ITU-T E.164 calling codes: +1 and +7, these pairs, and three digits for the rest of the world.
_CALLING_CODE = re.compile(r"[17]|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[0-9]{3}")
_MASKED_MOBILE = re.compile(r"(\+[0-9]{1,3} )?([0-9]{3})?\*{4}([0-9]{4})?", re.ASCII)
_NO_DIGIT = re.compile(r"[^0-9]+")
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)+")


def mask_name(value: object) -> str:
    """Show the first character of a name: `李**`."""
    text = _text(value)
    if not text:
        return ""
    return f"{text[0]}**" if len(text) > MOST_HIDDEN_WHOLE and _is_showable(text[0]) else HIDDEN_NAME


def mask_mobile(value: object) -> str:
    """Show the country code, the first three and the last four digits: `+86 139****5678`."""
    text = _text(value)
    if not text:
        return ""
    if "*" in text and _MASKED_MOBILE.fullmatch(text):
        return text
    code, digits = _split_country_code(text)
    length = len(digits)
    if length >= SHORTEST_MOBILE_IN_FULL_SHAPE:
        return f"{code}{digits[:3]}****{digits[-4:]}"
    return f"{code}****{digits[-4:]}" if length >= SHORTEST_MOBILE_WITH_TAIL else f"{code}{HIDDEN_MOBILE}"


def mask_email(value: object) -> str:
    """Show the first character and the domain of an address: `l***@example.com`."""
    text = _text(value)
    if not text:
        return ""
    local, at, domain = text.rpartition("@")
    if not at or not _DOMAIN.fullmatch(domain):
        local, at, domain = text, "", ""
    head = local[0] if len(local) > MOST_HIDDEN_WHOLE and _is_showable(local[0]) else ""
    return f"{head}***{at}{domain}"


def mask_account(value: object) -> str:
    """Show the first two and the last character of an account name: `hw***n`."""
    text = _text(value)
    if not text:
        return ""
    if len(text) >= SHORTEST_ACCOUNT_IN_FULL_SHAPE and _is_showable(text[:2] + text[-1]):
        return f"{text[:2]}***{text[-1]}"
    return f"{text[0]}***" if len(text) > MOST_HIDDEN_WHOLE and _is_showable(text[0]) else HIDDEN


def mask_number(value: object) -> str:
    """Show both ends of an account number: `200*****456` (domain.md 8, row 36)."""
    text = _text(value)
    if not text:
        return ""
    shown = _shown_of_number(len(text))
    if not shown or not _is_showable(text[:shown] + text[-shown:]):
        return HIDDEN_NUMBER
    return f"{text[:shown]}{HIDDEN_NUMBER}{text[-shown:]}"


def _shown_of_number(length: int) -> int:
    if length >= SHORTEST_NUMBER_IN_FULL_SHAPE:
        return 3
    return 2 if length >= SHORTEST_NUMBER_WITH_ENDS else 0


def _text(value: object) -> str:
    """Take what is not text for a value nobody may see, without ever printing it."""
    if isinstance(value, str):
        return value.strip()
    return "" if value is None else "*"


def _is_showable(characters: str) -> bool:
    """Keep out stars (a mask of a mask stays itself), blanks, controls, direction marks and half surrogates."""
    return characters.isprintable() and "*" not in characters and " " not in characters


def _split_country_code(text: str) -> tuple[str, str]:
    """Split a number into its country code as shown (`+86 `, or nothing when none is written) and other digits."""
    digits = text[1:] if text[1:].isdigit() and text.isascii() and text[0] == "+" else _NO_DIGIT.sub("", text)
    if text[0] == "+":
        return _cut(digits)
    if digits.startswith("00"):
        return _cut(digits[2:])
    return "", digits


def _cut(digits: str) -> tuple[str, str]:
    code = _CALLING_CODE.match(digits)
    # Without a number behind it, what looks like a code may be the number.
    if code is None or len(digits) - code.end() < SHORTEST_MOBILE_WITH_TAIL:
        return "", ""
    return f"+{code.group()} ", digits[code.end() :]
