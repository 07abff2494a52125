"""The hash chain: what is hashed, and how one entry holds on to the one before it. Pure."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime

GENESIS = "0" * 64

Stored = str | int | datetime


def canonical_text(chain: str, values: Sequence[Stored]) -> str:
    """
    Write an entry's stored columns as one line that can be read in one way only.

    :param chain: public id of the partner; empty for the platform's own chain
    :param values: the columns in the order of the entry's `hashed_columns`
    """
    return json.dumps([chain, *map(_plain, values)], separators=(",", ":"))


def link(prev_hash: str, text: str) -> str:
    """Hash an entry's text together with the hash of the entry before it: 64 hexadecimal digits."""
    return hashlib.sha256((prev_hash + text).encode()).hexdigest()


def _plain(value: Stored) -> str | int:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value
