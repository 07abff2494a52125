"""Codes of an authenticator app: each is good once, whoever of our processes looks at it."""

from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.utils.crypto import constant_time_compare

from partner_center.limits import actions as limits
from partner_center.sealing import unseal
from partner_center.tenancy.models import User

PURPOSE = "authenticator app"
STEP = 30  # seconds
TOLERANCE = 1  # steps that a telephone's clock may be early or late
REMEMBERED = timedelta(minutes=10)
MOST_TRIES = 10
TRIES_PER = timedelta(minutes=15)


def has_app(user: User) -> bool:
    """Tell whether this person has set up an authenticator app."""
    return bool(Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists())


def count_try(user: User, *, now: datetime) -> None:
    """
    Count a code before looking at it, at sign-in and for deeds together.

    :raises TooMany: after ten in a quarter of an hour that were wrong
    """
    limits.spend(key=f"two-step:{user.pk}", allowed=MOST_TRIES, per=TRIES_PER, now=now)


def forget_tries(user: User, *, now: datetime) -> None:
    """Begin counting anew, after a code that was right."""
    limits.refund(key=f"two-step:{user.pk}", amount=MOST_TRIES, now=now)


def claim(user: User, code: str, *, now: datetime) -> bool:
    """
    Take a code of the person's app; returns whether it was right and nobody had taken it before.

    allauth remembers used codes in the cache of one process for one step; ours is the database, and it remembers for
    longer than a code could be right.
    """
    app = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()
    return app is not None and claim_with(unseal(app.data["secret"], purpose=PURPOSE), user, code, now=now)


def claim_with(secret: str, user: User, code: str, *, now: datetime) -> bool:
    """Take a code of an app that is not set up yet, by its key in base 32."""
    counter = _counter_of(secret, code, now)
    return counter is not None and _is_first(user, counter, now)


def _counter_of(secret: str, code: str, now: datetime) -> int | None:
    present = int(now.timestamp()) // STEP
    for counter in range(present - TOLERANCE, present + TOLERANCE + 1):
        if constant_time_compare(format_hotp_value(hotp_value(secret, counter)), code):
            return counter
    return None


def _is_first(user: User, counter: int, now: datetime) -> bool:
    try:
        limits.spend(key=f"totp:{user.pk}:{counter}", allowed=1, per=REMEMBERED, now=now)
    except limits.TooMany:
        return False
    return True
