"""`manage.py stack` with the demo in it, on a free port and a state folder of its own, as `make run` starts it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import ROOT

SECONDS_TO_START = 180
SECONDS_TO_STOP = 130


class DemoStack:
    """Broker, worker, beat and web server of one test, and a door into their database."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.log = folder / "stack.log"
        # One process each: the machine that tests has few cores, and nothing here measures speed.
        own = {"STATE_DIR": str(folder / "state"), "DATABASE_URL": "", "WEB_WORKERS": "1", "WORKER_PROCESSES": "1"}
        self.environment = {**os.environ, **own}
        command = [sys.executable, "manage.py", "stack", "--seed", "--port", str(self.port)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while "is ready" not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()[-4000:]
            assert time.monotonic() < deadline, "the stack did not start in time"
            time.sleep(0.1)

    def run_in_shell(self, *lines: str) -> str:
        """Run Python beside the stack, on its database; gives what it printed."""
        return self.run_command("shell", "--verbosity", "0", "--command", "\n".join(lines))

    def run_command(self, *arguments: str) -> str:
        """Run a command of manage.py beside the stack, as an operator does; gives what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        answer = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(SECONDS_TO_STOP)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def demo_stack(folder: Path) -> Iterator[DemoStack]:
    stack = DemoStack(folder)
    try:
        stack.wait_until_ready()
        yield stack
    finally:
        stack.stop()
