"""The outbox: the row is the mail (reliability.md 1.2), and what is known of senders and recipients."""

from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from partner_center.mail.config import mail_config
from partner_center.mail.rules import Delivery, State, delivery_of
from partner_center.masking import mask_email
from partner_center.tenancy.models import Partner, PartnerOwnedQuerySet, PublicIdField

# The turn of mails that the vendor sends in its own name; partners have their primary key.
VENDOR_LANE = 0
IN_HAND = (State.LEASED, State.SENDING)


def from_now(seconds: float) -> Combinable:
    """Give the database's own clock plus `seconds`, scaled: hosts whose clocks differ agree on leases."""
    # SQLite compares times as text, and a sum has more digits than the clock: adding nothing would be a moment later.
    return Now() + timedelta(seconds=mail_config().scaled(seconds)) if seconds else Now()


class MailOutboxQuerySet(PartnerOwnedQuerySet["MailOutbox"]):
    """Mails by where they stand."""

    def due(self) -> Self:
        return self.filter(state=State.QUEUED, next_at__lte=Now())

    def leased_by(self, owner: str) -> Self:
        return self.filter(state=State.LEASED, owner=owner, lease_until__gt=Now())

    def sending_by(self, owner: str) -> Self:
        return self.filter(state=State.SENDING, owner=owner)


class MailOutbox(models.Model):
    """
    One mail to one person. No token, no body and no address stand here: they are made at the moment of sending.

    `lane` is the partner's key or 0, so that senders can take turns by one index.
    """

    public_id = PublicIdField()
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, null=True, related_name="+")
    lane = models.BigIntegerField(default=VENDOR_LANE)
    kind = models.CharField(max_length=40)
    object_id = models.CharField(max_length=64)
    generation = models.BigIntegerField(default=1)
    dedupe_key = models.CharField(max_length=160)
    message_id = models.CharField(max_length=320)
    recipient_hash = models.CharField(max_length=64, default="")
    state = models.CharField(max_length=12, choices=State.choices, default=State.QUEUED)
    owner = models.CharField(max_length=80, default="")
    lease_until = models.DateTimeField(null=True)
    next_at = models.DateTimeField(db_default=Now())
    attempts = models.PositiveSmallIntegerField(default=0)
    ambiguous = models.PositiveSmallIntegerField(default=0)
    soft_bounces = models.PositiveSmallIntegerField(default=0)
    last_code = models.CharField(max_length=64, default="")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    objects = MailOutboxQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dedupe_key"], name="mail_dedupe_key_once"),
            models.UniqueConstraint(fields=["message_id"], name="mail_message_id_once"),
            models.CheckConstraint(condition=models.Q(state__in=State.values), name="mail_state_known"),
            models.CheckConstraint(
                condition=~models.Q(state__in=IN_HAND) | (~models.Q(owner="") & models.Q(lease_until__isnull=False)),
                name="mail_in_hand_has_owner",
            ),
        ]
        indexes = [
            models.Index(
                fields=["lane", "next_at", "id"], condition=models.Q(state=State.QUEUED), name="mail_due_by_lane"
            ),
            models.Index(fields=["lease_until"], condition=models.Q(state__in=IN_HAND), name="mail_in_hand"),
            models.Index(fields=["object_id", "generation"], name="mail_of_object"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"

    @property
    def delivery(self) -> Delivery:
        return delivery_of(State(self.state), attempts=self.attempts, ambiguous=self.ambiguous)


class SenderHeartbeat(models.Model):
    """A sender's sign of life; who is silent for 30 s is taken for dead."""

    owner = models.CharField(max_length=80, unique=True)
    beat_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.owner


class SuppressionCause(models.TextChoices):
    BOUNCE = "bounce", _("The address does not exist")
    COMPLAINT = "complaint", _("The recipient has complained")


class Suppression(models.Model):
    """An address that gets no more mail: of this partner after a bounce, of anybody after a complaint."""

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, null=True, related_name="+")
    recipient_hash = models.CharField(max_length=64, db_index=True)
    cause = models.CharField(max_length=12, choices=SuppressionCause.choices)
    created_at = models.DateTimeField()

    objects = PartnerOwnedQuerySet["Suppression"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["partner", "recipient_hash", "cause"],
                condition=models.Q(partner__isnull=False),
                name="suppression_once_per_partner",
            ),
            models.UniqueConstraint(
                fields=["recipient_hash", "cause"],
                condition=models.Q(partner__isnull=True),
                name="suppression_once_for_vendor",
            ),
        ]

    def __str__(self) -> str:
        return self.cause


class BounceEvent(models.Model):
    """A report that has been worked; its id makes a repeat a no-op."""

    event_id = models.CharField(max_length=200, unique=True)
    type = models.CharField(max_length=12)
    mail = models.ForeignKey(MailOutbox, on_delete=models.CASCADE, null=True, related_name="bounce_events")
    status = models.CharField(max_length=16, default="")
    received_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.event_id


class DevMessage(models.Model):
    """A mail that the demo would have sent: bodies and addresses in clear, so production never writes one."""

    public_id = PublicIdField()
    message_id = models.CharField(max_length=320, unique=True)
    recipient = models.CharField(max_length=254, db_index=True)
    subject = models.CharField(max_length=255)
    text = models.TextField()
    html = models.TextField()
    language = models.CharField(max_length=10)
    sent_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.subject

    @property
    def recipient_masked(self) -> str:
        return mask_email(self.recipient)
