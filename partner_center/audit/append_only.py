"""
Triggers that make a log append-only on both databases: a migration operation.

They stop the app, its bugs and injected SQL. On PostgreSQL only the owner of the table can take them away, so
production gives the web processes a role of their own with SELECT and INSERT on entries. On SQLite whoever may write
the file may do anything: there the chain and the anchors tell, nothing stops.

There is no switch that lets a change through, in no session and no setting. Tests that must empty the tables take the
triggers away and put them back (tests/audit/emptying.py).
"""

from collections.abc import Callable, Iterator

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


def install(vendor: str, entries: str, heads: str) -> Iterator[str]:
    """Write the statements that put the triggers on; they replace triggers of an earlier time."""
    yield from remove(vendor, entries, heads)
    yield from _INSTALL[vendor](entries, heads)


def remove(vendor: str, entries: str, heads: str) -> Iterator[str]:
    """Write the statements that take the triggers off."""
    for table in (entries, heads):
        for trigger in ("update", "delete", "truncate" if vendor == "postgresql" else "replace"):
            where = f" ON {table}" if vendor == "postgresql" else ""
            yield f"DROP TRIGGER IF EXISTS {table}_{trigger}{where}"


def forbid_changes(vendor: str, table: str, unique: tuple[str, ...]) -> Iterator[str]:
    """Write the statements that make a table without a chain append-only, such as a ledger."""
    yield from allow_changes(vendor, table)
    if vendor == "postgresql":
        yield _REFUSE_ON_POSTGRESQL
        for event, level in (("update", "ROW"), ("delete", "ROW"), ("truncate", "STATEMENT")):
            yield from _trigger_on_postgresql(table, event, level, "")
    else:
        same = " OR ".join(f"{column} = NEW.{column}" for column in ("id", *unique))
        yield from _triggers_on_sqlite(table, "", same)


def allow_changes(vendor: str, table: str) -> Iterator[str]:
    """Write the statements that take those triggers off."""
    for trigger in ("update", "delete", "truncate" if vendor == "postgresql" else "replace"):
        yield f"DROP TRIGGER IF EXISTS {table}_{trigger}{f' ON {table}' if vendor == 'postgresql' else ''}"


# restrict_violation reaches Django as an IntegrityError, as SQLite's RAISE(ABORT) does.
_REFUSE_ON_POSTGRESQL = """
    CREATE OR REPLACE FUNCTION refuse_change_of_log() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the log is append-only' USING ERRCODE = 'restrict_violation'; END $$
"""


def _trigger_on_postgresql(table: str, event: str, level: str, when: str) -> Iterator[str]:
    yield (
        f"CREATE TRIGGER {table}_{event} BEFORE {event} ON {table}"
        f" FOR EACH {level} {when} EXECUTE FUNCTION refuse_change_of_log()"
    )
    # ALWAYS: also in a session that plays a replica (session_replication_role).
    yield f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_{event}"


def _install_on_postgresql(entries: str, heads: str) -> Iterator[str]:
    yield _REFUSE_ON_POSTGRESQL
    backwards = "WHEN (NEW.seq <= OLD.seq OR NEW.partner_id IS DISTINCT FROM OLD.partner_id)"
    for table, condition in ((entries, ""), (heads, backwards)):
        yield from _trigger_on_postgresql(table, "update", "ROW", condition)
        yield from _trigger_on_postgresql(table, "delete", "ROW", "")
        yield from _trigger_on_postgresql(table, "truncate", "STATEMENT", "")


def _install_on_sqlite(entries: str, heads: str) -> Iterator[str]:
    backwards = "WHEN NEW.seq <= OLD.seq OR NEW.partner_id IS NOT OLD.partner_id"
    # INSERT OR REPLACE deletes without asking the DELETE trigger where recursive_triggers is off (reliability.md E4).
    same_entry = "id = NEW.id OR public_id = NEW.public_id OR (partner_id IS NEW.partner_id AND seq = NEW.seq)"
    same_head = "id = NEW.id OR partner_id IS NEW.partner_id"
    yield from _triggers_on_sqlite(entries, "", same_entry)
    yield from _triggers_on_sqlite(heads, backwards, same_head)


def _triggers_on_sqlite(table: str, condition: str, same: str) -> Iterator[str]:
    for name, event, when in (
        ("update", "UPDATE", condition),
        ("delete", "DELETE", ""),
        ("replace", "INSERT", f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"),  # noqa: S608 - constants
    ):
        yield (
            f"CREATE TRIGGER {table}_{name} BEFORE {event} ON {table} {when}"
            " BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END"
        )


_INSTALL: dict[str, Callable[[str, str], Iterator[str]]] = {
    "postgresql": _install_on_postgresql,
    "sqlite": _install_on_sqlite,
}


class AppendOnly(Operation):
    """
    Refuse every change of a log's entries and every step backwards of its heads; both are named by their tables.

    SQLite loses triggers when a later migration rebuilds a table: repeat this operation after it.
    """

    reversible = True
    reduces_to_sql = True

    def __init__(self, entries: str, heads: str) -> None:
        self.entries = entries
        self.heads = heads

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Triggers are no part of a model's state."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for statement in install(schema_editor.connection.vendor, self.entries, self.heads):
            schema_editor.execute(statement, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for statement in remove(schema_editor.connection.vendor, self.entries, self.heads):
            schema_editor.execute(statement, params=None)

    def describe(self) -> str:
        return f"Make {self.entries} append-only"


class NeverChanged(Operation):
    """
    Refuse every change and removal of rows of a table that is no chain; repeat it when SQLite has rebuilt the table.

    :param table: its name in the database
    :param unique: columns that tell a row apart besides its id
    """

    reversible = True
    reduces_to_sql = True

    def __init__(self, table: str, unique: tuple[str, ...] = ()) -> None:
        self.table = table
        self.unique = unique

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Triggers are no part of a model's state."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for statement in forbid_changes(schema_editor.connection.vendor, self.table, self.unique):
            schema_editor.execute(statement, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for statement in allow_changes(schema_editor.connection.vendor, self.table):
            schema_editor.execute(statement, params=None)

    def describe(self) -> str:
        return f"Make {self.table} append-only"
