"""Which list lets which coupon pass, the states of a version, and which rows of an import name a customer. Pure."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from vouchers.rules.kinds import CouponKind


class WhitelistKind(TextChoices):
    """A partner has one list for its customers in general and one for pickup coupons (domain.md 4.11)."""

    CUSTOMER = "customer", _("Customer whitelist")
    PICKUP = "pickup", _("Pickup coupon whitelist")


class RowFault(TextChoices):
    """Why a row of an import is rejected; what belongs to another partner and what nobody has are one answer."""

    UNKNOWN_CUSTOMER = "unknown_customer", _("No customer of yours has this account name.")
    NAME_DIFFERS = "name_differs", _("The customer name is not the one of this account.")
    DUPLICATE = "duplicate", _("An earlier row names the same customer.")
    ACCOUNT_NAME_MISSING = "account_name_missing", _("The account name is missing or cannot be read.")
    CUSTOMER_NAME_MISSING = "customer_name_missing", _("The customer name is missing or cannot be read.")
    TOO_LONG = "too_long", _("A name is longer than 64 characters.")


class Change(TextChoices):
    """What a version does to a customer, against the version it was compared with."""

    ADDED = "added", _("Added")
    REMOVED = "removed", _("Removed")


class WhitelistVersionStatus(TextChoices):
    DRAFT = "draft", _("Draft")
    ACTIVE = "active", _("Active")
    SUPERSEDED = "superseded", _("Superseded")
    DISCARDED = "discarded", _("Discarded")


def whitelist_for(kind: str, *, required: bool) -> WhitelistKind | None:
    """
    Return the list that judges coupons of a kind, None where none does.

    Cash coupons and pickup coupons always need one, vouchers where their quota says so (domain.md 8 row 20).

    :param required: what the quota says
    """
    if kind == CouponKind.PICKUP:
        return WhitelistKind.PICKUP
    return WhitelistKind.CUSTOMER if required or kind == CouponKind.CASH else None


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of the partner, as far as a list needs it."""

    pk: int
    public_id: str
    customer_name: str


@dataclass(frozen=True, slots=True)
class ListedRow:
    """One row of an import: its number in the file, and the names in it as people see them."""

    number: int
    account_name: str
    customer_name: str
    fault: RowFault | None = None


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that names no customer, and why."""

    row: ListedRow
    fault: RowFault


@dataclass(frozen=True)
class Sorted:
    """What an import comes to: customers in the order of the file, and the rows left out."""

    customers: Sequence[Customer]
    rejected: Sequence[Rejected]


def sort_rows(rows: Iterable[ListedRow], own: Mapping[str, Customer]) -> Sorted:
    """
    Sort the rows of an import into customers and rejected rows (domain.md 4.11 5).

    :param own: the partner's customers by account name in lower case
    """
    found: dict[int, Customer] = {}
    rejected: list[Rejected] = []
    for row in rows:
        customer = own.get(row.account_name.lower())
        fault = row.fault or _fault(row, customer, found)
        if fault is not None or customer is None:
            rejected.append(Rejected(row, fault or RowFault.UNKNOWN_CUSTOMER))
        else:
            found[customer.pk] = customer
    return Sorted(list(found.values()), rejected)


def _fault(row: ListedRow, customer: Customer | None, found: Mapping[int, Customer]) -> RowFault | None:
    if customer is None:
        return RowFault.UNKNOWN_CUSTOMER
    if customer.customer_name.casefold() != row.customer_name.casefold():
        return RowFault.NAME_DIFFERS
    return RowFault.DUPLICATE if customer.pk in found else None


def list_digest(public_ids: Iterable[str]) -> str:
    """Return what is equal for equal lists, whatever the order of their rows: 64 hexadecimal digits."""
    return hashlib.sha256("\n".join(sorted(public_ids)).encode()).hexdigest()


@dataclass(frozen=True)
class Difference:
    """What a list adds to another and takes from it: numbers of customers."""

    added: int
    removed: int


def difference(new: Iterable[int], old: Iterable[int]) -> Difference:
    """Compare two lists of accounts, by pk."""
    now, before = set(new), set(old)
    return Difference(added=len(now - before), removed=len(before - now))
