"""From the uploaded bytes to the lines a child process read: nothing of the content is parsed in this process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from partner_center.imports.handover import PANIC_EXIT, RESULT, UPLOAD, NumberedCells, ReadingJob
from partner_center.imports.refusals import (
    BY_CODE,
    FileEmpty,
    FileTooLarge,
    FileTypeMismatch,
    FileTypeUnknown,
    TakesTooLong,
    WorkbookDamaged,
    WorkbookEncrypted,
    WorkbookMacros,
    WorkbookOld,
)

LARGEST_MEGABYTES = 5
MEGABYTE = 1024 * 1024
LARGEST_UPLOAD = LARGEST_MEGABYTES * MEGABYTE
PIECE = 64 * 1024
LONGEST_WAIT = 20  # seconds
PROJECT = Path(__file__).resolve().parents[2]

ZIP_MAGIC = b"PK\x03\x04"
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
BINARY_MAGIC = (
    ZIP_MAGIC, b"PK\x05\x06", OLE_MAGIC, b"%PDF", b"MZ", b"\x7fELF", b"\x89PNG", b"GIF8", b"\xff\xd8\xff",
    b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ",
)  # fmt: skip
MARKUP_MAGIC = (b"<!doctype", b"<html", b"<?xml", b"<table", b"<script", b"<svg", b"{\\rtf")
KINDS = {".xlsx": "xlsx", ".csv": "csv"}
OLD_SUFFIXES = (".xls", ".xlt")
MACRO_SUFFIXES = (".xlsm", ".xltm", ".xlam", ".xlsb")


class UploadedFile(Protocol):
    """What is needed of an upload: Django's uploaded files and plain binary streams with a name have it."""

    name: str | None

    def read(self, size: int, /) -> bytes: ...
    def seek(self, position: int, /) -> object: ...


class ReaderCrashedError(RuntimeError):
    """The child process ended in a way no upload should cause: a fault of ours, told in its standard error."""


@dataclass(frozen=True)
class Reading:
    """What the child read: the sheet's name ("" for CSV), and its rows as (row number, cells), the header first."""

    sheet: str
    rows: Iterator[NumberedCells]


@contextmanager
def reading_of(file: UploadedFile, *, max_rows: int, max_columns: int, max_megabytes: int) -> Iterator[Reading]:
    """
    Read an upload in a confined child process; the rows can be taken while the context is open.

    :raises UploadRefusal: for everything that is wrong with the file as a whole
    :raises ReaderCrashedError: when the child failed by a fault of ours
    """
    kind = _kind_of(file.name or "")
    with TemporaryDirectory(prefix="upload-") as name:
        folder = Path(name)
        _store(file, folder / UPLOAD, max_megabytes)
        _check_content(folder / UPLOAD, kind)
        _run_reader(folder, ReadingJob(kind=kind, max_rows=max_rows, max_columns=max_columns))
        with (folder / RESULT).open(encoding="utf-8") as lines:
            outcome = json.loads(next(lines))
            if "refused" in outcome:
                raise BY_CODE[outcome["refused"]](**outcome["values"])
            yield Reading(sheet=outcome["sheet"], rows=((number, cells) for number, cells in map(json.loads, lines)))


def _kind_of(name: str) -> str:
    # The name is only looked at for its ending; it never becomes a path.
    lowered = name.lower()
    if lowered.endswith(MACRO_SUFFIXES):
        raise WorkbookMacros
    if lowered.endswith(OLD_SUFFIXES):
        raise WorkbookOld
    for suffix, kind in KINDS.items():
        if lowered.endswith(suffix):
            return kind
    raise FileTypeUnknown


def _store(file: UploadedFile, path: Path, max_megabytes: int) -> None:
    size = 0
    file.seek(0)
    with path.open("wb") as stored:
        while piece := file.read(PIECE):
            size += len(piece)
            if size > max_megabytes * MEGABYTE:
                raise FileTooLarge(megabytes=max_megabytes)
            stored.write(piece)
    if not size:
        raise FileEmpty


def _check_content(path: Path, kind: str) -> None:
    with path.open("rb") as stored:
        head = stored.read(PIECE)
    if kind == "csv":
        text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
        if head.startswith(BINARY_MAGIC) or text.startswith(MARKUP_MAGIC):
            raise FileTypeMismatch
        if not head.strip():
            raise FileEmpty
    elif head.startswith(OLE_MAGIC):
        raise WorkbookEncrypted if ENCRYPTED_PACKAGE in path.read_bytes() else WorkbookOld
    elif not head.startswith(ZIP_MAGIC):
        raise FileTypeMismatch


def _run_reader(folder: Path, job: ReadingJob) -> None:
    command = [sys.executable, "-E", "-s", "-m", "partner_center.imports.reader", str(folder), job.to_json()]
    # The child gets no setting and no secret of ours, only what the dynamic linker may need.
    environment = {key: os.environ[key] for key in ("LD_LIBRARY_PATH", "TMPDIR") if key in os.environ}
    try:
        ended = subprocess.run(  # noqa: S603 - our own interpreter and module, and a folder we named
            command, cwd=PROJECT, env=environment, stdin=subprocess.DEVNULL, timeout=LONGEST_WAIT, check=False
        )
    except subprocess.TimeoutExpired:
        raise TakesTooLong from None
    if ended.returncode == PANIC_EXIT:
        raise WorkbookDamaged
    if ended.returncode < 0:  # killed by a limit, or by an allocation that was refused
        raise TakesTooLong
    if ended.returncode:
        raise ReaderCrashedError(f"the upload reader ended with status {ended.returncode}")
