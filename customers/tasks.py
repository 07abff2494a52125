"""Celery's doorbells of the customers room."""

from celery import shared_task
from django.utils import timezone

from customers import actions


@shared_task(name="customers.expire_preregistrations")
def expire_preregistrations() -> int:
    """Write down lapsed reservations, a chunk at a time, until none is due."""
    total = 0
    while changed := actions.expire_preregistrations(now=timezone.now()):
        total += changed
    return total
