"""Reads of quotas: what a partner can do with one, and what the vendor sees of all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from customers.models import Account, Association
from partner_center.tenancy.models import Partner
from vouchers.models import OperationRecord, Quota
from vouchers.rules import OF_VENDOR, CouponKind, QuotaPhase, QuotaStatus

MOST_PARTNERS_FOUND = 20
MOST_HISTORY = 100
MOST_NAMED_SHOWN = 50
SOON = timedelta(days=30)


@dataclass(frozen=True)
class NamedCustomers:
    """For how many customers a quota is, and those of them that are the partner's now."""

    count: int
    own: list[Account]


def in_phase(rows: QuerySet[Quota], phase: str, *, now: datetime) -> QuerySet[Quota]:
    """Keep quotas that are in one phase now: that they have begun or ended is told by their times."""
    normal = rows.filter(status=QuotaStatus.NORMAL)
    parts: dict[str, Callable[[], QuerySet[Quota]]] = {
        QuotaPhase.NORMAL: lambda: normal.filter(effective_at__lte=now, expires_at__gt=now),
        QuotaPhase.EXPIRED: lambda: normal.filter(expires_at__lte=now),
        QuotaPhase.NOT_YET: lambda: normal.filter(effective_at__gt=now, expires_at__gt=now),
    }
    return parts[phase]() if phase in parts else rows.filter(status=phase)


def expiring(rows: QuerySet[Quota], *, days: int, now: datetime) -> QuerySet[Quota]:
    """Keep quotas that still have a balance and lose it within some days (peers.md O30)."""
    return in_phase(rows, QuotaPhase.NORMAL, now=now).filter(
        expires_at__lte=now + timedelta(days=days), balance_minor__gt=0
    )


def kinds_of(partner: Partner) -> list[CouponKind]:
    """List the kinds a partner works with; pickup coupons are shown to those who have a quota of them."""
    has_pickup = Quota.objects.of(partner).filter(kind=CouponKind.PICKUP).exists()
    return [kind for kind in CouponKind if kind != CouponKind.PICKUP or has_pickup]


def named_customers(quota: Quota) -> NamedCustomers:
    """Read whom a quota is for; a partner is shown only those who are its customers."""
    named = quota.named_customers.order_by("pk")
    own = Association.objects.of(quota.partner).active().values("account")
    return NamedCustomers(named.count(), list(named.filter(pk__in=own)[:MOST_NAMED_SHOWN]))


def history(quota: Quota) -> list[OperationRecord]:
    """Read what the vendor did to a quota, newest first; what the partner did or tried stands in the operation log."""
    records = OperationRecord.objects.of(quota.partner).filter(quota_number=quota.number, operation__in=OF_VENDOR)
    return list(records.order_by("-id")[:MOST_HISTORY])


# --- over all partners -----------------------------------------------------------------------------------------------


def is_partner_called(text: str, *, of: str = "") -> Q:
    """
    Match partners whose company name holds a text, or whose account number is exactly it.

    :param of: the way from the rows to their partner, such as `partner__`
    """
    return Q(**{f"{of}company_name__icontains": text}) | Q(**{f"{of}account_number": text})


def partners_called(wanted: str) -> list[Partner]:
    """Find the partners that could be meant, as far as one looks through; none for what cannot be a name."""
    text = wanted.strip()
    if not text or not text.isprintable():
        return []
    found = Partner.objects.filter(is_partner_called(text), disabled_at=None)
    return list(found.order_by("company_name", "pk")[:MOST_PARTNERS_FOUND])
