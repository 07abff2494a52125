"""
Mails per second of one sender, from the outbox to a mail server.

Three yardsticks, each with one connection kept open. smtplib with every mail ready in memory: what the socket carries.
Django's own backend, which builds each mail but keeps no outbox. And what anybody pays who keeps nothing of a person in
the outbox and must know after a crash which mail was in flight: each mail built, one commit, then sent. The goal is
against this one (ADR 0018).
"""

import smtplib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import connection, transaction
from django.utils import timezone

from bench.measuring import Figure
from partner_center.mail.actions import enqueue_many
from partner_center.mail.config import mail_config
from partner_center.mail.envelope import Envelope, seal
from partner_center.mail.kinds import DeliveryChange, MailKind, Message, OutboxKey, register
from partner_center.mail.layout import compose
from partner_center.mail.models import MailOutbox
from partner_center.mail.sending import send_due
from partner_center.tenancy.models import Member, Partner, User

MAILS = 3_000
ROUNDS = 3
# At least 60 % of the mails that a loop without an outbox builds, fences by one commit each, and sends.
MOST_TIMES_FENCED = 1 / 0.6


def run(member: Member) -> list[Figure]:
    """Send the same mails in both ways, by turns; a mail's text is composed and sealed in ours and ready in theirs."""
    # What another part has queued would be sent, and measured, as ours.
    MailOutbox.objects.all().delete()
    with sink() as (port, journal):
        settings.MAIL_URL = f"smtp://127.0.0.1:{port}"
        # Another part may have asked for the settings before.
        mail_config.cache_clear()
        _register()
        bare, django, fenced, ours, told = [], [], [], [], []
        for turn in range(ROUNDS):
            bare.append(_send_bare(port, turn))
            fenced.append(_send_fenced(port, turn))
            django.append(_send_by_django(port, turn))
            ours.append(_timed_outbox("bench", member.partner, turn))
            told.append(_timed_outbox("bench_told", member.partner, turn))
        arrived = journal.read_text().split()
    if len(arrived) != len(set(arrived)) or len(arrived) != 5 * ROUNDS * MAILS:
        raise RuntimeError(f"{len(arrived)} mails arrived, {len(set(arrived))} different ones")
    best = Best(min(bare), min(fenced))
    return [
        _figure("mail, smtplib with one connection", best.bare, best, None),
        _figure("mail, Django's backend with one connection", min(django), best, None),
        _figure("mail, built, committed and sent by hand", best.fenced, best, None),
        _figure("mail, one sender from the outbox", min(ours), best, MOST_TIMES_FENCED),
        _figure("mail, one sender, news to an app's table", min(told), best, None),
    ]


class Best(NamedTuple):
    """The best times of the yardsticks, in seconds."""

    bare: float
    fenced: float


def _figure(name: str, seconds: float, best: Best, goal: float | None) -> Figure:
    share = f"{best.bare / seconds:.0%} of a bare connection, {best.fenced / seconds:.0%} of the work by hand"
    rate = f"{MAILS / seconds:,.0f} mails/s, {share}"
    return Figure(name, seconds / MAILS * 1000, seconds / best.fenced, goal, rate)


@contextmanager
def sink() -> Iterator[tuple[int, Path]]:
    """Run the tests' mail server as a process of its own; it notes each Message-ID before it says 250."""
    with tempfile.TemporaryDirectory(prefix="partner-center-sink-") as folder:
        journal = Path(folder) / "message-ids"
        command = [sys.executable, "-m", "tests.mail.sink", str(journal)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            yield int(process.stdout.readline()), journal
            process.terminate()


def _send_bare(port: int, turn: int) -> float:
    envelope = _sealed("wang", "<bare.mark@bench.example>")
    started = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port, "bench") as server:
        for number in range(MAILS):
            data = envelope.data.replace(b"mark", b"%d.%d" % (turn, number), 1)
            server.sendmail(envelope.sender, [envelope.recipient], data)
    return time.perf_counter() - started


def _send_fenced(port: int, turn: int) -> float:
    started = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port, "bench") as server:
        for number in range(MAILS):
            envelope = _sealed(f"fenced-{turn}-{number}", f"<fenced.{turn}.{number}@bench.example>")
            _fence()
            server.sendmail(envelope.sender, [envelope.recipient], envelope.data)
    return time.perf_counter() - started


def _sealed(object_id: str, message_id: str) -> Envelope:
    key = OutboxKey(object_id, 1)
    mail = MailOutbox(public_id="A" * 22, message_id=message_id)
    return seal(mail, _compose([key])[key], config=mail_config(), at=timezone.now())


def _fence() -> None:
    """Commit one statement, as durably as the database is set: it changes one row."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tenancy_user SET language = language WHERE email = %s", ["admin0@bench.example"])


def _send_by_django(port: int, turn: int) -> float:
    started = time.perf_counter()
    keys = [OutboxKey(f"django-{turn}-{number}", 1) for number in range(MAILS)]
    with get_connection("django.core.mail.backends.smtp.EmailBackend", host="127.0.0.1", port=port) as server:
        for key in keys:
            message = _compose([key])[key]
            headers = {"Message-ID": f"<{key.object_id}@bench.example>"}
            mail = EmailMultiAlternatives(
                message.subject, message.text, "no-reply@bench.example", [message.recipient], headers=headers
            )
            mail.attach_alternative(message.html, "text/html")
            server.send_messages([mail])
    return time.perf_counter() - started


def _timed_outbox(kind: str, partner: Partner, turn: int) -> float:
    keys = [OutboxKey(f"{turn}-{number}", 1) for number in range(MAILS)]
    with transaction.atomic():
        enqueue_many(kind=kind, partner=partner, keys=keys, dedupe_prefix=kind, now=timezone.now())
    started = time.perf_counter()
    sent = send_due(clock=timezone.now, seconds=600).sent
    seconds = time.perf_counter() - started
    if sent != MAILS:
        raise RuntimeError(f"{sent} of {MAILS} mails sent")
    return seconds


def _register() -> None:

    def tell(changes: Sequence[DeliveryChange]) -> None:
        """Do what an app does with news: one guarded UPDATE of its own row."""
        for change in changes:
            User.objects.filter(public_id=change.object_id).update(time_zone="UTC")

    register(MailKind(key="bench", label="Bench", on_ambiguity="resend", render=_compose))
    register(MailKind(key="bench_told", label="Bench", on_ambiguity="resend", render=_compose, delivered=tell))


def _compose(keys: Sequence[OutboxKey]) -> Mapping[OutboxKey, Message]:

    return {
        key: compose(
            "mail/password_reset",
            {},
            "en",
            link=f"http://localhost:8000/i/{key.object_id}",
            slots={"name": "Wang Fang"},
        ).to(f"{key.object_id}@customer.example")
        for key in keys
    }
