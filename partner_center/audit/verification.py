"""
Proves a chain, or names its first bad entry.

Chains are read in pieces: a million entries need no more memory than a thousand.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db.models import Max, Q, QuerySet

from partner_center.audit.chain import GENESIS, canonical_text, link
from partner_center.audit.models import ChainedEntry, ChainHead
from partner_center.audit.queries import logs
from partner_center.tenancy.models import Partner

READ_AT_ONCE = 5000


# seq, prev_hash, hash, and the hashed columns
Row = tuple[Any, ...]


class Chain(NamedTuple):
    """One chain of one log."""

    log: type[ChainedEntry]
    name: str  # public id of the partner; empty for the platform

    def __str__(self) -> str:
        return f"{self.log.__name__} of {self.name or 'the platform'}"


class Fault(NamedTuple):
    """The first entry of a chain that cannot be trusted, and why."""

    seq: int
    why: str


class Verified(NamedTuple):
    """What was looked at, and what was found."""

    entries: int
    fault: Fault | None


def chains() -> Iterator[Chain]:
    """Name every chain that has an entry or a head, whatever else is missing."""
    for log in logs():
        ends = log.head_model.objects.values_list("partner__public_id")
        names = {name or "" for (name,) in log.objects.order_by().values_list("partner__public_id").union(ends)}
        yield from (Chain(log, name) for name in sorted(names))


def entries_of(chain: Chain) -> QuerySet[ChainedEntry]:
    return chain.log.objects.filter(_is_of(chain))


def verify(chain: Chain) -> Verified:
    """
    Follow a chain from its first entry to its head.

    The head is read first: what is added meanwhile comes after it and is checked against the newer head only.
    """
    head = _head_of(chain)
    seq, prev_hash = 0, GENESIS
    for row in _rows(chain, until=head.seq if head else None):
        fault = _fault_of(chain, row, seq, prev_hash)
        if fault:
            return Verified(seq, fault)
        seq, prev_hash = row[0], row[2]
    return Verified(seq, _fault_at_end(chain, head, seq, prev_hash))


def _rows(chain: Chain, until: int | None) -> Iterator[Row]:
    columns = ("seq", "prev_hash", "hash", *chain.log.hashed_columns)
    entries = entries_of(chain).order_by("seq").values_list(*columns)
    entries = entries if until is None else entries.filter(seq__lte=until)
    last = -1
    while rows := list(entries.filter(seq__gt=last)[:READ_AT_ONCE]):
        yield from rows
        last = rows[-1][0]


def _fault_of(chain: Chain, row: Row, seq_before: int, hash_before: str) -> Fault | None:
    seq, prev_hash, digest, *values = row
    if seq != seq_before + 1:
        return Fault(seq_before + 1, f"is missing: entry {seq} follows entry {seq_before}")
    if prev_hash != hash_before:
        return Fault(seq, "does not hold on to the entry before it")
    if digest != link(prev_hash, canonical_text(chain.name, values)):
        return Fault(seq, "was changed: its hash does not fit its text")
    return None


def _fault_at_end(chain: Chain, head: ChainHead | None, seq: int, digest: str) -> Fault | None:
    if head is None:
        return Fault(seq, "has no head behind it: the head of the chain was deleted")
    if seq < head.seq:
        return Fault(seq + 1, f"is missing: the head says that there are {head.seq} entries")
    if digest != head.hash:
        return Fault(seq, "is not the entry that the head knows")
    # The newest entry is read before the head: what is honestly added in between lies below the newer head.
    newest = entries_of(chain).aggregate(seq=Max("seq"))["seq"] or 0
    grown = _head_of(chain)
    if grown is None or newest > grown.seq:
        return Fault(head.seq + 1, "was inserted behind the head")
    return None


def _head_of(chain: Chain) -> ChainHead | None:
    return chain.log.head_model.objects.filter(_is_of(chain)).first()


def _is_of(chain: Chain) -> Q:
    """Name the partner by its key, not by a join: so each piece is read along the index of (partner, seq)."""
    if not chain.name:
        return Q(partner=None)
    return Q(partner=Partner.objects.filter(public_id=chain.name).values("pk")[:1])
