"""Where mail goes: to a mail server, or into the demo's own mailbox."""

from typing import Protocol

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from partner_center.mail.config import MailConfig, mail_config
from partner_center.mail.envelope import Envelope
from partner_center.mail.models import DevMessage
from partner_center.mail.rules import Outcome, Verdict
from partner_center.mail.smtp import SmtpTransport

MOST_DEV_MESSAGES = 5_000


class Transport(Protocol):
    """Takes one mail at a time; `open` says why nothing can be sent now, or None."""

    def open(self) -> Outcome | None: ...

    def send(self, envelope: Envelope) -> Outcome: ...

    def close(self) -> None: ...


class MailboxTransport:
    """Keeps each mail as a DevMessage, once per Message-ID, and of all the newest 5 000."""

    def open(self) -> Outcome | None:
        return None

    def send(self, envelope: Envelope) -> Outcome:
        message = envelope.message
        with transaction.atomic():
            DevMessage.objects.get_or_create(
                message_id=envelope.message_id,
                defaults={
                    "recipient": envelope.recipient,
                    "subject": message.subject,
                    "text": message.text,
                    "html": message.html,
                    "language": message.language,
                },
            )
        return Outcome(Verdict.SENT, "mailbox")

    def close(self) -> None:
        newest = DevMessage.objects.order_by("-pk").values_list("pk", flat=True).first()
        if newest is not None:
            DevMessage.objects.filter(pk__lte=newest - MOST_DEV_MESSAGES).delete()


def open_transport(config: MailConfig | None = None) -> Transport:
    """
    Make the transport that EMAIL_URL asks for.

    :raises ImproperlyConfigured: in production without a mail server: mails would pile up in clear
    """
    config = config or mail_config()
    if not config.uses_mailbox:
        return SmtpTransport(config)
    if config.is_production:
        raise ImproperlyConfigured("EMAIL_URL: should name a mail server in production, such as smtp://host:587")
    return MailboxTransport()
