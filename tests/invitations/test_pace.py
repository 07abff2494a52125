"""Uploads and batches of one member in an hour: exactly as many pass as may, and the page says when to come back."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.actions import Prospect, preregister
from invitations.models import Invitation
from invitations.views import pace
from partner_center.jobs.models import Job
from partner_center.limits.models import Spending
from partner_center.tenancy.models import Member
from tests.bad_input import picture
from tests.invitations.making import invite
from tests.people import actor_of, signed_in
from tests.rivals import run_together

pytestmark = pytest.mark.django_db(transaction=True)
RIVALS = 50


def spent(member: Member, what: str, used: int) -> None:
    """Let a member have done something so many times in this hour."""
    ends_at = timezone.now() + timedelta(minutes=20)
    Spending.objects.create(key=f"{what}:member:{member.pk}", used=used, ends_at=ends_at)


def send_list(client: Client, *, by_file: bool):
    text = "Customer name,E-mail\nWei,wei@customer.example\n"
    given = {"list-upload": SimpleUploadedFile("list.csv", text.encode())} if by_file else {"list-pasted": text}
    form = {**given, "list-model": "reseller", "list-language": "en"}
    return client.post(reverse("invitations:invite_list"), form)


def resend_two(client: Client, invitations: list[Invitation]):
    return client.post(reverse("invitations:resend_plan"), {"id": [each.public_id for each in invitations]})


@pytest.mark.parametrize(("what", "by_file"), [("upload", True), ("batch", False)])
def test_of_fifty_at_the_last_one_exactly_one_passes(bob: Member, what: str, by_file: bool) -> None:
    spent(bob, what, 59)
    clients = [signed_in(bob) for _rival in range(RIVALS)]
    answers = run_together(RIVALS, lambda number: send_list(clients[number], by_file=by_file))
    assert sorted(answer.status_code for answer in answers) == [302] + [429] * (RIVALS - 1)
    assert Job.objects.count() == 1


@pytest.mark.parametrize(("what", "by_file"), [("upload", True), ("batch", True), ("batch", False)])
def test_too_many_lists_are_refused_on_a_page_that_says_when(bob: Member, what: str, by_file: bool) -> None:
    spent(bob, what, 60)
    client, before = signed_in(bob), picture()
    answer = send_list(client, by_file=by_file)
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 20 * 60
    assert "20\xa0minutes" in answer.content.decode()
    assert picture() == before


def test_too_many_resends_are_refused_and_single_ones_go_on(bob: Member) -> None:
    invitations = [invite(bob, f"wei{number}@customer.example", now=timezone.now()) for number in range(2)]
    spent(bob, "batch", 60)
    client, before = signed_in(bob), picture()
    for form in ({"id": [each.public_id for each in invitations]}, {"all_matching": "2", "filter": ""}):
        answer = client.post(reverse("invitations:resend_plan"), form)
        assert answer.status_code == 429
        assert answer["Retry-After"]
    assert picture() == before
    assert resend_two(client, invitations[:1]).status_code == 302


def test_too_many_plans_of_ticked_customers_are_refused(bob: Member) -> None:
    prospect = Prospect(email="wei@customer.example", customer_name="Wei")
    row = preregister(prospect=prospect, owner=bob, actor=actor_of(bob), now=timezone.now())
    spent(bob, "batch", 60)
    client, before = signed_in(bob), picture()
    form = {"id": row.public_id, "model": "reseller", "language": "en"}
    answer = client.post(reverse("invitations:invite_chosen"), form)
    assert answer.status_code == 429
    assert "20\xa0minutes" in answer.content.decode()
    assert picture() == before


def test_each_member_has_an_allowance_of_his_own(bob: Member, alice: Member) -> None:
    spent(bob, "batch", pace.BATCHES_AN_HOUR)
    spent(bob, "upload", pace.UPLOADS_AN_HOUR)
    assert send_list(signed_in(alice), by_file=True).status_code == 302


def test_unreadable_upload_counts_and_a_bad_form_does_not(bob: Member) -> None:
    client = signed_in(bob)
    for language, counted in (("", {}), ("en", {f"upload:member:{bob.pk}": 1})):
        upload = SimpleUploadedFile("list.xlsx", b"no workbook")
        form = {"list-upload": upload, "list-model": "reseller", "list-language": language}
        assert client.post(reverse("invitations:invite_list"), form).status_code == 422
        assert dict(Spending.objects.values_list("key", "used")) == counted
