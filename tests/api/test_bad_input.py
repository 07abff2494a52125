"""Bad input from programs: nothing is answered with a fault of ours, and nothing happens."""

from typing import Any

import pytest

from partner_center.tenancy.models import Member
from tests.api.calling import Program, error
from tests.vouchers.making import make_coupon, make_customer, make_quota
from vouchers.models import Coupon, LedgerEntry, OperationRecord, Quota

pytestmark = pytest.mark.django_db
ENDS_OF_TIME = ("0001-01-01T00:00:00+23:00", "9999-12-31T23:59:59-23:00")
TIMES = ("create_time_begin", "create_time_end", "effective_time_begin", "expire_time_end")


@pytest.fixture
def coupon(carol: Member) -> Coupon:
    return make_coupon(make_quota(carol.partner), make_customer(carol))


def written() -> tuple[int, int, int]:
    return Coupon.objects.count(), LedgerEntry.objects.count(), OperationRecord.objects.count()


def issue_of(coupon: Coupon, **fields: Any) -> dict[str, Any]:
    quota: Quota = coupon.quota
    plain = {"quota_id": quota.public_id, "customer_ids": [coupon.account.public_id], "face_value": "1.00"}
    return plain | fields


@pytest.mark.parametrize(
    "fields",
    [
        {"memo": "a\0b"},
        {"cloud_service_types": ["a\0b"]},
        {"product_ids": ["\0"]},
        *({name: end} for name in ("valid_time", "expire_time") for end in ENDS_OF_TIME),
        {"face_value": "1e3"},
        {"face_value": "１.00"},
        {"face_value": "-1.00"},
        {"face_value": "9" * 20},
        {"face_value": 1.5},
        {"min_order_amount": "0"},
        {"ratio_percent": 10**30},
        {"customer_ids": ["a\0b"]},
        {"quota_id": "\ud800"},
        {"order_types": {"new": 1}},
    ],
    ids=repr,
)
def test_no_issue_with_bad_input(coupon: Coupon, program: Program, fields: dict[str, Any]) -> None:
    before = written()

    answer = program.post("/coupons", issue_of(coupon, **fields))

    assert error(answer)[0] == 400
    assert written() == before


@pytest.mark.parametrize("end", ENDS_OF_TIME)
@pytest.mark.parametrize("path", ["/coupons", "/quotas", "/records"])
def test_times_at_the_ends_of_the_calendar_are_answered(coupon: Coupon, program: Program, path: str, end: str) -> None:
    names = ("operation_time_begin", "operation_time_end") if path == "/records" else TIMES

    for name in names:
        assert program.get(path, {name: end}).status_code in {200, 400}, name


@pytest.mark.parametrize("address", ["/consumptions", "/refunds", "/locks"])
@pytest.mark.parametrize(
    "fields", [{"order_id": "a\0"}, {"coupon_number": "\0"}, {"amount": "１"}, {"order_id": "Ｏ"}], ids=repr
)
def test_no_order_with_bad_input(coupon: Coupon, billing: Program, address: str, fields: dict[str, Any]) -> None:
    before = written()
    order = {"coupon_number": coupon.number, "order_id": "O-1", "amount": "1.00"} | fields

    answer = billing.post(address, order)

    if address == "/locks" and "amount" in fields:
        return
    assert answer.status_code in {400, 404}
    assert written() == before
