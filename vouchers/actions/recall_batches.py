"""Recall many coupons: plan what will come back of each, then do exactly that (peers.md O3, O8, O27)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from partner_center import money
from partner_center.jobs import actions as jobs
from partner_center.jobs.kinds import ItemOutcome
from partner_center.jobs.models import Job, JobItem
from partner_center.jobs.rules import ItemState
from partner_center.masking import mask_name
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member
from partner_center.verification.rules import payload_digest
from vouchers.actions.booking import book
from vouchers.actions.ending import Ending, end, lock_coupons
from vouchers.actions.recalling import check_texts, refused_recall
from vouchers.models import Coupon
from vouchers.rules import OperationType, Reason, Verdict
from vouchers.rules.issuing import Policy
from vouchers.rules.recalling import why_not_recallable

RECALL = "recall"
Judged = Sequence[tuple[Coupon, Reason | None]]


@transaction.atomic
def plan_recall(
    *,
    coupons: Iterable[Coupon],
    reason_for_customer: str,
    remark: str,
    policy: Policy,
    member: Member,
    actor: Actor,
    now: datetime,
) -> Job:
    """
    Plan to recall coupons; nothing is taken back until the plan is applied.

    :param coupons: rows the member sees, at most BATCH_LIMIT, with their accounts
    :raises BadText: if the reason or the remark cannot stand
    """
    check_texts(reason_for_customer, remark)
    judged = [(coupon, why_not_recallable(coupon, now=now)) for coupon in coupons]
    if policy == Policy.ALL and any(reason for _coupon, reason in judged):
        judged = [(coupon, reason or Reason.ALL_OR_NOTHING) for coupon, reason in judged]
    parameters = {
        "reason": reason_for_customer,
        "remark": remark,
        "policy": policy.value,
        "totals": _totals(judged),
        "receivers": len({coupon.account_id for coupon, reason in judged if reason is None}),
    }
    job = jobs.open_plan(
        kind=RECALL, title="", member=member, partner=member.partner, parameters=parameters, actor=actor, now=now
    )
    items = _items(judged, seal=payload_digest(parameters))
    return jobs.seal_plan(job=job, items=items, actor=actor, now=now)


def _totals(judged: Judged) -> dict[str, int]:
    """Sum what will come back, by currency."""
    totals: Counter[str] = Counter()
    for coupon, reason in judged:
        if reason is None:
            totals[coupon.currency] += coupon.balance_minor
    return dict(totals)


def _items(judged: Judged, *, seal: str) -> Iterator[jobs.PlannedItem]:
    """Give each row the seal of what holds for all, so that the plan's digest covers the reason and the policy."""
    for coupon, reason in judged:
        yield jobs.PlannedItem(
            key=coupon.public_id,
            label=f"{coupon.number} · {mask_name(coupon.account.customer_name)}",
            verdict=Verdict.REFUSED if reason else Verdict.RECALL,
            reason=reason or "",
            note=money.shown(coupon.balance_minor, coupon.currency),
            payload={
                "amount_minor": coupon.balance_minor,
                "currency": coupon.currency,
                "account": coupon.account_id,
                "plan": seal,
            },
            goes=reason is None,
        )


def apply_recalls(job: Job, items: Sequence[JobItem], *, actor: Actor, now: datetime) -> list[ItemOutcome]:
    """
    Recall the coupons of a chunk as they were planned; what has changed meanwhile is left out with its reason.

    A coupon with another balance than was shown is not recalled: only what somebody saw and confirmed is done.
    """
    chosen = Q(partner=job.partner_id, public_id__in=[item.key for item in items])
    coupons = {coupon.public_id: coupon for coupon in lock_coupons(chosen)}
    reasons = {item.key: _why_left_out(item, coupons[item.key], now) for item in items}
    if job.parameters["policy"] == Policy.ALL and any(reasons.values()):
        reasons = {key: reason or Reason.ALL_OR_NOTHING for key, reason in reasons.items()}
    end([coupons[key] for key, reason in reasons.items() if reason is None], _ending(job), actor=actor, now=now)
    _book_refused(job, {coupons[key]: reason for key, reason in reasons.items() if reason}, actor, now)
    return [_outcome(item, reasons[item.key]) for item in items]


def _why_left_out(item: JobItem, coupon: Coupon, now: datetime) -> Reason | None:
    reason = why_not_recallable(coupon, now=now)
    if reason is None and coupon.balance_minor != item.payload["amount_minor"]:
        return Reason.CHANGED_SINCE_PLAN
    return reason


def _ending(job: Job) -> Ending:
    return Ending(
        operation=OperationType.RECALL,
        reason_for_customer=job.parameters["reason"],
        remark=job.parameters["remark"],
        job_id=job.public_id,
    )


def _outcome(item: JobItem, reason: Reason | None) -> ItemOutcome:
    if reason is None:
        return ItemOutcome(item.pk, ItemState.DONE, object_id=item.key)
    return ItemOutcome(item.pk, ItemState.SKIPPED, reason=reason.value, object_id=item.key)


def book_left_out(job: Job, *, actor: Actor, now: datetime) -> None:
    """Log the rows that the plan refused, in the transaction that applies it: they were tried, and failed."""
    reasons = dict(job.items.filter(state=ItemState.SKIPPED).exclude(reason="").values_list("key", "reason"))
    coupons = Coupon.objects.of(job.partner).filter(public_id__in=reasons.keys()).order_by("pk")
    related = coupons.select_related("quota", "account", "chosen_account")
    _book_refused(job, {coupon: Reason(reasons[coupon.public_id]) for coupon in related}, actor, now)


def _book_refused(job: Job, refused: Mapping[Coupon, Reason], actor: Actor, now: datetime) -> None:
    remark = job.parameters["remark"]
    operations = [
        refused_recall(coupon, reason, remark=remark, job_id=job.public_id) for coupon, reason in refused.items()
    ]
    if operations:
        book(operations, partner=job.partner, actor=actor, now=now)
