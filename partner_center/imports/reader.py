"""
The child process that opens an uploaded file: `python -m partner_center.imports.reader <folder> <job as JSON>`.

It knows no settings, no database and no secret, and the kernel bounds its memory, time and files. It writes
`result` into its folder: one JSON line that tells the outcome, then one line [number, cells] for each row.
"""

import json
import os
import resource
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from partner_center.imports.delimited import decode, records
from partner_center.imports.handover import COPY, LONGEST_CELL, PANIC_EXIT, RESULT, UPLOAD, NumberedCells, ReadingJob
from partner_center.imports.refusals import (
    RowsMissing,
    RowsTooMany,
    TakesTooLong,
    UploadRefusal,
    WorkbookTooLarge,
)
from partner_center.imports.workbook import read_workbook

MOST_MEMORY = 512 * 1024 * 1024
MOST_SECONDS = 10
LARGEST_FILE = 64 * 1024 * 1024
MOST_CHARACTERS, CHARACTERS_A_ROW = 6_000_000, 128  # a longer list may hold more, and its texts are short


def main(folder: Path, job: ReadingJob) -> None:
    """Read the upload in the folder and write the result, which is a refusal or the rows."""
    with (folder / RESULT).open("w", encoding="utf-8") as result:
        try:
            sheet, rows = _open(folder, job)
            lines = [_line(cells) for cells in _bounded(rows, max_rows=job.max_rows)]
            if len(lines) < 2:  # noqa: PLR2004 - the headers and one row
                raise RowsMissing
        except MemoryError:
            result.write(_line({"refused": TakesTooLong.code, "values": {}}))
        except UploadRefusal as refusal:
            result.write(_line({"refused": refusal.code, "values": refusal.values}))
        else:
            result.write(_line({"sheet": sheet}))
            result.writelines(lines)


def confine() -> None:
    """Let the kernel bound what this process may use, before the first byte of the upload is read."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def hide_values(kind: type[BaseException], _crash: BaseException, trace: TracebackType | None) -> None:
    """Print where the reader crashed and never the message: it may quote a cell."""
    sys.stderr.write("".join(traceback.format_tb(trace)) + kind.__name__ + "\n")
    if kind.__name__ == "PanicException":  # raised by calamine's Rust side; it cannot be imported
        sys.stderr.flush()
        os._exit(PANIC_EXIT)


def _open(folder: Path, job: ReadingJob) -> tuple[str, Iterator[NumberedCells]]:
    if job.kind == "xlsx":
        return read_workbook(folder / UPLOAD, folder / COPY, max_rows=job.max_rows, max_columns=job.max_columns)
    text = decode((folder / UPLOAD).read_bytes())
    return "", ((number, [*cells]) for number, cells in records(text, max_columns=job.max_columns))


def _bounded(rows: Iterator[NumberedCells], *, max_rows: int) -> Iterator[NumberedCells]:
    characters, most = 0, max(MOST_CHARACTERS, CHARACTERS_A_ROW * max_rows)
    for count, (number, cells) in enumerate(rows):
        if count > max_rows:  # the first is the header
            raise RowsTooMany(rows=max_rows)
        short = [cell[: LONGEST_CELL + 1] if isinstance(cell, str) else cell for cell in cells]
        characters += sum(len(cell) for cell in short if isinstance(cell, str))
        if characters > most:
            raise WorkbookTooLarge
        yield number, short


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n"


if __name__ == "__main__":
    sys.excepthook = hide_values
    confine()
    main(Path(sys.argv[1]), ReadingJob(**json.loads(sys.argv[2])))
