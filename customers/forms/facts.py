"""The form in which the vendor's staff correct what the directory says of an account."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from customers.forms.prospects import NormalField
from customers.models import Account
from customers.rules.contact import normalise_mobile, normalise_name
from partner_center import money
from partner_center.masking import mask_mobile, mask_name, mask_number
from partner_center.refusals import Text

MOMENT = "%Y-%m-%dT%H:%M:%S"
AMOUNTS = (
    "credit_line_minor", "balance_minor", "bonus_balance_minor", "stored_value_card_minor", "overdue_minor",
    "outstanding_invoice_minor", "vouchers_total_minor",
)  # fmt: skip
MAY_BE_NEGATIVE = frozenset({"balance_minor"})
PERSONAL = ("customer_name", "mobile")
GROUPS: tuple[tuple[Text, tuple[str, ...]], ...] = (
    (_("Customer"), PERSONAL),
    (_("Site and registration"), ("site", "country", "currency", "registered_at")),
    (
        _("Identity"),
        (
            "verified", "is_partner", "partner_application_pending", "internal_account", "agent_identity",
            "consumer_cloud",
        ),
    ),
    (
        _("Contracts, credit and programmes"),
        (
            "special_contract", "effective_contract", "subsidy_program", "promotion_program",
            "preregistered_by_vendor", "credit_bill_overdue", "credit_line_minor",
        ),
    ),
    (
        _("Payments, balances and invoices"),
        (
            "has_consumption", "unpaid_bill", "overdue_minor", "outstanding_invoice_minor", "balance_minor",
            "bonus_balance_minor", "stored_value_card_minor",
        ),
    ),
    (
        _("Enterprise accounts and custody"),
        ("enterprise_role", "custody", "master_number", "no_master", "has_independent_member"),
    ),
    (
        _("Orders, resources and vouchers"),
        ("unfinished_orders", "reserved_instances", "vouchers_count", "vouchers_total_minor", "has_discounts"),
    ),
)  # fmt: skip

LABELS = {column.name: column.verbose_name for column in Account._meta.concrete_fields}  # noqa: SLF001 - documented


class CodeField(forms.CharField):
    """A code of fixed shape, such as a country's two letters."""

    def __init__(self, pattern: str, *, wanted: Text, **options: Any) -> None:
        super().__init__(max_length=20, **options)
        self.pattern, self.wanted = re.compile(pattern), wanted

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        if not self.pattern.fullmatch(text):
            raise ValidationError(str(self.wanted), "shape")
        return text


def site_field(**options: Any) -> CodeField:
    return CodeField(r"[a-z][a-z_-]{1,19}", wanted=_("Write a site in small letters, such as china."), **options)


def country_field(**options: Any) -> CodeField:
    return CodeField(r"[A-Z]{2}", wanted=_("Write a country in two capital letters, such as CN."), **options)


def currency_field(**options: Any) -> CodeField:
    return CodeField(r"[A-Z]{3}", wanted=_("Write a currency in three capital letters, such as CNY."), **options)


class AmountField(forms.CharField):
    """An amount as people write it, kept in minor units of the form's currency."""

    def __init__(self, *, currency: str, may_be_negative: bool, **options: Any) -> None:
        super().__init__(widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}), **options)
        self.currency, self.may_be_negative = currency, may_be_negative

    def prepare_value(self, value: Any) -> Any:
        return money.typed(value, self.currency) if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        try:
            minor = money.parse(text, self.currency)
        except money.NotAnAmount:
            raise ValidationError(_("Write an amount in digits, such as 1280.50."), "amount") from None
        if minor < 0 and not self.may_be_negative:
            raise ValidationError(_("This amount cannot be negative."), "negative")
        return minor

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(money.parse(str(data or ""), self.currency) != initial)
        except money.NotAnAmount:
            return True


class FactsForm(forms.ModelForm):  # type: ignore[type-arg]
    """
    All facts of an account, under headings.

    Values of a person are never filled in: an empty field keeps what is stored. `seen` says which state of the account
    the person looked at.
    """

    seen = forms.CharField(widget=forms.HiddenInput)
    customer_name = NormalField(normalise_name, label=_("Customer name"), required=False)
    mobile = NormalField(normalise_mobile, label=_("Mobile number"), required=False)
    master_number = forms.CharField(label=_("Number of the master account"), required=False, max_length=20)
    no_master = forms.BooleanField(label=_("Belongs to no master account"), required=False)
    registered_at = forms.DateTimeField(
        label=_("Registered at"),
        input_formats=[MOMENT, MOMENT.removesuffix(":%S")],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": 1}, format=MOMENT),
    )

    class Meta:
        model = Account
        fields = [
            name
            for _title, names in GROUPS
            for name in names
            if name not in {*PERSONAL, *AMOUNTS, "master_number", "no_master", "registered_at"}
        ]

    def __init__(self, data: Mapping[str, Any] | None = None, *, instance: Account) -> None:
        super().__init__(data, instance=instance)
        self.account = instance
        currency = str((data or {}).get("currency") or instance.currency)
        for name in AMOUNTS:
            label = capfirst(LABELS[name])
            self.fields[name] = AmountField(currency=currency, may_be_negative=name in MAY_BE_NEGATIVE, label=label)
            self.initial[name] = getattr(instance, name)
        for name, make in (("site", site_field), ("country", country_field), ("currency", currency_field)):
            self.fields[name] = make(label=self.fields[name].label)
        self.initial.update({"seen": instance.updated_at.isoformat(), "registered_at": instance.registered_at})
        self.fields["registered_at"].help_text = timezone.get_current_timezone_name()
        self._say_what_is_kept(instance)

    def _say_what_is_kept(self, account: Account) -> None:
        """Show masked what an empty field keeps; the clear value is nowhere on the page."""
        master = mask_number(account.master.account_number) if account.master else ""
        kept = {
            "customer_name": mask_name(account.customer_name),
            "mobile": mask_mobile(account.mobile),
            "master_number": master,
        }
        for name, value in kept.items():
            self.fields[name].widget.attrs |= {"placeholder": value, "autocomplete": "off"}
            self.fields[name].help_text = _("Leave it empty to keep what is stored.")

    def groups(self) -> Iterator[tuple[Text, list[BoundField]]]:
        for title, names in GROUPS:
            yield title, [self[name] for name in names]

    def clean_seen(self) -> datetime:
        seen = parse_datetime(self.cleaned_data["seen"])
        if seen is None or seen.tzinfo is None:
            raise ValidationError(_("Load the page again."), "seen")
        return seen

    def clean_master_number(self) -> Account | None:
        number = self.cleaned_data["master_number"].strip()
        if not number:
            return None
        master = Account.objects.filter(account_number=number).exclude(pk=self.account.pk).first()
        if master is None:
            raise ValidationError(_("There is no other account with this number."), "no_account")
        return master

    def changes(self) -> dict[str, Any]:
        """Return what differs from what the person was shown, by field name of the account."""
        given = self.cleaned_data
        changed = [name for name in self.changed_data if name not in {"seen", "master_number", "no_master", *PERSONAL}]
        changes = {name: given[name] for name in changed}
        changes |= {name: given[name] for name in PERSONAL if given[name]}
        if given["no_master"]:
            return changes | ({"master": None} if self.account.master_id else {})
        return changes | ({"master": given["master_number"]} if given["master_number"] else {})
