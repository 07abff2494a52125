"""The mark that an admin sets, and the file that somebody wants of the log."""

from django import forms
from django.utils.translation import gettext_lazy as _

from partner_center.jobs.rules import FileFormat
from partner_center.listing.fields import LineField
from vouchers.models import ReviewMark


class MarkForm(forms.Form):
    """Reviewed or flagged, with a note."""

    mark = forms.ChoiceField(choices=ReviewMark.choices)
    note = LineField(label=_("Note"), required=False)


class FileForm(forms.Form):
    """All records or those of the present filter, and the kind of file."""

    format = forms.ChoiceField(choices=FileFormat.choices)
    scope = forms.ChoiceField(choices=[("all", ""), ("filter", "")], required=False)
