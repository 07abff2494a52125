"""Invite: one customer, several chosen ones, or a list. Every way leads to a plan; only its applying sends."""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from customers.actions import Prospect
from customers.models import Preregistration
from customers.rules import Model
from customers.rules.contact import (
    BadAccountName,
    BadMobile,
    BadName,
    BadTag,
    normalise_account_name,
    normalise_mobile,
    normalise_name,
    normalise_tag,
)
from invitations import emails, queries
from invitations.actions import planning
from invitations.actions.planning import Row
from invitations.forms import ChosenForm, InviteOneForm, ListForm
from invitations.rules import RowReason
from invitations.views import pace
from partner_center import exports, imports
from partner_center.environment import environment
from partner_center.jobs.models import Job
from partner_center.mail.addresses import BadAddress, normalise_address
from partner_center.masking import mask_email, mask_name
from partner_center.refusals import Refusal
from partner_center.tenancy.access import member_required
from partner_center.tenancy.permissions import Permission
from partner_center.tenancy.requests import PartnerRequest, posted_ids

SHOWN_IN_DIALOG = 50
COLUMNS = (
    imports.UploadColumn("customer_name", _("Customer name"), ("name", "customer", "客户名称", "姓名"), required=True),
    imports.UploadColumn("email", _("E-mail"), ("email", "mail", "address", "邮箱", "电子邮箱"), required=True),
    imports.UploadColumn("account_name", _("Account name"), ("account", "账号名", "登录名称")),
    imports.UploadColumn(
        "mobile", _("Mobile number"), ("mobile", "mobile number", "phone", "手机号", "手机号码", "手机"), digits=True
    ),
    imports.UploadColumn("custom_tag", _("Custom tag"), ("tag", "自定义标签", "标签")),
)


@member_required(Permission.INVITATION_SEND)
@require_GET
def invite(request: PartnerRequest) -> HttpResponseBase:
    """Show the ways to invite, and what may still be sent today."""
    return _page(request, one=_one_form(request), lists=_list_form(request))


def _one_form(request: PartnerRequest, data: Any = None) -> InviteOneForm:
    return InviteOneForm(data, partner=request.partner, initial={"language": translation.get_language()})


def _list_form(request: PartnerRequest, data: Any = None, files: Any = None) -> ListForm:
    initial = {"language": translation.get_language()}
    return ListForm(data, files, partner=request.partner, initial=initial, prefix="list")


def _page(
    request: PartnerRequest, *, one: InviteOneForm, lists: ListForm, refusal: Refusal | None = None
) -> HttpResponse:
    context = {
        "one": one,
        "lists": lists,
        "refusal": refusal,
        "columns": COLUMNS,
        "budget_left": queries.budget_left(request.partner, now=timezone.now()),
        "budget": environment.daily_mail_budget,
        "days": environment.invitation_days,
        "batch_limit": environment.batch_limit,
    }
    status = refusal.status if refusal else 422 if one.errors or lists.errors else 200
    return pace.with_retry_after(render(request, "invitations/invite.html", context, status=status), refusal)


@member_required(Permission.INVITATION_SEND)
@require_POST
def invite_one(request: PartnerRequest) -> HttpResponseBase:
    """Plan for the one customer that was typed in."""
    form = _one_form(request, request.POST)
    if not form.is_valid():
        return _page(request, one=form, lists=_list_form(request))
    given = form.cleaned_data
    names = ("email", "customer_name", "account_name", "mobile")
    prospect = Prospect(**{name: given[name] for name in names})
    row = Row(number=1, prospect=prospect, custom_tag=given["custom_tag"])
    return _to_plan(_plan(request, [row], given["model"], given["language"], ""))


@member_required(Permission.INVITATION_SEND)
@require_POST
def invite_list(request: PartnerRequest) -> HttpResponseBase:
    """Plan for a pasted or uploaded list; a list that cannot be read at all changes nothing."""
    form = _list_form(request, request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, one=_one_form(request), lists=form)
    given = form.cleaned_data
    try:
        upload = _read(request, given)
        pace.spend_batch(request)
    except Refusal as refusal:
        return _page(request, one=_one_form(request), lists=form, refusal=refusal)
    rows = sorted([*_good(upload.rows), *_faulty(upload.faults)], key=lambda row: row.number)
    title = _title(len(rows), is_file=bool(given.get("upload")))
    return _to_plan(_plan(request, rows, given["model"], given["language"], title))


def _title(count: int, *, is_file: bool) -> str:
    """Tell lists apart in the list of jobs without the name of a file, which may name a person."""
    if is_file:
        return ngettext("Uploaded list of %(count)d row", "Uploaded list of %(count)d rows", count) % {"count": count}
    return ngettext("Pasted list of %(count)d row", "Pasted list of %(count)d rows", count) % {"count": count}


def _plan(request: PartnerRequest, rows: Sequence[Row], model: str, language: str, title: str) -> Job:
    return planning.plan_invitations(
        rows=rows,
        model=Model(model),
        language=language,
        title=title,
        member=request.member,
        actor=request.actor,
        now=timezone.now(),
    )


def _to_plan(job: Job) -> HttpResponse:
    return redirect("jobs:detail", job.public_id)


def _read(request: PartnerRequest, given: dict[str, Any]) -> imports.Upload:
    if given.get("upload"):
        pace.spend_upload(request)
        return imports.read_upload(given["upload"], columns=COLUMNS, max_rows=environment.batch_limit)
    return imports.read_pasted(given["pasted"], columns=COLUMNS, max_rows=environment.batch_limit)


def _good(rows: Iterable[imports.Row]) -> Iterable[Row]:
    return (_checked(row.number, row.values) for row in rows)


def _faulty(faults: Iterable[imports.RowFault]) -> Iterable[Row]:
    """Keep rows that could not be read, so that the plan's totals are those of the list."""
    for fault in faults:
        yield Row(
            number=fault.number,
            prospect=_as_written(fault.values),
            custom_tag=fault.values.get("custom_tag", ""),
            fault=RowReason.BAD_ROW,
            note=str(fault.reason),
        )


_FAULTS: tuple[tuple[type[Refusal], RowReason], ...] = (
    (BadAddress, RowReason.BAD_ADDRESS),
    (BadName, RowReason.BAD_NAME),
    (BadMobile, RowReason.BAD_MOBILE),
    (BadAccountName, RowReason.BAD_ACCOUNT_NAME),
    (BadTag, RowReason.BAD_TAG),
)


def _checked(number: int, values: Mapping[str, str]) -> Row:
    """Bring the values of a row into their one form, or keep them as written with what is wrong."""
    try:
        prospect = Prospect(
            customer_name=normalise_name(values["customer_name"]),
            email=normalise_address(values["email"]),
            account_name=normalise_account_name(values.get("account_name", "")),
            mobile=normalise_mobile(values.get("mobile", "")),
        )
        return Row(number=number, prospect=prospect, custom_tag=normalise_tag(values.get("custom_tag", "")))
    except Refusal as refusal:
        fault = next(reason for kind, reason in _FAULTS if isinstance(refusal, kind))
        tag = values.get("custom_tag", "")
        return Row(number=number, prospect=_as_written(values), custom_tag=tag, fault=fault, note=str(refusal))


def _as_written(values: Mapping[str, str]) -> Prospect:
    names = ("customer_name", "email", "account_name", "mobile")
    return Prospect(**{name: values.get(name, "") for name in names})


@member_required(Permission.INVITATION_SEND)
@require_POST
def preview(request: PartnerRequest) -> HttpResponseBase:
    """Show the mail as the customer will get it."""
    model = request.POST.get("model", request.POST.get("list-model", ""))
    language = request.POST.get("language", request.POST.get("list-language", ""))
    known = {code for code, _name in emails.languages()}
    message = emails.preview(
        model=Model(model) if model in request.partner.allowed_models else Model.RESELLER,
        language=language if language in known else "en",
        partner=request.partner,
        customer_name=str(_("Customer name")),
        now=timezone.now(),
    )
    return render(request, "invitations/_preview.html", {"message": message})


@member_required(Permission.INVITATION_SEND)
@require_GET
def template(request: PartnerRequest) -> HttpResponseBase:
    """Hand out an empty list to fill in."""
    written = io.BytesIO()
    exports.write_csv(exports.plain_columns([column.header for column in COLUMNS]), [], written)
    answer = HttpResponse(written.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="invitations.csv"'
    return answer


@member_required(Permission.INVITATION_SEND)
@require_POST
def invite_chosen(request: PartnerRequest) -> HttpResponseBase:
    """Plan for ticked preregistrations; the first post asks for model and language, the second brings them."""
    rows = list(_ticked(request, posted_ids(request)[: environment.batch_limit]))
    form = ChosenForm(request.POST if "model" in request.POST else None, partner=request.partner)
    if not rows or not form.is_valid():
        return _chosen_page(request, form, rows)
    try:
        pace.spend_batch(request)
    except Refusal as refusal:
        form.add_error(None, f"{refusal} {refusal.advice}")
        return _chosen_page(request, form, rows, refusal)
    job = _plan(request, rows, form.cleaned_data["model"], form.cleaned_data["language"], "")
    page = reverse("jobs:detail", args=[job.public_id])
    return HttpResponseClientRedirect(page) if request.htmx else redirect(page)


def _chosen_page(
    request: PartnerRequest, form: ChosenForm, rows: Sequence[Row], refusal: Refusal | None = None
) -> HttpResponse:
    template = "invitations/_chosen_dialog.html" if request.htmx else "invitations/chosen.html"
    context = {
        "form": form,
        "rows": rows,
        "ids": posted_ids(request),
        "labels": [_label(row) for row in rows[:SHOWN_IN_DIALOG]],
    }
    status = refusal.status if refusal else 422 if form.errors else 200
    return pace.with_retry_after(render(request, template, context, status=status), refusal)


def _ticked(request: PartnerRequest, public_ids: Sequence[str]) -> Iterable[Row]:
    live = Preregistration.objects.visible_to(request.member).live(now=timezone.now())
    for number, row in enumerate(live.filter(public_id__in=public_ids).order_by("pk"), start=1):
        prospect = Prospect(
            email=row.email, customer_name=row.customer_name, account_name=row.account_name, mobile=row.mobile
        )
        yield Row(number=number, prospect=prospect)


def _label(row: Row) -> str:
    return f"{mask_name(row.prospect.customer_name)} · {mask_email(row.prospect.email)}"
