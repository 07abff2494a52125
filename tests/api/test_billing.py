"""What billing posts: orders that use, hold and give back, and how each refusal is said."""

from typing import Any

import pytest
from django.utils import timezone

from partner_center.tenancy.models import Member
from tests.api.calling import Program, error
from tests.vouchers.making import make_coupon, make_customer, make_quota
from vouchers.models import Coupon, OperationRecord

pytestmark = pytest.mark.django_db


@pytest.fixture
def coupon(carol: Member) -> Coupon:
    return make_coupon(make_quota(carol.partner), make_customer(carol), 100_00)


def use(coupon: Coupon, **more: Any) -> dict[str, Any]:
    return {"coupon_number": coupon.number, "order_id": "O-1", "amount": "37.50"} | more


def order(coupon: Coupon, **more: Any) -> dict[str, Any]:
    return {"coupon_number": coupon.number, "order_id": "O-1"} | more


def test_an_order_uses_a_part_of_a_coupon(billing: Program, coupon: Coupon) -> None:
    answer = billing.post("/consumptions", use(coupon, order_total="100.00", order_type="new"))

    assert answer.json() == {
        "coupon_number": coupon.number,
        "order_id": "O-1",
        "amount": "37.50",
        "currency": "CNY",
        "destination": "order",
        "balance": "62.50",
        "status": "usable",
    }
    record = OperationRecord.objects.latest("pk")
    assert (record.actor_kind, record.actor_name, record.actor_id) == ("api", "Test", billing.key.public_id)
    assert record.request_id == answer.headers["X-Request-ID"]


def test_a_refund_says_where_the_money_went(billing: Program, coupon: Coupon) -> None:
    billing.post("/consumptions", use(coupon, amount="100"))

    part = billing.post("/refunds", order(coupon, amount="0.50")).json()
    rest = billing.post("/refunds", order(coupon)).json()

    assert (part["amount"], part["destination"], part["balance"], part["status"]) == (
        "0.50", "coupon", "0.50", "usable",
    )  # fmt: skip
    assert (rest["amount"], rest["balance"]) == ("99.50", "100.00")
    assert error(billing.post("/refunds", order(coupon))) == (400, "refund_too_large")


def test_an_order_holds_a_coupon_until_it_lets_go(billing: Program, coupon: Coupon) -> None:
    held = billing.post("/locks", order(coupon))
    assert (held.status_code, held.content) == (204, b"")
    assert error(billing.post("/consumptions", use(coupon, order_id="O-2"))) == (400, "coupon_locked")
    assert error(billing.delete(f"/locks/{coupon.number}/O-2")) == (400, "coupon_locked")

    assert billing.delete(f"/locks/{coupon.number}/O-1").status_code == 204
    assert billing.delete(f"/locks/{coupon.number}/O-1").status_code == 204
    assert billing.post("/consumptions", use(coupon, order_id="O-2")).status_code == 200


WRONG: dict[str, dict[str, Any]] = {
    "three decimals": {"amount": "1.234"},
    "nothing": {"amount": "0.00"},
    "negative": {"amount": "-1.00"},
    "a number": {"amount": 37.5},
    "grouped": {"amount": "1,000.00"},
    "an exponent": {"amount": "1e3"},
    "full width": {"amount": "３７"},
    "too much of all": {"amount": "9" * 16},
    "endless": {"amount": "9" * 21},
    "order id": {"order_id": "O 1"},
    "no order id": {"order_id": ""},
    "long order id": {"order_id": "O" * 65},
    "a NUL": {"order_id": "O\x00"},
    "coupon number": {"coupon_number": "' OR 1=1"},
    "a list": {"coupon_number": ["C"]},
    "order type": {"order_type": "unsubscribe"},
    "order total": {"order_total": "-5"},
    "null": {"amount": None},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_wrong_fields_are_refused_by_name(billing: Program, coupon: Coupon, wrong: dict[str, Any]) -> None:
    answer = billing.post("/consumptions", use(coupon, **wrong))

    assert error(answer) == (400, "CBC.0100")
    assert next(iter(wrong)) in answer.json()["error_msg"]
    assert not OperationRecord.objects.filter(operation="consume").exists()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"\xff", b'"x"', b"[" * 50_000, b"NaN"], ids=lambda body: repr(body[:8])
)
def test_what_is_no_such_object_is_refused(billing: Program, body: bytes) -> None:
    assert error(billing.post("/consumptions", body)) == (400, "CBC.0100")


def test_a_body_without_end_is_not_read(billing: Program, program: Program, coupon: Coupon) -> None:
    endless = b'"' + b"x" * 7_000_000 + b'"'

    assert error(billing.post("/consumptions", endless))[0] in {400, 413}
    assert error(program.post(f"/coupons/{coupon.public_id}/recall", endless)) == (413, "CBC.0100")
    coupon.refresh_from_db()
    assert coupon.status == "usable"


def test_a_fault_of_ours_tells_nothing(billing: Program, coupon: Coupon, monkeypatch: pytest.MonkeyPatch) -> None:
    from vouchers.api import billing as address

    def fail(_number: str) -> None:
        raise ValueError("SELECT secret FROM somewhere")

    monkeypatch.setattr(address, "_coupon", fail)
    answer = billing.post("/consumptions", use(coupon))

    assert error(answer) == (500, "CBC.0999")
    assert "secret" not in answer.content.decode()


def test_messages_come_in_the_language_that_is_asked_for(billing: Program, coupon: Coupon) -> None:
    answer = billing.client.get("/api/v1/quotas", headers={"Accept-Language": "zh-hans"})

    assert answer.json()["error_msg"] == "密钥缺失、不存在或已被吊销。"


def test_an_unknown_coupon_is_not_found(billing: Program, coupon: Coupon) -> None:
    unknown = "C222-2222-2222"

    for answer in (
        billing.post("/consumptions", use(coupon, coupon_number=unknown)),
        billing.post("/refunds", order(coupon, coupon_number=unknown)),
        billing.post("/locks", order(coupon, coupon_number=unknown)),
        billing.delete(f"/locks/{unknown}/O-1"),
    ):
        assert error(answer) == (404, "not_found")


def test_a_refusal_has_its_own_code(billing: Program, coupon: Coupon) -> None:
    Coupon.objects.filter(pk=coupon.pk).update(expires_at=timezone.now(), effective_at=coupon.created_at)

    answer = billing.post("/consumptions", use(coupon))

    assert error(answer) == (400, "coupon_expired")
    assert OperationRecord.objects.latest("pk").reason == "coupon_expired"


def test_other_methods_are_not_there(billing: Program, coupon: Coupon) -> None:
    for method in ("GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        assert billing._send(method, "/consumptions", None, "K").status_code == 405


def test_the_description_is_for_people_who_are_signed_in(alice: Member) -> None:
    from django.test import Client

    from tests.people import signed_in

    assert Client().get("/api/v1/openapi.json").status_code == 302
    described = signed_in(alice).get("/api/v1/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    posted = described["paths"]["/api/v1/consumptions"]["post"]
    assert {"200", "400", "401", "403", "404", "409", "429", "500"} <= set(posted["responses"])
    assert [parameter["name"] for parameter in posted["parameters"]] == ["Idempotency-Key"]
    assert posted["security"] == [{"Bearer": []}]
