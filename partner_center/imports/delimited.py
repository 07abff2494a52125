"""Delimited text: CSV files as spreadsheets of many countries write them, and lists pasted into a page."""

import csv
import io
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator

from partner_center.imports.refusals import ColumnsTooMany, EncodingUnknown, TextMalformed

LONGEST_HEADER_LINE = 32_767  # characters searched for separators
SEPARATORS = ",;\t，；"  # the first wins a tie
QUOTED = re.compile(r'"[^"]*"')
SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)  # Excel's own hint in the first line


def decode(content: bytes) -> str:
    """
    Turn the bytes of a CSV file into text: by byte order mark, else UTF-8, else GB18030 (the Excel of China).

    :raises EncodingUnknown: when none fits or the text holds NUL characters
    """
    for encoding in _encodings(content):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text.removeprefix("\ufeff")
    raise EncodingUnknown


def records(text: str, *, max_columns: int) -> Iterator[tuple[int, list[str]]]:
    """
    Yield (row number from 1, cells) of every record that is not blank.

    :raises TextMalformed: for an unclosed quotation mark or a field beyond `csv.field_size_limit()`
    :raises ColumnsTooMany: for a record with more cells than `max_columns`
    """
    separator, body = _separator(text)
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=separator, strict=True)
    number = 0
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise TextMalformed(line=line) from None
        number += 1
        cells = _without_blank_end(record)
        if len(cells) > max_columns:
            raise ColumnsTooMany(columns=max_columns)
        if cells:
            yield number, cells


def _encodings(content: bytes) -> tuple[str, ...]:
    if content.startswith(BOM_UTF8):
        return ("utf-8-sig",)
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return ("utf-16",)
    return ("utf-8", "gb18030")


def _separator(text: str) -> tuple[str, str]:
    hint = SEPARATOR_LINE.match(text)
    if hint:
        return hint[1], text[hint.end() :]
    first_line = QUOTED.sub("", next((line for line in text[:LONGEST_HEADER_LINE].splitlines() if line.strip()), ""))
    return max(SEPARATORS, key=first_line.count), text


def _without_blank_end(record: list[str]) -> list[str]:
    while record and not record[-1].strip():
        record.pop()
    return record
