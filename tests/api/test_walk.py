"""Every address of the API x no key, a key for something else, a key of another partner: nothing is told or changed."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import reverse

from customers.models import Account
from partner_center.api.rules import PLATFORM_SCOPES, Scope
from partner_center.tenancy.models import Member
from partner_center.urls import api
from tests.api.calling import HERE, Program, error, make_program
from tests.site.registry_api import ADDRESSES
from tests.site.test_every_url import picture
from tests.vouchers.making import make_coupon, make_customer, make_quota
from vouchers.models import Coupon, Quota

pytestmark = pytest.mark.django_db

# What a request and a limit may write down when nothing else happens.
TRACES = ("limits_spending", "api_apikey")
UNKNOWN = {"quota": "x" * 22, "customer": "y" * 22, "coupon": "z" * 22}


def asks(coupon: Coupon) -> dict[tuple[str, str], tuple[Scope, str, Any]]:
    """Tell of each address the scope that it asks for, and a right request about one coupon."""
    order = {"coupon_number": coupon.number, "order_id": "O-1"}
    issue = {
        "quota_id": coupon.quota.public_id,
        "customer_ids": [coupon.account.public_id],
        "face_value": "1.00",
    }
    of_coupon = f"?coupon_id={coupon.public_id}"
    return {
        ("POST", "consumptions"): (Scope.CONSUMPTION_WRITE, "/consumptions", order | {"amount": "1.00"}),
        ("POST", "refunds"): (Scope.CONSUMPTION_WRITE, "/refunds", order),
        ("POST", "locks"): (Scope.CONSUMPTION_WRITE, "/locks", order),
        ("DELETE", "lock"): (Scope.CONSUMPTION_WRITE, f"/locks/{coupon.number}/O-1", None),
        ("GET", "quotas"): (Scope.QUOTA_READ, f"/quotas?quota_ids={coupon.quota.public_id}", None),
        ("POST", "issue"): (Scope.COUPON_ISSUE, "/coupons", issue),
        ("GET", "coupons"): (Scope.COUPON_READ, f"/coupons{of_coupon}", None),
        ("POST", "recall"): (Scope.COUPON_RECALL, f"/coupons/{coupon.public_id}/recall", None),
        ("GET", "records"): (Scope.COUPON_LOG_READ, f"/records?coupon_ids={coupon.public_id}", None),
    }


NAMES = list(asks(Coupon(quota=Quota(), account=Account())))


def operations() -> Iterator[tuple[str, str]]:
    """Walk the API to every operation: its method and the name of its address."""
    for router in api._get_bound_routers():
        for view in router.path_operations.values():
            for operation in view.operations:
                yield from ((method, operation.url_name) for method in operation.methods)


@pytest.fixture
def coupon(carol: Member) -> Coupon:
    return make_coupon(make_quota(carol.partner), make_customer(carol), 100_00)


def ask(program: Program, method: str, path: str, body: Any) -> Any:
    return program._send(method, path, body, "K" if method != "GET" else "")


def test_the_walk_comes_by_every_operation() -> None:
    assert sorted(operations()) == sorted(NAMES)
    listed = {address.name.removeprefix("api:") for address in ADDRESSES}
    assert {name for _method, name in operations()} == listed - {"api-root", "openapi-json"}
    assert reverse("api:quotas") == f"{HERE}/quotas"


@pytest.mark.parametrize("name", NAMES, ids=" ".join)
def test_without_a_key_nobody_comes_in(coupon: Coupon, name: tuple[str, str]) -> None:
    _scope, path, body = asks(coupon)[name]
    before = picture()

    assert error(ask(Program(""), name[0], path, body)) == (401, "CBC.0154")
    assert picture() == before


@pytest.mark.parametrize("name", NAMES, ids=" ".join)
def test_a_key_for_everything_else_is_refused(coupon: Coupon, name: tuple[str, str]) -> None:
    scope, path, body = asks(coupon)[name]
    owner = None if scope in PLATFORM_SCOPES else coupon.partner
    program = make_program(owner or coupon.partner)
    program.key.scopes = sorted(set(Scope) - {scope})
    program.key.partner = owner
    program.key.save()
    before = picture(but=TRACES)

    assert error(ask(program, name[0], path, body)) == (403, "CBC.0151")
    assert picture(but=TRACES) == before


@pytest.mark.parametrize(
    "name", [name for name in NAMES if name[1] not in {"consumptions", "refunds", "locks", "lock"}]
)
def test_another_partner_is_told_what_is_told_of_what_does_not_exist(
    foreigner: Program, coupon: Coupon, name: tuple[str, str]
) -> None:
    _scope, path, body = asks(coupon)[name]
    nothing = Coupon(
        public_id=UNKNOWN["coupon"],
        quota=Quota(public_id=UNKNOWN["quota"]),
        account=Account(public_id=UNKNOWN["customer"]),
    )
    _scope, other_path, other_body = asks(nothing)[name]
    before = picture(but=(*TRACES, "api_keptanswer"))

    foreign = ask(foreigner, name[0], path, body)
    unknown = make_program(foreigner.key.partner)._send(
        name[0], other_path, other_body, "K" if name[0] != "GET" else ""
    )

    assert (foreign.status_code, foreign.content) == (unknown.status_code, unknown.content)
    assert coupon.public_id not in foreign.content.decode()
    after = picture(but=(*TRACES, "api_keptanswer"))
    assert {table for table in before if before[table] != after[table]} <= {"audit_auditentry", "audit_audithead"}


@pytest.mark.parametrize("name", NAMES, ids=" ".join)
def test_the_right_key_comes_in(coupon: Coupon, name: tuple[str, str]) -> None:
    scope, path, body = asks(coupon)[name]
    program = make_program(None if scope in PLATFORM_SCOPES else coupon.partner, scope)

    assert ask(program, name[0], path, body).status_code in {200, 204, 400}
