"""Answers that are files: one range at a time, so that a broken download goes on where it stopped."""

import re
from collections.abc import Iterator
from pathlib import Path

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header, parse_etags

RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
READ_AT_ONCE = 64 * 1024
CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def attachment(content: bytes, *, name: str, file_format: str) -> HttpResponse:
    """Answer with a small file made in memory."""
    response = HttpResponse(content, content_type=CONTENT_TYPES[file_format])
    response["Content-Disposition"] = _disposition(name)
    return response


def stored_file(request: HttpRequest, path: Path, *, name: str, file_format: str, sha256: str) -> HttpResponseBase:
    """
    Answer with a stored file or the part of it that was asked for (RFC 9110 14).

    :param sha256: of the file; its entity tag, so a part is never glued to another file's beginning
    """
    etag, size = f'"{sha256}"', path.stat().st_size
    if etag in parse_etags(request.headers.get("If-None-Match", "")):
        return HttpResponse(status=304, headers={"ETag": etag})
    wanted = _wanted(request, etag, size)
    if wanted is None:
        response: HttpResponseBase = FileResponse(path.open("rb"), content_type=CONTENT_TYPES[file_format])
    elif not wanted:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    else:
        response = _part(path, wanted, size, CONTENT_TYPES[file_format])
    response["Content-Disposition"] = _disposition(name)
    response["Accept-Ranges"], response["ETag"] = "bytes", etag
    return response


def _disposition(name: str) -> str:
    return content_disposition_header(as_attachment=True, filename=name) or "attachment"


def _wanted(request: HttpRequest, etag: str, size: int) -> range | None:
    """Return the bytes asked for, an empty range when there are none, or None for the whole file."""
    asked = RANGE.fullmatch(request.headers.get("Range", "").strip())
    if asked is None or asked.groups() == ("", "") or request.headers.get("If-Range", etag) != etag:
        return None
    first, last = asked.groups()
    if first == "":
        return range(max(0, size - int(last)), size)
    end = min(size, int(last) + 1) if last else size
    if last and int(last) < int(first):
        return None
    return range(int(first), end)


def _part(path: Path, wanted: range, size: int, content_type: str) -> StreamingHttpResponse:
    response = StreamingHttpResponse(_read(path, wanted), status=206, content_type=content_type)
    response["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{size}"
    response["Content-Length"] = str(len(wanted))
    return response


def _read(path: Path, wanted: range) -> Iterator[bytes]:
    with path.open("rb") as stream:
        stream.seek(wanted.start)
        left = len(wanted)
        while left > 0 and (piece := stream.read(min(READ_AT_ONCE, left))):
            left -= len(piece)
            yield piece
