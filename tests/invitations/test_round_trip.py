"""Faulty rows go round: uploaded, downloaded with their reasons, mended, uploaded again, and everything goes."""

import csv
import io
from collections.abc import Callable

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from invitations.models import Invitation
from partner_center.jobs import worker
from partner_center.jobs.models import Job
from partner_center.mail.models import MailOutbox
from tests.people import signed_in

pytestmark = pytest.mark.django_db
Table = list[list[str]]

HEADINGS = ["Customer name", "E-mail", "Account name", "Mobile number", "Custom tag"]
LIST = [
    HEADINGS,
    ["Wei", "wei@customer.example", "wei_account", "+8613800138000", "spring"],
    ["Li Na", "li.na-customer.example", "", "", "spring"],
    ["", "zhao@customer.example", "", "", ""],
    ["王芳", "fang@customer.example", "fang", "", "=1+1"],
    ["Chen", "chen@customer.example", "chen_account", "12", "'quoted"],
    ["Sun", "wei@customer.example", "", "", ""],
]
NAME, EMAIL, ACCOUNT, MOBILE = range(4)
MENDED = {
    "li.na-customer.example": (EMAIL, "li.na@customer.example"),
    "zhao@customer.example": (NAME, "Zhao"),
    "fang@customer.example": (ACCOUNT, "fang_account"),
    "chen@customer.example": (MOBILE, "+8613800138001"),
}


def write_csv(table: Table) -> SimpleUploadedFile:
    text = io.StringIO()
    csv.writer(text).writerows(table)
    return SimpleUploadedFile("list.csv", text.getvalue().encode("utf-8-sig"), "text/csv")


def read_csv(data: bytes) -> Table:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def write_xlsx(table: Table) -> SimpleUploadedFile:
    book, stream = openpyxl.Workbook(), io.BytesIO()
    for row in table:
        book.active.append(row)
        for cell in book.active[book.active.max_row]:
            cell.data_type = "s"
    book.save(stream)
    return SimpleUploadedFile("list.xlsx", stream.getvalue())


def read_xlsx(data: bytes) -> Table:
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    return [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]


def mend(table: Table) -> Table:
    """Do what a person does in a spreadsheet: correct the cells that the reasons name, and leave all others alone."""
    for row in table[1:]:
        place, value = MENDED[row[EMAIL]]
        row[place] = value
    return table


@pytest.mark.parametrize(("language", "other"), [("en", "zh-hans"), ("zh-hans", "en")])
@pytest.mark.parametrize(
    ("file_format", "write", "read"), [("csv", write_csv, read_csv), ("xlsx", write_xlsx, read_xlsx)]
)
def test_faulty_rows_are_mended_and_everything_goes(
    bob,
    file_format: str,
    write: Callable[[Table], SimpleUploadedFile],
    read: Callable[[bytes], Table],
    language: str,
    other: str,
) -> None:
    client = signed_in(bob)
    client.post(reverse("console:language"), {"language": language, "next": "/"})
    first = upload_and_apply(client, write(LIST))
    assert (first.total, invited()) == (6, {"wei@customer.example"})
    faulty = client.get(reverse("jobs:faulty_rows", args=[first.public_id]), {"format": file_format})
    table = read(b"".join(faulty) if faulty.streaming else faulty.content)
    assert len(table) == 5, "a heading and four rows; the address that stands twice needs no mending"
    assert all(row[-1] for row in table), "each row says why"
    assert (table[0][NAME] == HEADINGS[NAME]) == (language == "en")

    # A colleague may mend it whose pages speak the other language: the headings of both are known.
    client.post(reverse("console:language"), {"language": other, "next": "/"})
    second = upload_and_apply(client, write(mend(table)))
    assert second.total == 4
    assert invited() == {f"{name}@customer.example" for name in ("wei", "li.na", "zhao", "fang", "chen")}
    assert MailOutbox.objects.filter(kind="invitation").count() == 5
    assert not Invitation.objects.filter(email="chen@customer.example").exclude(mobile="+8613800138001").exists()
    tags = dict(Invitation.objects.values_list("email", "custom_tag"))
    assert (tags["fang@customer.example"], tags["chen@customer.example"]) == ("=1+1", "'quoted")


def upload_and_apply(client, upload: SimpleUploadedFile) -> Job:
    given = {"list-model": "reseller", "list-language": "en", "list-upload": upload}
    answer = client.post(reverse("invitations:invite_list"), given)
    assert answer.status_code == 302, answer.content.decode()[:3000]
    job = Job.objects.latest("pk")
    client.post(reverse("jobs:apply", args=[job.public_id]), {"digest": job.digest})
    worker.work_due(now=timezone.now(), budget=60)
    job.refresh_from_db()
    return job


def invited() -> set[str]:
    return set(Invitation.objects.values_list("email", flat=True))


def test_name_of_a_file_that_names_a_person_stands_in_no_job(bob):
    upload = write_csv(LIST)
    upload.name = "Kestrelman-private.csv"
    job = upload_and_apply(signed_in(bob), upload)
    assert job.title == "Uploaded list of 6 rows"
    assert "Kestrelman" not in str(list(Job.objects.values()))
