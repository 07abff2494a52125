"""A worker whose main loop hangs ends, so that somebody starts another; one that works goes on."""

import sys
import time
from collections.abc import Iterator

import pytest
from celery import Celery
from django.conf import settings

from partner_center.celery import GAVE_UP
from partner_center.management.stack.children import Child

COMMAND = [sys.executable, "-m", "celery", "--app", "tests.platform.standing_worker", "worker", "--concurrency", "1"]


@pytest.fixture
def worker(valkey: str) -> Iterator[Child]:
    variables = {"REDIS_URL": valkey, "DJANGO_SETTINGS_MODULE": "partner_center.settings", "PYTHONWARNINGS": "ignore"}
    child = Child("worker", COMMAND, folder=settings.BASE_DIR, environment=variables)
    yield child
    child.stop(grace=10)


def waited(seconds: float, worker: Child) -> bool:
    """Wait until the worker has ended; returns whether it has."""
    deadline = time.monotonic() + seconds
    while worker.is_running and time.monotonic() < deadline:
        time.sleep(0.05)
    return not worker.is_running


def test_worker_that_stands_still_ends(worker: Child) -> None:
    worker.environment["STANDS_STILL"] = "yes"
    worker.start()
    assert waited(60, worker), "the worker hangs for good"
    assert worker.note_death() == GAVE_UP


def test_worker_that_works_goes_on(worker: Child, valkey: str) -> None:
    worker.start()
    with Celery("asking", broker=valkey) as app:
        deadline = time.monotonic() + 60
        while not app.control.ping(timeout=1):
            assert time.monotonic() < deadline, "the worker never answered"
        assert not waited(6, worker), "twice its patience has passed, and it was working"
        assert app.control.ping(timeout=5)
