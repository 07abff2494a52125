"""The sender: claims due mail and sends it, one fenced mail after another."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from threading import Event

from django.db import transaction

from partner_center.mail.addresses import BadAddress
from partner_center.mail.claims import Done, advance, anything_due, claim, put_aside, release
from partner_center.mail.config import MailConfig, mail_config
from partner_center.mail.envelope import Envelope, UnsafeMessage, hash_of, seal
from partner_center.mail.heartbeat import beat, beating, live_senders, new_owner
from partner_center.mail.kinds import Message, OutboxKey, kind_of
from partner_center.mail.models import MailOutbox
from partner_center.mail.queries import suppressed_of
from partner_center.mail.rules import State, Verdict
from partner_center.mail.transports import Transport, open_transport

log = logging.getLogger(__name__)

# Shorter than the 20 s that a worker is given to stop: what it was sending is finished and nothing is in doubt.
RUN_SECONDS = 15
Clock = Callable[[], datetime]


@dataclass
class Tally:
    """What a run has done: attempts by verdict, and mails that needed no attempt."""

    tried: dict[Verdict, int] = field(default_factory=dict)
    put_aside: int = 0

    def count(self, verdict: Verdict) -> None:
        self.tried[verdict] = self.tried.get(verdict, 0) + 1

    @property
    def sent(self) -> int:
        return self.tried.get(Verdict.SENT, 0)


def send_due(*, clock: Clock, seconds: float = RUN_SECONDS, most_senders: int | None = None) -> Tally:
    """
    Send until nothing is due or `seconds` have passed.

    :param most_senders: leave at once when so many are at work already; None for no limit
    """
    if not anything_due() or (most_senders is not None and live_senders() >= most_senders):
        return Tally()
    deadline = time.monotonic() + seconds
    return send_while(lambda: time.monotonic() < deadline, clock=clock)


def send_until(stopped: Event, *, clock: Clock) -> Tally:
    """Send until nothing is due or `stopped` is set; the mail in flight is finished."""
    return send_while(lambda: not stopped.is_set(), clock=clock) if anything_due() else Tally()


def send_while(go_on: Callable[[], bool], *, clock: Clock) -> Tally:
    """Open a connection, then claim and send chunk after chunk; what was leased and not begun is given back."""
    sender = Sender(open_transport(), clock)
    unreachable = sender.transport.open()
    if unreachable is not None:
        log.warning("mail server unreachable: %s", unreachable.code)
        return sender.tally
    with beating(sender.owner):
        try:
            sender.work(go_on)
        finally:
            release(sender.owner)
            sender.transport.close()
    return sender.tally


class Sender:
    """One connection, one name in the leases, one mail in flight."""

    def __init__(self, transport: Transport, clock: Clock) -> None:
        self.transport = transport
        self.clock = clock
        self.owner = new_owner()
        self.config: MailConfig = mail_config()
        self.tally = Tally()
        self.turn = -1

    def work(self, go_on: Callable[[], bool]) -> None:
        while go_on():
            beat(self.owner)
            mails, self.turn = claim(self.owner, turn=self.turn)
            if not mails or not self._send_chunk(mails, go_on):
                return

    def _send_chunk(self, mails: Sequence[MailOutbox], go_on: Callable[[], bool]) -> bool:
        """Send a chunk and return whether the server still answers; the last mail's fate is written in any case."""
        done: Done | None = None
        reachable = True
        for mail, envelope in self._prepare(mails):
            if not go_on():
                break
            fenced = self._advance(done, mail, hash_of(envelope.recipient))
            done = self._try(mail, envelope) if fenced else None
            if done is not None and done.outcome.verdict is Verdict.UNREACHABLE:
                reachable = False
                break
        if done is not None:
            self._advance(done, None, "")
        return reachable

    def _advance(self, done: Done | None, following: MailOutbox | None, recipient_hash: str) -> bool:
        return advance(self.owner, done=done, following=following, recipient_hash=recipient_hash, at=self.clock())

    def _try(self, mail: MailOutbox, envelope: Envelope) -> Done:
        outcome = self.transport.send(envelope)
        self.tally.count(outcome.verdict)
        if outcome.verdict is not Verdict.SENT:
            log.info("mail %s: %s %s", mail.public_id, outcome.verdict.name.lower(), outcome.code)
        return Done(mail, outcome)

    def _prepare(self, mails: Sequence[MailOutbox]) -> list[tuple[MailOutbox, Envelope]]:
        """Render and seal the mails of a chunk; those that cannot go are put aside with the reason."""
        messages = self._render(mails)
        obsolete = [mail for mail in mails if mail.pk not in messages]
        self._put_aside(obsolete, State.SUPPRESSED, "obsolete")
        sealed = [(mail, self._seal(mail, messages[mail.pk])) for mail in mails if messages.get(mail.pk)]
        ready = [(mail, envelope) for mail, envelope in sealed if envelope is not None]
        unwanted = suppressed_mails(ready)
        self._put_aside([mail for mail, _ in ready if mail.pk in unwanted], State.SUPPRESSED, "suppressed_address")
        return [(mail, envelope) for mail, envelope in ready if mail.pk not in unwanted]

    def _render(self, mails: Sequence[MailOutbox]) -> dict[int, Message | None]:
        """Render kind by kind; None marks a mail that could not be rendered now and has been put off."""
        rendered: dict[int, Message | None] = {}
        for kind in {mail.kind for mail in mails}:
            group = [mail for mail in mails if mail.kind == kind]
            try:
                rendered |= render_group(kind, group)
            except Exception:  # noqa: BLE001 - one app's fault must not stop the mail of the others
                rendered |= self._render_singly(kind, group)
        return rendered

    def _render_singly(self, kind: str, mails: Sequence[MailOutbox]) -> dict[int, Message | None]:
        """Find the mail that broke its chunk: it is put off like a refused one, the others go."""
        rendered: dict[int, Message | None] = {}
        for mail in mails:
            try:
                rendered |= render_group(kind, [mail])
            except Exception:
                log.exception("mail %s of kind %s cannot be rendered", mail.public_id, kind)
                rendered[mail.pk] = None
                self._put_aside([mail], Verdict.DEFERRED, "render")
        return rendered

    def _seal(self, mail: MailOutbox, message: Message | None) -> Envelope | None:
        if message is None:
            return None
        try:
            return seal(mail, message, config=self.config, at=self.clock())
        except (UnsafeMessage, UnicodeError) as fault:
            log.error("mail %s of kind %s is unsafe: %s", mail.public_id, mail.kind, fault)
            self._put_aside([mail], State.FAILED, "unsafe")
        except BadAddress:
            self._put_aside([mail], State.FAILED, "bad_address")
        return None

    def _put_aside(self, mails: Sequence[MailOutbox], verdict: Verdict | State, code: str) -> None:
        if mails:
            put_aside(self.owner, mails, verdict, code, self.clock())
            self.tally.put_aside += len(mails)


def render_group(kind: str, mails: Sequence[MailOutbox]) -> dict[int, Message | None]:
    """Ask a kind for the messages of its mails, by primary key; what it leaves out is left out here."""
    keys = {mail.pk: OutboxKey(mail.object_id, mail.generation) for mail in mails}
    with transaction.atomic():
        messages: Mapping[OutboxKey, Message] = kind_of(kind).render(list(keys.values()))
    return {pk: messages[key] for pk, key in keys.items() if key in messages}


def suppressed_mails(ready: Sequence[tuple[MailOutbox, Envelope]]) -> set[int]:
    """Find the mails whose address bounced for their partner, or whose owner has complained to anybody."""
    found: set[int] = set()
    for partner_id in {mail.partner_id for mail, _ in ready}:
        addressed = {mail.pk: envelope.recipient for mail, envelope in ready if mail.partner_id == partner_id}
        unwanted = suppressed_of(list(addressed.values()), partner_id=partner_id)
        found.update(pk for pk, address in addressed.items() if address in unwanted)
    return found
