"""What is known of a member's challenges and limits."""

import math
from datetime import datetime, timedelta

from partner_center.limits.models import Spending
from partner_center.limits.queries import remaining
from partner_center.tenancy.models import Member, Partner
from partner_center.verification.models import Challenge
from partner_center.verification.rules import ALWAYS_ASKED, MOST_TRIES, State, WhyVoid

COOLDOWN = timedelta(seconds=60)
# Name, how many and in what time (reliability.md 4.3).
SEND_LIMITS = (
    ("cooldown", 1, COOLDOWN),
    ("hour", 5, timedelta(hours=1)),
    ("day", 15, timedelta(days=1)),
)


def is_asked(partner: Partner, operation: str) -> bool:
    """Tell whether this partner's members are asked for a code now; read anew, because a row in hand may be old."""
    if operation in ALWAYS_ASKED:
        return True
    return Partner.objects.filter(pk=partner.pk, verification_enabled=True).exists()


def limit_key(name: str, member: Member) -> str:
    return f"verification:{name}:{member.pk}"


def resend_after(member: Member, *, now: datetime) -> int:
    """Return the seconds until another code may be sent, by the limit that lasts longest; 0 when at once."""
    ends = [
        Spending.objects.filter(key=limit_key(name, member), ends_at__gt=now, used__gte=allowed)
        .values_list("ends_at", flat=True)
        .first()
        for name, allowed, _per in SEND_LIMITS
    ]
    return max((math.ceil((end - now).total_seconds()) for end in ends if end is not None), default=0)


def sends_left(member: Member, *, now: datetime) -> int:
    """Return how many codes may still be sent to this member today."""
    name, allowed, per = SEND_LIMITS[-1]
    return remaining(key=limit_key(name, member), allowed=allowed, per=per, now=now)


def why_void(member: Member, *, operation: str, digest: str, session_ref: str, now: datetime) -> WhyVoid:
    """Say why a typed code opens nothing, by the newest challenge it could belong to."""
    asked = Challenge.objects.filter(member=member, operation=operation, session_ref=session_ref)
    same = asked.filter(digest=digest).order_by("-pk").first()
    if same is None:
        return WhyVoid.CHANGED if asked.open().filter(expires_at__gt=now).exists() else WhyVoid.UNKNOWN
    if same.state == State.USED:
        return WhyVoid.USED
    if same.state == State.VOID:
        return WhyVoid(same.why_void)
    return WhyVoid.TRIES if same.tries >= MOST_TRIES else WhyVoid.EXPIRED
