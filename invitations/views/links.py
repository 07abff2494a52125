"""Links and QR codes: make them, hand them out, watch what comes of them."""

import io
import re
from typing import Any

import segno
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from customers.rules import Model
from invitations import queries, rules
from invitations.actions import linking
from invitations.forms import LinkForm
from invitations.models import InvitationLink
from invitations.rules import OFFLINE_LINK, LinkKind
from partner_center.refusals import Refusal
from partner_center.tenancy.access import member_required
from partner_center.tenancy.permissions import Permission
from partner_center.tenancy.requests import PartnerRequest

QR_TYPES = {"svg": "image/svg+xml", "png": "image/png"}
QR_SCALE = {"svg": 8, "png": 12}
_PUBLIC_ID = re.compile(r"[A-Za-z0-9_-]{22}")


def _link(request: PartnerRequest, public_id: str) -> InvitationLink:
    rows = InvitationLink.objects.visible_to(request.member).select_related("partner", "created_by__user")
    return get_object_or_404(rows, public_id=public_id)


def _address(link: InvitationLink, *, by_qr: bool = False) -> str:
    name = "invitations:open_qr" if by_qr else "invitations:open"
    return settings.SITE_URL + reverse(name, args=[queries.token_of(link, kind=OFFLINE_LINK)])


@member_required(Permission.INVITATION_READ)
@require_GET
def links(request: PartnerRequest) -> HttpResponseBase:
    """Show all links with their funnels, and the form for a new one."""
    return _page(request, LinkForm(partner=request.partner))


def _page(request: PartnerRequest, form: LinkForm) -> HttpResponse:
    before = request.GET.get("before", "")
    place = before if _PUBLIC_ID.fullmatch(before) else ""
    context = {
        "form": form,
        "page": queries.funnel_page(request.member, before=place, now=timezone.now()),
        "may_send": request.member.may(Permission.INVITATION_SEND),
    }
    return render(request, "invitations/links.html", context, status=422 if form.errors else 200)


@member_required(Permission.INVITATION_SEND)
@require_POST
def create(request: PartnerRequest) -> HttpResponseBase:
    """Make a link and show it."""
    form = LinkForm(request.POST, partner=request.partner)
    if not form.is_valid():
        return _page(request, form)
    try:
        link = linking.create_link(
            kind=LinkKind(form.cleaned_data["kind"]),
            model=Model(form.cleaned_data["model"]),
            custom_tag=_tag(request, form.cleaned_data),
            expires_at=form.expires_at(),
            max_uses=form.most_customers(),
            member=request.member,
            actor=request.actor,
            now=timezone.now(),
        )
    except Refusal as refusal:
        form.add_error(None, f"{refusal} {refusal.advice}")
        return _page(request, form)
    return redirect("invitations:link", link.public_id)


def _tag(request: PartnerRequest, given: dict[str, Any]) -> str:
    """Mark a universal link with who opened it, so that the inviter is known (domain.md 4.3)."""
    if given["kind"] == LinkKind.UNIVERSAL:
        return request.user.name[:64]
    return str(given["custom_tag"])


@member_required(Permission.INVITATION_READ)
@require_GET
def detail(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Show one link: its state, its funnel, and the ways to hand it out."""
    link = _link(request, public_id)
    context = {
        "link": link,
        "state": rules.link_state(link, now=timezone.now()),
        "kind": LinkKind(link.kind),
        "model": Model(link.model),
        "funnel": queries.funnel(link, now=timezone.now()),
        "events": queries.link_timeline(link),
        "may_send": request.member.may(Permission.INVITATION_SEND),
    }
    return render(request, "invitations/link.html", context)


@member_required(Permission.INVITATION_SEND)
@require_POST
def address(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Hand out the link's address; this is logged."""
    link = _link(request, public_id)
    try:
        linking.hand_out(link=link, way="copy", actor=request.actor, now=timezone.now())
    except Refusal as refusal:
        return JsonResponse({"message": f"{refusal} {refusal.advice}"}, status=refusal.status)
    return render(request, "invitations/_address.html", {"address": _address(link)})


@member_required(Permission.INVITATION_SEND)
@require_POST
def qr(request: PartnerRequest, public_id: str, way: str) -> HttpResponseBase:
    """Hand out the QR code as a file to print; this is logged."""
    link = _link(request, public_id)
    if way not in QR_TYPES:
        raise Http404
    try:
        linking.hand_out(link=link, way=way, actor=request.actor, now=timezone.now())
    except Refusal as refusal:
        messages.error(request, f"{refusal} {refusal.advice}")
        return redirect("invitations:link", link.public_id)
    drawing = io.BytesIO()
    segno.make(_address(link, by_qr=True), error="m").save(drawing, kind=way, scale=QR_SCALE[way], border=4)
    answer = HttpResponse(drawing.getvalue(), content_type=QR_TYPES[way])
    answer["Content-Disposition"] = f'attachment; filename="invitation-qr.{way}"'
    return answer


@member_required(Permission.INVITATION_SEND)
@require_POST
def rotate(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Replace the address behind a link."""
    link = _link(request, public_id)
    try:
        linking.rotate_link(link=link, actor=request.actor, now=timezone.now())
    except Refusal as refusal:
        messages.error(request, f"{refusal} {refusal.advice}")
    else:
        messages.success(request, _("The link has a new address. Copies and prints of the old one are dead."))
    return redirect("invitations:link", link.public_id)


@member_required(Permission.INVITATION_SEND)
@require_POST
def revoke(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Stop a link for good."""
    link = _link(request, public_id)
    try:
        linking.revoke_link(link=link, actor=request.actor, now=timezone.now())
    except Refusal as refusal:
        messages.error(request, f"{refusal} {refusal.advice}")
    else:
        messages.success(request, _("The link was revoked. Nobody can use it any more."))
    return redirect("invitations:link", link.public_id)
