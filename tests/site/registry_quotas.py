"""The addresses of quotas: a partner's own, and those where the vendor grants and changes them."""

from datetime import timedelta
from typing import Any

from partner_center.tenancy.permissions import Permission
from tests.site.addresses import ANSWER_REDIRECT, PLATFORM, Address, public_id
from tests.site.world import World
from tests.vouchers.making import make_quota
from vouchers.models import Quota

READ = Permission.QUOTA_READ


def _quota(world: World) -> Quota:
    """Make one quota of partner A the first time it is asked for."""
    return Quota.objects.of(world.alice.partner).first() or make_quota(world.alice.partner)


def _adjusted(world: World) -> Quota:
    quota = _quota(world)
    Quota.objects.filter(pk=quota.pk).update(status="adjusting")
    return quota


def _grant(world: World) -> dict[str, Any]:
    return {
        "public_id": "g" * 22,
        "kind": "voucher",
        "total_minor": "1000.00",
        "currency": "CNY",
        "effective_at": world.now.strftime("%Y-%m-%dT%H:%M"),
        "expires_at": (world.now + timedelta(days=30)).strftime("%Y-%m-%dT%H:%M"),
    }


def _total(world: World) -> dict[str, Any]:
    return {"total_minor": "2000.00", "seen": _quota(world).total_minor}


CHANGED = ("quota_changed",)
ADDRESSES = [
    Address(name="vouchers:quotas", who=READ, right="finance"),
    Address(name="vouchers:quota", who=READ, right="finance", args=public_id(_quota)),
    Address(name="vouchers:ledger", who=READ, right="finance", args=public_id(_quota)),
    Address(name="vouchers:platform_quotas", who=PLATFORM, right="vendor"),
    Address(name="vouchers:choose_partner", who=PLATFORM, right="vendor"),
    Address(
        name="vouchers:grant",
        who=PLATFORM,
        method="GET POST",
        right="vendor",
        args=lambda world: {"public_id": world.alice.partner.public_id},
        data=_grant,
        answer=ANSWER_REDIRECT,
        deeds=CHANGED,
    ),
    Address(name="vouchers:platform_quota", who=PLATFORM, right="vendor", args=public_id(_quota)),
    Address(name="vouchers:platform_ledger", who=PLATFORM, right="vendor", args=public_id(_quota)),
    Address(
        name="vouchers:change_total",
        who=PLATFORM,
        method="GET POST",
        right="vendor",
        args=public_id(_quota),
        data=_total,
        answer=ANSWER_REDIRECT,
        deeds=CHANGED,
    ),
    Address(
        name="vouchers:change_status",
        who=PLATFORM,
        method="GET POST",
        right="vendor",
        args=lambda world: {"public_id": _quota(world).public_id, "status": "frozen"},
        data=lambda _: {"note": "Under review"},
        answer=ANSWER_REDIRECT,
        deeds=CHANGED,
    ),
    Address(
        name="vouchers:change_limits",
        who=PLATFORM,
        method="GET POST",
        right="vendor",
        args=public_id(_adjusted),
        data=lambda _: {"max_count": "5"},
        answer=ANSWER_REDIRECT,
        deeds=CHANGED,
    ),
]
