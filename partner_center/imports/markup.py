"""The XML inside a workbook, read piece by piece: no DTD, no foreign encoding, bounded in bytes and elements."""

import re
from collections.abc import Callable
from xml.parsers import expat

from partner_center.imports.refusals import (
    ColumnsTooMany,
    RowsTooMany,
    WorkbookDamaged,
    WorkbookTooLarge,
    WorkbookUnsafe,
)

MOST_BYTES = 50 * 1024 * 1024
MOST_ELEMENTS = 2_000_000
REFERENCE = re.compile(r"([A-Za-z]{1,3})([0-9]{1,7})")
BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")
ENCODINGS = {"utf-8", "us-ascii"}

Start = Callable[[str, dict[str, str]], None]


class Budget:
    """What all parts of one workbook may take together; counted while reading, since sizes in a zip can lie."""

    def __init__(self) -> None:
        self.bytes = MOST_BYTES
        self.elements = MOST_ELEMENTS

    def take_bytes(self, count: int) -> None:
        self.bytes -= count
        if self.bytes < 0:
            raise WorkbookTooLarge

    def take_element(self) -> None:
        self.elements -= 1
        if self.elements < 0:
            raise WorkbookTooLarge


class PartReader:
    """
    Reads one XML part that is fed in pieces and calls `on_start` for each element, without name space prefixes.

    Any DTD is refused, and with it every entity (reliability.md 4.7, section 9 row 72).
    """

    def __init__(self, budget: Budget, on_start: Start) -> None:
        self._budget = budget
        self._on_start = on_start
        self._is_first = True
        self._parser = expat.ParserCreate()
        self._parser.XmlDeclHandler = self._check_declaration
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser.StartElementHandler = self._start_element

    def feed(self, piece: bytes) -> None:
        self._budget.take_bytes(len(piece))
        if self._is_first and (piece.startswith(BYTE_ORDER_MARKS) or b"\x00" in piece[:8]):
            raise WorkbookUnsafe
        self._is_first = False
        self._parse(piece, is_last=False)

    def close(self) -> None:
        self._parse(b"", is_last=True)

    def _parse(self, piece: bytes, *, is_last: bool) -> None:
        try:
            self._parser.Parse(piece, is_last)
        except expat.ExpatError:
            raise WorkbookDamaged from None

    def _check_declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ENCODINGS:
            raise WorkbookUnsafe

    def _refuse_doctype(self, *_details: object) -> None:
        raise WorkbookUnsafe

    def _start_element(self, tag: str, attributes: dict[str, str]) -> None:
        self._budget.take_element()
        self._on_start(tag.rpartition(":")[2], attributes)


class SheetBounds:
    """
    Follows where the cells of a sheet stand, whatever its `<dimension>` says.

    :param last_row: highest row that may have a cell or a format
    :param last_column: highest column that may have a cell
    """

    def __init__(self, *, max_rows: int, last_row: int, last_column: int) -> None:
        self._max_rows = max_rows
        self._last_row = last_row
        self._last_column = last_column
        self._row = 0
        self._column = 0
        self.formula_errors: set[tuple[int, int]] = set()
        self.merged: list[tuple[int, int]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "c":
            self._cell(attributes)
        elif tag == "row":
            self._move_to(int(_number(attributes["r"])) if "r" in attributes else self._row + 1, 0)
        elif tag == "mergeCell":
            first, _, last = attributes.get("ref", "").partition(":")
            self.merged.append((_position(first)[0], _position(last or first)[0]))

    def _cell(self, attributes: dict[str, str]) -> None:
        reference = attributes.get("r")
        row, column = _position(reference) if reference else (self._row, self._column + 1)
        self._move_to(row, column)
        if attributes.get("t") == "e":
            self.formula_errors.add((row, column))

    def _move_to(self, row: int, column: int) -> None:
        if row > self._last_row:
            raise RowsTooMany(rows=self._max_rows)
        if column > self._last_column:
            raise ColumnsTooMany(columns=self._last_column)
        self._row, self._column = row, column


def _number(text: str) -> str:
    if not re.fullmatch(r"[0-9]{1,7}", text):
        raise WorkbookDamaged
    return text


def _position(reference: str) -> tuple[int, int]:
    match = REFERENCE.fullmatch(reference)
    if match is None:
        raise WorkbookDamaged
    column = 0
    for letter in match[1].upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(match[2]), column
