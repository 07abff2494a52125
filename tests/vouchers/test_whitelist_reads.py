"""Which version judges, and whom it lets pass."""

import pytest
from django.db import transaction
from django.db.transaction import TransactionManagementError
from django.utils import timezone

from partner_center.tenancy.models import Member, Partner
from tests.vouchers.making import make_customer
from vouchers.models import Whitelist, WhitelistEntry, WhitelistVersion
from vouchers.queries import whitelists as queries
from vouchers.rules import WhitelistKind

pytestmark = pytest.mark.django_db


def make_version(member: Member, *account_pks: int, kind: str = "customer", number: int = 1) -> WhitelistVersion:
    version = WhitelistVersion.objects.create(
        partner=member.partner,
        kind=kind,
        number=number,
        status="active",
        imported_by=member,
        digest="",
        created_at=timezone.now(),
    )
    WhitelistEntry.objects.bulk_create(WhitelistEntry(version=version, account_id=pk) for pk in account_pks)
    Whitelist.objects.update_or_create(partner=member.partner, kind=kind, defaults={"active": version})
    return version


def test_no_list_and_an_empty_list_have_no_version_in_force(partner: Partner) -> None:
    assert queries.active_version(partner, WhitelistKind.CUSTOMER) is None
    Whitelist.objects.create(partner=partner, kind=WhitelistKind.CUSTOMER)
    assert queries.active_version(partner, WhitelistKind.CUSTOMER) is None


def test_each_partner_and_kind_has_its_own(fiona: Member, charlie: Member) -> None:
    mine = make_version(fiona)
    pickup = make_version(fiona, kind="pickup")
    theirs = make_version(charlie)

    assert queries.active_version(fiona.partner, WhitelistKind.CUSTOMER) == mine
    assert queries.active_version(fiona.partner, WhitelistKind.PICKUP) == pickup
    assert queries.active_version(charlie.partner, WhitelistKind.CUSTOMER) == theirs


def test_locking_gives_the_same_answer_inside_a_transaction(fiona: Member) -> None:
    version = make_version(fiona)
    with transaction.atomic():
        assert queries.active_version(fiona.partner, WhitelistKind.CUSTOMER, lock=True) == version


@pytest.mark.django_db(transaction=True)
def test_locking_outside_a_transaction_is_a_mistake(fiona: Member) -> None:
    make_version(fiona)
    with pytest.raises(TransactionManagementError):
        queries.active_version(fiona.partner, WhitelistKind.CUSTOMER, lock=True)


def test_only_listed_accounts_are_listed(fiona: Member) -> None:
    listed, other = (make_customer(fiona).account.pk for _ in range(2))
    version = make_version(fiona, listed)

    assert queries.listed_accounts(version, [listed, other, listed, -1]) == {listed}
    assert queries.listed_accounts(version, []) == set()


def test_more_accounts_than_one_statement_takes(fiona: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "LOOKED_UP_AT_ONCE", 2)
    pks = [make_customer(fiona).account.pk for _ in range(5)]
    version = make_version(fiona, *pks)

    assert queries.listed_accounts(version, pks) == set(pks)
