"""The partner's switch: on at once, off only with a code; either way its admins are told and it is logged."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from partner_center.audit import actions as audit
from partner_center.audit.models import Deed
from partner_center.mail import actions as mail
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner
from partner_center.tenancy.permissions import Role
from partner_center.verification import actions, emails
from partner_center.verification.rules import About, ProtectedOperation, payload_digest


class AlreadySwitched(Refusal):
    code = "already_switched"
    message = _("The switch already stands there.")
    next_step = _("Reload the page to see who is asked for what.")


def switch_on(*, member: Member, actor: Actor, now: datetime) -> None:
    """
    Ask the partner's members for codes from now on.

    :raises AlreadySwitched: when they are asked already
    """
    with transaction.atomic():
        _switch(member.partner, on=True, actor=actor, now=now)


def switch_off(*, member: Member, code: str, actor: Actor, now: datetime) -> None:
    """
    Ask the partner's members for no more codes; this itself needs one (domain.md 4.17).

    :param code: as typed; empty to be asked for one
    :raises AlreadySwitched: when nobody is asked
    :raises CodeAsked: when a code has to be typed
    """
    partner, operation = member.partner, ProtectedOperation.SWITCH_OFF
    if not Partner.objects.filter(pk=partner.pk, verification_enabled=True).exists():
        raise AlreadySwitched
    digest = payload_digest({"partner": partner.public_id})
    about = About(receivers=partner.company_name)
    proof = actions.check(
        member=member, operation=operation, digest=digest, about=about, code=code, actor=actor, now=now
    )
    with transaction.atomic(), audit.written_last():
        actions.spend(proof, member=member, operation=operation, digest=digest, now=now)
        _switch(partner, on=False, actor=actor, now=now)


def _switch(partner: Partner, *, on: bool, actor: Actor, now: datetime) -> None:
    if not Partner.objects.filter(pk=partner.pk, verification_enabled=not on).update(verification_enabled=on):
        raise AlreadySwitched
    _tell_admins(partner, on=on, now=now)
    audit.record(
        deed=Deed.VERIFICATION_SWITCHED, actor=actor, partner=partner, target=partner, now=now, details={"on": on}
    )


def _tell_admins(partner: Partner, *, on: bool, now: datetime) -> None:
    members = Member.objects.of(partner).active().only("public_id", "roles")
    for member in members:
        if Role.ADMIN in member.roles:
            mail.enqueue(
                kind=emails.SWITCHED,
                partner=partner,
                object_id=member.public_id,
                generation=emails.ON if on else emails.OFF,
                dedupe_key=f"{emails.SWITCHED}:{member.public_id}:{now.isoformat()}",
                now=now,
            )
