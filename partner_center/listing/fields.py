"""Form fields of filters: what can be typed wrongly is told beside the field, and never reaches the database."""

from collections.abc import Callable
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from partner_center.refusals import Refusal

LONGEST = 200
FIRST_YEAR, LAST_YEAR = 2000, 2199
LONGEST_RANGE_YEARS = 10
FROM, TO = "_from", "_to"


class LineField(forms.CharField):
    """One line of text without control characters and half surrogates, of at most 200 characters."""

    default_error_messages = {
        "not_a_line": _("Enter one line of plain text."),
        "too_long": _("Enter at most %(most)s characters."),
        "too_short": _("Enter at least %(least)s characters."),
    }

    def __init__(self, *, least: int = 0, normalise: Callable[[str], str] = str, **options: Any) -> None:
        super().__init__(**options)
        self.least, self.normalise = least, normalise

    def to_python(self, value: Any) -> str:
        text = str(super().to_python(value) or "")
        if len(text) > LONGEST:
            raise ValidationError(self.error_messages["too_long"], "too_long", {"most": LONGEST})
        if not _is_plain(text):
            raise ValidationError(self.error_messages["not_a_line"], "not_a_line")
        if text and len(text) < self.least:
            raise ValidationError(self.error_messages["too_short"], "too_short", {"least": self.least})
        return self._normal(text) if text else ""

    def _normal(self, text: str) -> str:
        try:
            normal = self.normalise(text)
        except Refusal as refusal:
            raise ValidationError(f"{refusal} {refusal.advice}", refusal.code) from None
        if not normal:
            raise ValidationError(self.error_messages["not_a_line"], "not_a_line")
        return normal

    def run_validators(self, value: Any) -> None:
        """Everything is judged above; Django's own text about null characters would come second."""


def _is_plain(text: str) -> bool:
    return not any(
        character < " " or "\x7f" <= character <= "\x9f" or "\ud800" <= character <= "\udfff" for character in text
    )


class PublicIdField(forms.RegexField):
    """The public id of a row, as links between pages carry it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            r"\A[A-Za-z0-9_-]{1,22}\Z", error_messages={"invalid": _("This link is not complete.")}, **options
        )


class DayField(forms.DateField):
    """A day as the browser's date input sends it."""

    default_error_messages = {
        "invalid": _("Enter a day such as 2026-11-20."),
        "out_of_reach": _("Enter a day between the years %(first)s and %(last)s."),
    }

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"input_formats": ["%Y-%m-%d"], **options})

    def to_python(self, value: Any) -> date | None:
        day: date | None = super().to_python(value)
        if day is not None and not FIRST_YEAR <= day.year <= LAST_YEAR:
            reach = {"first": FIRST_YEAR, "last": LAST_YEAR}
            raise ValidationError(self.error_messages["out_of_reach"], "out_of_reach", reach)
        return day


class FilterForm(forms.Form):
    """All filters of a list; `x_from` and `x_to` are the two ends of a range of days."""

    def clean(self) -> dict[str, Any]:
        for name in [name for name in self.fields if name.endswith(TO)]:
            first, last = self.cleaned_data.get(name.removesuffix(TO) + FROM), self.cleaned_data.get(name)
            if first and last:
                self._check_range(name, first, last)
        return self.cleaned_data

    def _check_range(self, name: str, first: date, last: date) -> None:
        if last < first:
            self.add_error(name, _("The last day lies before the first."))
        elif last.year - first.year > LONGEST_RANGE_YEARS:
            self.add_error(
                name, ValidationError(_("Choose at most %(years)s years."), params={"years": LONGEST_RANGE_YEARS})
            )
