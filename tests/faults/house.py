"""
A whole installation of real processes: broker, worker, beat, web and a mail server, to be killed one by one.

Nothing is ever killed but what was started here, and what that has started.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

from django.conf import settings

from partner_center.mail.models import SenderHeartbeat
from partner_center.management.stack import broker, children
from partner_center.management.stack.children import Child
from tests.processes import environment_of_child
from tests.run import free_port

WORKERS = 2


def await_that(condition: Callable[[], object], *, seconds: float, what: str) -> None:
    """Look again and again until the condition holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)


class Broker:
    """A broker of the real kind that keeps nothing on the disk: a kill loses all it holds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = broker.command_of(broker.find_server(), self.folder)
        command[command.index("--appendonly") + 1] = "no"
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        await_that(lambda: broker.answers(broker.url_of(self.folder)), seconds=10, what="the broker answers")

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self.process is not None
        self.process.wait()


class House:
    """The processes of an installation on the database of the test."""

    def __init__(self, folder: Path, *, mail_time_scale: float) -> None:
        self.journal = folder / "journal"
        self.journal.touch()
        self.broker = Broker(folder / "broker")
        self.mail_server = self._start_mail_server()
        port = self.mail_server.stdout.readline().strip()  # type: ignore[union-attr]
        self.environment = environment_of_child(
            DJANGO_SETTINGS_MODULE="tests.faults.settings",
            FAULTS_MAIL_TIME_SCALE=str(mail_time_scale),
            EMAIL_URL=f"smtp://127.0.0.1:{port}",
            REDIS_URL=broker.url_of(folder / "broker"),
            PYTHONWARNINGS="ignore",
        )
        self.port = free_port()
        address = f"127.0.0.1:{self.port}"
        base = settings.BASE_DIR
        self.worker = children.worker(base, self.environment, processes=WORKERS)
        self.beat = children.beat(base, self.environment, state=folder)
        self.web = children.web(base, self.environment, address=address, workers=2)
        # A worker that loses its broker may give up: as in every installation, something starts it again.
        self.ends = Event()
        self.minder = Thread(target=self._mind, name="supervisor")

    def _start_mail_server(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.mail.sink", str(self.journal)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        return subprocess.Popen(command, cwd=settings.BASE_DIR, text=True, start_new_session=True, **pipes)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.broker.start()
        for child in (self.worker, self.beat, self.web):
            child.start()
        self.minder.start()

    def stop(self) -> None:
        self.ends.set()
        self.minder.join()
        for child in (self.web, self.beat, self.worker):
            child.stop(grace=20)
        if self.broker.process is not None and self.broker.process.poll() is None:
            self.broker.signal(signal.SIGCONT)
            self.broker.kill()
        self.mail_server.stdin.close()  # type: ignore[union-attr]
        self.mail_server.wait(10)

    def _mind(self) -> None:
        """Start again whatever has died, as the supervisor does, without its pauses."""
        while not self.ends.wait(0.05):
            for child in (self.worker, self.beat, self.web):
                if not child.is_running:
                    child.note_death()
                    child.start()

    # --- what has arrived ---

    def arrived(self) -> int:
        """Count the mails that the mail server has taken, copies included."""
        return self.journal.read_bytes().count(b"\n")

    def copies(self) -> Counter[str]:
        """Count the copies of each Message-ID that the mail server has taken."""
        return Counter(self.journal.read_text().split())

    # --- killing ---

    def kill(self, victim: str) -> str:
        """Kill the process that sends, a pool process, the worker's main process, its whole group, or beat."""
        if victim == "sender":
            return self._kill_sender()
        child = self.beat if victim == "beat" else self.worker
        await_that(lambda: child.process_id, seconds=10, what=f"the {victim} runs")
        dead = child.process_id
        # It may die by itself in the same moment, and what it has forked goes on for a moment without it.
        with suppress(ProcessLookupError):
            (os.killpg if victim == "group" else os.kill)(dead, signal.SIGKILL)
        await_that(lambda: child.process_id not in {0, dead}, seconds=10, what=f"the {victim} is started again")
        return victim

    def _kill_sender(self) -> str:
        """Kill who sends at this moment; when nobody does, kill any process of the pool."""
        pool = pool_of(self.worker)
        owners = SenderHeartbeat.objects.values_list("owner", flat=True)
        senders = [int(owner.split(":")[1]) for owner in owners]
        mine = [process for process in pool if process in senders] or pool
        if not mine:
            return self.kill("group")
        os.kill(mine[0], signal.SIGKILL)
        return "sender" if mine[0] in senders else "pool"


def pool_of(worker: Child) -> list[int]:
    """Name the processes that the worker has forked."""
    main = worker.process_id
    try:
        return [int(pid) for pid in Path(f"/proc/{main}/task/{main}/children").read_text().split()]
    except FileNotFoundError:
        return []


@contextmanager
def house(folder: Path, *, mail_time_scale: float = 1.0) -> Iterator[House]:
    """Run an installation as long as the block lasts."""
    made = House(folder, mail_time_scale=mail_time_scale)
    try:
        made.start()
        yield made
    finally:
        made.stop()
