"""The ledger: nobody changes an entry, and its page shows sums that hold on every page and under every filter."""

import re
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import NotSupportedError
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from partner_center.money import parse
from partner_center.tenancy.models import Member, Partner, User
from tests.people import signed_in
from tests.vouchers.making import HUNDRED, VENDOR, make_coupon, make_customer, make_quota
from vouchers.actions import balances, quotas
from vouchers.actions.booking import Operation, book
from vouchers.models import LedgerEntry, Quota
from vouchers.queries import ledger
from vouchers.rules import COLUMN_OF_ACCOUNT, LedgerAccount, OperationType

pytestmark = pytest.mark.django_db
COLUMNS = ", ".join(field.column for field in LedgerEntry._meta.concrete_fields)

ON_BOTH = {
    "update": "UPDATE vouchers_ledgerentry SET amount_minor = amount_minor + 1",
    "update to the same": "UPDATE vouchers_ledgerentry SET amount_minor = amount_minor",
    "give away": "UPDATE vouchers_ledgerentry SET quota_id = quota_id, partner_id = partner_id",
    "delete": "DELETE FROM vouchers_ledgerentry",
    "upsert": f"INSERT INTO vouchers_ledgerentry ({COLUMNS}) SELECT {COLUMNS} FROM vouchers_ledgerentry WHERE true"
    " ON CONFLICT (operation_id) DO UPDATE SET amount_minor = 1",
    "insert twice": f"INSERT INTO vouchers_ledgerentry ({COLUMNS}) SELECT {COLUMNS} FROM vouchers_ledgerentry",
}
ON_SQLITE = {
    "replace": f"INSERT OR REPLACE INTO vouchers_ledgerentry ({COLUMNS}) SELECT {COLUMNS} FROM vouchers_ledgerentry",
    "update or replace": "UPDATE OR REPLACE vouchers_ledgerentry SET id = 1",
}
ON_POSTGRESQL = {
    "truncate": "TRUNCATE vouchers_ledgerentry",
    "truncate cascade": "TRUNCATE vouchers_quota CASCADE",
}
STATEMENTS = {**ON_BOTH, **(ON_SQLITE if connection.vendor == "sqlite" else ON_POSTGRESQL)}


def entries() -> list[tuple[Any, ...]]:
    return list(LedgerEntry.objects.order_by("pk").values_list())


@pytest.fixture
def quota(partner: Partner, fiona: Member) -> Quota:
    """A quota with sixty entries: coupons issued, some of them recalled, and a larger total."""
    quota, customer = make_quota(partner, 100 * HUNDRED), make_customer(fiona)
    coupons = [make_coupon(quota, customer, (number + 1) * 100) for number in range(40)]
    now = timezone.now()
    with transaction.atomic():
        back = [
            Operation(operation=OperationType.RECALL, quota=quota, amount_minor=each.face_minor, coupon=each)
            for each in coupons[::3]
        ]
        balances.give_back(quota, sum(each.amount_minor for each in back), now=now)
        book(back, partner=partner, actor=VENDOR, now=now)
    quotas.change_total(quota=quota, total_minor=120 * HUNDRED, note="", actor=VENDOR, now=now)
    quota.refresh_from_db()
    return quota


# --- nobody changes it -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STATEMENTS)
def test_what_changes_the_ledger_is_refused(partner: Partner, name: str) -> None:
    make_quota(partner)
    connection.check_constraints()
    before = entries()

    with pytest.raises((IntegrityError, NotSupportedError), match=r"append-only|duplicate key"):
        run(STATEMENTS[name])
    assert entries() == before


def run(statement: str) -> None:
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute(statement)


@pytest.mark.parametrize(
    "changes",
    [{"amount_minor": 0}, {"amount_minor": -1}, {"credit": "vendor"}, {"debit": "nowhere"}],
    ids=str,
)
def test_an_entry_that_moves_nothing_is_not_written(partner: Partner, changes: dict[str, Any]) -> None:
    make_quota(partner)
    entry = LedgerEntry.objects.latest("pk")
    fields = {"debit": "vendor", "credit": "quota", "amount_minor": 1} | changes

    with pytest.raises(IntegrityError), transaction.atomic():
        LedgerEntry.objects.create(
            partner=partner, quota=entry.quota, operation="grant", currency="CNY", occurred_at=timezone.now(), **fields
        )


# --- sums ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("account", LedgerAccount)
def test_the_entries_of_an_account_add_up_to_its_column(quota: Quota, account: LedgerAccount) -> None:
    matching = ledger.on_account(ledger.entries_of(quota), account)

    assert ledger.sum_of(matching, account) == getattr(quota, COLUMN_OF_ACCOUNT[account])


def rows_of(client: Client, path: str) -> list[tuple[int, int]]:
    """Read (amount, sum so far) of every row of a page."""
    body = client.get(path).content.decode()
    cells = re.findall(r'<td class="number nowrap" data-label="(Amount|Sum so far)">([^<]+) CNY</td>', body)
    values = [parse(text.removeprefix("+").replace(",", ""), "CNY") for _label, text in cells]
    return list(zip(values[::2], values[1::2], strict=True))


def all_rows(client: Client, path: str) -> list[tuple[int, int]]:
    """Follow the pages to the end."""
    found: list[tuple[int, int]] = []
    while path:
        found += rows_of(client, path)
        body = client.get(path).content.decode()
        following = re.search(r'id="page-next" href="([^"]+)"', body)
        path = following[1].replace("&amp;", "&") if following else ""
    return found


@pytest.mark.parametrize(
    ("query", "count", "column"),
    [
        ("account=quota", 56, "balance_minor"),
        ("account=coupon", 54, "outstanding_minor"),
        ("account=vendor", 2, "total_minor"),
        ("operation=issue", 40, "issued_face_minor"),
        ("account=quota&operation=recall", 14, ""),
    ],
)
def test_the_running_sum_holds_over_all_pages(quota: Quota, fiona: Member, query: str, count: int, column: str) -> None:
    """Newest first: each sum is the one below it and this amount, down to the first entry."""
    rows = all_rows(signed_in(fiona), f"{reverse('vouchers:ledger', args=[quota.public_id])}?{query}&size=20")

    below = [so_far for _amount, so_far in rows[1:]] + [0]
    assert [so_far for _amount, so_far in rows] == [
        amount + before for (amount, _so_far), before in zip(rows, below, strict=True)
    ]
    assert len(rows) == count
    if column:
        assert rows[0][1] == getattr(quota, column)


def test_the_last_page_reached_from_the_end_has_the_same_sums(quota: Quota, fiona: Member) -> None:
    path = reverse("vouchers:ledger", args=[quota.public_id]) + "?account=quota&size=20"
    client = signed_in(fiona)

    assert rows_of(client, f"{path}&last=1") == all_rows(client, path)[-20:]
    assert [row[1] for row in rows_of(client, f"{path}&sort=id")] == [
        row[1] for row in reversed(all_rows(client, path)[-20:])
    ]


def test_without_an_account_nothing_is_added_up(quota: Quota, fiona: Member) -> None:
    answer = signed_in(fiona).get(reverse("vouchers:ledger", args=[quota.public_id]))

    assert answer.status_code == 200
    assert "Sum so far" not in answer.content.decode()
    assert "add up to" not in answer.content.decode()


def test_the_filter_form_answers_what_htmx_asks(quota: Quota, fiona: Member) -> None:
    client, path = signed_in(fiona), reverse("vouchers:ledger", args=[quota.public_id])

    answer = client.post(path, {"account": "quota"}, headers={"HX-Request": "true", "HX-Target": "list-body"})

    assert answer.status_code == 200
    assert "Sum so far" in answer.content.decode()
    assert answer.headers["HX-Push-Url"] == f"{path}?account=quota"
    assert client.post(path, {"account": "quota"}).headers["Location"] == f"{path}?account=quota"


def test_the_vendor_reads_the_same_ledger(quota: Quota, fiona: Member, platform_admin: User) -> None:
    query = "?account=quota"
    ours = rows_of(signed_in(fiona), reverse("vouchers:ledger", args=[quota.public_id]) + query)

    assert (
        rows_of(signed_in(platform_admin), reverse("vouchers:platform_ledger", args=[quota.public_id]) + query) == ours
    )


def test_a_page_asks_the_database_the_same_number_of_questions_whatever_it_shows(
    quota: Quota, fiona: Member, django_assert_max_num_queries: Any
) -> None:
    client = signed_in(fiona)
    path = reverse("vouchers:ledger", args=[quota.public_id]) + "?account=quota&size=50"
    client.get(path)
    with django_assert_max_num_queries(12):
        client.get(path)
