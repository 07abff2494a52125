"""Reusable links and QR codes: make, rotate, revoke, hand out (domain.md 4.3, peers.md O22)."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from customers.rules import Model
from invitations.models import Invitation, InvitationLink
from invitations.rules import LinkKind, Status
from partner_center.audit import actions as audit
from partner_center.audit.models import Deed
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member


class LinkRevoked(Refusal):
    code = "link_revoked"
    message = _("This link was revoked.")
    next_step = _("Create a new link.")


class ModelNotAllowed(Refusal):
    code = "model_not_allowed"
    message = _("You may not invite in this association model.")
    next_step = _("Choose the other model, or ask your ecosystem manager for permission.")


@transaction.atomic
def create_link(
    *,
    kind: LinkKind,
    model: Model,
    custom_tag: str,
    expires_at: datetime | None,
    max_uses: int | None,
    member: Member,
    actor: Actor,
    now: datetime,
) -> InvitationLink:
    """
    Make a reusable link; a member has one universal link per model, which is returned if it exists.

    :param expires_at: None for a link that never expires
    :param max_uses: None for any number of customers
    :raises ModelNotAllowed: if the partner may not use the model
    """
    if model not in member.partner.allowed_models:
        raise ModelNotAllowed
    try:
        with transaction.atomic():
            link = InvitationLink.objects.create(
                partner=member.partner,
                created_by=member,
                kind=kind,
                model=model,
                custom_tag=custom_tag,
                created_at=now,
                expires_at=expires_at,
                max_uses=max_uses,
            )
    except IntegrityError:
        return InvitationLink.objects.of(member.partner).get(
            created_by=member, model=model, kind=LinkKind.UNIVERSAL, revoked_at=None
        )
    details = {"kind": kind, "model": model}
    audit.record(deed=Deed.LINK_CREATED, actor=actor, partner=member.partner, target=link, now=now, details=details)
    return link


@transaction.atomic
def rotate_link(*, link: InvitationLink, actor: Actor, now: datetime) -> InvitationLink:
    """
    Replace the address behind a link: what was printed or copied before stops working at once.

    :raises LinkRevoked: if the link was revoked
    """
    changed = InvitationLink.objects.filter(pk=link.pk, revoked_at=None).update(
        generation=F("generation") + 1, rotated_at=now
    )
    if not changed:
        raise LinkRevoked
    audit.record(deed=Deed.LINK_ROTATED, actor=actor, partner=link.partner, target=link, now=now)
    link.refresh_from_db()
    return link


@transaction.atomic
def revoke_link(*, link: InvitationLink, actor: Actor, now: datetime) -> None:
    """
    Stop a link for good.

    :raises LinkRevoked: if it was revoked already
    """
    if not InvitationLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=now):
        raise LinkRevoked
    audit.record(deed=Deed.LINK_REVOKED, actor=actor, partner=link.partner, target=link, now=now)


@transaction.atomic
def hand_out(*, link: InvitationLink, way: str, actor: Actor, now: datetime) -> None:
    """
    Note that a link left the console.

    :param way: copy, svg or png
    :raises LinkRevoked: if it was revoked
    """
    if link.revoked_at is not None:
        raise LinkRevoked
    deed = Deed.LINK_COPIED if way == "copy" else Deed.LINK_DOWNLOADED
    audit.record(deed=deed, actor=actor, partner=link.partner, target=link, now=now, details={"way": way})


@transaction.atomic
def hand_out_mailed(*, invitation: Invitation, actor: Actor, now: datetime) -> Invitation:
    """
    Note that the link of a mailed invitation was taken out by hand, as when mail does not arrive.

    :return: the invitation as it is now, so that the newest link is the one handed out
    :raises LinkRevoked: if the invitation is not live any more
    """
    rows = Invitation.objects.select_for_update(of=("self",), no_key=True).select_related("partner")
    row = rows.get(pk=invitation.pk)
    if row.status_at(now) != Status.INVITED or not row.email:
        raise LinkRevoked
    audit.record(deed=Deed.LINK_COPIED, actor=actor, partner=row.partner, target=row, now=now)
    return row
