"""The triggers: what the app, its bugs and injected SQL cannot do to the log, on the database the suite runs on."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import F, ProtectedError
from django.db.utils import ProgrammingError

from partner_center.audit import actions as audit
from partner_center.audit.models import AuditEntry, AuditHead, Deed
from partner_center.audit.queries import logs
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Partner
from tests.audit.emptying import flush_empties_logs

pytestmark = pytest.mark.django_db

REFUSED = r"append-only|duplicate key"
COLUMNS = ", ".join(field.column for field in AuditEntry._meta.concrete_fields if field.column != "deed")
COPY = f"SELECT {COLUMNS}, 'forged' FROM audit_auditentry"

ON_BOTH = {
    "update": "UPDATE audit_auditentry SET deed = 'forged'",
    "update to the same": "UPDATE audit_auditentry SET deed = deed",
    "update one": "UPDATE audit_auditentry SET actor_name = 'Mallory' WHERE seq = 1",
    "delete": "DELETE FROM audit_auditentry",
    "delete newest": "DELETE FROM audit_auditentry WHERE seq = 2",
    "upsert": f"INSERT INTO audit_auditentry ({COLUMNS}, deed) {COPY} WHERE true"
    " ON CONFLICT (public_id) DO UPDATE SET deed = 'forged'",
    "insert twice": f"INSERT INTO audit_auditentry ({COLUMNS}, deed) {COPY}",
    "head deleted": "DELETE FROM audit_audithead",
    "head set back": "UPDATE audit_audithead SET seq = seq - 1",
    "head hash changed": "UPDATE audit_audithead SET hash = 'forged'",
    "head given away": "UPDATE audit_audithead SET partner_id = NULL, seq = seq + 1",
}
ON_SQLITE = {
    "replace": f"INSERT OR REPLACE INTO audit_auditentry ({COLUMNS}, deed) {COPY}",
    "replace by short name": f"REPLACE INTO audit_auditentry ({COLUMNS}, deed) {COPY}",
    "update or replace": "UPDATE OR REPLACE audit_auditentry SET seq = 1 WHERE seq = 2",
    "head replaced": "INSERT OR REPLACE INTO audit_audithead SELECT id, 0, 'forged', partner_id FROM audit_audithead",
}
ON_POSTGRESQL = {
    "truncate": "TRUNCATE audit_auditentry",
    "truncate heads": "TRUNCATE audit_audithead",
    "truncate cascade": "TRUNCATE tenancy_partner CASCADE",
}
STATEMENTS = {**ON_BOTH, **(ON_SQLITE if connection.vendor == "sqlite" else ON_POSTGRESQL)}


@pytest.fixture(autouse=True)
def entries(partner: Partner, actor: Actor, now: datetime) -> None:
    with transaction.atomic():
        for _ in range(2):
            audit.record(deed=Deed.LINK_COPIED, actor=actor, partner=partner, target=partner, now=now)
    connection.check_constraints()


@contextmanager
def unchanged() -> Iterator[None]:
    before = contents()
    with transaction.atomic():
        yield
    assert contents() == before


def contents() -> list[object]:
    return [list(model.objects.order_by("pk").values_list()) for model in (AuditEntry, AuditHead)]


def run(statement: str) -> None:
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute(statement)


@pytest.mark.parametrize("name", STATEMENTS)
def test_what_changes_the_log_is_refused(name: str) -> None:
    with unchanged(), pytest.raises(IntegrityError, match=REFUSED):
        run(STATEMENTS[name])


def test_the_orm_is_refused_too(partner: Partner) -> None:
    entry = AuditEntry.objects.first()
    ways = [
        lambda: AuditEntry.objects.update(deed=F("deed")),
        lambda: AuditEntry.objects.all().delete(),
        lambda: AuditEntry.objects.bulk_update([entry], ["deed"]),
        lambda: AuditHead.objects.all().delete(),
        entry.save,
        entry.delete,
    ]
    for way in ways:
        with unchanged(), pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            way()
    with unchanged(), pytest.raises(ProtectedError):
        partner.delete()


def test_the_log_goes_on(partner: Partner, actor: Actor, now: datetime) -> None:
    """What is refused is change, not use."""
    audit.record(deed=Deed.LINK_REVOKED, actor=actor, partner=partner, target=partner, now=now)
    assert AuditEntry.objects.count() == AuditHead.objects.get().seq == 3


def test_there_is_no_second_head_for_a_chain(partner: Partner) -> None:
    for owner in (partner, None, None):
        try:
            with transaction.atomic():
                AuditHead.objects.create(partner=owner)
        except IntegrityError:
            continue
    assert AuditHead.objects.filter(partner=partner).count() == 1
    assert AuditHead.objects.filter(partner=None).count() == 1


def test_no_sequence_number_is_used_twice(partner: Partner) -> None:
    """The constraints behind the lock, for a chain with a partner and for the one without."""
    AuditEntry.objects.create(seq=1, public_id="of the platform", occurred_at="2026-11-20T00:00:00Z", deed="forged")
    for owner, seq in ((partner, 2), (None, 1)):
        with pytest.raises(IntegrityError), transaction.atomic():
            AuditEntry.objects.create(
                partner=owner, seq=seq, public_id="copy", occurred_at="2026-11-20T00:00:00Z", deed="forged"
            )


if connection.vendor == "sqlite":

    def test_replace_is_refused_without_recursive_triggers() -> None:
        """The pragma of settings.py is one wall, the INSERT trigger another (reliability.md E4)."""
        run("PRAGMA recursive_triggers = OFF")
        try:
            with unchanged(), pytest.raises(IntegrityError, match="append-only"):
                run(ON_SQLITE["replace"])
        finally:
            run("PRAGMA recursive_triggers = ON")


@pytest.fixture
def app_role() -> Iterator[str]:
    """A role as production gives it to the web processes; it even owns every right but the tables themselves."""
    role = f"app_of_{connection.settings_dict['NAME']}"
    run(f"CREATE ROLE {role}")
    run(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}")
    run(f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}")
    run(f"SET ROLE {role}")
    yield role
    run("RESET ROLE")
    run(f"DROP OWNED BY {role}")
    run(f"DROP ROLE {role}")


@pytest.mark.postgres
@pytest.mark.parametrize(
    "statement",
    [
        *ON_BOTH.values(),
        *ON_POSTGRESQL.values(),
        "ALTER TABLE audit_auditentry DISABLE TRIGGER ALL",
        "ALTER TABLE audit_auditentry DISABLE TRIGGER audit_auditentry_update",
        "DROP TRIGGER audit_auditentry_update ON audit_auditentry",
        "ALTER TABLE audit_auditentry RENAME TO elsewhere",
        "DROP TABLE audit_auditentry",
        "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION refuse_change_of_log() RETURNS trigger LANGUAGE sql AS ''",
    ],
)
def test_the_role_of_the_app_has_no_way_round(app_role: str, statement: str) -> None:
    with unchanged(), pytest.raises((IntegrityError, ProgrammingError), match=rf"{REFUSED}|permission|must be owner"):
        run(statement)


@pytest.mark.postgres
def test_the_role_of_the_app_can_log(app_role: str, partner: Partner, actor: Actor, now: datetime) -> None:
    audit.record(deed=Deed.LINK_REVOKED, actor=actor, partner=partner, target=partner, now=now)
    assert AuditEntry.objects.count() == 3


@pytest.mark.postgres
def test_a_session_that_plays_a_replica_is_refused_too() -> None:
    run("SET LOCAL session_replication_role = replica")
    with unchanged(), pytest.raises(IntegrityError, match="append-only"):
        run(ON_BOTH["update"])


@pytest.mark.django_db(transaction=True)
def test_after_the_suite_emptied_the_log_it_is_guarded_again(partner: Partner) -> None:
    """The suite's own way round works inside its block only, and leaves the triggers on."""
    with flush_empties_logs():
        call_command("flush", interactive=False, verbosity=0)
    assert not AuditEntry.objects.exists()
    AuditEntry.objects.create(seq=1, public_id="new", occurred_at="2026-11-20T00:00:00Z", deed="forged")
    with unchanged(), pytest.raises(IntegrityError, match="append-only"):
        run(ON_BOTH["delete"])


def test_every_log_of_the_house_is_guarded() -> None:
    """A new log that forgot the operation in its migration, or lost its triggers to a rebuilt table, stands out."""
    catalogue = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'A'",
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(catalogue)
        present = {name for (name,) in cursor.fetchall()}
    third = "replace" if connection.vendor == "sqlite" else "truncate"
    for log in logs():
        for table in (log._meta.db_table, log.head_model._meta.db_table):
            assert {f"{table}_update", f"{table}_delete", f"{table}_{third}"} <= present
