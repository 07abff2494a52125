"""Celery's doorbells for what time does to coupons."""

from celery import shared_task
from django.utils import timezone

from vouchers.actions import announcing, expiring


@shared_task(name="vouchers.expire_due")
def expire_due() -> int:
    """Write down expiry, a chunk at a time, until nothing is due."""
    total = 0
    while changed := expiring.expire_due(now=timezone.now()):
        total += changed
    return total


@shared_task(name="vouchers.announce_expiring")
def announce_expiring() -> int:
    """Warn of coupons that run out soon, a chunk at a time, until everybody concerned is told."""
    total = 0
    while told := announcing.announce_expiring(now=timezone.now()):
        total += told
    return total
