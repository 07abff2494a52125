"""The code stands in the mail and nowhere else: no column, no log line, no page."""

import logging
from collections.abc import Iterator

import pytest
from django.contrib.auth.hashers import identify_hasher
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from partner_center import sealing
from partner_center.mail.models import MailOutbox
from partner_center.mail.sending import send_due
from partner_center.tenancy.models import Member, Partner
from partner_center.verification import actions, emails
from partner_center.verification.actions import CodeNeeded
from partner_center.verification.models import Challenge
from partner_center.verification.rules import LIFE, State, WhyVoid
from tests.people import signed_in
from tests.verification.making import ask, check, mailed_code, switch_on, wrong

pytestmark = pytest.mark.django_db
# The demo's mailbox is the member's inbox; production never writes one.
INBOX = "mail_devmessage"


@pytest.fixture(autouse=True)
def _switched_on(partner: Partner) -> None:
    switch_on(partner)


def cells() -> Iterator[tuple[str, str]]:
    for table in connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                yield from ((table, str(value)) for value in row)


def holders(code: str) -> set[str]:
    return {table for table, text in cells() if code in text}


def fixed_code(monkeypatch: pytest.MonkeyPatch, code: str) -> str:
    monkeypatch.setattr(actions.secrets, "randbelow", lambda _limit: int(code))
    return code


def test_no_column_holds_the_code_before_or_after_the_mail(fiona: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    code, now = fixed_code(monkeypatch, "073915"), timezone.now()
    with pytest.raises(CodeNeeded):
        check(fiona, now=now)
    waiting = Challenge.objects.get()
    assert holders(code) == set()
    assert sealing.unseal(waiting.sealed_code, purpose=waiting.public_id) == code
    assert identify_hasher(waiting.code_hash)

    assert mailed_code(fiona) == code
    assert holders(code) == {INBOX}
    assert Challenge.objects.get().sealed_code == "", "it goes as soon as the mail is out"
    check(fiona, code, now=now)
    assert holders(code) == {INBOX}


def test_another_key_or_another_challenge_opens_nothing(fiona: Member, settings) -> None:
    sealed = sealing.seal("073915", purpose="one")
    with pytest.raises(sealing.NotSealedHere):
        sealing.unseal(sealed, purpose="another")
    before, settings.SECRET_KEY = settings.SECRET_KEY, "x" * 60
    with pytest.raises(sealing.NotSealedHere):
        sealing.unseal(sealed, purpose="one")
    settings.SECRET_KEY_FALLBACKS = [before]
    assert sealing.unseal(sealed, purpose="one") == "073915"


def test_no_log_line_and_no_page_holds_the_code(
    alice: Member, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    code, client, address = fixed_code(monkeypatch, "073915"), signed_in(alice), reverse("verification:switch_off")
    caplog.set_level(logging.DEBUG)
    pages = [client.post(address).text]
    mailed_code(alice)
    pages.append(client.post(address, {"code": wrong(code)}).text)
    assert wrong(code) not in pages[-1], "what was typed is not shown again"
    pages.append(client.post(address, {"code": code}, follow=True).text)
    assert "no longer asked for" in pages[-1]
    assert all(code not in page for page in pages)
    assert code not in caplog.text


def test_a_code_whose_question_has_ended_is_not_mailed(fiona: Member) -> None:
    now = timezone.now()
    with pytest.raises(CodeNeeded):
        check(fiona, now=now)
    Challenge.objects.update(state=State.VOID, why_void=WhyVoid.REPLACED)
    send_due(clock=timezone.now)
    assert MailOutbox.objects.get().state == "suppressed"
    assert holders(INBOX) == set()


def test_old_challenges_are_closed_and_forgotten(fiona: Member) -> None:
    now = timezone.now()
    ask(fiona, now=now)
    assert actions.forget_old(now=now) == 0
    assert actions.forget_old(now=now + LIFE) == 1
    challenge = Challenge.objects.get()
    assert (challenge.state, challenge.why_void) == (State.VOID, WhyVoid.EXPIRED)
    actions.forget_old(now=now + actions.KEPT)
    assert not Challenge.objects.exists()


def test_the_mail_is_in_the_language_it_was_asked_in(fiona: Member) -> None:
    from django.utils.translation import override

    with override("zh-hans"), pytest.raises(CodeNeeded):
        check(fiona, now=timezone.now())
    challenge = Challenge.objects.select_related("member__user").get()
    mail = emails._code_mail(challenge)
    assert mail.language == "zh-hans"
    assert "验证码" in mail.subject
    assert "6,000.00 CNY" in mail.text
