"""Expiry written down: what is left goes back to the quota while that is open, else it lapses (domain.md 8 row 17)."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from partner_center.tenancy.actors import Actor
from vouchers.actions.ending import Ending, end, lock_coupons
from vouchers.models import Coupon
from vouchers.rules import CouponStatus, OperationType

CHUNK = 500


@transaction.atomic
def expire_due(*, now: datetime, limit: int = CHUNK) -> int:
    """
    Write down which coupons have run out, at most `limit`; each changes once, whoever else sweeps.

    An expired coupon stopped being worth anything at its time already (decisions.md 5.6). Coupons that a rival holds
    are left to it; on SQLite there is one writer and nothing to skip. Expiry takes what an unpaid order holds too.

    :returns: how many expired
    """
    due = Coupon.objects.due(now=now).order_by("expires_at", "pk").values_list("pk", flat=True)[:limit]
    still_due = Q(pk__in=list(due), status=CouponStatus.USABLE, expires_at__lte=now)
    coupons = lock_coupons(still_due, skips_locked=True)
    end(coupons, Ending(operation=OperationType.EXPIRE), actor=Actor.system("expiry"), now=now)
    return len(coupons)
