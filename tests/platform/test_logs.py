"""A line of the log is one JSON object, knows its request, and gives no token or line break away."""

import json
import logging
import logging.config
from collections.abc import Iterator
from io import StringIO

import pytest
from allauth.account.views import LoginView
from django.http import HttpRequest
from django.test import Client

from partner_center.logs import logging_config


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """Write through the product's own handler into memory."""
    config = logging_config()
    config["handlers"]["stderr"]["stream"] = stream = StringIO()
    before = logging.getLogger().handlers[:]
    logging.config.dictConfig(config)
    yield stream
    logging.config.dictConfig(logging_config())
    logging.getLogger().handlers[:] = before


def objects(stream: StringIO) -> list[dict[str, str]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def break_page(view: LoginView, request: HttpRequest, *args: object, **kwargs: object) -> None:
    raise ZeroDivisionError("a fault")


@pytest.mark.django_db
def test_a_fault_names_its_request_and_its_route(lines: StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LoginView, "get", break_page)

    response = Client(raise_request_exception=False).get("/account/login/")

    (line,) = objects(lines)
    assert line["event"] == "Internal Server Error: account/login/"
    assert line["level"] == "error"
    assert line["request_id"] == response.headers["X-Request-ID"]
    assert line["exception"].endswith(
        'in break_page\n    raise ZeroDivisionError("a fault")\nbuiltins.ZeroDivisionError\n'
    )


def test_a_fault_is_told_by_kind_and_place_and_never_by_its_message(lines: StringIO) -> None:
    """A constraint of the database quotes the row, a parser the text it could not read."""
    canary = "li@example.com"
    try:
        try:
            int(canary)
        except ValueError as cause:
            raise RuntimeError(f"no number: {canary}") from cause
    except RuntimeError:
        logging.getLogger("probe").exception("reading failed")

    (line,) = objects(lines)
    assert canary not in lines.getvalue()
    assert [kind for kind in line["exception"].splitlines() if kind.startswith("builtins.")] == [
        "builtins.RuntimeError",
        "builtins.ValueError",
    ]
    assert "test_logs.py" in line["exception"]


@pytest.mark.django_db
def test_no_path_reaches_the_log(lines: StringIO) -> None:
    secret = "canary-token-9f2c"
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)

    client.get(f"/nowhere/{secret}")
    client.post(f"/account/password/reset/key/1-{secret}/")
    client.get(f"/account/login/{secret}", headers={"host": "evil.example"})

    assert secret not in lines.getvalue()


def test_a_line_break_cannot_forge_a_line(lines: StringIO) -> None:
    logging.getLogger("probe").warning("a value: %s", 'x\n{"event": "forged"}\x1b[31m')

    (line,) = objects(lines)
    assert line["event"].startswith("a value: x\n")
    assert "\x1b" not in lines.getvalue()
