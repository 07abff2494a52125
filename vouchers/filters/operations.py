"""What the operation log can be asked: by its partner, and by the vendor's staff over all partners (domain.md 4.16)."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from customers.models import Account
from partner_center.listing.columns import Text
from partner_center.listing.filters import (
    ChoiceFilter,
    DayFilter,
    ListFilter,
    ListFilters,
    PersonalFilter,
    Preset,
    PublicIdFilter,
    TextFilter,
    begins_with,
)
from partner_center.listing.keyset import Rows
from partner_center.mail.addresses import safe_display
from partner_center.masking import mask_account, mask_name
from partner_center.tenancy.models import Member, Partner
from vouchers.models import Coupon, OperationResult, Quota, ReviewMark
from vouchers.queries import operations
from vouchers.rules import CouponKind, OperationType
from vouchers.rules.hints import Hint

SYSTEM = "system"
MOST_OPERATORS = MOST_PARTNERS = 500
UNREVIEWED, ANY_HINT = "unreviewed", "any"


class ExactFilter(TextFilter):
    """Rows with exactly this text."""

    def filter(self, rows: Rows, value: str) -> Rows:
        return rows.filter(**{self.field_name: value}) if value else rows


class CouponNumberFilter(TextFilter):
    """Records of one coupon, by its number."""

    def filter(self, rows: Rows, value: str) -> Rows:
        coupons = Coupon.objects.filter(number=value).values("public_id")
        return rows.filter(coupon_id__in=coupons) if value else rows


class CustomerFilter(PersonalFilter):
    """Records of customers whom the directory knows by a name: of those who hold a coupon, or were picked for one."""

    def filter(self, rows: Rows, value: str) -> Rows:
        if not value:
            return rows
        is_prefix = self.by_prefix and self.parent.may_reveal
        named = begins_with(self.field_name, value) if is_prefix else Q(**{self.field_name: value})
        ids = Account.objects.filter(named).values("public_id")
        return rows.filter(Q(account_id__in=ids) | Q(chosen_account_id__in=ids))


def _name(text: str) -> str:
    return safe_display(text, longest=len(text) + 1)


def _word(text: str) -> str:
    return _name(text).lower()


def _kinds(filters: ListFilters) -> Iterable[tuple[str, Text]]:
    """Show pickup coupons to partners who have a quota of them (domain.md 4.11)."""
    has_pickup = Quota.objects.of(filters.member.partner).filter(kind=CouponKind.PICKUP).exists()
    return [choice for choice in CouponKind.choices if choice[0] != CouponKind.PICKUP or has_pickup]


def _operators(filters: ListFilters) -> Iterable[tuple[str, Text]]:
    colleagues = Member.objects.of(filters.member.partner).order_by("user__name", "pk")
    return [*colleagues.values_list("public_id", "user__name")[:MOST_OPERATORS], (SYSTEM, _("System"))]


def _by_operator(rows: Rows, value: str, filters: ListFilters) -> Rows:
    return rows.filter(actor_kind=SYSTEM) if value == SYSTEM else rows.filter(actor_id=value)


def _of_coupon(rows: Rows, public_id: str, filters: ListFilters) -> Rows:
    return rows.filter(coupon_id=public_id)


def _of_batch(rows: Rows, public_id: str, filters: ListFilters) -> Rows:
    return rows.filter(job_id=public_id)


def _partners(filters: ListFilters) -> Iterable[tuple[str, Text]]:
    return list(Partner.objects.order_by("company_name", "pk").values_list("public_id", "company_name")[:MOST_PARTNERS])


def _of_partner(rows: Rows, public_id: str, filters: ListFilters) -> Rows:
    """Ask by key: so the index of the partner's records is used."""
    keys = Partner.objects.filter(public_id=public_id).values_list("pk", flat=True)
    return rows.filter(partner=keys.first())


def _in_review(rows: Rows, value: str, filters: ListFilters) -> Rows:
    return operations.unreviewed(rows) if value == UNREVIEWED else operations.marked(rows, value)


class LogFilters(ListFilters):
    """What both lists can be asked."""

    customer_name = CustomerFilter(_("Customer name"), field="customer_name", mask=mask_name, normalise=_name)
    account_name = CustomerFilter(_("Account name"), field="account_name", mask=mask_account, normalise=_word)
    operation = ChoiceFilter(_("Operation type"), field="operation", choices=OperationType.choices)
    result = ChoiceFilter(_("Result"), field="result", choices=OperationResult.choices)
    occurred_from = DayFilter(_("From"), field="occurred_at", edge="from")
    occurred_to = DayFilter(_("To"), field="occurred_at", edge="to")
    quota = ExactFilter(_("Quota number"), field="quota_number", normalise=str.upper, more=True)
    number = CouponNumberFilter(_("Coupon number"), normalise=str.upper, more=True)
    coupon = PublicIdFilter(_("Coupon"), condition=_of_coupon)
    job = PublicIdFilter(_("Batch"), condition=_of_batch)


class OperationFilters(LogFilters):
    """Filters of a partner's own log; the kind of coupon stands as tabs."""

    tab = "kind"

    kind = ChoiceFilter(_("Kind"), field="kind", choices=_kinds)
    operator = ChoiceFilter(_("Operator"), choices=_operators, condition=_by_operator, more=True)


class HintFilter(ChoiceFilter):
    """Records with a hint, among the newest of what the other filters match: so it is declared behind them."""

    def __init__(self, label: Text, **options: Any) -> None:
        choices = [(ANY_HINT, _("Any hint")), *Hint.choices]
        super().__init__(label, choices=choices, condition=self._hinted, **options)

    def _hinted(self, rows: Rows, value: str, filters: ListFilters) -> Rows:
        # A page asks for its rows several times, and they are judged once.
        keys = filters.__dict__.setdefault("judged", {})
        if value not in keys:
            keys[value] = operations.hinted(rows, list(Hint) if value == ANY_HINT else [Hint(value)])
        return rows.filter(pk__in=keys[value])


class ReviewFilters(LogFilters):
    """Filters of the vendor's review."""

    presets = (
        Preset(_("Not reviewed"), {"review": UNREVIEWED}),
        Preset(_("Flagged"), {"review": ReviewMark.FLAGGED}),
        Preset(_("With hints"), {"hint": ANY_HINT}),
        Preset(_("With hints, not reviewed"), {"review": UNREVIEWED, "hint": ANY_HINT}),
    )

    partner = ChoiceFilter(_("Partner"), choices=_partners, condition=_of_partner)
    kind = ChoiceFilter(_("Kind"), field="kind", choices=CouponKind.choices, more=True)
    operator = ExactFilter(_("Operator"), field="actor_name", more=True)
    review = ChoiceFilter(
        _("Review state"), choices=[(UNREVIEWED, _("Not reviewed")), *ReviewMark.choices], condition=_in_review
    )
    hint = HintFilter(_("Hints"))


def words_of(found: ListFilters) -> list[str]:
    """Say filters in use in words, people masked: for the manifest of a file."""
    active = dict(found.active())
    if found.chosen_tab:
        active[found.tab] = found.chosen_tab
    filters: dict[str, ListFilter] = found.filters
    return [f"{filters[name].label}: {filters[name].shown(value)}" for name, value in active.items()]
