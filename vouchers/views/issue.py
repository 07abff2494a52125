"""Issue coupons: terms, customers, then a plan. Only applying the plan issues anything."""

import io
from collections.abc import Iterable, Sequence
from datetime import timedelta

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from customers.models import Association
from customers.rules.contact import BadAccountName, BadName, normalise_account_name, normalise_name
from partner_center import exports, imports, money
from partner_center.environment import environment
from partner_center.limits import actions as limits
from partner_center.listing.pages import count_search
from partner_center.masking import mask_account, mask_name
from partner_center.refusals import Refusal
from partner_center.tenancy.access import member_required
from partner_center.tenancy.permissions import Permission
from partner_center.tenancy.requests import PartnerRequest, posted_ids
from vouchers.actions import planning
from vouchers.actions.planning import Chosen
from vouchers.forms.issue import IssueForm, SearchForm, Source
from vouchers.models import Quota
from vouchers.queries import receivers
from vouchers.rules import Reason, words
from vouchers.rules.issuing import Policy, why_not_issued, why_quota_refused
from vouchers.rules.limits import LimitFacts, limit_words

PLANS_AN_HOUR = 60
MOST_CHOSEN = 500
COLUMNS = (
    imports.UploadColumn("account_name", _("Account name"), ("account", "账号名", "登录名称"), required=True),
    imports.UploadColumn("customer_name", _("Customer name"), ("name", "customer", "客户名称")),
)


class NobodyChosen(Refusal):
    code = "nobody_chosen"
    message = _("No customer is chosen.")
    next_step = _("Add customers, choose a group, or give a list.")
    status = 422


class TooManyChosen(Refusal):
    code = "too_many_chosen"
    message = _("These are %(count)d customers. At most %(most)d can get a coupon at once.")
    next_step = _("Choose a smaller group.")
    status = 422


class GroupChanged(Refusal):
    """The group has another number of customers than the person was told (peers.md O26)."""

    code = "selection_changed"
    message = _("The group has %(now)d customers now, not %(then)d as shown before.")
    next_step = _("Look at the number again, then show the plan.")
    status = 422


@member_required(Permission.COUPON_ISSUE)
@require_http_methods(["GET", "HEAD", "POST"])
def issue(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Ask for terms and customers; a right answer becomes a plan."""
    quota = _quota(request, public_id)
    if request.method != "POST":
        return _page(request, quota, _form(request, quota))
    form = _form(request, quota, is_posted=True)
    if not form.is_valid():
        return _page(request, quota, form, status=422)
    try:
        job = planning.plan_issue(
            quota=quota,
            choice=_choice(request, form),
            terms=form.terms(),
            policy=Policy(form.cleaned_data["policy"]),
            member=request.member,
            actor=request.actor,
            now=timezone.now(),
        )
    except Refusal as refusal:
        form.add_error(None, f"{refusal} {refusal.advice}".strip())
        return _page(request, quota, form, status=refusal.status)
    return redirect("jobs:detail", job.public_id)


def _quota(request: PartnerRequest, public_id: str) -> Quota:
    return get_object_or_404(Quota.objects.of(request.partner).select_related("partner"), public_id=public_id)


def _form(request: PartnerRequest, quota: Quota, *, is_posted: bool = False) -> IssueForm:
    data, files = (request.POST, request.FILES) if is_posted else (None, None)
    return IssueForm(data, files, quota=quota, member=request.member, now=timezone.now())


def _page(request: PartnerRequest, quota: Quota, form: IssueForm, *, status: int = 200) -> HttpResponse:
    now = timezone.now()
    refused = why_quota_refused(quota, now=now)
    version = receivers.active_list(quota)
    context = {
        "quota": quota,
        "amounts": {
            "balance": money.shown(quota.balance_minor, quota.currency),
            "total": money.shown(quota.total_minor, quota.currency),
        },
        "one": money.typed(1, quota.currency),
        "phase": quota.phase_at(now),
        "form": form,
        "refused": words(refused) if refused else "",
        "limits": limit_words(LimitFacts(**{name: getattr(quota, name) for name in LimitFacts._fields})),
        "whitelist_version": version.number if version else 0,
        "chosen": [_named(row) for row in _chosen(request)],
        "may_reveal": request.member.may(Permission.CUSTOMER_UNMASK),
        "batch_limit": environment.batch_limit,
    }
    return render(request, "vouchers/issue.html", context, status=status)


# --- who -----------------------------------------------------------------------------------------


def _choice(request: PartnerRequest, form: IssueForm) -> Sequence[Chosen]:
    """
    Read the customers from where the form says they come from.

    :raises NobodyChosen: if there are none
    :raises TooManyChosen: if there are more than a batch takes
    :raises GroupChanged: if the group is not as large as shown
    :raises UploadRefusal: if the list cannot be read at all
    :raises TooMany: if this member has planned enough
    """
    limits.spend(
        key=f"issue-plan:member:{request.member.pk}",
        allowed=PLANS_AN_HOUR,
        per=timedelta(hours=1),
        now=timezone.now(),
    )
    given = form.cleaned_data
    if given["source"] == Source.LIST:
        rows = planning.of_names(_listed(form), partner=request.partner)
    elif given["source"] == Source.MATCHING:
        rows = planning.of_customers(_group(request, form))
    else:
        rows = planning.of_customers(_chosen(request))
    if not rows:
        raise NobodyChosen
    return rows


def _group(request: PartnerRequest, form: IssueForm) -> Iterable[Association]:
    given, most = form.cleaned_data, environment.batch_limit
    group = receivers.matching(request.member, model=given["model"], custom_tag=given["custom_tag"])
    count = group.count()
    if count > most:
        raise TooManyChosen(count=count, most=most)
    if given["matching"] is not None and given["matching"] != count:
        raise GroupChanged(now=count, then=given["matching"])
    return group


def _chosen(request: PartnerRequest) -> list[Association]:
    """Return the customers named by the form, in the order they were added."""
    added = [text for text in request.POST.getlist("add") if text.isascii() and text.isprintable()]
    wanted = list(dict.fromkeys([*posted_ids(request), *added]))[:MOST_CHOSEN]
    removed = set(request.POST.getlist("remove"))
    found = receivers.customers_seen_by(request.member).filter(public_id__in=wanted)
    by_id = {row.public_id: row for row in found}
    return [by_id[each] for each in wanted if each in by_id and each not in removed]


def _listed(form: IssueForm) -> list[Chosen]:
    given, most = form.cleaned_data, environment.batch_limit
    if given["upload"]:
        upload = imports.read_upload(given["upload"], columns=COLUMNS, max_rows=most)
    else:
        upload = imports.read_pasted(given["pasted"], columns=COLUMNS, max_rows=most)
    rows = [*map(_checked, upload.rows), *map(_faulty, upload.faults)]
    return sorted(rows, key=lambda row: row.number)


def _checked(row: imports.Row) -> Chosen:
    """Bring the names of a row into their one form, or keep them as written with what is wrong."""
    account_name, customer_name = row.values["account_name"], row.values["customer_name"]
    try:
        return Chosen(
            number=row.number,
            account_name=normalise_account_name(account_name),
            customer_name=normalise_name(customer_name) if customer_name else "",
        )
    except (BadAccountName, BadName) as refusal:
        return Chosen(
            number=row.number,
            account_name=account_name,
            customer_name=customer_name,
            fault=Reason.BAD_REQUEST,
            note=str(refusal),
        )


def _faulty(fault: imports.RowFault) -> Chosen:
    return Chosen(
        number=fault.number,
        account_name=fault.values.get("account_name", ""),
        customer_name=fault.values.get("customer_name", ""),
        fault=Reason.BAD_REQUEST,
        note=str(fault.reason),
    )


# --- the dialog ----------------------------------------------------------------------------------


@member_required(Permission.COUPON_ISSUE)
@require_http_methods(["GET", "HEAD", "POST"])
def customers(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Search customers by name or account name; what was looked for stands in no address."""
    quota = _quota(request, public_id)
    form = SearchForm(request.POST if request.method == "POST" else None)
    refusal = _count_search(request, form) if form.is_valid() else None
    found = receivers.search(request.member, form.cleaned_data["wanted"]) if form.is_valid() else []
    shown = found[: receivers.FOUND_AT_ONCE]
    context = {
        "quota": quota,
        "form": form,
        "rows": _told(shown, quota, request),
        "is_more": len(found) > len(shown),
        "may_reveal": request.member.may(Permission.CUSTOMER_UNMASK),
    }
    template = "vouchers/_receivers_found.html" if request.method == "POST" else "vouchers/_receivers_dialog.html"
    answer = render(request, template, context, status=422 if form.errors else 200)
    if refusal:
        answer.status_code, answer["Retry-After"] = refusal.status, str(refusal.retry_after)
    return answer


def _count_search(request: PartnerRequest, form: SearchForm) -> limits.TooMany | None:
    """Count a search; one too many is told beside the field, and nothing is looked up."""
    try:
        count_search(request.member, now=timezone.now())
    except limits.TooMany as refusal:
        form.add_error("wanted", f"{refusal} {refusal.advice}")
        return refusal
    return None


def _told(rows: Iterable[Association], quota: Quota, request: PartnerRequest) -> list[dict[str, object]]:
    """Say of each customer already in the dialog why it would get nothing, by the rules of the plan (peers.md O32)."""
    customers = list(rows)
    known = receivers.known_about(customers, quota, receivers.active_list(quota))
    return [
        {
            **_named(row),
            "model": row.get_model_display(),
            "tag": row.custom_tag,
            "why": _why(row, quota, known, request),
        }
        for row in customers
    ]


def _named(row: Association) -> dict[str, object]:
    account = row.account
    return {
        "public_id": row.public_id,
        "label": planning.masked(account),
        "customer_name": mask_name(account.customer_name),
        "account_name": mask_account(account.account_name),
    }


def _why(row: Association, quota: Quota, known: receivers.Known, request: PartnerRequest) -> object:
    reason = why_not_issued(receivers.receiver_of(row, quota, known, request.member), quota)
    return words(reason) if reason else ""


@member_required(Permission.COUPON_ISSUE)
@require_POST
def chosen(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Show the chosen customers anew, after some were added or one was taken out."""
    quota = _quota(request, public_id)
    context = {
        "quota": quota,
        "chosen": [_named(row) for row in _chosen(request)],
        "may_reveal": request.member.may(Permission.CUSTOMER_UNMASK),
    }
    answer = render(request, "vouchers/_receivers_chosen.html", context)
    if "remove" not in request.POST:
        answer["HX-Trigger"] = '{"dialog:close": true}'
    return answer


@member_required(Permission.COUPON_ISSUE)
@require_POST
def matching(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Count the customers of a group."""
    quota = _quota(request, public_id)
    names = ("model", "custom_tag")
    asked = {name: text if (text := request.POST.get(name, "")).isprintable() else "" for name in names}
    context = {"quota": quota, "count": receivers.matching(request.member, **asked).count()}
    return render(request, "vouchers/_receivers_count.html", context)


@member_required(Permission.COUPON_ISSUE)
@require_GET
def template(request: PartnerRequest) -> HttpResponseBase:
    """Hand out an empty list to fill in."""
    written = io.BytesIO()
    exports.write_csv(exports.plain_columns([column.header for column in COLUMNS]), [], written)
    answer = HttpResponse(written.getvalue(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="customers.csv"'
    return answer
