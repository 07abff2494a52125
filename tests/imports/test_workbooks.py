"""Honest workbooks, as people make them: what is read, what is told, and what is given back."""

import datetime
import io
from zipfile import ZipFile

import openpyxl
import pytest
from django.utils import translation

from partner_center.exports import plain_columns, write_csv, write_xlsx
from partner_center.imports import RowFault, Upload, UploadRefusal, faulty_table
from tests.exports.payloads import PAYLOADS
from tests.imports.conftest import COLUMNS
from tests.imports.hostile import GOOD_ROWS, cell, pack, parts, sheet

HEADERS = ["Name", "E-mail", "Mobile number"]


def book(*rows, headers=HEADERS, change=lambda workbook: None) -> bytes:
    workbook, stream = openpyxl.Workbook(), io.BytesIO()
    for row in [headers, *rows] if headers else rows:
        workbook.active.append(list(row))
    change(workbook)
    workbook.save(stream)
    return stream.getvalue()


def values(upload: Upload) -> list[list[str]]:
    return [list(row.values.values()) for row in upload.rows]


def refusal(read, content: bytes) -> UploadRefusal:
    with pytest.raises(UploadRefusal) as refused:
        read(content)
    return refused.value


def test_rows_are_read_with_their_numbers(read) -> None:
    upload = read(book(["Ann", "ann@b.test", "+86 139"], [None, None, None], ["张三", "z@b.test", None]))
    assert [(row.number, dict(row.values)) for row in upload.rows] == [
        (2, {"name": "Ann", "email": "ann@b.test", "mobile": "+86 139"}),
        (4, {"name": "张三", "email": "z@b.test", "mobile": ""}),
    ]
    assert (upload.faults, upload.ignored, upload.sheet) == ([], (), "Sheet")


@pytest.mark.parametrize(
    "headers",
    [["姓名", "邮箱", "手机号"], ["CUSTOMER  NAME *", "e mail", "Ｍobile"], ["name", "EMAIL", "mobile_number"]],
)
def test_headers_are_known_in_both_languages_and_any_case(read, headers) -> None:
    assert values(read(book(["Ann", "a@b.test", "+86"], headers=headers))) == [["Ann", "a@b.test", "+86"]]


def test_columns_may_stand_in_any_order_and_unknown_ones_are_told(read) -> None:
    upload = read(book(["x", "a@b.test", None, "Ann"], headers=["Remark", "E-mail", None, "Name"]))
    assert values(upload) == [["Ann", "a@b.test", ""]]
    assert upload.ignored == ("Remark",)


def test_a_missing_column_is_named_with_what_is_expected(read) -> None:
    refused = refusal(read, book(["a@b.test"], headers=["E-mail"]))
    assert refused.code == "columns_missing"
    assert str(refused) == "These columns are missing: Name."
    assert "Name, E-mail, Mobile number" in refused.advice


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (book(["x"], headers=["Wrong"]), "columns_missing"),
        (book(["a", "b"], headers=["Name", "姓名"]), "column_repeated"),
        (book(), "rows_missing"),
        (book(headers=None), "rows_missing"),
        (book(["  ", "\u3000", "\u200b"]), "rows_missing"),
        (book(["a"], change=lambda made: made.active.merge_cells("A1:B1")), "header_merged"),
        (
            pack(parts(workbook=str(parts()["xl/workbook.xml"]).replace("sheetId", 'state="hidden" sheetId'))),
            "sheet_missing",
        ),
    ],
)
def test_lists_that_are_none_are_refused(read, content, code) -> None:
    assert refusal(read, content).code == code


def test_the_first_visible_sheet_is_read(read) -> None:
    def change(workbook) -> None:
        workbook.active.sheet_state = "hidden"
        for title, name in (("Seen", "Ann"), ("Later", "Bob")):
            added = workbook.create_sheet(title)
            added.append(["Name"])
            added.append([name])

    upload = read(book(["Hidden"], change=change))
    assert (upload.sheet, values(upload)) == ("Seen", [["Ann", "", ""]])


def test_other_sheets_may_be_as_wide_as_they_like(read) -> None:
    def change(workbook) -> None:
        workbook.create_sheet("Pivot")["XFD1048576"] = "x"

    assert values(read(book(["Ann"], change=change))) == [["Ann", "", ""]]


def test_merged_cells_below_the_header_do_not_hinder(read) -> None:
    assert len(read(book(["Ann"], ["Bob"], change=lambda made: made.active.merge_cells("B2:C3"))).rows) == 2


def test_phone_numbers_stored_as_numbers_are_told(read) -> None:
    upload = read(
        book(["Ann", None, 13800138000], ["Bob", None, 1.38e10], ["Cy", None, "1.38E+10"], ["Di", None, "13800138000"])
    )
    assert [row.values["name"] for row in upload.rows] == ["Di"]
    assert [fault.number for fault in upload.faults] == [2, 3, 4]
    assert all("stored as a number" in str(fault.reason) for fault in upload.faults)
    assert upload.faults[0].values["mobile"] == "13800138000"


def test_numbers_and_dates_in_text_columns_become_text(read) -> None:
    # A workbook knows no zones.
    moments = [datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2, 3, 4), datetime.time(5, 6)]  # noqa: DTZ001
    upload = read(book([12], [1.5], [True], *[[moment] for moment in moments]))
    names = [row.values["name"] for row in upload.rows]
    assert names == ["12", "1.5", "TRUE", "2026-01-02", "2026-01-02T03:04:00", "05:06:00"]


def test_formulas_are_not_run_and_stored_results_are_read(read) -> None:
    rows = (
        f'<row r="1">{cell("A1", "Name")}{cell("B1", "E-mail")}</row>'
        '<row r="2"><c r="A2" t="str"><f>WEBSERVICE("http://127.0.0.1:9")</f><v>stored</v></c></row>'
        '<row r="3"><c r="A3" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
        f'<row r="4"><c r="A4"><f>A2</f></c>{cell("B4", "x@b.test")}</row>'
    )
    upload = read(pack(parts(sheet(rows))))
    assert [row.values["name"] for row in upload.rows] == ["stored"]
    assert [(fault.number, str(fault.reason)) for fault in upload.faults] == [
        (3, "The formula in “Name” has no result. Type the value instead."),
        (4, "“Name” is missing."),
    ]


def test_everything_wrong_with_a_row_is_told_at_once(read) -> None:
    [fault] = read(book([None, "a@b.test", 138])).faults
    assert str(fault.reason) == (
        "“Name” is missing. “Mobile number” is stored as a number, so digits may be lost. "
        "Format the column as text and type it again."
    )


def test_a_long_value_is_a_fault_of_its_row(read) -> None:
    upload = read(book(["a" * 64], ["a" * 65], ["a" * 30_000]))
    assert [row.number for row in upload.rows] == [2]
    assert {str(fault.reason) for fault in upload.faults} == {"“Name” is longer than 64 characters."}
    assert len(upload.faults[1].values["name"]) < 3_000


def test_invisible_characters_are_taken_away(read) -> None:
    [row] = read(book([" A\u200bnn\u202e  e\u0301\ufeff\u00a0", "a\tb\nc"])).rows
    assert row.values["name"] == "Ann é"
    assert row.values["email"] == "a b c"


def test_ten_thousand_rows_are_read_and_one_more_is_refused(read, little_memory) -> None:
    rows = [[f"Ann {number}", f"a{number}@b.test", f"+86 139{number:08}"] for number in range(10_001)]
    content, larger = book(*rows[:10_000]), book(*rows)
    with little_memory():
        assert len(read(content).rows) == 10_000
    assert refusal(read, larger).code == "rows_too_many"


def test_twenty_columns_are_read_and_one_more_is_refused(read) -> None:
    headers = ["Name", *[f"x{number}" for number in range(20)]]
    assert len(read(book(["Ann"], headers=headers[:20])).ignored) == 19
    assert refusal(read, book(["Ann"], headers=headers)).code == "columns_too_many"


def test_faulty_rows_go_out_and_come_back(read) -> None:
    upload = read(book(["'=cmd|' /C calc'!A0", "a@b.test", 138], [None, "+1@b.test", None]))
    table = faulty_table(COLUMNS, upload.faults)
    stream = io.BytesIO()
    write_csv(plain_columns(table.headers), table.rows, stream)
    text = stream.getvalue().decode("utf-8-sig")
    assert text.startswith("Name,E-mail,Mobile number,Reason\r\n'=cmd")
    again = read(text.replace(",138,", ",'+86 138,").replace("\r\n,", "\r\nBob,").encode("utf-8-sig"), "list.csv")
    assert values(again) == [["=cmd|' /C calc'!A0", "a@b.test", "+86 138"], ["Bob", "+1@b.test", ""]]
    assert (again.faults, again.ignored) == ([], ())


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_five_hundred_formulas_survive_the_way_out_and_in_again(read, tmp_path, suffix) -> None:
    kept = [f"={number}+{payload.strip()}" for number, payload in enumerate(PAYLOADS)]
    faults = [RowFault(number, "x", {"email": text}) for number, text in enumerate(kept)]
    table, path = faulty_table(COLUMNS, faults), tmp_path / f"faulty.{suffix}"
    columns = plain_columns(table.headers)
    if suffix == "csv":
        with path.open("wb") as stream:
            write_csv(columns, table.rows, stream)
    else:
        write_xlsx(columns, table.rows, path, title="Faulty rows")
    again = [fault.values["email"] for fault in read(path.read_bytes(), path.name).faults]
    assert len(again) == 500
    assert all(text.startswith(f"={number}+") for number, text in enumerate(again))


def test_a_reason_column_in_chinese_is_ignored_too(read) -> None:
    assert read(book(["Ann", "old reason"], headers=["姓名", "原因"])).ignored == ()


def test_messages_wait_for_the_language_of_the_reader(read) -> None:
    [fault] = read(book([None, "a@b.test"])).faults
    with translation.override("zh-hans"):
        assert isinstance(str(fault.reason), str)
    assert str(fault.reason) == "“Name” is missing."


def test_prefixed_xml_is_bounded_like_any_other(read) -> None:
    prefixed = (
        sheet(GOOD_ROWS + '<row r="1048576"><c r="A1048576"/></row>')
        .replace("<row", "<x:row")
        .replace("</row", "</x:row")
    )
    prefixed = prefixed.replace(
        "<worksheet ", '<worksheet xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    )
    assert refusal(read, pack(parts(prefixed))).code == "rows_too_many"


def test_external_links_are_never_followed(read) -> None:
    linked = parts() | {"xl/externalLinks/externalLink1.xml": '<x href="http://127.0.0.1:9/"/>'}
    assert len(read(pack(linked)).rows) == 1
    with ZipFile(io.BytesIO(pack(linked))) as package:
        assert "xl/externalLinks/externalLink1.xml" in package.namelist()
