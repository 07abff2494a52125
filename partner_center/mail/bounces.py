"""What a report changes: the mail's state, and who gets no more mail (reliability.md 1.2.8)."""

import hashlib
import hmac
import logging
from datetime import datetime
from enum import StrEnum

from django.db import IntegrityError, transaction
from django.db.models import Q

from partner_center.mail.actions import suppress_hash, tell_all
from partner_center.mail.envelope import mail_of_tag
from partner_center.mail.models import BounceEvent, MailOutbox, SuppressionCause
from partner_center.mail.reports import Report
from partner_center.mail.rules import MOST_SOFT_BOUNCES, NO_SUCH_ADDRESS, Delivery, State

log = logging.getLogger(__name__)

REPLAY_WINDOW = 300
# A report may overtake the sender's own note that the mail went out, and may name a copy whose fate was unknown.
MAY_HAVE_LEFT = Q(state__in=(State.SENDING, State.SENT, State.UNKNOWN)) | Q(
    state__in=(State.QUEUED, State.LEASED), ambiguous__gt=0
)
UNSURE = Q(state=State.UNKNOWN) | Q(state__in=(State.QUEUED, State.LEASED), ambiguous__gt=0)
GONE = {"owner": "", "lease_until": None}


class Effect(StrEnum):
    """What a report did."""

    APPLIED = "applied"
    NOTHING = "nothing"
    REPEATED = "repeated"
    FORGED = "forged"


def is_signed(*, key: str, timestamp: str, signature: str, body: bytes, now: datetime) -> bool:
    """Check a webhook's signature: hex HMAC-SHA256 over `timestamp.body`, not older or newer than 300 s."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):  # noqa: PLR2004 - year 33658
        return False
    if abs(now.timestamp() - int(timestamp)) > REPLAY_WINDOW:
        return False
    return hmac.compare_digest(sign(key=key, timestamp=timestamp, body=body), signature.encode("utf-8", "replace"))


def sign(*, key: str, timestamp: str, body: bytes) -> bytes:
    """Sign as the mail system must."""
    return hmac.new(key.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest().encode()


def apply(report: Report, *, now: datetime) -> Effect:
    """Work one report, once; a tag that was not signed here is ignored and logged."""
    public_id = mail_of_tag(report.tag)
    if public_id is None:
        log.warning("delivery report with a forged tag ignored")
        return Effect.FORGED
    with transaction.atomic():
        # The row is locked, so reports about one mail are worked one after another.
        mail = MailOutbox.objects.select_for_update().filter(public_id=public_id).first()
        if not _first_time(report, mail, now):
            return Effect.REPEATED
        return Effect.APPLIED if mail and _apply(report, mail, now) else Effect.NOTHING


def _first_time(report: Report, mail: MailOutbox | None, now: datetime) -> bool:
    try:
        with transaction.atomic():
            BounceEvent.objects.create(
                event_id=report.event_id, type=report.type, mail=mail, status=report.status, received_at=now
            )  # fmt: skip
    except IntegrityError:
        return False
    return True


def _apply(report: Report, mail: MailOutbox, now: datetime) -> bool:
    if report.type == "complaint":
        return _complaint(mail, now)
    if report.type == "delivered":
        return _delivered(mail, now)
    if report.type == "bounce" and not report.status.startswith("4"):
        return _hard_bounce(report, mail, now)
    return _soft_bounce(report, mail, now)


def _hard_bounce(report: Report, mail: MailOutbox, now: datetime) -> bool:
    if report.status.startswith(NO_SUCH_ADDRESS) and mail.recipient_hash:
        suppress_hash(
            recipient_hash=mail.recipient_hash, partner=mail.partner, cause=SuppressionCause.BOUNCE, now=now
        )  # fmt: skip
    return _change(mail, State.FAILED, Delivery.BOUNCED, f"bounce {report.status}".strip(), now)


def _soft_bounce(report: Report, mail: MailOutbox, now: datetime) -> bool:
    mail.soft_bounces += 1
    code = f"deferred {report.status}".strip()
    if mail.soft_bounces >= MOST_SOFT_BOUNCES:
        return _change(mail, State.FAILED, Delivery.BOUNCED, code, now)
    counted = MailOutbox.objects.filter(MAY_HAVE_LEFT, pk=mail.pk)
    if not counted.update(soft_bounces=mail.soft_bounces, last_code=code):
        return False
    tell_all([mail], Delivery.DEFERRED, code, now)
    return True


def _complaint(mail: MailOutbox, now: datetime) -> bool:
    if not mail.recipient_hash:
        return False
    suppress_hash(
        recipient_hash=mail.recipient_hash, partner=mail.partner, cause=SuppressionCause.COMPLAINT, now=now
    )  # fmt: skip
    MailOutbox.objects.filter(pk=mail.pk).update(last_code="complaint")
    tell_all([mail], mail.delivery, "complaint", now)
    return True


def _delivered(mail: MailOutbox, now: datetime) -> bool:
    """Learn that a mail of unknown fate has arrived; of others it is no news, and it never undoes a bounce."""
    unsure = MailOutbox.objects.filter(UNSURE, pk=mail.pk)
    if not unsure.update(state=State.SENT, sent_at=now, last_code="delivered", **GONE):
        return False
    tell_all([mail], Delivery.SENT, "delivered", now)
    return True


def _change(mail: MailOutbox, state: State, delivery: Delivery, code: str, now: datetime) -> bool:
    """Let a mail that went out, or may have, bounce; one that has failed already stays as it is."""
    changed = MailOutbox.objects.filter(MAY_HAVE_LEFT, pk=mail.pk).update(
        state=state, last_code=code, soft_bounces=mail.soft_bounces, **GONE
    )
    if changed:
        tell_all([mail], delivery, code, now)
    return changed == 1
