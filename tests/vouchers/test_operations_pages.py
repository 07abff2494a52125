"""The operation log of a partner: who sees what, what it can be asked, and that reading it is logged."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from partner_center.audit.models import AuditEntry, Deed
from partner_center.masking import mask_account, mask_name
from partner_center.tenancy.models import Member, Partner
from tests.people import actor_of, signed_in
from tests.vouchers.making import HUNDRED, make_coupon, make_customer, make_quota
from vouchers.actions.booking import Operation, book
from vouchers.models import Coupon, OperationRecord, Quota
from vouchers.rules import OperationType, Reason

pytestmark = pytest.mark.django_db

LOG = reverse("vouchers:operations")


@pytest.fixture
def quota(partner: Partner) -> Quota:
    return make_quota(partner)


@pytest.fixture
def coupon(quota: Quota, fiona: Member) -> Coupon:
    customer = make_customer(fiona, customer_name="Quillfeather", account_name="quillfeather_nest")
    return make_coupon(quota, customer)


@pytest.fixture
def refused(quota: Quota, coupon: Coupon, fiona: Member) -> OperationRecord:
    failure = Operation(
        operation=OperationType.ISSUE,
        quota=quota,
        amount_minor=5 * HUNDRED,
        account=coupon.account,
        reason=Reason.NOT_ENOUGH_BALANCE,
        remark="=for our eyes",
        whitelist_version=7,
    )
    with transaction.atomic():
        (record,) = book([failure], partner=quota.partner, actor=actor_of(fiona), now=timezone.now())
    return record


def text_of(client: Client, **asked: str) -> str:
    response = client.get(LOG, asked)
    assert response.status_code == 200
    return response.content.decode()


def rows_in(text: str) -> int:
    return text.count('<tr id="row-')


def test_a_record_says_what_was_done_to_what_by_whom_and_why_not(fiona: Member, refused: OperationRecord) -> None:
    text = text_of(signed_in(fiona))
    for told in (
        "The quota&#x27;s balance is too small.", "500.00 CNY", refused.quota_number, "Fiona", "=for our eyes",
        "Whitelist version 7", mask_name("Quillfeather"), mask_account("quillfeather_nest"),
    ):  # fmt: skip
        assert told in text, told
    assert "Quillfeather" not in text
    assert rows_in(text) == 3


def test_a_coupon_opens_its_page(fiona: Member, coupon: Coupon) -> None:
    assert f'href="{reverse("vouchers:coupon", args=[coupon.public_id])}">{coupon.number}' in text_of(signed_in(fiona))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (lambda record, coupon: {"operation": "grant"}, 1),
        (lambda record, coupon: {"operation": "issue"}, 2),
        (lambda record, coupon: {"result": "failure"}, 1),
        (lambda record, coupon: {"kind": "voucher"}, 3),
        (lambda record, coupon: {"kind": "cash_coupon"}, 0),
        (lambda record, coupon: {"quota": record.quota_number.lower()}, 3),
        (lambda record, coupon: {"quota": "Q2222-2222-2222"}, 0),
        (lambda record, coupon: {"number": coupon.number}, 1),
        (lambda record, coupon: {"coupon": coupon.public_id}, 1),
        (lambda record, coupon: {"operator": record.actor_id}, 1),
        (lambda record, coupon: {"operator": "system"}, 0),
        (lambda record, coupon: {"job": "a" * 22}, 0),
        (lambda record, coupon: {"occurred_from": str(timezone.localdate() - timedelta(days=2))}, 3),
        (lambda record, coupon: {"occurred_to": str(timezone.localdate() - timedelta(days=2))}, 0),
    ],
)
def test_filters(fiona: Member, refused: OperationRecord, coupon: Coupon, asked: Callable, found: int) -> None:
    assert rows_in(text_of(signed_in(fiona), **asked(refused, coupon))) == found


@pytest.mark.parametrize(("name", "value"), [("customer_name", "Quillfeather"), ("account_name", "quillfeather_nest")])
def test_a_customer_is_searched_by_post_and_stands_in_no_address(
    fiona: Member, dora: Member, refused: OperationRecord, name: str, value: str
) -> None:
    for member in (fiona, dora):
        response = signed_in(member).post(LOG, {name: value})
        assert response.status_code == 303
        assert value not in response["Location"]
        assert rows_in(signed_in(member).get(response["Location"]).content.decode()) == 2
    assert rows_in(signed_in(dora).post(LOG, {name: value[:4]}, follow=True).content.decode()) == 0
    assert rows_in(signed_in(fiona).post(LOG, {name: value[:4]}, follow=True).content.decode()) == 2


def test_an_account_that_was_picked_for_another_holder_is_found_too(fiona: Member, quota: Quota) -> None:
    member, master = make_customer(fiona, account_name="the_member"), make_customer(fiona, account_name="the_master")
    make_coupon(quota, member, holder=master.account)
    for name in ("the_member", "the_master"):
        text = signed_in(fiona).post(LOG, {"account_name": name}, follow=True).content.decode()
        assert rows_in(text) == 1


def test_pickup_coupons_are_a_tab_for_those_who_have_such_a_quota(fiona: Member, quota: Quota) -> None:
    assert "kind=pickup_coupon" not in text_of(signed_in(fiona))
    make_quota(fiona.partner, kind="pickup_coupon")
    assert "kind=pickup_coupon" in text_of(signed_in(fiona))


def test_the_log_of_another_partner_is_empty_here(charlie: Member, refused: OperationRecord, coupon: Coupon) -> None:
    text = text_of(signed_in(charlie))
    assert rows_in(text) == 0
    assert "Nothing has been done yet" in text
    for asked in ({"coupon": coupon.public_id}, {"quota": refused.quota_number}, {"number": coupon.number}):
        assert rows_in(text_of(signed_in(charlie), **asked)) == 0


@pytest.mark.parametrize("person", ["bob", "carol", "platform_admin"])
def test_who_may_not_read_the_log(request: pytest.FixtureRequest, person: str) -> None:
    client = signed_in(request.getfixturevalue(person))
    assert client.get(LOG).status_code == 403
    assert client.post(reverse("vouchers:operations_export"), {"format": "csv"}).status_code == 403
    assert not AuditEntry.objects.filter(deed__in=[Deed.LOG_VIEWED, Deed.LOG_EXPORTED]).exists()


def test_what_is_asked_wrongly_is_told_and_shows_nothing(fiona: Member, refused: OperationRecord) -> None:
    client = signed_in(fiona)
    for asked in (
        {"operation": "steal"}, {"result": "\x00"}, {"kind": "money"}, {"occurred_from": "yesterday"},
        {"coupon": "a b"}, {"job": "'; DROP TABLE"}, {"quota": "x" * 300},
        {"occurred_from": "2026-02-02", "occurred_to": "2026-02-01"},
    ):  # fmt: skip
        response = client.get(LOG, asked)
        assert response.status_code == 422, asked
        assert rows_in(response.content.decode()) == 0


# --- reading is logged -----------------------------------------------------------------------------------------------


def viewed() -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(deed=Deed.LOG_VIEWED).order_by("pk"))


def test_reading_the_log_is_logged_once_for_the_same_filters(fiona: Member, dora: Member, coupon: Coupon) -> None:
    client = signed_in(fiona)
    text_of(client), text_of(client), text_of(client, sort="time")
    text_of(client, operation="issue"), text_of(client, operation="issue")
    text_of(signed_in(dora))
    entries = viewed()
    assert [entry.actor_id for entry in entries] == [fiona.public_id, fiona.public_id, dora.public_id]
    assert [json.loads(entry.details)["filters"] for entry in entries] == [[], ["operation"], []]
    assert {entry.partner for entry in entries} == {fiona.partner}


def test_who_searches_a_customer_is_logged_without_the_customer(fiona: Member, coupon: Coupon) -> None:
    signed_in(fiona).post(LOG, {"customer_name": "Quillfeather"}, follow=True)
    (entry,) = viewed()
    assert json.loads(entry.details) == {"filters": ["customer_name"], "log": "operations"}


# --- reveal ----------------------------------------------------------------------------------------------------------


def reveal(client: Client, record: OperationRecord, kind: str = "operation") -> object:
    data = {"kind": kind, "field": "customer_name", "id": record.public_id, "purpose": "dispute"}
    return client.post(reverse("listing:reveal"), data)


def test_a_customer_is_revealed_to_those_who_may(
    fiona: Member, dora: Member, charlie: Member, platform_admin: object, refused: OperationRecord
) -> None:
    assert reveal(signed_in(fiona), refused).json() == {"values": {refused.public_id: "Quillfeather"}}
    assert reveal(signed_in(dora), refused).status_code == 403
    assert reveal(signed_in(charlie), refused).status_code == 404
    assert reveal(signed_in(platform_admin), refused).status_code == 403
    assert reveal(signed_in(fiona), refused, "reviewed_operation").status_code == 403


def test_staff_reveal_what_they_review_and_it_stands_in_the_chain_of_the_platform(
    platform_admin: object, refused: OperationRecord
) -> None:
    answer = reveal(signed_in(platform_admin), refused, "reviewed_operation")
    assert answer.json() == {"values": {refused.public_id: "Quillfeather"}}
    entry = AuditEntry.objects.get(deed=Deed.FIELD_REVEALED)
    assert (entry.partner, entry.actor_id) == (None, platform_admin.public_id)
