"""A partner's quotas: the list, one quota, and the ledger entries that explain its numbers."""

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from partner_center import money
from partner_center.listing.asking import read_address
from partner_center.listing.filters import ListFilters
from partner_center.listing.pages import ListRequest, list_page
from partner_center.tenancy.access import member_required
from partner_center.tenancy.permissions import Permission
from partner_center.tenancy.requests import PartnerRequest
from vouchers.filters.quotas import LedgerFilters, QuotaFilters
from vouchers.models import Quota
from vouchers.queries import ledger as entries
from vouchers.queries import quotas as queries
from vouchers.rules import EFFECT_OF_PHASE, LedgerAccount
from vouchers.tables import quota_columns as columns
from vouchers.tables import quotas as tables
from vouchers.tables.ledger import LedgerTable, summed_table


@member_required(Permission.QUOTA_READ)
@require_http_methods(["GET", "HEAD", "POST"])
def quotas(request: PartnerRequest) -> HttpResponseBase:
    """List the partner's quotas; a POST is the filter form, nothing is written."""
    may_issue = request.member.may(Permission.COUPON_ISSUE)
    return list_page(
        request,
        rows=Quota.objects.of(request.partner),
        filters=QuotaFilters,
        table=tables.QuotaTable if may_issue else tables.ReadingTable,
        template="vouchers/quotas.html",
        now=timezone.now(),
        context={"empty_template": "vouchers/_quotas_empty.html"},
    )


@require_safe
@member_required(Permission.QUOTA_READ)
def quota(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """Show one quota: what is left of it, where the rest is, and what limits it."""
    found = get_object_or_404(Quota.objects.of(request.partner), public_id=public_id)
    now = timezone.now()
    issue, records = columns.address_of("vouchers:issue"), tables.records_address()
    may_issue = issue is not None and request.member.may(Permission.COUPON_ISSUE)
    context = {
        **quota_context(found),
        "why_not_issuable": tables.why_not_issuable_from(found, now=now),
        "issue_address": issue(found.public_id) if issue and may_issue else "",
        "records_address": records(found.number) if records else "",
    }
    return render(request, "vouchers/quota.html", context)


def quota_context(found: Quota, *, ledger_name: str = columns.LEDGER) -> dict[str, object]:
    """
    Collect what both the partner and the vendor see of a quota.

    :param ledger_name: URL name of the page that explains its numbers
    """
    now = timezone.now()
    phase = found.phase_at(now)
    days = columns.days_left(phase=phase, expires_at=found.expires_at, balance_minor=found.balance_minor, now=now)
    return {
        "quota": found,
        "phase": phase,
        "phase_kind": columns.KIND_OF_PHASE[phase],
        "effect": EFFECT_OF_PHASE[phase],
        "numbers": tables.numbers_of(found, ledger=ledger_name),
        "issued_address": reverse(ledger_name, args=[found.public_id]) + "?operation=issue",
        "issued_face": money.shown(found.issued_face_minor, found.currency),
        "bar": tables.bar_of(found),
        "limits": tables.limits_of(found),
        "named": queries.named_customers(found) if found.has_named_customers else None,
        "expiring": columns.days_words(days) if days is not None else "",
    }


@member_required(Permission.QUOTA_READ)
@require_http_methods(["GET", "HEAD", "POST"])
def ledger(request: PartnerRequest, public_id: str) -> HttpResponseBase:
    """List the entries of a quota, and what they add up to; a POST is the filter form, nothing is written."""
    found = get_object_or_404(Quota.objects.of(request.partner), public_id=public_id)
    back = {"list_address": reverse("vouchers:quotas"), "quota_address": reverse("vouchers:quota", args=[public_id])}
    return ledger_page(request, found, back)


def ledger_page(request: ListRequest, found: Quota, back: dict[str, str]) -> HttpResponseBase:
    """Answer the ledger of a quota to whoever may see it; `back` leads to where the viewer came from."""
    now = timezone.now()
    words = request.POST if request.method == "POST" else request.GET
    asked = read_address(words, LedgerFilters, viewer=request.viewer).values
    account = asked.get("account", "")
    account = account if account in LedgerAccount.values else ""
    rows = entries.entries_of(found)
    matching = LedgerFilters(asked, rows=rows, viewer=request.viewer, now=now)
    is_sum = bool(account or asked.get("operation"))
    table = summed_table(account, lambda pk: entries.sum_of(matching.rows().filter(pk__lt=pk), account))
    return list_page(
        request,
        rows=rows,
        filters=LedgerFilters,
        table=table if is_sum else LedgerTable,
        template="vouchers/ledger.html",
        now=now,
        context={
            "quota": found,
            **back,
            "toolbar_template": "vouchers/_ledger_sum.html" if is_sum else "",
            **_sum(found, matching, account),
        },
    )


def _sum(found: Quota, matching: ListFilters, account: str) -> dict[str, object]:
    """Say what the matching entries add up to, and which number of the quota they explain, if they are all of it."""
    total = entries.sum_of(matching.rows(), account)
    told: dict[str, object] = {"total": money.shown(total, found.currency)}
    if not account or set(matching.active()) != {"account"}:
        return told
    chosen = LedgerAccount(account)
    agrees = total == tables.amount_on(found, chosen)
    return told | {"explained": columns.LABELS[chosen], "number": tables.shown_on(found, chosen), "agrees": agrees}
