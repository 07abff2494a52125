"""What somebody who owns the database can do to a log: the triggers are no obstacle to him."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.models import F

from partner_center.audit.append_only import install, remove
from partner_center.audit.chain import GENESIS, link
from partner_center.audit.models import AuditEntry, AuditHead
from partner_center.tenancy.models import Partner

FAR_AWAY = 1_000_000


@contextmanager
def triggers_off() -> Iterator[None]:
    """Take the triggers off for a while, as only the owner of the tables can."""
    # PostgreSQL changes no triggers while deferred foreign keys wait to be checked.
    connection.check_constraints()
    _run(remove)
    yield
    connection.check_constraints()
    _run(install)


def _run(write: object) -> None:
    with connection.cursor() as cursor:
        for statement in write(connection.vendor, "audit_auditentry", "audit_audithead"):
            cursor.execute(statement)


def edit(partner: Partner, seq: int, **columns: object) -> None:
    with triggers_off():
        assert AuditEntry.objects.filter(partner=partner, seq=seq).update(**columns) == 1


def forge(partner: Partner, seq: int, **columns: object) -> None:
    """Edit an entry and compute its hash anew, so that it is right in itself."""
    entry = AuditEntry.objects.get(partner=partner, seq=seq)
    for name, value in columns.items():
        setattr(entry, name, value)
    edit(partner, seq, hash=link(entry.prev_hash, entry.canonical_text()), **columns)


def delete(partner: Partner, *seqs: int) -> None:
    with triggers_off():
        AuditEntry.objects.filter(partner=partner, seq__in=seqs).delete()


def swap(partner: Partner, one: int, two: int) -> None:
    entries = AuditEntry.objects.filter(partner=partner)
    with triggers_off():
        for old, new in ((one, FAR_AWAY), (two, one), (FAR_AWAY, two)):
            assert entries.filter(seq=old).update(seq=new) == 1


def insert(partner: Partner, seq: int) -> None:
    """Put a forged copy of the entry before it at a place, well linked, and move all others one up."""
    entries = AuditEntry.objects.filter(partner=partner)
    forged = entries.filter(seq=seq - 1).get()
    with triggers_off():
        entries.filter(seq__gte=seq).update(seq=F("seq") + FAR_AWAY)
        entries.filter(seq__gte=FAR_AWAY).update(seq=F("seq") - FAR_AWAY + 1)
        forged.pk, forged.public_id, forged.seq = None, "forged", seq
        forged.prev_hash = forged.hash
        forged.hash = link(forged.prev_hash, forged.canonical_text())
        forged.save()


def rewrite(partner: Partner, seq: int, **columns: object) -> None:
    """Change an entry and make everything behind it fit again, the head too: the perfect crime inside the database."""
    with triggers_off():
        AuditEntry.objects.filter(partner=partner, seq=seq).update(**columns)
        digest = GENESIS
        for entry in AuditEntry.objects.filter(partner=partner).order_by("seq"):
            entry.prev_hash, entry.hash = digest, link(digest, entry.canonical_text())
            entry.save(update_fields=["prev_hash", "hash"])
            digest = entry.hash
        AuditHead.objects.filter(partner=partner).update(hash=digest)


def forget_newest(partner: Partner, count: int) -> None:
    """Delete the newest entries and set the head back to where it was before them."""
    with triggers_off():
        head = AuditHead.objects.get(partner=partner)
        AuditEntry.objects.filter(partner=partner, seq__gt=head.seq - count).delete()
        last = AuditEntry.objects.filter(partner=partner).order_by("-seq").first()
        AuditHead.objects.filter(pk=head.pk).update(seq=last.seq, hash=last.hash)
