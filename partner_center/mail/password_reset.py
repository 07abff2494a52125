"""The mail that lets a person choose a new password; its token is made at the moment of sending."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from partner_center.mail.actions import enqueue
from partner_center.mail.kinds import MailKind, Message, OutboxKey, register
from partner_center.mail.layout import compose
from partner_center.tenancy.models import User

KEY = "password_reset"


def install() -> None:
    """Register the kind; the site's adapter hands over what allauth wants to send."""
    register(MailKind(key=KEY, label=_("Password reset"), on_ambiguity="resend", render=render))


def queue_password_reset(user: User, *, now: datetime) -> None:
    """Put the mail for one person into the outbox; a second request within the same minute adds nothing."""
    minute = int(now.timestamp()) // 60
    with transaction.atomic():
        enqueue(
            kind=KEY,
            partner=None,
            object_id=user.public_id,
            generation=minute,
            dedupe_key=f"{KEY}:{user.public_id}:g{minute}",
            now=now,
        )


def render(keys: Sequence[OutboxKey]) -> Mapping[OutboxKey, Message]:
    """Make the messages of the people who may still sign in."""
    wanted = {key.object_id for key in keys}
    people = {user.public_id: user for user in User.objects.filter(public_id__in=wanted, is_active=True)}
    return {key: _message(people[key.object_id]) for key in keys if key.object_id in people}


def _message(user: User) -> Message:
    address = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    link = f"{settings.SITE_URL}{reverse('account_reset_password_from_key', kwargs=address)}"
    mail = compose("mail/password_reset", {}, user.language, link=link, slots={"name": user.name})
    return mail.to(user.email)
