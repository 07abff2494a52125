"""The addresses of issuing: the form of a quota, its dialog of customers, and what a right answer leads to."""

from typing import Any

from customers.models import Association
from partner_center.tenancy.permissions import Permission
from tests.site import world as w
from tests.site.addresses import ANSWER_REDIRECT, Address, public_id
from tests.site.world import World
from tests.vouchers.making import make_quota
from vouchers.models import Quota

ISSUE = Permission.COUPON_ISSUE


def _quota(world: World) -> Quota:
    """Make one quota of partner A the first time it is asked for."""
    return Quota.objects.of(world.alice.partner).first() or make_quota(world.alice.partner)


def _customer(world: World) -> Association:
    return Association.objects.get(account=world.accounts[w.ASSOCIATED])


def _issue(world: World) -> dict[str, Any]:
    quota = _quota(world)
    return {
        "face": "100.00",
        "first_day": world.now.strftime("%Y-%m-%d"),
        "last_day": quota.expires_at.strftime("%Y-%m-%d"),
        "source": "chosen",
        "policy": "skip",
        "id": [_customer(world).public_id],
    }


ADDRESSES = [
    Address(
        name="vouchers:issue",
        who=ISSUE,
        method="GET POST",
        right="finance",
        args=public_id(_quota),
        data=_issue,
        answer=ANSWER_REDIRECT,
        deeds=("job_planned",),
    ),
    Address(
        name="vouchers:issue_customers",
        who=ISSUE,
        method="GET POST",
        right="finance",
        args=public_id(_quota),
        data=lambda _: {"wanted": w.ASSOCIATED.account_name},
    ),
    Address(
        name="vouchers:issue_chosen",
        who=ISSUE,
        method="POST",
        right="finance",
        args=public_id(_quota),
        data=lambda world: {"add": [_customer(world).public_id]},
    ),
    Address(name="vouchers:issue_matching", who=ISSUE, method="POST", right="finance", args=public_id(_quota)),
    Address(name="vouchers:issue_template", who=ISSUE, right="finance"),
]
