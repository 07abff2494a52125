"""
What people and machines type where customers are preregistered and facts are kept (reliability.md 9 A-D and H).

Refused: a message beside its field, 422, and no row of any table differs. Kept: stored in its one form, shown as text.
"""

import json
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from customers.models import Account, Preregistration
from partner_center.tenancy.models import Member, User
from tests.bad_input import (
    ACCOUNT_NAMES_REFUSED,
    BIDI,
    EMAILS_KEPT,
    EMAILS_REFUSED,
    MOBILES_KEPT,
    MOBILES_REFUSED,
    NAMES_KEPT,
    NAMES_REFUSED,
    picture,
)
from tests.customers.test_directory_pages import posted
from tests.imports.test_hostile import HOSTILE
from tests.people import make_account, signed_in

pytestmark = pytest.mark.django_db
LIST, NEW = reverse("customers:preregistrations"), reverse("customers:preregister")
ACCOUNTS, SEARCH, UPLOAD = (reverse(f"customers:{name}") for name in ("accounts", "account_search", "account_upload"))
WEI = {"customer_name": "Wei", "email": "wei@customer.example"}
TYPED = [
    *(("customer_name", payload) for payload in NAMES_REFUSED),
    *(("email", payload) for payload in EMAILS_REFUSED),
    *(("mobile", payload) for payload in MOBILES_REFUSED),
    *(("account_name", payload) for payload in ACCOUNT_NAMES_REFUSED),
]
KEPT = [
    *(("customer_name", *pair) for pair in NAMES_KEPT.items()),
    *(("email", *pair) for pair in EMAILS_KEPT.items()),
    *(("mobile", *pair) for pair in MOBILES_KEPT.items()),
]


def named(payload: object) -> str:
    return ascii(payload)[:40]


@pytest.fixture
def staff(platform_admin: User) -> Client:
    return signed_in(platform_admin)


@pytest.fixture
def account(db: None) -> Account:
    return make_account(overdue_minor=100)


def assert_refused(answer: HttpResponse, field: str) -> None:
    assert answer.status_code == 422
    faults = answer.context["form"].errors
    assert list(faults) == [field]
    page = answer.content.decode()
    assert escape(faults[field][0]) in page
    assert 'aria-invalid="true"' in page


# --- preregistering --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("field", "payload"), TYPED, ids=named)
def test_bad_customer_is_refused_beside_the_field(bob: Member, field: str, payload: str) -> None:
    client, before = signed_in(bob), picture()
    assert_refused(client.post(NEW, {**WEI, field: payload}), field)
    assert picture() == before


@pytest.mark.parametrize(("field", "payload", "stored"), KEPT, ids=named)
def test_odd_but_good_customer_is_stored_in_its_one_form_and_shown_as_text(
    bob: Member, field: str, payload: str, stored: str
) -> None:
    client = signed_in(bob)
    assert client.post(NEW, {**WEI, field: payload}).status_code == 302
    row = Preregistration.objects.get()
    assert getattr(row, field) == stored
    for address in (LIST, reverse("customers:withdraw", args=[row.public_id])):
        page = client.get(address).content.decode()
        assert "<svg onload" not in page
        assert not set(BIDI) & set(page)
        assert row.email not in page


@pytest.mark.parametrize("twin", ["WEI@Customer.Example", "wei@customer.example.", " wei@customer.example "])
def test_twin_of_an_address_is_the_same_customer(bob: Member, charlie: Member, twin: str) -> None:
    signed_in(charlie).post(NEW, WEI)
    client, before = signed_in(bob), picture()
    assert client.post(NEW, {**WEI, "email": twin}).status_code == 409
    assert picture() == before


def test_faults_are_told_in_chinese_too(bob: Member) -> None:
    bad = {"customer_name": "evil.test", "email": "nobody", "mobile": "12", "account_name": "x"}
    faults = signed_in(bob).post(NEW, bad, headers={"accept-language": "zh-hans"}).context["form"].errors
    assert set(faults) == set(bad)
    for each in faults.values():
        assert any("\u4e00" <= character <= "\u9fff" for character in each[0]), each


def test_fields_nobody_asked_for_change_nothing(bob: Member, charlie: Member) -> None:
    extra = {"partner": charlie.partner.pk, "owner": charlie.pk, "status": "converted", "valid_until": "2099-01-01"}
    assert signed_in(bob).post(NEW, {**WEI, **extra}).status_code == 302
    row = Preregistration.objects.get()
    assert (row.partner, row.owner, row.status) == (bob.partner, bob, "registered")
    assert (row.valid_until - row.created_at).days == 15


@pytest.mark.parametrize("public_id", ["0", "-1", "a\x00b", "..", "1" * 30, "A" * 22, "a" * 5000], ids=named)
def test_ids_that_are_none_are_not_found(bob: Member, staff: Client, public_id: str) -> None:
    member = signed_in(bob)
    before = picture()
    for client, name in ((member, "customers:withdraw"), (staff, "customers:account")):
        address = reverse(name, args=["A" * 22]).replace("A" * 22, quote(public_id, safe=""))
        assert client.get(address).status_code == 404
        assert client.post(address, {}).status_code == 404
    for query in ("before", "after", "sort", "size", "status", "kind"):
        assert member.get(LIST, {query: public_id}).status_code in {200, 422}
        assert staff.get(ACCOUNTS, {query: public_id}).status_code == 200
    assert picture() == before


# --- the directory ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wanted", ["", "   ", "\x00", "%", "_", "' OR 1=1--", "a" * 65, "*", "{{7*7}}", "\u202e"], ids=named
)
def test_search_of_nothing_finds_nothing(staff: Client, account: Account, wanted: str) -> None:
    before = picture()
    answer = staff.post(SEARCH, {"wanted": wanted})
    assert_refused(answer, "wanted")
    assert picture() == before


BAD_FACTS = [
    # A masked field that is left empty keeps what stands there.
    *(("customer_name", payload) for payload in NAMES_REFUSED if payload.strip()),
    *(("mobile", payload) for payload in MOBILES_REFUSED),
    *(
        ("overdue_minor", payload)
        for payload in [
            "", "-1", "\u22125", "1_000", "１２３", "\u0663", "1e3", "+5", "0x10", "1,000", "1.000,00", "¥100", "0.001",
            "NaN", "Infinity", "1e400", "9" * 5000, str(2**63), "\x00",
        ]
    ),
    *(("vouchers_count", payload) for payload in ["-1", "1.5", "1e3", "ten", "9" * 30, "9" * 5000, "\x00"]),
    *(("currency", payload) for payload in ["", "cny", "CNYY", "C\x00Y", "１２３"]),
    *(("country", payload) for payload in ["", "cn", "CHN", "=1"]),
    *(("registered_at", payload) for payload in ["", "0000-00-00", "2026-02-30T00:00:00", "soon", "\x00", "9" * 40]),
]  # fmt: skip


@pytest.mark.parametrize(("field", "payload"), BAD_FACTS, ids=named)
def test_bad_fact_is_refused_beside_the_field(staff: Client, account: Account, field: str, payload: str) -> None:
    form = posted(staff, account, credit_line_minor="7.00")
    before = picture()
    answer = staff.post(reverse("customers:account", args=[account.public_id]), {**form, field: payload})
    assert_refused(answer, field)
    assert picture() == before


@pytest.mark.parametrize("field", ["public_id", "account_number", "email", "user", "id", "updated_at", "account_name"])
def test_facts_that_are_none_of_the_form_cannot_be_written(staff: Client, account: Account, field: str) -> None:
    form = posted(staff, account, credit_line_minor="7.00")
    old = Account.objects.values(field).get(pk=account.pk)[field]
    staff.post(reverse("customers:account", args=[account.public_id]), {**form, field: "2001999999"})
    new = Account.objects.values("credit_line_minor", field).get(pk=account.pk)
    assert new["credit_line_minor"] == 700
    assert field == "updated_at" or new[field] == old


# --- files of facts --------------------------------------------------------------------------------------------------


def upload(staff: Client, content: bytes, name: str = "facts.csv") -> HttpResponse:
    return staff.post(UPLOAD, {"upload": SimpleUploadedFile(name, content)})


CHOSEN = ["one cell of 400 MB", "cell at XFD1048576", "billion laughs", "macros", "nested zip", "HTML", "EXE", "empty"]


@pytest.mark.parametrize("label", CHOSEN)
def test_hostile_workbook_is_refused_with_a_message(staff: Client, account: Account, label: str) -> None:
    before = picture()
    answer = upload(staff, HOSTILE[label][1](), "facts.xlsx")
    assert answer.status_code in {413, 422}
    assert list(answer.context["form"].errors) == ["upload"]
    assert escape(answer.context["form"].errors["upload"][0]) in answer.content.decode()
    assert picture() == before


def facts(**changes: str) -> bytes:
    row = {"account_number": "2001888888", "account_name": "new-one", "customer_name": "Wei", "email": "wei@c.example"}
    row |= changes
    lines = [row.keys(), (json.dumps(value, ensure_ascii=False) for value in row.values())]
    return "\n".join(",".join(line) for line in lines).encode()


IN_FILES = [
    *(("customer_name", payload) for payload in NAMES_REFUSED),
    *(("email", payload) for payload in EMAILS_REFUSED),
    *(("mobile", payload) for payload in MOBILES_REFUSED),
    ("overdue_minor", "1e3"), ("overdue_minor", "-1"), ("overdue_minor", "9" * 30), ("verified", "perhaps"),
    ("vouchers_count", "1.5"), ("registered_at", "soon"), ("country", "china"), ("account_number", ""),
    ("account_number", "1 OR 1=1"), ("partner", "1"), ("user", "1"),
]  # fmt: skip
ONE_CELL = [
    (field, payload)
    for field, payload in IN_FILES
    if not {"\x00", '"', "\n", "\r", "\t", "\u200b", "\u202e"} & set(payload) and len(payload) < 1000
]


@pytest.mark.parametrize(("field", "payload"), ONE_CELL, ids=named)
def test_faulty_row_of_a_file_stops_the_whole_file(staff: Client, account: Account, field: str, payload: str) -> None:
    before = picture()
    answer = upload(staff, facts(**{field: payload}))
    assert answer.status_code == 422
    assert answer.context["faults"] or answer.context["form"].errors
    assert "<main" in answer.content.decode()
    assert picture() == before


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00",
        b"account_number",
        b"account_number\n",
        b"a,b\n1,2\n",
        b"[" * 100_000,
        b'{"a": NaN}',
        b"\xff\xfe\x00",
    ],
    ids=named,
)
def test_file_that_makes_no_sense_is_refused(staff: Client, content: bytes) -> None:
    before = picture()
    for name in ("facts.csv", "facts.xlsx", "facts.json", "../../facts.csv", "facts"):
        answer = upload(staff, content, name)
        assert answer.status_code in {413, 422}
        assert answer.context["form"].errors or answer.context["faults"]
    assert picture() == before


def test_every_table_is_in_the_picture(bob: Member) -> None:
    """The tests above rest on this: a change of one letter in one row of one table is seen."""
    before = picture()
    tables: list[type[Model]] = [Account, Preregistration, Member, User]
    assert {model._meta.db_table for model in tables} <= before.keys()
    User.objects.filter(pk=bob.user_id).update(name="Bob.")
    after = picture()
    assert [table for table in before if before[table] != after[table]] == [User._meta.db_table]
