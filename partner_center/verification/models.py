"""Challenges: one question for a code, bound to one member, one session, one operation and one exact payload."""

from datetime import datetime
from typing import Self

from django.db import models

from partner_center.tenancy.models import Member, Partner, PartnerOwnedQuerySet, PublicIdField
from partner_center.verification.rules import MOST_TRIES, About, Channel, ProtectedOperation, State, WhyVoid


class ChallengeQuerySet(PartnerOwnedQuerySet["Challenge"]):
    def open(self) -> Self:
        return self.filter(state=State.OPEN)

    def live(self, now: datetime) -> Self:
        """Leave those whose code would be looked at."""
        return self.open().filter(expires_at__gt=now, tries__lt=MOST_TRIES)


class Challenge(models.Model):
    """
    A question for a code.

    `code_hash` is what a typed code is compared with; `sealed_code` is there for the mail only, cannot be read without
    the server's key, and goes as soon as the mail is out (ADR 0016). A code of the authenticator app has neither.
    """

    public_id = PublicIdField()
    partner = models.ForeignKey(Partner, on_delete=models.PROTECT, related_name="+")
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="challenges")
    session_ref = models.CharField(max_length=64, blank=True)
    operation = models.CharField(max_length=20, choices=ProtectedOperation.choices)
    digest = models.CharField(max_length=64)
    amount_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3, blank=True)
    count = models.PositiveIntegerField(default=0)
    receivers = models.CharField(max_length=200, blank=True)
    what = models.CharField(max_length=100, blank=True)
    language = models.CharField(max_length=10)
    channel = models.CharField(max_length=4, choices=Channel.choices)
    code_hash = models.CharField(max_length=128, blank=True)
    sealed_code = models.CharField(max_length=100, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=4, choices=State.choices, default=State.OPEN)
    why_void = models.CharField(max_length=8, choices=WhyVoid.choices, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    passed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ChallengeQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["member"], condition=models.Q(state=State.OPEN), name="challenge_one_open_per_member"
            ),
            models.CheckConstraint(condition=models.Q(tries__lte=MOST_TRIES), name="challenge_tries_are_counted"),
            models.CheckConstraint(
                condition=~models.Q(state=State.USED) | models.Q(passed_at__isnull=False),
                name="challenge_used_was_passed",
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="challenge_by_age")]

    def __str__(self) -> str:
        return f"{self.operation} {self.public_id}"

    @property
    def about(self) -> About:
        return About(
            amount_minor=self.amount_minor,
            currency=self.currency,
            count=self.count,
            receivers=self.receivers,
            what=self.what,
        )

    @property
    def tries_left(self) -> int:
        return MOST_TRIES - self.tries
