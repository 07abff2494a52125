"""What mails of this room say, made at the moment of sending: the outbox knows which challenge, never which code."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.conf import settings
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from partner_center.mail.addresses import defuse
from partner_center.mail.kinds import DeliveryChange, MailKind, Message, OutboxKey, register
from partner_center.mail.layout import compose
from partner_center.mail.rules import Delivery
from partner_center.sealing import unseal
from partner_center.tenancy.models import Member
from partner_center.verification.models import Challenge
from partner_center.verification.rules import LIFE, sentence

CODE = "verification_code"
SWITCHED = "verification_switched"
OFF, ON = 0, 1
OVER = frozenset({Delivery.SENT, Delivery.BOUNCED, Delivery.SUPPRESSED})

Messages = Mapping[OutboxKey, Message]


def install() -> None:
    """Register the kinds."""
    register(
        MailKind(key=CODE, label=_("Verification code"), on_ambiguity="resend", render=codes, delivered=forget_codes)
    )
    register(MailKind(key=SWITCHED, label=_("Verification switched"), on_ambiguity="resend", render=switch_notices))


def codes(keys: Sequence[OutboxKey]) -> Messages:
    """Tell members the codes they asked for; one that has ended meanwhile is left out."""
    wanted = Challenge.objects.open().filter(
        public_id__in=[key.object_id for key in keys], expires_at__gt=Now()
    ).exclude(sealed_code="")  # fmt: skip
    by_id = {challenge.public_id: challenge for challenge in wanted.select_related("member__user")}
    return {key: _code_mail(by_id[key.object_id]) for key in keys if key.object_id in by_id}


def _code_mail(challenge: Challenge) -> Message:
    user = challenge.member.user
    about = replace(challenge.about, receivers=defuse(challenge.receivers))
    with translation.override(challenge.language):
        deed = sentence(challenge.operation, about)
    # The code is a slot: what is shared stays in memory, slots do not.
    slots = {"name": user.name, "code": unseal(challenge.sealed_code, purpose=challenge.public_id)}
    shared = {"deed": deed, "minutes": int(LIFE.total_seconds()) // 60}
    link = settings.SITE_URL + reverse("account_change_password")
    mail = compose("emails/verification_code", shared, challenge.language, link=link, slots=slots)
    return mail.to(user.email)


def forget_codes(changes: Sequence[DeliveryChange]) -> None:
    """Forget a code once its mail is out, or will never go."""
    over = [change.object_id for change in changes if change.state in OVER]
    Challenge.objects.filter(public_id__in=over).update(sealed_code="")


def switch_notices(keys: Sequence[OutboxKey]) -> Messages:
    """Tell a partner's admins that codes were switched on or off."""
    members = Member.objects.active().filter(public_id__in=[key.object_id for key in keys])
    by_id = {member.public_id: member for member in members.select_related("partner", "user")}
    return {key: _switch_mail(by_id[key.object_id], key.generation) for key in keys if key.object_id in by_id}


def _switch_mail(member: Member, generation: int) -> Message:
    slots = {"name": member.user.name, "partner_name": member.partner.company_name}
    shared = {"is_on": generation % 2 == ON}
    link = settings.SITE_URL + reverse("verification:security")
    mail = compose("emails/verification_switched", shared, member.user.language, link=link, slots=slots)
    return mail.to(member.user.email)
