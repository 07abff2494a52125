"""Ten thousand mails while senders are killed: none lost, none silently doubled (reliability.md 1.3, T1.1 and T1.2)."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone

from partner_center.mail.actions import enqueue_many
from partner_center.mail.kinds import OutboxKey
from partner_center.mail.models import MailOutbox, SenderHeartbeat
from tests.faults.mail_kinds import register_kinds

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

MAILS = 10_000
SENDERS = 4
KILLS = 20
PATIENCE = 600
Say = Callable[[str], None]


@dataclass
class Senders:
    """Real sender processes; who dies is replaced, as a supervisor would."""

    environment: dict[str, str]
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    kills: int = 0

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.faults.mail_sender"]
        self.running.append(subprocess.Popen(command, env=self.environment, start_new_session=True))

    def kill_one_at_work(self, chance: random.Random) -> None:
        """Kill a sender that has mail in hand; one that is still starting would be too easy."""
        at_work = {int(owner.split(":")[1]) for owner in SenderHeartbeat.objects.values_list("owner", flat=True)}
        victims = [process for process in self.running if process.pid in at_work]
        if not victims:
            return
        victim = chance.choice(victims)
        self.running.remove(victim)
        os.kill(victim.pid, signal.SIGKILL)
        assert victim.wait(10) == -signal.SIGKILL
        self.kills += 1
        self.start()

    def stop(self) -> None:
        for process in self.running:
            process.terminate()
        assert [process.wait(30) for process in self.running] == [0] * len(self.running)


@pytest.fixture(scope="module", autouse=True)
def kinds() -> Iterator[None]:
    from partner_center.mail import kinds

    before = dict(kinds._kinds)
    register_kinds(lambda _keys: {})
    yield
    kinds._kinds.clear()
    kinds._kinds.update(before)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Write figures where they are seen even when the test passes."""

    def write(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{line}")

    return write


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "message-ids"


@pytest.fixture
def senders(journal: Path) -> Iterator[Senders]:
    """Run a mail server that notes each Message-ID before it says 250, and four senders."""
    command = [sys.executable, "-m", "tests.mail.sink", str(journal)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as sink:
        assert sink.stdout is not None
        port = int(sink.stdout.readline())
        environment = {**os.environ, "SINK_URL": f"smtp://127.0.0.1:{port}", "DATABASE_URL": database_url()}
        crew = Senders(environment)
        yield crew
        for process in crew.running:
            process.kill()
            process.wait()
        sink.terminate()


def database_url() -> str:
    """Name the database of this test for other processes."""
    where = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{where['NAME']}"
    login = f"{where['USER']}:{where['PASSWORD']}@" if where["USER"] else ""
    return f"postgres://{login}{where['HOST'] or 'localhost'}:{where['PORT'] or 5432}/{where['NAME']}"


def queue(kind: str, count: int = MAILS) -> None:
    keys = [OutboxKey(f"c{number}", 1) for number in range(count)]
    with transaction.atomic():
        written = enqueue_many(kind=kind, partner=None, keys=keys, dedupe_prefix=kind, now=timezone.now())
    assert written == count


def waiting() -> int:
    return MailOutbox.objects.filter(state__in=("queued", "leased", "sending")).count()


def work_off(senders: Senders, meanwhile: Callable[[], None]) -> float:
    """Let the senders empty the outbox; returns how many seconds it took."""
    for _sender in range(SENDERS):
        senders.start()
    started = time.monotonic()
    while waiting():
        assert time.monotonic() - started < PATIENCE, f"{waiting()} mails still wait"
        meanwhile()
    took = time.monotonic() - started
    senders.stop()
    return took


def killing(senders: Senders, say: Say) -> Callable[[], None]:
    """Kill a sender at twenty random points of the work, however quick the machine is."""
    seed = int(os.environ.get("SEED_OF_FAULTS", random.randrange(2**32)))
    say(f"seed {seed}; repeat with SEED_OF_FAULTS={seed}")
    chance = random.Random(seed)
    points = sorted(chance.sample(range(MAILS // 50, MAILS - MAILS // 50), KILLS))

    def meanwhile() -> None:
        if points and waiting() <= points[-1]:
            before = senders.kills
            senders.kill_one_at_work(chance)
            if senders.kills > before:
                points.pop()
        time.sleep(0.01)

    return meanwhile


def arrivals(journal: Path) -> Counter[str]:
    return Counter(journal.read_text().split())


def report(name: str, arrived: Counter[str], took: float, kills: int) -> str:
    extra = sum(arrived.values()) - len(arrived)
    return (
        f"{name} on {connection.vendor}: {len(arrived):,} of {MAILS:,} mails arrived, {extra} extra copies, "
        f"at most {max(arrived.values())} of one, {kills} kills, {took:.0f} s, {MAILS / took:,.0f} mails/s"
    )


def test_killed_senders_lose_nothing(senders: Senders, journal: Path, say: Say) -> None:
    queue("killed_resend")
    took = work_off(senders, killing(senders, say))
    arrived = arrivals(journal)
    say(report("resend", arrived, took, senders.kills))
    assert senders.kills == KILLS
    assert set(arrived) == set(MailOutbox.objects.values_list("message_id", flat=True))
    assert set(MailOutbox.objects.values_list("state", flat=True)) == {"sent"}
    assert sum(arrived.values()) - MAILS <= KILLS
    assert max(arrived.values()) <= 3


def test_killed_senders_double_nothing_that_must_not_be(senders: Senders, journal: Path, say: Say) -> None:
    queue("killed_hold")
    took = work_off(senders, killing(senders, say))
    arrived = arrivals(journal)
    unknown = set(MailOutbox.objects.filter(state="unknown").values_list("message_id", flat=True))
    sent = set(MailOutbox.objects.filter(state="sent").values_list("message_id", flat=True))
    say(report(f"hold, {len(unknown)} unknown", arrived, took, senders.kills))
    assert senders.kills == KILLS
    assert max(arrived.values()) == 1
    assert sent <= set(arrived)
    assert len(sent) + len(unknown) == MAILS
    assert len(unknown) <= KILLS


def test_nobody_killed_means_no_copy(senders: Senders, journal: Path, say: Say) -> None:
    queue("killed_resend")
    took = work_off(senders, lambda: time.sleep(0.2))
    arrived = arrivals(journal)
    say(report("undisturbed", arrived, took, 0))
    assert sum(arrived.values()) == len(arrived) == MAILS
    assert set(MailOutbox.objects.values_list("ambiguous", flat=True)) == {0}
