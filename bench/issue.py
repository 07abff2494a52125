"""
Issue to ten thousand customers of a whitelist: planned from a pasted list, queued, worked.

The yardstick of the work is the least that any way of issuing must do: insert the same coupons, ledger entries, records
and mails with bulk_create in one transaction; no check, no lock, no chain, no row of the job marked.
"""

import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TypeVar

from django.db import transaction
from django.utils import timezone

from bench.measuring import Figure
from customers.models import Account, Association
from partner_center import imports
from partner_center.jobs import actions as jobs
from partner_center.jobs import worker
from partner_center.jobs.models import Job
from partner_center.mail.models import MailOutbox
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, new_public_id
from vouchers.actions import planning
from vouchers.actions.booking import Operation, book
from vouchers.actions.planning import Chosen
from vouchers.models import (
    Coupon,
    LedgerEntry,
    OperationRecord,
    Quota,
    Whitelist,
    WhitelistEntry,
    WhitelistVersion,
)
from vouchers.rules import OperationType, new_number
from vouchers.rules.issuing import Policy, terms_within
from vouchers.views.issue import COLUMNS

ROWS = 10_000
FACE = 100_00
SECONDS_TO_PLAN, SECONDS_TO_QUEUE = 5.0, 2.0
MOST_TIMES_THE_LEAST = 4.0
LONGEST_WORK = 600
Made = TypeVar("Made")


def run(member: Member) -> list[Figure]:
    """Plan to issue to a pasted list, queue the plan and work it, in chunks and all or nothing."""
    names, actor = _customers(member), Actor.member(member)
    quota = _grant(member)
    plan, to_plan = _timed(lambda: _plan(names, quota, member, actor, Policy.SKIP))
    _, to_queue = _timed(lambda: jobs.apply_plan(job=plan, digest=plan.digest, actor=actor, now=timezone.now()))
    to_work = _work(plan)
    raw = _insert_the_least(plan)
    whole = _plan(names, quota, member, actor, Policy.ALL)
    jobs.apply_plan(job=whole, digest=whole.digest, actor=actor, now=timezone.now())
    to_work_whole = _work(whole)
    return [
        _against_goal(f"plan to issue to a pasted list of {ROWS:,}", to_plan, SECONDS_TO_PLAN),
        _against_goal(f"queue {ROWS:,} issues", to_queue, SECONDS_TO_QUEUE),
        Figure(f"bulk_create of the same {4 * ROWS:,} rows", raw * 1000, 1.0, None, "yardstick"),
        _against_least(f"work {ROWS:,} issues", to_work, raw),
        _against_least(f"work {ROWS:,} issues, all or nothing", to_work_whole, raw),
    ]


def _against_goal(name: str, seconds: float, goal: float) -> Figure:
    return Figure(name, seconds * 1000, seconds / goal, 1.0, f"of {goal:g} s")


def _against_least(name: str, seconds: float, raw: float) -> Figure:
    return Figure(name, seconds * 1000, seconds / raw, MOST_TIMES_THE_LEAST, f"{ROWS / seconds:,.0f} rows/s")


def _timed(call: Callable[[], Made]) -> tuple[Made, float]:
    started = time.perf_counter()
    made = call()
    return made, time.perf_counter() - started


def _customers(member: Member) -> list[str]:
    """Make customers of the partner, put them on its whitelist, and return their account names."""
    mark, now = new_number("B")[1:5].lower(), timezone.now()
    accounts = [
        Account(
            account_number=f"{mark}{number:015}",
            account_name=f"issue-{mark}-{number}",
            customer_name=f"Customer {number}",
            email=f"issue-{mark}-{number}@bench.example",
        )
        for number in range(ROWS)
    ]
    with transaction.atomic():
        Account.objects.bulk_create(accounts)
        Association.objects.bulk_create(
            Association(partner=member.partner, account=each, model="reseller", consent_version="1", created_at=now)
            for each in accounts
        )
        _put_on_list(member, accounts)
    return [account.account_name for account in accounts]


def _put_on_list(member: Member, accounts: Iterable[Account]) -> None:
    versions = WhitelistVersion.objects.of(member.partner).filter(kind="customer")
    versions.filter(status="active").update(status="superseded")
    version = WhitelistVersion.objects.create(
        partner=member.partner,
        kind="customer",
        number=versions.count() + 1,
        status="active",
        imported_by=member,
        digest="0" * 64,
        created_at=timezone.now(),
    )
    WhitelistEntry.objects.bulk_create(WhitelistEntry(version=version, account=account) for account in accounts)
    Whitelist.objects.update_or_create(partner=member.partner, kind="customer", defaults={"active": version})


def _grant(member: Member) -> Quota:
    """Grant a quota of cash coupons for two rounds, booked as the product books it."""
    now, total = timezone.now(), 2 * ROWS * FACE
    with transaction.atomic():
        quota = Quota.objects.create(
            partner=member.partner,
            kind="cash_coupon",
            currency="CNY",
            total_minor=total,
            balance_minor=total,
            effective_at=now - timedelta(days=1),
            expires_at=now + timedelta(days=365),
            created_at=now,
            updated_at=now,
        )
        granted = Operation(operation=OperationType.GRANT, quota=quota, amount_minor=total)
        book([granted], partner=member.partner, actor=Actor.system("bench"), now=now)
    return quota


def _plan(names: Iterable[str], quota: Quota, member: Member, actor: Actor, policy: Policy) -> Job:
    upload = imports.read_pasted("".join(f"{name}\n" for name in names), columns=COLUMNS, max_rows=ROWS)
    typed = [Chosen(number=row.number, account_name=row.values["account_name"]) for row in upload.rows]
    quota.refresh_from_db()
    job = planning.plan_issue(
        quota=quota,
        choice=planning.of_names(typed, partner=member.partner),
        terms=terms_within(quota, face_minor=FACE),
        policy=policy,
        member=member,
        actor=actor,
        now=timezone.now(),
    )
    if (job.total, job.skipped) != (ROWS, 0):
        raise RuntimeError(f"{job.skipped} of {job.total} rows were left out")
    return job


def _work(job: Job) -> float:
    _, seconds = _timed(lambda: worker.work_due(now=timezone.now(), budget=LONGEST_WORK))
    job.refresh_from_db()
    if job.done != ROWS:
        raise RuntimeError(f"{job.done} of {ROWS} coupons were issued")
    return seconds


def _insert_the_least(job: Job) -> float:
    """Time the insertion of what the job wrote once more, and undo it: nothing in a log can be deleted."""
    coupons = list(Coupon.objects.filter(job=job))
    entries = list(LedgerEntry.objects.filter(coupon__job=job))
    records = list(OperationRecord.objects.filter(partner=job.partner, job_id=job.public_id))
    ids = [coupon.public_id for coupon in coupons]
    mails = [
        mail
        for start in range(0, ROWS, 500)
        for mail in MailOutbox.objects.filter(object_id__in=ids[start : start + 500])
    ]
    _make_new(coupons, entries, records, mails)
    with transaction.atomic():
        started = time.perf_counter()
        Coupon.objects.bulk_create(coupons)
        LedgerEntry.objects.bulk_create(entries)
        OperationRecord.objects.bulk_create(records)
        MailOutbox.objects.bulk_create(mails)
        seconds = time.perf_counter() - started
        transaction.set_rollback(True)
    return seconds


def _make_new(
    coupons: list[Coupon], entries: list[LedgerEntry], records: list[OperationRecord], mails: list[MailOutbox]
) -> None:
    """Give copies what is unique about them."""
    for coupon in coupons:
        coupon.pk, coupon.public_id, coupon.number = None, new_public_id(), new_number("C")
    for entry in entries:
        entry.pk, entry.operation_id = None, new_public_id()
    for record in records:
        record.pk, record.public_id, record.seq = None, new_public_id(), record.seq + 10 * ROWS
    for mail in mails:
        mail.pk, mail.public_id = None, new_public_id()
        mail.dedupe_key = mail.message_id = mail.public_id
