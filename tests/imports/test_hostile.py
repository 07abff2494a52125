"""Files made to harm the server: each is refused with its own code, in a small part of the memory it asks for."""

import io
import os
import struct
import subprocess
import sys
import zipfile
import zlib

import pytest

from partner_center.imports import UploadRefusal, read_upload
from partner_center.imports.intake import PROJECT
from tests.imports.hostile import (
    DECLARATION,
    GOOD_ROWS,
    MAIN,
    SHEET,
    cell,
    offset_of,
    one_huge_cell,
    pack,
    pack_streamed,
    parts,
    patch_directory,
    sheet,
)

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504


def with_doctype(doctype: str, text: str = "&a;") -> bytes:
    rows = f'<row r="1">{cell("A1", text)}</row>'
    return pack(parts(sheet(rows).replace("<worksheet", doctype + "<worksheet")))


def entities() -> str:
    levels = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE w [<!ENTITY a0 "lol">{levels}]>'


def with_extra(name: str, content: bytes = b"x") -> bytes:
    return pack(parts() | {name: content})


def many_entries(count: int) -> bytes:
    return pack(parts() | {f"xl/media/{n}.txt": b"" for n in range(count - 5)})


def directory_of_65535() -> bytes:
    """As many entries as a zip can count, all pointing at one local header: otherwise it would not fit into 5 MB."""
    honest = pack({"aaaa": b""}, compression=zipfile.ZIP_STORED)
    start, end = honest.index(b"PK\x01\x02"), honest.index(b"PK\x05\x06")
    record, tail = honest[start:end], bytearray(honest[end:])
    directory = b"".join(record.replace(b"aaaa", b"%04x" % number) for number in range(65_535))
    struct.pack_into("<HHI", tail, 8, 65_535, 65_535, len(directory))
    return honest[:start] + directory + bytes(tail)


def lying_size() -> bytes:
    return patch_directory(one_huge_cell(60), SHEET, size=1_000)


def lying_size_and_checksum() -> bytes:
    content = one_huge_cell(60)
    with zipfile.ZipFile(io.BytesIO(content)) as package, package.open(SHEET) as part:
        crc = zlib.crc32(part.read(1_000))
    return patch_directory(content, SHEET, size=1_000, crc=crc)


def overlapping() -> bytes:
    content = with_extra("xl/second.xml", b"x" * 100)
    return patch_directory(content, "xl/second.xml", offset=offset_of(content, SHEET))


def twins() -> bytes:
    return pack(parts() | {SHEET.upper(): b"<a/>"})


def amplified(characters: int) -> bytes:
    """One shared text that stands in 200,000 cells."""
    text = os.urandom(characters // 2).hex()
    strings = f"{DECLARATION}<sst {MAIN}><si><t>{text}</t></si></sst>"
    rows = "".join(
        f'<row r="{row}">'
        + "".join(f'<c r="{chr(64 + column)}{row}" t="s"><v>0</v></c>' for column in range(1, 21))
        + "</row>"
        for row in range(1, 10_001)
    )
    changed = parts(sheet(rows))
    kinds = str(changed["xl/_rels/workbook.xml.rels"]).replace(
        "</Relationships>",
        '<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"'
        ' Target="sharedStrings.xml"/></Relationships>',
    )
    return pack(changed | {"xl/_rels/workbook.xml.rels": kinds, "xl/sharedStrings.xml": strings})


def elements() -> bytes:
    """More than two million elements, with enough noise between them to stay under the ratio."""

    def pieces():
        yield f'{DECLARATION}<worksheet {MAIN}><sheetData><row r="1">'.encode()
        for _ in range(220):
            noise = os.urandom(1_000).hex()
            yield b"".join(b"<e/>" * 9 + b'<e a="%b"/>' % noise[2 * n : 2 * n + 2].encode() for n in range(1_000))
        yield b"</row></sheetData></worksheet>"

    return pack_streamed(pieces())


def beyond(rows: int) -> bytes:
    body = "".join(f'<row r="{row}">{cell(f"A{row}")}</row>' for row in range(1, rows + 1))
    return pack(parts(sheet(body)))


def no_references(cells: int) -> bytes:
    return pack(parts(sheet("<row>" + "<c t='n'><v>1</v></c>" * cells + "</row>")))


HOSTILE = {
    "one cell of 400 MB": ("workbook_too_large", lambda: one_huge_cell(400)),
    "one cell of 40 MB": ("workbook_unsafe", lambda: one_huge_cell(40)),
    "65,535 entries": ("workbook_unsafe", directory_of_65535),
    "201 entries": ("workbook_unsafe", lambda: many_entries(201)),
    "size that lies": ("workbook_damaged", lying_size),
    "size and checksum that lie": ("workbook_damaged", lying_size_and_checksum),
    "overlapping entries": ("workbook_unsafe", overlapping),
    "two entries of one name": ("workbook_unsafe", twins),
    "parent folder in a name": ("workbook_unsafe", lambda: with_extra("../../etc/cron.d/x")),
    "absolute name": ("workbook_unsafe", lambda: with_extra("/etc/cron.d/x")),
    "drive in a name": ("workbook_unsafe", lambda: with_extra("C:\\x")),
    "backslashes to the parent": ("workbook_unsafe", lambda: with_extra("xl\\..\\..\\x")),
    "nested zip": ("workbook_macros", lambda: with_extra("xl/inner.zip", pack(parts()))),
    "zip of a workbook": ("file_type_mismatch", lambda: pack({"list.txt": pack(parts())})),
    "any other zip": ("file_type_mismatch", lambda: pack({"readme.txt": b"x"})),
    "encrypted entry": ("workbook_encrypted", lambda: patch_directory(pack(parts()), SHEET, flags=1)),
    "encrypted workbook": ("workbook_encrypted", lambda: OLE + "EncryptedPackage".encode("utf-16-le")),
    "old workbook named xlsx": ("workbook_old", lambda: OLE + "Workbook".encode("utf-16-le")),
    "macros": ("workbook_macros", lambda: with_extra("xl/vbaProject.bin")),
    "embedded object": ("workbook_macros", lambda: with_extra("xl/embeddings/oleObject1.bin")),
    "macro workbook named xlsx": (
        "workbook_macros",
        lambda: pack(
            parts(types='<Types><Override ContentType="application/vnd.ms-excel.sheet.macroEnabled.main+xml"/></Types>')
        ),
    ),
    "cell at XFD1048576": ("rows_too_many", lambda: pack(parts(sheet(f'<row r="1048576">{cell("XFD1048576")}</row>')))),
    "cell at XFD1": ("columns_too_many", lambda: pack(parts(sheet(f'<row r="1">{cell("XFD1")}</row>')))),
    "cell that leaves its row": ("rows_too_many", lambda: pack(parts(sheet(f'<row r="1">{cell("A1048576")}</row>')))),
    "1,048,576 rows": ("rows_too_many", lambda: beyond(60_000)),
    "row beyond the last": ("rows_too_many", lambda: pack(parts(sheet(GOOD_ROWS + '<row r="1048576"/>')))),
    "21 cells without reference": ("columns_too_many", lambda: no_references(21)),
    "dimension that lies": (
        "rows_too_many",
        lambda: pack(parts(sheet(f'<row r="900000">{cell("A900000")}</row>', before='<dimension ref="A1:B2"/>'))),
    ),
    "reference that is none": ("workbook_damaged", lambda: pack(parts(sheet('<row r="1"><c r="A-1"/></row>')))),
    "row number of 5,000 digits": ("workbook_damaged", lambda: pack(parts(sheet(f'<row r="{"9" * 5000}"/>')))),
    "billion laughs": ("workbook_unsafe", lambda: with_doctype(entities(), "&a9;")),
    "quadratic entities": (
        "workbook_unsafe",
        lambda: with_doctype(f'<!DOCTYPE w [<!ENTITY a "{os.urandom(50_000).hex()}">]>', "&a;" * 10_000),
    ),
    "external entity": (
        "workbook_unsafe",
        lambda: with_doctype('<!DOCTYPE w [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
    ),
    "external DTD": ("workbook_unsafe", lambda: with_doctype('<!DOCTYPE w SYSTEM "http://127.0.0.1:9/x.dtd">', "x")),
    "DTD in the workbook part": (
        "workbook_unsafe",
        lambda: pack(parts(workbook=str(parts()["xl/workbook.xml"]).replace("<workbook", "<!DOCTYPE w><workbook"))),
    ),
    "UTF-16 XML": (
        "workbook_unsafe",
        lambda: pack(parts(sheet(GOOD_ROWS).replace("UTF-8", "UTF-16").encode("utf-16"))),
    ),
    "UTF-16 XML that does not say so": (
        "workbook_unsafe",
        lambda: pack(parts(sheet(GOOD_ROWS).removeprefix(DECLARATION).encode("utf-16"))),
    ),
    "UTF-7 XML": ("workbook_unsafe", lambda: pack(parts(sheet(GOOD_ROWS).replace("UTF-8", "UTF-7")))),
    "broken XML": ("workbook_damaged", lambda: pack(parts("<worksheet><sheetData>"))),
    "XML that ends early": ("workbook_damaged", lambda: pack(parts(sheet(GOOD_ROWS).removesuffix("</worksheet>")))),
    "one text 200,000 times": ("takes_too_long", lambda: amplified(30_000)),
    "one short text 200,000 times": ("workbook_too_large", lambda: amplified(100)),
    "two million elements": ("workbook_too_large", elements),
    "truncated in the middle": ("workbook_damaged", lambda: pack(parts())[:700]),
    "truncated at the end": ("workbook_damaged", lambda: pack(parts())[:-10]),
    "only the magic bytes": ("workbook_damaged", lambda: b"PK\x03\x04"),
    "sheet part missing": ("workbook_damaged", lambda: pack({k: v for k, v in parts().items() if k != SHEET})),
    "bzip2 entries": ("workbook_unsafe", lambda: pack(parts(), compression=zipfile.ZIP_BZIP2)),
    "NUL in a name": ("workbook_unsafe", lambda: with_extra("xl/aXb").replace(b"xl/aXb", b"xl/a\0b")),
    "HTML": ("file_type_mismatch", lambda: b"<!DOCTYPE html><html><table><tr><td>Name"),
    "PDF": ("file_type_mismatch", lambda: b"%PDF-1.7\n"),
    "EXE": ("file_type_mismatch", lambda: b"MZ\x90\x00" + b"\0" * 100),
    "CSV named xlsx": ("file_type_mismatch", lambda: b"Name\r\nAnn\r\n"),
    "empty": ("file_empty", lambda: b""),
}


@pytest.mark.parametrize("label", HOSTILE)
def test_a_hostile_file_is_refused_in_little_memory(label, read, little_memory) -> None:
    code, build = HOSTILE[label]
    content = build()
    with little_memory(), pytest.raises(UploadRefusal) as refused:
        read(content)
    assert refused.value.code == code
    assert str(refused.value)
    assert refused.value.advice


def test_the_packed_bombs_are_small_enough_to_be_uploaded() -> None:
    assert len(one_huge_cell(400)) < 5 * 1024 * 1024
    assert len(elements()) < 5 * 1024 * 1024
    assert len(directory_of_65535()) < 5 * 1024 * 1024
    assert len(amplified(30_000)) < 5 * 1024 * 1024


def test_two_hundred_entries_are_still_read(read) -> None:
    assert len(read(many_entries(200)).rows) == 1


def test_the_workbook_all_hostile_ones_are_made_of_is_read(read) -> None:
    assert [dict(row.values)["name"] for row in read(pack(parts())).rows] == ["Ann"]


def test_the_reader_is_a_child_without_our_secrets(read, monkeypatch, tmp_path) -> None:
    witness = tmp_path / "environment"
    spy = tmp_path / "python"
    spy.write_text(f"#!/bin/sh\n/usr/bin/env > {witness}\nexit 3\n")
    spy.chmod(0o700)
    monkeypatch.setenv("SECRET_KEY", "canary-secret")
    monkeypatch.setattr("sys.executable", str(spy))
    with pytest.raises(RuntimeError, match="status 3"):
        read(pack(parts()))
    assert "canary" not in witness.read_text()


def test_the_reader_cannot_take_more_memory_time_or_disk_than_it_is_given() -> None:
    program = """
import resource
from partner_center.imports.reader import confine
confine()
print([resource.getrlimit(kind)[1] for kind in (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE)])
bytearray(600 << 20)
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False)
    assert ended.stdout.strip() == str([512 << 20, 10, 64 << 20])
    assert "MemoryError" in ended.stderr


def test_a_reader_that_never_ends_is_stopped(read, monkeypatch, tmp_path) -> None:
    spy = tmp_path / "python"
    spy.write_text("#!/bin/sh\nexec sleep 60\n")
    spy.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(spy))
    monkeypatch.setattr("partner_center.imports.intake.LONGEST_WAIT", 0.2)
    with pytest.raises(UploadRefusal) as refused:
        read(pack(parts()))
    assert refused.value.code == "takes_too_long"


def test_nothing_is_left_on_the_disk(read, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    read(pack(parts()))
    with pytest.raises(UploadRefusal):
        read(pack(parts())[:-10])
    assert list(tmp_path.iterdir()) == []


def test_an_upload_beyond_five_megabytes_is_stopped_while_it_comes(read, little_memory) -> None:
    class Endless(io.RawIOBase):
        name = "list.csv"
        given = 0

        def read(self, size=-1):
            Endless.given += 65_536
            return b"a" * 65_536

        def seek(self, position, whence=0):
            return 0

    with little_memory(), pytest.raises(UploadRefusal) as refused:
        read_upload(Endless(), columns=[], max_rows=10)
    assert refused.value.code == "file_too_large"
    assert str(refused.value) == "The file is larger than 5 MB."
    assert Endless.given <= 5 * 1024 * 1024 + 2 * 65_536


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("list.xlsm", "workbook_macros"),
        ("LIST.XLSB", "workbook_macros"),
        ("list.xls", "workbook_old"),
        ("list.ods", "file_type_unknown"),
        ("list.xlsx.exe", "file_type_unknown"),
        ("list", "file_type_unknown"),
        ("", "file_type_unknown"),
        ("list.xlsx\0.txt", "file_type_unknown"),
    ],
)
def test_other_kinds_of_files_are_refused_by_name(read, name, code) -> None:
    with pytest.raises(UploadRefusal) as refused:
        read(pack(parts()), name)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "name", ["../../x.xlsx", "a" * 300 + ".xlsx", "CON.xlsx", '"\r\n.xlsx', "x\u202excod.XLSX", "a\0b.xlsx"]
)
def test_a_hostile_file_name_never_becomes_a_path(read, name) -> None:
    assert len(read(pack(parts()), name).rows) == 1


@pytest.mark.parametrize(
    "content", [b"%PDF-1.7", b"MZ\x90", b"PK\x03\x04", OLE, b"\xef\xbb\xbf <HTML>", b"\x1f\x8b\x08", b"\x89PNG\r\n"]
)
def test_other_contents_named_csv_are_refused(read, content) -> None:
    with pytest.raises(UploadRefusal) as refused:
        read(content, "list.csv")
    assert refused.value.code == "file_type_mismatch"


def test_a_central_directory_that_promises_more_is_damaged(read) -> None:
    content = bytearray(pack(parts()))
    end = content.index(b"PK\x05\x06")
    struct.pack_into("<HH", content, end + 8, 60_000, 60_000)
    struct.pack_into("<I", content, end + 12, 0x7FFFFFFF)
    with pytest.raises(UploadRefusal) as refused:
        read(bytes(content))
    assert refused.value.code == "workbook_damaged"
