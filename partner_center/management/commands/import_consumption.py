"""manage.py import_consumption FILE: book what orders have used of coupons, as the vendor's billing lists it."""

from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from partner_center.refusals import Refusal, Text
from partner_center.tenancy.actors import Actor
from vouchers.actions.consuming import ImportReport, import_consumption
from vouchers.forms.consumption_rows import read_consumption
from vouchers.rules import words


class Command(BaseCommand):
    help = (
        "Books consumption and refunds from a CSV or XLSX file with the columns coupon_number, kind (consume or "
        "refund), amount, order_id and time: all rows, or none and the list of faults. The same file twice changes "
        "nothing the second time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, help="consumption.csv or consumption.xlsx")
        parser.add_argument("--skip-faulty", action="store_true", help="book the good rows although others are refused")

    def handle(self, *args: Any, file: Path, skip_faulty: bool, **options: Any) -> None:
        report, unread = book(file, skips_refused=skip_faulty)
        faults = sorted(
            [*unread, *((number, words(reason)) for number, reason in report.refused)], key=lambda each: each[0]
        )
        for number, why in faults:
            self.stderr.write(f"row {number}: {why}")
        told = f"{report.applied} booked, {report.unchanged} unchanged, {len(faults)} refused"
        if not report.is_written:
            raise CommandError(f"Nothing was changed; faults: {len(faults)}")
        if faults:
            raise CommandError(told)
        self.stdout.write(told)


def book(file: Path, *, skips_refused: bool) -> tuple[ImportReport, list[tuple[int, Text]]]:
    """
    Read a file and import it; returns what became of its rows, and those that could not be read.

    :raises CommandError: when the file as a whole cannot be taken
    """
    now = timezone.now()
    try:
        with file.open("rb") as stream:
            found = read_consumption(File(stream, name=file.name), now=now)
    except Refusal as refusal:
        raise CommandError(f"{refusal} {refusal.advice}") from None
    except OSError as fault:
        raise CommandError(f"{file}: {fault.strerror}") from None
    report = import_consumption(
        found.rows,
        is_whole=not found.faults,
        skips_refused=skips_refused,
        actor=Actor.system("import_consumption"),
        now=now,
    )
    return report, found.faults
