"""Whitelists for tests: imported and activated as the product does it."""

from collections.abc import Iterable

from django.utils import timezone

from customers.models import Association
from partner_center.tenancy.models import Member
from tests.people import actor_of
from vouchers.actions import whitelists
from vouchers.models import WhitelistVersion
from vouchers.rules.whitelists import ListedRow


def rows_of(customers: Iterable[Association]) -> list[ListedRow]:
    """Write customers as the rows of a file, which begin below its header."""
    accounts = [customer.account for customer in customers]
    return [
        ListedRow(number, account.account_name, account.customer_name) for number, account in enumerate(accounts, 2)
    ]


def import_list(member: Member, *customers: Association, kind: str = "customer") -> WhitelistVersion:
    return whitelists.import_version(
        kind=kind,
        rows=rows_of(customers),
        file_name="list.xlsx",
        member=member,
        actor=actor_of(member),
        now=timezone.now(),
    )


def activate(version: WhitelistVersion) -> WhitelistVersion:
    return whitelists.activate(version=version, actor=actor_of(version.imported_by), now=timezone.now())


def list_in_force(member: Member, *customers: Association, kind: str = "customer") -> WhitelistVersion:
    return activate(import_list(member, *customers, kind=kind))
