"""Bells of verification."""

from celery import shared_task
from django.utils import timezone


@shared_task(name="verification.forget_old")
def forget_old() -> None:
    from partner_center.verification.actions import forget_old

    forget_old(now=timezone.now())
