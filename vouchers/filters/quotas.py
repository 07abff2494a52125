"""What the list of quotas and the ledger of one quota can be asked."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, pgettext_lazy

from partner_center.listing.columns import Text
from partner_center.listing.filters import ChoiceFilter, DayFilter, ListFilters, Preset, TextFilter
from partner_center.listing.keyset import Rows
from vouchers.queries import ledger, quotas
from vouchers.rules import CouponKind, LedgerAccount, OperationType, QuotaPhase

DAYS = (1, 7, 30)
MOVING = [
    (each.value, each.label)
    for each in OperationType
    if each not in {OperationType.QUOTA_STATUS, OperationType.QUOTA_LIMITS}
]


def _kinds(filters: ListFilters) -> Iterable[tuple[str, Text]]:
    return [(kind.value, kind.label) for kind in quotas.kinds_of(filters.member.partner)]


def _in_phase(rows: Rows, phase: str, filters: ListFilters) -> Rows:
    return quotas.in_phase(rows, phase, now=filters.now)


def _expiring(rows: Rows, days: str, filters: ListFilters) -> Rows:
    return quotas.expiring(rows, days=int(days), now=filters.now)


def _within(_filters: ListFilters) -> Iterable[tuple[str, Text]]:
    label = [(days, ngettext("Within %(days)d day", "Within %(days)d days", days)) for days in DAYS]
    return [(str(days), text % {"days": days}) for days, text in label]


def _on_account(rows: Rows, account: str, _filters: ListFilters) -> Rows:
    return ledger.on_account(rows, account)


class NumberFilter(TextFilter):
    """Numbers that begin like this, however they are written; a partner's quotas are few."""

    def filter(self, rows: Rows, value: str) -> Rows:
        return rows.filter(**{f"{self.field_name}__startswith": value.upper()}) if value else rows


class QuotaFilters(ListFilters):
    """Filters of a partner's quotas; the kind stands as tabs."""

    tab = "kind"
    presets = (
        Preset(_("Can be issued from"), {"phase": QuotaPhase.NORMAL}),
        Preset(_("Expiring within 30 days"), {"expiring": "30"}),
    )

    number = NumberFilter(_("Quota number"), field="number")
    kind = ChoiceFilter(_("Kind"), field="kind", choices=_kinds)
    phase = ChoiceFilter(_("Status"), choices=QuotaPhase.choices, condition=_in_phase)
    expiring = ChoiceFilter(_("Expires with a balance"), choices=_within, condition=_expiring)


class PartnerFilter(TextFilter):
    """Rows of partners whose company name holds this, or whose account number it is."""

    def filter(self, rows: Rows, value: str) -> Rows:
        return rows.filter(quotas.is_partner_called(value, of="partner__")) if value else rows


class PlatformQuotaFilters(QuotaFilters):
    """The same over all partners."""

    partner = PartnerFilter(_("Partner"), hint=_("Part of the name, or the account number"))
    number = NumberFilter(_("Quota number"), field="number")
    kind = ChoiceFilter(_("Kind"), field="kind", choices=CouponKind.choices)


class LedgerFilters(ListFilters):
    """Filters of the entries of one quota."""

    account = ChoiceFilter(pgettext_lazy("ledger", "Account"), choices=LedgerAccount.choices, condition=_on_account)
    operation = ChoiceFilter(_("Operation"), field="operation", choices=MOVING)
    made_from = DayFilter(_("From"), field="occurred_at", edge="from")
    made_to = DayFilter(_("To"), field="occurred_at", edge="to")
