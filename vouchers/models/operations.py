"""The operation log: one record per coupon and operation, chained and append-only; and the marks of its review."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from partner_center.audit.models import ChainedEntry, ChainHead
from vouchers.rules import CouponKind, OperationType


class OperationResult(models.TextChoices):
    """How an operation ended (domain.md 3.8)."""

    SUCCESS = "success", _("Success")
    FAILURE = "failure", _("Failure")


class ReviewMark(models.TextChoices):
    """What an admin found."""

    REVIEWED = "reviewed", _("Reviewed")
    FLAGGED = "flagged", _("Flagged")


class OperationHead(ChainHead):
    """The end of the operation log of one partner."""

    def __str__(self) -> str:
        return f"{self.seq} {self.hash}"


class OperationRecord(ChainedEntry):
    """
    What was done to one quota or coupon, by whom, and how it ended (domain.md 3.8).

    Objects by public id, never by their values. `remark` is what the partner typed, for the partner's eyes;
    `operation_id` is the ledger entry's, empty where no money moved.
    """

    head_model = OperationHead
    hashed_columns = (
        "public_id", "seq", "occurred_at", "operation", "kind", "result", "reason", "amount_minor", "currency",
        "quota_number", "coupon_id", "account_id", "chosen_account_id", "operation_id", "order_id",
        "whitelist_version", "remark", "job_id", "actor_kind", "actor_id", "actor_name", "session_ref", "ip",
        "request_id",
    )  # fmt: skip

    operation = models.CharField(max_length=24, choices=OperationType.choices)
    kind = models.CharField(max_length=13, choices=CouponKind.choices)
    result = models.CharField(max_length=7, choices=OperationResult.choices)
    reason = models.CharField(max_length=40, blank=True)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    quota_number = models.CharField(max_length=16)
    # Public ids. They are no foreign keys: what is logged stands even when its object is erased.
    coupon_id = models.CharField(max_length=22, blank=True)
    account_id = models.CharField(max_length=22, blank=True)
    chosen_account_id = models.CharField(max_length=22, blank=True)
    operation_id = models.CharField(max_length=22, blank=True)
    order_id = models.CharField(max_length=64, blank=True)
    whitelist_version = models.PositiveIntegerField(default=0)
    remark = models.CharField(max_length=256, blank=True)
    job_id = models.CharField(max_length=22, blank=True)
    actor_kind = models.CharField(max_length=10)
    actor_id = models.CharField(max_length=22, blank=True)
    actor_name = models.CharField(max_length=64, blank=True)
    session_ref = models.CharField(max_length=64, blank=True)
    ip = models.CharField(max_length=45, blank=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta(ChainedEntry.Meta):
        indexes = [
            models.Index(fields=["partner", "-id"], name="operation_newest"),
            models.Index(fields=["partner", "quota_number", "-id"], name="operation_of_quota"),
            models.Index(fields=["partner", "coupon_id", "-id"], name="operation_of_coupon"),
            models.Index(fields=["partner", "account_id", "-id"], name="operation_of_account"),
            models.Index(fields=["partner", "actor_id", "-id"], name="operation_of_actor"),
            models.Index(fields=["partner", "operation", "-id"], name="operation_of_type"),
            models.Index(fields=["partner", "chosen_account_id", "-id"], name="operation_of_chosen"),
            models.Index(fields=["partner", "kind", "-id"], name="operation_of_kind"),
            models.Index(fields=["partner", "result", "-id"], name="operation_of_result"),
            models.Index(fields=["partner", "job_id", "-id"], name="operation_of_batch"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.operation} {self.coupon_id or self.quota_number}"


class ReviewHead(ChainHead):
    """The end of the reviews of one partner's operations."""

    def __str__(self) -> str:
        return f"{self.seq} {self.hash}"


class Review(ChainedEntry):
    """What an admin of the vendor found about one operation; the newest counts, and none is ever changed."""

    head_model = ReviewHead
    hashed_columns = (
        "public_id", "seq", "occurred_at", "record_id_text", "mark", "note", "actor_id", "actor_name", "request_id",
    )  # fmt: skip

    record = models.ForeignKey(OperationRecord, on_delete=models.PROTECT, related_name="reviews")
    record_id_text = models.CharField(max_length=22)
    mark = models.CharField(max_length=8, choices=ReviewMark.choices)
    note = models.CharField(max_length=500, blank=True)
    actor_id = models.CharField(max_length=22)
    actor_name = models.CharField(max_length=64)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta(ChainedEntry.Meta):
        pass

    def __str__(self) -> str:
        return f"{self.mark} {self.record_id_text}"
