"""One form for every text that comes in: what a person sees is what is compared and stored."""

import re
import unicodedata

BLANKS = re.compile(r"\s+")
# Controls, bidirectional overrides, and marks nobody sees; the joiners of emoji and Persian stay.
INVISIBLE = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\ud800-\udfff]"
)
# What our own exports put an apostrophe before (partner_center/exports/cells.py); a test keeps the two in step.
GUARDED = re.compile(r"'(?=[\s\u200b-\u200f\ufeff']*[=+\-@＝＋－＠])")


def tidy(text: str) -> str:
    """Return the text as people see it: composed, on one line, without invisible marks, guards or outer blanks."""
    return BLANKS.sub(" ", unicodedata.normalize("NFC", INVISIBLE.sub("", without_guard(text)))).strip()


def without_guard(text: str) -> str:
    """Remove the apostrophe that an export put before what a spreadsheet would run."""
    return GUARDED.sub("", text, count=1) if text.startswith("'") else text


def header_key(text: str) -> str:
    """Return the form in which two headers are compared: case, width, blanks and marks such as * do not count."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())
