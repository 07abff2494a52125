"""A bad value stops the start, names its variable and says what it should be."""

import os
import re
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from partner_center.console.demo import demo_logins
from partner_center.environment import DEMO_SECRET_KEY, Environment, read_environment
from tests.conftest import ROOT

LONG_KEY = "k" * 60
PRODUCTION = {
    "MODE": "production",
    "SECRET_KEY": LONG_KEY,
    "ALLOWED_HOSTS": "partners.example.com",
    "SITE_URL": "https://partners.example.com",
    "EMAIL_URL": "smtp://mail.example.com:587?tls=starttls",
}


def complaint(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured) as caught:
        read_environment()
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "should"),
    [
        ("MODE", "staging", "'demo' or 'production'"),
        ("DEBUG", "perhaps", "boolean"),
        ("SITE_URL", "partners.example.com", "https://"),
        ("EMAIL_URL", "http://mail.example.com", "smtp://"),
        ("DATABASE_URL", "mysql://db/partner", "postgres://"),
        ("REDIS_URL", "amqp://broker", "redis://"),
        ("INVITATION_DAYS", "0", "greater than or equal to 1"),
        ("INVITATION_DAYS", "a week", "integer"),
        ("BATCH_LIMIT", "50001", "less than or equal to 50000"),
    ],
)
def test_a_bad_value_names_its_variable(monkeypatch: pytest.MonkeyPatch, name: str, value: str, should: str) -> None:
    message = complaint(monkeypatch, **{name: value})

    assert message.startswith(f"{name}: ")
    assert should in message


def test_every_bad_value_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    message = complaint(monkeypatch, INVITATION_DAYS="0", EXPORT_HOURS="0")

    assert [line.split(":")[0] for line in message.splitlines()] == ["INVITATION_DAYS", "EXPORT_HOURS"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", DEMO_SECRET_KEY),
        ("SECRET_KEY", "short"),
        ("DEBUG", "true"),
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "partners.example.com,*"),
        ("SITE_URL", "http://partners.example.com"),
        ("EMAIL_URL", "mailbox:"),
        ("EMAIL_URL", "MAILBOX:"),
    ],
)
def test_production_refuses_to_start_unsafely(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    message = complaint(monkeypatch, **(PRODUCTION | {name: value}))

    assert message.startswith(f"{name}: ")
    assert value not in {"short", DEMO_SECRET_KEY} or value not in message.split(":", 1)[1].split()


def test_production_starts_with_safe_values(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PRODUCTION.items():
        monkeypatch.setenv(name, value)

    assert read_environment().is_production


def test_production_does_not_start_without_a_mail_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """The dev mailbox would keep what should go out, and nobody would notice but the customers who wait."""
    named = {name: value for name, value in PRODUCTION.items() if name != "EMAIL_URL"}
    monkeypatch.delenv("EMAIL_URL", raising=False)
    message = complaint(monkeypatch, **named)

    assert message.startswith("EMAIL_URL: should name a mail server")
    assert len(message.splitlines()) == 1


def test_a_command_prints_the_fault_without_a_traceback() -> None:
    variables = {**os.environ, "INVITATION_DAYS": "0", "SITE_URL": "nowhere"}
    answer = subprocess.run(
        [sys.executable, "manage.py", "stack"], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )

    assert answer.returncode == 1
    assert [line.split(":")[0] for line in answer.stderr.splitlines()] == [
        "The settings are not right",
        "SITE_URL",
        "INVITATION_DAYS",
    ]


def test_the_readme_documents_every_variable_with_its_default() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (.*?) \| (.*?) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)

    assert [(name, meaning) for name, _, meaning in rows] == [
        (name.upper(), field.description) for name, field in Environment.model_fields.items()
    ]
    assert {name: shown for name, shown, _ in rows} == {
        name.upper(): shown_default(name, field.default) for name, field in Environment.model_fields.items()
    }


def shown_default(name: str, default: object) -> str:
    special = {"secret_key": "a demo key", "state_dir": "`state/`"}
    return special.get(
        name, f"`{str(default).lower() if isinstance(default, bool) else default}`" if default != "" else ""
    )


def test_the_readme_names_every_login_of_the_demo() -> None:
    readme = (ROOT / "README.md").read_text()
    logins = demo_logins()

    assert len(logins) > 5
    assert [login["email"] for login in logins if f"`{login['email']}`" not in readme] == []
    assert {login["password"] for login in logins} == {"northwind-demo-2026"}
    assert "`northwind-demo-2026`" in readme
