"""Quotas, customers and coupons in any state, booked as the product books them, so that `reconcile` agrees."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from customers import actions as customers
from customers.models import Account, Association
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner
from tests.people import make_account
from vouchers.actions.booking import Operation, book
from vouchers.models import Coupon, Quota
from vouchers.rules import OperationType

VENDOR = Actor(kind="platform", name="Vendor")
HUNDRED = 100_00


def make_quota(partner: Partner, total_minor: int = 10 * HUNDRED, **fields: Any) -> Quota:
    """Grant a quota of vouchers that has begun and lasts for a year."""
    now = timezone.now()
    fields.setdefault("kind", "voucher")
    fields.setdefault("currency", "CNY")
    fields.setdefault("effective_at", now - timedelta(days=1))
    fields.setdefault("expires_at", now + timedelta(days=365))
    with transaction.atomic():
        quota = Quota.objects.create(
            partner=partner,
            total_minor=total_minor,
            balance_minor=total_minor,
            created_at=now,
            updated_at=now,
            **fields,
        )
        grant = Operation(operation=OperationType.GRANT, quota=quota, amount_minor=total_minor)
        book([grant], partner=partner, actor=VENDOR, now=now)
    return quota


def make_customer(manager: Member, *, model: str = "reseller", **fields: Any) -> Association:
    """Make an account that is a customer of the manager's partner."""
    fields.setdefault("with_sign_in", False)
    account = make_account(**fields)
    return Association.objects.create(
        partner=manager.partner,
        account=account,
        model=model,
        account_manager=manager,
        consent_version="2026-11",
        created_at=timezone.now(),
    )


def make_coupon(
    quota: Quota, customer: Association, face_minor: int = HUNDRED, *, holder: Account | None = None, **fields: Any
) -> Coupon:
    """Issue a coupon from a quota, without asking whether the rules allow it."""
    now = fields.pop("now", None) or timezone.now()
    fields.setdefault("effective_at", quota.effective_at)
    fields.setdefault("expires_at", quota.expires_at)
    with transaction.atomic():
        Quota.objects.filter(pk=quota.pk).update(**_moved(quota, face_minor))
        coupon = Coupon.objects.create(
            partner=quota.partner,
            quota=quota,
            kind=quota.kind,
            account=holder or customer.account,
            chosen_account=customer.account,
            association=customer,
            model=customer.model,
            currency=quota.currency,
            face_minor=face_minor,
            balance_minor=face_minor,
            created_at=now,
            **fields,
        )
        _book_issue(coupon, now)
    quota.refresh_from_db()
    return coupon


def _moved(quota: Quota, face_minor: int) -> dict[str, int]:
    quota.refresh_from_db()
    return {
        "balance_minor": quota.balance_minor - face_minor,
        "outstanding_minor": quota.outstanding_minor + face_minor,
        "issued_count": quota.issued_count + 1,
        "issued_face_minor": quota.issued_face_minor + face_minor,
    }


def _book_issue(coupon: Coupon, now: datetime) -> None:
    issue = Operation(
        operation=OperationType.ISSUE,
        quota=coupon.quota,
        amount_minor=coupon.face_minor,
        coupon=coupon,
        account=coupon.account,
        chosen_account=coupon.chosen_account,
    )
    book([issue], partner=coupon.partner, actor=VENDOR, now=now)


def part_with(
    customer: Association, *, reason: str = "left", actor: Actor = VENDOR, now: datetime | None = None
) -> None:
    """End a relation as the vendor does, whom nobody asks for a code."""
    customers.end_association(
        association=customer, reason=reason, member=None, proof=None, actor=actor, now=now or timezone.now()
    )


def told(value: object) -> str:
    """Name a case of a test; a moment of now would have another name in every process."""
    if isinstance(value, dict):
        return ",".join(f"{key}={'moment' if isinstance(each, datetime) else each}" for key, each in value.items())
    return value.__name__ if isinstance(value, type) else str(value)
