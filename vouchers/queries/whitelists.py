"""Reads of whitelists: which version is in force, and who stands on it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from django.db import connection
from django.db.transaction import TransactionManagementError

from customers.models import Association
from partner_center.tenancy.models import Partner
from vouchers.models import Whitelist, WhitelistEntry, WhitelistVersion
from vouchers.models.whitelists import WhitelistQuerySet
from vouchers.rules.whitelists import Customer

LOOKED_UP_AT_ONCE = 1000
Looked = TypeVar("Looked")


def active_version(partner: Partner, kind: str, *, lock: bool = False) -> WhitelistVersion | None:
    """
    Return the version of a partner's list that is in force, None where there is none.

    :param kind: a WhitelistKind, as `whitelist_for` names it
    :param lock: whether the list stays as it is until the transaction ends; the first lock of a deed
    :raises TransactionManagementError: when locking outside a transaction
    """
    lists = Whitelist.objects.of(partner).filter(kind=kind)
    found = _locked(lists).first() if lock else lists.first()
    # Read behind the lock and not joined: whoever held it may have put another version in force.
    return found.active if found else None


def _locked(lists: WhitelistQuerySet) -> WhitelistQuerySet:
    # SQLite locks with the transaction and would say nothing where there is none.
    if not connection.in_atomic_block:
        raise TransactionManagementError("a list is locked until the transaction ends, so there has to be one")
    return lists.select_for_update(no_key=True)


def listed_accounts(version: WhitelistVersion, account_pks: Iterable[int]) -> set[int]:
    """Return which of these accounts, by pk, stand on a version."""
    entries = WhitelistEntry.objects.filter(version=version)
    listed: set[int] = set()
    for piece in _pieces(sorted(set(account_pks))):
        listed.update(entries.filter(account_id__in=piece).values_list("account_id", flat=True))
    return listed


def entries_of(version: WhitelistVersion) -> list[int]:
    """Return the accounts of a version, by pk."""
    return list(WhitelistEntry.objects.filter(version=version).values_list("account_id", flat=True))


def own_customers(partner: Partner, account_names: Iterable[str]) -> dict[str, Customer]:
    """Look up which of these account names, in lower case, belong to customers the partner has now."""
    own = Association.objects.of(partner).active()
    found: dict[str, Customer] = {}
    for piece in _pieces(sorted(set(account_names))):
        rows = own.filter(account__account_name__in=piece)
        columns = rows.values_list(
            "account__account_name", "account_id", "account__public_id", "account__customer_name"
        )
        found |= {name: Customer(pk, public_id, customer) for name, pk, public_id, customer in columns}
    return found


def _pieces(values: Sequence[Looked]) -> Iterator[Sequence[Looked]]:
    """Cut what is looked up into statements that every database takes."""
    return (values[start : start + LOOKED_UP_AT_ONCE] for start in range(0, len(values), LOOKED_UP_AT_ONCE))
