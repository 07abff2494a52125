"""What may stand in one cell: text that a spreadsheet shows and never runs."""

import re

# ASVS 1.2.10, and the full-width forms that Excel folds to ASCII. Blanks and apostrophes in front do not help:
# a spreadsheet may trim the former, and counting the latter keeps the guard reversible.
FORMULA = re.compile(r"[\s\u200b-\u200f\ufeff']*[=+\-@＝＋－＠]")
GUARD = "'"

LINE_BREAKS = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
# C0 and C1 controls, bidirectional overrides, and the code points XML cannot hold.
FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
FORMULA_CONTROLS = ("\t", "\r", "\x00")

LONGEST_WORKBOOK_TEXT = 32_767  # UTF-16 units; openpyxl cuts silently, so we cut first and say so.


def safe_text(text: str) -> str:
    """Remove what no cell may hold and put an apostrophe before what a spreadsheet would run."""
    cleaned = FORBIDDEN.sub("", LINE_BREAKS.sub(" ", text))
    if text.startswith(FORMULA_CONTROLS):
        cleaned = cleaned.lstrip()
        return GUARD + cleaned if cleaned else ""
    return GUARD + cleaned if FORMULA.match(cleaned) else cleaned


def fit_workbook(text: str, *, mark: str) -> str:
    """Cut a text to what one workbook cell holds; the mark at its end tells the reader so."""
    if len(text) <= LONGEST_WORKBOOK_TEXT // 2 or _units(text) <= LONGEST_WORKBOOK_TEXT:
        return text
    room = (LONGEST_WORKBOOK_TEXT - _units(mark)) * 2
    return text.encode("utf-16-le")[:room].decode("utf-16-le", errors="ignore") + mark


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
