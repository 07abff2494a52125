"""What Celery rings for."""

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from partner_center.audit import anchors


@shared_task(name="audit.write_anchors")
def write_anchors() -> None:
    anchors.write_anchors(directory=settings.AUDIT_ANCHOR_DIR, now=timezone.now())
