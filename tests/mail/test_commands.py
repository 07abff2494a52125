"""What an operator types about the outbox: hold everything back, let it go again."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from partner_center.mail.models import DevMessage, MailOutbox
from partner_center.mail.rules import State
from partner_center.mail.sending import send_due
from partner_center.tenancy.models import Partner
from tests.mail.letters import Letters, queue
from tests.people import make_partner

pytestmark = pytest.mark.django_db


def say(*words: str) -> str:
    told = io.StringIO()
    call_command("mail", *words, stdout=told)
    return told.getvalue()


def states() -> set[str]:
    return set(MailOutbox.objects.values_list("state", flat=True))


@pytest.fixture
def partner() -> Partner:
    return make_partner()


def test_nothing_goes_out_while_mail_is_on_hold(letters: Letters, partner: Partner) -> None:
    queue(letters, partner, "one", "two")
    assert say("hold") == "2 mails are on hold now; `mail release` lets them go.\n"
    assert send_due(clock=timezone.now).sent == 0
    assert (states(), DevMessage.objects.count()) == ({State.HELD}, 0)
    assert say("release") == "2 mails go out now.\n"
    assert send_due(clock=timezone.now).sent == 2
    assert states() == {State.SENT}


def test_only_what_was_written_before_a_time_is_held(letters: Letters, partner: Partner) -> None:
    queue(letters, partner, "old", "new")
    MailOutbox.objects.filter(object_id="old").update(created_at=timezone.now() - timedelta(days=2))
    yesterday = timezone.now() - timedelta(days=1)
    assert say("hold", "--before", yesterday.isoformat()).startswith("1 ")
    assert MailOutbox.objects.get(state=State.HELD).object_id == "old"
    assert say("hold", "--before", f"{yesterday - timedelta(days=2):%Y-%m-%dT%H:%M:%S}").startswith("0 ")


def test_what_has_gone_out_is_neither_held_nor_sent_again(letters: Letters, partner: Partner) -> None:
    queue(letters, partner, "one")
    send_due(clock=timezone.now)
    assert say("hold").startswith("0 ")
    assert say("release").startswith("0 ")
    assert (states(), DevMessage.objects.count()) == ({State.SENT}, 1)


@pytest.mark.parametrize(
    "words", [("hold", "--before", "yesterday"), ("hold", "--before", "2026-02-30"), ("burn",), ()]
)
def test_what_cannot_be_understood_changes_nothing(letters: Letters, partner: Partner, words: tuple[str, ...]) -> None:
    queue(letters, partner, "one")
    with pytest.raises(CommandError):
        say(*words)
    assert states() == {State.QUEUED}
