"""Home, language, error pages, the gallery of components."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.loader import get_template
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe
from django.views.i18n import set_language

from partner_center.console.context import THEMES, brand, chosen
from partner_center.console.navigation import first_page, shows_developer_pages

language: Callable[[HttpRequest], HttpResponse] = require_POST(set_language)


@require_safe
def home(request: HttpRequest) -> HttpResponseBase:
    """Go to the first page this person may see; who may see none is told so."""
    if not request.user.is_authenticated:
        return redirect("account_login")
    page = first_page(request)
    return redirect(page) if page else render(request, "console/nothing_here.html")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error_page(request, 400)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error_page(request, 403)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error_page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    return _error_page(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Explain a form that was refused because its page was too old or came from elsewhere."""
    return _error_page(request, 403, template="403_csrf.html")


def _error_page(request: HttpRequest, status: int, template: str = "") -> HttpResponse:
    """Render without the request, so that no context processor asks a database that may be down."""
    context: dict[str, Any] = {
        **brand(),
        "standalone": True,
        "theme": chosen(request, "theme", THEMES),
        "request_id": getattr(request, "request_id", ""),
    }
    return HttpResponse(get_template(template or f"{status}.html").render(context), status=status)


@require_safe
def components(request: HttpRequest) -> HttpResponse:
    """
    Show every component in every state, for whoever builds a page.

    :raises PermissionDenied: in production, to everybody but the vendor's staff
    """
    if not shows_developer_pages(request):
        raise PermissionDenied
    form = SampleForm({"email": "nobody@", "name": "", "model": "reseller"})
    context = {"form": form, "now": timezone.now(), "customers": SAMPLE_ROWS, "tabs": SAMPLE_TABS}
    return render(request, "console/components.html", context)


@require_safe
def component_dialog(request: HttpRequest) -> HttpResponse:
    """Fill the gallery's sample dialog."""
    return render(request, "console/_sample_dialog.html")


class SampleForm(forms.Form):
    """One field of each sort, for the gallery."""

    name = forms.CharField(label=_("Customer name"), help_text=_("As in the business licence."))
    email = forms.EmailField(label=_("E-mail address"))
    model = forms.ChoiceField(
        label=_("Association model"), choices=[("reseller", _("Reseller")), ("referral", _("Referral"))]
    )
    remark = forms.CharField(label=_("Remark"), required=False, widget=forms.Textarea(attrs={"rows": 3}))
    agreed = forms.BooleanField(label=_("I have read the notice."), required=False)


SAMPLE_TABS = [
    (_("All"), 412, True),
    (_("Invited"), 134, False),
    (_("Associated"), 142, False),
    (_("Association failed"), 33, False),
    (_("Expired"), 57, False),
]
SAMPLE_ROWS = [
    ("QkY1c2Jx", "远**", "wa***in", "z***@yuanhang.example", "+86 138****2210", "info", _("Invited"), ""),
    ("b1Rw8sZk", "R**", "ri***s", "p***@riverbend.example", "+44 771****0042", "success", _("Associated"), ""),
    (
        "Zt0PqLm4",
        "海**",
        "ha***u",
        "l***@hailan.example",
        "+86 139****8316",
        "danger",
        _("Association failed"),
        _("The customer is already associated with another partner."),
    ),
    ("mN3vXc7e", "O**", "or***a", "t***@orchid.example", "+65 812****9920", "warning", _("Expired"), ""),
    ("yU6iOpA2", "启**", "qi***g", "w***@qiming.example", "+86 150****4471", "neutral", _("Declined"), ""),
]
