"""manage.py import_account_facts FILE: synchronise the directory of accounts with what the vendor's systems know."""

from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers import actions
from customers.forms.fact_rows import BadFile, FactRows, read_json, read_table
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor


class Command(BaseCommand):
    help = (
        "Updates known accounts and creates new ones from a CSV, XLSX or JSON file: all rows, or none and the list of "
        "faults. Columns are the field names of Account; the same file twice changes nothing the second time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="facts.csv, facts.xlsx, or facts.json with a list of objects")

    def handle(self, *args: Any, file: Path, **options: Any) -> None:
        try:
            found = read(file)
            self._stop_at_faults(found)
            created, updated = actions.import_account_facts(
                rows=found.rows, actor=Actor.system("import_account_facts"), now=timezone.now()
            )
        except Refusal as refusal:
            raise CommandError(f"{refusal} {refusal.advice}") from None
        except OSError as fault:
            raise CommandError(f"{file}: {fault.strerror}") from None
        self.stdout.write(f"{created} created, {updated} updated, {len(found.rows) - created - updated} unchanged")

    def _stop_at_faults(self, found: FactRows) -> None:
        for fault in found.faults:
            self.stderr.write(str(fault))
        if found.faults:
            raise CommandError(f"Nothing was changed; faults: {len(found.faults)}")


def read(file: Path) -> FactRows:
    """
    Read a file by the ending of its name.

    :raises Refusal: when the file as a whole cannot be taken
    """
    if file.suffix.lower() != ".json":
        with file.open("rb") as stream:
            return read_table(File(stream, name=file.name))
    try:
        return read_json(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        raise BadFile(reason=_("It is not written in UTF-8.")) from None
