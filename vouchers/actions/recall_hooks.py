"""Automatic recalls: what an association that begins, ends or changes does to coupons (domain.md 3.5, 4.15.9)."""

from datetime import datetime

from django.db.models import Q

from customers.models import Association
from partner_center.tenancy.actors import Actor
from vouchers.actions.ending import Ending, end, lock_coupons
from vouchers.rules import CouponStatus, OperationType


def recall_on_disassociation(association: Association, /, *, actor: Actor, now: datetime) -> None:
    """
    Take back the partner's coupons: what the account holds, and what went to its master because of it.

    A coupon that an unpaid order holds is taken too: the order can no longer be paid by a partner who is gone.
    """
    _recall(_through(association), OperationType.RECALL_ON_DISASSOCIATION, "disassociation", actor, now)


def recall_on_association(association: Association, /, *, actor: Actor, now: datetime) -> None:
    """Take back whatever the account still holds from anybody: it begins with the new partner without coupons."""
    everything = Q(account=association.account_id)
    _recall(everything, OperationType.RECALL_ON_ASSOCIATION, "association", actor, now)


def recall_on_model_switch(association: Association, /, *, actor: Actor, now: datetime) -> None:
    """Take back the partner's coupons, as when the association ends (domain.md 4.19)."""
    _recall(_through(association), OperationType.RECALL_ON_MODEL_SWITCH, "model switch", actor, now)


def _through(association: Association) -> Q:
    return Q(association=association) | Q(partner=association.partner_id, account=association.account_id)


def _recall(chosen: Q, operation: OperationType, name: str, actor: Actor, now: datetime) -> None:
    """
    Recall what is usable, locked by an order or not; what has run out is left to the sweep.

    What is used up is locked too: a refund that comes in meanwhile has made it usable before, or finds it given up.
    """
    in_time = Q(status__in=[CouponStatus.USABLE, CouponStatus.USED], expires_at__gt=now)
    usable = [coupon for coupon in lock_coupons(chosen & in_time) if coupon.status == CouponStatus.USABLE]
    # The system did it, but the log shows which request it followed from.
    system = Actor(kind="system", name=name, request_id=actor.request_id)
    end(usable, Ending(operation=operation), actor=system, now=now)
