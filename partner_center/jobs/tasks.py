"""What beat rings: each task reads the clock, claims due rows and works them."""

from celery import shared_task
from django.utils import timezone

from partner_center.jobs import cleaning, worker

# A chunk is short and fenced; only the conversion of a large workbook needs the longer limit.
SOFT_LIMIT, HARD_LIMIT = 270, 285  # seconds, below the broker's visibility timeout


@shared_task(name="jobs.work_due", soft_time_limit=SOFT_LIMIT, time_limit=HARD_LIMIT)
def work_due() -> None:
    worker.work_due(now=timezone.now())


@shared_task(name="jobs.delete_expired_files")
def delete_expired_files() -> None:
    cleaning.clean(now=timezone.now())
