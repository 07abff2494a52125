"""What customers are told by mail about their coupons: one mail per coupon and deed, in the transaction of the deed."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from django.db import transaction
from django.db.models import CharField, Exists, F, OuterRef, Value
from django.db.models.functions import Concat

from partner_center.mail import actions as mail
from partner_center.mail.kinds import OutboxKey
from partner_center.mail.models import MailOutbox
from partner_center.tenancy.models import Partner
from vouchers.models import Coupon, CouponQuerySet
from vouchers.models.coupons import EXPIRES_SOON

ISSUED, RECALLED, EXPIRING = "coupon_issued", "coupon_recalled", "coupon_expiring"
CHUNK = 1000


def announce_issued(coupons: Iterable[Coupon], *, partner: Partner, now: datetime) -> int:
    """Tell the holders of new coupons that they have them; returns how many mails are new."""
    return _enqueue(ISSUED, coupons, partner, now)


def announce_recalled(coupons: Iterable[Coupon], *, now: datetime) -> None:
    """Tell the holders of coupons of any partners that these were taken back."""
    for partner, group in groupby(sorted(coupons, key=lambda each: each.partner_id), key=lambda each: each.partner):
        _enqueue(RECALLED, group, partner, now)


@transaction.atomic
def announce_expiring(*, now: datetime, limit: int = CHUNK) -> int:
    """
    Warn the holders of coupons that run out within seven days, each coupon once; returns how many were warned of.

    Who got a coupon for a shorter time was told its end in the mail that brought it.
    """
    soon = Coupon.objects.expiring(now=now).filter(expires_at__gt=F("created_at") + EXPIRES_SOON)
    chosen = _not_told(soon, EXPIRING).select_related("partner").order_by("partner_id", "pk")[:limit]
    groups = groupby(chosen, key=lambda coupon: coupon.partner)
    return sum(_enqueue(EXPIRING, group, partner, now) for partner, group in groups)


def _enqueue(kind: str, coupons: Iterable[Coupon], partner: Partner, now: datetime) -> int:
    keys = [OutboxKey(coupon.public_id, 1) for coupon in coupons]
    return mail.enqueue_many(kind=kind, partner=partner, keys=keys, dedupe_prefix=_prefix(kind), now=now)


def _not_told(coupons: CouponQuerySet, kind: str) -> CouponQuerySet:
    """Keep the coupons that no mail of this kind was ever written about: its dedupe key is not taken."""
    key = Concat(Value(f"{_prefix(kind)}:"), OuterRef("public_id"), Value(":g1"), output_field=CharField())
    return coupons.filter(~Exists(MailOutbox.objects.filter(dedupe_key=key)))


def _prefix(kind: str) -> str:
    return kind.replace("_", "-")
