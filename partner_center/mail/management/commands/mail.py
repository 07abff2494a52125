"""Hold the outbox back, or let it go again: after the restore of an old backup, or while a mail server is moved."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from partner_center.mail.actions import hold_all, release_all


class Command(BaseCommand):
    help = "Hold all mail that has not begun to go out, or release what is on hold."

    def add_arguments(self, parser: CommandParser) -> None:
        deeds = parser.add_subparsers(dest="deed", required=True)
        hold = deeds.add_parser("hold", help="stop all mail that has not begun to go out")
        hold.add_argument("--before", metavar="TIME", help="only what was written before this ISO-8601 time")
        deeds.add_parser("release", help="let the mail on hold go out")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["deed"] == "hold":
            held = hold_all(before=_moment(options["before"]) if options["before"] else None)
            self.stdout.write(f"{held} mails are on hold now; `mail release` lets them go.")
        else:
            self.stdout.write(f"{release_all()} mails go out now.")


def _moment(text: str) -> datetime:
    """
    Read a time; one without an offset is in UTC.

    :raises CommandError: for what is no time
    """
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(f"{text!r} is no time; write it like 2026-03-01T12:00:00+08:00.")
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment, timezone.get_fixed_timezone(0))
