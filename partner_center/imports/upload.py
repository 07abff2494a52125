"""Reading an uploaded file or a pasted list into good rows and faulty ones."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from partner_center.imports.columns import (
    REASON,
    Layout,
    Row,
    RowFault,
    UploadColumn,
    has_header,
    layout_of,
    sort_rows,
)
from partner_center.imports.delimited import records
from partner_center.imports.handover import NumberedCells
from partner_center.imports.intake import LARGEST_MEGABYTES, UploadedFile, reading_of
from partner_center.imports.refusals import RowsMissing, RowsTooMany, WorkbookTooLarge
from partner_center.refusals import Text

MOST_COLUMNS = 20
LONGEST_PASTE = 2_000_000  # characters


@dataclass(frozen=True)
class Upload:
    """
    What was read.

    :param rows: good rows in the order of the file
    :param faults: rows that cannot be taken, each with its reason; `faulty_table` makes a file of them
    :param ignored: headers nobody asked for, to be told
    :param sheet: name of the sheet that was read, empty for CSV and pasted lists
    """

    rows: list[Row]
    faults: list[RowFault]
    ignored: tuple[str, ...] = ()
    sheet: str = ""


@dataclass(frozen=True)
class Table:
    """Headers and rows of cells, ready for `exports.write_csv(plain_columns(headers), rows, …)`."""

    headers: list[Text]
    rows: list[list[Text]]


def read_upload(
    file: UploadedFile,
    *,
    columns: Sequence[UploadColumn],
    max_rows: int,
    max_columns: int = MOST_COLUMNS,
    max_megabytes: int = LARGEST_MEGABYTES,
) -> Upload:
    """
    Read the first visible sheet of an .xlsx file, or a .csv file, in a confined child process.

    Formulas are never run; what the spreadsheet last stored for them is read (reliability.md 4.7).

    :param max_rows: rows below the header
    :param max_megabytes: of the file as it is uploaded; what it unpacks to is bounded by the reader
    :raises UploadRefusal: when the file as a whole cannot be taken
    """
    with reading_of(file, max_rows=max_rows, max_columns=max_columns, max_megabytes=max_megabytes) as reading:
        _number, header = next(reading.rows)
        layout = layout_of(header, columns)
        return _upload(sort_rows(reading.rows, columns, layout), ignored=layout.ignored, sheet=reading.sheet)


def read_pasted(
    text: str, *, columns: Sequence[UploadColumn], max_rows: int, max_columns: int = MOST_COLUMNS
) -> Upload:
    """
    Read a list pasted into a page: a row per line, cells divided by comma, semicolon or TAB.

    Without a header row the cells are taken in the order of `columns`.

    :raises UploadRefusal: when the list as a whole cannot be taken
    """
    if len(text) > LONGEST_PASTE:
        raise WorkbookTooLarge
    rows = list(_numbered(text.replace("\x00", ""), max_columns))
    with_header = bool(rows) and has_header(rows[0][1], columns)
    layout = layout_of(rows.pop(0)[1], columns) if with_header else Layout(dict(enumerate(columns)))
    if len(rows) > max_rows:
        raise RowsTooMany(rows=max_rows)
    return _upload(sort_rows(rows, columns, layout, is_exact=not with_header), ignored=layout.ignored)


def faulty_table(columns: Sequence[UploadColumn], faults: Iterable[RowFault]) -> Table:
    """
    Lay out faulty rows with a column of reasons, to be corrected and uploaded again; reading ignores the reasons.

    It holds what the person uploaded in clear: hand it to that person only.
    """
    headers: list[Text] = [*(column.header for column in columns), REASON]
    rows = [[*(fault.values.get(column.name, "") for column in columns), fault.reason] for fault in faults]
    return Table(headers, rows)


def _numbered(text: str, max_columns: int) -> Iterator[NumberedCells]:
    return ((number, [*cells]) for number, cells in records(text, max_columns=max_columns))


def _upload(sorted_rows: Iterator[Row | RowFault], *, ignored: tuple[str, ...], sheet: str = "") -> Upload:
    rows: list[Row] = []
    faults: list[RowFault] = []
    for row in sorted_rows:
        if isinstance(row, Row):
            rows.append(row)
        else:
            faults.append(row)
    if not rows and not faults:
        raise RowsMissing
    return Upload(rows, faults, ignored, sheet)
