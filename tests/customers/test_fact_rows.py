"""Facts from files: every fault named by row and field, all rows or none, the same file twice says nothing new."""

import json
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from customers import actions
from customers.forms.fact_rows import COLUMNS, READERS, read_json, read_rows
from customers.models import Account
from partner_center.audit.models import AuditEntry
from partner_center.tenancy.actors import Actor
from tests.people import make_account

pytestmark = pytest.mark.django_db

NEW = {
    "account_number": "2001900001",
    "account_name": "acme-cloud",
    "customer_name": "Acme 有限公司",
    "email": "it@acme.example",
}


def faults(*rows: dict[str, object]) -> list[tuple[int, str]]:
    return [(fault.row, fault.field) for fault in read_rows(enumerate(rows, start=1)).faults]


def command(file: Path) -> str:
    out = StringIO()
    call_command("import_account_facts", file, stdout=out, stderr=out)
    return out.getvalue()


def snapshot() -> list[dict[str, object]]:
    return list(Account.objects.order_by("pk").values())


def test_every_fact_that_checks_read_can_be_imported() -> None:
    facts = {column.name for column in Account._meta.concrete_fields} - {"id", "public_id", "user", "updated_at"}
    assert set(READERS) == facts == {column.name for column in COLUMNS}


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("account_number", "12345"), ("account_number", "2001-900001"), ("account_number", 2001900001),
        ("account_name", "x"), ("account_name", ""), ("customer_name", "www.evil.example"), ("email", "nobody"),
        ("email", None), ("mobile", "abc"), ("country", "cn"), ("country", "CHN"), ("currency", "yuan"),
        ("site", "China Mainland"), ("verified", "maybe"), ("verified", 2), ("is_partner", ""),
        ("balance_minor", "12.50"), ("balance_minor", 12.5), ("balance_minor", True), ("balance_minor", "１２"),
        ("overdue_minor", -1), ("credit_line_minor", 10**16), ("unfinished_orders", "-1"),
        ("unfinished_orders", 2**31), ("enterprise_role", "boss"), ("custody", "half"), ("registered_at", "18.11.2026"),
        ("registered_at", "2026-02-30"), ("registered_at", "2026-11-18T08:00:00"), ("master", "2001999999"),
        ("master", "2001900001"), ("updated_at", "2026-11-18"), ("user", "1"), ("id", 7), ("colour", "red"),
    ],
)  # fmt: skip
def test_each_bad_value_is_named(field: str, bad: object) -> None:
    assert (1, field) in faults({**NEW, field: bad})


@pytest.mark.parametrize(
    ("field", "given", "stored"),
    [
        ("balance_minor", "-250", -250), ("verified", "否", False), ("verified", "YES", True),
        ("is_partner", True, True),
        ("email", " IT@Acme.Example", "it@acme.example"), ("mobile", "0086 139 1234 5678", "+8613912345678"),
        ("registered_at", "2026-11-18", datetime(2026, 11, 18, tzinfo=UTC)),
        ("registered_at", "2026-11-18T08:00:00+08:00", datetime(2026, 11, 18, tzinfo=UTC)),
        ("enterprise_role", "master", "master"), ("mobile", None, ""), ("master", None, None),
    ],
)  # fmt: skip
def test_good_values_are_brought_into_their_one_form(field: str, given: object, stored: object) -> None:
    found = read_rows([(1, {**NEW, field: given})])
    assert found.faults == []
    assert found.rows[0][field] == stored


def test_rows_are_held_against_each_other_and_against_the_directory() -> None:
    make_account("taken@acme.example", account_number="2001800001", account_name="taken-name")
    other = {**NEW, "account_number": "2001900002"}
    assert faults(NEW, {**NEW, "email": "x@acme.example", "account_name": "other-name"}) == [(2, "account_number")]
    assert set(faults(NEW, other)) == {(2, "account_name"), (2, "email")}
    assert faults({**NEW, "email": "taken@acme.example"}) == [(1, "email")]
    assert faults({**NEW, "account_name": "taken-name"}) == [(1, "account_name")]
    assert faults({"account_number": "2001800001", "email": "taken@acme.example", "unfinished_orders": 1}) == []
    assert {field for _row, field in faults({"account_number": "2001900009"})} == {
        "account_name", "customer_name", "email",
    }  # fmt: skip


def test_a_file_is_imported_once_and_says_nothing_new_the_second_time(tmp_path: Path) -> None:
    file = tmp_path / "facts.csv"
    file.write_text(
        "account_number,account_name,customer_name,email,overdue_minor,master\n"
        "2001900002,acme-lab,Acme Lab,lab@acme.example,500,2001900001\n"
        "2001900001,acme-cloud,Acme 有限公司,it@acme.example,,\n"
    )
    assert command(file) == "2 created, 0 updated, 0 unchanged\n"
    member = Account.objects.get(account_number="2001900002")
    assert (member.overdue_minor, member.master.account_number) == (500, "2001900001")
    before, entries = snapshot(), AuditEntry.objects.count()
    assert command(file) == "0 created, 0 updated, 2 unchanged\n"
    assert (snapshot(), AuditEntry.objects.count()) == (before, entries)


def test_known_accounts_are_updated_field_by_field_and_the_log_names_fields_only(tmp_path: Path) -> None:
    account = make_account("it@acme.example", account_number="2001900001", overdue_minor=500, unfinished_orders=2)
    file = tmp_path / "facts.json"
    file.write_text(json.dumps([{"account_number": "2001900001", "overdue_minor": 0, "mobile": "+8613912345678"}]))
    assert command(file) == "0 created, 1 updated, 0 unchanged\n"
    account.refresh_from_db()
    assert (account.overdue_minor, account.unfinished_orders, account.mobile) == (0, 2, "+8613912345678")
    entry = AuditEntry.objects.get(deed="account_facts_imported")
    assert (entry.object_id, entry.details) == (account.public_id, '{"fields":["mobile","overdue_minor"]}')


def test_a_master_can_be_taken_away(tmp_path: Path) -> None:
    master = make_account(account_number="2001900001")
    member = make_account(account_number="2001900002", master=master)
    file = tmp_path / "facts.json"
    file.write_text('[{"account_number": "2001900002", "master": null}]')
    command(file)
    member.refresh_from_db()
    assert member.master is None


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("f.csv", "account_number,verified\n2001900001,yes\n2001900002,perhaps\n", "row 3, verified: "),
        ("f.csv", "account_number,colour\n2001900001,red\n", "row 1, colour: "),
        ("f.csv", "account_name\nacme-cloud\n", "account_number"),
        ("f.csv", "account_number\n2.0019E+09\n", "row 2: "),
        ("f.json", '[{"account_number": "2001900001", "overdue_minor": "1.5"}]', "row 1, overdue_minor: "),
        ("f.json", '{"account_number": "2001900001"}', "list of objects"),
        ("f.json", "[1]", "list of objects"),
        ("f.json", "[", "cannot be read"),
        ("f.txt", "account_number\n", ""),
    ],
)
def test_a_faulty_file_changes_nothing_and_ends_with_one(tmp_path: Path, name: str, content: str, told: str) -> None:
    make_account(account_number="2001900001", overdue_minor=7)
    before = snapshot()
    file = tmp_path / name
    file.write_text(content)
    out = StringIO()
    with pytest.raises(CommandError) as stopped:
        call_command("import_account_facts", file, stdout=out, stderr=out)
    assert told in out.getvalue() + str(stopped.value)
    assert stopped.value.returncode == 1
    assert snapshot() == before
    assert not AuditEntry.objects.exists()


def test_a_missing_file_and_foreign_bytes_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        command(tmp_path / "nothing.csv")
    file = tmp_path / "latin.json"
    file.write_bytes(b'[{"account_number": "\xff"}]')
    with pytest.raises(CommandError, match="UTF-8"):
        command(file)


def test_rows_that_clash_after_the_check_are_refused_whole() -> None:
    make_account("taken@acme.example")
    rows = [{**NEW}, {**NEW, "account_number": "2001900002", "account_name": "acme-lab", "email": "taken@acme.example"}]
    with pytest.raises(actions.AccountsClash):
        actions.import_account_facts(rows=rows, actor=Actor.system("test"), now=timezone.now())
    assert Account.objects.count() == 1
    assert not AuditEntry.objects.exists()


def test_json_faults_count_objects_from_one() -> None:
    found = read_json('[{"account_number": "2001900001", "verified": "perhaps"}]')
    assert str(next(fault for fault in found.faults if fault.field == "verified")).startswith("row 1, verified: ")
