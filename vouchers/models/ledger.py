"""The ledger: every movement of money between the accounts of a quota, never changed (reliability.md 2.2)."""

from django.db import models
from django.db.models import F, Q

from partner_center.tenancy.models import Partner, PartnerOwnedQuerySet, new_public_id
from vouchers.models.coupons import Coupon
from vouchers.models.quotas import Quota
from vouchers.rules import LedgerAccount, OperationType


class LedgerManager(models.Manager.from_queryset(PartnerOwnedQuerySet["LedgerEntry"])):  # type: ignore[misc]
    """Names an entry by its operation, where lists and addresses want a public id."""

    def get_queryset(self) -> PartnerOwnedQuerySet["LedgerEntry"]:
        return super().get_queryset().annotate(public_id=F("operation_id"))  # type: ignore[no-any-return]


class LedgerEntry(models.Model):
    """
    One amount that moved from one account of a quota to another.

    `operation_id` is the same in the operation record of the deed: every entry has its record, and every record that
    moved money its entry.
    """

    operation_id = models.CharField(max_length=22, unique=True, default=new_public_id)
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, db_index=False)
    quota = models.ForeignKey(Quota, on_delete=models.PROTECT, related_name="entries", db_index=False)
    coupon = models.ForeignKey(Coupon, on_delete=models.PROTECT, null=True, related_name="entries", db_index=False)
    operation = models.CharField(max_length=24, choices=OperationType.choices)
    debit = models.CharField(max_length=8, choices=LedgerAccount.choices)
    credit = models.CharField(max_length=8, choices=LedgerAccount.choices)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    # Of the order that a consumption paid, as the vendor's billing names it.
    order_id = models.CharField(max_length=64, blank=True)
    occurred_at = models.DateTimeField()

    objects = LedgerManager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount_minor__gt=0), name="ledger_amount_positive"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="ledger_two_accounts"),
            models.CheckConstraint(
                condition=Q(debit__in=LedgerAccount.values, credit__in=LedgerAccount.values),
                name="ledger_accounts_known",
            ),
        ]
        indexes = [
            models.Index(fields=["quota", "-id"], name="ledger_of_quota"),
            models.Index(fields=["coupon", "-id"], name="ledger_of_coupon"),
            models.Index(fields=["order_id"], condition=~Q(order_id=""), name="ledger_of_order"),
        ]

    def __str__(self) -> str:
        return f"{self.operation} {self.amount_minor}"
