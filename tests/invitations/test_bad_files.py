"""Uploaded lists through the page (reliability.md 9 H): refused whole with a message, or row by row with a reason."""

import io

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from invitations.models import Invitation
from invitations.rules import RowReason
from partner_center.jobs.models import Job
from partner_center.tenancy.models import Member
from tests.bad_input import picture
from tests.imports.test_hostile import HOSTILE
from tests.people import signed_in

pytestmark = pytest.mark.django_db
HEADER = "Customer name,E-mail"
GOOD = f"{HEADER}\nWei,wei@customer.example\n"
CHOSEN = [
    "one cell of 400 MB", "size that lies", "65,535 entries", "overlapping entries", "nested zip", "macros",
    "encrypted workbook", "old workbook named xlsx", "cell at XFD1048576", "dimension that lies", "billion laughs",
    "external entity", "UTF-7 XML", "parent folder in a name", "truncated in the middle", "only the magic bytes",
    "HTML", "PDF", "EXE", "CSV named xlsx", "empty",
]  # fmt: skip


def send(client: Client, content: bytes, name: str = "list.csv", **headers: str) -> HttpResponse:
    upload = SimpleUploadedFile(name, content)
    # Names that Django would clean before it sends them are sent as they are.
    upload._name = name
    form = {"list-upload": upload, "list-model": "reseller", "list-language": "en"}
    return client.post(reverse("invitations:invite_list"), form, headers=headers)


def verdicts() -> list[tuple[str, str]]:
    return list(Job.objects.get().items.order_by("position").values_list("verdict", "reason"))


@pytest.mark.parametrize("label", CHOSEN)
def test_hostile_workbook_is_refused_with_a_message(bob: Member, label: str) -> None:
    code, build = HOSTILE[label]
    client, before = signed_in(bob), picture()
    answer = send(client, build(), "list.xlsx")
    assert answer.status_code in {413, 422}
    page = answer.content.decode()
    if label != "empty":
        refusal = answer.context["refusal"]
        assert refusal.code == code
        assert escape(str(refusal)) in page
        assert escape(refusal.advice) in page
    assert "field-error" in page or 'role="alert"' in page or "notice" in page
    assert picture() == before


REFUSED_WHOLE = {
    "header only": HEADER.encode(),
    "no rows": f"{HEADER}\n\n\n".encode(),
    "wrong headers": b"a,b,c\n1,2,3\n",
    "no header": b"Wei,wei@customer.example\n",
    "a column is missing": b"Customer name\nWei\n",
    "a column twice": b"Customer name,E-mail,E-mail\nWei,a@b.test,c@d.test\n",
    "NUL": GOOD.encode() + b"Li\x00,li@customer.example\n",
    "unclosed quote": f'{HEADER}\n"Wei,wei@customer.example\n'.encode() + b"x,y\n" * 10,
    "one line of 4 MB": f"{HEADER}\n".encode() + b"a" * 4_000_000,
    "6 MB": GOOD.encode() + b"Li,li@customer.example\n" * 260_000,
    "10,001 rows": (HEADER + "\n" + "".join(f"Li,li{n}@customer.example\n" for n in range(10_001))).encode(),
    "21 columns": (HEADER + ",x" * 19 + "\nWei,wei@customer.example" + ",1" * 19 + "\n").encode(),
    "no text at all": bytes(range(128, 256)) * 4,
}


@pytest.mark.parametrize("content", REFUSED_WHOLE.values(), ids=REFUSED_WHOLE.keys())
def test_list_that_cannot_be_taken_is_refused_whole(bob: Member, content: bytes) -> None:
    client, before = signed_in(bob), picture()
    answer = send(client, content)
    assert answer.status_code in {400, 413, 422}
    assert "<main" in answer.content.decode()
    assert picture() == before


READ = {
    "GBK": "客户名称,邮箱\n张伟,wei@customer.example\n".encode("gb18030"),
    "UTF-16": GOOD.encode("utf-16"),
    "BOM": GOOD.encode("utf-8-sig"),
    "semicolons": GOOD.replace(",", ";").encode(),
    "CR only": GOOD.replace("\n", "\r").encode(),
    "more columns": b"Customer name,remark,E-mail\nWei,hello,wei@customer.example\n",
}


@pytest.mark.parametrize("content", READ.values(), ids=READ.keys())
def test_list_in_another_dress_is_read(bob: Member, content: bytes) -> None:
    assert send(signed_in(bob), content).status_code == 302
    assert verdicts() == [("send", "")]
    assert Job.objects.get().items.get().payload["email"] == "wei@customer.example"


def workbook(rows: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    hidden = book.create_sheet("hidden")
    hidden.sheet_state = "hidden"
    hidden.append(["E-mail"])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def test_cells_that_are_no_text_are_told_and_never_run(bob: Member) -> None:
    header = ["Customer name", "E-mail", "Mobile number"]
    rows = [
        ["Wei", "wei@customer.example", 13912345678],
        ["Li", "li@customer.example", 1.38e10],
        ["=WEBSERVICE(\"http://127.0.0.1:9/x\")", "wang@customer.example", None],
        ["=1/0", "zhao@customer.example", None],
        ["Zhou", "=HYPERLINK(\"a@b.test\")", None],
    ]  # fmt: skip
    assert send(signed_in(bob), workbook([header, *rows]), "list.xlsx").status_code == 302
    told = verdicts()
    assert len(told) == len(rows)
    assert told[0][0] == "send" or told[0][1] == RowReason.BAD_ROW
    assert all(verdict == "refused" for verdict, _reason in told[2:])
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd.csv",
        "C:\\x\\list.csv",
        "CON.csv",
        "a" * 300 + ".csv",
        "l\u202eist.csv",
        "\"'><img src=x>.csv",
        "li\r\nst.csv",
        "=1+1.csv",
        "{{7*7}}.csv",
    ],
)
def test_name_of_a_file_is_kept_nowhere(bob: Member, name: str) -> None:
    client = signed_in(bob)
    answer = send(client, GOOD.encode(), name)
    if answer.status_code != 302:
        assert answer.status_code == 422
        assert not Job.objects.exists()
        return
    job = Job.objects.get()
    assert job.title == "Uploaded list of 1 row"
    for page in (client.get(answer["Location"]), client.get(reverse("jobs:list"))):
        assert "<img src=x>" not in page.content.decode()
        assert "\u202e" not in page.content.decode()
        assert page.status_code == 200


@pytest.mark.parametrize("name", ["list.xlsm", "list.xls", "list.html", "list", ".csv", "list.csv.exe", "list.CSV "])
def test_file_of_another_kind_is_refused(bob: Member, name: str) -> None:
    client, before = signed_in(bob), picture()
    answer = send(client, b"MZ\x90\x00", name)
    assert answer.status_code == 422
    assert picture() == before


def test_what_is_wrong_with_a_file_is_told_in_chinese(bob: Member) -> None:
    answer = send(signed_in(bob), b"MZ\x90\x00", "list.xlsx", **{"accept-language": "zh-hans"})
    refusal = str(answer.context["refusal"])
    assert any("\u4e00" <= character <= "\u9fff" for character in refusal), refusal
    assert refusal in answer.content.decode()
