"""What Celery rings for."""

from celery import shared_task
from django.utils import timezone

from partner_center.limits import actions


@shared_task(name="limits.delete_ended")
def delete_ended() -> None:
    actions.delete_ended(now=timezone.now())
