"""The zip around a workbook: checked before it is read, and copied so that the parser sees only what was checked."""

import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from partner_center.imports.markup import MOST_BYTES, Budget, PartReader, Start
from partner_center.imports.refusals import (
    FileTypeMismatch,
    WorkbookDamaged,
    WorkbookEncrypted,
    WorkbookMacros,
    WorkbookTooLarge,
    WorkbookUnsafe,
)

MOST_ENTRIES = 200
HIGHEST_RATIO = 100
PIECE = 64 * 1024
IS_ENCRYPTED = 0x1
LOCAL_HEADER = 30
WORKBOOK = "xl/workbook.xml"
CONTENT_TYPES = "[content_types].xml"
MACROS = re.compile(r"vbaproject|macrosheets/|activex/|embeddings/|\.(zip|7z|rar|gz|xls[a-z]?|doc[a-z]?|exe|dll)$")
DAMAGE = (BadZipFile, NotImplementedError, RuntimeError, struct.error, zlib.error, EOFError, ValueError, OSError)


@contextmanager
def damage_refused() -> Iterator[None]:
    """Turn every way in which a broken zip makes `zipfile` fail into one refusal."""
    try:
        yield
    except DAMAGE:
        raise WorkbookDamaged from None


class Package:
    """
    A workbook's zip whose table of contents has passed every check of reliability.md 4.7.

    :param path: the uploaded file
    :param copy: where the checked parts are written, stored and not compressed
    """

    def __init__(self, path: Path, copy: Path) -> None:
        with damage_refused():
            self._source = ZipFile(path)
        entries = self._source.infolist()
        _check_entries(entries, end=self._source.start_dir)
        self._entries = {entry.filename.casefold(): entry for entry in entries}
        if not {WORKBOOK, CONTENT_TYPES} <= self._entries.keys():
            raise FileTypeMismatch
        self._copy = ZipFile(copy, "w", ZIP_STORED)
        self._budget = Budget()

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self._entries

    def read(self, name: str, on_start: Start) -> None:
        """
        Read one XML part to its end, call `on_start` for each element, and copy it for the parser.

        :raises WorkbookDamaged: when the part is missing, broken or shorter or longer than the zip says
        :raises WorkbookTooLarge: when all parts together unpack to more than 50 MB or 2,000,000 elements
        """
        entry = self._entries.get(name.casefold())
        if entry is None:
            raise WorkbookDamaged
        reader = PartReader(self._budget, on_start)
        with self._copy.open(entry.filename, "w") as copy:
            for piece in self._pieces(entry):
                reader.feed(piece)
                copy.write(piece)
        reader.close()

    def close(self) -> None:
        self._source.close()
        self._copy.close()

    def _pieces(self, entry: ZipInfo) -> Iterator[bytes]:
        with damage_refused():
            stream = self._source.open(entry)
        with stream:
            while True:
                with damage_refused():
                    piece = stream.read(PIECE)
                if not piece:
                    return
                yield piece


def _check_entries(entries: list[ZipInfo], *, end: int) -> None:
    if len(entries) > MOST_ENTRIES or len({_folded(entry) for entry in entries}) != len(entries):
        raise WorkbookUnsafe
    if sum(entry.file_size for entry in entries) > MOST_BYTES:
        raise WorkbookTooLarge
    for entry in entries:
        _check_entry(entry)
    _check_overlap(entries, end=end)


def _folded(entry: ZipInfo) -> str:
    return entry.filename.replace("\\", "/").casefold()


def _check_entry(entry: ZipInfo) -> None:
    name = _folded(entry)
    # orig_filename keeps what zipfile cuts off: a NUL and the text behind it.
    if name.startswith("/") or ":" in name or ".." in name.split("/") or "\x00" in entry.orig_filename:
        raise WorkbookUnsafe
    if entry.flag_bits & IS_ENCRYPTED:
        raise WorkbookEncrypted
    if MACROS.search(name):
        raise WorkbookMacros
    if entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        raise WorkbookUnsafe
    if entry.file_size > HIGHEST_RATIO * max(entry.compress_size, 1):
        raise WorkbookUnsafe


def _check_overlap(entries: list[ZipInfo], *, end: int) -> None:
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    borders = [entry.header_offset for entry in ordered[1:]] + [end]
    for entry, border in zip(ordered, borders, strict=True):
        if entry.header_offset + LOCAL_HEADER + len(entry.orig_filename) + entry.compress_size > border:
            raise WorkbookUnsafe
