"""What Celery rings for."""

from celery import shared_task
from django.utils import timezone

from partner_center.api import idempotency


@shared_task(name="api.delete_old_answers")
def delete_old_answers() -> int:
    """Delete answers that are kept no longer, a chunk at a time, until none is left."""
    total = 0
    while deleted := idempotency.delete_old(now=timezone.now()):
        total += deleted
    return total
