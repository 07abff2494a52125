"""Keys: what they open, what they do not, and how they end."""

import hashlib
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from partner_center.api import actions, auth
from partner_center.api.models import ApiKey
from partner_center.api.rules import PARTNER_SCOPES, PLATFORM_SCOPES, Scope
from partner_center.audit.models import AuditEntry
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Partner
from tests.api.calling import Program, error, make_program

pytestmark = pytest.mark.django_db

LOCK = {"coupon_number": "C234-5678-9ABC", "order_id": "O-1"}
UNKNOWN = (404, "not_found")


def test_a_key_opens_what_it_is_for(billing: Program) -> None:
    assert error(billing.post("/locks", LOCK)) == UNKNOWN


@pytest.mark.parametrize(
    "secret",
    ["", "pck_" + "x" * 43, "pck_short", "\x00", "Bearer", "pck_" + "é" * 43, "x" * 10_000],
    ids=lambda secret: secret[:8],
)
def test_no_key_opens_nothing(db: None, secret: str) -> None:
    response = Program(secret.encode("utf-8").decode("latin-1")).post("/locks", LOCK)

    assert error(response) == (401, "CBC.0154")
    assert response.headers["Cache-Control"] == "no-store"


def test_a_session_is_no_key(alice: object) -> None:
    from tests.people import signed_in

    program = Program("", client=signed_in(alice))

    assert error(program.post("/locks", LOCK)) == (401, "CBC.0154")


def test_a_key_without_the_scope_is_refused(program: Program) -> None:
    assert error(program.post("/locks", LOCK)) == (403, "CBC.0151")


def test_a_revoked_key_opens_nothing_from_then_on(billing: Program) -> None:
    assert actions.revoke_key(key=billing.key, actor=Actor.system("test"), now=timezone.now())
    assert not actions.revoke_key(key=billing.key, actor=Actor.system("test"), now=timezone.now())

    assert error(billing.post("/locks", LOCK)) == (401, "CBC.0154")
    assert list(AuditEntry.objects.order_by("pk").values_list("deed", flat=True)) == [
        "api_key_created", "api_key_revoked",
    ]  # fmt: skip


def test_the_keys_of_a_disabled_partner_open_nothing(program: Program, partner: Partner) -> None:
    assert program.post("/locks", LOCK).status_code == 403
    Partner.objects.filter(pk=partner.pk).update(disabled_at=timezone.now())

    assert program.post("/locks", LOCK).status_code == 401


def test_of_the_secret_only_the_hash_is_stored(billing: Program) -> None:
    key = ApiKey.objects.get()

    assert key.secret_hash == hashlib.sha256(billing.secret.encode()).hexdigest()
    assert key.beginning == billing.secret[:12]
    stored = str(ApiKey.objects.values().get()) + str(AuditEntry.objects.values().get())
    assert billing.secret[12:] not in stored


def test_a_secret_has_256_random_bits() -> None:
    from partner_center.api.rules import may_be_secret, new_secret

    secrets = {new_secret() for _number in range(1000)}
    assert len(secrets) == 1000
    assert all(len(secret) == len("pck_") + 43 and may_be_secret(secret) for secret in secrets)


def test_use_is_noted_every_few_minutes(billing: Program) -> None:
    billing.post("/locks", LOCK)
    noted = ApiKey.objects.get().last_used_at
    assert noted is not None
    billing.post("/locks", LOCK)
    assert ApiKey.objects.get().last_used_at == noted

    long_ago = noted - timedelta(hours=1)
    ApiKey.objects.update(last_used_at=long_ago)
    billing.post("/locks", LOCK)
    assert ApiKey.objects.get().last_used_at > long_ago


def test_more_than_the_pace_is_told_when_to_come_again(billing: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "REQUESTS", 2)
    first = [billing.post("/locks", LOCK).status_code for _request in range(2)]

    throttled = billing.post("/locks", LOCK)

    assert first == [404, 404]
    assert error(throttled) == (429, "APIGW.0308")
    assert 1 <= int(throttled.headers["Retry-After"]) <= 60
    assert make_program(None).post("/locks", LOCK).status_code == 404


def test_who_tries_keys_is_slowed_down(billing: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "FAILURES", 2)
    wrong = Program("pck_" + "x" * 43)

    assert [wrong.post("/locks", LOCK).status_code for _request in range(3)] == [401, 401, 429]
    assert billing.post("/locks", LOCK).status_code == 404


# --- commands --------------------------------------------------------------------------------------------------------


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_the_secret_once(partner: Partner) -> None:
    printed = run("create_api_key", "ERP", "--partner", partner.account_number, "--scope", "quota.read")

    key = ApiKey.objects.get()
    secret = next(word for word in printed.split() if word.startswith("pck_"))
    assert hashlib.sha256(secret.encode()).hexdigest() == key.secret_hash
    assert (key.name, key.partner, key.scopes) == ("ERP", partner, ["quota.read"])


def test_the_command_makes_the_key_of_billing(db: None) -> None:
    run("create_api_key", "Billing", "--platform", "--scope", "consumption.write")

    assert (ApiKey.objects.get().partner, ApiKey.objects.get().scopes) == (None, ["consumption.write"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--platform"],
        ["--platform", "--scope", "coupon.issue"],
        ["--partner", "number", "--scope", "consumption.write"],
        ["--partner", "0000", "--scope", "coupon.issue"],
        ["--scope", "coupon.issue"],
        ["--platform", "--scope", "everything"],
    ],
    ids=" ".join,
)
def test_the_command_makes_no_key_that_could_do_what_is_not_its_owners(partner: Partner, arguments: list[str]) -> None:
    given = [partner.account_number if word == "number" else word for word in arguments]

    with pytest.raises(CommandError):
        call_command("create_api_key", "Wrong", *given)
    assert not ApiKey.objects.exists()


def test_the_command_revokes_by_the_beginning(billing: Program) -> None:
    assert "revoked" in run("revoke_api_key", billing.secret[:12])
    assert not ApiKey.objects.working().exists()
    with pytest.raises(CommandError):
        call_command("revoke_api_key", billing.secret[:12])


def test_no_scope_is_for_both() -> None:
    assert not PARTNER_SCOPES & PLATFORM_SCOPES
    assert set(Scope) == PARTNER_SCOPES | PLATFORM_SCOPES
