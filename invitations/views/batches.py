"""Resend and export: what is done to many history records at once."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from invitations import queries
from invitations.actions import planning
from invitations.filters import HistoryFilters
from invitations.models import Invitation
from invitations.rules import RowReason
from invitations.views import pace
from partner_center.environment import environment
from partner_center.jobs.models import Job, JobItem
from partner_center.jobs.rules import ItemState
from partner_center.listing.choosing import chosen_rows
from partner_center.listing.exporting import queue_export
from partner_center.masking import mask_email, mask_name
from partner_center.refusals import Refusal, Text
from partner_center.tenancy.access import member_required
from partner_center.tenancy.models import Member
from partner_center.tenancy.permissions import Permission
from partner_center.tenancy.questions import go_to
from partner_center.tenancy.requests import PartnerRequest, posted_ids

SHOWN_IN_DIALOG = 50


@member_required(Permission.INVITATION_SEND)
@require_POST
def resend_plan(request: PartnerRequest) -> HttpResponseBase:
    """Plan to send the chosen invitations again, and show the plan: in the dialog, or on its page without scripts."""
    try:
        visible = Invitation.objects.visible_to(request.member)
        rows = chosen_rows(request, visible=visible, filters=HistoryFilters, now=timezone.now())
        if "all_matching" in request.POST or len(posted_ids(request)) > 1:
            pace.spend_batch(request)
    except Refusal as refusal:
        return _refused(request, refusal)
    job = planning.plan_resend(invitations=rows, member=request.member, actor=request.actor, now=timezone.now())
    if not request.htmx:
        return redirect("jobs:detail", job.public_id)
    return _dialog(request, job)


def _dialog(request: PartnerRequest, job: Job) -> HttpResponse:
    context = {
        "job": job,
        "going": _told(job.items.filter(state=ItemState.PLANNED), request.member),
        "staying": _told(job.items.exclude(state=ItemState.PLANNED), request.member),
        "may_reveal": request.member.may(Permission.CUSTOMER_UNMASK),
        "goes": job.waiting,
        "stays": job.skipped,
        "budget_left": queries.budget_left(request.partner, now=timezone.now()),
        "budget": environment.daily_mail_budget,
        "days": environment.invitation_days,
        "cooldown": environment.resend_cooldown_minutes,
    }
    return render(request, "invitations/_resend_dialog.html", context)


def _told(items: QuerySet[JobItem], member: Member) -> list[dict[str, Any]]:
    """Return the invitation behind each row, masked, with why it stays or with what is special about it."""
    shown = list(items.order_by("position")[:SHOWN_IN_DIALOG])
    rows = Invitation.objects.visible_to(member).in_bulk([item.key for item in shown], field_name="public_id")
    words = dict(RowReason.choices)
    return [_told_row(rows[item.key], words.get(item.reason or item.note, "")) for item in shown if item.key in rows]


def _told_row(invitation: Invitation, why: Text) -> dict[str, Any]:
    return {
        "public_id": invitation.public_id,
        "customer_name": mask_name(invitation.customer_name),
        "email": mask_email(invitation.email),
        "status": invitation.status_at(timezone.now()),
        "why": why,
    }


def _refused(request: PartnerRequest, refusal: Refusal) -> HttpResponse:
    template = "invitations/_refused_dialog.html" if request.htmx else "invitations/refused.html"
    back = reverse("invitations:history")
    answer = render(request, template, {"refusal": refusal, "back": back}, status=refusal.status)
    return pace.with_retry_after(answer, refusal)


@member_required(Permission.INVITATION_EXPORT)
@require_http_methods(["POST"])
def export(request: PartnerRequest) -> HttpResponseBase:
    """Queue an export of all records, or of those of the present filter, and show its job."""
    try:
        job = queue_export(request, kind="history_export", filters=HistoryFilters, now=timezone.now())
    except Refusal as refusal:
        return _refused(request, refusal)
    return go_to(request, reverse("jobs:detail", args=[job.public_id]))
