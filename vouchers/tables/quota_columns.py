"""Columns of lists of quotas, and the bar that says where the amount of a quota is."""

from collections.abc import Callable
from datetime import datetime, timedelta
from html import escape
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from partner_center import money
from partner_center.listing.columns import NOTHING, Cell, Column, Paint, badge, time_html
from partner_center.listing.keyset import PUBLIC_ID, Row
from partner_center.listing.tables import ANY_ROW
from partner_center.refusals import Text
from vouchers.queries.quotas import SOON
from vouchers.rules import (
    COLUMN_OF_ACCOUNT,
    EFFECT_OF_PHASE,
    CouponKind,
    LedgerAccount,
    QuotaPhase,
    quota_phase,
)
from vouchers.rules.limits import LimitFacts, limit_words

LEDGER, PLATFORM_LEDGER = "vouchers:ledger", "vouchers:platform_ledger"
KIND_OF_PHASE: dict[str, str] = {
    QuotaPhase.NORMAL: "success",
    QuotaPhase.ADJUSTING: "info",
    QuotaPhase.FROZEN: "warning",
    QuotaPhase.INVALID: "danger",
    QuotaPhase.NOT_YET: "info",
    QuotaPhase.EXPIRED: "neutral",
}
# In the order of the bar; the vendor's account is the whole.
PARTS = (LedgerAccount.QUOTA, LedgerAccount.COUPON, LedgerAccount.CONSUMED, LedgerAccount.LAPSED)
AMOUNTS = tuple(COLUMN_OF_ACCOUNT[account] for account in LedgerAccount)
LABELS: dict[LedgerAccount, Text] = {
    LedgerAccount.VENDOR: gettext_lazy("Total"),
    LedgerAccount.QUOTA: gettext_lazy("Balance"),
    LedgerAccount.COUPON: gettext_lazy("With customers"),
    LedgerAccount.CONSUMED: gettext_lazy("Consumed"),
    LedgerAccount.LAPSED: gettext_lazy("Lapsed"),
}
# More of them are folded away in a row of the list.
MOST_LIMITS_OPEN = 2
STATE = ("status", "effective_at", "expires_at")


def address_of(name: str, *, query: str = "") -> Callable[[str], str] | None:
    """Return what writes the address of a page about one quota, None where no room offers that page."""
    try:
        before, after = reverse(name, args=[ANY_ROW]).split(ANY_ROW)
    except NoReverseMatch:
        return None
    return lambda public_id: f"{before}{public_id}{after}{query}"


def ledger_query(account: LedgerAccount) -> str:
    return f"?{urlencode({'account': account.value})}"


def draw_bar(amounts: dict[LedgerAccount, int], currency: str) -> SafeString:
    """Draw where the amount of a quota is, as a bar that says it in words too; amounts in minor units."""
    total, position, drawn = max(1, amounts[LedgerAccount.VENDOR]), 0.0, []
    for account in PARTS:
        width = amounts[account] * 100 / total
        drawn.append((account.value, f"{position:.2f}", f"{width:.2f}"))
        position += width
    said = "; ".join(f"{LABELS[account]}: {money.shown(amounts[account], currency)}" for account in PARTS)
    parts = format_html_join("", '<rect data-part="{}" x="{}" width="{}" height="8"></rect>', drawn)
    shape = '<svg class="quota-bar" role="img" aria-label="{}" viewBox="0 0 100 8" preserveAspectRatio="none">{}</svg>'
    return format_html(shape, said, parts)


def phase_badge(phase: QuotaPhase) -> str:
    """Draw the phase of a quota, with its effect on hover; whoever cannot hover reads it below."""
    kind, effect = KIND_OF_PHASE[phase], escape(str(EFFECT_OF_PHASE[phase]))
    return f'<span title="{effect}">{badge(kind, phase.label)}</span>'


class NumberColumn(Column):
    """The number of a quota, which opens it, and its kind."""

    css = "primary"

    @property
    def fields(self) -> tuple[str, ...]:
        return "number", "kind"

    def cell(self, paint: Paint) -> Cell:
        number, kind, public_id = map(paint.getter, ("number", "kind", PUBLIC_ID))
        labels = {each.value: escape(str(each.label)) for each in CouponKind}
        address = paint.row_address or str

        def draw(row: Row) -> str:
            link = f'<a class="nowrap" data-row-link href="{address(public_id(row))}">{escape(number(row))}</a>'
            return f'{link}<span class="cell-sub">{labels[kind(row)]}</span>'

        return draw


class BalanceColumn(Column):
    """
    What is left of how much, as words and as a bar.

    :param ledger: URL name of the page that explains it
    """

    def __init__(self, label: Text, *, ledger: str = LEDGER) -> None:
        super().__init__(label)
        self.ledger = ledger

    @property
    def fields(self) -> tuple[str, ...]:
        return (*AMOUNTS, "currency")

    def cell(self, paint: Paint) -> Cell:
        getters = {account: paint.getter(COLUMN_OF_ACCOUNT[account]) for account in LedgerAccount}
        currency, public_id = paint.getter("currency"), paint.getter(PUBLIC_ID)
        opens = address_of(self.ledger, query=ledger_query(LedgerAccount.QUOTA)) or str

        def draw(row: Row) -> str:
            amounts = {account: int(get(row)) for account, get in getters.items()}
            left = escape(money.shown(amounts[LedgerAccount.QUOTA], currency(row)))
            total = escape(_("of %(total)s") % {"total": money.shown(amounts[LedgerAccount.VENDOR], currency(row))})
            return (
                f'<a class="number quota-left" href="{opens(public_id(row))}">{left}</a>'
                f'<span class="cell-sub nowrap">{total}</span>{draw_bar(amounts, currency(row))}'
            )

        return draw


class WhereColumn(Column):
    """
    What left the balance and where it is now, each amount with its way to the ledger.

    :param ledger: URL name of the page that explains it
    """

    def __init__(self, label: Text, *, ledger: str = LEDGER) -> None:
        super().__init__(label)
        self.ledger = ledger

    @property
    def fields(self) -> tuple[str, ...]:
        return (*(COLUMN_OF_ACCOUNT[account] for account in PARTS[1:]), "currency")

    def cell(self, paint: Paint) -> Cell:
        public_id, currency = paint.getter(PUBLIC_ID), paint.getter("currency")
        lines = [
            (
                escape(str(LABELS[account])),
                address_of(self.ledger, query=ledger_query(account)) or str,
                paint.getter(COLUMN_OF_ACCOUNT[account]),
            )
            for account in PARTS[1:]
        ]

        def draw(row: Row) -> str:
            drawn = (
                f'<span>{label}</span> <a class="number" href="{opens(public_id(row))}">'
                f"{escape(money.shown(amount(row), currency(row)))}</a>"
                for label, opens, amount in lines
            )
            return f'<span class="quota-where">{"".join(drawn)}</span>'

        return draw


class ValidityColumn(Column):
    """From when to when, with a warning where a balance is about to be lost."""

    css = "nowrap"

    @property
    def fields(self) -> tuple[str, ...]:
        return (*STATE, "balance_minor")

    def cell(self, paint: Paint) -> Cell:
        status, begins, ends, balance = map(paint.getter, self.fields)
        now, zone, word = paint.now, paint.zone, escape(_("to"))

        def draw(row: Row) -> str:
            phase = quota_phase(status=status(row), effective_at=begins(row), expires_at=ends(row), now=now)
            days = days_left(phase=phase, expires_at=ends(row), balance_minor=balance(row), now=now)
            warning = "" if days is None else f'<span class="cell-sub">{badge("warning", days_words(days))}</span>'
            until = f'<span class="cell-sub">{word} {time_html(ends(row), zone)}</span>'
            return time_html(begins(row), zone) + until + warning

        return draw


class LimitsColumn(Column):
    """The limits in words."""

    css = "wrap"

    @property
    def fields(self) -> tuple[str, ...]:
        return LimitFacts._fields

    def cell(self, paint: Paint) -> Cell:
        getters = [paint.getter(name) for name in LimitFacts._fields]

        def draw(row: Row) -> str:
            words = limit_words(LimitFacts(*(get(row) for get in getters)))
            lines = "".join(f"<li>{escape(each)}</li>" for each in words)
            listed = f'<ul class="quota-limits small">{lines}</ul>'
            if len(words) <= MOST_LIMITS_OPEN:
                return listed if lines else NOTHING
            count = escape(_("%(count)d limits") % {"count": len(words)})
            return f'<details class="quota-disclosure"><summary>{count}</summary>{listed}</details>'

        return draw


class PhaseColumn(Column):
    """What can be done with a quota now, and what the vendor says about it."""

    @property
    def fields(self) -> tuple[str, ...]:
        return (*STATE, "status_note")

    def cell(self, paint: Paint) -> Cell:
        status, begins, ends, note = map(paint.getter, self.fields)
        badges = {phase: phase_badge(phase) for phase in QuotaPhase}
        now = paint.now

        def draw(row: Row) -> str:
            phase = quota_phase(status=status(row), effective_at=begins(row), expires_at=ends(row), now=now)
            lines = [] if phase == QuotaPhase.NORMAL else [str(EFFECT_OF_PHASE[phase]), note(row)]
            below = "".join(f'<span class="cell-sub quota-effect">{escape(line)}</span>' for line in lines if line)
            return badges[phase] + below

        return draw


def days_left(*, phase: QuotaPhase, expires_at: datetime, balance_minor: int, now: datetime) -> int | None:
    """Return in how many days a balance is lost, None where nothing is lost soon."""
    if phase != QuotaPhase.NORMAL or not balance_minor or expires_at > now + SOON:
        return None
    return (expires_at - now) // timedelta(days=1)


def days_words(days: int) -> str:
    """Say that a balance is about to be lost, in whole days."""
    if days < 1:
        return _("Expires within a day")
    return ngettext("Expires in %(days)d day", "Expires in %(days)d days", days) % {"days": days}


class PartnerColumn(Column):
    """Whose quota it is."""

    css = "wrap"

    @property
    def fields(self) -> tuple[str, ...]:
        return "partner__company_name", "partner__account_number"

    def cell(self, paint: Paint) -> Cell:
        name, number = map(paint.getter, self.fields)
        return lambda row: f'<span>{escape(name(row))}</span><span class="cell-sub">{escape(number(row))}</span>'
