"""What an answer of a mail server means, and what becomes of the mail (reliability.md 1.2). Pure."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Literal

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

Policy = Literal["resend", "hold"]

# Pauses before the first to the fifth retry, seconds; a sixth refusal is final.
BACKOFF = (60, 300, 1_800, 7_200, 28_800)
AMBIGUOUS_PAUSE = 60
UNREACHABLE_PAUSE = 10
MOST_AMBIGUOUS_RESENDS = 2
MOST_SOFT_BOUNCES = 3
# Enhanced status codes of the class "bad destination mailbox" (RFC 3463).
NO_SUCH_ADDRESS = "5.1."
LOWEST_REPLY, HIGHEST_REPLY = 200, 599
ACCEPTED, FINAL = 2, 5


class State(TextChoices):
    """Where a mail stands in the outbox."""

    QUEUED = "queued", _("Queued")
    LEASED = "leased", _("Leased")
    SENDING = "sending", _("Sending")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")
    UNKNOWN = "unknown", _("Unknown")
    SUPPRESSED = "suppressed", _("Suppressed")
    HELD = "held", _("On hold")


class Delivery(TextChoices):
    """What the people who asked for a mail see of its way."""

    QUEUED = "queued", _("Queued")
    SENT = "sent", _("Sent")
    DEFERRED = "deferred", _("Deferred")
    BOUNCED = "bounced", _("Bounced")
    UNKNOWN = "unknown", _("Unknown")
    SUPPRESSED = "suppressed", _("Suppressed")


class Stage(Enum):
    """How far the conversation with the mail server had come."""

    CONNECTION = auto()
    SENDER = auto()
    RECIPIENT = auto()
    DATA = auto()
    AFTER_DOT = auto()


class Verdict(Enum):
    """What one attempt amounts to."""

    SENT = auto()
    DEFERRED = auto()
    FAILED = auto()
    AMBIGUOUS = auto()
    UNREACHABLE = auto()


@dataclass(frozen=True)
class Outcome:
    """The result of one attempt; `code` is the server's own or a word for what happened."""

    verdict: Verdict
    code: str


@dataclass(frozen=True)
class Step:
    """The next state of a mail; `pause` is in seconds and counts only for a queued one."""

    state: State
    attempts: int
    ambiguous: int
    pause: float = 0


def judge(stage: Stage, reply: int | None) -> Verdict:
    """
    Weigh a reply, or its absence (`None`: dropped, timed out or unreadable), by the stage it belongs to.

    After the final dot, silence, 421 and 451 leave open whether the server has taken the mail (measured in E3).
    A 5xx to MAIL FROM is about us, not about the recipient, so it is tried again.
    """
    if stage is Stage.CONNECTION:
        return Verdict.UNREACHABLE
    if reply is None or not LOWEST_REPLY <= reply <= HIGHEST_REPLY:
        return Verdict.AMBIGUOUS if stage is Stage.AFTER_DOT else Verdict.DEFERRED
    if stage is Stage.AFTER_DOT:
        return _judge_final(reply)
    refused = reply // 100 == FINAL and stage is not Stage.SENDER
    return Verdict.FAILED if refused else Verdict.DEFERRED


def _judge_final(reply: int) -> Verdict:
    if reply in {421, 451}:
        return Verdict.AMBIGUOUS
    return {ACCEPTED: Verdict.SENT, FINAL: Verdict.FAILED}.get(reply // 100, Verdict.DEFERRED)


def after(verdict: Verdict, *, attempts: int, ambiguous: int, policy: Policy, jitter: float = 0) -> Step:
    """
    Choose the next state of a mail that had `attempts` retries and `ambiguous` open ends before this attempt.

    :param jitter: 0 to 1, spreads retries over a fifth of their pause
    """
    if verdict is Verdict.AMBIGUOUS:
        return after_ambiguity(attempts=attempts, ambiguous=ambiguous, policy=policy, pause=AMBIGUOUS_PAUSE)
    if verdict is Verdict.UNREACHABLE:
        return Step(State.QUEUED, attempts, ambiguous, _spread(UNREACHABLE_PAUSE, jitter))
    if verdict is Verdict.DEFERRED and attempts < len(BACKOFF):
        return Step(State.QUEUED, attempts + 1, ambiguous, _spread(BACKOFF[attempts], jitter))
    return Step(State.SENT if verdict is Verdict.SENT else State.FAILED, attempts, ambiguous)


def after_ambiguity(*, attempts: int, ambiguous: int, policy: Policy, pause: float = 0) -> Step:
    """Send again at most twice, or hold at once where a second copy does harm (reliability.md 1.2.5)."""
    if policy == "hold" or ambiguous >= MOST_AMBIGUOUS_RESENDS:
        return Step(State.UNKNOWN, attempts, ambiguous + 1)
    return Step(State.QUEUED, attempts, ambiguous + 1, pause)


def _spread(pause: float, jitter: float) -> float:
    return pause * (1 + jitter / 5)


def delivery_of(state: State, *, attempts: int, ambiguous: int) -> Delivery:
    """Translate the outbox's state into what people see."""
    if state in {State.SENT, State.UNKNOWN, State.SUPPRESSED}:
        return Delivery(state.value)
    if state is State.FAILED:
        return Delivery.BOUNCED
    return Delivery.DEFERRED if attempts or ambiguous else Delivery.QUEUED
