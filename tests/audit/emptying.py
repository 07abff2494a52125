"""
Lets the test suite empty the logs between tests.

Transactional tests end with a flush, and the triggers of append_only.py have no switch, on purpose. So the flush takes
them off and puts them on again in its own transaction. It stands in the tests, where production cannot reach it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from django.db.backends.base.operations import BaseDatabaseOperations

from partner_center.audit.append_only import allow_changes, forbid_changes, install, remove
from partner_center.audit.queries import logs

# Append-only tables without a chain, and their unique columns.
TABLES = {"vouchers_ledgerentry": ("operation_id",)}


@contextmanager
def flush_empties_logs() -> Iterator[None]:
    """Make every flush inside this block able to empty append-only tables."""
    flush = BaseDatabaseOperations.execute_sql_flush

    def flush_without_triggers(self: BaseDatabaseOperations, sql_list: list[str]) -> None:
        vendor = self.connection.vendor
        off = [statement for table in TABLES for statement in allow_changes(vendor, table)]
        on = [statement for table, unique in TABLES.items() for statement in forbid_changes(vendor, table, unique)]
        flush(self, [*_statements(self, remove), *off, *sql_list, *on, *_statements(self, install)])

    with mock.patch.object(BaseDatabaseOperations, "execute_sql_flush", flush_without_triggers):
        yield


def _statements(operations: BaseDatabaseOperations, write: object) -> Iterator[str]:
    for log in logs():
        yield from write(operations.connection.vendor, log._meta.db_table, log.head_model._meta.db_table)
