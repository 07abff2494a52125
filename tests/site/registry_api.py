"""Addresses of the API: here they are asked without a key, by every session; tests/api/test_walk.py brings keys."""

from typing import Any

from tests.site.addresses import EVERYBODY, KEY, SIGNED_IN, Address, Values, nothing

NO_KEY = 401


def _address(name: str, *, method: str = "POST", args: Values = nothing) -> Address:
    return Address(name=f"api:{name}", who=KEY, method=method, right="anonymous", args=args, answer=NO_KEY)


def _lock(_world: object) -> dict[str, Any]:
    return {"coupon_number": "C222-2222-2222", "order_id": "O-1"}


ADDRESSES = [
    # Nothing stands there; the name is the library's.
    Address(name="api:api-root", who=EVERYBODY, answer=404),
    Address(name="api:openapi-json", who=SIGNED_IN),
    _address("consumptions"),
    _address("refunds"),
    _address("locks"),
    _address("quotas", method="GET"),
    _address("issue"),
    _address("coupons", method="GET"),
    _address("recall", args=lambda _world: {"coupon_id": "x" * 22}),
    _address("records", method="GET"),
    _address("lock", method="DELETE", args=_lock),
]
