"""One invitation: its facts, what happened to it, and what to do next."""

from django.contrib import messages
from django.http import HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from customers.rules import CAUSES, Model
from invitations import emails, queries, rules
from invitations.actions import linking, sending
from invitations.models import Invitation
from invitations.rules import Status
from partner_center.masking import mask_account, mask_email, mask_mobile, mask_name
from partner_center.refusals import Refusal
from partner_center.tenancy.access import member_required
from partner_center.tenancy.permissions import Permission
from partner_center.tenancy.requests import PartnerRequest


def _invitation(request: PartnerRequest, public_id: str) -> Invitation:
    rows = Invitation.objects.visible_to(request.member)
    rows = rows.select_related("partner", "owner__user", "account", "association", "link", "job")
    return get_object_or_404(rows, public_id=public_id)


@member_required(Permission.INVITATION_READ)
@require_GET
def detail(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Show one invitation with everything that happened to it."""
    invitation = _invitation(request, public_id)
    now = timezone.now()
    may_send = request.member.may(Permission.INVITATION_SEND)
    context = {
        "invitation": invitation,
        "status": invitation.status_at(now),
        "model": Model(invitation.model),
        "delivery": rules.Delivery(invitation.delivery),
        "causes": [CAUSES[code] for code in invitation.causes if code in CAUSES],
        "cause": CAUSES.get(invitation.cause),
        "masked": {
            "customer_name": mask_name(invitation.customer_name),
            "account_name": mask_account(invitation.account_name),
            "email": mask_email(invitation.email),
            "mobile": mask_mobile(invitation.mobile),
        },
        "may_reveal": request.member.may(Permission.CUSTOMER_UNMASK),
        "may_send": may_send,
        "why_not_resendable": rules.why_not_resendable(invitation, now=now, cooldown=queries.RESEND_COOLDOWN),
        "may_cancel": may_send and invitation.status_at(now) in sending.CANCELLABLE,
        "may_copy": may_send and bool(invitation.email) and invitation.status_at(now) == Status.INVITED,
        "events": queries.timeline(invitation),
    }
    return render(request, "invitations/detail.html", context)


@member_required(Permission.INVITATION_SEND)
@require_POST
def address(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Hand out the link of a live invitation, to be sent by hand when mail fails; this is logged."""
    invitation = _invitation(request, public_id)
    try:
        live = linking.hand_out_mailed(invitation=invitation, actor=request.actor, now=timezone.now())
    except Refusal as refusal:
        return JsonResponse({"message": f"{refusal} {refusal.advice}"}, status=refusal.status)
    handed = emails.landing_url(live, kind=rules.HANDED_LINK)
    return render(request, "invitations/_address.html", {"address": handed})


@member_required(Permission.INVITATION_SEND)
@require_POST
def cancel(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Withdraw an invitation."""
    invitation = _invitation(request, public_id)
    try:
        sending.cancel(invitation=invitation, actor=request.actor, now=timezone.now())
    except Refusal as refusal:
        messages.error(request, f"{refusal} {refusal.advice}")
    else:
        messages.success(request, _("The invitation was cancelled. Its link does not work any more."))
    return redirect("invitations:detail", invitation.public_id)
