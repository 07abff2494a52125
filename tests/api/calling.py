"""Programs: a key, and what it asks over HTTP."""

import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from partner_center.api.actions import create_key
from partner_center.api.models import ApiKey
from partner_center.api.rules import PARTNER_SCOPES, PLATFORM_SCOPES, Scope
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Partner

_keys = count(1)
HERE = "/api/v1"


def fresh() -> str:
    """Make an Idempotency-Key that nobody used."""
    return f"key-{next(_keys)}"


@dataclass
class Program:
    """Somebody's software, with the secret of its key."""

    secret: str
    key: ApiKey | None = None
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def get(self, path: str, query: Any = None) -> HttpResponse:
        return self.client.get(f"{HERE}{path}", query or {}, headers=self._headers())

    def post(self, path: str, body: Any = None, *, key: str | None = None) -> HttpResponse:
        return self._send("POST", path, body, key)

    def delete(self, path: str, *, key: str | None = None) -> HttpResponse:
        return self._send("DELETE", path, None, key)

    def _send(self, method: str, path: str, body: Any, key: str | None) -> HttpResponse:
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        key = fresh() if key is None else key
        headers = self._headers() | ({"Idempotency-Key": key} if key else {})
        return self.client.generic(method, f"{HERE}{path}", data, "application/json", headers=headers)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"} if self.secret else {}


def make_program(partner: Partner | None, *scopes: Scope) -> Program:
    """Give a partner's software, or the vendor's, a key with these scopes, else with all that it can have."""
    wanted = scopes or tuple(PARTNER_SCOPES if partner else PLATFORM_SCOPES)
    key, secret = create_key(
        name="Test", partner=partner, scopes=wanted, actor=Actor.system("test"), now=timezone.now()
    )
    return Program(secret, key)


def error(response: HttpResponse) -> tuple[int, str]:
    """Return status and code of an error, which says nothing else but a message."""
    body = response.json()
    assert set(body) == {"error_code", "error_msg"}
    assert body["error_msg"]
    return response.status_code, body["error_code"]
