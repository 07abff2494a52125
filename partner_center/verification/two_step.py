"""How allauth's two-step verification behaves here: keys are sealed, a code is good once, tries are counted for all."""

from io import BytesIO

import segno
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.base.forms import AuthenticateForm, BaseAuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from partner_center.limits.actions import TooMany
from partner_center.sealing import seal, unseal
from partner_center.verification import totp
from partner_center.verification.rules import normalised


class TwoStepAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    # What allauth says is said in our words, so that both languages have it.
    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This code is not right, or it has been used. Wait for the next one."),
        "cannot_generate_recovery_codes": _("Set up the authenticator app first."),
    }

    def build_totp_svg(self, url: str) -> str:
        """Draw the QR code as other pages do, dark on white in both themes."""
        drawing = BytesIO()
        segno.make(url, error="m").save(drawing, kind="svg", scale=4, border=2, light="white")
        return drawing.getvalue().decode()

    def encrypt(self, text: str) -> str:
        """Keep the keys of apps and the seeds of recovery codes unreadable in the database."""
        return seal(text, purpose=totp.PURPOSE)

    def decrypt(self, encrypted_text: str) -> str:
        return unseal(encrypted_text, purpose=totp.PURPOSE)


class CodeInput(forms.TextInput):
    """A field that does not show again what was typed."""

    def format_value(self, value: object) -> None:
        return None


class _OnceOnly(BaseAuthenticateForm):  # type: ignore[misc]
    """A form for a code of the app or a recovery code; allauth counts and remembers in the cache of one process."""

    code = forms.CharField(widget=CodeInput(attrs={"autocomplete": "one-time-code"}))

    def clean_code(self) -> str:
        now = timezone.now()  # noqa: TID251 - an edge: allauth's forms are given no clock
        try:
            totp.count_try(self.user, now=now)
        except TooMany as refusal:
            raise ValidationError(f"{refusal} {refusal.advice}", code=refusal.code) from None
        self.cleaned_data["code"] = normalised(self.cleaned_data["code"])
        code = str(super().clean_code())
        is_app = self.authenticator.type == Authenticator.Type.TOTP
        if is_app and not totp.claim(self.user, code, now=now):
            raise TwoStepAdapter().validation_error("incorrect_code")
        totp.forget_tries(self.user, now=now)
        return code


class SignInForm(_OnceOnly, AuthenticateForm):  # type: ignore[misc]
    """The second step of signing in."""


class ConfirmForm(_OnceOnly, ReauthenticateForm):  # type: ignore[misc]
    """Confirming that it is still the same person."""


class ActivateForm(ActivateTOTPForm):  # type: ignore[misc]
    """Setting the app up: the first code proves that it has the key, and is used up by that."""

    code = forms.CharField(widget=CodeInput(attrs={"autocomplete": "one-time-code"}))

    def clean_code(self) -> str:
        now = timezone.now()  # noqa: TID251 - an edge: allauth's forms are given no clock
        self.cleaned_data["code"] = normalised(self.cleaned_data["code"])
        code = str(super().clean_code())
        if not totp.claim_with(self.secret, self.user, code, now=now):
            raise TwoStepAdapter().validation_error("incorrect_code")
        return code
