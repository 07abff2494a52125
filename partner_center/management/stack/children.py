"""A child process of the stack: its command, how it is started, and how it is ended."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from partner_center.management.stack import broker

LONGEST_PAUSE = 30.0  # seconds between two starts of a child that keeps dying
QUIET_LIFE = 60.0  # seconds after which an earlier death is forgotten
SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


class Child:
    """One process of the stack, in a session of its own: a Ctrl-C of the terminal reaches only the supervisor."""

    def __init__(
        self,
        name: str,
        command: list[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        is_ready: Callable[[], bool] | None = None,
    ) -> None:
        self.name = name
        self.command = command
        self.folder = folder
        self.environment = dict(environment)
        self.is_ready = is_ready
        self.deaths = 0
        self.restart_at = 0.0
        self._started_at = 0.0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._started_at = time.monotonic()
        self._process = subprocess.Popen(  # noqa: S603 - our own commands
            self.command,
            cwd=self.folder,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads here
        )

    @property
    def process_id(self) -> int:
        return self._process.pid if self._process else 0

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def note_death(self) -> int | None:
        """Plan the next start after a growing pause; returns the exit code."""
        assert self._process is not None  # noqa: S101 - only what was started can die
        self._end_group()
        if time.monotonic() - self._started_at > QUIET_LIFE:
            self.deaths = 0
        self.deaths += 1
        self.restart_at = time.monotonic() + min(2.0 ** (self.deaths - 1), LONGEST_PAUSE)
        code = self._process.returncode
        self._process = None
        return code

    def stop(self, *, grace: float) -> bool:
        """Ask it to end; after `grace` seconds end its whole group. Returns whether it went by itself."""
        if self._process is None:
            return True
        self._process.terminate()
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._end_group()
            self._process.wait()
            return False
        self._end_group()
        return True

    def _end_group(self) -> None:
        """End what its processes left behind: the group is the child's own, made by `start_new_session`."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process_id, signal.SIGKILL)


def _end_with_parent() -> None:
    """Have the kernel send SIGTERM when the supervisor is killed, so that nothing runs on unattended (Linux)."""
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)


def embedded_broker(server: Path, state: Path, base: Path) -> Child:
    folder = state / "broker"
    return Child(
        "broker",
        broker.command_of(server, folder),
        folder=base,
        environment={},
        is_ready=lambda: broker.answers(broker.url_of(folder)),
    )


def worker(base: Path, environment: Mapping[str, str], *, processes: int) -> Child:
    options = ["--concurrency", str(processes), "--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
    return Child("worker", [*_celery(), "worker", *options], folder=base, environment=environment)


def beat(base: Path, environment: Mapping[str, str], *, state: Path) -> Child:
    # When each bell rang last is worth nothing after a restart: every bell rings again at once.
    options = ["--schedule", str(state / "beat-schedule"), "--pidfile", "", "--loglevel", "WARNING"]
    return Child("beat", [*_celery(), "beat", *options], folder=base, environment=environment)


def _celery() -> list[str]:
    return [sys.executable, "-m", "celery", "--app", "partner_center.celery", "--quiet"]


def web(base: Path, environment: Mapping[str, str], *, address: str, workers: int) -> Child:
    command = [sys.executable, "-m", "gunicorn", "partner_center.wsgi:application", "--bind", address]
    command += ["--worker-class", "gthread", "--workers", str(workers), "--threads", "4"]
    # Loaded once and then forked: the first page comes a second earlier; nothing connects while loading.
    command += ["--preload"]
    # Requests in flight get 25 of the 30 seconds that the supervisor waits.
    command += ["--graceful-timeout", "25", "--timeout", "60", "--no-control-socket", "--log-level", "warning"]
    return Child("web", command, folder=base, environment=environment)
