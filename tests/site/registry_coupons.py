"""The addresses of issued coupons and of recall."""

from typing import Any

from partner_center.tenancy.permissions import Permission
from tests.site import world as w
from tests.site.addresses import ANSWER_REDIRECT, Address, public_id
from tests.site.world import World
from tests.vouchers.making import make_coupon, make_quota
from vouchers.models import Coupon

READ, RECALL = Permission.COUPON_READ, Permission.COUPON_RECALL


def _coupon(world: World) -> Coupon:
    """Issue one coupon of partner A to a canary, the first time it is asked for."""
    partner = world.alice.partner
    found = Coupon.objects.of(partner).first()
    if found is not None:
        return found
    customer = w.Invitation.objects.get(pk=world.invitations[w.ASSOCIATED].pk).association
    return make_coupon(make_quota(partner), customer, remark="kept to ourselves")


def _shown(world: World) -> dict[str, Any]:
    return {
        "shown": _coupon(world).balance_minor,
        "reason": "Contract ended",
        "remark": "asked by phone",
        "op_id": "o" * 22,
    }


def _chosen(world: World) -> dict[str, Any]:
    return {"id": _coupon(world).public_id, "policy": "skip"}


ADDRESSES = [
    Address(name="vouchers:coupons", who=READ, right="finance"),
    Address(name="vouchers:coupon", who=READ, right="finance", args=public_id(_coupon)),
    Address(
        name="vouchers:coupons_export",
        who=Permission.COUPON_LOG_EXPORT,
        method="POST",
        right="finance",
        data=lambda _: {"format": "csv"},
        answer=ANSWER_REDIRECT,
        deeds=("export_requested",),
    ),
    Address(
        name="vouchers:coupon_recall",
        who=RECALL,
        method="GET POST",
        right="finance",
        args=public_id(_coupon),
        data=_shown,
        answer=ANSWER_REDIRECT,
    ),
    Address(
        name="vouchers:recall_chosen",
        who=RECALL,
        method="POST",
        right="finance",
        data=_chosen,
        answer=ANSWER_REDIRECT,
        deeds=("job_planned",),
        others={"charlie": 400},
    ),
]
