"""Files of the operation log: anonymised, complete, and provable by the program that needs no server."""

import csv
import io
import json
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from openpyxl import load_workbook

from partner_center.audit.models import AuditEntry, Deed
from partner_center.jobs import worker
from partner_center.jobs.models import Job
from partner_center.tenancy.models import Member, Partner
from tests.conftest import ROOT
from tests.people import actor_of, signed_in
from tests.vouchers.making import HUNDRED, make_coupon, make_customer, make_quota
from vouchers.actions.booking import Operation, book
from vouchers.models import OperationHead, OperationRecord
from vouchers.rules import OperationType, Reason

pytestmark = pytest.mark.django_db

VERIFIER = ROOT / "static" / "verify_operation_log.py"
REMARK = '=cmd|" /C calc"!A1'


@pytest.fixture(autouse=True)
def records(partner: Partner, other_partner: Partner, fiona: Member, charlie: Member) -> None:
    """Ten records here, two with the neighbour."""
    quota = make_quota(partner)
    customer = make_customer(fiona, customer_name="Quillfeather", account_name="quillfeather_nest")
    for _number in range(8):
        make_coupon(quota, customer, 12_50)
    failure = Operation(
        operation=OperationType.ISSUE,
        quota=quota,
        amount_minor=HUNDRED,
        account=customer.account,
        reason=Reason.NOT_ENOUGH_BALANCE,
        remark=REMARK,
    )
    with transaction.atomic():
        book([failure], partner=partner, actor=actor_of(fiona), now=timezone.now())
    make_coupon(make_quota(other_partner), make_customer(charlie))


def export(person: Any, file_format: str = "csv", **data: str) -> Job:
    name = "vouchers:operations_export" if isinstance(person, Member) else "vouchers:platform_operations_export"
    response = signed_in(person).post(reverse(name), {"format": file_format, **data})
    assert response.status_code == 302
    worker.work_due(now=timezone.now(), budget=60)
    return Job.objects.latest("pk")


def downloaded(person: Any, job: Job, folder: Path) -> tuple[Path, Path]:
    client = signed_in(person)
    file = client.get(reverse("jobs:download", args=[job.public_id]))
    manifest = client.get(reverse("jobs:manifest", args=[job.public_id]))
    path, beside = folder / job.file_name, folder / "manifest.json"
    path.write_bytes(b"".join(file.streaming_content))
    beside.write_bytes(manifest.content)
    return path, beside


def verified(path: Path, manifest: Path) -> tuple[int, str]:
    """Run the program as people do: alone, in a folder that has nothing of ours."""
    answer = subprocess.run(
        [sys.executable, "-I", "-S", str(VERIFIER), str(path), str(manifest)],
        cwd=path.parent, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return answer.returncode, answer.stdout + answer.stderr


def rows_of(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text("utf-8-sig"))))


# --- what is in them -------------------------------------------------------------------------------------------------


def test_a_file_is_complete_anonymised_and_formula_safe(fiona: Member, tmp_path: Path) -> None:
    job = export(fiona)
    path, beside = downloaded(fiona, job, tmp_path)
    manifest, (head, *rows) = json.loads(beside.read_text()), rows_of(path)
    at = {name: position for position, name in enumerate(manifest["columns"])}
    assert len(head) == len(at)
    assert len(rows) == job.done == manifest["rows"] == OperationRecord.objects.of(fiona.partner).count() == 10
    text = path.read_text("utf-8-sig")
    assert "Quillfeather" not in text
    assert "quillfeather_nest" not in text
    assert [row[at["amount"]] for row in rows[1:3]] == ["12.50", "12.50"]
    assert rows[-1][at["remark"]] == "'" + REMARK
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)


def test_the_manifest_says_by_which_filter_for_whom_and_which_part_of_the_chain(fiona: Member, tmp_path: Path) -> None:
    job = export(fiona, scope="filter", filter="operation=issue&result=success")
    manifest = json.loads(downloaded(fiona, job, tmp_path)[1].read_text())
    chain = OperationRecord.objects.of(fiona.partner)
    assert manifest["filters"] == ["Operation type: Issue", "Result: Success"]
    assert not manifest["is_whole"]
    assert manifest["by"] == {"id": fiona.public_id, "name": "Fiona"}
    assert manifest["sha256"] == job.file_sha256
    assert manifest["chains"] == [
        {
            "chain": fiona.partner.public_id,
            "rows": 8,
            "first": {"seq": 2, "hash": chain.get(seq=2).hash},
            "last": {"seq": 9, "hash": chain.get(seq=9).hash},
        }
    ]


def test_remarks_and_hashed_texts_stay_with_their_partner(platform_admin: Any, tmp_path: Path) -> None:
    path, beside = downloaded(platform_admin, export(platform_admin), tmp_path)
    manifest = json.loads(beside.read_text())
    assert "calc" not in path.read_text("utf-8-sig")
    assert not {"remark", "text"} & set(manifest["columns"])
    assert manifest["rows"] == OperationRecord.objects.count() == 12
    assert {chain["chain"] for chain in manifest["chains"]} == set(Partner.objects.values_list("public_id", flat=True))


def test_a_workbook_holds_the_same(fiona: Member, tmp_path: Path) -> None:
    path, _beside = downloaded(fiona, export(fiona, "xlsx"), tmp_path)
    sheet = load_workbook(path, read_only=True).worksheets[0]
    rows = list(sheet.iter_rows())
    assert len(rows) == 11
    assert {cell.data_type for row in rows for cell in row} <= {"s", "n", "inlineStr"}
    assert rows[2][6].value == 12.5


# --- who may ---------------------------------------------------------------------------------------------------------


def test_who_takes_a_file_is_logged(fiona: Member, platform_admin: Any) -> None:
    export(fiona, scope="filter", filter="operation=issue")
    export(platform_admin)
    entries = AuditEntry.objects.filter(deed=Deed.LOG_EXPORTED).order_by("pk")
    assert [(entry.partner, entry.actor_id) for entry in entries] == [
        (fiona.partner, fiona.public_id), (None, platform_admin.public_id),
    ]  # fmt: skip
    assert json.loads(entries[0].details) == {"log": "operations", "filters": ["operation"], "format": "csv"}


def test_files_are_seen_by_those_who_asked_for_them(
    fiona: Member, dora: Member, alice: Member, charlie: Member, platform_admin: Any
) -> None:
    own, of_all = export(fiona), export(platform_admin)
    for name in ("jobs:download", "jobs:manifest", "jobs:detail"):
        seen = {
            (job.pk, person): signed_in(person).get(reverse(name, args=[job.public_id])).status_code
            for job in (own, of_all)
            for person in (fiona, dora, alice, charlie, platform_admin)
        }
        assert {key for key, status in seen.items() if status == 200} == {
            (own.pk, fiona), (own.pk, alice), (of_all.pk, platform_admin),
        }, name  # fmt: skip
        assert set(seen.values()) == {200, 404}


def test_staff_who_are_no_staff_any_more_get_no_file(platform_admin: Any) -> None:
    response = signed_in(platform_admin).post(reverse("vouchers:platform_operations_export"), {"format": "csv"})
    assert response.status_code == 302
    type(platform_admin).objects.filter(pk=platform_admin.pk).update(is_active=False)
    worker.work_due(now=timezone.now(), budget=60)
    job = Job.objects.latest("pk")
    assert (job.state, job.error_code, job.file_path) == ("failed", "permission_lost", "")


@pytest.mark.parametrize("data", [{"format": "exe"}, {}, {"format": "csv", "scope": "filter", "filter": "f=AAAA"}])
def test_a_bad_wish_makes_no_file(fiona: Member, data: dict[str, str]) -> None:
    assert signed_in(fiona).post(reverse("vouchers:operations_export"), data).status_code == 403
    assert not Job.objects.exists()


# --- the program that needs no server ------------------------------------------------------------------------------


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
@pytest.mark.parametrize("scope", ["all", "filter"])
def test_an_honest_file_is_proved(
    fiona: Member, platform_admin: Any, tmp_path: Path, file_format: str, scope: str
) -> None:
    for person, chain in ((fiona, fiona.partner.public_id), (platform_admin, "compared, not computed")):
        job = export(person, file_format, scope=scope, filter="result=success")
        code, said = verified(*downloaded(person, job, tmp_path))
        assert code == 0, said
        assert chain in said
    head = OperationHead.objects.get(partner=fiona.partner)
    job = export(fiona, file_format)
    assert head.hash in verified(*downloaded(fiona, job, tmp_path))[1]


def test_any_changed_byte_is_found_and_its_row_named(fiona: Member, tmp_path: Path) -> None:
    path, beside = downloaded(fiona, export(fiona), tmp_path)
    honest, dice = path.read_bytes(), random.Random(2026)
    head = honest.index(b"\r\n")
    for place in sorted(dice.sample(range(head + 2, len(honest)), 40)):
        changed = bytes([honest[place] ^ 1])
        path.write_bytes(honest[:place] + changed + honest[place + 1 :])
        code, said = verified(path, beside)
        row = honest[:place].count(b"\r\n") + 1
        assert code == 1, (place, said)
        # Half of a line break gone makes one row of two.
        assert f"row {row}:" in said or honest[place : place + 1] in b"\r\n", (place, said)
    assert "headings" in _with(path, beside, honest.replace(b",Hash,", b",", 1))


def _with(path: Path, manifest: Path, content: bytes) -> str:
    path.write_bytes(content)
    code, said = verified(path, manifest)
    assert code == 1, said
    return said


def test_what_a_forger_would_try_is_found(fiona: Member, tmp_path: Path) -> None:
    path, beside = downloaded(fiona, export(fiona), tmp_path)
    head, *rows = path.read_bytes().split(b"\r\n")[:-1]

    def told(*lines: bytes) -> str:
        return _with(path, beside, b"\r\n".join([head, *lines, b""]))

    assert "record 4 is missing" in told(*rows[:3], *rows[4:])
    assert "the manifest says 10" in told(*rows[:-2])
    assert "stands behind" in told(*rows[:2], rows[3], rows[2], *rows[4:])
    assert "stands behind" in told(*rows[:4], rows[3], *rows[4:])
    assert "stands only in the manifest" in told()


def test_a_forged_row_with_a_digest_of_its_own_contradicts_its_hash(fiona: Member, tmp_path: Path) -> None:
    from vouchers.exports.operations import digest_of

    path, beside = downloaded(fiona, export(fiona), tmp_path)
    manifest, table = json.loads(beside.read_text()), rows_of(path)
    table[3][manifest["columns"].index("quota_number")] = "Q2222-2222-2222"
    table[3][-1] = digest_of(table[3][:-1])
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(table)
    said = _with(path, beside, "\ufeff".encode() + stream.getvalue().encode())
    assert "row 4: record 3 shows quota_number" in said


@pytest.mark.parametrize("manifest", ["", "{}", "[]", '{"format": "other"}', "nonsense"])
def test_what_is_no_manifest_is_told(fiona: Member, tmp_path: Path, manifest: str) -> None:
    path, beside = downloaded(fiona, export(fiona), tmp_path)
    beside.write_text(manifest)
    code, said = verified(path, beside)
    assert (code, "CANNOT READ" in said, "Traceback" in said) == (2, True, False)


def test_a_broken_workbook_is_told_without_a_traceback(fiona: Member, tmp_path: Path) -> None:
    path, beside = downloaded(fiona, export(fiona, "xlsx"), tmp_path)
    honest = path.read_bytes()
    for place in range(200, len(honest), 997):
        path.write_bytes(honest[:place] + bytes([honest[place] ^ 1]) + honest[place + 1 :])
        code, said = verified(path, beside)
        assert code == 1, said
        assert "SHA-256 differs" in said
        assert "Traceback" not in said
