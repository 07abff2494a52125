"""The security settings of a partner: whether its members confirm what moves money with a code."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from partner_center.refusals import Question, Refusal
from partner_center.tenancy.access import member_required
from partner_center.tenancy.permissions import Permission
from partner_center.tenancy.questions import go_to, show_question
from partner_center.tenancy.requests import PartnerRequest
from partner_center.verification import switching, totp
from partner_center.verification.rules import OFFERED


@require_safe
@member_required(Permission.SETTINGS_SECURITY)
def security(request: PartnerRequest) -> HttpResponse:
    """Show the switch, what it protects, and whether the member could confirm by an app."""
    context = {
        "is_on": request.partner.verification_enabled,
        "operations": OFFERED,
        "has_app": totp.has_app(request.user),
    }
    return render(request, "verification/security.html", context)


@require_POST
@member_required(Permission.SETTINGS_SECURITY)
def switch_on(request: PartnerRequest) -> HttpResponse:
    try:
        switching.switch_on(member=request.member, actor=request.actor, now=timezone.now())
    except Refusal as refusal:
        messages.error(request, f"{refusal} {refusal.advice}")
    else:
        messages.success(request, _("Verification codes are asked for from now on."))
    return go_to(request, reverse("verification:security"))


@require_POST
@member_required(Permission.SETTINGS_SECURITY)
def switch_off(request: PartnerRequest) -> HttpResponse:
    page, code = reverse("verification:security"), request.POST.get("code", "")
    try:
        switching.switch_off(member=request.member, code=code, actor=request.actor, now=timezone.now())
    except Question as question:
        return show_question(request, question, back=page)
    except Refusal as refusal:
        messages.error(request, f"{refusal} {refusal.advice}")
    else:
        messages.success(request, _("Verification codes are no longer asked for."))
    return go_to(request, page)
