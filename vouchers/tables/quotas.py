"""How quotas look: the lists of partners and of the vendor, and one quota's numbers that open the ledger."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from html import escape
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from partner_center import money
from partner_center.listing.columns import ActionsColumn, Cell, Paint
from partner_center.listing.keyset import PUBLIC_ID, Row
from partner_center.listing.tables import BaseTable
from partner_center.refusals import Text
from vouchers.models import Quota
from vouchers.rules import COLUMN_OF_ACCOUNT, LedgerAccount, quota_phase, why_not_issuable
from vouchers.rules.limits import LimitFacts, limit_words
from vouchers.tables.quota_columns import (
    LABELS,
    LEDGER,
    PLATFORM_LEDGER,
    STATE,
    BalanceColumn,
    LimitsColumn,
    NumberColumn,
    PartnerColumn,
    PhaseColumn,
    ValidityColumn,
    WhereColumn,
    address_of,
    draw_bar,
    ledger_query,
)

_ROOM = ("balance_minor", "issued_count", "max_count", "issued_face_minor", "max_total_face_minor")
_USES_COUPONS = "partner__own_coupon_mode"


def issue_button(address: str, reason: Text | None) -> str:
    """Draw the way to issuing, or a dead button and why it is dead."""
    label = escape(_("Issue"))
    if reason is None:
        return f'<a class="button" data-kind="primary" data-size="small" href="{escape(address)}">{label}</a>'
    dead = f'<span class="button" data-size="small" role="link" aria-disabled="true" title="{escape(str(reason))}">'
    return f'{dead}{label}</span><span class="visually-hidden">{escape(str(reason))}</span>'


def _actions(paint: Paint) -> Cell:
    """Offer to issue and to look at what was done; what another room does not offer is left out."""
    status, begins, ends = map(paint.getter, STATE)
    balance, count, most, face, most_face = map(paint.getter, _ROOM)
    public_id, number, uses_coupons = map(paint.getter, (PUBLIC_ID, "number", _USES_COUPONS))
    issue, records, now = address_of("vouchers:issue"), records_address(), paint.now

    def draw(row: Row) -> str:
        phase = quota_phase(status=status(row), effective_at=begins(row), expires_at=ends(row), now=now)
        room = {"counted": (count(row), most(row)), "faces_minor": (face(row), most_face(row))}
        reason = why_not_issuable(phase=phase, balance_minor=balance(row), uses_coupons=uses_coupons(row), **room)
        drawn = issue_button(issue(public_id(row)), reason) if issue else ""
        return drawn + (_records_link(records(number(row))) if records else "")

    return draw


def records_address() -> Callable[[str], str] | None:
    """Return what writes the address of the operation records of a quota's number."""
    try:
        page = reverse("vouchers:operations")
    except NoReverseMatch:
        return None
    return lambda number: f"{page}?{urlencode({'quota': number})}"


def _records_link(address: str) -> str:
    label = escape(_("Operation records"))
    return f'<a class="button" data-kind="quiet" data-size="small" href="{escape(address)}">{label}</a>'


class ReadingTable(BaseTable):
    """The quotas of a partner, for those who may look."""

    kind = "quota"
    caption = gettext_lazy("Quotas")
    row_url_name = "vouchers:quota"

    number = NumberColumn(gettext_lazy("Quota"), sort="id")
    balance = BalanceColumn(gettext_lazy("Balance"))
    where = WhereColumn(gettext_lazy("Issued from it"))
    validity = ValidityColumn(gettext_lazy("Validity"), sort="expires_at")
    limits = LimitsColumn(gettext_lazy("Limits"))
    phase = PhaseColumn(gettext_lazy("Status"))


class QuotaTable(ReadingTable):
    """The same with what can be done."""

    actions = ActionsColumn(actions=_actions, needs=(*STATE, *_ROOM, "number", _USES_COUPONS))


class PlatformQuotaTable(ReadingTable):
    """The quotas of all partners, for the vendor's staff."""

    caption = gettext_lazy("Quotas of all partners")
    row_url_name = "vouchers:platform_quota"

    partner = PartnerColumn(gettext_lazy("Partner"))
    balance = BalanceColumn(gettext_lazy("Balance"), ledger=PLATFORM_LEDGER)
    where = WhereColumn(gettext_lazy("Issued from it"), ledger=PLATFORM_LEDGER)

    class Meta:
        sequence = ("number", "partner", "...")


@dataclass(frozen=True)
class Number:
    """One number of a quota, and the ledger entries that explain it."""

    part: str
    label: Text
    amount: str
    address: str


def numbers_of(quota: Quota, *, ledger: str = LEDGER) -> list[Number]:
    """
    List the amounts of a quota: the whole first, then its parts.

    :param ledger: URL name of the page that explains them
    """
    page = reverse(ledger, args=[quota.public_id])
    return [
        Number(account.value, LABELS[account], shown_on(quota, account), page + ledger_query(account))
        for account in LedgerAccount
    ]


def amount_on(quota: Quota, account: LedgerAccount) -> int:
    return int(getattr(quota, COLUMN_OF_ACCOUNT[account]))


def shown_on(quota: Quota, account: LedgerAccount) -> str:
    return money.shown(amount_on(quota, account), quota.currency)


def bar_of(quota: Quota) -> SafeString:
    return draw_bar({account: amount_on(quota, account) for account in LedgerAccount}, quota.currency)


def limits_of(quota: Quota) -> list[str]:
    return limit_words(LimitFacts(*(getattr(quota, name) for name in LimitFacts._fields)))


def why_not_issuable_from(quota: Quota, *, now: datetime) -> Text | None:
    return why_not_issuable(
        phase=quota.phase_at(now),
        balance_minor=quota.balance_minor,
        uses_coupons=quota.partner.own_coupon_mode,
        counted=(quota.issued_count, quota.max_count),
        faces_minor=(quota.issued_face_minor, quota.max_total_face_minor),
    )
