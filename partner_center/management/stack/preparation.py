"""What must be true before the first request: tables, translations, static files, a demo."""

import hashlib
import io
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command, get_commands
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from partner_center.management.translations import compile_catalogues


def migrate() -> None:
    """Bring the tables up to date; costs one query where they are."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0, interactive=False)


def compile_translations() -> None:
    compile_catalogues()


def collect_static_files() -> None:
    """Collect, compress and fingerprint the static files when one of them changed."""
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    mark = _mark_of_static_files()
    if stamp.exists() and stamp.read_text() == mark:
        return
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    stamp.write_text(mark)


def _mark_of_static_files() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def seed_demo() -> str:
    """
    Fill an empty installation with the demo and return what it printed: the logins.

    `seed_demo` is idempotent; where its rows stand already it only prints.
    """
    if "seed_demo" not in get_commands():
        return ""
    printed = io.StringIO()
    call_command("seed_demo", stdout=printed)
    return printed.getvalue()
