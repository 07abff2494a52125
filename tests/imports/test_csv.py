"""CSV files of many countries and programs, broken ones, and lists pasted into a page."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_center.imports import UploadColumn, UploadRefusal, read_pasted
from partner_center.imports.delimited import decode, records
from partner_center.imports.text import tidy
from tests.imports.conftest import COLUMNS

LIST = "姓名,E-mail,Remark\r\n张三,z@b.test,x\r\n"
ANN = {"name": "Ann", "email": "a@b.test", "mobile": ""}
ZHANG = {"name": "张三", "email": "z@b.test", "mobile": ""}


def pasted(text: str, max_rows: int = 100):
    return read_pasted(text, columns=COLUMNS, max_rows=max_rows)


def code_of(call, *arguments) -> str:
    with pytest.raises(UploadRefusal) as refused:
        call(*arguments)
    return refused.value.code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_encodings_are_found(read, encoding) -> None:
    upload = read(LIST.encode(encoding), "list.csv")
    assert [dict(row.values) for row in upload.rows] == [ZHANG]
    assert upload.ignored == ("Remark",)


def test_big_endian_utf_16_is_found(read) -> None:
    assert len(read(b"\xfe\xff" + LIST.encode("utf-16-be"), "list.csv").rows) == 1


@pytest.mark.parametrize("separator", [",", ";", "\t", "；"])
@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
def test_separators_and_line_ends_are_found(read, separator, newline) -> None:
    text = newline.join([f'"Name, full"{separator}E-mail', f"x{separator}y", f"Ann{separator}a@b.test", ""])
    text = text.replace("Name, full", "Name")
    rows = read(text.encode(), "LIST.CSV").rows
    assert [row.number for row in rows] == [2, 3]
    assert dict(rows[1].values) == ANN


def test_the_separator_hint_of_excel_is_followed(read) -> None:
    assert dict(read(b"sep=|\r\nName|E-mail\r\nAnn|a@b.test\r\n", "list.csv").rows[0].values) == ANN


def test_quoted_cells_may_hold_separators_quotes_and_lines(read) -> None:
    [row] = read(b'Name,E-mail\r\n"Ann ""A"", Ltd\r\nx",a@b.test\r\n', "list.csv").rows
    assert row.values["name"] == 'Ann "A", Ltd x'


def test_trailing_separators_are_no_columns(read) -> None:
    assert len(read(b"Name" + b"," * 200 + b"\r\nAnn" + b"," * 200, "list.csv").rows) == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"Name\r\n\x00Ann\r\n", "encoding_unknown"),
        (b"Name\r\n\xff\xff\xff\r\n", "encoding_unknown"),
        (b"\xff\xfeN\x00a", "encoding_unknown"),
        (b'Name,E-mail\r\nBob,b@b.test\r\n"Ann,a@b.test\r\nCy,c@b.test\r\n', "text_malformed"),
        (b'Name\r\n"Ann"x\r\n', "text_malformed"),
        (b"Name\r\n" + b"a" * 4_000_000, "text_malformed"),
        (b"a" * 10_000_000, "file_too_large"),
        (b"Name\r\n" + b"a," * 2_000_000 + b"a", "columns_too_many"),
        (b"Name\r\n" + b"a\r\n" * 10_001, "rows_too_many"),
        (b"Name\r\n", "rows_missing"),
        (b" \r\n\r\n", "file_empty"),
        (b"\xef\xbb\xbf", "rows_missing"),
        (b"Wrong\r\nx\r\n", "columns_missing"),
        (b"", "file_empty"),
    ],
)
def test_broken_files_are_refused_in_little_memory(read, little_memory, content, code) -> None:
    with little_memory():
        assert code_of(read, content, "list.csv") == code


def test_an_unclosed_quote_is_told_with_the_line_where_it_opens(read) -> None:
    with pytest.raises(UploadRefusal) as refused:
        read(b'Name\r\nBob\r\n"Ann\r\nCy\r\n', "list.csv")
    assert "line 3" in str(refused.value)


def test_formulas_are_texts_and_guards_come_off(read) -> None:
    rows = read(b"Name\r\n=1+1\r\n'=1+1\r\n''=1\r\n'plain\r\n", "list.csv").rows
    assert [row.values["name"] for row in rows] == ["=1+1", "=1+1", "'=1", "'plain"]


@pytest.mark.parametrize("number", ["1.38E+10", "1,38E+10", "1.38e10", "13800138000.0"])
def test_a_phone_number_that_lost_its_digits_is_a_fault(read, number) -> None:
    upload = read(f'Name;Mobile number\r\nAnn;"{number}"\r\nBob;13800138000\r\n'.encode(), "list.csv")
    assert [fault.number for fault in upload.faults] == [2]
    assert [row.number for row in upload.rows] == [3]


def result_or_code(call, *arguments, **options):
    try:
        return call(*arguments, **options), ""
    except UploadRefusal as refused:
        return None, refused.code


@given(st.binary(max_size=300))
def test_any_bytes_are_decoded_or_refused(content) -> None:
    text, code = result_or_code(decode, content)
    assert code == "encoding_unknown" if text is None else "\x00" not in text


@given(st.text(alphabet=st.sampled_from('ab",;\t\r\n\x00\ufeff姓'), max_size=60))
def test_any_text_is_divided_or_refused(text) -> None:
    found, code = result_or_code(lambda: list(records(text, max_columns=5)))
    if found is None:
        assert code in {"text_malformed", "columns_too_many"}
    else:
        assert all(len(cells) <= 5 and cells[-1].strip() for _, cells in found)


@given(st.text(max_size=60))
def test_tidying_twice_is_tidying_once_unless_a_guard_was_under_a_guard(text) -> None:
    once = tidy(text)
    assert once == once.strip()
    assert once.startswith("'") or tidy(once) == once


@pytest.mark.parametrize(
    "text",
    [
        "Ann,a@b.test",
        "Ann\ta@b.test\n\n",
        "\r\n Ann ; a@b.test ;",
        "Name\tE-mail\nAnn\ta@b.test",
        "邮箱，姓名\na@b.test，Ann",
        '"Ann","a@b.test"',
    ],
)
def test_a_pasted_list_is_read_with_and_without_headers(text) -> None:
    assert [dict(row.values) for row in pasted(text).rows] == [ANN]


def test_a_pasted_line_with_too_many_cells_is_a_fault() -> None:
    upload = pasted("Ann,a@b.test,+86,more\nBob,b@b.test,+86")
    assert [fault.number for fault in upload.faults] == [1]
    assert [row.number for row in upload.rows] == [2]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "rows_missing"),
        (" \n\u3000\n", "rows_missing"),
        ("E-mail\na@b.test", "columns_missing"),
        ("Name,姓名\nAnn,Bob", "column_repeated"),
        ("Name", "rows_missing"),
        ('"Ann', "text_malformed"),
        ("a," * 30 + "a", "columns_too_many"),
        ("a\n" * 101, "rows_too_many"),
        ("a" * 2_000_001, "workbook_too_large"),
        ("a" * 200_000, "text_malformed"),
    ],
)
def test_pasted_lists_that_are_none_are_refused(text, code) -> None:
    assert code_of(pasted, text) == code


def test_one_column_pastes_as_one_value_a_line() -> None:
    columns = [UploadColumn("email", "E-mail", required=True)]
    rows = read_pasted("a@b.test\nb@b.test\n", columns=columns, max_rows=10).rows
    assert [row.values["email"] for row in rows] == ["a@b.test", "b@b.test"]
