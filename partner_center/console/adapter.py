"""How allauth behaves here: nobody signs up by themselves, and its mail goes through the outbox."""

from collections.abc import Mapping

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.utils import timezone

from partner_center.mail.password_reset import queue_password_reset
from partner_center.tenancy.models import User


class UnknownAccountMail(LookupError):
    """A mistake of ours: allauth wants to send a mail that the outbox has no kind for."""


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Members are invited by their admin; customers register on the page of their invitation."""
        return False

    def send_password_reset_mail(self, user: User, email: str, context: Mapping[str, object]) -> None:
        """Queue the mail; its link is made at the moment of sending, not now."""
        queue_password_reset(user, now=timezone.now())  # noqa: TID251 - an edge

    def send_mail(self, template_prefix: str, email: str, context: Mapping[str, object]) -> None:
        raise UnknownAccountMail(template_prefix)
