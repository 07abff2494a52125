"""CSV and XLSX files: what stands in them, and that a job can go on where it was killed."""

import csv
import datetime
import hashlib
import io
import itertools
import stat
import zipfile
from decimal import Decimal

import openpyxl
import pytest
from django.utils import timezone, translation
from django.utils.functional import lazystr
from django.utils.translation import gettext_lazy as _

from partner_center.exports import (
    Column,
    SpoolDamagedError,
    UnmaskedColumnError,
    append_csv,
    csv_to_xlsx,
    plain_columns,
    sha256_of,
    write_csv,
    write_xlsx,
)

NOON = datetime.datetime(2026, 1, 31, 12, 0, 7, 999, tzinfo=datetime.UTC)


def stars(text: str) -> str:
    return text[0] + "**"


def table(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def csv_of(columns, rows) -> list[list[str]]:
    stream = io.BytesIO()
    write_csv(columns, rows, stream)
    return table(stream.getvalue())


def test_a_personal_column_without_mask_is_refused() -> None:
    with pytest.raises(UnmaskedColumnError):
        Column("Name", "name".__getitem__, personal=True)


def test_a_personal_column_leaves_the_building_masked(tmp_path) -> None:
    columns = [Column("Name", lambda row: row["name"], mask=stars, personal=True)]
    rows = [{"name": "Zhang San"}, {"name": ""}, {"name": None}, {"name": "=cmd"}]
    assert csv_of(columns, rows)[1:] == [["Z**"], [""], [""], ["'=**"]]
    write_xlsx(columns, rows, tmp_path / "a.xlsx", title="Names")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as package:
        assert not any(b"Zhang San" in package.read(name) for name in package.namelist())


def test_a_csv_begins_with_the_byte_order_mark_and_reports_its_size() -> None:
    stream = io.BytesIO()
    written = write_csv(plain_columns(["A"]), [["1"], ["张"]], stream)
    content = stream.getvalue()
    assert content == b"\xef\xbb\xbfA\r\n1\r\n" + "张\r\n".encode()
    assert (written.rows, written.bytes) == (2, len(content))


def test_headers_are_written_in_the_active_language() -> None:
    with translation.override("zh-hans"):
        chinese = csv_of([Column(_("Yes"), 0)], [])
    assert chinese == [["是"]]
    assert csv_of([Column(_("Yes"), 0)], []) == [["Yes"]]


def test_a_header_cannot_be_a_formula_either() -> None:
    assert csv_of([Column(lazystr("=1+1"), 0)], []) == [["'=1+1"]]


def test_times_are_written_with_offset_in_the_active_zone() -> None:
    columns = [Column("At", 0, kind="time"), Column("Day", 0, kind="date")]
    with timezone.override("Asia/Shanghai"):
        assert csv_of(columns, [[NOON]])[1] == ["2026-01-31T20:00:07+08:00", "2026-01-31"]
    with timezone.override("Pacific/Auckland"):
        assert csv_of(columns, [[NOON]])[1] == ["2026-02-01T01:00:07+13:00", "2026-02-01"]
    assert csv_of(columns, [[datetime.date(2026, 1, 31)]])[1] == ["2026-01-31", "2026-01-31"]


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        csv_of([Column("At", 0, kind="time")], [[NOON.replace(tzinfo=None)]])


@pytest.mark.parametrize(
    ("value", "text", "number"),
    [
        (-5, "-5", -5),
        (Decimal("-12.50"), "-12.50", -12.5),
        (0.25, "0.25", 0.25),
        (123456789012345, "123456789012345", 123456789012345),
        (1234567890123456, "1234567890123456", "1234567890123456"),
        ("-5", "'-5", "'-5"),
        (True, "True", "True"),
        (float("inf"), "inf", "inf"),
        (float("-inf"), "'-inf", "'-inf"),
        (None, "", None),
    ],
)
def test_numbers_written_by_us_stay_numbers_and_nothing_else_becomes_one(tmp_path, value, text, number) -> None:
    columns = [Column("N", 0, kind="number")]
    assert csv_of(columns, [[value]])[1] == [text]
    write_xlsx(columns, [[value]], tmp_path / "n.xlsx", title="N")
    assert openpyxl.load_workbook(tmp_path / "n.xlsx").active["A2"].value == number


def test_pieces_make_the_same_file_as_one_writing(tmp_path) -> None:
    columns, rows = plain_columns(["A", "B"]), [[str(number), "张"] for number in range(1_700)]
    path, whole, offset = tmp_path / "spool.csv", io.BytesIO(), 0
    for start in range(0, 1_700, 600):
        piece = append_csv(columns, rows[start : start + 600], path, offset=offset)
        assert piece.rows == min(600, 1_700 - start)
        offset = piece.bytes
    write_csv(columns, rows, whole)
    assert path.read_bytes() == whole.getvalue()
    assert sha256_of(path) == hashlib.sha256(whole.getvalue()).hexdigest()


def test_a_killed_piece_is_cut_off_and_written_again(tmp_path) -> None:
    columns, path = plain_columns(["A"]), tmp_path / "spool.csv"
    checkpoint = append_csv(columns, [["1"], ["2"]], path, offset=0).bytes
    with path.open("ab") as crashed:
        crashed.write(b"3\r\n4\r\nhalf a li")
    append_csv(columns, [["3"], ["4"]], path, offset=checkpoint)
    assert table(path.read_bytes()) == [["A"], ["1"], ["2"], ["3"], ["4"]]


def test_offset_zero_begins_the_file_again(tmp_path) -> None:
    path = tmp_path / "spool.csv"
    path.write_bytes(b"older and longer content of a first try")
    append_csv(plain_columns(["A"]), [["1"]], path, offset=0)
    assert path.read_bytes() == b"\xef\xbb\xbfA\r\n1\r\n"


@pytest.mark.parametrize("content", [None, b"short"])
def test_a_lost_spool_is_told_and_not_filled_with_holes(tmp_path, content) -> None:
    path = tmp_path / "spool.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SpoolDamagedError):
        append_csv(plain_columns(["A"]), [["1"]], path, offset=1_000)
    assert not path.exists() or path.read_bytes() == (content or b"")


def test_the_spool_is_readable_by_its_owner_only(tmp_path) -> None:
    append_csv(plain_columns(["A"]), [], tmp_path / "spool.csv", offset=0)
    assert stat.S_IMODE((tmp_path / "spool.csv").stat().st_mode) == 0o600


def test_a_workbook_from_the_spool_masks_and_guards_once(tmp_path) -> None:
    columns = [Column("Name", 0, mask=lambda text: text + "*"), Column("N", 1, kind="number"), Column("Text", 2)]
    spool, path = tmp_path / "spool.csv", tmp_path / "book.xlsx"
    append_csv(columns, [["=x", -3, 'a,"b"\r\n+c'], ["y", None, "'=1"]], spool, offset=0)
    written = csv_to_xlsx(columns, spool, path, title="History")
    sheet = openpyxl.load_workbook(path)["History"]
    assert [list(row) for row in sheet.iter_rows(values_only=True)] == [
        ["Name", "N", "Text"],
        ["'=x*", -3, 'a,"b" +c'],
        ["y*", None, "''=1"],
    ]
    assert (written.rows, written.bytes) == (2, path.stat().st_size)


def test_the_header_is_bold_frozen_and_wide_enough(tmp_path) -> None:
    path = tmp_path / "book.xlsx"
    write_xlsx(plain_columns(["Invitation status", "B"]), [["x", "长" * 20], ["x", "y" * 500]], path, title="T")
    sheet = openpyxl.load_workbook(path)["T"]
    assert sheet.freeze_panes == "A2"
    assert sheet["A1"].font.bold
    assert not sheet["A2"].font.bold
    assert sheet.column_dimensions["A"].width == len("Invitation status") + 2
    assert sheet.column_dimensions["B"].width == 60


def test_a_long_table_goes_on_over_sheets_and_loses_no_row(tmp_path) -> None:
    path = tmp_path / "book.xlsx"
    rows = [[str(number)] for number in range(25)]
    assert write_xlsx(plain_columns(["A"]), rows, path, title="Log", rows_a_sheet=11).rows == 25
    book = openpyxl.load_workbook(path)
    assert book.sheetnames == ["Log", "Log 2", "Log 3"]
    assert [sheet.max_row for sheet in book] == [11, 11, 6]
    assert [sheet["A1"].value for sheet in book] == ["A", "A", "A"]
    assert [row[0] for sheet in book for row in sheet.iter_rows(min_row=2, values_only=True)] == [r[0] for r in rows]


def test_a_full_last_sheet_is_not_followed_by_an_empty_one(tmp_path) -> None:
    write_xlsx(plain_columns(["A"]), [["1"]] * 10, tmp_path / "book.xlsx", title="Log", rows_a_sheet=11)
    assert openpyxl.load_workbook(tmp_path / "book.xlsx").sheetnames == ["Log"]


def test_a_csv_is_streamed_and_never_held_whole() -> None:
    taken = 0
    taken_at_writes = []

    class Stream(io.BytesIO):
        def write(self, content) -> int:
            taken_at_writes.append(taken)
            return super().write(content)

    def rows():
        nonlocal taken
        for number in range(5_000):
            taken += 1
            yield [str(number)]

    write_csv(plain_columns(["A"]), rows(), Stream())
    assert taken_at_writes[-1] == 5_000
    assert max(b - a for a, b in itertools.pairwise(taken_at_writes)) <= 500


def test_workbook_rows_are_let_go_one_by_one(tmp_path) -> None:
    alive, most = 0, 0

    class Row(list[str]):
        def __init__(self) -> None:
            nonlocal alive, most
            super().__init__(["x"])
            alive += 1
            most = max(most, alive)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    write_xlsx(plain_columns(["A"]), (Row() for _ in range(5_000)), tmp_path / "a.xlsx", title="A")
    assert most < 10
