"""The forms in which the vendor grants quotas and changes them: shapes only; what is allowed, the actions say."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields as fields_of
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.forms.facts import MOMENT, AmountField, currency_field
from customers.models import Account
from customers.rules import Model
from partner_center import money
from partner_center.mail.addresses import safe_display
from partner_center.refusals import Text
from partner_center.tenancy.models import Partner, new_public_id
from vouchers.actions.quotas import Limits
from vouchers.models import Quota
from vouchers.rules import LARGEST_AMOUNT, CouponKind, OrderType, QuotaStatus

FIRST_YEAR, LAST_YEAR = 2000, 2199
YEAR = timedelta(days=365)
LONGEST_NOTE, LONGEST_TYPED = 200, 20_000
MOST_CODES, MOST_NAMED = 100, 500
MOST_UNKNOWN_TOLD = 5
LARGEST_COUNT = 10**9
_PUBLIC_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_BETWEEN = re.compile(r"[\s,;，；、]+")
AMOUNTS = ("min_face_minor", "max_face_minor", "max_total_face_minor")
GROUPS: tuple[tuple[Text, tuple[str, ...]], ...] = (
    (_("Amounts"), ("min_face_minor", "max_face_minor", "max_count", "max_total_face_minor")),
    (_("What coupons pay for"), ("order_types", "services", "products")),
    (
        _("Customers"),
        ("allowed_models", "whitelist_required", "first_associated_only", "named_numbers", "no_named_customers"),
    ),
)


class BoundedAmountField(AmountField):
    """An amount above 0 that the books can hold; empty where it may be."""

    def __init__(self, *, currency: str, **options: Any) -> None:
        super().__init__(currency=currency, may_be_negative=False, **options)

    def clean(self, value: Any) -> int | None:
        if not self.required and not str(value or "").strip():
            return None
        minor = int(super().clean(value))
        if not 0 < minor <= LARGEST_AMOUNT:
            most = money.shown(LARGEST_AMOUNT, self.currency)
            raise ValidationError(_("Write an amount above 0 and up to %(most)s."), "bounds", {"most": most})
        return minor


class MomentField(forms.DateTimeField):
    """An instant as the browser's control sends it, in the viewer's zone."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": 1}, format=MOMENT)
        super().__init__(input_formats=[MOMENT, MOMENT.removesuffix(":%S")], widget=widget, **options)

    def to_python(self, value: Any) -> datetime | None:
        """Refuse years whose instants another zone cannot hold."""
        moment: datetime | None = super().to_python(value)
        if moment is not None and not FIRST_YEAR <= moment.year <= LAST_YEAR:
            reach = {"first": FIRST_YEAR, "last": LAST_YEAR}
            raise ValidationError(_("Enter a day between the years %(first)s and %(last)s."), "out_of_reach", reach)
        return moment


class NoteField(forms.CharField):
    """One visible line."""

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        if any(each in "\x00\ufffd" or "\ud800" <= each <= "\udfff" for each in text):
            raise ValidationError(_("Enter one line of plain text."), "not_a_line")
        note = safe_display(text, longest=LONGEST_TYPED)
        if len(note) > LONGEST_NOTE:
            raise ValidationError(_("Enter at most %(most)s characters."), "too_long", {"most": LONGEST_NOTE})
        if self.required and not note:
            raise ValidationError(self.error_messages["required"], "required")
        return note


class CodesField(forms.CharField):
    """Codes that stand apart by commas, spaces or lines."""

    def __init__(self, *, most: int, **options: Any) -> None:
        super().__init__(max_length=LONGEST_TYPED, required=False, **options)
        self.most = most

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> list[str]:
        codes = list(dict.fromkeys(filter(None, _BETWEEN.split(str(super().clean(value))))))
        if len(codes) > self.most:
            raise ValidationError(_("Enter at most %(most)s of them."), "too_many", {"most": self.most})
        if any(not _CODE.fullmatch(code) for code in codes):
            raise ValidationError(_("A code has at most 64 letters, digits and . _ : - in it."), "shape")
        return codes

    def has_changed(self, initial: Any, data: Any) -> bool:
        return True


class LimitsForm(forms.Form):
    """The limits of a quota; an empty field means: not limited."""

    max_count = forms.IntegerField(
        label=_("Most coupons"), min_value=1, max_value=LARGEST_COUNT, required=False, localize=False
    )
    order_types = forms.MultipleChoiceField(
        label=_("Order types"), choices=OrderType.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    services = CodesField(most=MOST_CODES, label=_("Services"), help_text=_("Codes, with commas between them."))
    products = CodesField(most=MOST_CODES, label=_("Products"), help_text=_("Codes, with commas between them."))
    allowed_models = forms.MultipleChoiceField(
        label=_("Association models"), choices=Model.choices, required=False, widget=forms.CheckboxSelectMultiple
    )
    whitelist_required = forms.BooleanField(
        label=_("Only customers on the whitelist"),
        required=False,
        help_text=_("Cash coupons and pickup coupons always need it."),
    )
    first_associated_only = forms.BooleanField(label=_("Only customers associated for the first time"), required=False)
    named_numbers = CodesField(
        most=MOST_NAMED,
        label=_("Named customers"),
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off"}),
        help_text=_("Account numbers, with commas or lines between them. Empty: not limited to named customers."),
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, currency: str, **options: Any) -> None:
        super().__init__(data, **options)
        labels = {
            "min_face_minor": _("Least face value"),
            "max_face_minor": _("Most face value"),
            "max_total_face_minor": _("Most in all"),
        }
        for name in AMOUNTS:
            self.fields[name] = BoundedAmountField(currency=currency, label=labels[name], required=False)

    def groups(self) -> Iterator[tuple[Text, list[BoundField]]]:
        for title, names in GROUPS:
            yield title, [self[name] for name in names if name in self.fields]

    def clean_named_numbers(self) -> tuple[Account, ...]:
        numbers = self.cleaned_data["named_numbers"]
        found = {account.account_number: account for account in Account.objects.filter(account_number__in=numbers)}
        if unknown := [number for number in numbers if number not in found]:
            told = ", ".join(unknown[:MOST_UNKNOWN_TOLD])
            text = _("There is no account with these numbers: %(numbers)s")
            raise ValidationError(text, "unknown", {"numbers": told})
        return tuple(found[number] for number in numbers)

    def limits(self) -> Limits:
        return Limits(**{field.name: self.cleaned_data[field.name] for field in fields_of(Limits)})


class GrantForm(LimitsForm):
    """
    Everything about a new quota.

    `public_id` is that of the quota it will make, so that a second press finds what the first has made.
    """

    public_id = forms.CharField(widget=forms.HiddenInput)
    kind = forms.ChoiceField(label=_("Kind"), choices=CouponKind.choices, widget=forms.RadioSelect)
    effective_at = MomentField(label=_("Effective from"))
    expires_at = MomentField(label=_("Expires"))

    def __init__(self, data: Mapping[str, Any] | None = None, *, partner: Partner, now: datetime) -> None:
        currency = str((data or {}).get("currency") or partner.currency)
        super().__init__(data, currency=currency)
        self.fields["currency"] = currency_field(label=_("Currency"))
        self.fields["total_minor"] = BoundedAmountField(currency=currency, label=_("Total"))
        begins = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
        self.initial = {
            "public_id": new_public_id(),
            "kind": CouponKind.VOUCHER,
            "currency": partner.currency,
            "effective_at": begins,
            "expires_at": begins + YEAR,
            "allowed_models": [Model.RESELLER],
        }
        for name in ("effective_at", "expires_at"):
            self.fields[name].help_text = timezone.get_current_timezone_name()

    def clean_public_id(self) -> str:
        if not _PUBLIC_ID.fullmatch(self.cleaned_data["public_id"]):
            raise ValidationError(_("Load the page again."), "shape")
        return str(self.cleaned_data["public_id"])

    def granted(self) -> dict[str, Any]:
        """Return what the action is called with."""
        names = ("public_id", "total_minor", "currency", "effective_at", "expires_at")
        return {
            **{name: self.cleaned_data[name] for name in names},
            "kind": CouponKind(self.cleaned_data["kind"]),
            "limits": self.limits(),
            "named_customers": self.cleaned_data["named_numbers"],
        }


class ChangeLimitsForm(LimitsForm):
    """New limits of a quota that is being adjusted; numbers of named customers are never filled in."""

    no_named_customers = forms.BooleanField(label=_("Not limited to named customers any more"), required=False)
    note = NoteField(label=_("Note for the partner"), required=False)

    def __init__(self, data: Mapping[str, Any] | None = None, *, quota: Quota) -> None:
        initial = {field.name: getattr(quota, field.name) for field in fields_of(Limits)}
        super().__init__(data, currency=quota.currency, initial=initial)
        if quota.has_named_customers:
            self.fields["named_numbers"].help_text = _("Account numbers. Leave it empty to keep those that are stored.")
        else:
            del self.fields["no_named_customers"]

    def named_customers(self) -> tuple[Account, ...] | None:
        """Return the new ones, none at all, or None to keep those that are stored."""
        if self.cleaned_data.get("no_named_customers"):
            return ()
        return self.cleaned_data["named_numbers"] or None


class TotalForm(forms.Form):
    """A new total; `seen` is the one the person was shown."""

    seen = forms.IntegerField(widget=forms.HiddenInput, min_value=1, max_value=LARGEST_AMOUNT)
    note = NoteField(label=_("Note for the partner"), required=False)

    def __init__(self, data: Mapping[str, Any] | None = None, *, quota: Quota) -> None:
        super().__init__(data, initial={"seen": quota.total_minor, "total_minor": quota.total_minor})
        self.fields["total_minor"] = BoundedAmountField(currency=quota.currency, label=_("New total"))


class StatusForm(forms.Form):
    """Why a quota gets another status."""

    note = NoteField(label=_("Note for the partner"))

    def __init__(self, data: Mapping[str, Any] | None = None, *, status: QuotaStatus) -> None:
        super().__init__(data)
        self.fields["note"].required = status != QuotaStatus.NORMAL
        self.fields["note"].help_text = _("The partner reads it beside the status.")
