"""
A whitelist of a hundred thousand customers: uploaded as a workbook, compared with the version in force, activated.

The import is what a request does: read the file in the confined child, look every customer up, write the draft. Memory
is the most that this process held meanwhile, with all it held before, and the most of any child.
"""

import io
import re
import resource
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from django.utils import timezone
from openpyxl import Workbook

from bench.measuring import Figure
from customers.models import Account, Association
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner, User
from vouchers.actions import whitelists
from vouchers.forms.whitelists import read_list
from vouchers.models import WhitelistVersion

ROWS, SHARED = 100_000, 90_000
MADE_AT_ONCE = 1000
MOST_SECONDS, MOST_MEGABYTES = 10.0, 300.0
PROCESS = Path("/proc/self")
FORGET_PEAK = "5"
Made = TypeVar("Made")


class File(io.BytesIO):
    """An uploaded file."""

    name = "list.xlsx"


def run(_member: Member) -> list[Figure]:
    """Put one list in force, then measure the import of another one and its activation."""
    member = _member_with_customers()
    _activate(_import(member, _workbook(member, first=0)))
    file = _workbook(member, first=ROWS - SHARED)
    (PROCESS / "clear_refs").write_text(FORGET_PEAK)
    draft, to_import = _timed(lambda: _import(member, file))
    megabytes = max(_peak(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
    if (draft.entry_count, draft.added_count) != (ROWS, ROWS - SHARED):
        raise RuntimeError(f"{draft.entry_count} entries, {draft.added_count} added")
    _, to_activate = _timed(lambda: _activate(draft))
    peak = f"{megabytes:.0f} MB at most, goal {MOST_MEGABYTES:.0f}"
    return [
        Figure(f"import a whitelist of {ROWS:,}", to_import * 1000, to_import / MOST_SECONDS, 1.0, "of 10 s"),
        Figure("memory of that import", to_import * 1000, megabytes / MOST_MEGABYTES, 1.0, peak),
        Figure("activate it", to_activate * 1000, to_activate / to_import, None, "against the import"),
    ]


def _member_with_customers() -> Member:
    """Make a partner with more customers than a list names."""
    tag = secrets.token_hex(3)
    partner = Partner.objects.create(company_name=f"Whitelist {tag}", account_number=secrets.token_hex(8))
    user = User.objects.create_user(f"whitelist-{tag}@bench.example", name="Bench")
    for first in range(0, 2 * ROWS - SHARED, MADE_AT_ONCE):
        _make_customers(partner, tag, range(first, first + MADE_AT_ONCE))
    return Member.objects.create(partner=partner, user=user, roles=["admin"])


def _make_customers(partner: Partner, tag: str, numbers: range) -> None:
    accounts = Account.objects.bulk_create(
        Account(
            account_number=f"W{tag}{number:07}", account_name=f"listed_{tag}_{number}",
            customer_name=f"云上客户有限公司 {number}", email=f"{number}@{tag}.example",
        )
        for number in numbers
    )  # fmt: skip
    now = timezone.now()
    Association.objects.bulk_create(
        Association(partner=partner, account=account, model="reseller", created_at=now) for account in accounts
    )


def _workbook(member: Member, *, first: int) -> File:
    book, file = Workbook(write_only=True), File()
    sheet = book.create_sheet()
    sheet.append(["Account name", "Customer name"])
    accounts = Account.objects.filter(associations__partner=member.partner).order_by("pk")[first : first + ROWS]
    for names in accounts.values_list("account_name", "customer_name").iterator():
        sheet.append(names)
    book.save(file)
    return file


def _import(member: Member, file: File) -> WhitelistVersion:
    return whitelists.import_version(
        kind="customer",
        rows=read_list(file),
        file_name=file.name,
        member=member,
        actor=Actor.member(member),
        now=timezone.now(),
    )


def _activate(draft: WhitelistVersion) -> WhitelistVersion:
    return whitelists.activate(version=draft, actor=Actor.member(draft.imported_by), now=timezone.now())


def _timed(call: Callable[[], Made]) -> tuple[Made, float]:
    started = time.perf_counter()
    made = call()
    return made, time.perf_counter() - started


def _peak() -> float:
    """Return the most resident memory of this process since its peak was forgotten, in megabytes."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", (PROCESS / "status").read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError("this system does not tell the memory of a process")
    return int(found[1]) / 1024
