"""The only writer of the log: record() and record_many(), inside the transaction of the deed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import NamedTuple, Protocol, TypeVar

from django.db import connection
from django.db.transaction import TransactionManagementError

from partner_center.audit.chain import link
from partner_center.audit.details import canonical_details
from partner_center.audit.models import AuditEntry, ChainedEntry, ChainHead, Deed, Result
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Partner

INSERTED_AT_ONCE = 1000

E = TypeVar("E", bound=ChainedEntry)
Waiting = list[tuple[Partner | None, list[AuditEntry]]]

_waiting: ContextVar[Waiting | None] = ContextVar("entries that wait for the end of their deed", default=None)


class Target(Protocol):
    """A row that a deed was done to."""

    @property
    def public_id(self) -> str: ...


class Entry(NamedTuple):
    """What one of many entries is about."""

    object_kind: str
    object_id: str
    details: Mapping[str, object] | None = None


@contextmanager
def written_last() -> Iterator[None]:
    """
    Keep what is recorded in this block until its end, then write it chain by chain, in the order of the partners' pks.

    For a deed that goes on locking rows after it has logged something, or that logs for several partners: the ends of
    the chains are locked last and by everybody in one order, so that no two deeds wait for each other. Stands inside
    the transaction; a block within such a block adds nothing. When the block raises, nothing is written: so catch
    outside of it what rolls back.
    """
    if _waiting.get() is not None:
        yield
        return
    waiting: Waiting = []
    token = _waiting.set(waiting)
    try:
        yield
    finally:
        _waiting.reset(token)
    _append_all(waiting)


def _append_all(waiting: Waiting) -> None:
    chains: dict[int, tuple[Partner | None, list[AuditEntry]]] = {}
    for partner, entries in waiting:
        chains.setdefault(partner.pk if partner else 0, (partner, []))[1].extend(entries)
    for key in sorted(chains):
        partner, entries = chains[key]
        append(entries, partner=partner)


def record(
    *,
    deed: Deed,
    actor: Actor,
    partner: Partner | None,
    target: Target | None,
    now: datetime,
    result: str = Result.DONE,
    details: Mapping[str, object] | None = None,
) -> AuditEntry:
    """
    Add one entry to a chain, as the last thing an action does: the chain stays locked until its transaction ends.

    :param partner: whose chain; None is the platform's own
    :param target: the row the deed was done to; None where there is none, as for a sign-in that failed
    :param details: codes, counts and public ids; see `canonical_details`
    :raises TransactionManagementError: outside a transaction, where the deed could commit without its entry
    :raises PersonalValueError: when details look like an address or a number of a person
    """
    entry = _entry(_about(target, details), deed, actor, now, result)
    _append_or_wait([entry], partner)
    return entry


def record_many(
    *,
    deed: Deed,
    actor: Actor,
    partner: Partner | None,
    entries: Iterable[Entry],
    now: datetime,
    result: str = Result.DONE,
) -> int:
    """
    Add one entry per object to a chain, under one lock; returns how many. Else as record().

    :raises TransactionManagementError: outside a transaction
    :raises PersonalValueError: as record() does
    """
    rows = [_entry(about, deed, actor, now, result) for about in entries]
    _append_or_wait(rows, partner)
    return len(rows)


def _append_or_wait(entries: list[AuditEntry], partner: Partner | None) -> None:
    waiting = _waiting.get()
    if waiting is None:
        append(entries, partner=partner)
    else:
        waiting.append((partner, entries))


def append(entries: Sequence[E], *, partner: Partner | None) -> None:
    """
    Chain new entries of any log behind its head and store them.

    :raises TransactionManagementError: outside a transaction
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("the log is written in the transaction of the deed, or not at all")
    if not entries:
        return
    head = _locked_head(entries[0].head_model, partner)
    for entry in entries:
        entry.partner = partner
        entry.seq, entry.prev_hash = head.seq + 1, head.hash
        entry.hash = link(entry.prev_hash, entry.canonical_text())
        head.seq, head.hash = entry.seq, entry.hash
    type(entries[0]).objects.bulk_create(entries, batch_size=INSERTED_AT_ONCE)
    head.save(update_fields=["seq", "hash"])


def _locked_head(head_model: type[ChainHead], partner: Partner | None) -> ChainHead:
    """Lock the end of a chain: until this transaction ends nobody else can add to it."""
    heads = head_model.objects.select_for_update()
    head = heads.filter(partner=partner).first()
    if head is None:
        head_model.objects.bulk_create([head_model(partner=partner)], ignore_conflicts=True)
        head = heads.get(partner=partner)
    return head


def _entry(about: Entry, deed: Deed, actor: Actor, now: datetime, result: str) -> AuditEntry:
    return AuditEntry(
        occurred_at=now,
        deed=Deed(deed).value,
        actor_kind=actor.kind,
        actor_id=actor.public_id,
        actor_name=actor.name,
        object_kind=about.object_kind,
        object_id=about.object_id,
        result=Result(result).value,
        details=canonical_details(about.details),
        session_ref=actor.session_ref,
        ip=actor.ip,
        request_id=actor.request_id,
    )


def _about(target: Target | None, details: Mapping[str, object] | None) -> Entry:
    if target is None:
        return Entry("", "", details)
    return Entry(type(target).__name__.lower(), target.public_id, details)
