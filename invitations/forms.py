"""Input of the invitations room: shape only, every fault beside its field."""

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import password_validation
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from customers.forms import NormalField, ProspectForm, TagField
from customers.rules import Model
from customers.rules.contact import normalise_account_name, normalise_mobile, normalise_name
from invitations.rules import LinkKind
from partner_center.mail.addresses import normalise_address, safe_display
from partner_center.tenancy.models import Partner, User

LONGEST_CAMPAIGN = timedelta(days=90)
LONGEST_REASON = 200
MOST_USES = 100_000


def _model_field(partner: Partner) -> forms.ChoiceField:
    choices = [(model.value, model.label) for model in Model if model in partner.allowed_models]
    return forms.ChoiceField(label=_("Association model"), choices=choices, initial=choices[0][0] if choices else None)


class ListForm(forms.Form):
    """How a list of customers is to be invited, and the list itself: typed, pasted or uploaded."""

    language = forms.ChoiceField(label=_("Language of the mail"), choices=settings.LANGUAGES)
    pasted = forms.CharField(
        label=_("Paste a list"),
        required=False,
        strip=False,
        max_length=1_500_000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("Instead of a file. One customer per line: name, e-mail, account name, mobile number, tag."),
    )
    upload = forms.FileField(
        label=_("Upload a file"), required=False, help_text=_("XLSX or CSV, at most 5 MB and 10,000 rows.")
    )

    def __init__(self, *args: Any, partner: Partner, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["model"] = _model_field(partner)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if bool(cleaned.get("pasted", "").strip()) == bool(cleaned.get("upload")) and not self.errors:
            raise forms.ValidationError(_("Paste a list or choose a file, one of the two."))
        return cleaned


class ChosenForm(forms.Form):
    """How customers that were ticked in a list are to be invited."""

    language = forms.ChoiceField(label=_("Language of the mail"), choices=settings.LANGUAGES)

    def __init__(self, *args: Any, partner: Partner, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["model"] = _model_field(partner)


class InviteOneForm(ProspectForm):
    """One customer, typed into the page."""

    custom_tag = TagField(label=_("Custom tag"), required=False)
    language = forms.ChoiceField(label=_("Language of the mail"), choices=settings.LANGUAGES)

    def __init__(self, *args: Any, partner: Partner, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["model"] = _model_field(partner)


class LinkForm(forms.Form):
    """A new reusable link."""

    kind = forms.ChoiceField(label=_("Kind of link"), choices=LinkKind.choices, initial=LinkKind.CUSTOM)
    custom_tag = TagField(
        label=_("Custom tag"), required=False, help_text=_("Shown in the history records of who came by this link.")
    )
    expires_on = forms.DateField(label=_("Valid until"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    max_uses = forms.IntegerField(label=_("Most customers"), required=False, min_value=1, max_value=MOST_USES)

    def __init__(self, *args: Any, partner: Partner, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["model"] = _model_field(partner)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kind, last_day = cleaned.get("kind"), cleaned.get("expires_on")
        today = timezone.localdate()
        if kind == LinkKind.CUSTOM and not cleaned.get("custom_tag"):
            self.add_error("custom_tag", _("A custom link needs a tag."))
        if kind == LinkKind.CAMPAIGN and last_day is None:
            self.add_error("expires_on", _("A campaign link needs an end date."))
        if last_day is not None and not today <= last_day <= today + LONGEST_CAMPAIGN:
            self.add_error("expires_on", _("Choose a day from today to 90 days from now."))
        return cleaned

    def most_customers(self) -> int | None:
        """Return how many may come; a universal link has no end, so its maker is never left without one."""
        return None if self.cleaned_data["kind"] == LinkKind.UNIVERSAL else self.cleaned_data["max_uses"]

    def expires_at(self) -> datetime | None:
        """Return the end of the chosen day in the member's time zone."""
        last_day = self.cleaned_data["expires_on"]
        if last_day is None or self.cleaned_data["kind"] == LinkKind.UNIVERSAL:
            return None
        return timezone.make_aware(datetime.combine(last_day + timedelta(days=1), time.min))


class AcceptForm(forms.Form):
    understood = forms.BooleanField(
        label=_("I have read what changes for my account, and I agree."),
        error_messages={"required": _("Tick the box to show that you have read what changes.")},
    )


class DeclineForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason (the partner will read it)"),
        required=False,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def clean_reason(self) -> str:
        return safe_display(self.cleaned_data["reason"], longest=LONGEST_REASON)


class AddressForm(forms.Form):
    """The address that a newcomer gets a link at; that of an invitation whose link was handed on is fixed."""

    email = NormalField(normalise_address, label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))

    def __init__(self, *args: Any, fixed_email: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fixed_email = fixed_email
        if fixed_email:
            del self.fields["email"]

    @property
    def address(self) -> str:
        return self.fixed_email or self.cleaned_data["email"]


class RegisterForm(forms.Form):
    """A customer's new account; its address is proven before and stands fast."""

    customer_name = NormalField(normalise_name, label=_("Your name or company"))
    mobile = NormalField(
        normalise_mobile,
        label=_("Mobile number"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
    )
    account_name = NormalField(
        normalise_account_name,
        label=_("Account name"),
        required=False,
        help_text=_("5 to 32 letters, digits, - or _, the first a letter. Leave it empty and one is made for you."),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 12 characters. Several words are easy to remember and hard to guess."),
    )

    def __init__(self, *args: Any, address: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.address = address

    def clean(self) -> dict[str, Any]:
        """Judge the password beside what stands next to it: who somebody is must not be how they sign in."""
        cleaned = super().clean() or {}
        if "password" in cleaned:
            person = User(email=self.address, name=cleaned.get("customer_name", ""))
            try:
                password_validation.validate_password(cleaned["password"], user=person)
            except forms.ValidationError as faults:
                self.add_error("password", faults)
        return cleaned
