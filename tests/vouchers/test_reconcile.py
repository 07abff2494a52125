"""manage.py reconcile: a clean world passes, and every kind of difference is planted once and found, in words."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone

from partner_center.audit.append_only import allow_changes, remove
from partner_center.tenancy.models import Member, Partner, new_public_id
from tests.rivals import run_together
from tests.vouchers.making import HUNDRED, VENDOR, make_coupon, make_customer, make_quota
from vouchers.actions import balances, quotas
from vouchers.actions.booking import Operation, book
from vouchers.models import Coupon, LedgerEntry, OperationRecord, Quota
from vouchers.queries.reconciling import snapshot
from vouchers.rules import OperationType, QuotaStatus, Reason

pytestmark = pytest.mark.django_db


@pytest.fixture
def quota(partner: Partner, fiona: Member) -> Quota:
    """A quota that has seen everything: two coupons, one of them consumed in part and recalled, a larger total."""
    quota = make_quota(partner)
    customer = make_customer(fiona)
    make_coupon(quota, customer)
    worked = make_coupon(quota, customer)
    now = timezone.now()
    with transaction.atomic():
        balances.consume(quota, 3750, now=now)
        balances.give_back(quota, 6250, now=now)
        Coupon.objects.filter(pk=worked.pk).update(
            status="recalled", balance_minor=0, consumed_minor=3750, recalled_minor=6250
        )
        done = [
            Operation(operation=OperationType.CONSUME, quota=quota, amount_minor=3750, coupon=worked, order_id="O-1"),
            Operation(operation=OperationType.RECALL, quota=quota, amount_minor=6250, coupon=worked),
            Operation(operation=OperationType.ISSUE, quota=quota, amount_minor=1, reason=Reason.NOT_ENOUGH_BALANCE),
        ]
        book(done, partner=partner, actor=VENDOR, now=now)
    quotas.change_total(quota=quota, total_minor=12 * HUNDRED, note="", actor=VENDOR, now=now)
    quotas.change_status(quota=quota, status=QuotaStatus.FROZEN, note="Stop", actor=VENDOR, now=now)
    quota.refresh_from_db()
    return quota


def reconciled() -> str:
    told = StringIO()
    call_command("reconcile", stdout=told)
    return told.getvalue()


def difference() -> str:
    with pytest.raises(CommandError) as found:
        call_command("reconcile", stdout=StringIO())
    assert found.value.returncode == 1
    return str(found.value)


def without_guards(model: type[Model], work: Callable[[], Any]) -> None:
    """Do what the database refuses: take the triggers or the constraints of a table away for good (of this test)."""
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if model is LedgerEntry:
            statements = allow_changes(connection.vendor, table)
        else:
            statements = remove(connection.vendor, table, "vouchers_operationhead")
        for statement in statements:
            cursor.execute(statement)
    work()


def test_a_clean_world_passes_and_says_what_was_looked_at(quota: Quota) -> None:
    told = reconciled()

    assert told.splitlines() == [
        "1 quotas against their ledger entries",
        "1 quotas against their coupons",
        "2 coupons against their ledger entries",
        "2 coupons against their quotas",
        "6 ledger entries against their quotas and coupons",
        "6 ledger entries against the rules",
        "8 operation records against the ledger",
        "6 ledger entries against the operation log",
        "all agree",
    ]


def test_an_empty_world_passes(db: None) -> None:
    assert reconciled().endswith("all agree\n")


# --- quotas and coupons ----------------------------------------------------------------------------------------------

TOGETHER = [
    ("total_minor", {"total_minor": 1, "balance_minor": 1}, "1,200.01 CNY", "1,200.00 CNY"),
    ("balance_minor", {"balance_minor": 1, "outstanding_minor": -1}, "1,062.51 CNY", "1,062.50 CNY"),
    ("outstanding_minor", {"outstanding_minor": 1, "consumed_minor": -1}, "100.01 CNY", "100.00 CNY"),
    ("consumed_minor", {"consumed_minor": 1, "lapsed_minor": -1}, "", ""),
    ("lapsed_minor", {"lapsed_minor": 1, "consumed_minor": -1}, "", ""),
    ("issued_count", {"issued_count": 1}, "3", "2"),
    ("issued_face_minor", {"issued_face_minor": 1}, "200.01 CNY", "200.00 CNY"),
]


@pytest.mark.parametrize(("column", "moved", "stored", "wanted"), TOGETHER, ids=lambda value: str(value)[:20])
def test_a_quota_that_differs_by_the_smallest_unit_is_found(
    quota: Quota, column: str, moved: dict[str, int], stored: str, wanted: str
) -> None:
    if column == "consumed_minor":
        moved = {"consumed_minor": 1, "balance_minor": -1}
    changes = {name: getattr(quota, name) + by for name, by in moved.items()}
    Quota.objects.filter(pk=quota.pk).update(**changes)

    told = difference()

    assert told.startswith(f"Quota {quota.number}: ")
    assert "by its ledger entries it is" in told
    if stored:
        assert told == f"Quota {quota.number}: {column} is {stored}, but by its ledger entries it is {wanted}"


@pytest.mark.parametrize(
    ("column", "moved"),
    [
        ("balance_minor", {"balance_minor": 1, "consumed_minor": -1}),
        ("consumed_minor", {"consumed_minor": -1, "recalled_minor": 1}),
        ("recalled_minor", {"recalled_minor": -1, "expired_minor": 1}),
    ],
)
def test_a_coupon_whose_amounts_are_elsewhere_is_found(quota: Quota, column: str, moved: dict[str, int]) -> None:
    coupon = Coupon.objects.earliest("pk") if column == "balance_minor" else Coupon.objects.latest("pk")
    if column == "balance_minor":
        moved = {"balance_minor": -1, "consumed_minor": 1}
    Coupon.objects.filter(pk=coupon.pk).update(**{name: getattr(coupon, name) + by for name, by in moved.items()})

    told = difference()

    if column == "recalled_minor":
        assert told == (
            f"Coupon {coupon.number}: recalled_minor is 62.49 CNY, but by its ledger entries it is 62.50 CNY"
        )
    else:
        assert told.startswith(f"Quota {quota.number}: ")
        assert "by its coupons" in told


def test_a_coupon_in_other_hands_than_its_quota_is_found(quota: Quota, other_partner: Partner) -> None:
    coupon = Coupon.objects.latest("pk")
    Coupon.objects.filter(pk=coupon.pk).update(partner=other_partner)

    assert difference() == (
        f"Coupon {coupon.number}: partner_id is {other_partner.pk}, but by its quota it is {quota.partner_id}"
    )


@pytest.mark.parametrize("change", [{"kind": "cash_coupon"}, {"currency": "EUR"}], ids=str)
def test_a_coupon_of_another_kind_or_currency_is_found(quota: Quota, change: dict[str, str]) -> None:
    Coupon.objects.filter(pk=Coupon.objects.latest("pk").pk).update(**change)

    (value,) = change.values()
    assert f"is {value}, but by its quota it is" in difference()


# --- the ledger ------------------------------------------------------------------------------------------------------


def entry_of(operation: OperationType) -> LedgerEntry:
    return LedgerEntry.objects.filter(operation=operation).latest("pk")


def change_entry(operation: OperationType, /, **changes: Any) -> LedgerEntry:
    entry = entry_of(operation)
    without_guards(LedgerEntry, lambda: LedgerEntry.objects.filter(pk=entry.pk).update(**changes))
    return entry


def test_an_entry_of_another_amount_is_found_in_the_quota(quota: Quota) -> None:
    change_entry(OperationType.GRANT, amount_minor=10 * HUNDRED + 1)

    assert difference() == (
        f"Quota {quota.number}: total_minor is 1,200.00 CNY, but by its ledger entries it is 1,200.01 CNY"
    )


def test_a_deleted_entry_is_found_in_the_quota(quota: Quota) -> None:
    without_guards(LedgerEntry, lambda: entry_of(OperationType.CONSUME).delete())

    assert f"Quota {quota.number}: " in difference()


def test_an_entry_on_the_wrong_coupon_is_found(quota: Quota) -> None:
    change_entry(OperationType.RECALL, coupon=Coupon.objects.earliest("pk"))

    told = difference()

    assert told.startswith("Coupon ")
    assert "by its ledger entries" in told


def test_an_entry_in_other_hands_is_found(quota: Quota, other_partner: Partner) -> None:
    entry = change_entry(OperationType.RECALL, partner=other_partner)

    assert difference() == (
        f"Ledger entry {entry.operation_id} of quota {quota.number}: partner is {other_partner.pk},"
        f" but by its quota it is {quota.partner_id}"
    )


def test_an_entry_in_another_currency_is_found(quota: Quota) -> None:
    change_entry(OperationType.GRANT, currency="EUR")

    assert "currency is EUR, but by its quota it is CNY" in difference()


def test_an_entry_of_another_quota_s_coupon_is_found(quota: Quota, partner: Partner, fiona: Member) -> None:
    """Two quotas whose sums agree all the same, because an entry of each names the other's coupon."""
    other = make_quota(partner)
    theirs = make_coupon(other, make_customer(fiona))
    ours = Coupon.objects.earliest("pk")
    entries = [LedgerEntry.objects.get(coupon=coupon, operation="issue") for coupon in (ours, theirs)]

    def cross() -> None:
        for entry, coupon in zip(entries, (theirs, ours), strict=True):
            LedgerEntry.objects.filter(pk=entry.pk).update(coupon=coupon)

    without_guards(LedgerEntry, cross)

    assert difference().endswith(f"quota is {quota.number}, but by its coupon it is {other.number}")


def test_an_entry_that_no_rule_knows_is_found(quota: Quota) -> None:
    """All sums agree, but no recall ever takes from the vendor."""
    change_entry(OperationType.INCREASE, operation="recall")

    assert "way is from vendor to quota, but by the rules it is another for recall" in difference()


def test_a_grant_that_names_a_coupon_is_found(quota: Quota) -> None:
    change_entry(OperationType.GRANT, coupon=Coupon.objects.earliest("pk"))

    assert "coupon is one, but by the rules it is none" in difference()


# --- the operation log -----------------------------------------------------------------------------------------------


def change_record(operation: OperationType, /, **changes: Any) -> OperationRecord:
    record = OperationRecord.objects.filter(operation=operation, result="success").latest("pk")
    without_guards(OperationRecord, lambda: OperationRecord.objects.filter(pk=record.pk).update(**changes))
    return record


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"amount_minor": 6251}, "amount_minor is 6251, but by its ledger entry it is 6250"),
        ({"operation": "expire"}, "operation is expire, but by its ledger entry it is recall"),
        ({"currency": "EUR"}, "currency is EUR, but by its ledger entry it is CNY"),
        ({"order_id": "O-2"}, "order_id is O-2, but by its ledger entry it is "),
        ({"quota_number": "Q0"}, "quota_number is Q0, but by its ledger entry it is Q"),
        ({"coupon_id": "x"}, "coupon_id is x, but by its ledger entry it is "),
        ({"operation_id": "x"}, "ledger entry is x, but by the ledger it is missing"),
        ({"operation_id": ""}, "ledger entry is none, but by the ledger it is missing"),
        ({"result": "failure"}, "result is failure, but by the ledger entry it names it is success"),
    ],
    ids=str,
)
def test_a_record_unlike_its_entry_is_found(quota: Quota, changes: dict[str, Any], told: str) -> None:
    change_record(OperationType.RECALL, **changes)

    assert told in difference()


def test_a_record_of_another_partner_is_found(quota: Quota, other_partner: Partner) -> None:
    change_record(OperationType.RECALL, partner=other_partner)

    assert f"partner_id is {other_partner.pk}, but by its ledger entry it is {quota.partner_id}" in difference()


def test_an_entry_without_a_record_is_found(quota: Quota) -> None:
    entry = entry_of(OperationType.RECALL)
    gone = OperationRecord.objects.filter(operation_id=entry.operation_id)
    without_guards(OperationRecord, gone.delete)

    assert difference() == (
        f"Ledger entry {entry.operation_id} of quota {quota.number}: operation record is missing,"
        " but by the operation log it is one"
    )


def test_an_entry_that_two_records_name_is_found(quota: Quota) -> None:
    twin = OperationRecord.objects.filter(operation="recall").latest("pk")
    named = twin.operation_id
    twin.pk, twin.public_id, twin.seq = None, new_public_id(), twin.seq + 100
    OperationRecord.objects.bulk_create([twin])

    assert difference() == (
        f"Ledger entry {named} of quota {quota.number}: operation record is named 2 times,"
        " but by the operation log it is named once"
    )


# --- one moment ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_all_checks_see_one_moment(partner: Partner) -> None:
    """What is written while it reads is not seen in half."""
    quota = make_quota(partner)
    with snapshot():
        before = Quota.objects.get(pk=quota.pk).total_minor
        _elsewhere(quota)
        assert Quota.objects.get(pk=quota.pk).total_minor == before
    assert Quota.objects.get(pk=quota.pk).total_minor == before + 1
    assert reconciled().endswith("all agree\n")


def _elsewhere(quota: Quota) -> None:
    later = timezone.now() + timedelta(seconds=1)
    total = quota.total_minor + 1
    (outcome,) = run_together(
        1, lambda _number: quotas.change_total(quota=quota, total_minor=total, note="", actor=VENDOR, now=later)
    )
    assert isinstance(outcome, Quota), outcome
