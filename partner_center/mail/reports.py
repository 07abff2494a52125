"""
Reading what mail systems report: RFC 3464 messages and signed events. Pure.

Only the outermost MIME level is read, by hand and within limits: a report nested a thousand deep costs nothing.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.message import Message as MimeMessage
from email.parser import BytesHeaderParser
from hashlib import sha256
from typing import Literal

LARGEST_REPORT = 10 * 1024 * 1024
LARGEST_HEADERS = 256 * 1024
MOST_PARTS = 20
LONGEST_EVENT_ID = 200

EventType = Literal["bounce", "complaint", "deferred", "delivered"]
EVENT_TYPES: tuple[EventType, ...] = ("bounce", "complaint", "deferred", "delivered")
TYPE_OF_ACTION: dict[str, EventType] = {
    "failed": "bounce",
    "delayed": "deferred",
    "delivered": "delivered",
    "relayed": "delivered",
}
TAG_HEADERS = ("X-Original-To", "Delivered-To", "To")
STATUS = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")


class UnreadableReport(ValueError):
    """Bytes that are not a report."""


@dataclass(frozen=True)
class Report:
    """One event about one mail; `status` is an RFC 3463 code such as 5.1.1."""

    event_id: str
    type: EventType
    tag: str
    status: str


def read_event(body: bytes) -> Report | None:
    """
    Read a JSON event; None means a type nobody here knows.

    :raises UnreadableReport: when the body is not such an event
    """
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        raise UnreadableReport("not JSON") from None
    if not isinstance(event, dict):
        raise UnreadableReport("not an object")
    event_id, kind, tag, status = (event.get(name, "") for name in ("event_id", "type", "tag", "status"))
    if not all(isinstance(value, str) for value in (event_id, kind, tag, status)):
        raise UnreadableReport("not text")
    if not event_id or len(event_id) > LONGEST_EVENT_ID or "\x00" in event_id or not _is_text(event_id):
        raise UnreadableReport("event_id")
    if kind not in EVENT_TYPES:
        return None
    return Report(event_id, kind, tag, _status(status))


def _is_text(value: str) -> bool:
    """Tell text from lone surrogates, which JSON can write and no database can store."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_report(body: bytes) -> Report | None:
    """
    Read a delivery report (RFC 3464); None means it names no recipient's fate.

    :raises UnreadableReport: when it is too large or not a report
    """
    if len(body) > LARGEST_REPORT:
        raise UnreadableReport("too large")
    headers, content = _split(body)
    boundary = headers.get_boundary()
    if headers.get_content_type() != "multipart/report" or not boundary:
        raise UnreadableReport("not a delivery report")
    for part in _parts(content, boundary):
        part_headers, part_content = _split(part)
        if part_headers.get_content_type() == "message/delivery-status":
            return _fate(headers, part_content, sha256(body).hexdigest())
    return None


def _split(data: bytes) -> tuple[MimeMessage, bytes]:
    """Part headers from content; what is wrong with the headers is the header parser's to bear."""
    match = re.search(rb"\r?\n\r?\n", data[:LARGEST_HEADERS])
    end, start = match.span() if match else (min(len(data), LARGEST_HEADERS), len(data))
    try:
        return BytesHeaderParser().parsebytes(data[:end]), data[start:]
    except (MessageError, ValueError, LookupError):
        raise UnreadableReport("headers") from None


def _parts(content: bytes, boundary: str) -> Iterator[bytes]:
    mark = b"--" + boundary.encode("ascii", "replace")
    pieces = content.split(b"\n" + mark, MOST_PARTS)
    if content.startswith(mark):
        pieces[0] = pieces[0][len(mark) :]
    else:
        pieces = pieces[1:]
    for piece in pieces:
        if not piece.startswith(b"--"):
            yield piece.lstrip(b" \t").removeprefix(b"\r").removeprefix(b"\n")


def _fate(headers: MimeMessage, content: bytes, digest: str) -> Report | None:
    """Read the first group of fields that names a recipient's fate."""
    for group in re.split(rb"\r?\n\r?\n", content[:LARGEST_HEADERS]):
        fields, _rest = _split(group + b"\n\n")
        action, status = _text(fields, "Action").lower(), _status(_text(fields, "Status"))
        if action in TYPE_OF_ACTION and status:
            return Report(f"report:{digest}", TYPE_OF_ACTION[action], _tag(headers), status)
    return None


def _tag(headers: MimeMessage) -> str:
    addresses = (_text(headers, name) for name in TAG_HEADERS)
    return next((address for address in addresses if "b+" in address), "")


def _text(fields: MimeMessage, name: str) -> str:
    return str(fields.get(name, "")).strip().strip("<>")


def _status(text: str) -> str:
    found = STATUS.search(text)
    return found[1] if found else ""
