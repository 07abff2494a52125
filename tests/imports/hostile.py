"""Workbooks built byte by byte: honest ones, and ones that lie about what is in them."""

import io
import struct
import zipfile
from collections.abc import Iterable

SHEET = "xl/worksheets/sheet1.xml"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'


def cell(reference: str, text: str = "x") -> str:
    return f'<c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c>'


GOOD_ROWS = f'<row r="1">{cell("A1", "Name")}</row><row r="2">{cell("A2", "Ann")}</row>'


def sheet(rows: str, *, before: str = "", after: str = "") -> str:
    return f"{DECLARATION}<worksheet {MAIN}>{before}<sheetData>{rows}</sheetData>{after}</worksheet>"


def parts(sheet_xml: str | bytes = "", **changed: str | bytes) -> dict[str, str | bytes]:
    """Return the parts of a small workbook; `changed` replaces parts by their short names."""
    spreadsheet = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    short = {
        "types": f'{DECLARATION}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{spreadsheet}.sheet.main+xml"/>'
        f'<Override PartName="/{SHEET}" ContentType="{spreadsheet}.worksheet+xml"/></Types>',
        "root": f'{DECLARATION}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "workbook": f'{DECLARATION}<workbook {MAIN} xmlns:r="{RELATIONS}"><sheets>'
        '<sheet name="List" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "relations": f'{DECLARATION}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "sheet": sheet_xml or sheet(GOOD_ROWS),
    } | changed
    return {
        "[Content_Types].xml": short["types"],
        "_rels/.rels": short["root"],
        "xl/workbook.xml": short["workbook"],
        "xl/_rels/workbook.xml.rels": short["relations"],
        SHEET: short["sheet"],
    }


def pack(entries: dict[str, str | bytes], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as package:
        for name, content in entries.items():
            package.writestr(name, content)
    return stream.getvalue()


def pack_streamed(pieces: Iterable[bytes], *, name: str = SHEET) -> bytes:
    """Pack a workbook one part of which is too large to hold."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as package:
        for entry, content in parts().items():
            if entry != name:
                package.writestr(entry, content)
        with package.open(name, "w", force_zip64=False) as part:
            for piece in pieces:
                part.write(piece)
    return stream.getvalue()


def one_huge_cell(megabytes: int) -> bytes:
    def pieces() -> Iterable[bytes]:
        yield f'{DECLARATION}<worksheet {MAIN}><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>'.encode()
        for _ in range(megabytes):
            yield b"a" * 1024 * 1024
        yield b"</t></is></c></row></sheetData></worksheet>"

    return pack_streamed(pieces())


def patch_directory(content: bytes, name: str, **fields: int) -> bytes:
    """Change fields of one entry in the central directory: flags, crc, compressed, size, offset."""
    places = {"flags": (8, "<H"), "crc": (16, "<I"), "compressed": (20, "<I"), "size": (24, "<I"), "offset": (42, "<I")}
    changed = bytearray(content)
    start = content.index(b"PK\x01\x02")
    while content[start : start + 4] == b"PK\x01\x02":
        name_length, extra_length, comment_length = struct.unpack_from("<HHH", content, start + 28)
        if content[start + 46 : start + 46 + name_length] == name.encode():
            for field, value in fields.items():
                place, form = places[field]
                struct.pack_into(form, changed, start + place, value)
        start += 46 + name_length + extra_length + comment_length
    return bytes(changed)


def offset_of(content: bytes, name: str) -> int:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return package.getinfo(name).header_offset
