"""Celery rings, the outbox decides: both tasks carry no business and may be lost, late or doubled."""

from celery import shared_task
from django.utils import timezone

from partner_center.mail.claims import recover
from partner_center.mail.config import mail_config
from partner_center.mail.sending import send_due

# A server may take 600 s to answer the final dot; a sender killed while it waits leaves an open mail behind.
LONGEST_RUN = 900


@shared_task(name="mail.send_due", soft_time_limit=LONGEST_RUN, time_limit=LONGEST_RUN + 30)
def send_due_mail() -> None:
    send_due(clock=timezone.now, most_senders=mail_config().senders)


@shared_task(name="mail.recover")
def recover_mail() -> None:
    recover(at=timezone.now())
