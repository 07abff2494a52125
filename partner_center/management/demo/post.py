"""The mails of the demo: none leaves, each is written down as the one mail server of the story answered it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from partner_center.mail.actions import suppress_hash, tell_all
from partner_center.mail.config import mail_config
from partner_center.mail.envelope import hash_of
from partner_center.mail.kinds import Message, OutboxKey, kind_of
from partner_center.mail.models import DevMessage, MailOutbox, SuppressionCause
from partner_center.mail.rules import MOST_AMBIGUOUS_RESENDS, Delivery, State

ON_THE_WAY = timedelta(seconds=3)


@dataclass(frozen=True)
class Fate:
    """How far a mail got. On hold stands in for waiting, so that no sender of a real server picks the mail up."""

    state: State
    shown: Delivery
    code: str = ""
    attempts: int = 0
    ambiguous: int = 0


ARRIVES = Fate(State.SENT, Delivery.SENT, "250 2.0.0")
FATES: dict[str, Fate] = {
    "bounced": Fate(State.FAILED, Delivery.BOUNCED, "550 5.1.1"),
    "deferred": Fate(State.HELD, Delivery.DEFERRED, "451 4.7.1", attempts=2),
    "unknown": Fate(State.UNKNOWN, Delivery.UNKNOWN, "timeout", ambiguous=MOST_AMBIGUOUS_RESENDS + 1),
    "suppressed": Fate(State.SUPPRESSED, Delivery.SUPPRESSED, "suppressed_address"),
    "queued": Fate(State.HELD, Delivery.QUEUED),
}


def deliver(*, troubles: Mapping[str, str], at: datetime) -> None:
    """
    Settle every mail that waits.

    :param troubles: address to a word of FATES; all other mails arrive
    """
    waiting = list(MailOutbox.objects.filter(state=State.QUEUED).select_related("partner").order_by("pk"))
    for kind in sorted({mail.kind for mail in waiting}):
        group = [mail for mail in waiting if mail.kind == kind]
        messages = kind_of(kind).render([OutboxKey(mail.object_id, mail.generation) for mail in group])
        for mail in group:
            message = messages[OutboxKey(mail.object_id, mail.generation)]
            _settle(mail, message, FATES.get(troubles.get(message.recipient, ""), ARRIVES), at + ON_THE_WAY)


def _settle(mail: MailOutbox, message: Message, fate: Fate, at: datetime) -> None:
    mail.state, mail.attempts, mail.ambiguous, mail.last_code = fate.state, fate.attempts, fate.ambiguous, fate.code
    mail.recipient_hash, mail.next_at = hash_of(message.recipient), at
    mail.sent_at = at if fate.state is State.SENT else None
    mail.save(update_fields=["state", "attempts", "ambiguous", "last_code", "recipient_hash", "next_at", "sent_at"])
    if fate.shown is not Delivery.QUEUED:
        tell_all([mail], fate.shown, fate.code, at)
    if fate.shown is Delivery.BOUNCED:
        bounce = SuppressionCause.BOUNCE
        suppress_hash(recipient_hash=mail.recipient_hash, partner=mail.partner, cause=bounce, now=at)
    if fate.state is State.SENT and mail_config().uses_mailbox:
        _keep([(mail, message)], at)


def _keep(sent: Sequence[tuple[MailOutbox, Message]], at: datetime) -> None:
    """Put what arrived into the demo's mailbox, where its links can be tried."""
    DevMessage.objects.bulk_create(
        DevMessage(
            message_id=mail.message_id,
            recipient=message.recipient,
            subject=message.subject,
            text=message.text,
            html=message.html,
            language=message.language,
            sent_at=at,
        )
        for mail, message in sent
    )
