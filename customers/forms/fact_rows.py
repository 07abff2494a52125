"""Rows of facts about accounts, from a file of the vendor: every value checked, every fault named by row and field."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext_lazy as _

from customers import queries
from customers.forms.facts import MAY_BE_NEGATIVE, country_field, currency_field, site_field
from customers.models import Account
from customers.rules.contact import normalise_account_name, normalise_mobile, normalise_name
from partner_center import imports
from partner_center.imports.intake import UploadedFile
from partner_center.mail.addresses import normalise_address
from partner_center.refusals import Refusal, Text

MOST_ROWS = 20_000
MOST_COLUMNS = 60
LARGEST_AMOUNT, LARGEST_COUNT = 10**15, 2**31 - 1
KEY = "account_number"
# What a new account needs; a known one keeps what the file does not say.
NEEDED = ("account_name", "customer_name", "email")
MAY_BE_CLEARED = frozenset({"mobile", "master"})
UNIQUE = ("email", "account_name")
NOT_FACTS = frozenset({"id", "public_id", "user", "updated_at"})
YES, NO = frozenset({"true", "yes", "1", "是"}), frozenset({"false", "no", "0", "否"})


class BadFile(Refusal):
    code = "bad_file"
    message = _("This file cannot be read: %(reason)s")
    next_step = _("Correct the file and import it again.")
    status = 422


@dataclass(frozen=True)
class Fault:
    """
    One thing that is wrong with a file.

    :param row: counted from 1 with the header in a table, from 1 in a list; 0 for the file as a whole
    :param field: name of the column, empty where the row as a whole is at fault
    """

    row: int
    field: str
    reason: Text

    def __str__(self) -> str:
        place = f"row {self.row}" if self.row else "file"
        return f"{place}, {self.field}: {self.reason}" if self.field else f"{place}: {self.reason}"


@dataclass
class FactRows:
    """What a file says: rows ready for `import_account_facts`, or its faults; with a fault, nothing may be written."""

    rows: list[dict[str, object]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


# --- one value -----------------------------------------------------------------------------------

Reader = Callable[[object], object]


def _reader(column: "models.Field[Any, Any]") -> Reader:
    """Return what turns a cell, or a value of JSON, into a value of this column, or says what is wrong with it."""
    special: dict[str, Reader] = {
        KEY: _number,
        "master": _number,
        "email": lambda value: normalise_address(_text(value)),
        "customer_name": lambda value: normalise_name(_text(value)),
        "account_name": lambda value: normalise_account_name(_text(value)),
        "mobile": lambda value: normalise_mobile(_text(value)),
        "site": lambda value: site_field().clean(_text(value)),
        "country": lambda value: country_field().clean(_text(value)),
        "currency": lambda value: currency_field().clean(_text(value)),
    }
    if column.name in special:
        return special[column.name]
    if isinstance(column, models.BooleanField):
        return _flag
    if isinstance(column, models.DateTimeField):
        return _moment
    if column.choices:
        return lambda value: _choice(value, [str(key) for key, _label in column.flatchoices])
    largest = LARGEST_AMOUNT if isinstance(column, models.BigIntegerField) else LARGEST_COUNT
    least = -largest if column.name in MAY_BE_NEGATIVE else 0
    return lambda value: _whole(value, least=least, largest=largest)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValidationError(_("This should be a text."))
    return value


def _number(value: object) -> str:
    text = _text(value)
    if not re.fullmatch(r"[0-9]{6,20}", text):
        raise ValidationError(_("An account number has 6 to 20 digits."))
    return text


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = _text(value).casefold()
    if word not in YES | NO:
        raise ValidationError(_("This should be true or false."))
    return word in YES


def _whole(value: object, *, least: int, largest: int) -> int:
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,16}", value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValidationError(_("This should be a whole number; amounts are in minor units, such as cents."))
    if not least <= value <= largest:
        raise ValidationError(_("This number is too small or too large."))
    return value


def _choice(value: object, allowed: list[str]) -> str:
    if value not in allowed:
        raise ValidationError(_("This should be one of: %(allowed)s."), params={"allowed": ", ".join(allowed)})
    return str(value)


def _moment(value: object) -> datetime:
    text = _text(value)
    try:
        day = parse_date(text)
        moment = datetime.combine(day, time.min, tzinfo=timezone.get_fixed_timezone(0)) if day else parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValidationError(_("This should be a day, or a time with its offset such as 2026-11-20T08:30:00+08:00."))
    return moment


READERS: dict[str, Reader] = {
    column.name: _reader(column)
    for column in Account._meta.concrete_fields  # noqa: SLF001 - Django documents it
    if column.name not in NOT_FACTS
}
COLUMNS = tuple(
    imports.UploadColumn(name, name, required=name == KEY, digits=name in {KEY, "master", "mobile"}) for name in READERS
)


# --- files ---------------------------------------------------------------------------------------


def read_table(file: UploadedFile) -> FactRows:
    """
    Read a CSV file or the first sheet of a workbook whose headers are field names; an empty cell says nothing.

    :raises UploadRefusal: when the file as a whole cannot be taken
    """
    upload = imports.read_upload(file, columns=COLUMNS, max_rows=MOST_ROWS, max_columns=MOST_COLUMNS)
    given = ((row.number, {name: text for name, text in row.values.items() if text}) for row in upload.rows)
    found = read_rows(given)
    unknown = [Fault(1, name, _("There is no such field.")) for name in upload.ignored]
    unreadable = [Fault(fault.number, "", fault.reason) for fault in upload.faults]
    found.faults = sorted([*unknown, *unreadable, *found.faults], key=lambda fault: fault.row)
    return found


def read_json(text: str) -> FactRows:
    """
    Read a list of objects by field name; null clears a mobile number or a master.

    :raises BadFile: when it is no such list
    """
    try:
        items = json.loads(text)
    except ValueError as error:
        raise BadFile(reason=error) from None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise BadFile(reason=_("It should be a list of objects."))
    return read_rows(enumerate(items, start=1))


def read_rows(given: Iterable[tuple[int, Mapping[str, object]]]) -> FactRows:
    """Check every value of every row, then the rows against each other and against the directory."""
    found = FactRows()
    numbers: list[int] = []
    for number, values in given:
        row, faults = _read_row(number, values)
        found.faults += faults
        if KEY in row:
            found.rows.append(row)
            numbers.append(number)
    told = {(fault.row, fault.field) for fault in found.faults}
    clashes = _clashes(list(zip(numbers, found.rows, strict=True)))
    found.faults += [fault for fault in clashes if (fault.row, fault.field) not in told]
    found.faults.sort(key=lambda fault: fault.row)
    return found


def _read_row(number: int, values: Mapping[str, object]) -> tuple[dict[str, object], list[Fault]]:
    row: dict[str, object] = {}
    faults: list[Fault] = []
    for name, value in values.items():
        try:
            row[name] = _read(name, value)
        except (ValidationError, Refusal) as problem:
            reason = " ".join(problem.messages) if isinstance(problem, ValidationError) else str(problem)
            faults.append(Fault(number, name, reason))
    if KEY not in values:
        faults.append(Fault(number, KEY, _("This field is missing.")))
    return row, faults


def _read(name: str, value: object) -> object:
    reader = READERS.get(name)
    if reader is None:
        raise ValidationError(_("There is no such field."))
    if value is None or value == "":
        if name in MAY_BE_CLEARED:
            return None if name == "master" else ""
        raise ValidationError(_("This field cannot be empty."))
    return reader(value)


# --- rows against each other and against the directory -------------------------------------------

NumberedRow = tuple[int, dict[str, object]]


def _clashes(rows: list[NumberedRow]) -> Iterator[Fault]:
    known = queries.taken(KEY, [str(row[KEY]) for _number, row in rows])
    yield from _incomplete(rows, known)
    yield from _repeated(rows, KEY)
    for name in UNIQUE:
        yield from _repeated(rows, name)
        yield from _taken(rows, name)
    yield from _without_master(rows)


def _incomplete(rows: list[NumberedRow], known: Mapping[str, str]) -> Iterator[Fault]:
    for number, row in rows:
        if row[KEY] not in known:
            yield from (Fault(number, name, _("A new account needs this field.")) for name in NEEDED if name not in row)


def _repeated(rows: list[NumberedRow], name: str) -> Iterator[Fault]:
    first: dict[object, int] = {}
    for number, row in rows:
        if name in row and first.setdefault(row[name], number) != number:
            yield Fault(number, name, _("An earlier row has the same value."))


def _taken(rows: list[NumberedRow], name: str) -> Iterator[Fault]:
    holders = queries.taken(name, [str(row[name]) for _number, row in rows if name in row])
    for number, row in rows:
        if name in row and holders.get(str(row[name]), row[KEY]) != row[KEY]:
            yield Fault(number, name, _("Another account has this value."))


def _without_master(rows: list[NumberedRow]) -> Iterator[Fault]:
    wanted = [(number, row) for number, row in rows if row.get("master")]
    there = queries.taken(KEY, [str(row["master"]) for _number, row in wanted]).keys() | {row[KEY] for _n, row in rows}
    for number, row in wanted:
        if row["master"] == row[KEY] or row["master"] not in there:
            yield Fault(number, "master", _("There is no other account with this number."))
