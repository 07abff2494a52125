"""Coupons: what customers hold, and what is left of it."""

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import F, Q

from customers.models import Account, Association
from customers.rules import Model
from partner_center.jobs.models import Job
from partner_center.tenancy.models import Member, Partner, PartnerOwnedQuerySet, PublicIdField
from vouchers.models.quotas import Quota
from vouchers.models.whitelists import WhitelistVersion
from vouchers.rules import CouponKind, CouponStatus, coupon_status, new_number

# How long before its end a coupon's holder is warned.
EXPIRES_SOON = timedelta(days=7)


def new_coupon_number() -> str:
    return new_number("C")


class CouponQuerySet(PartnerOwnedQuerySet["Coupon"]):
    def visible_to(self, member: Member) -> Self:
        """Keep the partner's coupons; a member with customers of his own sees those of his customers."""
        rows = self.of(member.partner)
        return rows if member.sees_everybody else rows.filter(association__account_manager=member)

    def usable(self, *, now: datetime) -> Self:
        return self.filter(status=CouponStatus.USABLE, expires_at__gt=now)

    def due(self, *, now: datetime) -> Self:
        return self.filter(status=CouponStatus.USABLE, expires_at__lte=now)

    def expiring(self, *, now: datetime) -> Self:
        """Keep the usable coupons that run out soon."""
        return self.usable(now=now).filter(expires_at__lte=now + EXPIRES_SOON)

    def in_status(self, status: str, *, now: datetime) -> Self:
        """Filter by the status people see: a coupon has expired when its time is over, written down or not."""
        if status == CouponStatus.EXPIRED:
            return self.filter(Q(status=status) | Q(status=CouponStatus.USABLE, expires_at__lte=now))
        return self.usable(now=now) if status == CouponStatus.USABLE else self.filter(status=status)


class Coupon(models.Model):
    """
    A voucher, cash coupon or pickup coupon that a customer holds (domain.md 3.7).

    `face = balance + consumed + recalled + expired`, always; amounts in minor units. `account` holds the coupon,
    `chosen_account` is whom the partner picked: they differ where a member's coupon went to its master account.
    `remark` is for the issuing partner only; `recall_reason` is told to the customer.
    """

    public_id = PublicIdField()
    number = models.CharField(max_length=16, unique=True, default=new_coupon_number, editable=False)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT)
    quota = models.ForeignKey(Quota, on_delete=models.PROTECT, related_name="coupons")
    kind = models.CharField(max_length=13, choices=CouponKind.choices)
    status = models.CharField(max_length=8, choices=CouponStatus.choices, default=CouponStatus.USABLE)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="coupons")
    chosen_account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    association = models.ForeignKey(Association, on_delete=models.PROTECT, related_name="+")
    model = models.CharField(max_length=8, choices=Model.choices)
    currency = models.CharField(max_length=3)
    face_minor = models.BigIntegerField()
    balance_minor = models.BigIntegerField()
    consumed_minor = models.BigIntegerField(default=0)
    recalled_minor = models.BigIntegerField(default=0)
    expired_minor = models.BigIntegerField(default=0)
    effective_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    min_order_minor = models.BigIntegerField(null=True, blank=True)
    ratio_percent = models.PositiveSmallIntegerField(null=True, blank=True)
    order_types = models.JSONField(default=list, blank=True)
    services = models.JSONField(default=list, blank=True)
    products = models.JSONField(default=list, blank=True)
    remark = models.CharField(max_length=256, blank=True)
    recall_reason = models.CharField(max_length=200, blank=True)
    locked_by_order = models.CharField(max_length=64, blank=True)
    whitelist_version = models.ForeignKey(WhitelistVersion, on_delete=models.PROTECT, null=True, related_name="+")
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    issued_by = models.ForeignKey(Member, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = CouponQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(status__in=CouponStatus.values), name="coupon_status_known"),
            models.CheckConstraint(condition=Q(face_minor__gt=0), name="coupon_face_positive"),
            models.CheckConstraint(
                condition=Q(balance_minor__gte=0, consumed_minor__gte=0, recalled_minor__gte=0, expired_minor__gte=0),
                name="coupon_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(
                    face_minor=F("balance_minor") + F("consumed_minor") + F("recalled_minor") + F("expired_minor")
                ),
                name="coupon_nothing_lost",
            ),
            models.CheckConstraint(
                condition=Q(status=CouponStatus.USABLE, balance_minor__gt=0)
                | ~Q(status=CouponStatus.USABLE) & Q(balance_minor=0),
                name="coupon_usable_means_balance",
            ),
            models.CheckConstraint(
                condition=Q(ratio_percent=None) | Q(ratio_percent__gte=1, ratio_percent__lte=100),
                name="coupon_ratio_is_a_percentage",
            ),
            models.CheckConstraint(condition=Q(expires_at__gt=F("effective_at")), name="coupon_ends_after_it_begins"),
        ]
        indexes = [
            models.Index(fields=["partner", "-id"], name="coupon_newest"),
            models.Index(fields=["partner", "kind", "-id"], name="coupon_kind"),
            models.Index(fields=["quota", "-id"], name="coupon_of_quota"),
            models.Index(fields=["expires_at"], condition=Q(status="usable"), name="coupon_due"),
            models.Index(fields=["locked_by_order"], condition=~Q(locked_by_order=""), name="coupon_held"),
        ]

    def __str__(self) -> str:
        return self.number

    def status_at(self, now: datetime) -> CouponStatus:
        return coupon_status(status=self.status, expires_at=self.expires_at, now=now)
