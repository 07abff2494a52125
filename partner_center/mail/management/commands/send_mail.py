"""Run one sender as a process of its own: the clockwork of large sites, and of sites without Celery."""

import signal
from threading import Event
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from partner_center.mail.claims import recover
from partner_center.mail.config import mail_config
from partner_center.mail.sending import send_until

POLL = 1
RECOVER_EVERY = 10


class Command(BaseCommand):
    help = "Send due mail until stopped; the mail in flight is finished first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="stop when nothing is due")

    def handle(self, *args: Any, **options: Any) -> None:
        stopped = Event()

        def stop(_signal: int, _frame: FrameType | None) -> None:
            stopped.set()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        self._work(stopped, once=options["once"])

    def _work(self, stopped: Event, *, once: bool) -> None:
        scaled = mail_config().scaled
        next_recovery = timezone.now().timestamp()
        while not stopped.is_set():
            if timezone.now().timestamp() >= next_recovery:
                recover(at=timezone.now())
                next_recovery += scaled(RECOVER_EVERY)
            send_until(stopped, clock=timezone.now)
            if once:
                return
            stopped.wait(scaled(POLL))
