"""Finds a canary's values in whatever left the house, however they were written down."""

import html
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from urllib.parse import unquote_plus

from django.http import HttpResponseBase

from tests.site.world import CANARIES, Canary

# The domain of an address, the first letters and the last digits are what masks show.
_JSON_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_NOT_A_DIGIT = re.compile(r"[\s().-]+")


def clear_values(canary: Canary) -> tuple[str, ...]:
    """List what must not be read anywhere: the surname in name, address and account, the rest, and the number."""
    return canary.surname.lower(), f"云雀{canary.number}", canary.mobile[6:]


def canaries_in(content: str | bytes, *, but: Iterable[Canary] = ()) -> set[str]:
    """Find the clear values in a text, in HTML, in an address, in JSON or in the parts of a workbook."""
    allowed = {value for canary in but for value in clear_values(canary)}
    texts = [reading for text in _texts(content) for reading in _readings(text)]
    wanted = {value for canary in CANARIES for value in clear_values(canary)} - allowed
    return {value for value in wanted if any(value in text for text in texts)}


def canaries_in_answer(response: HttpResponseBase, *, but: Iterable[Canary] = ()) -> set[str]:
    """Look through body and headers, cookies among them."""
    body = b"".join(response.streaming_content) if response.streaming else response.content
    headers = "\n".join([*map(str, response.headers.items()), response.cookies.output()])
    return canaries_in(body, but=but) | canaries_in(headers, but=but)


def _texts(content: str | bytes) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from (archive.read(name).decode(errors="replace") for name in archive.namelist())
    else:
        yield content.decode(errors="replace")


def _readings(text: str) -> Iterator[str]:
    for reading in (text, html.unescape(text), unquote_plus(text), _JSON_ESCAPE.sub(_character, text)):
        yield reading.lower()
        yield _NOT_A_DIGIT.sub("", reading)


def _character(match: re.Match[str]) -> str:
    return str(json.loads(f'"{match.group()}"')) if not match.group(1).lower().startswith("d") else match.group()
