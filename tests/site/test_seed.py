"""The demo: complete, plausible, the same every time, once, and never in production."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import models, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.models import Account, Association, Preregistration, PreregistrationStatus
from invitations.models import Invitation, InvitationLink
from invitations.rules import Delivery, LinkKind, Method, Status
from partner_center.audit.models import AuditEntry
from partner_center.audit.verification import chains, verify
from partner_center.console.demo import DEMO_PASSWORD, HARBOUR, XINGHE, demo_logins
from partner_center.environment import environment
from partner_center.jobs.models import Job
from partner_center.mail.models import DevMessage, MailOutbox
from partner_center.mail.rules import State
from partner_center.mail.sending import send_due
from partner_center.management.commands import seed_demo
from partner_center.management.demo.plot import seed
from partner_center.tenancy.models import Member, Partner
from partner_center.tenancy.permissions import Role

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
# What is random by design, or follows from it.
RANDOM = frozenset({"id", "public_id", "nonce", "password", "hash", "prev_hash", "actor_id", "object_id", "message_id"})
OWN_APPS = ("tenancy", "customers", "vouchers", "invitations", "jobs", "mail", "audit", "limits")


def contents() -> dict[str, list[dict[str, Any]]]:
    rooms = [model for label in OWN_APPS for model in apps.get_app_config(label).get_models()]
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in rooms}


def without_chance() -> dict[str, list[str]]:
    """Return every table with what is random left out, and references replaced by the place of their row."""
    return {name: sorted(_row(apps_model(name), row) for row in rows) for name, rows in contents().items() if rows}


def apps_model(name: str) -> type[models.Model]:
    return next(
        model for label in OWN_APPS for model in apps.get_app_config(label).get_models() if model.__name__ == name
    )


def _row(model: type[models.Model], row: dict[str, Any]) -> str:
    references = {field.attname for field in model._meta.concrete_fields if field.is_relation}
    random = RANDOM | references | {
        "details", "dedupe_key", "recipient_hash", "invitation_public_id", "digest", "key", "text", "html", "payload",
        "due_at", "lease_until", "next_at", "request_id", "lane", "number", "quota_number", "coupon_id", "account_id",
        "chosen_account_id", "operation_id", "job_id", "record_id_text", "title", "parameters",
    }  # fmt: skip
    return repr({name: value for name, value in row.items() if name not in random})


@pytest.fixture
def demo() -> Iterator[None]:
    assert seed(now=timezone.now())
    return


def test_a_second_time_changes_nothing(demo: None) -> None:
    before = contents()
    assert not seed(now=timezone.now() + timedelta(days=3))
    assert contents() == before


def test_two_installations_get_the_same_demo() -> None:
    with transaction.atomic():
        seed(now=NOON)
        first = without_chance()
        transaction.set_rollback(True)
    assert not Partner.objects.exists()
    seed(now=NOON + timedelta(hours=5))
    assert without_chance() == first


def test_every_role_can_sign_in_with_the_one_password(demo: None) -> None:
    xinghe, harbour = (Partner.objects.get(company_name=name) for name in (XINGHE, HARBOUR))
    assert {role for member in Member.objects.of(xinghe) for role in member.roles} == set(Role.values)
    assert Member.objects.of(xinghe).filter(roles=["account_manager"]).count() == 2
    assert {role for member in Member.objects.of(harbour) for role in member.roles} == {"admin", "operator"}
    assert len(DEMO_PASSWORD) >= 12
    for login in demo_logins():
        assert Client().login(username=login["email"], email=login["email"], password=DEMO_PASSWORD), login["email"]


def test_invitations_stand_in_every_status_and_delivery_state(demo: None) -> None:
    xinghe = Partner.objects.get(company_name=XINGHE)
    rows = list(Invitation.objects.of(xinghe))
    now = timezone.now()
    assert 60 <= len(rows) <= 150
    assert {row.status_at(now) for row in rows} == set(Status)
    assert {row.delivery for row in rows} == set(Delivery.values)
    assert {row.method for row in rows} == set(Method.values)
    assert {row.language for row in rows} == {"en", "zh-hans"}
    assert len({row.cause for row in rows if row.status == Status.ASSOCIATION_FAILED}) >= 12
    assert any(row.ready_to_retry_at for row in rows)
    assert any(row.send_count > 1 and row.status == Status.INVITED for row in rows)
    assert any(ord(row.customer_name[0]) > 0x3000 for row in rows)
    assert any(row.customer_name.isascii() for row in rows)


def test_timelines_are_plausible(demo: None) -> None:
    now = timezone.now()
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    for row in Invitation.objects.select_related("association", "account"):
        moments = [row.created_at, row.sent_at, row.opened_at, row.accepted_at, row.ended_at]
        known = [moment for moment in moments if moment is not None and row.send_count < 2]
        assert known == sorted(known), row.public_id
        assert all(moment <= midnight for moment in moments if moment is not None)
        if row.association:
            assert row.association.created_at == row.accepted_at
            assert row.account.registered_at <= row.accepted_at
    assert not Invitation.objects.due_to_expire(now=midnight).exists()
    assert not Preregistration.objects.due(now=midnight).exists()


def test_links_preregistrations_and_the_directory_have_something_to_show(demo: None) -> None:
    xinghe = Partner.objects.get(company_name=XINGHE)
    links = InvitationLink.objects.of(xinghe)
    assert set(links.values_list("kind", flat=True)) == set(LinkKind.values)
    assert links.filter(revoked_at__isnull=False).count() == 1
    assert links.filter(uses__gt=0).exists()
    statuses = set(Preregistration.objects.of(xinghe).values_list("status", flat=True))
    assert statuses == set(PreregistrationStatus.values)
    assert Association.objects.of(xinghe).active().count() >= 10
    for fact in (
        {"overdue_minor__gt": 0},
        {"verified": False},
        {"master__isnull": False},
        {"unfinished_orders__gt": 0},
    ):
        assert Account.objects.filter(**fact).exists(), fact
    addresses = Account.objects.values_list("email", flat=True)
    assert all(
        address.endswith((".example.com", ".example.org", "@example.com", "@example.org")) for address in addresses
    )
    assert not Job.objects.exclude(state="done").exists()


def test_the_logs_are_whole_and_in_the_order_of_time(demo: None) -> None:
    assert all(verify(chain).fault is None for chain in chains())
    for partner in (None, *Partner.objects.all()):
        moments = list(AuditEntry.objects.filter(partner=partner).order_by("seq").values_list("occurred_at", flat=True))
        assert moments
        assert moments == sorted(moments)


def test_no_mail_of_the_past_is_ever_sent(demo: None) -> None:
    before = contents()["MailOutbox"]
    kept = DevMessage.objects.count()
    assert not MailOutbox.objects.filter(state__in=[State.QUEUED, State.LEASED, State.SENDING]).exists()
    assert send_due(clock=timezone.now).tried == {}
    assert contents()["MailOutbox"] == before
    assert DevMessage.objects.count() == kept == MailOutbox.objects.filter(state=State.SENT).count()


def test_the_shown_customer_opens_the_mail_and_accepts(demo: None) -> None:
    mail = DevMessage.objects.filter(recipient="ready.customer@example.com").get()
    link = next(word for word in mail.text.split() if "/i/" in word)
    client = Client()
    client.login(username=mail.recipient, email=mail.recipient, password=DEMO_PASSWORD)
    assert client.get(link, follow=True).status_code == 200
    client.post(reverse("invitations:accept"), {"understood": "on"})
    assert Invitation.objects.get(email=mail.recipient).status == Status.ASSOCIATED


def test_the_other_shown_customer_fails_for_what_is_overdue(demo: None) -> None:
    mail = DevMessage.objects.filter(recipient="blocked.customer@example.org").get()
    link = next(word for word in mail.text.split() if "/i/" in word)
    client = Client()
    client.login(username=mail.recipient, email=mail.recipient, password=DEMO_PASSWORD)
    client.get(link, follow=True)
    client.post(reverse("invitations:accept"), {"understood": "on"})
    assert Invitation.objects.get(email=mail.recipient).cause == "customer_overdue"


def test_the_sign_in_page_shows_the_logins_only_where_the_demo_is(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert DEMO_PASSWORD not in client.get(reverse("account_login")).content.decode()
    seed(now=timezone.now())
    assert DEMO_PASSWORD in client.get(reverse("account_login")).content.decode()
    production = environment.model_copy(update={"mode": "production"})
    monkeypatch.setattr("partner_center.console.demo.environment", production)
    assert DEMO_PASSWORD not in client.get(reverse("account_login")).content.decode()


def test_the_command_prints_the_logins_every_time() -> None:
    for _time in range(2):
        out = StringIO()
        call_command("seed_demo", stdout=out)
        assert all(str(login["email"]) in out.getvalue() for login in demo_logins())
        assert out.getvalue().count(DEMO_PASSWORD) == len(demo_logins())


def test_production_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seed_demo, "environment", environment.model_copy(update={"mode": "production"}))
    with pytest.raises(CommandError, match="production"):
        call_command("seed_demo")
    assert not Partner.objects.exists()
