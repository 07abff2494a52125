"""
Recall of ten thousand coupons of one quota: planned, queued, worked.

The yardstick of the work is the least that any way of recalling must do: one UPDATE of the coupons, one of the quota,
and the insertion of as many ledger entries, records and mails with bulk_create; no check, no lock, no chain.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from bench.measuring import Figure
from customers.models import Association
from partner_center.jobs import actions as jobs
from partner_center.jobs import worker
from partner_center.jobs.models import Job
from partner_center.mail.models import MailOutbox
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, new_public_id
from vouchers.actions import balances, recall_batches
from vouchers.actions.booking import Operation, book
from vouchers.models import Coupon, LedgerEntry, OperationRecord, Quota
from vouchers.rules import OperationType
from vouchers.rules.issuing import Policy

ROWS = 10_000
FACE = 100_00
SECONDS_TO_PLAN, SECONDS_TO_QUEUE = 5.0, 2.0
MOST_TIMES_THE_LEAST = 4.0
LONGEST_WORK = 600
Made = TypeVar("Made")


def run(member: Member) -> list[Figure]:
    """Issue coupons, plan to recall them, queue the plan and work it."""
    quota, actor = _issue(member), Actor.member(member)
    job, to_plan = _timed(lambda: _plan(quota, member, actor))
    if (job.total, job.skipped) != (ROWS, 0):
        raise RuntimeError(f"{job.skipped} of {job.total} rows were left out")
    _, to_queue = _timed(lambda: jobs.apply_plan(job=job, digest=job.digest, actor=actor, now=timezone.now()))
    raw = _write_the_least(quota)
    _, to_work = _timed(lambda: worker.work_due(now=timezone.now(), budget=LONGEST_WORK))
    job.refresh_from_db()
    if job.done != ROWS:
        raise RuntimeError(f"{job.done} of {ROWS} coupons were recalled")
    rate = f"{ROWS / to_work:,.0f} rows/s"
    return [
        _against_goal(f"plan to recall {ROWS:,}", to_plan, SECONDS_TO_PLAN),
        _against_goal(f"queue {ROWS:,} recalls", to_queue, SECONDS_TO_QUEUE),
        Figure(f"raw statements that recall {ROWS:,}", raw * 1000, 1.0, None, "yardstick"),
        Figure(f"work {ROWS:,} recalls", to_work * 1000, to_work / raw, MOST_TIMES_THE_LEAST, rate),
    ]


def _against_goal(name: str, seconds: float, goal: float) -> Figure:
    return Figure(name, seconds * 1000, seconds / goal, 1.0, f"of {goal:g} s")


def _timed(call: Callable[[], Made]) -> tuple[Made, float]:
    started = time.perf_counter()
    made = call()
    return made, time.perf_counter() - started


def _issue(member: Member) -> Quota:
    """Grant a quota and write coupons of it, booked as the product books them."""
    now, customer = timezone.now(), Association.objects.of(member.partner).active().select_related("account").first()
    if customer is None:
        raise RuntimeError("the partner has no customer")
    quota = _grant(member, now=now)
    coupons = [
        Coupon(
            partner=member.partner,
            quota=quota,
            kind=quota.kind,
            account=customer.account,
            chosen_account=customer.account,
            association=customer,
            model=customer.model,
            currency=quota.currency,
            face_minor=FACE,
            balance_minor=FACE,
            effective_at=quota.effective_at,
            expires_at=quota.expires_at,
            created_at=now,
        )
        for _number in range(ROWS)
    ]
    actor = Actor.member(member)
    with transaction.atomic():
        balances.take(quota, face_minor=FACE, count=ROWS, now=now)
        Coupon.objects.bulk_create(coupons, batch_size=1000)
        book([_of(OperationType.ISSUE, quota, each) for each in coupons], partner=member.partner, actor=actor, now=now)
    return quota


def _grant(member: Member, *, now: datetime) -> Quota:
    with transaction.atomic():
        quota = Quota.objects.create(
            partner=member.partner,
            kind="voucher",
            currency="CNY",
            total_minor=ROWS * FACE,
            balance_minor=ROWS * FACE,
            effective_at=now - timedelta(days=1),
            expires_at=now + timedelta(days=365),
            created_at=now,
            updated_at=now,
        )
        grant = Operation(operation=OperationType.GRANT, quota=quota, amount_minor=ROWS * FACE)
        book([grant], partner=member.partner, actor=Actor.system("bench"), now=now)
    return quota


def _of(operation: OperationType, quota: Quota, coupon: Coupon) -> Operation:
    return Operation(
        operation=operation, quota=quota, amount_minor=FACE, coupon=coupon, account=coupon.account,
        chosen_account=coupon.chosen_account,
    )  # fmt: skip


def _plan(quota: Quota, member: Member, actor: Actor) -> Job:
    return recall_batches.plan_recall(
        coupons=Coupon.objects.filter(quota=quota).select_related("account").order_by("-pk"),
        reason_for_customer="Contract ended",
        remark="bench",
        policy=Policy.SKIP,
        member=member,
        actor=actor,
        now=timezone.now(),
    )


def _write_the_least(quota: Quota) -> float:
    """Time the bare statements, and undo them: rows of the logs cannot be deleted."""
    coupons = list(Coupon.objects.filter(quota=quota))
    entries, records, mails = _entries(coupons), _records(quota), _mails(coupons)
    with transaction.atomic():
        started = time.perf_counter()
        Coupon.objects.filter(quota=quota).update(status="recalled", recalled_minor=F("balance_minor"), balance_minor=0)
        Quota.objects.filter(pk=quota.pk).update(
            balance_minor=F("balance_minor") + ROWS * FACE, outstanding_minor=F("outstanding_minor") - ROWS * FACE
        )
        LedgerEntry.objects.bulk_create(entries)
        OperationRecord.objects.bulk_create(records)
        MailOutbox.objects.bulk_create(mails)
        seconds = time.perf_counter() - started
        transaction.set_rollback(True)
    return seconds


def _entries(coupons: list[Coupon]) -> list[LedgerEntry]:
    return [
        LedgerEntry(
            partner_id=coupon.partner_id,
            quota_id=coupon.quota_id,
            coupon=coupon,
            operation="recall",
            debit="coupon",
            credit="quota",
            amount_minor=FACE,
            currency=coupon.currency,
            occurred_at=coupon.created_at,
        )
        for coupon in coupons
    ]


def _records(quota: Quota) -> list[OperationRecord]:
    """Copy the records of the issue under new numbers behind the end of the log."""
    records = list(OperationRecord.objects.filter(quota_number=quota.number, operation="issue"))
    last = OperationRecord.objects.of(quota.partner).order_by("-seq").values_list("seq", flat=True)[0]
    for number, record in enumerate(records, start=last + 1):
        record.pk, record.public_id, record.seq, record.operation = None, new_public_id(), number, "recall"
    return records


def _mails(coupons: list[Coupon]) -> list[MailOutbox]:
    return [
        MailOutbox(
            partner_id=coupon.partner_id,
            lane=coupon.partner_id,
            kind="coupon_recalled",
            object_id=coupon.public_id,
            dedupe_key=coupon.public_id,
            message_id=coupon.public_id,
            created_at=coupon.created_at,
        )
        for coupon in coupons
    ]
