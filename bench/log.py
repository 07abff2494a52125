"""
The operation log with a million records: its pages against an empty page, and the proof of its chain.

The records are chained as the product chains them; only the inserts go in larger pieces. The proof runs in a process
of its own, so that its memory is that of `verify_log`.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.utils import timezone

from bench.measuring import Browser, Figure, medians
from customers.models import Account
from invitations.models import Invitation
from partner_center.audit import actions as audit
from tests.processes import environment_of_child
from vouchers.models import OperationRecord

if TYPE_CHECKING:
    from partner_center.tenancy.models import Member

CHAINED_AT_ONCE = 20_000
CUSTOMERS = 500
MOST_TIMES_BLANK, MOST_TIMES_FIRST = 4.0, 1.2
MOST_SECONDS, MOST_MEGABYTES, COMPARED_WITH = 60, 300, 1_000_000
CHILD = "from bench.setting_up import set_up; set_up(); import bench.proving as p; p.prove()"
TYPES = ("issue", "issue", "issue", "recall", "consume", "consume", "expire")


def run(member: "Member") -> list[Figure]:
    """Measure the pages of the log and the proof of its chain."""
    _fill(member, Invitation.objects.count())
    browser = Browser(member)
    pages = _pages(browser)
    times = medians({name: lambda address=address: browser.get(address) for name, address in pages.items()}, rounds=100)
    blank = times.pop("empty page, signed in")
    figures = [Figure(name, each, each / blank, MOST_TIMES_BLANK, "of the empty page") for name, each in times.items()]
    first, last = times["log, first page"], times["log, last page"]
    ends = Figure("log, last page of first page", last, last / first, MOST_TIMES_FIRST, "of the first page")
    return [Figure("empty page, signed in", blank, 1.0), *figures, ends, *_proof()]


def _pages(browser: Browser) -> dict[str, str]:
    rows = OperationRecord.objects.of(browser.member.partner).order_by("pk")
    middle = rows[rows.count() // 2].public_id
    customer = Account.objects.filter(account_number__startswith="L").first()
    return {
        "empty page, signed in": "/blank/",
        "log, first page": "/operations/",
        "log, middle page": f"/operations/?after={middle}",
        "log, last page": "/operations/?last=1",
        "log, one kind": "/operations/?kind=cash_coupon",
        "log, failures": "/operations/?result=failure",
        "log, one type, last page": "/operations/?operation=expire&last=1",
        "log, one quota": "/operations/?quota=Q0000-0000-0007",
        "log, one operator": f"/operations/?operator={browser.member.public_id}",
        "log, one coupon": f"/operations/?coupon={customer.public_id if customer else ''}",
    }


def _fill(member: "Member", count: int) -> None:
    """Write and chain the records, unless an earlier run has left them."""
    missing = count - OperationRecord.objects.of(member.partner).count()
    if missing <= 0:
        return
    started, customers = time.perf_counter(), _customers()
    records = _records(member, customers, missing)
    for _piece in range(0, missing, CHAINED_AT_ONCE):
        with transaction.atomic():
            audit.append(list(islice(records, CHAINED_AT_ONCE)), partner=member.partner)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    print(f"{missing:,} operation records, chained in {time.perf_counter() - started:.0f} s\n")


def _customers() -> list[str]:
    accounts = [
        Account(account_number=f"L{number:019}", account_name=f"log_{number}", customer_name=f"Customer {number}",
                email=f"log{number}@bench.example")
        for number in range(CUSTOMERS)
    ]  # fmt: skip
    Account.objects.bulk_create(accounts, ignore_conflicts=True)
    return list(Account.objects.filter(account_number__startswith="L").values_list("public_id", flat=True))


def _records(member: "Member", customers: list[str], count: int) -> Iterator[OperationRecord]:
    begin = timezone.now() - timedelta(days=400)
    for number in range(count):
        yield _record(member, customers[number * 7919 % len(customers)], number, begin)


def _record(member: "Member", customer: str, number: int, begin: datetime) -> OperationRecord:
    is_failure = number % 50 == 0
    return OperationRecord(
        occurred_at=begin + timedelta(seconds=number * 30),
        operation=TYPES[number % len(TYPES)],
        kind="cash_coupon" if number % 4 == 0 else "voucher",
        result="failure" if is_failure else "success",
        reason="not_enough_balance" if is_failure else "",
        amount_minor=100_00 + number % 977,
        currency="CNY",
        quota_number=f"Q0000-0000-{number % 200:04}",
        coupon_id="" if is_failure else customer,
        account_id=customer,
        actor_kind="member",
        actor_id=member.public_id if number % 3 else "another-member-of-them",
        actor_name=member.user.name,
        ip="192.0.2.7",
        request_id=f"{number:032x}",
    )


def _proof() -> list[Figure]:
    command = [sys.executable, "-c", CHILD]
    ended = subprocess.run(command, env=environment_of_child(), stdout=subprocess.PIPE, check=True, text=True)
    done = json.loads(ended.stdout.splitlines()[-1])
    seconds = done["seconds"] / done["entries"] * COMPARED_WITH
    told = f"{done['entries']:,} entries in {done['seconds']:.1f} s; {done['megabytes']:.0f} MB at most"
    return [
        Figure("verify_log, a million entries", seconds * 1000, seconds / MOST_SECONDS, 1.0, told),
        Figure("memory of verify_log", 0, done["megabytes"] / MOST_MEGABYTES, 1.0, f"of {MOST_MEGABYTES} MB"),
    ]
