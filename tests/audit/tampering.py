"""What somebody who owns the database can do to a log, of deeds or another: the triggers are no obstacle to him."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.models import F

from partner_center.audit.append_only import install, remove
from partner_center.audit.chain import GENESIS, link
from partner_center.audit.models import AuditEntry, ChainedEntry
from partner_center.tenancy.models import Partner

FAR_AWAY = 1_000_000

Log = type[ChainedEntry]


@contextmanager
def triggers_off(log: Log = AuditEntry) -> Iterator[None]:
    """Take the triggers off for a while, as only the owner of the tables can."""
    # PostgreSQL changes no triggers while deferred foreign keys wait to be checked.
    connection.check_constraints()
    _run(remove, log)
    yield
    connection.check_constraints()
    _run(install, log)


def _run(write: object, log: Log) -> None:
    with connection.cursor() as cursor:
        for statement in write(connection.vendor, log._meta.db_table, log.head_model._meta.db_table):
            cursor.execute(statement)


def edit(partner: Partner, seq: int, *, log: Log = AuditEntry, **columns: object) -> None:
    with triggers_off(log):
        assert log.objects.filter(partner=partner, seq=seq).update(**columns) == 1


def forge(partner: Partner, seq: int, *, log: Log = AuditEntry, **columns: object) -> None:
    """Edit an entry and compute its hash anew, so that it is right in itself."""
    entry = log.objects.get(partner=partner, seq=seq)
    for name, value in columns.items():
        setattr(entry, name, value)
    edit(partner, seq, hash=link(entry.prev_hash, entry.canonical_text()), log=log, **columns)


def delete(partner: Partner, *seqs: int, log: Log = AuditEntry) -> None:
    with triggers_off(log):
        log.objects.filter(partner=partner, seq__in=seqs).delete()


def swap(partner: Partner, one: int, two: int, *, log: Log = AuditEntry) -> None:
    entries = log.objects.filter(partner=partner)
    with triggers_off(log):
        for old, new in ((one, FAR_AWAY), (two, one), (FAR_AWAY, two)):
            assert entries.filter(seq=old).update(seq=new) == 1


def insert(partner: Partner, seq: int, *, log: Log = AuditEntry) -> None:
    """Put a forged copy of the entry before it at a place, well linked, and move all others one up."""
    entries = log.objects.filter(partner=partner)
    forged = entries.filter(seq=seq - 1).get()
    with triggers_off(log):
        entries.filter(seq__gte=seq).update(seq=F("seq") + FAR_AWAY)
        entries.filter(seq__gte=FAR_AWAY).update(seq=F("seq") - FAR_AWAY + 1)
        forged.pk, forged.public_id, forged.seq = None, "forged", seq
        forged.prev_hash = forged.hash
        forged.hash = link(forged.prev_hash, forged.canonical_text())
        forged.save()


def rewrite(partner: Partner, seq: int, *, log: Log = AuditEntry, **columns: object) -> None:
    """Change an entry and make everything behind it fit again, the head too: the perfect crime inside the database."""
    with triggers_off(log):
        log.objects.filter(partner=partner, seq=seq).update(**columns)
        digest = GENESIS
        for entry in log.objects.filter(partner=partner).order_by("seq"):
            entry.prev_hash, entry.hash = digest, link(digest, entry.canonical_text())
            entry.save(update_fields=["prev_hash", "hash"])
            digest = entry.hash
        log.head_model.objects.filter(partner=partner).update(hash=digest)


def forget_newest(partner: Partner, count: int, *, log: Log = AuditEntry) -> None:
    """Delete the newest entries and set the head back to where it was before them."""
    with triggers_off(log):
        head = log.head_model.objects.get(partner=partner)
        log.objects.filter(partner=partner, seq__gt=head.seq - count).delete()
        last = log.objects.filter(partner=partner).order_by("-seq").first()
        log.head_model.objects.filter(pk=head.pk).update(seq=last.seq, hash=last.hash)
