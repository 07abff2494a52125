"""Codes to test with: read from the mail, as a member does."""

import re
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from partner_center.mail.models import DevMessage
from partner_center.mail.sending import send_due
from partner_center.tenancy.models import Member, Partner
from partner_center.verification import actions
from partner_center.verification.actions import CodeNeeded
from partner_center.verification.proofs import Proof
from partner_center.verification.rules import About, ProtectedOperation, payload_digest
from tests.people import actor_of

ABOUT = About(amount_minor=600_000, currency="CNY", count=12, receivers="12 customers", what="12 vouchers")
DIGEST = payload_digest({"amount_minor": 600_000, "receivers": [1, 2, 3]})
SECOND = timedelta(seconds=1)


def switch_on(partner: Partner) -> None:
    Partner.objects.filter(pk=partner.pk).update(verification_enabled=True)


def check(
    member: Member,
    code: str = "",
    *,
    now: datetime,
    operation: ProtectedOperation = ProtectedOperation.ISSUE,
    digest: str = DIGEST,
    about: About = ABOUT,
) -> Proof:
    return actions.check(
        member=member, operation=operation, digest=digest, about=about, code=code, actor=actor_of(member), now=now
    )


def ask(member: Member, *, now: datetime, **bound: object) -> str:
    """Ask for a code, let the mail go out, and return the code that stands in it."""
    with pytest.raises(CodeNeeded):
        check(member, now=now, **bound)
    return mailed_code(member)


def mailed_code(member: Member) -> str:
    """Read the newest code that a member was mailed."""
    send_due(clock=timezone.now)
    text = DevMessage.objects.filter(recipient=member.user.email).latest("pk").text
    return re.search(r"^Verification code: (\d{6})$", text, re.MULTILINE)[1]


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"
