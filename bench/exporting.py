"""What the child process of bench/export.py does: one export, or the plain way of writing the same rows."""

import csv
import json
import tempfile
import time
from pathlib import Path

from django.utils import timezone

from invitations.exports import FIELDS
from invitations.models import Invitation
from partner_center.jobs import actions as jobs
from partner_center.jobs import worker
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member

# Not by status: invitations go on expiring while two ways of writing them are compared.
FILTER = "model=referral"
LONGEST_WORK = 600
ROWS_AT_ONCE = 2_000


def measure(what: str) -> None:
    """Print rows, seconds and megabytes of "raw", "csv" or "xlsx"."""
    member = Member.objects.select_related("partner", "user").get(user__email="admin0@bench.example")
    before = megabytes("VmRSS")
    started = time.perf_counter()
    rows = _write_plainly(member) if what == "raw" else _export(member, what)
    seconds = time.perf_counter() - started
    print(json.dumps({"rows": rows, "seconds": seconds, "megabytes": megabytes("VmHWM"), "before": before}))


def _export(member: Member, file_format: str) -> int:
    job = jobs.queue_file(
        kind="history_export",
        file_format=file_format,
        title="",
        member=member,
        partner=member.partner,
        parameters={"filter": FILTER},
        actor=Actor.member(member),
        now=timezone.now(),
    )
    worker.work_due(now=timezone.now(), budget=LONGEST_WORK)
    job.refresh_from_db()
    if job.state != "done":
        raise RuntimeError(f"the export is {job.state}: {job.error_code}")
    return job.done


def _write_plainly(member: Member) -> int:
    rows = Invitation.objects.visible_to(member).filter(model="referral").values_list(*FIELDS)
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "plain.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows.order_by("pk").iterator(ROWS_AT_ONCE))
    return rows.count()


def megabytes(name: str) -> float:
    """Read the memory of this program alone; getrusage would count the parent's at the fork."""
    return int(Path("/proc/self/status").read_text().partition(f"{name}:")[2].split()[0]) / 1024
