"""CSV files, written in pieces: a job appends chunk by chunk and goes on from its checkpoint after a crash."""

import csv
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from partner_center.exports.columns import Column

BYTE_ORDER_MARK = "\ufeff".encode()
ROWS_AT_ONCE = 500
PRIVATE = 0o600


class SpoolDamagedError(RuntimeError):
    """The spool file is shorter than its checkpoint: the job has to begin again at offset 0."""


@dataclass(frozen=True)
class Written:
    """What one call wrote: data rows without the header, and the offset in bytes where the next piece begins."""

    rows: int
    bytes: int


def write_csv(columns: Sequence[Column], rows: Iterable[Any], stream: BinaryIO) -> Written:
    """
    Write a whole CSV file: UTF-8 with byte order mark, headers in the active language, every text guarded.

    :param rows: streamed; only a few hundred are held at a time
    :returns: number of data rows and size in bytes
    """
    size = stream.write(_head(columns))
    return _write_rows(columns, rows, stream, start=size)


def append_csv(columns: Sequence[Column], rows: Iterable[Any], path: Path, *, offset: int) -> Written:
    """
    Write one piece of a CSV file after the checkpoint; whatever stands behind it is cut off first.

    At offset 0 the file is begun with its header. The piece is on the disk when this returns, so the caller may
    store `bytes` as the next checkpoint.

    :param offset: size in bytes of what earlier pieces wrote; 0 begins the file
    :returns: data rows of this piece, and the new offset
    :raises SpoolDamagedError: when the file is missing or shorter than the offset
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, PRIVATE)
    with os.fdopen(handle, "r+b") as stream:
        if os.fstat(handle).st_size < offset:
            raise SpoolDamagedError(f"{path.name} holds fewer than {offset} bytes")
        stream.truncate(offset)
        stream.seek(offset)
        start = offset or stream.write(_head(columns))
        written = _write_rows(columns, rows, stream, start=start)
        stream.flush()
        os.fsync(handle)
    return written


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a finished file in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _head(columns: Sequence[Column]) -> bytes:
    return BYTE_ORDER_MARK + _encode([[column.title for column in columns]])


def _write_rows(columns: Sequence[Column], rows: Iterable[Any], stream: BinaryIO, *, start: int) -> Written:
    count, size = 0, start
    for piece in _pieces([column.text(row) for column in columns] for row in rows):
        size += stream.write(_encode(piece))
        count += len(piece)
    return Written(rows=count, bytes=size)


def _pieces(rows: Iterable[list[str]]) -> Iterator[list[list[str]]]:
    remaining = iter(rows)
    while piece := list(islice(remaining, ROWS_AT_ONCE)):
        yield piece


def _encode(rows: Sequence[Sequence[str]]) -> bytes:
    text = StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
