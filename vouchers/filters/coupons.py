"""What the list of issued coupons can be asked (domain.md 4.14)."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from partner_center.listing.columns import Text
from partner_center.listing.filters import (
    ChoiceFilter,
    DayFilter,
    ListFilters,
    PersonalFilter,
    Preset,
    PublicIdFilter,
    TextFilter,
)
from partner_center.listing.keyset import Rows
from partner_center.mail.addresses import safe_display
from partner_center.masking import mask_account, mask_name
from vouchers.queries import coupons, quotas
from vouchers.rules import CouponStatus

LOCKED = "1"


def _kinds(filters: ListFilters) -> Iterable[tuple[str, Text]]:
    """Offer pickup coupons only to partners who have a quota of them."""
    return [(kind.value, kind.label) for kind in quotas.kinds_of(filters.member.partner)]


def _in_status(rows: Rows, status: str, filters: ListFilters) -> Rows:
    """Ask for the status people see: expiry counts from its time (decisions.md 5.6)."""
    return rows.in_status(status, now=filters.now)  # type: ignore[attr-defined,no-any-return]


def _expiring(rows: Rows, _value: str, filters: ListFilters) -> Rows:
    return rows.expiring(now=filters.now)  # type: ignore[attr-defined,no-any-return]


def _locked(rows: Rows, _value: str, filters: ListFilters) -> Rows:
    return rows.usable(now=filters.now).exclude(locked_by_order="")  # type: ignore[attr-defined,no-any-return]


def _of_issue(rows: Rows, public_id: str, _filters: ListFilters) -> Rows:
    return coupons.issued_by_job(rows, public_id)


def _of_recall(rows: Rows, public_id: str, filters: ListFilters) -> Rows:
    return coupons.recalled_by_job(rows, public_id, partner=filters.member.partner)


def _name(text: str) -> str:
    return safe_display(text, longest=len(text) + 1)


class ExactFilter(TextFilter):
    """Rows with exactly this number, however its letters were typed."""

    def filter(self, rows: Rows, value: str) -> Rows:
        return rows.filter(**{self.field_name: value.strip().upper()}) if value else rows


class OrderFilter(TextFilter):
    """Coupons that an order has used or holds."""

    def filter(self, rows: Rows, value: str) -> Rows:
        return coupons.of_order(rows, value.strip(), partner=self.parent.member.partner) if value else rows


class CouponFilters(ListFilters):
    """Filters of the issued coupons; the kind stands as tabs."""

    tab = "kind"
    presets = (
        Preset(_("Usable"), {"status": CouponStatus.USABLE}),
        Preset(_("Expiring within 7 days"), {"expiring": "7"}),
        Preset(_("Held by an unpaid order"), {"locked": LOCKED}),
        Preset(_("Recalled"), {"status": CouponStatus.RECALLED}),
    )

    number = ExactFilter(_("Coupon number"), field="number")
    customer_name = PersonalFilter(
        _("Customer name"), field="account__customer_name", mask=mask_name, normalise=_name, by_prefix=False
    )
    account_name = PersonalFilter(
        _("Account name"), field="account__account_name", mask=mask_account, normalise=str.lower, by_prefix=False
    )
    kind = ChoiceFilter(_("Kind"), field="kind", choices=_kinds)
    status = ChoiceFilter(_("Status"), choices=CouponStatus.choices, condition=_in_status)
    order = OrderFilter(_("Order number"), more=True)
    quota = ExactFilter(_("Quota number"), field="quota__number", more=True)
    expiring = ChoiceFilter(_("Expiring"), choices=[("7", _("Within 7 days"))], condition=_expiring, more=True)
    locked = ChoiceFilter(_("Order"), choices=[(LOCKED, _("Held by an unpaid order"))], condition=_locked, more=True)
    issued_from = DayFilter(_("Issued from"), field="created_at", edge="from", more=True)
    issued_to = DayFilter(_("Issued to"), field="created_at", edge="to", more=True)
    effective_from = DayFilter(_("Effective from"), field="effective_at", edge="from", more=True)
    effective_to = DayFilter(_("Effective to"), field="effective_at", edge="to", more=True)
    expires_from = DayFilter(_("Expires from"), field="expires_at", edge="from", more=True)
    expires_to = DayFilter(_("Expires to"), field="expires_at", edge="to", more=True)
    job = PublicIdFilter(_("Issued in the batch"), condition=_of_issue)
    recall = PublicIdFilter(_("Recalled in the batch"), condition=_of_recall)
