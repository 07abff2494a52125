"""Signing in, and asking for a new password."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from partner_center.mail.models import DevMessage, MailOutbox
from partner_center.mail.sending import send_due
from tests.people import PASSWORD, make_member, make_partner

pytestmark = pytest.mark.django_db
NEW = "another battery of words"


@pytest.fixture
def member(db):
    return make_member(make_partner(), "Alice", "admin")


def ask(client, email):
    return client.post(reverse("account_reset_password"), {"email": email})


def test_right_password_lets_in_and_a_wrong_one_does_not(client, member):
    wrong = client.post(reverse("account_login"), {"login": member.user.email, "password": "wrong"})
    assert "_auth_user_id" not in client.session
    right = client.post(reverse("account_login"), {"login": member.user.email.upper(), "password": PASSWORD})
    assert (wrong.status_code, right.status_code) == (200, 302)
    assert "_auth_user_id" in client.session


def test_new_password_is_asked_for_by_mail_and_the_link_works_once(client, member):
    ask(client, member.user.email)
    assert MailOutbox.objects.get().kind == "password_reset"
    send_due(clock=timezone.now)
    link = re.search(r"http://localhost:8000(/\S+)", DevMessage.objects.get().text)[1]
    form = client.get(link, follow=True).redirect_chain[-1][0]
    answer = client.post(form, {"password1": NEW, "password2": NEW})
    assert answer.status_code == 302
    member.user.refresh_from_db()
    assert member.user.check_password(NEW)
    client.logout()
    assert "password1" not in client.get(link, follow=True).content.decode()


def test_unknown_address_gets_the_same_answer_and_no_mail(client, member):
    known, unknown = ask(client, member.user.email), ask(client, "nobody@staff.example")
    assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
    assert MailOutbox.objects.count() == 1
