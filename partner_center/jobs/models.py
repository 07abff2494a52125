"""Job and JobItem: a long piece of work as rows. The rows are the queue (decisions.md 5.1)."""

import datetime
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone

from partner_center.jobs.rules import (
    BADGES,
    LIVE_STATES,
    OPEN_ITEM_STATES,
    OVER_STATES,
    FileFormat,
    ItemState,
    JobState,
    percent,
)
from partner_center.tenancy.models import Member, Partner, PartnerOwnedQuerySet, PublicIdField, User, Viewer
from partner_center.tenancy.permissions import Role


class OwnersField(models.ForeignKey):  # type: ignore[type-arg]
    """
    The partner and the member of a job; empty in a job of the vendor's staff.

    Types say that it is there, because only files can be the staff's (a constraint says so) and every plan has both.
    What may meet a file of the staff asks `Job.owner`.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "null": True})


class JobQuerySet(PartnerOwnedQuerySet["Job"]):
    def visible_to(self, viewer: Viewer) -> Self:
        """Keep the viewer's own jobs; a partner admin sees those of everybody in the partner."""
        if isinstance(viewer, Member) and Role.ADMIN in viewer.roles:
            return self.of(viewer.partner)
        return self.owned_by(viewer)

    def owned_by(self, viewer: Viewer) -> Self:
        if isinstance(viewer, Member):
            return self.of(viewer.partner).filter(member=viewer)
        return self.filter(staff=viewer)

    def live(self) -> Self:
        return self.filter(state__in=LIVE_STATES)

    def due(self) -> Self:
        """Keep what a worker may take now, by the clock of the database: nobody's, or left by a dead worker."""
        return self.live().filter(Q(lease_until=None) | Q(lease_until__lte=Now()), due_at__lte=Now())

    def held_by(self, owner: str) -> Self:
        """Keep the running job whose lease this worker still holds."""
        return self.filter(state=JobState.RUNNING, lease_owner=owner, lease_until__gt=Now())


class Job(models.Model):
    """A plan of rows or a file to be written: planned or queued, run in chunks, done, failed or cancelled."""

    public_id = PublicIdField()
    partner = OwnersField(Partner, on_delete=models.PROTECT, related_name="jobs")
    member = OwnersField(Member, on_delete=models.PROTECT, related_name="jobs")
    staff = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="jobs")
    kind = models.CharField(max_length=40)
    state = models.CharField(max_length=9, choices=JobState.choices)
    title = models.CharField(max_length=200)
    parameters = models.JSONField(default=dict)
    language = models.CharField(max_length=10, default="en")
    time_zone = models.CharField(max_length=64, default="UTC")
    digest = models.CharField(max_length=64, blank=True)
    retry_of = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="retry")

    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)

    cursor = models.TextField(blank=True)
    spool_bytes = models.BigIntegerField(default=0)
    rows_matched = models.PositiveIntegerField(null=True)
    rows_recounted = models.PositiveIntegerField(null=True)

    due_at = models.DateTimeField(null=True)
    lease_owner = models.CharField(max_length=22, blank=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    takeovers = models.PositiveSmallIntegerField(default=0)
    error_code = models.CharField(max_length=40, blank=True)

    file_path = models.CharField(max_length=64, blank=True)
    file_name = models.CharField(max_length=150, blank=True)
    file_format = models.CharField(max_length=4, choices=FileFormat.choices, blank=True)
    file_size = models.BigIntegerField(default=0)
    file_sha256 = models.CharField(max_length=64, blank=True)
    file_expires_at = models.DateTimeField(null=True)
    # What the kind says about the finished file, handed out beside it; empty where it says nothing.
    manifest = models.JSONField(default=dict)

    created_at = models.DateTimeField(default=timezone.now)
    plan_expires_at = models.DateTimeField(null=True)
    queued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancelled_at = models.DateTimeField(null=True)
    forgotten_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(state__in=JobState.values), name="job_state_known"),
            models.CheckConstraint(
                condition=Q(partner__isnull=False, member__isnull=False, staff=None)
                | Q(partner=None, member=None, staff__isnull=False) & ~Q(file_format=""),
                name="job_of_a_member_or_file_of_staff",
            ),
            models.CheckConstraint(
                condition=~Q(file_format="") | Q(total__gte=F("done") + F("failed") + F("skipped")),
                name="job_counts_within_total",
            ),
            models.CheckConstraint(
                condition=Q(lease_owner="") | Q(state=JobState.RUNNING), name="job_leased_only_while_running"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=LIVE_STATES) | Q(due_at__isnull=False), name="job_live_is_due"
            ),
            # Fair share: the second file of a partner waits for the first.
            models.UniqueConstraint(
                fields=["partner"],
                condition=Q(state=JobState.RUNNING) & ~Q(file_format=""),
                name="job_one_running_file_a_partner",
            ),
            models.UniqueConstraint(
                fields=["staff"],
                condition=Q(state=JobState.RUNNING) & ~Q(file_format=""),
                name="job_one_running_file_a_staff",
            ),
        ]
        indexes = [
            models.Index(fields=["partner", "-id"], name="job_partner_newest"),
            models.Index(fields=["due_at", "id"], condition=Q(state__in=LIVE_STATES), name="job_due"),
            models.Index(fields=["file_expires_at"], condition=~Q(file_path=""), name="job_file_expiry"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def owner(self) -> Viewer:
        """Return who asked for the job and may work it."""
        return self.staff or self.member

    @property
    def is_file(self) -> bool:
        return self.file_format != ""

    @property
    def badge(self) -> str:
        return BADGES[self.state]

    @property
    def is_live(self) -> bool:
        return self.state in LIVE_STATES

    @property
    def is_over(self) -> bool:
        return self.state in OVER_STATES

    @property
    def worked(self) -> int:
        return self.done + self.failed + self.skipped

    @property
    def waiting(self) -> int:
        return max(0, self.total - self.worked)

    @property
    def percent(self) -> int:
        return percent(self.worked, self.total)

    @property
    def has_drifted(self) -> bool:
        """Whether rows came or went while the file was being written, so that its counts differ."""
        return self.rows_recounted is not None and not self.rows_matched == self.rows_recounted == self.done

    def has_file(self, now: datetime.datetime) -> bool:
        return (
            self.state == JobState.DONE
            and self.file_path != ""
            and self.file_expires_at is not None
            and self.file_expires_at > now
        )


class JobItemQuerySet(models.QuerySet["JobItem"]):
    def pending(self) -> Self:
        return self.filter(state=ItemState.PENDING)

    def to_confirm(self) -> Self:
        """Keep what a code lets go on: the rows of a plan that go, or those of an ended job that are tried again."""
        return self.filter(state__in=(ItemState.PLANNED, ItemState.FAILED))

    def still_open(self) -> Self:
        return self.filter(state__in=OPEN_ITEM_STATES)


class JobItem(models.Model):
    """
    One row of a plan and what became of it.

    `label` and `note` are shown to everybody who sees the job, so they hold masked text only; `key` and `payload` may
    hold personal data and are blanked when they are no longer needed.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="items")
    position = models.PositiveIntegerField()
    key = models.CharField(max_length=254, blank=True)
    label = models.CharField(max_length=300)
    verdict = models.CharField(max_length=20)
    reason = models.CharField(max_length=60, blank=True)
    note = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=7, choices=ItemState.choices, default=ItemState.PLANNED)
    payload = models.JSONField(default=dict)
    object_id = models.CharField(max_length=22, blank=True)

    objects = JobItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["job", "position"], name="jobitem_position"),
            models.CheckConstraint(condition=Q(state__in=ItemState.values), name="jobitem_state_known"),
        ]
        indexes = [models.Index(fields=["job", "state", "position"], name="jobitem_state")]

    def __str__(self) -> str:
        return self.label

    @property
    def badge(self) -> str:
        return BADGES[self.state]
