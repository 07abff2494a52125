"""A sender's signs of life: written each 5 s, so that a kill costs 30 s and not a whole lease."""

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from django.db import DatabaseError, connection
from django.db.models.functions import Now

from partner_center.mail.config import mail_config
from partner_center.mail.models import SenderHeartbeat, from_now

INTERVAL = 5
LIVE = 30


def new_owner() -> str:
    """Name a sender so that no other run, process or host has the same name."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(8)}"


def live_senders() -> int:
    return SenderHeartbeat.objects.filter(beat_at__gt=from_now(-LIVE)).count()


def beat(owner: str) -> None:
    """Sign on, or show that one is still there; also before each claim, in case the row was cleared away meanwhile."""
    if not _beat_again(owner):
        SenderHeartbeat.objects.create(owner=owner)


def _beat_again(owner: str) -> bool:
    return SenderHeartbeat.objects.filter(owner=owner).update(beat_at=Now()) == 1


@contextmanager
def beating(owner: str) -> Iterator[None]:
    """Be alive in the database while the block runs; the first beat stands before the block begins."""
    beat(owner)
    stopped = Event()
    thread = Thread(target=_beat_until, args=(stopped, owner), name="mail-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
        SenderHeartbeat.objects.filter(owner=owner).delete()


def _beat_until(stopped: Event, owner: str) -> None:
    """
    Beat on a connection of this thread; a beat that fails is tried again at the next turn.

    It never signs on: where the sender's own row is not committed yet, that would wait for the sender, which waits for
    this thread.
    """
    try:
        while not stopped.wait(mail_config().scaled(INTERVAL)):
            try:
                _beat_again(owner)
            except DatabaseError:
                connection.close()
    finally:
        connection.close()
