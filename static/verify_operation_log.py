#!/usr/bin/env python3
"""
Tells whether an exported operation log is what the server wrote: without that server, by Python 3.9+ alone.

    python3 verify_operation_log.py operation-records.csv operation-records.csv.manifest.json

Checks the SHA-256 of the whole file, the digest of every row, and that each record holds on to the one before it. A
partner's own file also holds what each hash was made of, so every hash is computed again. Prints what is wrong, with
the row as a spreadsheet numbers it, and exits with 1; exits with 0 when all is well, with 2 when it cannot read.

What it cannot know is whether manifest and file were both made anew: compare the last hash that it prints with what
your auditor, or the anchors of the server, noted at the time.
"""

import csv
import hashlib
import json
import re
import sys
import zipfile
import zlib
from pathlib import Path
from xml.etree import ElementTree

FORMAT = "operation-log-export/1"
GENESIS = "0" * 64
MOST_TOLD = 20
BROKEN_WORKBOOK = (
    zipfile.BadZipFile,
    zlib.error,
    ElementTree.ParseError,
    ValueError,
    LookupError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
)
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
ZEROS = re.compile(r"(-?\d+)\.(\d*?)0*")
GUARDED = re.compile(r"'(?=[\s'\u200b-\u200f\ufeff]*[=+\-@＝＋－＠])")


class Unreadable(Exception):
    """File or manifest is nothing that an export writes."""


def main(arguments):
    if len(arguments) != len(("file", "manifest")):
        print(__doc__.strip())
        return 2
    try:
        manifest = read_manifest(arguments[1])
        faults, rows = check(arguments[0], manifest)
    except (Unreadable, OSError) as problem:
        print(f"CANNOT READ: {problem}")
        return 2
    return report(faults, rows, manifest)


def report(faults, rows, manifest):
    for fault in faults[:MOST_TOLD]:
        print(f"WRONG: {fault}")
    if len(faults) > MOST_TOLD:
        print(f"... and {len(faults) - MOST_TOLD} more")
    if faults:
        return 1
    whole = "the whole log" if manifest["is_whole"] else f"a filtered part: {'; '.join(manifest['filters'])}"
    print(f"OK: {rows} rows, {whole}")
    for chain in manifest["chains"]:
        first, last = chain["first"], chain["last"]
        print(f"chain {chain['chain']}: records {first['seq']} to {last['seq']}, last hash {last['hash']}")
    if "text" not in manifest["columns"]:
        print("This file does not hold what its hashes were made of: they were compared, not computed again.")
    return 0


def read_manifest(path):
    try:
        with Path(path).open(encoding="utf-8") as stream:
            manifest = json.load(stream)
        if manifest["format"] != FORMAT:
            raise Unreadable("the manifest is of another format: {}".format(manifest["format"]))
        for name in ("sha256", "rows", "is_whole", "filters", "columns", "hashed_columns", "chains"):
            manifest[name]
    except (ValueError, KeyError, TypeError) as problem:
        raise Unreadable(f"this is no manifest of an operation log: {problem}") from None
    return manifest


def check(path, manifest):
    """Return (faults, number of rows)."""
    faults = []
    if sha256_of(path) != manifest["sha256"]:
        faults.append("the file is not the one that the manifest describes: its SHA-256 differs")
    try:
        table = rows_of(path)
        width, header = len(manifest["columns"]), next(table, None)
        if header is None or len(header) != width:
            faults.append("row 1: the headings are not those of the manifest")
        book = Book(manifest)
        for number, cells in enumerate(table, start=2):
            book.read(number, cells)
        faults += book.close()
        return faults, book.rows
    except Unreadable as problem:
        if not faults:
            raise
        return [*faults, f"the file cannot be read to its end: {problem}"], 0


class Book:
    """Follows the rows of a file and remembers where each chain stands."""

    def __init__(self, manifest):
        self.manifest, self.faults, self.rows = manifest, [], 0
        self.at = {name: position for position, name in enumerate(manifest["columns"])}
        self.promised = {chain["chain"]: chain for chain in manifest["chains"]}
        self.chains = {}

    def read(self, number, cells):
        self.rows += 1
        cells = cells + [""] * (len(self.at) - len(cells))
        for fault in self._faults_in(cells):
            self.faults.append(f"row {number}: {fault}")

    def _faults_in(self, cells):
        if len(cells) != len(self.at):
            yield f"it has {len(cells)} cells, not {len(self.at)}"
            return
        if digest_of(cells[:-1]) != cells[-1]:
            yield "it was changed: its cells do not fit its digest"
        seq = cells[self.at["seq"]]
        if not (seq.isascii() and seq.isdigit()):
            yield f"its position {seq!r} is no number"
            return
        yield from self._faults_of_link(cells, int(seq))

    def _faults_of_link(self, cells, seq):
        name, prev_hash, digest = (self._cell(cells, key) for key in ("chain", "prev_hash", "hash"))
        before = self.chains.get(name)
        if before is None and self.manifest["is_whole"]:
            before = {"seq": 0, "hash": GENESIS, "rows": 0}
        if before is not None and seq <= before["seq"]:
            yield f"record {seq} stands behind record {before['seq']}"
        elif before is not None and self.manifest["is_whole"] and seq != before["seq"] + 1:
            yield f"record {before['seq'] + 1} is missing: record {seq} follows record {before['seq']}"
        if before is not None and seq == before["seq"] + 1 and prev_hash != before["hash"]:
            yield f"record {seq} does not hold on to the record before it"
        yield from self._faults_of_text(cells, seq, name, prev_hash, digest)
        started = self.chains.setdefault(name, {"first": {"seq": seq, "hash": digest}, "rows": 0})
        started.update(seq=seq, hash=digest, rows=started["rows"] + 1)

    def _faults_of_text(self, cells, seq, name, prev_hash, digest):
        if "text" not in self.at:
            return
        text = self._cell(cells, "text")
        if hashlib.sha256((prev_hash + text).encode()).hexdigest() != digest:
            yield f"record {seq} was changed: its hash does not fit its text"
            return
        try:
            said = json.loads(text)
        except ValueError:
            yield f"record {seq} has a text that no server wrote"
            return
        yield from self._contradictions(cells, said, seq, name)

    def _contradictions(self, cells, said, seq, name):
        values = dict(zip(["chain"] + self.manifest["hashed_columns"], said, strict=False))
        shown = {"chain": name, "seq": seq}
        for key in ("public_id", "currency", "quota_number", "order_id"):
            shown[key] = self._cell(cells, key)
        shown["job_id"], shown["actor_name"] = self._cell(cells, "batch"), self._cell(cells, "operator")
        for key, value in shown.items():
            if value != values.get(key):
                yield f"record {seq} shows {key} {value!r}, but its hash was made of {values.get(key)!r}"

    def _cell(self, cells, name):
        return (
            GUARDED.sub("", cells[self.at[name]], count=1)
            if GUARDED.match(cells[self.at[name]])
            else cells[self.at[name]]
        )

    def close(self):
        if self.rows != self.manifest["rows"]:
            self.faults.append(f"the file has {self.rows} rows, the manifest says {self.manifest['rows']}")
        for name in sorted(set(self.promised) | set(self.chains)):
            self.faults.extend(self._faults_of_chain(name, self.promised.get(name), self.chains.get(name)))
        return self.faults

    def _faults_of_chain(self, name, promised, found):
        if promised is None or found is None:
            yield "chain {} stands only in the {}".format(name, "file" if promised is None else "manifest")
            return
        last = {"seq": found["seq"], "hash": found["hash"]}
        if (promised["first"], promised["last"], promised["rows"]) != (found["first"], last, found["rows"]):
            yield f"chain {name} does not begin, end or count as the manifest says"


def digest_of(cells):
    return hashlib.sha256("\x1f".join(map(plain, cells)).encode()).hexdigest()


def plain(cell):
    """A number counts by its value, because a workbook keeps no zeros at its end."""
    match = ZEROS.fullmatch(cell)
    return cell if match is None else ("{}.{}".format(*match.groups())).rstrip(".")


def sha256_of(path):
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        for piece in iter(lambda: stream.read(1 << 20), b""):
            digest.update(piece)
    return digest.hexdigest()


def rows_of(path):
    return workbook_rows(path) if zipfile.is_zipfile(path) else csv_rows(path)


def csv_rows(path):
    csv.field_size_limit(1 << 24)
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as stream:
            yield from csv.reader(stream)
    except (UnicodeDecodeError, csv.Error) as problem:
        raise Unreadable(problem) from None


def workbook_rows(path):
    """Read the sheets one after the other; all but the first repeat the headings."""
    try:
        with zipfile.ZipFile(path) as archive:
            shared = list(shared_texts(archive))
            sheets = [name for name in archive.namelist() if re.fullmatch(r"xl/worksheets/sheet\d+\.xml", name)]
            for number, name in enumerate(sorted(sheets, key=lambda name: (len(name), name))):
                for row, cells in enumerate(sheet_rows(archive, name, shared)):
                    if row or not number:
                        yield cells
    except BROKEN_WORKBOOK as problem:
        raise Unreadable(problem) from None


def shared_texts(archive):
    if "xl/sharedStrings.xml" in archive.namelist():
        for _event, node in ElementTree.iterparse(archive.open("xl/sharedStrings.xml")):
            if node.tag == SHEET + "si":
                yield "".join(text.text or "" for text in node.iter(SHEET + "t"))
                node.clear()


def sheet_rows(archive, name, shared):
    for _event, node in ElementTree.iterparse(archive.open(name)):
        if node.tag == SHEET + "row":
            cells = []
            for cell in node.iter(SHEET + "c"):
                position = column_of(cell.get("r", ""))
                cells += [""] * (position - len(cells))
                cells.append(text_of(cell, shared))
            yield cells
            node.clear()


def column_of(reference):
    number = 0
    for letter in reference.rstrip("0123456789"):
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def text_of(cell, shared):
    if cell.get("t") == "inlineStr":
        return "".join(text.text or "" for text in cell.iter(SHEET + "t"))
    value = cell.findtext(SHEET + "v") or ""
    return shared[int(value)] if cell.get("t") == "s" else value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
