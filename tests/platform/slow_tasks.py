"""A Celery app of the product's own settings with one slow task, for the test of stopping in the middle."""

import os
import time
from pathlib import Path

from celery import Celery

app = Celery("slow")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = {}
# What a killed worker held comes back after this many seconds; the product waits five minutes.
app.conf.broker_transport_options = {
    **app.conf.broker_transport_options,
    "visibility_timeout": 3,
    "unacked_restore_interval": 1,
}


@app.task(name="slow.note")
def note(number: int) -> None:
    """Take a while, then write the number down."""
    time.sleep(0.3)
    with Path(os.environ["SLOW_NOTES"]).open("a") as file:
        file.write(f"{number}\n")
