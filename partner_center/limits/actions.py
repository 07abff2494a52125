"""
Rate limits: spend() and refund().

A window begins with the first spending of a key and lasts `per`; in it at most `allowed` pass, exactly. Two windows
that touch can let twice that through in a short time: give a short and a long limit where that matters.
"""

import math
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Greatest
from django.utils.functional import lazy
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from partner_center.limits.models import CacheEntry, Spending
from partner_center.refusals import Refusal

KEPT_AFTER_END = timedelta(days=1)


class TooMany(Refusal):
    """More than the limit allows; answered with 429 and `Retry-After: retry_after` (seconds)."""

    code = "too_many"
    message = _("That is more than is allowed in this time.")
    next_step = _("Try again in %(wait)s.")
    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__(wait=lazy_wait(retry_after))
        self.retry_after = retry_after


def spend(*, key: str, amount: int = 1, allowed: int, per: timedelta, now: datetime) -> None:
    """
    Take an amount out of a limit, or nothing at all; of many at once exactly as many pass as are left.

    Inside a transaction the amount is given back when that rolls back, and others with the same key wait for its end.

    :param key: what is limited and for whom, such as "reveal:member:42"; no personal value belongs in it
    :param allowed: how much may be spent in one window
    :param per: how long a window lasts
    :raises TooMany: when less than the amount is left
    """
    if amount > allowed or not (_take(key, amount, allowed, per, now) or _take_first(key, amount, allowed, per, now)):
        raise TooMany(_seconds_until_free(key, per, now))


def refund(*, key: str, amount: int = 1, now: datetime) -> None:
    """Give back what was spent and not used, if its window is still running."""
    Spending.objects.filter(key=key, ends_at__gt=now).update(used=Greatest(F("used"), Value(amount)) - Value(amount))


def delete_ended(*, now: datetime) -> int:
    """Delete the rows of limits that nobody has spent for a day, and what the cache keeps in vain; returns how many."""
    spent, _per_model = Spending.objects.filter(ends_at__lte=now - KEPT_AFTER_END).delete()
    cached, _per_model = CacheEntry.objects.filter(expires__lte=now).delete()
    return spent + cached


def _take(key: str, amount: int, allowed: int, per: timedelta, now: datetime) -> bool:
    """Spend by one guarded UPDATE: the row is only found while the amount still fits."""
    over = Q(ends_at__lte=now)
    return bool(
        Spending.objects.filter(over | Q(used__lte=allowed - amount), key=key).update(
            used=Case(When(over, then=Value(amount)), default=F("used") + Value(amount)),
            ends_at=Case(When(over, then=Value(now + per)), default=F("ends_at")),
        )
    )


def _take_first(key: str, amount: int, allowed: int, per: timedelta, now: datetime) -> bool:
    """Spend from a key that has no row yet: whoever makes it has spent, all others spend from it."""
    _spending, is_new = Spending.objects.get_or_create(key=key, defaults={"used": amount, "ends_at": now + per})
    return is_new or _take(key, amount, allowed, per, now)


def _seconds_until_free(key: str, per: timedelta, now: datetime) -> int:
    ends_at = Spending.objects.filter(key=key, ends_at__gt=now).values_list("ends_at", flat=True).first()
    return math.ceil(((ends_at or now + per) - now).total_seconds())


def _wait(seconds: int) -> str:
    """Say a time in words, in whole minutes at least, in the reader's language."""
    start = datetime(2000, 1, 1)  # noqa: DTZ001 - only the difference counts
    return timesince(start, start + timedelta(minutes=math.ceil(seconds / 60)), depth=1)


lazy_wait: Callable[[int], str] = lazy(_wait, str)
