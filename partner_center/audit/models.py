"""
The audit log: entries that nobody can change quietly, in one hash chain per partner.

Another log of the house (operations on vouchers) is another pair of `ChainedEntry` and `ChainHead`: audit/actions.py
writes it, `verify_log` and the anchors find it, `AppendOnly` (audit/append_only.py) in its migration guards it.
"""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from partner_center.audit.chain import GENESIS, Stored, canonical_text
from partner_center.audit.details import NOTHING
from partner_center.tenancy.models import Partner, PartnerOwnedQuerySet, PublicIdField


class Deed(models.TextChoices):
    """The closed list of what can be logged. What was ever logged is never removed from it."""

    SIGNED_IN = "signed_in", _("Signed in")
    SIGNED_OUT = "signed_out", _("Signed out")
    SIGN_IN_FAILED = "sign_in_failed", _("Sign-in failed")
    ACCOUNT_REGISTERED = "account_registered", _("Account registered")

    CUSTOMER_PREREGISTERED = "customer_preregistered", _("Customer preregistered")
    PREREGISTRATION_EXPIRED = "preregistration_expired", _("Preregistration expired")
    PREREGISTRATION_WITHDRAWN = "preregistration_withdrawn", _("Preregistration withdrawn")
    ACCOUNT_FACTS_CHANGED = "account_facts_changed", _("Account facts changed")
    ACCOUNT_FACTS_IMPORTED = "account_facts_imported", _("Account facts imported")

    INVITATION_CREATED = "invitation_created", _("Invitation created")
    INVITATION_SENT = "invitation_sent", _("Invitation sent")
    INVITATION_RESENT = "invitation_resent", _("Invitation resent")
    INVITATION_OPENED = "invitation_opened", _("Invitation opened")
    INVITATION_ACCEPTED = "invitation_accepted", _("Invitation accepted")
    INVITATION_DECLINED = "invitation_declined", _("Invitation declined")
    INVITATION_EXPIRED = "invitation_expired", _("Invitation expired")
    INVITATION_CANCELLED = "invitation_cancelled", _("Invitation cancelled")
    INVITATION_BLOCKED_CLEARED = "invitation_blocked_cleared", _("Ready to retry")
    CHECKS_FAILED = "checks_failed", _("Checks failed")
    ASSOCIATION_CREATED = "association_created", _("Association created")
    ASSOCIATION_ENDED = "association_ended", _("Association ended")
    ASSOCIATION_SWITCHED = "association_switched", _("Association model switched")
    NEW_LINK_REQUESTED = "new_link_requested", _("New link requested")
    DELIVERY_CHANGED = "delivery_changed", _("Delivery state changed")

    LINK_CREATED = "link_created", _("Invitation link created")
    LINK_ROTATED = "link_rotated", _("Invitation link rotated")
    LINK_REVOKED = "link_revoked", _("Invitation link revoked")
    LINK_COPIED = "link_copied", _("Invitation link copied")
    LINK_DOWNLOADED = "link_downloaded", _("QR code downloaded")

    FIELD_REVEALED = "field_revealed", _("Masked field revealed")
    REVEAL_REFUSED = "reveal_refused", _("Reveal refused")

    JOB_PLANNED = "job_planned", _("Job planned")
    JOB_APPLIED = "job_applied", _("Job applied")
    JOB_FINISHED = "job_finished", _("Job finished")
    JOB_CANCELLED = "job_cancelled", _("Job cancelled")
    JOB_RETRIED = "job_retried", _("Job retried")
    EXPORT_REQUESTED = "export_requested", _("Export requested")
    EXPORT_DOWNLOADED = "export_downloaded", _("Export downloaded")
    FAULTY_ROWS_DOWNLOADED = "faulty_rows_downloaded", _("Faulty rows downloaded")
    LOG_VIEWED = "log_viewed", _("Log viewed")
    LOG_EXPORTED = "log_exported", _("Log exported")

    QUOTA_CHANGED = "quota_changed", _("Quota changed")
    COUPON_LOCKED = "coupon_locked", _("Coupon locked by an order")
    COUPON_UNLOCKED = "coupon_unlocked", _("Coupon unlocked")
    WHITELIST_IMPORTED = "whitelist_imported", _("Whitelist imported")
    WHITELIST_ACTIVATED = "whitelist_activated", _("Whitelist activated")
    WHITELIST_DISCARDED = "whitelist_discarded", _("Whitelist draft discarded")
    OPERATION_REVIEWED = "operation_reviewed", _("Operation reviewed")

    CODE_SENT = "code_sent", _("Verification code sent")
    CODE_REFUSED = "code_refused", _("Verification code refused")
    CODE_ACCEPTED = "code_accepted", _("Verification code accepted")
    VERIFICATION_SWITCHED = "verification_switched", _("Verification switched on or off")

    API_KEY_CREATED = "api_key_created", _("API key created")
    API_KEY_REVOKED = "api_key_revoked", _("API key revoked")


class Result(models.TextChoices):
    """How a deed ended."""

    DONE = "done", _("Done")
    REFUSED = "refused", _("Refused")
    FAILED = "failed", _("Failed")


def all_deeds() -> list[tuple[str, Any]]:
    """List the choices by a function, so that a new deed needs no migration."""
    return Deed.choices


class ChainHead(models.Model):
    """The end of one chain: its row lock makes the sequence gap-free, its values tell when the newest are missing."""

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    seq = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, default=GENESIS)

    objects: ClassVar[models.Manager[Self]] = models.Manager()

    class Meta:
        abstract = True
        constraints = [
            # One head per partner, and one for the platform's own chain, which has no partner.
            models.UniqueConstraint(Coalesce("partner", 0), name="%(app_label)s_%(class)s_one_per_chain"),
        ]


class ChainedEntry(models.Model):
    """One link of a chain. Rows are only ever added: triggers refuse the rest (audit/append_only.py)."""

    head_model: ClassVar[type[ChainHead]]
    hashed_columns: ClassVar[tuple[str, ...]]

    public_id = PublicIdField()
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, null=True, db_index=False, related_name="+")
    seq = models.PositiveBigIntegerField()
    occurred_at = models.DateTimeField()
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = PartnerOwnedQuerySet[Self].as_manager()

    class Meta:
        abstract = True
        constraints = [
            models.UniqueConstraint(fields=["partner", "seq"], name="%(app_label)s_%(class)s_seq"),
            models.UniqueConstraint(
                fields=["seq"], condition=models.Q(partner=None), name="%(app_label)s_%(class)s_platform_seq"
            ),
        ]

    def canonical_text(self) -> str:
        values: list[Stored] = [getattr(self, column) for column in self.hashed_columns]
        return canonical_text(self.partner.public_id if self.partner else "", values)


class AuditHead(ChainHead):
    """The end of the audit log of one partner, or of the platform."""

    def __str__(self) -> str:
        return f"{self.seq} {self.hash}"


class AuditEntry(ChainedEntry):
    """One deed: who, when, what, to which object, and how it ended; objects by public id, never by their values."""

    head_model = AuditHead
    hashed_columns = (
        "public_id", "seq", "occurred_at", "deed", "actor_kind", "actor_id", "actor_name", "object_kind", "object_id",
        "result", "details", "session_ref", "ip", "request_id",
    )  # fmt: skip

    deed = models.CharField(max_length=40, choices=all_deeds)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=22, blank=True)
    actor_name = models.CharField(max_length=64, blank=True)
    object_kind = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    result = models.CharField(max_length=8, choices=Result.choices, default=Result.DONE)
    details = models.TextField(default=NOTHING)
    session_ref = models.CharField(max_length=64, blank=True)
    ip = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta(ChainedEntry.Meta):
        indexes = [models.Index(fields=["partner", "object_id", "seq"], name="audit_entry_of_object")]

    def __str__(self) -> str:
        return f"{self.seq} {self.deed} {self.object_kind} {self.object_id}"
