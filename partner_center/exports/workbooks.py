"""XLSX files for people: every text is a text, long tables go on over sheets, memory stays flat."""

import csv
import re
from collections.abc import Iterable, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

from django.utils.translation import gettext_lazy as _
from openpyxl import Workbook
from openpyxl.cell import Cell, WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from partner_center.exports.cells import fit_workbook
from partner_center.exports.columns import Column
from partner_center.exports.spool import Written

ROWS_A_SHEET = 1_048_576
CUT_MARK = _(" … [text cut here]")
# Excel keeps 15 digits of a number; what has more stays text, or it would change.
NUMBER = re.compile(r"-?(?=(?:\.?\d){1,15}$)\d+(?:\.\d+)?")
SAMPLED_ROWS = 100
NARROWEST, WIDEST = 10, 60  # characters


def write_xlsx(
    columns: Sequence[Column], rows: Iterable[Any], path: Path, *, title: str, rows_a_sheet: int = ROWS_A_SHEET
) -> Written:
    """
    Write a workbook straight from rows.

    :param title: name of the sheets; a second sheet is called "title 2"
    :param rows_a_sheet: rows on one sheet with its header
    :returns: number of data rows and size of the file in bytes
    """
    texts = ([column.text(row) for column in columns] for row in rows)
    return _write(columns, texts, path, title=title, rows_a_sheet=rows_a_sheet)


def csv_to_xlsx(
    columns: Sequence[Column], spool: Path, path: Path, *, title: str, rows_a_sheet: int = ROWS_A_SHEET
) -> Written:
    """
    Write a workbook from the CSV spool of the same columns, so that masks and guards are applied once.

    :returns: number of data rows and size of the file in bytes
    """
    with spool.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.reader(stream)
        next(reader)
        return _write(columns, reader, path, title=title, rows_a_sheet=rows_a_sheet)


def _write(
    columns: Sequence[Column], texts: Iterable[list[str]], path: Path, *, title: str, rows_a_sheet: int
) -> Written:
    book = Workbook(write_only=True)
    remaining = iter(texts)
    sample = list(islice(remaining, SAMPLED_ROWS))
    widths = _widths(columns, sample)
    numeric = [column.kind == "number" for column in columns]
    mark, count = str(CUT_MARK), 0
    sheet = _new_sheet(book, columns, widths, title=title)
    for row in chain(sample, remaining):
        if count and count % (rows_a_sheet - 1) == 0:
            sheet.close()
            sheet = _new_sheet(book, columns, widths, title=title)
        sheet.append([_cell(sheet, text, is_numeric, mark) for text, is_numeric in zip(row, numeric, strict=True)])
        count += 1
    book.save(path)
    return Written(rows=count, bytes=path.stat().st_size)


def _new_sheet(book: Workbook, columns: Sequence[Column], widths: Sequence[int], *, title: str) -> WriteOnlyWorksheet:
    number = len(book.worksheets) + 1
    sheet = book.create_sheet(title if number == 1 else f"{title} {number}")
    # Widths and panes stand before the rows in the file, so they are set before the first row is written.
    sheet.freeze_panes = "A2"
    for position, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(position)].width = width
    sheet.append([_header_cell(sheet, column.title) for column in columns])
    return sheet


def _header_cell(sheet: WriteOnlyWorksheet, text: str) -> Cell:
    cell = _text_cell(sheet, text)
    cell.font = Font(bold=True)
    return cell


def _cell(sheet: WriteOnlyWorksheet, text: str, is_numeric: bool, mark: str) -> Cell | int | float | None:
    if not text:
        return None
    if is_numeric and NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return _text_cell(sheet, fit_workbook(text, mark=mark))


def _text_cell(sheet: WriteOnlyWorksheet, text: str) -> Cell:
    cell = WriteOnlyCell(sheet, value=text)
    cell.data_type = "s"  # openpyxl makes "=1+1" a formula and "#N/A" an error
    return cell


def _widths(columns: Sequence[Column], sample: Sequence[Sequence[str]]) -> list[int]:
    table = [[column.title for column in columns], *sample]
    longest = [max(_display_width(row[position]) for row in table) for position in range(len(columns))]
    return [min(max(width + 2, NARROWEST), WIDEST) for width in longest]


def _display_width(text: str) -> int:
    shown = text[:WIDEST]
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in shown)
