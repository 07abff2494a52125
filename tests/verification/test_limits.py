"""How often a code may be asked for: once a minute, five times an hour, fifteen times a day; said in words."""

from datetime import timedelta

import pytest
from django.utils import timezone

from partner_center.mail.models import MailOutbox
from partner_center.tenancy.models import Member, Partner
from partner_center.verification.actions import CodeNeeded, TooManyCodes
from partner_center.verification.models import Challenge
from partner_center.verification.rules import SEND_AGAIN
from tests.people import make_member
from tests.verification.making import ask, check, switch_on

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def _switched_on(partner: Partner) -> None:
    switch_on(partner)


def send(member: Member, now) -> CodeNeeded:
    with pytest.raises(CodeNeeded) as asked:
        check(member, SEND_AGAIN, now=now)
    return asked.value


def refused(member: Member, now) -> TooManyCodes:
    with pytest.raises(TooManyCodes) as answer:
        check(member, SEND_AGAIN, now=now)
    return answer.value


def test_a_minute_passes_between_two_codes(fiona: Member) -> None:
    now = timezone.now()
    code = ask(fiona, now=now)
    answer = refused(fiona, now + timedelta(seconds=59))
    assert (answer.status, answer.resend_after) == (429, 1)
    assert str(answer) == "You cannot ask for another code yet."
    assert answer.advice == "Try again in 1\xa0minute."
    assert answer.challenge is not None, "the code that is out can still be typed"
    check(fiona, code, now=now + timedelta(seconds=59))
    send(fiona, now + MINUTE)


def test_five_codes_an_hour_and_fifteen_a_day(fiona: Member, partner: Partner) -> None:
    now = timezone.now()
    for hour in range(3):
        for minute in range(5):
            asked = send(fiona, now + hour * HOUR + minute * MINUTE)
            assert asked.sends_left == 14 - 5 * hour - minute
        answer = refused(fiona, now + hour * HOUR + 6 * MINUTE)
        assert answer.advice.startswith("Try again in")
    late = refused(fiona, now + 4 * HOUR)
    assert late.advice == "Try again in 20\xa0hours."
    assert late.sends_left == 0
    assert MailOutbox.objects.count() == Challenge.objects.count() == 15

    send(make_member(partner, "Finn", "finance"), now + 4 * HOUR)
    send(fiona, now + 24 * HOUR)


def test_a_refused_sending_costs_nothing_and_kills_nothing(fiona: Member) -> None:
    now = timezone.now()
    code = ask(fiona, now=now)
    for _press in range(20):
        refused(fiona, now)
    assert refused(fiona, now).sends_left == 14
    check(fiona, code, now=now)


def test_another_deed_within_the_minute_waits_too(fiona: Member) -> None:
    """The old code lives on for its own deed: nothing was sent that could replace it."""
    now = timezone.now()
    code = ask(fiona, now=now)
    with pytest.raises(TooManyCodes) as answer:
        check(fiona, now=now, digest="another deed")
    assert answer.value.challenge is None
    check(fiona, code, now=now)
