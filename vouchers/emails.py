"""What mails about coupons say to customers, made at the moment of sending. The partner's remark stands in none."""

from collections.abc import Hashable, Iterable, Mapping, Sequence

from django.conf import settings
from django.urls import reverse

from partner_center import money
from partner_center.mail.addresses import safe_display
from partner_center.mail.kinds import Message, OutboxKey
from partner_center.mail.layout import compose
from partner_center.mail.moments import told
from vouchers.models import Coupon, LedgerEntry
from vouchers.rules import RECALLS, CouponKind, CouponStatus, OperationType
from vouchers.rules.recalling import LONGEST_REASON

Messages = Mapping[OutboxKey, Message]


def issued(keys: Sequence[OutboxKey]) -> Messages:
    """Tell customers what they were given; a coupon that is gone already is left out."""
    return {key: _issued(coupon) for key, coupon in _coupons(keys, CouponStatus.USABLE).items()}


def recalled(keys: Sequence[OutboxKey]) -> Messages:
    """Tell customers what was taken back, why, and whom to ask."""
    coupons = _coupons(keys, CouponStatus.RECALLED)
    taken = _recalls(coupons.values())
    return {key: _recalled(coupon, taken[coupon.pk]) for key, coupon in coupons.items() if coupon.pk in taken}


def expiring(keys: Sequence[OutboxKey]) -> Messages:
    """Remind customers of what is left of a coupon that soon runs out."""
    return {key: _expiring(coupon) for key, coupon in _coupons(keys, CouponStatus.USABLE).items()}


def _coupons(keys: Sequence[OutboxKey], status: CouponStatus) -> dict[OutboxKey, Coupon]:
    rows = Coupon.objects.filter(public_id__in=[key.object_id for key in keys], status=status)
    found = {row.public_id: row for row in rows.select_related("partner", "account__user")}
    return {key: found[key.object_id] for key in keys if key.object_id in found}


def _recalls(coupons: Iterable[Coupon]) -> dict[int, LedgerEntry]:
    """Return the entry that ended each coupon: a coupon is recalled once."""
    entries = LedgerEntry.objects.filter(coupon__in=list(coupons), operation__in=RECALLS)
    return {entry.coupon_id: entry for entry in entries if entry.coupon_id}


def _issued(coupon: Coupon) -> Message:
    shared = {
        "amount": money.shown(coupon.face_minor, coupon.currency),
        "min_order": money.shown(coupon.min_order_minor, coupon.currency) if coupon.min_order_minor else "",
        "ratio_percent": coupon.ratio_percent or 0,
        "scope": ", ".join([*coupon.services, *coupon.products]),
        "is_for_member": coupon.account_id != coupon.chosen_account_id,
    }
    return _to_holder("coupon_issued", coupon, shared)


def _recalled(coupon: Coupon, entry: LedgerEntry) -> Message:
    shared = {
        "amount": money.shown(entry.amount_minor, entry.currency),
        "cause": "" if entry.operation == OperationType.RECALL else entry.operation,
        "reason": safe_display(coupon.recall_reason, longest=LONGEST_REASON),
    }
    return _to_holder("coupon_recalled", coupon, shared)


def _expiring(coupon: Coupon) -> Message:
    return _to_holder("coupon_expiring", coupon, {"amount": money.shown(coupon.balance_minor, coupon.currency)})


def _to_holder(template: str, coupon: Coupon, shared: Mapping[str, Hashable]) -> Message:
    """Address who holds the coupon, in their language and zone; who cannot sign in has the partner's."""
    partner, account = coupon.partner, coupon.account
    voice = account.user or partner
    context = {"kind_label": CouponKind(coupon.kind).label, "contact_email": partner.contact_email, **shared}
    slots = {
        "partner_name": partner.company_name,
        "customer_name": account.customer_name,
        "number": coupon.number,
        "begins": told(coupon.effective_at, zone=voice.time_zone, language=voice.language),
        "ends": told(coupon.expires_at, zone=voice.time_zone, language=voice.language),
    }
    link = settings.SITE_URL + reverse("account_login")
    return compose(f"emails/{template}", context, voice.language, link=link, slots=slots).to(account.email)
