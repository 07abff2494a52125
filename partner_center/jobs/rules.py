"""States of a job and its items, their order, and how long things live. Pure."""

import datetime
import hashlib
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

CHUNK_ROWS = 500
LEASE = datetime.timedelta(seconds=30)
# No lock protects a file's chunk while it is read, and a page of a big table may be slow.
FILE_LEASE = datetime.timedelta(seconds=60)
# A worker that raises is given three tries; one that dies may be the victim of a restart, so it is given more.
MOST_ATTEMPTS = 3
MOST_TAKEOVERS = 20
BACKOFF = (datetime.timedelta(seconds=5), datetime.timedelta(seconds=30))

PLAN_LIFE = datetime.timedelta(hours=24)
PAYLOAD_LIFE = datetime.timedelta(days=7)
ORPHAN_AGE = datetime.timedelta(hours=24)

# A workbook is converted in one go; above this it would outlast the task's time limit. CSV has no limit.
MOST_WORKBOOK_ROWS = 500_000


class JobState(TextChoices):
    PLANNED = "planned", _("Planned")
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


class ItemState(TextChoices):
    PLANNED = "planned", _("Planned")
    PENDING = "pending", _("Waiting")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    SKIPPED = "skipped", _("Skipped")


class FileFormat(TextChoices):
    CSV = "csv", "CSV"
    XLSX = "xlsx", "XLSX"


class ErrorCode(TextChoices):
    """Why a whole job ended without finishing."""

    CRASHED = "crashed", _("The job stopped several times in a row and was given up. Ask support for help.")
    PERMISSION_LOST = "permission_lost", _("Its owner is disabled or no longer holds the permission for it.")
    UNKNOWN_KIND = "unknown_kind", _("This version of the product does not know this kind of job.")
    TOO_MANY_ROWS = "too_many_rows", _("Too many rows for a workbook. Export them as CSV.")
    PLAN_EXPIRED = "plan_expired", _("The plan was not applied in time.")
    DISCARDED = "discarded", _("The plan was discarded.")
    CANCELLED = "cancelled", _("Cancelled before it was done.")


# Which badge says a state (templates/components).
BADGES: dict[str, str] = {
    JobState.PLANNED: "neutral",
    JobState.QUEUED: "info",
    JobState.RUNNING: "info",
    JobState.DONE: "success",
    JobState.FAILED: "danger",
    JobState.CANCELLED: "neutral",
    ItemState.PENDING: "info",
    ItemState.SKIPPED: "warning",
}

LIVE_STATES = (JobState.QUEUED, JobState.RUNNING)
OVER_STATES = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
OPEN_ITEM_STATES = (ItemState.PLANNED, ItemState.PENDING)


class DigestedRow(NamedTuple):
    """What of a planned row the person agrees to by applying the plan."""

    position: int
    key: str
    verdict: str
    reason: str
    payload: dict[str, Any]


def plan_digest(rows: Iterable[DigestedRow]) -> str:
    """Return the SHA-256 over the rows in their order: the same plan gives the same digest on both databases."""
    digest = hashlib.sha256()
    for row in rows:
        # PostgreSQL keeps the keys of a JSON object in its own order, so they are sorted here.
        digest.update(json.dumps(row, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode())
        digest.update(b"\n")
    return digest.hexdigest()


def backoff(attempts: int) -> datetime.timedelta:
    """Return the pause after the given number of failed attempts, at least one."""
    return BACKOFF[min(attempts, len(BACKOFF)) - 1]


def percent(part: int, whole: int) -> int:
    """Return how much of the whole is there, 0 to 100; an empty whole is complete."""
    return 100 if whole <= 0 else min(100, 100 * part // whole)


def seconds_left(*, worked: int, waiting: int, elapsed: datetime.timedelta) -> int | None:
    """Estimate the rest from the pace so far; None while there is none to speak of."""
    if worked <= 0 or waiting <= 0:
        return None
    return round(elapsed.total_seconds() * waiting / worked)
