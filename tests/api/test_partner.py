"""What a partner's software asks: quotas, issue, coupons, records, recall."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from customers.models import Association
from partner_center.mail.models import MailOutbox
from partner_center.tenancy.models import Member, Partner
from tests.api.calling import Program, error, make_program
from tests.people import make_account
from tests.rivals import run_together
from tests.vouchers.making import HUNDRED, make_coupon, make_customer, make_quota, told
from vouchers.models import Coupon, OperationRecord, Quota

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def quota(carol: Member) -> Quota:
    return make_quota(carol.partner, 250_00)


@pytest.fixture
def customers(carol: Member) -> list[Association]:
    return [make_customer(carol) for _number in range(3)]


@pytest.fixture
def coupon(quota: Quota, customers: list[Association]) -> Coupon:
    return make_coupon(quota, customers[0])


def ids(customers: list[Association]) -> list[str]:
    return [customer.account.public_id for customer in customers]


def wish(quota: Quota, customers: list[Association], **more: Any) -> dict[str, Any]:
    return {"quota_id": quota.public_id, "customer_ids": ids(customers), "face_value": "100.00"} | more


# --- issue -----------------------------------------------------------------------------------------------------------


def test_two_of_three_get_what_there_is(program: Program, quota: Quota, customers: list[Association]) -> None:
    answer = program.post("/coupons", wish(quota, customers, memo="Spring"))

    assert answer.status_code == 200
    body = answer.json()
    assert [each["id"] for each in body["coupon_infos"]] == ids(customers)[:2]
    assert [(each["id"], each["error_code"]) for each in body["error_details"]] == [
        (ids(customers)[2], "CBC.99000013"),
    ]  # fmt: skip
    coupons = {coupon.public_id: coupon for coupon in Coupon.objects.all()}
    assert {each["coupon_id"] for each in body["coupon_infos"]} == coupons.keys()
    assert {coupon.remark for coupon in coupons.values()} == {"Spring"}
    quota.refresh_from_db()
    assert (quota.balance_minor, quota.outstanding_minor) == (50_00, 200_00)
    results = OperationRecord.objects.filter(operation="issue").order_by("pk").values_list("result", "actor_kind")
    assert list(results) == [("success", "api"), ("success", "api"), ("failure", "api")]


def test_the_same_request_twice_issues_once(program: Program, quota: Quota, customers: list[Association]) -> None:
    first = program.post("/coupons", wish(quota, customers[:1]), key="K")
    again = program.post("/coupons", wish(quota, customers[:1]), key="K")

    assert again.content == first.content
    assert Coupon.objects.count() == 1
    assert MailOutbox.objects.filter(kind="coupon_issued").count() <= 1


def test_a_partner_whose_members_need_codes_is_never_asked_here(
    program: Program, partner: Partner, quota: Quota, customers: list[Association]
) -> None:
    Partner.objects.filter(pk=partner.pk).update(verification_enabled=True)

    issued = program.post("/coupons", wish(quota, customers[:1]))
    assert issued.status_code == 200
    coupon_id = issued.json()["coupon_infos"][0]["coupon_id"]
    assert program.post(f"/coupons/{coupon_id}/recall").status_code == 204


@pytest.mark.django_db(transaction=True)
def test_forty_times_the_same_request_issues_once(program: Program, quota: Quota, customers: list[Association]) -> None:
    def call(_thread: int) -> object:
        return Program(program.secret).post("/coupons", wish(quota, customers[:2]), key="K")

    answers = run_together(40, call)

    assert len({(answer.status_code, answer.content) for answer in answers}) == 1
    assert Coupon.objects.count() == 2


def faults(quota: Quota) -> dict[str, tuple[dict[str, Any], str]]:
    day = timedelta(days=1)
    return {
        "unknown quota": ({"quota_id": "x" * 22}, "CBC.99000012"),
        "no customers": ({"customer_ids": []}, "CBC.0100"),
        "101 customers": ({"customer_ids": ["x"] * 101}, "CBC.0100"),
        "no amount": ({"face_value": ""}, "CBC.0100"),
        "three decimals": ({"face_value": "1.001"}, "CBC.0100"),
        "blank time": ({"expire_time": ""}, "CBC.0100"),
        "time without zone": ({"expire_time": "2027-01-01T00:00:00"}, "CBC.0100"),
        "after the quota": ({"expire_time": (quota.expires_at + day).isoformat()}, "CBC.0100"),
        "11 services": ({"cloud_service_types": [str(n) for n in range(11)]}, "CBC.0100"),
        "long memo": ({"memo": "x" * 257}, "CBC.0100"),
        "ratio of a voucher": ({"ratio_percent": 50}, "CBC.0100"),
        "order type": ({"order_types": ["unsubscribe"]}, "CBC.0100"),
        "customer id": ({"customer_ids": ["a b"]}, "CBC.0100"),
    }


@pytest.mark.parametrize("name", list(faults(Quota(expires_at=timezone.now()))))
def test_faults_of_the_request_issue_nothing(
    program: Program, quota: Quota, customers: list[Association], name: str
) -> None:
    change, code = faults(quota)[name]

    assert error(program.post("/coupons", wish(quota, customers) | change)) == (400, code)
    assert not Coupon.objects.exists()


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"status": "frozen"}, "CBC.99000012"),
        ({"expires_at": timezone.now() - HOUR}, "CBC.99000017"),
        ({"min_face_minor": 100_01}, "CBC.99000018"),
        ({"max_face_minor": 99_99}, "CBC.99000019"),
    ],
    ids=told,
)
def test_faults_of_the_quota_have_the_vendors_codes(
    program: Program, quota: Quota, customers: list[Association], columns: dict[str, Any], code: str
) -> None:
    Quota.objects.filter(pk=quota.pk).update(**columns)

    assert error(program.post("/coupons", wish(quota, customers))) == (400, code)


def test_what_is_left_out_is_the_quotas_and_nulls_are_too(
    program: Program, quota: Quota, customers: list[Association]
) -> None:
    left_out = {"valid_time": None, "expire_time": None, "memo": None}
    assert program.post("/coupons", wish(quota, customers[:1], **left_out)).status_code == 200

    coupon = Coupon.objects.get()
    assert (coupon.effective_at, coupon.expires_at) == (quota.effective_at, quota.expires_at)


def test_strangers_and_customers_of_others_are_told_alike(
    program: Program, quota: Quota, charlie: Member, customers: list[Association]
) -> None:
    foreign = make_customer(charlie).account.public_id
    stranger = make_account(with_sign_in=False).public_id
    asked = wish(quota, customers[:1]) | {"customer_ids": [foreign, stranger, "x" * 22]}

    body = program.post("/coupons", asked).json()

    assert body["coupon_infos"] == []
    assert [each["id"] for each in body["error_details"]] == asked["customer_ids"]
    assert len({(each["error_code"], each["error_msg"]) for each in body["error_details"]}) == 1
    assert body["error_details"][0]["error_code"] == "CBC.99000035"


# --- lists -----------------------------------------------------------------------------------------------------------


def make_quotas(member: Member, count: int, **fields: Any) -> list[Quota]:
    return [make_quota(member.partner, **fields) for _number in range(count)]


@pytest.mark.parametrize(
    ("count", "page", "expected"),
    [
        (10, {"limit": 10, "offset": 1}, slice(1, 10)),
        (20, {"limit": 10, "offset": 10}, slice(10, 20)),
        (20, {}, slice(0, 10)),
        (3, {"offset": 3}, slice(3, 3)),
        (3, {"offset": 40_000_000}, slice(3, 3)),
        (3, {"limit": 100}, slice(0, 3)),
        (3, {"limit": 1}, slice(0, 1)),
    ],
    ids=told,
)
def test_offset_counts_rows_and_the_newest_come_first(
    program: Program, carol: Member, count: int, page: dict[str, int], expected: slice
) -> None:
    newest_first = [quota.public_id for quota in make_quotas(carol, count)][::-1]

    body = program.get("/quotas", page).json()

    assert body["total_count"] == count
    assert [quota["quota_id"] for quota in body["quotas"]] == newest_first[expected]


@pytest.mark.parametrize("address", ["/quotas", "/coupons", "/records"])
@pytest.mark.parametrize(
    "page",
    [{"limit": 0}, {"limit": 101}, {"limit": -1}, {"offset": -1}, {"offset": 40_000_001}, {"limit": "x"}],
    ids=told,
)
def test_no_such_page(program: Program, address: str, page: dict[str, Any]) -> None:
    assert error(program.get(address, page)) == (400, "CBC.0100")


def quotas(program: Program, query: Any) -> list[str]:
    answer = program.get("/quotas", query)
    assert answer.status_code == 200, answer.content
    return [quota["quota_id"] for quota in answer.json()["quotas"]]


def test_without_a_type_quotas_of_vouchers_are_listed(program: Program, carol: Member) -> None:
    (voucher,) = make_quotas(carol, 1)
    (cash,) = make_quotas(carol, 1, kind="cash_coupon")
    (pickup,) = make_quotas(carol, 1, kind="pickup_coupon")

    for query in ({}, {"quota_type": ""}, {"quota_type": "null"}, {"quota_type": 0}):
        assert quotas(program, query) == [voucher.public_id]
    assert quotas(program, {"quota_type": 1}) == [cash.public_id]
    assert quotas(program, {"quota_type": 2}) == [pickup.public_id]
    assert error(program.get("/quotas", {"quota_type": 3})) == (400, "CBC.0100")


def test_empty_lists_are_no_filter_of_quotas(program: Program, carol: Member) -> None:
    first, second = make_quotas(carol, 2)

    assert len(quotas(program, {"quota_ids": "", "quota_status_list": ""})) == 2
    assert quotas(program, {"quota_ids": [first.public_id, "unknown"]}) == [first.public_id]
    assert quotas(program, {"quota_ids": [first.public_id, second.public_id]}) == [second.public_id, first.public_id]
    assert error(program.get("/quotas", {"quota_ids": ["x"] * 51})) == (400, "CBC.0100")


def test_a_quota_is_in_the_state_it_is_in_now(program: Program, carol: Member) -> None:
    now = timezone.now()
    (normal,) = make_quotas(carol, 1)
    (ended,) = make_quotas(carol, 1, expires_at=now - HOUR)
    (invalid,) = make_quotas(carol, 1, status="invalid")
    (frozen,) = make_quotas(carol, 1, status="frozen")
    (adjusting,) = make_quotas(carol, 1, status="adjusting")
    found = {number: set(quotas(program, {"quota_status_list": number})) for number in (0, 3, 4, 5)}

    assert found == {
        0: {normal.public_id},
        3: {ended.public_id, invalid.public_id},
        4: {adjusting.public_id},
        5: {frozen.public_id},
    }
    shown = {each["quota_id"]: each["quota_status"] for each in program.get("/quotas").json()["quotas"]}
    assert shown == {quota_id: number for number, quota_ids in found.items() for quota_id in quota_ids}
    assert error(program.get("/quotas", {"quota_status_list": 1})) == (400, "CBC.0100")


def stamp(moment: datetime) -> str:
    return moment.isoformat()


@pytest.mark.parametrize(
    ("address", "name"), [("/quotas", "create_time"), ("/coupons", "create_time"), ("/records", "operation_time")]
)
def test_times_are_exclusive(program: Program, coupon: Coupon, address: str, name: str) -> None:
    moments = {
        "/quotas": coupon.quota.created_at,
        "/coupons": coupon.created_at,
        "/records": OperationRecord.objects.latest("pk").occurred_at,
    }
    at, tick = moments[address], timedelta(microseconds=1)

    def count(**bounds: datetime) -> int:
        query = {f"{name}_{side}": stamp(moment) for side, moment in bounds.items()}
        return program.get(address, query).json()["total_count"]

    assert count(begin=at - tick, end=at + tick) == 1
    assert count(begin=at, end=at + tick) == 0
    assert count(begin=at - tick, end=at) == 0
    assert error(program.get(address, {f"{name}_begin": ""})) == (400, "CBC.0100")


def test_a_coupon_is_shown_with_its_holder_masked(program: Program, coupon: Coupon) -> None:
    (shown,) = program.get("/coupons").json()["user_coupons"]

    assert (shown["coupon_id"], shown["coupon_type"], shown["status"]) == (coupon.public_id, 1, 2)
    assert (shown["face_value"], shown["balance"], shown["currency"]) == ("100.00", "100.00", "CNY")
    assert shown["customer_name"] == "W**"
    assert "***" in shown["account_name"]
    text = program.get("/coupons").content.decode()
    for clear in (coupon.account.customer_name, coupon.account.account_name, coupon.account.email):
        assert clear not in text


def test_coupons_are_found_by_what_they_are_now(program: Program, quota: Quota, customers: list[Association]) -> None:
    now = timezone.now()
    usable, ended = (make_coupon(quota, customers[0], 10_00) for _number in range(2))
    Coupon.objects.filter(pk=ended.pk).update(expires_at=now)
    locked = make_coupon(quota, customers[1], 10_00, locked_by_order="O-7")

    def found(**query: Any) -> set[str]:
        answer = program.get("/coupons", query)
        assert answer.status_code == 200, answer.content
        return {each["coupon_id"] for each in answer.json()["user_coupons"]}

    assert found(status=2) == {usable.public_id, locked.public_id}
    assert found(status=4) == {ended.public_id}
    assert found(status=1) == found(status=3) == found(status=5) == set()
    assert found(coupon_type=4) == set()
    assert found(order_id="O-7") == {locked.public_id}
    assert found(customer_id=customers[1].account.public_id) == {locked.public_id}
    assert found(coupon_id=usable.public_id) == {usable.public_id}
    assert error(program.get("/coupons", {"status": 6})) == (400, "CBC.0100")


def records(program: Program, query: Any = None) -> list[dict[str, Any]]:
    answer = program.get("/records", query)
    assert answer.status_code == 200, answer.content
    return answer.json()["records"]


def test_records_tell_what_was_done(program: Program, coupon: Coupon) -> None:
    issued, granted = records(program)

    assert (issued["operation_type"], granted["operation_type"]) == (1, 10)
    assert issued["result"] == 0
    assert issued["operation_amount"] == "100.00"
    assert issued["coupon_id"] == coupon.public_id
    assert issued["quota_id"] == coupon.quota.public_id
    assert issued["operator"] == "Vendor"


def test_empty_is_a_filter_of_records_and_absent_is_none(program: Program, coupon: Coupon) -> None:
    assert len(records(program)) == 2
    for query in ({"operation_types": ""}, {"quota_id": ""}, {"coupon_ids": ""}, {"operation_types": 6}):
        assert records(program, query) == [], query
    assert len(records(program, {"operation_types": [1, 10, 999]})) == 2
    assert [each["operation_type"] for each in records(program, {"operation_types": 10})] == [10]
    assert len(records(program, {"coupon_ids": [coupon.public_id]})) == 1
    assert len(records(program, {"quota_id": coupon.quota.public_id})) == 2
    assert len(records(program, {"customer_id": coupon.account.public_id})) == 1
    assert records(program, {"quota_type": 1}) == []
    assert error(program.get("/records", {"operation_types": ["x"]})) == (400, "CBC.0100")


def test_a_result_that_is_none_is_no_filter(program: Program, coupon: Coupon) -> None:
    program.post(f"/coupons/{coupon.public_id}/recall")
    program.post(f"/coupons/{coupon.public_id}/recall")

    assert len(records(program, {"result": "0"})) == 3
    assert [each["reason"] for each in records(program, {"result": "-1"})] == ["coupon_recalled"]
    for result in ("abc", "1", ""):
        assert len(records(program, {"result": result})) == 4


# --- recall ----------------------------------------------------------------------------------------------------------


def test_a_recall_takes_all_that_is_left_and_says_nothing(program: Program, billing: Program, coupon: Coupon) -> None:
    used = {"coupon_number": coupon.number, "order_id": "O-1", "amount": "37.50"}
    assert billing.post("/consumptions", used).status_code == 200

    answer = program.post(f"/coupons/{coupon.public_id}/recall", key="K")

    assert (answer.status_code, answer.content) == (204, b"")
    coupon.refresh_from_db()
    assert (coupon.status, coupon.balance_minor, coupon.recalled_minor) == ("recalled", 0, 62_50)
    (record,) = records(program, {"operation_types": 2})
    assert (record["operation_amount"], record["operator"]) == ("62.50", "Test")
    assert program.post(f"/coupons/{coupon.public_id}/recall", key="K").status_code == 204
    assert error(program.post(f"/coupons/{coupon.public_id}/recall")) == (400, "coupon_recalled")


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"locked_by_order": "O-1"}, "coupon_locked"),
        ({"status": "used", "balance_minor": 0, "consumed_minor": HUNDRED}, "coupon_used_up"),
        ({"expires_at": timezone.now()}, "coupon_expired"),
    ],
    ids=told,
)
def test_what_cannot_be_recalled_is_told_by_its_code(
    program: Program, coupon: Coupon, columns: dict[str, Any], code: str
) -> None:
    Coupon.objects.filter(pk=coupon.pk).update(**columns)

    assert error(program.post(f"/coupons/{coupon.public_id}/recall")) == (400, code)
    assert OperationRecord.objects.latest("pk").reason == code


def test_the_keys_of_the_vendor_are_no_partners(coupon: Coupon) -> None:
    from partner_center.api.models import ApiKey

    program = make_program(None)
    ApiKey.objects.filter(pk=program.key.pk).update(scopes=["coupon.read", "quota.read"])

    assert error(program.get("/coupons")) == (403, "CBC.0151")
