"""The alarm clock: Celery rings, tasks claim due rows. No request and no action ever calls the broker."""

import logging
import os
import threading
import time
from typing import Any

from celery import Celery, bootsteps
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partner_center.settings")

# Longer than a frozen broker and the retries of its sockets; shorter than anybody's patience with mail that stands.
PATIENCE = 90.0  # seconds
TICK = 1.0
GAVE_UP = 70  # EX_SOFTWARE

log = logging.getLogger(__name__)
app = Celery("partner_center")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_options: Any) -> None:
    """Leave logging as settings.LOGGING describes it: one shape in web, worker and beat."""


class LoopWatch(bootsteps.StartStopStep):
    """
    Ends a worker whose main loop stands still, so that its supervisor starts another.

    Celery was seen to hang for good while it stopped: a process of its pool had been killed in the moment the broker
    came back. A worker that hangs looks alive from outside, and all mail waits for it.
    """

    requires = {"celery.worker.components:Timer"}

    def start(self, parent: Any) -> None:
        self.ticked_at = time.monotonic()
        parent.timer.call_repeatedly(TICK, self._tick)
        threading.Thread(target=self._watch, name="loop-watch", daemon=True).start()

    def _tick(self) -> None:
        self.ticked_at = time.monotonic()

    def _watch(self) -> None:
        while time.monotonic() - self.ticked_at < PATIENCE:
            time.sleep(TICK)
        log.critical("the worker has stood still for %d s and ends", PATIENCE)
        # What hangs would hang in an orderly exit too.
        os._exit(GAVE_UP)


app.steps["worker"].add(LoopWatch)
