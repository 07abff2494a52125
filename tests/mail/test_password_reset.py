"""The mail for a new password goes through the outbox, and its token is made when it is sent."""

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from partner_center.mail.models import DevMessage, MailOutbox
from partner_center.mail.password_reset import queue_password_reset
from partner_center.tenancy.models import User
from tests.mail.letters import send

NOW = timezone.now()


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("wang@partner.example", "an old long password", name="王芳", language="zh-hans")


def test_link_of_the_mail_sets_a_new_password(user: User) -> None:
    queue_password_reset(user, now=NOW)
    assert send().sent == 1
    mail = DevMessage.objects.get()
    assert mail.recipient == "wang@partner.example"
    assert mail.language == "zh-hans"
    assert "王芳" in mail.text
    link = re.search(r"http://localhost:8000(/\S+)", mail.text)
    assert link
    page: Any = Client().get(link[1], follow=True)
    assert page.status_code == 200
    assert b'name="password1"' in page.content
    stored = " ".join(str(value) for value in MailOutbox.objects.values().get().values())
    assert link[1].rsplit("-", 1)[-1].strip("/") not in stored


def test_second_request_within_a_minute_adds_nothing(user: User) -> None:
    queue_password_reset(user, now=NOW)
    queue_password_reset(user, now=NOW)
    assert MailOutbox.objects.count() == 1


def test_person_disabled_meanwhile_gets_no_mail(user: User) -> None:
    queue_password_reset(user, now=NOW)
    User.objects.update(is_active=False)
    assert send().sent == 0
    assert MailOutbox.objects.get().state == "suppressed"
    assert not DevMessage.objects.exists()
