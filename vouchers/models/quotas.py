"""Quotas: what the vendor lets a partner give away, within which limits."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q

from customers.models import Account
from partner_center.tenancy.models import Partner, PartnerOwnedQuerySet, PublicIdField
from vouchers.rules import CouponKind, QuotaPhase, QuotaStatus, new_number, quota_phase


def new_quota_number() -> str:
    return new_number("Q")


class QuotaQuerySet(PartnerOwnedQuerySet["Quota"]):
    def open(self, *, now: datetime) -> Self:
        """Keep what can be issued from now."""
        return self.filter(status=QuotaStatus.NORMAL, effective_at__lte=now, expires_at__gt=now)


class Quota(models.Model):
    """
    An amount that a partner may give to customers as coupons of one kind (domain.md 3.6).

    What was granted is somewhere: `total = balance + outstanding + consumed + lapsed`, where outstanding is what
    customers hold. Each column is the balance of a ledger account; `manage.py reconcile` recomputes them all.
    An empty list of a limit means: not limited.
    """

    public_id = PublicIdField()
    number = models.CharField(max_length=16, unique=True, default=new_quota_number, editable=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT)
    kind = models.CharField(max_length=13, choices=CouponKind.choices)
    status = models.CharField(max_length=9, choices=QuotaStatus.choices, default=QuotaStatus.NORMAL)
    status_note = models.CharField(max_length=200, blank=True)
    currency = models.CharField(max_length=3)
    total_minor = models.BigIntegerField()
    balance_minor = models.BigIntegerField()
    outstanding_minor = models.BigIntegerField(default=0)
    consumed_minor = models.BigIntegerField(default=0)
    lapsed_minor = models.BigIntegerField(default=0)
    # What was ever issued, for the limits on number and total face value; recalls do not lower it.
    issued_count = models.PositiveIntegerField(default=0)
    issued_face_minor = models.BigIntegerField(default=0)
    effective_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    min_face_minor = models.BigIntegerField(null=True, blank=True)
    max_face_minor = models.BigIntegerField(null=True, blank=True)
    max_count = models.PositiveIntegerField(null=True, blank=True)
    max_total_face_minor = models.BigIntegerField(null=True, blank=True)
    order_types = models.JSONField(default=list, blank=True)
    services = models.JSONField(default=list, blank=True)
    products = models.JSONField(default=list, blank=True)
    allowed_models = models.JSONField(default=list, blank=True)
    whitelist_required = models.BooleanField(default=False)
    first_associated_only = models.BooleanField(default=False)
    named_customers = models.ManyToManyField(Account, blank=True, related_name="+")
    has_named_customers = models.BooleanField(default=False)

    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    objects = QuotaQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=CouponKind.values), name="quota_kind_known"),
            models.CheckConstraint(condition=Q(status__in=QuotaStatus.values), name="quota_status_known"),
            models.CheckConstraint(
                condition=Q(balance_minor__gte=0, balance_minor__lte=F("total_minor")), name="quota_never_oversold"
            ),
            models.CheckConstraint(
                condition=Q(outstanding_minor__gte=0, consumed_minor__gte=0, lapsed_minor__gte=0),
                name="quota_accounts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(
                    total_minor=F("balance_minor") + F("outstanding_minor") + F("consumed_minor") + F("lapsed_minor")
                ),
                name="quota_nothing_lost",
            ),
            models.CheckConstraint(
                condition=Q(max_count=None) | Q(issued_count__lte=F("max_count")), name="quota_count_within_limit"
            ),
            models.CheckConstraint(
                condition=Q(max_total_face_minor=None) | Q(issued_face_minor__lte=F("max_total_face_minor")),
                name="quota_face_within_limit",
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("effective_at")), name="quota_ends_after_it_begins"),
        ]
        indexes = [
            models.Index(fields=["partner", "kind", "-id"], name="quota_newest"),
            models.Index(fields=["partner", "expires_at", "id"], name="quota_expiring"),
        ]

    def __str__(self) -> str:
        return self.number

    def phase_at(self, now: datetime) -> QuotaPhase:
        return quota_phase(status=self.status, effective_at=self.effective_at, expires_at=self.expires_at, now=now)
