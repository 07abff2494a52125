"""
Mails per second of one sender, from the outbox to a mail server.

Two yardsticks, each with one connection kept open: smtplib with every mail ready in memory, which is what the socket
can carry; and Django's own backend, which builds each mail as we do but keeps no outbox.
"""

import smtplib
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import transaction
from django.utils import timezone

from bench.measuring import Figure
from partner_center.mail.actions import enqueue_many
from partner_center.mail.config import mail_config
from partner_center.mail.envelope import seal
from partner_center.mail.kinds import DeliveryChange, MailKind, Message, OutboxKey, register
from partner_center.mail.layout import compose
from partner_center.mail.models import MailOutbox
from partner_center.mail.sending import send_due
from partner_center.tenancy.models import Member, Partner, User

MAILS = 3_000
ROUNDS = 3
# At least 60 % of the mails that a bare connection carries in the same time.
MOST_TIMES_BARE = 1 / 0.6


def run(member: Member) -> list[Figure]:
    """Send the same mails in both ways, by turns; a mail's text is composed and sealed in ours and ready in theirs."""
    with sink() as (port, journal):
        settings.MAIL_URL = f"smtp://127.0.0.1:{port}"
        _register()
        bare, django, ours, told = [], [], [], []
        for turn in range(ROUNDS):
            bare.append(_send_bare(port, turn))
            django.append(_send_by_django(port, turn))
            ours.append(_timed_outbox("bench", member.partner, turn))
            told.append(_timed_outbox("bench_told", member.partner, turn))
        arrived = journal.read_text().split()
    if len(arrived) != len(set(arrived)) or len(arrived) != 4 * ROUNDS * MAILS:
        raise RuntimeError(f"{len(arrived)} mails arrived, {len(set(arrived))} different ones")
    best = min(bare)
    return [
        _figure("mail, smtplib with one connection", best, best, None),
        _figure("mail, Django's backend with one connection", min(django), best, None),
        _figure("mail, one sender from the outbox", min(ours), best, MOST_TIMES_BARE),
        _figure("mail, one sender, news to an app's table", min(told), best, None),
    ]


def _figure(name: str, seconds: float, bare: float, goal: float | None) -> Figure:
    rate = f"{MAILS / seconds:,.0f} mails/s, {bare / seconds:.0%} of a bare connection"
    return Figure(name, seconds / MAILS * 1000, seconds / bare, goal, rate)


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

    key = OutboxKey("wang", 1)
    mail = MailOutbox(public_id="A" * 22, message_id="<bare.mark@bench.example>")
    at = timezone.now()
    envelope = seal(mail, _compose([key])[key], config=mail_config(), at=at)
    started = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port, "bench") as connection:
        for number in range(MAILS):
            data = envelope.data.replace(b"mark", b"%d.%d" % (turn, number), 1)
            connection.sendmail(envelope.sender, [envelope.recipient], data)
    return time.perf_counter() - started


def _send_by_django(port: int, turn: int) -> float:
    started = time.perf_counter()
    keys = [OutboxKey(f"django-{turn}-{number}", 1) for number in range(MAILS)]
    with get_connection("django.core.mail.backends.smtp.EmailBackend", host="127.0.0.1", port=port) as connection:
        for key in keys:
            message = _compose([key])[key]
            headers = {"Message-ID": f"<{key.object_id}@bench.example>"}
            mail = EmailMultiAlternatives(
                message.subject, message.text, "no-reply@bench.example", [message.recipient], headers=headers
            )
            mail.attach_alternative(message.html, "text/html")
            connection.send_messages([mail])
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
