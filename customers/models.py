"""Customers: the vendor's directory of accounts, who reserved whom, and who belongs to whom."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.rules import Custody, EnterpriseRole, Model
from partner_center.tenancy.models import Member, Partner, PartnerOwnedQuerySet, PublicIdField, User


class Account(models.Model):
    """
    A customer's account as the vendor's directory knows it: the facts that checks read (domain.md 3.2).

    It belongs to no partner. Partners meet it only through an Association.
    """

    public_id = PublicIdField()
    account_number = models.CharField(_("account number"), max_length=20, unique=True)
    account_name = models.CharField(_("account name"), max_length=64, unique=True)
    user = models.OneToOneField(User, on_delete=models.PROTECT, null=True, blank=True, related_name="account")
    customer_name = models.CharField(_("customer name"), max_length=64)
    email = models.EmailField(_("e-mail"), max_length=254, unique=True)
    mobile = models.CharField(_("mobile number"), max_length=32, blank=True)
    country = models.CharField(_("country"), max_length=2, default="CN")
    site = models.CharField(_("site"), max_length=20, default="china")
    currency = models.CharField(_("currency"), max_length=3, default="CNY")
    registered_at = models.DateTimeField(_("registered at"), default=timezone.now)
    verified = models.BooleanField(_("real-name verified"), default=True)
    is_partner = models.BooleanField(_("is a partner"), default=False)
    partner_application_pending = models.BooleanField(_("applied to become a partner"), default=False)
    internal_account = models.BooleanField(_("internal account of the vendor"), default=False)
    agent_identity = models.BooleanField(_("holds an agent identity"), default=False)
    special_contract = models.BooleanField(_("has a special contract"), default=False)
    effective_contract = models.BooleanField(_("has a contract in force"), default=False)
    credit_line_minor = models.BigIntegerField(_("credit line"), default=0)
    has_consumption = models.BooleanField(_("has spending records"), default=False)
    balance_minor = models.BigIntegerField(_("balance"), default=0)
    bonus_balance_minor = models.BigIntegerField(_("bonus balance"), default=0)
    stored_value_card_minor = models.BigIntegerField(_("stored-value card balance"), default=0)
    overdue_minor = models.BigIntegerField(_("overdue amount"), default=0)
    credit_bill_overdue = models.BooleanField(_("credit bill overdue"), default=False)
    unpaid_bill = models.BooleanField(_("has unpaid bills"), default=False)
    outstanding_invoice_minor = models.BigIntegerField(_("outstanding invoice amount"), default=0)
    unfinished_orders = models.PositiveIntegerField(_("unfinished orders"), default=0)
    reserved_instances = models.PositiveIntegerField(_("reserved instances"), default=0)
    enterprise_role = models.CharField(
        _("enterprise role"), max_length=8, choices=EnterpriseRole.choices, default=EnterpriseRole.NONE
    )
    custody = models.CharField(_("custody"), max_length=12, choices=Custody.choices, default=Custody.NONE)
    has_independent_member = models.BooleanField(_("has independent-accounting members"), default=False)
    master = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="members")
    consumer_cloud = models.BooleanField(_("consumer-cloud user"), default=False)
    subsidy_program = models.BooleanField(_("in a subsidy programme"), default=False)
    promotion_program = models.BooleanField(_("in a promotion programme"), default=False)
    preregistered_by_vendor = models.BooleanField(_("preregistered by the vendor"), default=False)
    vouchers_count = models.PositiveIntegerField(_("vouchers held"), default=0)
    vouchers_total_minor = models.BigIntegerField(_("value of vouchers held"), default=0)
    has_discounts = models.BooleanField(_("has discounts"), default=False)
    updated_at = models.DateTimeField(_("updated at"), default=timezone.now)

    def __str__(self) -> str:
        return self.account_number


class PreregistrationStatus(models.TextChoices):
    REGISTERED = "registered", _("Registered")
    CONVERTED = "converted", _("Converted")
    EXPIRED = "expired", _("Expired")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class PreregistrationQuerySet(PartnerOwnedQuerySet["Preregistration"]):
    def live(self, *, now: datetime) -> Self:
        """Expiry is a comparison, not a state somebody has to write (decisions.md 5.6)."""
        return self.filter(status=PreregistrationStatus.REGISTERED, valid_until__gt=now)

    def due(self, *, now: datetime) -> Self:
        return self.filter(status=PreregistrationStatus.REGISTERED, valid_until__lte=now)

    def in_status(self, status: str, *, now: datetime) -> Self:
        """Filter by the status people see: a reservation has expired when its time is over, written down or not."""
        if status == PreregistrationStatus.EXPIRED:
            return self.filter(Q(status=status) | Q(status=PreregistrationStatus.REGISTERED, valid_until__lte=now))
        return self.live(now=now) if status == PreregistrationStatus.REGISTERED else self.filter(status=status)

    def visible_to(self, member: Member) -> Self:
        rows = self.of(member.partner)
        return rows if member.sees_everybody else rows.filter(owner=member)


class Preregistration(models.Model):
    """A customer that one partner reserved for a limited time (domain.md 3.3)."""

    public_id = PublicIdField()
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT)
    owner = models.ForeignKey(Member, on_delete=models.PROTECT)
    email = models.CharField(max_length=254)
    customer_name = models.CharField(max_length=64)
    account_name = models.CharField(max_length=64, blank=True)
    mobile = models.CharField(max_length=32, blank=True)
    status = models.CharField(
        max_length=12, choices=PreregistrationStatus.choices, default=PreregistrationStatus.REGISTERED
    )
    created_at = models.DateTimeField()
    valid_until = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = PreregistrationQuerySet.as_manager()

    class Meta:
        constraints = [
            # One partner at a time (domain.md 3.3). A lapsed row is closed before a new one is written.
            models.UniqueConstraint(
                fields=["email"], condition=Q(status="registered"), name="preregistration_one_partner_at_a_time"
            ),
        ]
        indexes = [
            models.Index(fields=["partner", "-id"], name="prereg_newest"),
            models.Index(fields=["partner", "status", "-id"], name="prereg_status"),
            models.Index(fields=["partner", "email", "id"], name="prereg_email"),
            models.Index(fields=["partner", "customer_name", "id"], name="prereg_name"),
            models.Index(fields=["partner", "account_name", "id"], name="prereg_account"),
            models.Index(fields=["valid_until"], condition=Q(status="registered"), name="prereg_due"),
        ]

    def __str__(self) -> str:
        return self.public_id

    def status_at(self, now: datetime) -> PreregistrationStatus:
        lapsed = self.status == PreregistrationStatus.REGISTERED and self.valid_until <= now
        return PreregistrationStatus.EXPIRED if lapsed else PreregistrationStatus(self.status)


class AssociationQuerySet(PartnerOwnedQuerySet["Association"]):
    def active(self) -> Self:
        return self.filter(ended_at=None)

    def visible_to(self, member: Member) -> Self:
        rows = self.of(member.partner)
        return rows if member.sees_everybody else rows.filter(account_manager=member)


class Association(models.Model):
    """A customer belongs to a partner, in one model, until somebody ends it (domain.md 3.5)."""

    public_id = PublicIdField()
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="associations")
    model = models.CharField(max_length=8, choices=Model.choices)
    account_manager = models.ForeignKey(Member, on_delete=models.PROTECT, null=True, blank=True)
    custom_tag = models.CharField(max_length=64, blank=True)
    invitation_public_id = models.CharField(max_length=22, blank=True)
    consent_version = models.CharField(max_length=20)
    created_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=40, blank=True)

    objects = AssociationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(ended_at=None), name="association_one_active_per_account"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("created_at")), name="association_ends_after_it_begins"
            ),
        ]
        indexes = [models.Index(fields=["partner", "-id"], name="association_newest")]

    def __str__(self) -> str:
        return self.public_id
