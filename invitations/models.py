"""Invitations and the reusable links behind QR codes."""

from collections.abc import Collection
from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from customers.models import Account, Association
from customers.rules import Model
from invitations import rules
from invitations.rules import Delivery, LinkKind, Method, Status
from partner_center.jobs.models import Job
from partner_center.tenancy.models import Member, Partner, PartnerOwnedQuerySet, PublicIdField


class InvitationLinkQuerySet(PartnerOwnedQuerySet["InvitationLink"]):
    def visible_to(self, member: Member) -> Self:
        rows = self.of(member.partner)
        return rows if member.sees_everybody else rows.filter(created_by=member)


class InvitationLink(models.Model):
    """A reusable link, also drawn as a QR code (domain.md 4.3)."""

    public_id = PublicIdField()
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT)
    created_by = models.ForeignKey(Member, on_delete=models.PROTECT)
    kind = models.CharField(max_length=10, choices=LinkKind.choices)
    model = models.CharField(max_length=8, choices=Model.choices)
    custom_tag = models.CharField(max_length=64, blank=True)
    generation = models.PositiveIntegerField(default=1)
    nonce = models.CharField(max_length=32, default=rules.new_nonce, editable=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    max_uses = models.PositiveIntegerField(null=True, blank=True)
    uses = models.PositiveIntegerField(default=0)
    opened = models.PositiveIntegerField(default=0)
    started = models.PositiveIntegerField(default=0)
    rotated_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationLinkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(max_uses=None) | Q(uses__lte=models.F("max_uses")), name="link_uses_within_limit"
            ),
            models.UniqueConstraint(
                fields=["created_by", "model"],
                condition=Q(kind="universal", revoked_at=None),
                name="link_one_universal_per_member_and_model",
            ),
        ]
        indexes = [models.Index(fields=["partner", "-id"], name="link_newest")]

    def __str__(self) -> str:
        return self.public_id


class InvitationQuerySet(PartnerOwnedQuerySet["Invitation"]):
    def visible_to(self, member: Member) -> Self:
        """Account managers see what they own; others see all of their partner (domain.md 1.2)."""
        rows = self.of(member.partner)
        return rows if member.sees_everybody else rows.filter(owner=member)

    def acceptable(self, *, generation: int, now: datetime) -> Self:
        """
        The guard of an answer: in time, by the newest link, and not answered for good (a failed check is not).

        Whether the partner is still one stands in a subquery, not in a join: with a join the rest of the guard would be
        judged before the row is locked, and not once more after.
        """
        return self.filter(
            status__in=rules.before(Status.ASSOCIATING),
            expires_at__gt=now,
            generation=generation,
            partner__in=Partner.objects.filter(disabled_at=None),
        )

    def due_to_expire(self, *, now: datetime) -> Self:
        return self.filter(status__in=rules.before(Status.EXPIRED), expires_at__lte=now)

    def to_recheck(self, *, codes: Collection[str], before: datetime) -> Self:
        """Failed checks that could pass by now: a cause somebody can clear, not looked at since a moment ago."""
        failed = self.filter(status=Status.ASSOCIATION_FAILED, cause__in=codes, account__isnull=False)
        return failed.filter(Q(rechecked_at=None) | Q(rechecked_at__lte=before))

    def locked(self) -> Self:
        """
        Lock rows in the order of their pk, so that two who want the same rows queue up instead of crossing.

        They are found first and ordered then: asked for both at once, SQLite walks through all rows of the partner.
        """
        keys = list(self.order_by().values_list("pk", flat=True))
        return self.filter(pk__in=keys).select_for_update(of=("self",), no_key=True).order_by("pk")

    def in_status(self, status: str, *, now: datetime) -> Self:
        """Filter by the status people see: expiry counts from its time, not from the sweep that writes it."""
        if status == Status.EXPIRED:
            return self.filter(Q(status=Status.EXPIRED) | Q(status=Status.INVITED, expires_at__lte=now))
        if status == Status.INVITED:
            return self.filter(status=Status.INVITED).filter(Q(expires_at=None) | Q(expires_at__gt=now))
        return self.filter(status=status)


class Invitation(models.Model):
    """
    One customer who was invited, or came through a link (domain.md 3.4).

    Sort columns are never null, so that keyset pages need one comparison.
    """

    public_id = PublicIdField()
    # Their own indexes would only mislead the planner: every index of a list begins with one of the two.
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, db_index=False)
    owner = models.ForeignKey(Member, on_delete=models.PROTECT, db_index=False, related_name="invitations")
    method = models.CharField(max_length=10, choices=Method.choices)
    model = models.CharField(max_length=8, choices=Model.choices)
    language = models.CharField(max_length=10, default="en")
    customer_name = models.CharField(max_length=64)
    customer_name_key = models.CharField(max_length=64, editable=False)
    account_name = models.CharField(max_length=64, blank=True)
    email = models.CharField(max_length=254, blank=True)
    mobile = models.CharField(max_length=32, blank=True)
    custom_tag = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.INVITED)
    cause = models.CharField(max_length=60, blank=True)
    causes = models.JSONField(default=list, blank=True)
    ready_to_retry_at = models.DateTimeField(null=True, blank=True)
    rechecked_at = models.DateTimeField(null=True, blank=True)
    delivery = models.CharField(max_length=12, choices=Delivery.choices, default=Delivery.NONE)
    generation = models.PositiveIntegerField(default=1)
    nonce = models.CharField(max_length=32, default=rules.new_nonce, editable=False)
    send_count = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    decline_reason = models.CharField(max_length=200, blank=True)
    link = models.ForeignKey(
        InvitationLink, on_delete=models.PROTECT, null=True, blank=True, related_name="invitations"
    )
    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, blank=True, related_name="invitations")
    association = models.ForeignKey(Association, on_delete=models.PROTECT, null=True, blank=True)
    job = models.ForeignKey(Job, on_delete=models.SET_NULL, null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            # One live invitation per partner and address (domain.md 4.2 rule 5).
            models.UniqueConstraint(
                fields=["partner", "email"],
                condition=Q(status__in=["invited", "associating"]) & ~Q(email=""),
                name="invitation_one_live_per_address",
            ),
            models.UniqueConstraint(
                fields=["link", "account"],
                condition=Q(link__isnull=False, account__isnull=False),
                name="invitation_one_per_link_and_account",
            ),
            models.CheckConstraint(
                condition=~Q(status="association_failed") | ~Q(cause=""), name="invitation_failure_has_cause"
            ),
            models.CheckConstraint(
                condition=~Q(status="associated") | Q(association__isnull=False),
                name="invitation_success_has_association",
            ),
        ]
        indexes = [
            # Newest first by time, not by id: an index on the id alone tempts PostgreSQL to walk through all partners.
            models.Index(fields=["partner", "created_at", "id"], name="invitation_newest"),
            models.Index(fields=["partner", "status", "id"], name="invitation_status"),
            # Counting and finding what is invited or expired now, without touching the table.
            models.Index(fields=["partner", "status", "expires_at"], name="invitation_status_now"),
            # Behind the id stands what a page of one cause or tag is sorted and counted by: the table is not read.
            models.Index(
                fields=["partner", "cause", "id", "created_at", "status"],
                condition=Q(status="association_failed"),
                name="invitation_cause",
            ),
            models.Index(
                fields=["partner", "created_at", "id", "cause", "status"],
                condition=Q(status="association_failed"),
                name="invitation_failed_newest",
            ),
            models.Index(
                fields=["rechecked_at", "id"], condition=Q(status="association_failed"), name="invitation_recheck"
            ),
            models.Index(fields=["partner", "customer_name_key", "id"], name="invitation_name"),
            models.Index(fields=["partner", "account_name", "id"], name="invitation_account"),
            models.Index(fields=["partner", "email", "id"], name="invitation_email"),
            models.Index(fields=["partner", "custom_tag", "id", "created_at"], name="invitation_tag"),
            models.Index(fields=["partner", "method", "id"], name="invitation_method"),
            models.Index(fields=["owner", "created_at", "id"], name="invitation_owner"),
            models.Index(fields=["expires_at"], condition=Q(status="invited"), name="invitation_due"),
            models.Index(fields=["id"], condition=Q(status="associating"), name="invitation_associating"),
            models.Index(fields=["partner", "delivery", "created_at", "id"], name="invitation_delivery"),
            models.Index(
                fields=["partner", "created_at", "id"],
                condition=Q(ready_to_retry_at__isnull=False),
                name="invitation_ready_to_retry",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    def status_at(self, now: datetime) -> Status:
        return rules.status_at(status=self.status, expires_at=self.expires_at, now=now)

    @property
    def status_now(self) -> Status:
        return self.status_at(timezone.now())


class RegistrationQuerySet(models.QuerySet["Registration"]):
    def usable(self, *, now: datetime) -> Self:
        return self.filter(used_at=None, expires_at__gt=now)


class Registration(models.Model):
    """
    A newcomer at the door who says that an address is theirs; the link mailed to it proves that, once.

    Bound to the very link the newcomer came by, so that a rotated or superseded one lets nobody in by this way either.
    """

    public_id = PublicIdField()
    email = models.CharField(max_length=254)
    language = models.CharField(max_length=10, default="en")
    link = models.ForeignKey(InvitationLink, on_delete=models.CASCADE, null=True, blank=True)
    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE, null=True, blank=True)
    link_generation = models.PositiveIntegerField()
    by_qr = models.BooleanField(default=False)
    generation = models.PositiveIntegerField(default=1)
    nonce = models.CharField(max_length=32, default=rules.new_nonce, editable=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True, blank=True)

    objects = RegistrationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(link__isnull=True, invitation__isnull=False)
                | Q(link__isnull=False, invitation__isnull=True),
                name="registration_came_by_one_link",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    def is_usable(self, *, now: datetime) -> bool:
        return self.used_at is None and self.expires_at > now
