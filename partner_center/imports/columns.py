"""Which columns an upload should have, how its headers are matched to them, and which rows are at fault."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from partner_center.imports.handover import LONGEST_CELL, Cell, NumberedCells
from partner_center.imports.refusals import ColumnRepeated, ColumnsMissing
from partner_center.imports.text import header_key, tidy
from partner_center.refusals import Text

REASON = _("Reason")
REASON_HEADERS = ("Reason", "原因")
# How spreadsheets write a long number: 1.38E+10, 1,38E+10, 13800138000.0
MANGLED_NUMBER = re.compile(r"[+-]?\d(?:[.,]\d+)?[Ee][+-]?\d+|\d+\.0+")
EXACT_INTEGERS = 10**15

FORMULA_FAILED = _("The formula in “{header}” has no result. Type the value instead.")
NUMBER_MANGLED = _(
    "“{header}” is stored as a number, so digits may be lost. Format the column as text and type it again."
)
VALUE_MISSING = _("“{header}” is missing.")
VALUE_TOO_LONG = _("“{header}” is longer than {longest} characters.")
CELLS_TOO_MANY = _("The row has more cells than there are columns. Put texts with a comma between quotation marks.")


@dataclass(frozen=True)
class UploadColumn:
    """
    One column an upload may have.

    :param name: key of the value in `Row.values`
    :param header: shown in templates and messages, and accepted as header
    :param aliases: further headers that are accepted, English and Chinese; case, blanks and marks do not count
    :param required: the column must be there, and every row must have a value
    :param digits: phone and account numbers, which a spreadsheet damages when it stores them as numbers
    :param longest: characters a value may have
    """

    name: str
    header: Text
    aliases: tuple[str, ...] = ()
    required: bool = False
    digits: bool = False
    longest: int = LONGEST_CELL

    @property
    def keys(self) -> set[str]:
        return {header_key(text) for text in (self.name, str(self.header), *self.aliases)}


@dataclass(frozen=True)
class Row:
    """One good row: its number in the file, counted from 1 with the header, and its values by column name."""

    number: int
    values: Mapping[str, str]


@dataclass(frozen=True)
class RowFault:
    """One row that cannot be taken, why, and what stood in it."""

    number: int
    reason: Text
    values: Mapping[str, str]


@dataclass(frozen=True)
class Layout:
    """Where each expected column stands in the list, and which headers nobody asked for."""

    positions: Mapping[int, UploadColumn]
    ignored: tuple[str, ...] = ()


def layout_of(header: Sequence[Cell], columns: Sequence[UploadColumn]) -> Layout:
    """
    Match the header row to the expected columns, in either language.

    :raises ColumnRepeated: when two headers mean the same column
    :raises ColumnsMissing: when a required column has no header
    """
    positions: dict[int, UploadColumn] = {}
    ignored: list[str] = []
    for position, text in enumerate(map(_text, header)):
        column = next((column for column in columns if header_key(text) in column.keys), None)
        if column is None:
            ignored.append(text)
        elif column in positions.values():
            raise ColumnRepeated(header=column.header)
        else:
            positions[position] = column
    missing = [column for column in columns if column.required and column not in positions.values()]
    if missing:
        raise ColumnsMissing(missing=_headers(missing), expected=_headers(columns))
    return Layout(positions, tuple(text for text in ignored if text and not is_reason(text)))


def has_header(cells: Sequence[Cell], columns: Sequence[UploadColumn]) -> bool:
    """Tell whether a first row is a header row: one of its cells names a column."""
    known = {key for column in columns for key in column.keys}
    return any(header_key(_text(cell)) in known for cell in cells)


def is_reason(header: str) -> bool:
    """Tell whether a header is that of the reasons in a file of faulty rows, which is not read again."""
    return header_key(header) in {header_key(text) for text in (*REASON_HEADERS, str(REASON))}


def sort_rows(
    rows: Iterable[NumberedCells], columns: Sequence[UploadColumn], layout: Layout, *, is_exact: bool = False
) -> Iterator[Row | RowFault]:
    """
    Turn each row into a `Row`, or into a `RowFault` that tells everything wrong with it.

    :param is_exact: whether a cell beyond the last column is a fault, as in a list without headers
    """
    for number, cells in rows:
        placed = {
            column.name: cells[position] for position, column in layout.positions.items() if position < len(cells)
        }
        values = {column.name: _text(placed.get(column.name, "")) for column in columns}
        if not any(values.values()) and None not in placed.values():
            continue
        reasons = [
            reason
            for column in columns
            if (reason := _reason(column, placed.get(column.name, ""), values[column.name]))
        ]
        if is_exact and len(cells) > len(columns):
            reasons.append(CELLS_TOO_MANY)
        yield RowFault(number, _joined(reasons), values) if reasons else Row(number, values)


def _reason(column: UploadColumn, cell: Cell, text: str) -> Text | None:
    if cell is None:
        return format_lazy(FORMULA_FAILED, header=column.header)
    if column.digits and (isinstance(cell, int | float) or MANGLED_NUMBER.fullmatch(text)):
        return format_lazy(NUMBER_MANGLED, header=column.header)
    if column.required and not text:
        return format_lazy(VALUE_MISSING, header=column.header)
    if len(text) > column.longest:
        return format_lazy(VALUE_TOO_LONG, header=column.header, longest=column.longest)
    return None


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < EXACT_INTEGERS:
        return str(int(cell))
    return tidy(str(cell))


def _joined(reasons: Sequence[Text]) -> Text:
    return reasons[0] if len(reasons) == 1 else format_lazy(" ".join("{}" for _reason in reasons), *reasons)


def _headers(columns: Sequence[UploadColumn]) -> str:
    return ", ".join(str(column.header) for column in columns)
