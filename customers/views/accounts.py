"""The vendor's directory of accounts: look up, correct, import. For the vendor's staff only; values stay masked."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from customers import actions, queries
from customers.forms.fact_rows import COLUMNS, FactRows, read_table
from customers.forms.facts import FactsForm
from customers.models import Account
from partner_center.refusals import Refusal
from partner_center.tenancy.access import platform_required
from partner_center.tenancy.requests import PlatformRequest

MOST_FAULTS_SHOWN = 200


class SearchForm(forms.Form):
    """One account by what is unique about it; a part of it finds nothing, so that nobody can guess letter by letter."""

    wanted = forms.CharField(label=gettext_lazy("Account number or account name"), max_length=64)


class UploadForm(forms.Form):
    upload = forms.FileField(
        label=gettext_lazy("File with facts"), help_text=gettext_lazy("XLSX or CSV, at most 5 MB.")
    )


@platform_required
@require_http_methods(["GET", "HEAD"])
def accounts(request: PlatformRequest) -> HttpResponseBase:
    """List the directory, newest first."""
    return _list(request, SearchForm())


def _list(request: PlatformRequest, form: SearchForm, *, status: int = 200) -> HttpResponse:
    kind = request.GET.get("kind", "")
    page = queries.directory_page(kind=kind, before=request.GET.get("before", ""))
    tabs = [("", _("All")), *[(each.value, each.label) for each in queries.DirectoryKind]]
    context = {"form": form, "page": page, "tabs": tabs, "kind": kind, "before": request.GET.get("before", "")}
    return render(request, "customers/accounts.html", context, status=status)


@platform_required
@require_POST
def search(request: PlatformRequest) -> HttpResponseBase:
    """Go to the account with exactly this number or name; what was looked for stands in no address."""
    form = SearchForm(request.POST)
    if form.is_valid():
        account = queries.account_called(form.cleaned_data["wanted"])
        if account is not None:
            return redirect("customers:account", account.public_id)
        form.add_error("wanted", _("There is no account with exactly this number or name."))
    return _list(request, form, status=422)


@platform_required
@require_http_methods(["GET", "HEAD", "POST"])
def account(request: PlatformRequest, public_id: str) -> HttpResponseBase:
    """Show what the directory knows of an account, and correct it."""
    found = get_object_or_404(Account.objects.select_related("master"), public_id=public_id)
    form = FactsForm(request.POST if request.method == "POST" else None, instance=found)
    if request.method != "POST":
        return _account_page(request, public_id, form)
    if not form.is_valid():
        return _account_page(request, public_id, form, status=422)
    changes = form.changes()
    if not changes:
        messages.info(request, _("Nothing was changed."))
        return redirect("customers:account", public_id)
    try:
        actions.change_account_facts(
            account=found, changes=changes, actor=request.actor, now=timezone.now(), seen=form.cleaned_data["seen"]
        )
    except Refusal as refusal:
        return _account_page(request, public_id, form, refusal=refusal, status=refusal.status)
    messages.success(request, _("The facts were saved. Invitations that failed because of them are checked again."))
    return redirect("customers:account", public_id)


def _account_page(
    request: PlatformRequest, public_id: str, form: FactsForm, *, refusal: Refusal | None = None, status: int = 200
) -> HttpResponse:
    # Read anew: the form has put what was typed into its own copy.
    stored = Account.objects.select_related("master", "user").get(public_id=public_id)
    context = {
        "account": stored,
        "form": form,
        "refusal": refusal,
        "association": queries.association_of(stored),
        "reservation": queries.reservation_of(stored, now=timezone.now()),
    }
    return render(request, "customers/account.html", context, status=status)


@platform_required
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: PlatformRequest) -> HttpResponseBase:
    """Import facts from a file: all of its rows, or none and the list of its faults."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method != "POST":
        return _upload_page(request, form)
    if not form.is_valid():
        return _upload_page(request, form, status=422)
    try:
        found = read_table(form.cleaned_data["upload"])
        if found.faults:
            return _upload_page(request, form, found=found, status=422)
        created, updated = actions.import_account_facts(rows=found.rows, actor=request.actor, now=timezone.now())
    except Refusal as refusal:
        form.add_error("upload", f"{refusal} {refusal.advice}")
        return _upload_page(request, form, status=refusal.status)
    told = {"created": created, "updated": updated, "same": len(found.rows) - created - updated}
    messages.success(request, _("Created %(created)d, updated %(updated)d, unchanged %(same)d.") % told)
    return redirect("customers:accounts")


def _upload_page(
    request: PlatformRequest, form: UploadForm, *, found: FactRows | None = None, status: int = 200
) -> HttpResponse:
    faults = found.faults if found else []
    context: dict[str, Any] = {
        "form": form,
        "columns": COLUMNS,
        "faults": faults[:MOST_FAULTS_SHOWN],
        "fault_count": len(faults),
        "more_faults": max(0, len(faults) - MOST_FAULTS_SHOWN),
    }
    return render(request, "customers/account_upload.html", context, status=status)
