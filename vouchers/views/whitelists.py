"""Whitelists: the versions of a list, the customers on one, what a draft changes, and the deeds."""

import io
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from partner_center import exports, imports
from partner_center.audit import actions as audit
from partner_center.audit.models import Deed
from partner_center.jobs import downloads
from partner_center.jobs.models import Job
from partner_center.limits import actions as limits
from partner_center.listing.pages import list_page
from partner_center.mail.addresses import safe_display
from partner_center.refusals import Refusal
from partner_center.tenancy.access import member_required
from partner_center.tenancy.permissions import Permission
from partner_center.tenancy.requests import PartnerRequest
from vouchers.actions import whitelists as actions
from vouchers.filters.whitelists import ChangeFilters, EntryFilters, VersionFilters
from vouchers.forms.whitelists import COLUMNS, MOST_ROWS, ImportForm, read_list
from vouchers.models import WhitelistRejection, WhitelistVersion
from vouchers.queries import whitelists as queries
from vouchers.rules import WhitelistKind, WhitelistVersionStatus
from vouchers.rules.whitelists import RowFault
from vouchers.tables.whitelists import KIND_OF_STATUS, ChangeTable, EntryTable, VersionTable

UPLOADS_AN_HOUR = 60
LONGEST_FILE_NAME = 80
REJECTED_A_PAGE = 50
REJECTED_AT_ONCE = 200
LARGEST_ROW = 2**31 - 1
LIST_OF = {WhitelistKind.CUSTOMER: "vouchers:whitelists", WhitelistKind.PICKUP: "vouchers:whitelists_pickup"}
IMPORT_OF = {
    WhitelistKind.CUSTOMER: "vouchers:whitelist_import",
    WhitelistKind.PICKUP: "vouchers:whitelist_import_pickup",
}


# --- the list and its versions ---------------------------------------------------------------------------------------


@member_required(Permission.WHITELIST_READ)
@require_http_methods(["GET", "HEAD", "POST"])
def whitelists(request: PartnerRequest, kind: str) -> HttpResponseBase:
    """List the versions of one list, with the one in force at the top; a POST is the filter form."""
    return list_page(
        request,
        rows=WhitelistVersion.objects.of(request.partner).filter(kind=kind),
        filters=VersionFilters,
        table=VersionTable,
        template="vouchers/whitelists.html",
        now=timezone.now(),
        context={
            **_about_list(request, kind),
            "in_force": queries.active_version(request.partner, kind),
            "empty_template": "vouchers/_whitelists_empty.html",
        },
    )


def _about_list(request: PartnerRequest, kind: str) -> dict[str, object]:
    kinds = queries.kinds_of(request.partner)
    return {
        "kind": WhitelistKind(kind),
        "kinds": [(each, reverse(LIST_OF[each])) for each in kinds] if len(kinds) > 1 else [],
        "list_address": reverse(LIST_OF[WhitelistKind(kind)]),
        "import_address": reverse(IMPORT_OF[WhitelistKind(kind)]),
        "may_import": request.member.may(Permission.WHITELIST_IMPORT),
    }


@member_required(Permission.WHITELIST_IMPORT)
@require_http_methods(["GET", "HEAD", "POST"])
def whitelist_import(request: PartnerRequest, kind: str) -> HttpResponseBase:
    """Import a file as a draft and show what it would change; a file of bad rows changes nothing."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method != "POST":
        return _import_page(request, kind, form)
    if not form.is_valid():
        return _import_page(request, kind, form, status=422)
    try:
        draft = _import(request, kind, form)
    except Refusal as refusal:
        form.add_error("upload", f"{refusal} {refusal.advice}".strip())
        answer = _import_page(request, kind, form, refusal=refusal, status=refusal.status)
        if isinstance(refusal, limits.TooMany):
            answer["Retry-After"] = str(refusal.retry_after)
        return answer
    return redirect("vouchers:whitelist_changes", draft.public_id)


def _import(request: PartnerRequest, kind: str, form: ImportForm) -> WhitelistVersion:
    now, file = timezone.now(), form.cleaned_data["upload"]
    # Counted before the file is read: what cannot be read costs as much (reliability.md 4.4).
    key = f"upload:member:{request.member.pk}"
    limits.spend(key=key, allowed=UPLOADS_AN_HOUR, per=timedelta(hours=1), now=now)
    return actions.import_version(
        kind=kind,
        rows=read_list(file),
        file_name=safe_display(file.name, longest=LONGEST_FILE_NAME),
        member=request.member,
        actor=request.actor,
        now=now,
    )


def _import_page(
    request: PartnerRequest, kind: str, form: ImportForm, *, refusal: Refusal | None = None, status: int = 200
) -> HttpResponse:
    rejected = refusal.rejected if isinstance(refusal, actions.NoRowNamesCustomer) else ()
    context = {
        **_about_list(request, kind),
        "form": form,
        "columns": COLUMNS,
        "most_rows": MOST_ROWS,
        "in_force": queries.active_version(request.partner, kind),
        "rejected": [(each.row.number, each.fault.label) for each in rejected[:REJECTED_AT_ONCE]],
        "rejected_more": max(0, len(rejected) - REJECTED_AT_ONCE),
    }
    return render(request, "vouchers/whitelist_import.html", context, status=status)


@require_safe
@member_required(Permission.WHITELIST_IMPORT)
def whitelist_template(request: PartnerRequest) -> HttpResponseBase:
    """Hand out an empty list to fill in."""
    written = io.BytesIO()
    exports.write_csv(exports.plain_columns([column.header for column in COLUMNS]), [], written)
    return downloads.attachment(written.getvalue(), name="whitelist.csv", file_format="csv")


# --- one version -----------------------------------------------------------------------------------------------------


@member_required(Permission.WHITELIST_READ)
@require_http_methods(["GET", "HEAD", "POST"])
def whitelist_version(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Show who stands on a version; a POST is the filter form."""
    version = _version(request, public_id)
    return list_page(
        request,
        rows=queries.listed(version),
        filters=EntryFilters,
        table=EntryTable,
        template="vouchers/whitelist_version.html",
        now=timezone.now(),
        context={**_about_version(request, version), "page": "entries"},
    )


@member_required(Permission.WHITELIST_READ)
@require_http_methods(["GET", "HEAD", "POST"])
def whitelist_changes(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Show whom a version adds and removes, against the one it was compared with; a POST is the filter form."""
    version = _version(request, public_id)
    if version.status == WhitelistVersionStatus.DISCARDED:
        return redirect("vouchers:whitelist_version", public_id)
    return list_page(
        request,
        rows=queries.changed(version),
        filters=ChangeFilters,
        table=ChangeTable,
        template="vouchers/whitelist_version.html",
        now=timezone.now(),
        context={**_about_version(request, version), "page": "changes"},
    )


@require_safe
@member_required(Permission.WHITELIST_READ)
def whitelist_rejected(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Show the rows that an import left out, with their numbers and reasons."""
    version = _version(request, public_id)
    after = _row_number(request.GET.get("after", ""))
    rows = queries.rejected_rows(version, after=after, limit=REJECTED_A_PAGE + 1)
    context = {
        **_about_version(request, version),
        "page": "rejected",
        "rows": [(each, _words(each)) for each in rows[:REJECTED_A_PAGE]],
        "after": after,
        "next_after": rows[REJECTED_A_PAGE - 1].row if len(rows) > REJECTED_A_PAGE else 0,
        "has_file": _may_have_file(request, version),
    }
    return render(request, "vouchers/whitelist_rejected.html", context)


@require_safe
@member_required(Permission.WHITELIST_IMPORT)
def whitelist_rejected_file(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Give the rejected rows back to the member who uploaded them, and to nobody else."""
    version = _version(request, public_id)
    if not _may_have_file(request, version):
        raise Http404
    written = io.BytesIO()
    faults = (
        imports.RowFault(each.row, _words(each), {column.name: getattr(each, column.name) for column in COLUMNS})
        for each in version.rejections.order_by("row").iterator()
    )
    table = imports.faulty_table(COLUMNS, faults)
    exports.write_csv(exports.plain_columns(table.headers), table.rows, written)
    with transaction.atomic():
        audit.record(
            deed=Deed.FAULTY_ROWS_DOWNLOADED,
            actor=request.actor,
            partner=request.partner,
            target=version,
            now=timezone.now(),
            details={"format": "csv", "rows": version.rejected_count},
        )
    return downloads.attachment(written.getvalue(), name="rows-to-mend.csv", file_format="csv")


def _version(request: PartnerRequest, public_id: str) -> WhitelistVersion:
    versions = WhitelistVersion.objects.of(request.partner).select_related("imported_by__user", "compared_with")
    return get_object_or_404(versions, public_id=public_id)


def _about_version(request: PartnerRequest, version: WhitelistVersion) -> dict[str, object]:
    is_draft = version.status == WhitelistVersionStatus.DRAFT
    in_force = queries.active_version(request.partner, version.kind)
    plans = queries.affected_plans(version) if is_draft else []
    seen = set(Job.objects.visible_to(request.member).filter(pk__in=[each.job.pk for each in plans]).values_list("pk"))
    return {
        **_about_list(request, version.kind),
        "version": version,
        "status_kind": KIND_OF_STATUS.get(version.status, "neutral"),
        "in_force": in_force,
        "is_stale": is_draft and in_force != version.compared_with,
        "unchanged": version.entry_count - version.added_count,
        "same_as": queries.same_list_before(version),
        "plans": [(each, (each.job.pk,) in seen) for each in plans],
        "planned_rows": sum(each.rows for each in plans),
    }


def _words(rejection: WhitelistRejection) -> str:
    known = rejection.reason in RowFault.values
    return str(RowFault(rejection.reason).label) if known else rejection.reason


def _may_have_file(request: PartnerRequest, version: WhitelistVersion) -> bool:
    """The names of rejected rows are kept while the version is a draft, for the member who uploaded them."""
    return (
        version.status == WhitelistVersionStatus.DRAFT
        and version.imported_by == request.member
        and version.rejected_count > 0
    )


def _row_number(text: str) -> int:
    return (
        min(int(text), LARGEST_ROW) if text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST_ROW)) else 0
    )


# --- deeds -----------------------------------------------------------------------------------------------------------


@require_POST
@member_required(Permission.WHITELIST_IMPORT)
def whitelist_activate(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Put a draft in force, if it is compared with what the member was shown."""
    version = _version(request, public_id)
    shown = version.compared_with.public_id if version.compared_with else ""

    def activate() -> WhitelistVersion:
        if request.POST.get("compared_with", "") != shown:
            raise actions.ListChanged
        return actions.activate(version=version, actor=request.actor, now=timezone.now())

    told = _("Version %(number)s is in force. Coupons that were issued before stay with their customers.")
    return _do(request, version, activate, told)


@require_POST
@member_required(Permission.WHITELIST_IMPORT)
def whitelist_discard(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Throw a draft away."""
    version = _version(request, public_id)
    deed = partial(actions.discard, version=version, actor=request.actor, now=timezone.now())
    return _do(request, version, deed, _("Version %(number)s was discarded."))


@require_POST
@member_required(Permission.WHITELIST_IMPORT)
def whitelist_compare(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Compare a draft with the version in force now."""
    version = _version(request, public_id)
    deed = partial(actions.compare_again, version=version, actor=request.actor, now=timezone.now())
    return _do(request, version, deed, _("Version %(number)s is compared with the version in force."))


@require_POST
@member_required(Permission.WHITELIST_IMPORT)
def whitelist_reactivate(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Bring an old version back as a new draft."""
    version, member = _version(request, public_id), request.member
    deed = partial(actions.reactivate, version=version, member=member, actor=request.actor, now=timezone.now())
    return _do(request, version, deed, _("Version %(number)s is a draft of the same list. Look at it and activate."))


def _do(
    request: PartnerRequest, version: WhitelistVersion, deed: Callable[[], WhitelistVersion], told: str
) -> HttpResponse:
    """Do one deed and show the version it leads to; a refusal is shown as it is."""
    try:
        version = deed()
    except Refusal as refusal:
        messages.error(request, f"{refusal} {refusal.advice}".strip())
    else:
        messages.success(request, told % {"number": version.number})
    is_draft = version.status == WhitelistVersionStatus.DRAFT
    return redirect("vouchers:whitelist_changes" if is_draft else "vouchers:whitelist_version", version.public_id)
