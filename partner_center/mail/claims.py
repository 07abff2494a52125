"""
Who sends which mail: claim, fence, settle, recover. Each is a guarded UPDATE whose row count is the answer.

All times are the database's (reliability.md 1.2.3). On PostgreSQL claimers skip each other's locked rows; on SQLite a
transaction begins with BEGIN IMMEDIATE, so one claimer works at a time.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from partner_center.mail import statements
from partner_center.mail.actions import suppress_hash, tell_all
from partner_center.mail.kinds import kind_of
from partner_center.mail.models import MailOutbox, MailOutboxQuerySet, SenderHeartbeat, SuppressionCause, from_now
from partner_center.mail.rules import (
    NO_SUCH_ADDRESS,
    Delivery,
    Outcome,
    State,
    Step,
    Verdict,
    after,
    after_ambiguity,
    delivery_of,
)

LEASE = 60
# Longer than a whole conversation: connecting, three commands of 60 s, and 600 s for the answer to the final dot.
SENDING_LEASE = 900
SILENCE = 30
CHUNK = 50
BEFORE_ALL = -1
FORGOTTEN = 3_600


@dataclass(frozen=True)
class Done:
    """A mail that was fenced, and what became of the attempt."""

    mail: MailOutbox
    outcome: Outcome


def anything_due() -> bool:
    return MailOutbox.objects.due().exists()


def claim(owner: str, *, turn: int) -> tuple[list[MailOutbox], int]:
    """
    Lease up to CHUNK due mails, and return them with the lane to go on behind.

    Partners take turns: the search begins behind lane `turn` and goes round, so that ten thousand mails of one partner
    keep another's single mail waiting for one chunk only.
    """
    with transaction.atomic(durable=True):
        mails = _due_behind(turn) or _due_behind(BEFORE_ALL)
        chosen = MailOutbox.objects.filter(pk__in=[mail.pk for mail in mails], state=State.QUEUED)
        taken = chosen.update(state=State.LEASED, owner=owner, lease_until=from_now(LEASE)) if mails else 0
        if taken != len(mails):
            raise RuntimeError("another sender has claimed a row that was locked")
    return mails, mails[-1].lane if mails else turn


def _due_behind(lane: int) -> list[MailOutbox]:
    due = MailOutbox.objects.due().filter(lane__gt=lane).order_by("lane", "next_at", "pk")
    return list(due.select_for_update(skip_locked=True)[:CHUNK])


def release(owner: str) -> int:
    """Give back what was leased and not begun, when a sender stops."""
    leased = MailOutbox.objects.filter(state=State.LEASED, owner=owner)
    return leased.update(state=State.QUEUED, owner="", lease_until=None)


def advance(owner: str, *, done: Done | None, following: MailOutbox | None, recipient_hash: str, at: datetime) -> bool:
    """
    Settle the mail just tried and fence the next one, in one transaction; return whether the next one may go.

    The fence is committed before a byte goes out, so a crash leaves one open mail per sender (reliability.md 1.2.4).
    """
    if following is not None:
        following.recipient_hash = recipient_hash
    if done is None or (done.outcome.verdict is Verdict.SENT and kind_of(done.mail.kind).delivered is None):
        # Nothing else changes with these rows, so the statement is its own transaction.
        return _advance(owner, done, following, at)
    with transaction.atomic(durable=True):
        return _advance(owner, done, following, at)


def _advance(owner: str, done: Done | None, following: MailOutbox | None, at: datetime) -> bool:
    sent = done if done is not None and done.outcome.verdict is Verdict.SENT else None
    changed = statements.advance(
        owner=owner,
        sent=sent.mail.pk if sent else None,
        code=sent.outcome.code if sent else "",
        following=following.pk if following else None,
        recipient_hash=following.recipient_hash if following else "",
        lease=SENDING_LEASE,
    )
    if done is not None:
        _settle(done, owner, at, written=done.mail.pk in changed)
    return following is not None and following.pk in changed


def _settle(done: Done, owner: str, at: datetime, *, written: bool) -> None:
    """Write down the outcome; a mail that another sender has taken over meanwhile stays theirs."""
    mail, code = done.mail, done.outcome.code
    step = _step(mail, done.outcome)
    if not written:
        mine = (
            _given_back(mail) if step.state is State.SENT else MailOutbox.objects.sending_by(owner).filter(pk=mail.pk)
        )
        written = _write(mine, step, code) > 0
    if written and step.state is State.FAILED and NO_SUCH_ADDRESS in code:
        bounced = SuppressionCause.BOUNCE
        suppress_hash(recipient_hash=mail.recipient_hash, partner=mail.partner, cause=bounced, now=at)
    if written:
        _tell(mail, step, code, at)


def _tell(mail: MailOutbox, step: Step, code: str, at: datetime) -> None:
    """Tell the app behind a mail what became of it; that it still waits for its first attempt is no news."""
    delivery = delivery_of(step.state, attempts=step.attempts, ambiguous=step.ambiguous)
    if delivery is not Delivery.QUEUED:
        tell_all([mail], delivery, code, at)


def _given_back(mail: MailOutbox) -> MailOutboxQuerySet:
    """Find a mail that was taken for lost while it was in fact going out: it need not go again."""
    waiting = (State.QUEUED, State.LEASED, State.UNKNOWN)
    return MailOutbox.objects.filter(pk=mail.pk, state__in=waiting, ambiguous__gt=mail.ambiguous)


def _step(mail: MailOutbox, outcome: Outcome) -> Step:
    return after(
        outcome.verdict,
        attempts=mail.attempts,
        ambiguous=mail.ambiguous,
        policy=kind_of(mail.kind).on_ambiguity,
        jitter=random.random(),  # noqa: S311 - spreads retries, guards nothing
    )


def _write(rows: MailOutboxQuerySet, step: Step, code: str) -> int:
    times: dict[str, Combinable] = {"sent_at": Now()} if step.state is State.SENT else {}
    if step.state is State.QUEUED:
        times = {"next_at": from_now(step.pause)}
    return rows.update(
        state=step.state,
        attempts=step.attempts,
        ambiguous=step.ambiguous,
        owner="",
        lease_until=None,
        last_code=code,
        **times,
    )


def put_aside(owner: str, mails: Sequence[MailOutbox], verdict: Verdict | State, code: str, at: datetime) -> None:
    """End leased mails that need no server: obsolete, suppressed, unsafe, or not to be rendered now."""
    with transaction.atomic(durable=True):
        for mail in mails:
            leased = MailOutbox.objects.filter(pk=mail.pk, state=State.LEASED, owner=owner)
            if isinstance(verdict, State):
                step = Step(verdict, mail.attempts, mail.ambiguous)
            else:
                step = _step(mail, Outcome(verdict, code))
            if _write(leased, step, code):
                _tell(mail, step, code, at)


@dataclass(frozen=True)
class Recovered:
    """How many mails of dead senders were put back, will be sent once more, and are left as unknown."""

    put_back: int
    sent_again: int
    unknown: int


def recover(*, at: datetime) -> Recovered:
    """Take over what dead senders had in hand: leased mails are safe to send, open ones follow their kind's policy."""
    SenderHeartbeat.objects.filter(beat_at__lt=from_now(-FORGOTTEN)).delete()
    put_back = (
        MailOutbox.objects.filter(_of_dead_senders(), state=State.LEASED)
        .update(state=State.QUEUED, owner="", lease_until=None)
    )  # fmt: skip
    with transaction.atomic(durable=True):
        dead = MailOutbox.objects.filter(_of_dead_senders(), state=State.SENDING)
        states = [_recover_open(mail, at) for mail in dead.select_for_update(skip_locked=True, of=("self",))]
    return Recovered(put_back, states.count(State.QUEUED), states.count(State.UNKNOWN))


def _recover_open(mail: MailOutbox, at: datetime) -> State:
    policy = kind_of(mail.kind).on_ambiguity
    step = after_ambiguity(attempts=mail.attempts, ambiguous=mail.ambiguous, policy=policy)
    open_still = MailOutbox.objects.sending_by(mail.owner).filter(pk=mail.pk, ambiguous=mail.ambiguous)
    if _write(open_still, step, "sender_died"):
        _tell(mail, step, "sender_died", at)
    return step.state


def _of_dead_senders() -> Q:
    beating = SenderHeartbeat.objects.filter(owner=OuterRef("owner"), beat_at__gt=from_now(-SILENCE))
    return Q(lease_until__lt=Now()) | Q(~Exists(beating))
