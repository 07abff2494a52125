"""Which list lets which coupon pass, and the states of a version. Pure."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from vouchers.rules.kinds import CouponKind


class WhitelistKind(TextChoices):
    """A partner has one list for its customers in general and one for pickup coupons (domain.md 4.11)."""

    CUSTOMER = "customer", _("Customer whitelist")
    PICKUP = "pickup", _("Pickup coupon whitelist")


class WhitelistVersionStatus(TextChoices):
    DRAFT = "draft", _("Draft")
    ACTIVE = "active", _("Active")
    SUPERSEDED = "superseded", _("Superseded")
    DISCARDED = "discarded", _("Discarded")


def whitelist_for(kind: str, *, required: bool) -> WhitelistKind | None:
    """
    Return the list that judges coupons of a kind, None where none does.

    Cash coupons and pickup coupons always need one, vouchers where their quota says so (domain.md 8 row 20).

    :param required: what the quota says
    """
    if kind == CouponKind.PICKUP:
        return WhitelistKind.PICKUP
    return WhitelistKind.CUSTOMER if required or kind == CouponKind.CASH else None
