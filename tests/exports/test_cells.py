"""No text that a spreadsheet would run leaves the building, and no text is lost on the way."""

import csv
import io

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_center.exports import plain_columns, write_csv, write_xlsx
from partner_center.exports.cells import LONGEST_WORKBOOK_TEXT, fit_workbook, safe_text
from partner_center.imports.text import without_guard
from tests.exports.payloads import PAYLOADS

RUN_BY_SPREADSHEETS = tuple("=+-@＝＋－＠\t\r\n\x00")
any_text = st.text(alphabet=st.characters(), max_size=40)


def test_there_are_five_hundred_payloads() -> None:
    assert len(set(PAYLOADS)) == 500


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_never_begins_like_a_formula(payload: str) -> None:
    assert not safe_text(payload).lstrip().startswith(RUN_BY_SPREADSHEETS)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\x00", "＝", "＋", "－", "＠"])
def test_every_dangerous_start_gets_an_apostrophe(start: str) -> None:
    assert safe_text(start + "x").startswith("'")


@given(any_text)
def test_any_text_is_guarded_and_the_guard_comes_off_again(text: str) -> None:
    guarded = safe_text(text)
    kept = safe_text("a" + text)[1:]
    assert not guarded.lstrip(" \u3000").startswith(RUN_BY_SPREADSHEETS)
    if not text.startswith(("\t", "\r", "\x00")):
        assert without_guard(guarded) == kept


@given(any_text)
def test_any_text_has_no_control_or_direction_characters_left(text: str) -> None:
    left = set(safe_text(text))
    assert not left & {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F))}
    assert not any("\ud800" <= character <= "\udfff" for character in left)


def test_plain_text_is_left_alone() -> None:
    assert safe_text("张三 (Zhang San) 13*** 50%") == "张三 (Zhang San) 13*** 50%"


def test_five_hundred_payloads_make_no_formula_cell_in_a_workbook(tmp_path) -> None:
    path = tmp_path / "payloads.xlsx"
    write_xlsx(plain_columns(["Value"]), [[payload] for payload in PAYLOADS], path, title="Payloads")
    sheet = openpyxl.load_workbook(path).active
    cells = [row[0] for row in sheet.iter_rows(min_row=2, max_row=501)]
    assert len(cells) == 500
    assert {cell.data_type for cell in cells if cell.value is not None} == {"s"}
    shown = [cell.value or "" for cell in cells]
    assert shown == [safe_text(payload) for payload in PAYLOADS]


def test_five_hundred_payloads_keep_their_place_and_value_in_csv() -> None:
    stream = io.BytesIO()
    write_csv(plain_columns(["Value", "Next"]), [[payload, "end"] for payload in PAYLOADS], stream)
    rows = list(csv.reader(io.StringIO(stream.getvalue().decode("utf-8-sig"), newline="")))
    assert rows[1:] == [[safe_text(payload), "end"] for payload in PAYLOADS]


def test_error_names_and_formulas_stay_texts_in_the_workbook(tmp_path) -> None:
    path = tmp_path / "errors.xlsx"
    write_xlsx(plain_columns(["Value"]), [["#N/A"], ["#REF!"], ["12"]], path, title="Errors")
    cells = list(openpyxl.load_workbook(path).active["A"])[1:]
    assert [(cell.data_type, cell.value) for cell in cells] == [("s", "#N/A"), ("s", "#REF!"), ("s", "12")]


@pytest.mark.parametrize("character", ["a", "张", "𝄞"])
def test_a_text_too_long_for_a_cell_is_cut_and_says_so(character: str) -> None:
    fitted = fit_workbook(character * 40_000, mark=" [cut]")
    assert fitted.endswith(" [cut]")
    assert LONGEST_WORKBOOK_TEXT - 1 <= len(fitted.encode("utf-16-le")) // 2 <= LONGEST_WORKBOOK_TEXT


def test_a_text_that_just_fits_is_not_cut() -> None:
    assert fit_workbook("a" * LONGEST_WORKBOOK_TEXT, mark="[cut]") == "a" * LONGEST_WORKBOOK_TEXT
