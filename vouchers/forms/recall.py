"""Input of recalls: shape only, every fault beside its field."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from partner_center.mail.addresses import why_unsafe_name
from vouchers.rules.issuing import Policy
from vouchers.rules.recalling import LONGEST_REASON, LONGEST_REMARK


class WordsForm(forms.Form):
    """What the customer is told, and what the partner notes for itself."""

    reason = forms.CharField(
        label=_("Reason for the customer"),
        required=False,
        max_length=LONGEST_REASON,
        help_text=_("Stands in the mail that tells the customer of the recall."),
    )
    remark = forms.CharField(
        label=_("Remark"),
        required=False,
        max_length=LONGEST_REMARK,
        help_text=_("For your company only, in the operation records. The customer never sees it."),
    )

    def clean_reason(self) -> str:
        reason = str(self.cleaned_data["reason"])
        if reason and (why := why_unsafe_name(reason)):
            raise ValidationError(str(why))
        return reason


class RecallForm(WordsForm):
    """
    The recall of one coupon.

    `shown` is the amount that the person was told will come back, in minor units; `op_id` is made with each form, so
    that a second press is answered as the first was.
    """

    op_id = forms.RegexField(r"\A[A-Za-z0-9_-]{22}\Z", widget=forms.HiddenInput)
    shown = forms.IntegerField(min_value=0, max_value=2**62, widget=forms.HiddenInput)


class RecallBatchForm(WordsForm):
    """The recall of many."""

    policy = forms.ChoiceField(
        label=_("When a coupon cannot be recalled"),
        choices=[(Policy.SKIP, _("Leave it out and recall the others")), (Policy.ALL, _("Recall none of them"))],
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["policy"].initial = Policy.SKIP.value
