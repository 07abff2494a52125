"""
Ten thousand resends while senders, workers, beat and the broker die: nothing is lost, and nobody waits for the broker.

FAULTS_SEED=N repeats the choices of an earlier run; what the machine does in between differs.
"""

import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from invitations.models import Invitation
from invitations.rules import Delivery, Method, Status, name_key
from partner_center.audit.models import AuditEntry
from partner_center.jobs.models import Job
from partner_center.mail.models import MailOutbox
from partner_center.tenancy.models import Member
from tests.faults.house import House, await_that, house
from tests.faults.visitor import Answer, Visitor
from tests.people import PASSWORD, make_member, make_partner

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

INVITATIONS = 10_000
KILLS = 20
KILLS_OF_BEAT = 2
MOST_COPIES = 3
FROZEN_SECONDS = 20
MOST_SMALL_BATCHES = 40
# No speed test: a request that asks a dead broker hangs until its sockets give up, 5 s and more.
LONGEST_ANSWER = 5.0
LEASES = 0.2
FINAL = {"sent", "failed", "unknown", "suppressed"}
UNFINISHED = ("queued", "leased", "sending", "held")


def expired_invitations(member: Member, count: int) -> None:
    past = timezone.now() - timedelta(days=20)
    Invitation.objects.bulk_create(
        (
            Invitation(
                partner=member.partner,
                owner=member,
                method=Method.EMAIL,
                model="reseller",
                customer_name=f"Customer {number}",
                customer_name_key=name_key(f"Customer {number}"),
                email=f"person{number}@customer.example",
                status=Status.EXPIRED,
                delivery=Delivery.SENT,
                send_count=1,
                created_at=past,
                sent_at=past,
                expires_at=past + timedelta(days=7),
            )
            for number in range(count)
        ),
        batch_size=1_000,
    )


@pytest.fixture
def boss() -> Member:
    member = make_member(make_partner(), "Boss", "admin")
    expired_invitations(member, INVITATIONS)
    return member


def signed_in(running: House, member: Member) -> Visitor:
    visitor = Visitor(running.port)
    await_that(lambda: is_serving(visitor), seconds=30, what="the web server answers")
    visitor.sign_in(member.user.email, PASSWORD)
    return visitor


def is_serving(visitor: Visitor) -> bool:
    try:
        return visitor.get("/livez").status == 200
    except OSError:
        return False


def resend_all(visitor: Visitor) -> Job:
    """Plan and apply one batch over everything that has expired, as a person does it in the browser."""
    form = {"all_matching": INVITATIONS, "filter": "status=expired"}
    page = visitor.plan(form, at="/invitations/resend/")
    assert visitor.apply(page).is_fine
    job = Job.objects.get(kind="resend")
    assert (job.total, job.skipped, job.state in {"queued", "running"}) == (INVITATIONS, 0, True)
    return job


# --- people who go on working ----------------------------------------------------------------------------------------


class Traffic:
    """Asks for the list again and again, and plans and applies small batches, until it is stopped."""

    def __init__(self, running: House, member: Member) -> None:
        self.visitor = signed_in(running, member)
        self.visitor.answers.clear()
        self.stopped = Event()
        self.batches = 0
        self.faults: list[Exception] = []
        self.thread = Thread(target=self._go_on)

    def _go_on(self) -> None:
        try:
            while not self.stopped.wait(0.5):
                self.visitor.get("/invitations/")
                self.visitor.get("/jobs/")
                if self.batches < MOST_SMALL_BATCHES:
                    self._invite_two()
        except Exception as fault:  # noqa: BLE001 - told by the test, which runs in another thread
            self.faults.append(fault)

    def _invite_two(self) -> None:
        self.batches += 1
        lines = [f"Guest {self.batches}{side}, guest{self.batches}{side}@guest.example" for side in "ab"]
        form = {"list-pasted": "\n".join(lines), "list-language": "en", "list-model": "reseller"}
        self.visitor.apply(self.visitor.plan(form, at="/invitations/new/list/"))

    def __enter__(self) -> "Traffic":
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopped.set()
        self.thread.join()

    @property
    def answers(self) -> list[Answer]:
        return self.visitor.answers

    @property
    def slowest(self) -> Answer:
        return max(self.answers, key=lambda answer: answer.seconds)


# --- fire ------------------------------------------------------------------------------------------------------------


@dataclass
class Fire:
    """Kills at random moments of the batch, from its first chunk to its last mails."""

    running: House
    job: Job
    chance: random.Random
    killed: list[str] = field(default_factory=list)

    def rage(self) -> None:
        """Kill twice while the rows are worked, then whenever a number of mails drawn by lot has arrived."""
        events = ["sender"] * 10 + ["main"] * 4 + ["group"] * 4 + ["beat"] * KILLS_OF_BEAT
        events += ["broker dies", "broker freezes"]
        self.chance.shuffle(events)
        for _early in range(2):
            self._while_rows_are_worked()
        for moment, event in zip(self._moments(len(events)), events, strict=True):
            self._await_mails(moment)
            self._strike(event)

    def _while_rows_are_worked(self) -> None:
        running = Job.objects.filter(pk=self.job.pk, state="running").exclude(lease_owner="")
        await_that(running.exists, seconds=90, what="a worker has taken the job")
        time.sleep(self.chance.uniform(0, 1))
        self.killed.append(self.running.kill("group"))

    def _moments(self, count: int) -> list[int]:
        return sorted(self.chance.sample(range(int(INVITATIONS * 0.9)), count))

    def _await_mails(self, count: int) -> None:
        await_that(lambda: self.running.arrived() >= count, seconds=300, what=f"{count} mails have arrived")

    def _strike(self, event: str) -> None:
        if event == "broker dies":
            self.running.broker.kill()
            time.sleep(self.chance.uniform(1, 4))
            self.running.broker.start()
        elif event == "broker freezes":
            self.running.broker.signal(signal.SIGSTOP)
            time.sleep(FROZEN_SECONDS)
            self.running.broker.signal(signal.SIGCONT)
        else:
            self.killed.append(self.running.kill(event))


# --- what must be true afterwards ------------------------------------------------------------------------------------


def all_is_over() -> bool:
    waiting = MailOutbox.objects.filter(state__in=UNFINISHED).exists()
    return not waiting and not Job.objects.filter(state__in=("queued", "running")).exists()


@dataclass
class Figures:
    """What came of a batch, counted at the mail server and in the database."""

    lost: int
    extra: int
    most_copies: int
    foreign: int
    states: dict[str, int]

    @classmethod
    def count(cls, running: House) -> "Figures":
        copies = running.copies()
        renewed = Invitation.objects.filter(send_count__gt=0, sent_at__gt=timezone.now() - timedelta(days=1))
        mails = dict(MailOutbox.objects.filter(kind="invitation").values_list("object_id", "message_id"))
        promised = [mails.get(public_id, "") for public_id in renewed.values_list("public_id", flat=True)]
        known = set(MailOutbox.objects.values_list("message_id", flat=True))
        states = list(MailOutbox.objects.values_list("state", flat=True))
        return cls(
            lost=sum(copies[message_id] < 1 for message_id in promised),
            extra=sum(copies.values()) - len(copies),
            most_copies=max(copies.values()),
            foreign=len(copies.keys() - known),
            states={state: states.count(state) for state in sorted(set(states))},
        )


def check(job: Job, running: House, figures: Figures) -> None:
    """Nothing is lost, every copy bears its original's Message-ID, the books agree, nobody has touched the log."""
    job.refresh_from_db()
    assert (job.state, job.total, job.done, job.failed, job.skipped) == ("done", INVITATIONS, INVITATIONS, 0, 0)
    assert job.items.filter(state="done").count() == INVITATIONS
    assert Invitation.objects.filter(generation=2, send_count=2, status="invited").count() == INVITATIONS
    assert MailOutbox.objects.filter(kind="invitation", generation=2).count() == INVITATIONS
    assert AuditEntry.objects.filter(deed="invitation_resent").count() == INVITATIONS
    assert AuditEntry.objects.filter(deed="job_finished", object_id=job.public_id).count() == 1
    assert figures.lost == 0
    assert figures.foreign == 0, "a copy without its original's Message-ID"
    assert figures.most_copies <= MOST_COPIES
    assert figures.states.keys() <= FINAL
    call_command("verify_log")


Say = Callable[..., None]


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str]) -> Say:
    """Print what people who run `make faults` came for, also when the test passes."""

    def aloud(*lines: str) -> None:
        with capfd.disabled():
            print("", *lines, sep="\n", flush=True)  # noqa: T201 - what the run is for

    return aloud


def told(figures: Figures, seconds: float) -> str:
    total = sum(figures.states.values())
    return (
        f"{connection.vendor}: {total} mails in {seconds:.0f} s, {total / seconds:.0f} a second; lost {figures.lost},"
        f" extra copies {figures.extra}, most of one {figures.most_copies}, {figures.states}"
    )


def test_nothing_is_lost_while_everything_dies(boss: Member, tmp_path: Path, say: Say) -> None:
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(10**6))
    say(f"FAULTS_SEED={seed}")
    with house(tmp_path, mail_time_scale=LEASES) as running:
        job = resend_all(signed_in(running, boss))
        started = time.monotonic()
        with Traffic(running, boss) as traffic:
            fire = Fire(running, job, random.Random(seed))
            fire.rage()
            await_that(all_is_over, seconds=300, what="every mail and job has come to its end")
            seconds = time.monotonic() - started
        await_that(all_is_over, seconds=120, what="the last small batch has come to its end")
        figures = Figures.count(running)
        say(
            f"{len(fire.killed)} kills ({', '.join(fire.killed)}), the broker killed and frozen",
            told(figures, seconds),
            f"{len(traffic.answers)} requests meanwhile, with {traffic.batches} batches; slowest {traffic.slowest}",
        )
        assert len(fire.killed) == KILLS + KILLS_OF_BEAT
        assert traffic.faults == []
        assert [str(answer) for answer in traffic.answers if not answer.is_fine] == []
        assert traffic.slowest.seconds < LONGEST_ANSWER
        check(job, running, figures)


def test_without_a_kill_nothing_arrives_twice(boss: Member, tmp_path: Path, say: Say) -> None:
    with house(tmp_path) as running:
        job = resend_all(signed_in(running, boss))
        started = time.monotonic()
        await_that(all_is_over, seconds=300, what="every mail and job has come to its end")
        figures = Figures.count(running)
        say("no kill", told(figures, time.monotonic() - started))
        assert figures.extra == 0
        assert figures.states == {"sent": INVITATIONS}
        check(job, running, figures)
