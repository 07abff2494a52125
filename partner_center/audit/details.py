"""What an entry may say besides its columns: codes, counts and public ids, never a value of a person. Pure."""

import json
import re
from collections.abc import Iterator, Mapping

NOTHING = "{}"
SHORTEST_NUMBER = 8

# A masked address has a star before its @ and may stand.
_ADDRESS = re.compile(r"[^\s@*]@[^\s@]+\.\w")
# SHORTEST_NUMBER digits or more in a word of their own, however they are grouped.
_NUMBER = re.compile(r"(?<![\w+])\+?\d(?:[\s().-]{0,2}\d){7,}(?!\w)")
# What is made of many digits and nobody's number: random public ids, UUIDs, dates and times.
_PUBLIC_ID = re.compile(r"[\w-]{22}", re.ASCII)
_HARMLESS = re.compile(
    r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"
    r"|\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:Z|[+-]\d\d:?\d\d)?)?(?!\d)"
)


class PersonalValueError(ValueError):
    """A mistake of ours: details that would have put a person's address or number into the log for ever."""

    def __init__(self, name: str) -> None:
        super().__init__(f"details must not hold what looks like an address or a telephone number: {name!r}")


def canonical_details(details: Mapping[str, object] | None) -> str:
    """
    Write details as the text that is stored and hashed.

    The guard knows addresses and numbers by their looks; it cannot know names. Text that a person typed, names of
    files among it, does not belong in details at all.

    :raises PersonalValueError: when a text looks like an address or a number of a person; it names the key only
    """
    if not details:
        return NOTHING
    for name, value in details.items():
        if looks_personal(name) or any(map(looks_personal, _texts(value))):
            raise PersonalValueError("a key" if looks_personal(name) else name)
    return json.dumps(details, sort_keys=True, separators=(",", ":"), allow_nan=False)


def looks_personal(text: str) -> bool:
    """Say whether a text holds something like an e-mail address or a telephone number."""
    if "@" in text and _ADDRESS.search(text):
        return True
    if len(text) < SHORTEST_NUMBER:
        return False
    return not _PUBLIC_ID.fullmatch(text) and bool(_NUMBER.search(_HARMLESS.sub(" ", text)))


def _texts(value: object) -> Iterator[str]:
    """Walk to every text in nested details, keys among them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(name)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
