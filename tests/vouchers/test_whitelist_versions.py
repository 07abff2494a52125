"""Versions of a whitelist: imported, compared, put in force, brought back; each refusal leaves all as it was."""

import json
from collections import Counter

import pytest
from django.utils import timezone

from customers.models import Association
from partner_center.audit.models import AuditEntry
from partner_center.tenancy.models import Member
from tests.people import actor_of
from tests.vouchers.making import make_coupon, make_customer, make_quota
from tests.vouchers.whitelisting import activate, import_list, list_in_force
from vouchers.actions import whitelists
from vouchers.models import Whitelist, WhitelistEntry, WhitelistRejection, WhitelistVersion
from vouchers.queries.whitelists import active_version
from vouchers.rules.whitelists import ListedRow, RowFault

pytestmark = pytest.mark.django_db


@pytest.fixture
def customers(fiona: Member) -> list[Association]:
    return [make_customer(fiona, customer_name=f"Customer {number}") for number in range(4)]


def import_rows(member: Member, *rows: ListedRow) -> WhitelistVersion:
    return whitelists.import_version(
        kind="customer", rows=rows, file_name="list.csv", member=member, actor=actor_of(member), now=timezone.now()
    )


def state() -> tuple[object, ...]:
    versions = WhitelistVersion.objects.order_by("pk").values_list("pk", "number", "status", "compared_with")
    lists = Whitelist.objects.order_by("pk").values_list("pk", "active")
    return list(versions), list(lists), WhitelistEntry.objects.count(), AuditEntry.objects.count()


def logged(deed: str) -> list[dict[str, object]]:
    return [json.loads(entry.details) for entry in AuditEntry.objects.filter(deed=deed).order_by("pk")]


# --- import ----------------------------------------------------------------------------------------------------------


def test_an_import_is_a_draft_that_judges_nothing(fiona: Member, customers: list[Association]) -> None:
    draft = import_list(fiona, *customers[:3])

    assert (draft.number, draft.status, draft.row_count, draft.entry_count) == (1, "draft", 3, 3)
    assert (draft.added_count, draft.removed_count, draft.rejected_count) == (3, 0, 0)
    assert draft.compared_with is None
    assert active_version(fiona.partner, "customer") is None
    [details] = logged("whitelist_imported")
    assert (details["number"], details["added"], details["removed"]) == (1, 3, 0)


def test_a_second_import_is_compared_with_the_version_in_force(fiona: Member, customers: list[Association]) -> None:
    first = list_in_force(fiona, *customers[:3])
    draft = import_list(fiona, *customers[2:])

    assert (draft.number, draft.compared_with) == (2, first)
    assert (draft.added_count, draft.removed_count, draft.entry_count) == (1, 2, 2)
    assert active_version(fiona.partner, "customer") == first


def test_each_bad_row_is_rejected_with_its_number_and_reason(
    fiona: Member, charlie: Member, customers: list[Association]
) -> None:
    own, left, theirs = customers[0].account, customers[1], make_customer(charlie).account
    Association.objects.filter(pk=left.pk).update(ended_at=timezone.now())
    draft = import_rows(
        fiona,
        ListedRow(2, own.account_name.upper(), own.customer_name.lower()),
        ListedRow(3, own.account_name, own.customer_name),
        ListedRow(4, customers[2].account.account_name, "Somebody Else"),
        ListedRow(5, theirs.account_name, theirs.customer_name),
        ListedRow(6, "nobody-at-all", "Nobody"),
        ListedRow(7, left.account.account_name, left.account.customer_name),
        ListedRow(8, "", "Nobody", RowFault.ACCOUNT_NAME_MISSING),
        ListedRow(9, "x" * 70, "Nobody", RowFault.TOO_LONG),
    )

    found = list(draft.rejections.order_by("row").values_list("row", "reason"))
    assert found == [
        (3, "duplicate"), (4, "name_differs"), (5, "unknown_customer"), (6, "unknown_customer"),
        (7, "unknown_customer"), (8, "account_name_missing"), (9, "too_long"),
    ]  # fmt: skip
    assert (draft.entry_count, draft.rejected_count, draft.row_count) == (1, 7, 8)
    assert list(draft.entries.values_list("account", flat=True)) == [own.pk]


def test_a_file_of_bad_rows_changes_nothing(fiona: Member, customers: list[Association]) -> None:
    list_in_force(fiona, *customers)
    before = state()

    with pytest.raises(whitelists.NoRowNamesCustomer) as refused:
        import_rows(fiona, ListedRow(2, "nobody", "Nobody"), ListedRow(3, "no-one", "No One"))
    assert [(each.row.number, each.fault) for each in refused.value.rejected] == [
        (2, RowFault.UNKNOWN_CUSTOMER),
        (3, RowFault.UNKNOWN_CUSTOMER),
    ]
    assert state() == before


def test_equal_lists_have_equal_digests_whatever_their_order(fiona: Member, customers: list[Association]) -> None:
    one, other, third = (
        import_list(fiona, *customers),
        import_list(fiona, *reversed(customers)),
        import_list(fiona, *customers[:3]),
    )
    assert one.digest == other.digest != third.digest
    assert [version.number for version in (one, other, third)] == [1, 2, 3]


def test_the_lists_for_customers_and_for_pickup_coupons_are_two(fiona: Member, customers: list[Association]) -> None:
    general = list_in_force(fiona, *customers[:1])
    pickup = list_in_force(fiona, *customers[1:], kind="pickup")

    assert (general.number, pickup.number) == (1, 1)
    assert active_version(fiona.partner, "customer") == general
    assert active_version(fiona.partner, "pickup") == pickup


# --- activate --------------------------------------------------------------------------------------------------------


def test_activating_supersedes_the_version_before_and_keeps_it(fiona: Member, customers: list[Association]) -> None:
    first = list_in_force(fiona, *customers[:2])
    second = list_in_force(fiona, *customers[2:])

    first.refresh_from_db()
    assert (first.status, second.status) == ("superseded", "active")
    assert second.activated_at is not None
    assert active_version(fiona.partner, "customer") == second
    assert set(first.entries.values_list("account", flat=True)) == {customer.account_id for customer in customers[:2]}
    assert [(each["number"], each["removed"], each["added"]) for each in logged("whitelist_activated")] == [
        (1, 0, 2),
        (2, 2, 2),
    ]


def test_a_draft_compared_with_an_older_version_is_not_activated(fiona: Member, customers: list[Association]) -> None:
    slow, quick = import_list(fiona, *customers[:1]), import_list(fiona, *customers[1:])
    activate(quick)
    before = state()

    with pytest.raises(whitelists.ListChanged):
        activate(slow)
    assert state() == before
    assert active_version(fiona.partner, "customer") == quick


def test_compared_again_it_can_be_activated(fiona: Member, customers: list[Association]) -> None:
    slow, quick = import_list(fiona, *customers[:1]), import_list(fiona, *customers[1:])
    activate(quick)
    whitelists.compare_again(version=slow, actor=actor_of(fiona), now=timezone.now())

    assert (slow.compared_with, slow.added_count, slow.removed_count) == (quick, 1, 3)
    assert activate(slow).status == "active"


def test_who_saw_another_comparison_does_not_activate(fiona: Member, customers: list[Association]) -> None:
    seen, quick = import_list(fiona, *customers[:1]), import_list(fiona, *customers[1:])
    activate(quick)
    fresh = WhitelistVersion.objects.get(pk=seen.pk)
    whitelists.compare_again(version=fresh, actor=actor_of(fiona), now=timezone.now())

    with pytest.raises(whitelists.ListChanged):
        activate(seen)


@pytest.mark.parametrize("deed", [whitelists.activate, whitelists.discard, whitelists.compare_again])
def test_what_is_no_draft_any_more_stays_as_it_is(fiona: Member, customers: list[Association], deed: object) -> None:
    version = list_in_force(fiona, *customers)
    before = state()

    with pytest.raises(whitelists.NoDraft):
        deed(version=version, actor=actor_of(fiona), now=timezone.now())
    assert state() == before


def test_names_of_rejected_rows_are_forgotten_with_the_draft(fiona: Member, customers: list[Association]) -> None:
    account = customers[0].account
    good = ListedRow(2, account.account_name, account.customer_name)
    drafts = [import_rows(fiona, good, ListedRow(3, "nobody-we-know", "Nobody")) for _ in range(2)]
    assert set(WhitelistRejection.objects.values_list("account_name", flat=True)) == {"nobody-we-know"}

    activate(drafts[0])
    whitelists.discard(version=drafts[1], actor=actor_of(fiona), now=timezone.now())
    assert (
        list(WhitelistRejection.objects.values_list("row", "reason", "account_name", "customer_name"))
        == [(3, "unknown_customer", "", "")] * 2
    )


def test_removing_a_customer_recalls_nothing(fiona: Member, customers: list[Association]) -> None:
    version = list_in_force(fiona, *customers)
    coupon = make_coupon(
        make_quota(fiona.partner, kind="cash_coupon"), customers[0], whitelist_version=version, face_minor=100
    )
    list_in_force(fiona, *customers[1:])

    coupon.refresh_from_db()
    assert (coupon.status, coupon.balance_minor, coupon.whitelist_version) == ("usable", 100, version)


# --- discard, bring back ---------------------------------------------------------------------------------------------


def test_a_discarded_draft_leaves_its_number_and_no_entries(fiona: Member, customers: list[Association]) -> None:
    first = list_in_force(fiona, *customers[:1])
    draft = whitelists.discard(version=import_list(fiona, *customers), actor=actor_of(fiona), now=timezone.now())

    assert (draft.status, draft.entries.count()) == ("discarded", 0)
    assert active_version(fiona.partner, "customer") == first
    assert import_list(fiona, *customers).number == 3
    assert [each["number"] for each in logged("whitelist_discarded")] == [2]


def test_an_old_version_comes_back_as_a_new_one_with_the_same_digest(
    fiona: Member, customers: list[Association]
) -> None:
    old = list_in_force(fiona, *customers[:2])
    list_in_force(fiona, *customers[2:])
    old.refresh_from_db()
    again = whitelists.reactivate(version=old, member=fiona, actor=actor_of(fiona), now=timezone.now())

    assert (again.number, again.status, again.digest) == (3, "draft", old.digest)
    assert (again.added_count, again.removed_count) == (2, 2)
    activate(again)
    assert Counter(again.entries.values_list("account", flat=True)) == Counter(
        old.entries.values_list("account", flat=True)
    )
    assert logged("whitelist_imported")[-1]["same_as"] == 1
    old.refresh_from_db()
    assert old.status == "superseded"


def test_only_what_was_in_force_comes_back(fiona: Member, customers: list[Association]) -> None:
    active, draft = list_in_force(fiona, *customers), import_list(fiona, *customers[:1])
    before = state()
    for version in (active, draft):
        with pytest.raises(whitelists.NeverInForce):
            whitelists.reactivate(version=version, member=fiona, actor=actor_of(fiona), now=timezone.now())
    assert state() == before
