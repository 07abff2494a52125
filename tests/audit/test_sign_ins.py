"""Signing in and out, and failing to, through the real pages."""

import pytest
from django.test import Client
from django.urls import reverse

from partner_center.audit.models import AuditEntry
from partner_center.tenancy.models import Partner, User
from tests.people import PASSWORD, make_account, make_member, signed_in

pytestmark = pytest.mark.django_db


def sign_in(email: str, password: str = PASSWORD) -> Client:
    client = Client(REMOTE_ADDR="192.0.2.7")
    client.post(reverse("account_login"), {"login": email, "password": password})
    return client


def entries() -> list[tuple[object, ...]]:
    columns = ("deed", "partner", "object_kind", "object_id", "actor_kind", "actor_id", "ip", "result", "details")
    return list(AuditEntry.objects.order_by("pk").values_list(*columns))


def test_a_member_signs_in_and_out(partner: Partner) -> None:
    member = make_member(partner, "Alice", "admin")
    client = sign_in(member.user.email)
    client.post(reverse("account_logout"))
    about = (partner.pk, "member", member.public_id, "member", member.public_id, "192.0.2.7", "done", "{}")
    assert entries() == [("signed_in", *about), ("signed_out", *about)]
    signed_in_entry, signed_out_entry = AuditEntry.objects.order_by("seq")
    assert signed_in_entry.session_ref == signed_out_entry.session_ref != ""


def test_customers_and_staff_are_logged_in_the_chain_of_the_platform() -> None:
    account = make_account("wei@customer.example")
    User.objects.create_user("vendor@staff.example", PASSWORD, name="Vendor", is_platform_admin=True)
    for email in (account.email, "vendor@staff.example"):
        sign_in(email)
    assert [entry[:3] for entry in entries()] == [("signed_in", None, "user")] * 2
    assert [entry[4] for entry in entries()] == ["customer", "platform"]


def test_a_failed_sign_in_is_logged_with_whom_it_was_about(partner: Partner) -> None:
    member = make_member(partner, "Alice", "admin")
    client = sign_in(member.user.email.upper(), "wrong horse battery")
    assert "_auth_user_id" not in client.session
    assert entries() == [
        ("sign_in_failed", partner.pk, "member", member.public_id, "customer", "", "192.0.2.7", "refused", "{}")
    ]


def test_an_unknown_address_is_not_kept() -> None:
    sign_in("stranger@nowhere.example", "wrong horse battery")
    assert entries() == [("sign_in_failed", None, "", "", "customer", "", "192.0.2.7", "refused", "{}")]


def test_somebody_signed_in_by_a_test_or_a_shell_did_nothing(partner: Partner) -> None:
    signed_in(make_member(partner, "Alice", "admin"))
    assert entries() == []
