"""What is typed to issue coupons: terms beside the limits of a quota, and who is to get one."""

import re
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import TextChoices
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.forms.facts import AmountField
from customers.rules import Model
from partner_center.listing.fields import DayField, LineField
from partner_center.mail.addresses import safe_display
from partner_center.tenancy.models import Member
from vouchers.models import Quota
from vouchers.queries import receivers
from vouchers.rules import OrderType, Reason, words
from vouchers.rules.issuing import (
    HIGHEST_RATIO,
    LONGEST_REMARK,
    LONGEST_SCOPE,
    MOST_SCOPES,
    WITH_RATIO,
    Policy,
    Terms,
    terms_within,
    why_terms_refused,
)

LONGEST_PASTE = 1_500_000
SHORTEST_SEARCH = 2
_BETWEEN = re.compile(r"[,;，；\n]")
# Beside which field a refused term is told; the rest stands above the form.
_FIELDS = {
    Reason.FACE_TOO_SMALL: "face",
    Reason.FACE_TOO_LARGE: "face",
    Reason.VALIDITY_EXCEEDS_QUOTA: "last_day",
    Reason.SCOPE_EXCEEDS_QUOTA: "services",
    Reason.ORDER_TYPES_EXCEED_QUOTA: "order_types",
}


class Source(TextChoices):
    """Where the customers come from."""

    CHOSEN = "chosen", _("Chosen one by one")
    MATCHING = "matching", _("All of a group")
    LIST = "list", _("A list of account names")


class PositiveAmountField(AmountField):
    """An amount above zero, or nothing where nothing is needed."""

    def __init__(self, *, currency: str, **options: Any) -> None:
        super().__init__(currency=currency, may_be_negative=False, **options)

    def clean(self, value: Any) -> Any:
        if not self.required and not str(value or "").strip():
            return None
        minor = super().clean(value)
        if not minor:
            raise forms.ValidationError(_("Write an amount above zero."), "zero")
        return minor


class NamesField(forms.CharField):
    """Several names, between commas or one to a line."""

    def clean(self, value: Any) -> Any:
        names = [safe_display(each, longest=LONGEST_SCOPE + 1) for each in _BETWEEN.split(super().clean(value))]
        names = list(dict.fromkeys(name for name in names if name))
        if len(names) > MOST_SCOPES or any(len(name) > LONGEST_SCOPE for name in names):
            raise forms.ValidationError(_("Write at most 10 names of at most 64 characters."), "names")
        return names


class DayInput(forms.DateInput):
    """A browser's date input, which takes its value in one form whatever the language."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class IssueForm(forms.Form):
    """The terms of an issue and its customers; the limits are those of one quota."""

    first_day = DayField(label=_("Valid from"), widget=DayInput)
    last_day = DayField(label=_("Valid until"), widget=DayInput)
    remark = forms.CharField(
        label=_("Remark"),
        required=False,
        max_length=LONGEST_REMARK,
        help_text=_("Only you see it, in the operation records. The customer never does."),
    )
    source = forms.ChoiceField(label=_("Customers"), choices=Source.choices, initial=Source.CHOSEN)
    policy = forms.ChoiceField(
        label=_("If a row fails"), choices=Policy.choices, initial=Policy.SKIP, widget=forms.RadioSelect
    )
    model = forms.ChoiceField(label=_("Association model"), required=False)
    custom_tag = forms.ChoiceField(label=_("Custom tag"), required=False)
    matching = forms.IntegerField(required=False, min_value=0, widget=forms.HiddenInput)
    pasted = forms.CharField(
        label=_("Paste a list"),
        required=False,
        strip=False,
        max_length=LONGEST_PASTE,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("One account name per line; a customer name behind a comma is compared."),
    )
    upload = forms.FileField(
        label=_("Upload a file"), required=False, help_text=_("XLSX or CSV, at most 5 MB and 10,000 rows.")
    )

    def __init__(self, data: Any = None, files: Any = None, *, quota: Quota, member: Member, now: datetime) -> None:
        first = timezone.localdate(max(quota.effective_at, now))
        days = {"first_day": first, "last_day": timezone.localdate(quota.expires_at - timedelta(seconds=1))}
        super().__init__(data, files, initial=days)
        self.quota, self.now = quota, now
        self._add_amounts(quota)
        self._add_scopes(quota)
        self.fields["model"].choices = [("", _("All")), *Model.choices]  # type: ignore[attr-defined]
        tags = [(tag, f"{tag} ({count})") for tag, count in receivers.custom_tags(member)]
        self.fields["custom_tag"].choices = [("", _("All")), *tags]  # type: ignore[attr-defined]

    def _add_amounts(self, quota: Quota) -> None:
        self.fields["face"] = PositiveAmountField(
            label=_("Face value per customer (%(currency)s)") % {"currency": quota.currency}, currency=quota.currency
        )
        self.fields["min_order"] = PositiveAmountField(
            label=_("Minimum order amount (%(currency)s)") % {"currency": quota.currency},
            currency=quota.currency,
            required=False,
            help_text=_("Smaller orders cannot be paid with the coupon."),
        )
        if quota.kind in WITH_RATIO:
            self.fields["ratio"] = forms.IntegerField(
                label=_("Usage ratio limit (%)"),
                required=False,
                min_value=1,
                max_value=HIGHEST_RATIO,
                help_text=_("The most of an order that the coupon may pay. Pay-per-use is not affected."),
            )

    def _add_scopes(self, quota: Quota) -> None:
        types = [(each.value, each.label) for each in OrderType if each in (quota.order_types or OrderType.values)]
        self.fields["order_types"] = _ticks(_("Order types"), types)
        for name, label in (("services", _("Cloud services")), ("products", _("Products"))):
            allowed = getattr(quota, name)
            self.fields[name] = (
                _ticks(label, [(each, each) for each in allowed])
                if allowed
                else NamesField(label=label, required=False, help_text=_("At most 10, between commas. Empty: all."))
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("source") == Source.LIST and bool(cleaned.get("pasted", "").strip()) == bool(
            cleaned.get("upload")
        ):
            self.add_error(None, _("Paste a list or choose a file, one of the two."))
        if not self.errors and (reason := why_terms_refused(self.terms(), self.quota, now=self.now)):
            field = _FIELDS.get(reason)
            self.add_error(field if field in self.fields else None, str(words(reason)))
        return cleaned

    def clean_remark(self) -> str:
        return safe_display(self.cleaned_data["remark"], longest=LONGEST_REMARK)

    def terms(self) -> Terms:
        """Return the terms as typed; a day at an end of the quota's time reaches to that end."""
        given = self.cleaned_data
        return terms_within(
            self.quota,
            face_minor=given["face"],
            effective_at=self._begin(given["first_day"]),
            expires_at=self._end(given["last_day"]),
            min_order_minor=given["min_order"],
            ratio_percent=given.get("ratio"),
            order_types=tuple(given["order_types"]),
            services=tuple(given["services"]),
            products=tuple(given["products"]),
            remark=given["remark"],
        )

    def _begin(self, day: date) -> datetime:
        bound = self.quota.effective_at
        return bound if day == timezone.localdate(bound) else _midnight(day)

    def _end(self, day: date) -> datetime:
        bound = self.quota.expires_at
        is_last = day == timezone.localdate(bound - timedelta(seconds=1))
        return bound if is_last else _midnight(day + timedelta(days=1))


def _ticks(label: Any, choices: list[tuple[str, Any]]) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label,
        choices=choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None ticked: all of these."),
    )


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


class SearchForm(forms.Form):
    """A customer's name or account name: whole, or its beginning where the member may reveal it."""

    wanted = LineField(label=_("Customer name or account name"), least=SHORTEST_SEARCH)
