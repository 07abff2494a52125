"""manage.py anchor_log: note the ends of all chains now; beat does it every hour."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from partner_center.audit.anchors import write_anchors


class Command(BaseCommand):
    help = "Note the ends of all log chains in AUDIT_ANCHOR_DIR; copy that folder to another machine."

    def handle(self, *args: Any, **options: Any) -> None:
        count = write_anchors(directory=settings.AUDIT_ANCHOR_DIR, now=timezone.now())
        self.stdout.write(f"{count} chains anchored in {settings.AUDIT_ANCHOR_DIR}")
