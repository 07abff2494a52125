"""Reads of the ledger: which entries explain a number, and what they add up to (peers.md O5)."""

from django.db.models import BigIntegerField, Case, F, Q, QuerySet, Sum, When
from django.db.models.expressions import Combinable

from vouchers.models import LedgerEntry, Quota
from vouchers.rules import LedgerAccount


def entries_of(quota: Quota) -> QuerySet[LedgerEntry]:
    entries: QuerySet[LedgerEntry] = LedgerEntry.objects.of(quota.partner).filter(quota=quota)
    return entries


def on_account(entries: QuerySet[LedgerEntry], account: str) -> QuerySet[LedgerEntry]:
    """Keep the entries that moved something into an account or out of it."""
    return entries.filter(Q(debit=account) | Q(credit=account))


def signed_amount(account: str) -> Combinable:
    """Write rules.signed() for the database."""
    amount = F("amount_minor")
    if not account:
        return amount
    outwards = {"credit" if account == LedgerAccount.VENDOR else "debit": account}
    return Case(When(**outwards, then=-amount), default=amount, output_field=BigIntegerField())


def sum_of(entries: QuerySet[LedgerEntry], account: str) -> int:
    """Add entries up as seen from an account, in minor units."""
    total = entries.order_by().aggregate(total=Sum(signed_amount(account)))["total"]
    return int(total or 0)
