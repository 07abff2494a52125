"""What others read of the log."""

from collections.abc import Iterator

from django.apps import apps
from django.db.models import QuerySet

from partner_center.audit.models import AuditEntry, ChainedEntry
from partner_center.tenancy.models import Partner


def history_of(partner: Partner | None, object_id: str) -> QuerySet[AuditEntry]:
    """Find everything that was done to one object, oldest first: the timeline on its page."""
    return AuditEntry.objects.filter(partner=partner, object_id=object_id).order_by("seq")


def logs() -> Iterator[type[ChainedEntry]]:
    """Name every chained log of the house."""
    return (model for model in apps.get_models() if issubclass(model, ChainedEntry))
