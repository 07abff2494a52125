"""Whitelists: whom a partner may give cash and pickup coupons, in versions that are never changed."""

from django.db import models
from django.db.models import Q

from customers.models import Account
from partner_center.tenancy.models import Member, Partner, PartnerOwnedQuerySet, PublicIdField
from vouchers.rules import WhitelistKind, WhitelistVersionStatus


class WhitelistQuerySet(PartnerOwnedQuerySet["Whitelist"]):
    """The whitelists of partners."""


class Whitelist(models.Model):
    """
    The list of one partner, for customers in general or for pickup coupons: it points to the version in force.

    Its row is what issuing and activating lock, so that a coupon is judged by the version that is in force when it
    is written, and by no other.
    """

    partner = models.ForeignKey(Partner, on_delete=models.PROTECT)
    kind = models.CharField(max_length=8, choices=WhitelistKind.choices)
    active = models.ForeignKey("WhitelistVersion", on_delete=models.PROTECT, null=True, related_name="+")

    objects = WhitelistQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["partner", "kind"], name="whitelist_one_per_kind")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class WhitelistVersion(models.Model):
    """One imported list: a draft until it is activated, readable for ever (domain.md 3.9)."""

    public_id = PublicIdField()
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT)
    kind = models.CharField(max_length=8, choices=WhitelistKind.choices)
    # Counted per list; the number people say: "version 7".
    number = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=WhitelistVersionStatus.choices)
    file_name = models.CharField(max_length=150, blank=True)
    imported_by = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="+")
    # What the draft was compared with, so that activating it later can tell that the list has changed meanwhile.
    compared_with = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    row_count = models.PositiveIntegerField(default=0)
    entry_count = models.PositiveIntegerField(default=0)
    added_count = models.PositiveIntegerField(default=0)
    removed_count = models.PositiveIntegerField(default=0)
    rejected_count = models.PositiveIntegerField(default=0)
    # SHA-256 over the sorted public ids of the accounts: equal lists have equal digests.
    digest = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    activated_at = models.DateTimeField(null=True)

    objects = PartnerOwnedQuerySet["WhitelistVersion"].as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["partner", "kind", "number"], name="whitelist_version_number"),
            models.UniqueConstraint(
                fields=["partner", "kind"], condition=Q(status="active"), name="whitelist_one_active_version"
            ),
        ]
        indexes = [models.Index(fields=["partner", "kind", "-id"], name="whitelist_version_newest")]

    def __str__(self) -> str:
        return f"{self.number}"


class WhitelistEntry(models.Model):
    """One customer of one version."""

    version = models.ForeignKey(WhitelistVersion, on_delete=models.CASCADE, related_name="entries", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "account"], name="whitelist_entry_once")]

    def __str__(self) -> str:
        return f"{self.version_id} {self.account_id}"


class WhitelistRejection(models.Model):
    """One row of an import that names no customer of the partner; its text is blanked with the draft."""

    LONGEST_NAME = 64

    version = models.ForeignKey(WhitelistVersion, on_delete=models.CASCADE, related_name="rejections")
    row = models.PositiveIntegerField()
    reason = models.CharField(max_length=40)
    account_name = models.CharField(max_length=LONGEST_NAME, blank=True)
    customer_name = models.CharField(max_length=LONGEST_NAME, blank=True)

    def __str__(self) -> str:
        return f"{self.row} {self.reason}"
