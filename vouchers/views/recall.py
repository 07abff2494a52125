"""Recall: one coupon from its dialog, many by a plan. What will come back is shown before anything is done."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from partner_center import money
from partner_center.api import idempotency
from partner_center.jobs.models import Job, JobItem
from partner_center.jobs.rules import ItemState
from partner_center.limits import actions as limits
from partner_center.listing.choosing import chosen_rows
from partner_center.masking import mask_name
from partner_center.refusals import Question, Refusal
from partner_center.tenancy.access import member_required
from partner_center.tenancy.permissions import Permission
from partner_center.tenancy.questions import go_to, show_question
from partner_center.tenancy.requests import PartnerRequest, posted_ids
from partner_center.verification.proofs import Proof
from vouchers.actions import recall_batches, recalling
from vouchers.filters.coupons import CouponFilters
from vouchers.forms.recall import RecallBatchForm, RecallForm
from vouchers.models import Coupon
from vouchers.rules import words
from vouchers.rules.issuing import Policy
from vouchers.rules.recalling import why_not_recallable
from vouchers.tasks.recalling import shown_totals

SHOWN_IN_DIALOG = 50
PLANS_AN_HOUR = 60
UNPROCESSABLE = 422


@member_required(Permission.COUPON_RECALL)
@require_http_methods(["GET", "HEAD", "POST"])
def recall(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Show what would come back of a coupon; a POST takes it back."""
    rows = Coupon.objects.visible_to(request.member).select_related("account", "quota")
    coupon = get_object_or_404(rows, public_id=public_id)
    back = reverse("vouchers:coupon", args=[coupon.public_id])
    form = RecallForm(request.POST) if request.method == "POST" else None
    if form is None or not form.is_valid():
        return _ask(request, coupon, form)
    try:
        recalled = _recall_once(request, coupon, form)
    except Question as question:
        return show_question(request, question, back=back)
    except Refusal as refusal:
        return refused(request, refusal, back=back)
    told = _("%(amount)s recalled. It is back in the quota %(quota)s.")
    messages.success(request, told % {"amount": recalled, "quota": coupon.quota.number})
    return go_to(request, back)


def _recall_once(request: PartnerRequest, coupon: Coupon, form: RecallForm) -> str:
    """Recall, and return the amount in words; the same form again has the same answer and recalls nothing."""
    now, said = timezone.now(), form.cleaned_data
    proof = recalling.ask_for_code(
        coupon=coupon,
        reason_for_customer=said["reason"],
        remark=said["remark"],
        shown_minor=said["shown"],
        member=request.member,
        code=request.POST.get("code", ""),
        actor=request.actor,
        now=now,
    )
    answer = idempotency.once(
        owner=f"member:{request.member.public_id}",
        key=said["op_id"],
        digest=idempotency.digest_of({"coupon": coupon.public_id, **said}),
        now=now,
        work=lambda: idempotency.Answer(200, _recall(request, coupon, form, proof, now).shown),
    )
    return answer.body


def _recall(
    request: PartnerRequest, coupon: Coupon, form: RecallForm, proof: Proof | None, now: datetime
) -> recalling.RecallResult:
    said = form.cleaned_data
    return recalling.recall_one(
        coupon=coupon,
        reason_for_customer=said["reason"],
        remark=said["remark"],
        partner=request.partner,
        member=request.member,
        proof=proof,
        actor=request.actor,
        now=now,
        shown_minor=said["shown"],
    )


def _ask(request: PartnerRequest, coupon: Coupon, form: RecallForm | None) -> HttpResponse:
    """Ask whether to recall, with the amount; a coupon that cannot be recalled says why instead."""
    back = reverse("vouchers:coupon", args=[coupon.public_id])
    if form is None and (reason := why_not_recallable(coupon, now=timezone.now())):
        return _cannot(request, str(words(reason)), back=back)
    context = {
        "coupon": coupon,
        "form": form or RecallForm(initial={"shown": coupon.balance_minor, "op_id": idempotency.new_op_id()}),
        "amount": money.shown(coupon.balance_minor, coupon.currency),
        "used": money.shown(coupon.consumed_minor, coupon.currency) if coupon.consumed_minor else "",
        "customer": mask_name(coupon.account.customer_name),
        "back": back,
    }
    template = "vouchers/_recall_dialog.html" if request.htmx else "vouchers/recall.html"
    return render(request, template, context, status=UNPROCESSABLE if form else 200)


def refused(request: PartnerRequest, refusal: Refusal, *, back: str) -> HttpResponse:
    """Show a refusal, in the dialog or on a page."""
    answer = _cannot(request, str(refusal), back=back, advice=refusal.advice, status=refusal.status)
    if isinstance(refusal, limits.TooMany):
        answer["Retry-After"] = str(refusal.retry_after)
    return answer


def _cannot(request: PartnerRequest, why: str, *, back: str, advice: str = "", status: int = 200) -> HttpResponse:
    template = "vouchers/_recall_refused_dialog.html" if request.htmx else "vouchers/recall_refused.html"
    return render(request, template, {"why": why, "advice": advice, "back": back}, status=status)


# --- many ----------------------------------------------------------------------------------------


@member_required(Permission.COUPON_RECALL)
@require_POST
def recall_chosen(request: PartnerRequest) -> HttpResponseBase:
    """Ask how to recall the chosen coupons; once that is answered, plan it and show the plan."""
    form = RecallBatchForm(request.POST) if "policy" in request.POST else RecallBatchForm()
    try:
        visible = Coupon.objects.visible_to(request.member)
        rows = chosen_rows(request, visible=visible, filters=CouponFilters, now=timezone.now())
        if not form.is_valid():
            return _ask_how(request, rows, form)
        job = _plan(request, rows, form)
    except Refusal as refusal:
        return refused(request, refusal, back=reverse("vouchers:coupons"))
    return _show_plan(request, job) if request.htmx else redirect("jobs:detail", job.public_id)


def _plan(request: PartnerRequest, rows: QuerySet[Coupon], form: RecallBatchForm) -> Job:
    now, said = timezone.now(), form.cleaned_data
    limits.spend(key=f"batch:member:{request.member.pk}", allowed=PLANS_AN_HOUR, per=timedelta(hours=1), now=now)
    return recall_batches.plan_recall(
        coupons=rows.select_related("account"),
        reason_for_customer=said["reason"],
        remark=said["remark"],
        policy=Policy(said["policy"]),
        member=request.member,
        actor=request.actor,
        now=now,
    )


def _ask_how(request: PartnerRequest, rows: QuerySet[Coupon], form: RecallBatchForm) -> HttpResponse:
    context = {
        "form": form,
        "count": len(rows),
        "ids": [] if "all_matching" in request.POST else posted_ids(request),
        "all_matching": request.POST.get("all_matching", ""),
        "filter": request.POST.get("filter", ""),
        "back": reverse("vouchers:coupons"),
    }
    template = "vouchers/_recall_chosen_dialog.html" if request.htmx else "vouchers/recall_chosen.html"
    return render(request, template, context, status=UNPROCESSABLE if form.is_bound else 200)


def _show_plan(request: PartnerRequest, job: Job) -> HttpResponse:
    goes, stays = job.items.filter(state=ItemState.PLANNED), job.items.exclude(state=ItemState.PLANNED)
    context = {
        "job": job,
        "going": _told(goes),
        "staying": _told(stays),
        "goes": job.waiting,
        "stays": job.skipped,
        "total": shown_totals(job.parameters["totals"]),
        "receivers": job.parameters["receivers"],
        "reason": job.parameters["reason"],
    }
    return render(request, "vouchers/_recall_plan_dialog.html", context)


def _told(items: QuerySet[JobItem]) -> Iterable[dict[str, object]]:
    """Say what would come back of each row, or why nothing does."""
    shown = items.order_by("position")[:SHOWN_IN_DIALOG]
    return [
        {"label": item.label, "amount": item.note, "why": words(item.reason) if item.reason else ""} for item in shown
    ]
