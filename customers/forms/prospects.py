"""Who is to be preregistered or invited."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from customers.rules.contact import normalise_account_name, normalise_mobile, normalise_name, normalise_tag
from partner_center.mail.addresses import normalise_address
from partner_center.refusals import Refusal


class NormalField(forms.CharField):
    """Text that is brought into its one form by a rule, whose refusal becomes the field's error."""

    normalise: Callable[[str], str]

    def __init__(self, normalise: Callable[[str], str], **options: Any) -> None:
        self.normalise = normalise
        # The rule itself says what is too long; a limit here would hide it behind a browser's silent cut.
        super().__init__(strip=False, **options)

    def clean(self, value: Any) -> str:
        text = super().clean(value)
        if not text.strip() and not self.required:
            return ""
        try:
            return self.normalise(text)
        except Refusal as refusal:
            raise forms.ValidationError(f"{refusal} {refusal.advice}", code=refusal.code) from None


class ProspectForm(forms.Form):
    """Somebody to preregister or to invite."""

    customer_name = NormalField(normalise_name, label=_("Customer name"))
    email = NormalField(normalise_address, label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    account_name = NormalField(normalise_account_name, label=_("Account name"), required=False)
    mobile = NormalField(
        normalise_mobile,
        label=_("Mobile number"),
        required=False,
        help_text=_("With country code, such as +86 139 1234 5678."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "tel"}),
    )


class TagField(NormalField):
    def __init__(self, **options: Any) -> None:
        super().__init__(normalise_tag, **options)
