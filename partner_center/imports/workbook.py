"""The first visible sheet of a workbook as rows of plain values."""

import datetime
import math
import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

from partner_center.imports.handover import Cell, NumberedCells
from partner_center.imports.markup import SheetBounds
from partner_center.imports.package import CONTENT_TYPES, WORKBOOK, Package
from partner_center.imports.refusals import HeaderMerged, SheetMissing, WorkbookDamaged, WorkbookMacros

RELATIONS = "xl/_rels/workbook.xml.rels"
CARRIED_ALONG = ("_rels/.rels", "xl/sharedstrings.xml", "xl/styles.xml")
BLANK_ROWS_ALLOWED = 1_000


@dataclass
class Contents:
    """What the workbook says about its sheets: (name, relation id) of each visible one, and where relations lead."""

    visible: list[tuple[str, str]] = field(default_factory=list)
    targets: dict[str, str] = field(default_factory=dict)

    def on_workbook(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "sheet" and attributes.get("state", "visible") == "visible":
            relation = next((value for name, value in attributes.items() if name.endswith(":id")), "")
            self.visible.append((attributes.get("name", ""), relation))

    def on_relation(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship" and attributes.get("Type", "").endswith("/worksheet"):
            target = attributes.get("Target", "")
            self.targets[attributes.get("Id", "")] = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")

    def first_sheet(self) -> tuple[str, str]:
        for name, relation in self.visible:
            if relation in self.targets:
                return name, self.targets[relation]
        raise SheetMissing


def read_workbook(path: Path, copy: Path, *, max_rows: int, max_columns: int) -> tuple[str, Iterator[NumberedCells]]:
    """
    Return the name of the first visible sheet and its (row number, cells), rows without any cell left out.

    :param copy: scratch file for the checked parts; only these reach the parser
    :raises UploadRefusal: for everything reliability.md section 9 H expects to be refused
    """
    bounds = SheetBounds(max_rows=max_rows, last_row=max_rows + BLANK_ROWS_ALLOWED, last_column=max_columns)
    package = Package(path, copy)
    name = _copy_checked(package, bounds)
    package.close()
    try:
        with CalamineWorkbook.from_path(copy) as book:
            table = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except CalamineError:
        raise WorkbookDamaged from None
    return name, _rows(table, bounds)


def _copy_checked(package: Package, bounds: SheetBounds) -> str:
    contents = Contents()
    package.read(CONTENT_TYPES, _refuse_macros)
    package.read(WORKBOOK, contents.on_workbook)
    package.read(RELATIONS, contents.on_relation)
    name, part = contents.first_sheet()
    for carried in CARRIED_ALONG:
        if carried in package:
            package.read(carried, _ignore)
    package.read(part, bounds.start)
    return name


def _refuse_macros(_tag: str, attributes: dict[str, str]) -> None:
    if "macroenabled" in attributes.get("ContentType", "").casefold():
        raise WorkbookMacros


def _ignore(_tag: str, _attributes: dict[str, str]) -> None:
    """Only counted."""


def _rows(table: Sequence[Sequence[object]], bounds: SheetBounds) -> Iterator[NumberedCells]:
    is_header = True
    for number, values in enumerate(table, start=1):
        cells = [
            None if (number, column) in bounds.formula_errors else _plain(value)
            for column, value in enumerate(values, start=1)
        ]
        if all(cell == "" for cell in cells):
            continue
        if is_header and any(first <= number <= last for first, last in bounds.merged):
            raise HeaderMerged
        is_header = False
        yield number, cells


def _plain(value: object) -> Cell:
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, datetime.datetime) and value.time() == datetime.time():
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)
