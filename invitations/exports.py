"""What of the history records leaves the building, and how each column is masked."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.rules import CAUSES, Model
from invitations.models import Invitation
from invitations.rules import Delivery, Method, status_at
from partner_center.exports import Column
from partner_center.jobs.kinds import FileJob
from partner_center.jobs.models import Job
from partner_center.listing.filters import ListFilters
from partner_center.listing.pages import matching_rows
from partner_center.masking import mask_account, mask_email, mask_mobile, mask_name
from partner_center.tenancy.models import Member
from partner_center.tenancy.permissions import Permission

FIELDS = (
    "public_id",
    "customer_name",
    "account_name",
    "custom_tag",
    "email",
    "mobile",
    "method",
    "model",
    "status",
    "cause",
    "delivery",
    "owner__user__name",
    "created_at",
    "sent_at",
    "expires_at",
    "accepted_at",
    "send_count",
)
_AT = {name: position for position, name in enumerate(FIELDS, start=1)}


def _label(choices: Any, name: str) -> Any:
    return lambda row: choices(row[_AT[name]]).label


def _status(now: datetime) -> Callable[[Sequence[Any]], str]:
    return lambda row: str(status_at(status=row[_AT["status"]], expires_at=row[_AT["expires_at"]], now=now).label)


def _cause(row: Sequence[Any]) -> str:
    cause = CAUSES.get(row[_AT["cause"]])
    return str(cause.label) if cause else ""


def history_columns(now: datetime) -> Sequence[Column]:
    """Return the columns of the history records as they stand at one moment."""
    return (
        Column(_("Invitation"), _AT["public_id"]),
        Column(_("Customer name"), _AT["customer_name"], mask=mask_name, personal=True),
        Column(_("Account name"), _AT["account_name"], mask=mask_account, personal=True),
        Column(_("Custom tag"), _AT["custom_tag"]),
        Column(_("E-mail"), _AT["email"], mask=mask_email, personal=True),
        Column(_("Mobile number"), _AT["mobile"], mask=mask_mobile, personal=True),
        Column(_("Invitation method"), _label(Method, "method")),
        Column(_("Association model"), _label(Model, "model")),
        Column(_("Status"), _status(now)),
        Column(_("Cause"), _cause),
        Column(_("Delivery"), _label(Delivery, "delivery")),
        Column(_("Invited by"), _AT["owner__user__name"]),
        Column(_("Created at"), _AT["created_at"], kind="time"),
        Column(_("Last sent at"), _AT["sent_at"], kind="time"),
        Column(_("Expires at"), _AT["expires_at"], kind="time"),
        Column(_("Accepted at"), _AT["accepted_at"], kind="time"),
        Column(pgettext_lazy("number of mails", "Times sent"), _AT["send_count"], kind="number"),
    )


class HistoryExport(FileJob):
    """All history records a member sees, or those of one filter, anonymised for everyone (domain.md 4.8)."""

    key = "history_export"
    label = _("Export of history records")
    permission = Permission.INVITATION_EXPORT

    def __init__(self, filters: type[ListFilters]) -> None:
        self.filters = filters

    def columns(self, job: Job) -> Sequence[Column]:
        return history_columns(job.created_at)

    def count(self, job: Job) -> int:
        return self._records(job).count()

    def rows(self, job: Job, after_cursor: str, limit: int) -> Sequence[tuple[str, Any]]:
        """Go on behind a row, oldest first, so that rows that arrive meanwhile stand at the end."""
        rows = self._records(job).order_by("pk").filter(pk__gt=int(after_cursor or 0))
        return [(str(row[0]), row) for row in rows.values_list("pk", *FIELDS)[:limit]]

    def file_stem(self, job: Job) -> str:
        return str(_("history-records"))

    def _records(self, job: Job) -> QuerySet[Invitation]:
        """Start from what the owner may see when the work is done, and apply the filter that was pinned."""
        member = Member.objects.select_related("partner").get(jobs=job)
        visible = Invitation.objects.visible_to(member)
        query = job.parameters["filter"]
        return matching_rows(query, rows=visible, filters=self.filters, viewer=member, now=job.created_at)[0]
