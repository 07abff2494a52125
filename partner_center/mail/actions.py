"""What other rooms may do with the outbox. Every mail is written in the transaction of the deed that causes it."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from partner_center.mail.config import mail_config
from partner_center.mail.envelope import hash_of, hashes_of, message_id_of
from partner_center.mail.kinds import DeliveryChange, OutboxKey, kind_of
from partner_center.mail.models import IN_HAND, VENDOR_LANE, MailOutbox, Suppression, SuppressionCause
from partner_center.mail.rules import Delivery, State
from partner_center.refusals import Refusal
from partner_center.tenancy.models import Partner, new_public_id

__all__ = [
    "Delivery",
    "NothingToSendAgain",
    "enqueue",
    "enqueue_many",
    "hold_all",
    "lift_suppression",
    "release_all",
    "send_again",
    "suppress",
    "suppress_address",
]

CHUNK = 500


class NothingToSendAgain(Refusal):
    """The mail is not one whose fate is unknown."""

    code = "mail_not_unknown"
    message = _("Only a mail whose delivery is unknown can be sent again.")
    next_step = _("Look at its delivery state again: it may have changed.")


def enqueue(
    *,
    kind: str,
    partner: Partner | None,
    object_id: str,
    generation: int,
    dedupe_key: str,
    now: datetime,
) -> MailOutbox:
    """
    Write one mail into the outbox; the same `dedupe_key` again gives the mail that is there.

    :raises UnknownKind: when no app has registered the kind
    :raises TransactionManagementError: outside the transaction of the deed
    """
    _in_transaction_of_the_deed()
    mail = _new_mail(kind, partner, OutboxKey(object_id, generation), dedupe_key, now)
    MailOutbox.objects.bulk_create([mail], ignore_conflicts=True)
    return MailOutbox.objects.get(dedupe_key=dedupe_key)


def enqueue_many(
    *, kind: str, partner: Partner | None, keys: Iterable[OutboxKey], dedupe_prefix: str, now: datetime
) -> int:
    """
    Write many mails of one kind and return how many are new; `dedupe_prefix:object:gN` is the dedupe key of each.

    :raises UnknownKind: when no app has registered the kind
    :raises TransactionManagementError: outside the transaction of the deed
    """
    _in_transaction_of_the_deed()
    mails = [
        _new_mail(kind, partner, OutboxKey(*key), f"{dedupe_prefix}:{key[0]}:g{key[1]}", now)
        for key in dict.fromkeys(keys)
    ]
    return sum(_insert(mails[start : start + CHUNK]) for start in range(0, len(mails), CHUNK))


def _insert(mails: Sequence[MailOutbox]) -> int:
    MailOutbox.objects.bulk_create(mails, ignore_conflicts=True)
    return MailOutbox.objects.filter(public_id__in=[mail.public_id for mail in mails]).count()


def _in_transaction_of_the_deed() -> None:
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("a mail is written in the transaction of its deed")


def _new_mail(kind: str, partner: Partner | None, key: OutboxKey, dedupe_key: str, now: datetime) -> MailOutbox:
    public_id = new_public_id()
    return MailOutbox(
        public_id=public_id,
        partner=partner,
        lane=partner.pk if partner else VENDOR_LANE,
        kind=kind_of(kind).key,
        object_id=key.object_id,
        generation=key.generation,
        dedupe_key=dedupe_key,
        message_id=message_id_of(kind, public_id, key.generation, mail_config().domain),
        created_at=now,
    )


def suppress(*, kind: str, keys: Iterable[OutboxKey], code: str, now: datetime) -> int:
    """Stop mails that have not begun to go out, because what they are about is over; return how many."""
    return sum(_suppress_one(kind, OutboxKey(*key), code, now) for key in keys)


def _suppress_one(kind: str, key: OutboxKey, code: str, now: datetime) -> int:
    waiting = MailOutbox.objects.filter(
        kind=kind,
        object_id=key.object_id,
        generation=key.generation,
        state__in=(State.QUEUED, State.LEASED, State.HELD),
    )
    with transaction.atomic():
        stopped = waiting.update(state=State.SUPPRESSED, owner="", lease_until=None, last_code=code)
        if stopped:
            _tell(kind, [DeliveryChange(*key, Delivery.SUPPRESSED, code, now)])
    return stopped


def send_again(*, mails: QuerySet[MailOutbox], now: datetime) -> int:
    """
    Put mails of unknown fate back into the queue, under the Message-IDs they had.

    Whether the caller may do so is the caller's affair; `mails` begins with `.of(partner)`.

    :raises NothingToSendAgain: when none of them is unknown
    """
    with transaction.atomic():
        unknown = list(mails.filter(state=State.UNKNOWN).select_for_update())
        if not unknown:
            raise NothingToSendAgain
        chosen = MailOutbox.objects.filter(pk__in=[mail.pk for mail in unknown], state=State.UNKNOWN)
        sent_again = chosen.update(state=State.QUEUED, next_at=Now(), last_code="")
        tell_all(unknown, Delivery.QUEUED, "send_again", now)
    return sent_again


def hold_all(*, before: datetime | None = None) -> int:
    """Stop all mail that has not begun to go out, as after the restore of an old backup; return how many."""
    waiting = MailOutbox.objects.filter(state__in=(State.QUEUED, IN_HAND[0]))
    if before is not None:
        waiting = waiting.filter(created_at__lt=before)
    return waiting.update(state=State.HELD, owner="", lease_until=None)


def release_all() -> int:
    """Let the mail on hold go out; return how many."""
    return MailOutbox.objects.filter(state=State.HELD).update(state=State.QUEUED, next_at=Now())


def suppress_address(*, address: str, partner: Partner | None, cause: SuppressionCause, now: datetime) -> None:
    """Send no more mail to an address: of this partner after a bounce, of anybody after a complaint."""
    suppress_hash(recipient_hash=hash_of(address), partner=partner, cause=cause, now=now)


def suppress_hash(*, recipient_hash: str, partner: Partner | None, cause: SuppressionCause, now: datetime) -> None:
    """Do the same for an address that is known by its hash only."""
    Suppression.objects.bulk_create(
        [Suppression(partner=partner, recipient_hash=recipient_hash, cause=cause, created_at=now)],
        ignore_conflicts=True,
    )


def lift_suppression(*, address: str, partner: Partner) -> int:
    """Forget that an address bounced for a partner; complaints stay. Return how many entries went."""
    bounced = Suppression.objects.of(partner).filter(
        cause=SuppressionCause.BOUNCE, recipient_hash__in=hashes_of(address)
    )
    return bounced.delete()[0]


def tell_all(mails: Sequence[MailOutbox], state: Delivery, code: str, now: datetime) -> None:
    """Tell the apps behind these mails what became of them, inside the transaction that changes the rows."""
    by_kind: dict[str, list[DeliveryChange]] = {}
    for mail in mails:
        change = DeliveryChange(mail.object_id, mail.generation, state, code, now, mail.recipient_hash)
        by_kind.setdefault(mail.kind, []).append(change)
    for kind, changes in by_kind.items():
        _tell(kind, changes)


def _tell(kind: str, changes: Sequence[DeliveryChange]) -> None:
    delivered: Callable[[Sequence[DeliveryChange]], None] | None = kind_of(kind).delivered
    if delivered is not None:
        delivered(changes)
