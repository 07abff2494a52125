"""Column: one column that leaves the building, and how its values are masked."""

import datetime
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from django.utils import timezone

from partner_center.exports.cells import safe_text
from partner_center.refusals import Text

Kind = Literal["text", "number", "time", "date"]


class UnmaskedColumnError(TypeError):
    """A column with personal data has no mask. Exports are anonymised for everyone (decisions.md 6)."""


@dataclass(frozen=True)
class Column:
    """
    One column of a file.

    :param header: shown in the language that is active while the file is written
    :param value: takes a row and returns the value, or is the index of the value in the row
    :param kind: "text"; "number" stays a number; "time" is ISO-8601 with offset in the active zone; "date" is ISO-8601
    :param mask: applied to every value that is not empty
    :param personal: whether the column holds a name, address, number or account of a person
    :raises UnmaskedColumnError: when a personal column has no mask
    """

    header: Text
    value: Callable[[Any], object] | int
    kind: Kind = "text"
    mask: Callable[[str], str] | None = None
    personal: bool = False

    def __post_init__(self) -> None:
        if self.personal and self.mask is None:
            raise UnmaskedColumnError(f"The personal column {self.header!s} needs a mask.")

    @property
    def title(self) -> str:
        return safe_text(str(self.header))

    def text(self, row: Any) -> str:
        """Return the cell as it stands in a CSV file: masked, written out and safe."""
        value = row[self.value] if isinstance(self.value, int) else self.value(row)
        if value is None or value == "":
            return ""
        if self.mask is not None:
            return safe_text(self.mask(str(value)))
        if self.kind == "number" and (number := _number(value)) is not None:
            return number
        return safe_text(_moment(value, self.kind) if self.kind in {"time", "date"} else str(value))


def plain_columns(headers: Sequence[Text]) -> list[Column]:
    """Return text columns over rows that are already sequences of cells, such as the faulty rows of an upload."""
    return [Column(header, index) for index, header in enumerate(headers)]


def _number(value: object) -> str | None:
    if not isinstance(value, int | float | Decimal) or not math.isfinite(value):
        return None
    return f"{value:f}" if isinstance(value, Decimal) else repr(value)


def _moment(value: object, kind: Kind) -> str:
    if isinstance(value, datetime.datetime):
        if timezone.is_naive(value):
            raise ValueError("A time without zone cannot be written with its offset.")
        local = timezone.localtime(value)
        return local.date().isoformat() if kind == "date" else local.isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, datetime.date) else str(value)
