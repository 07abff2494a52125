"""What the worker does for invitations: the plans it applies, and Celery's doorbells."""

from collections.abc import Sequence
from datetime import datetime

from celery import shared_task
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from customers.rules import CAUSES
from invitations.actions import answering, registering, sending, sweeping
from invitations.rules import RowReason, Verdict
from partner_center.jobs.kinds import FaultyRows, ItemJob, ItemOutcome
from partner_center.jobs.models import Job, JobItem
from partner_center.refusals import Text
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.permissions import Permission


class _Batch(ItemJob):
    """What both batches say of their rows."""

    permission = Permission.INVITATION_SEND
    faulty_verdicts = frozenset({Verdict.REFUSED, Verdict.OVER_LIMIT})

    def reason_text(self, code: str) -> Text:
        if code in RowReason.values:
            return RowReason(code).label
        return CAUSES[code].partner_message if code in CAUSES else super().reason_text(code)

    def verdict_label(self, code: str) -> Text:
        return Verdict(code).label if code in Verdict.values else code

    def result_url(self, job: Job) -> str | None:
        return f"{reverse('invitations:history')}?job={job.public_id}"

    def item_url(self, item: JobItem) -> str | None:
        return reverse("invitations:detail", args=[item.object_id]) if item.object_id else None


class InviteBatch(_Batch):
    key = "invite"
    label = _("Invite customers")

    def apply(self, job: Job, items: Sequence[JobItem], *, actor: Actor, now: datetime) -> Sequence[ItemOutcome]:
        return sending.apply_invitations(job, items, actor, now)

    def action_label(self, count: int) -> str:
        return ngettext("Send %(count)d invitation", "Send %(count)d invitations", count) % {"count": count}

    def faulty_rows(self, job: Job) -> FaultyRows | None:
        names = ("customer_name", "email", "account_name", "mobile", "custom_tag")
        headings = (_("Customer name"), _("E-mail"), _("Account name"), _("Mobile number"), _("Custom tag"))
        return FaultyRows(headings, lambda item: [item.payload.get(name, "") for name in names])


class ResendBatch(_Batch):
    key = "resend"
    label = _("Resend invitations")

    def apply(self, job: Job, items: Sequence[JobItem], *, actor: Actor, now: datetime) -> Sequence[ItemOutcome]:
        return sending.apply_resends(job, items, actor, now)

    def action_label(self, count: int) -> str:
        return ngettext("Resend %(count)d invitation", "Resend %(count)d invitations", count) % {"count": count}


@shared_task(name="invitations.expire_due")
def expire_due() -> int:
    """Write down expiry, a chunk at a time, until nothing is due."""
    total = 0
    while changed := sweeping.expire_due(now=timezone.now()):
        total += changed
    return total


@shared_task(name="invitations.finish_associating")
def finish_associating() -> int:
    return answering.finish_associating(now=timezone.now())


@shared_task(name="invitations.delete_ended_registrations")
def delete_ended_registrations() -> int:
    return registering.delete_ended(now=timezone.now())


@shared_task(name="invitations.recheck_blocked")
def recheck_blocked() -> int:
    """Look again at everything that is blocked, a chunk at a time."""
    total = 0
    while (rechecked := sweeping.recheck_blocked(now=timezone.now())).looked_at:
        total += rechecked.ready
    return total
