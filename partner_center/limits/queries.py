"""How much of a limit is left."""

from datetime import datetime, timedelta

from partner_center.limits.models import Spending


def remaining(*, key: str, allowed: int, per: timedelta, now: datetime) -> int:
    """Return how much may still be spent now; takes what spend() takes, to be shown before somebody presses send."""
    used = Spending.objects.filter(key=key, ends_at__gt=now).values_list("used", flat=True).first()
    return max(0, allowed - (used or 0))
