"""The authenticator app: set up, asked for at sign-in, accepted for deeds, each code once; recovery codes."""

import base64
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from partner_center.audit.models import AuditEntry
from partner_center.mail.models import MailOutbox
from partner_center.tenancy.models import Member, Partner
from partner_center.verification import actions
from partner_center.verification.actions import CodeAsked, CodeNeeded, CodeVoid, CodeWrong, TooManyTries
from partner_center.verification.models import Challenge
from partner_center.verification.rules import BY_MAIL, Channel, ProtectedOperation
from tests.people import PASSWORD, signed_in
from tests.rivals import run_together
from tests.verification.making import DIGEST, check, mailed_code, switch_on

pytestmark = pytest.mark.django_db
SECRET = base64.b32encode(b"twenty bytes exactly").decode()
STEP = timedelta(seconds=30)


@pytest.fixture(autouse=True)
def _switched_on(partner: Partner) -> None:
    switch_on(partner)


def app_code(now, secret: str = SECRET) -> str:
    """Show what the member's telephone shows."""
    return format_hotp_value(hotp_value(secret, int(now.timestamp()) // 30))


def set_up(member: Member) -> None:
    TOTP.activate(member.user, SECRET)


def ask(member: Member, *, now, **bound: object) -> CodeNeeded:
    with pytest.raises(CodeNeeded) as asked:
        check(member, now=now, **bound)
    return asked.value


def sign_in(member: Member) -> Client:
    client = Client()
    answer = client.post(reverse("account_login"), {"login": member.user.email, "password": PASSWORD})
    assert answer["Location"] == reverse("mfa_authenticate")
    return client


def second_step(client: Client, code: str) -> bool:
    client.post(reverse("mfa_authenticate"), {"code": code})
    return "_auth_user_id" in client.session


# --- codes for deeds ---------------------------------------------------------------------------------


def test_a_member_with_an_app_gets_no_mail(fiona: Member) -> None:
    set_up(fiona)
    now = timezone.now()
    asked = ask(fiona, now=now)
    assert asked.by_app
    assert asked.challenge.code_hash == asked.challenge.sealed_code == ""
    proof = check(fiona, app_code(now), now=now)
    with transaction.atomic():
        actions.spend(proof, member=fiona, operation=ProtectedOperation.ISSUE, digest=DIGEST, now=now)
    assert not MailOutbox.objects.exists()
    assert '"channel":"app"' in AuditEntry.objects.get(deed="code_accepted").details


def test_an_app_code_is_good_once(fiona: Member) -> None:
    set_up(fiona)
    now = timezone.now()
    ask(fiona, now=now)
    check(fiona, app_code(now), now=now)
    with pytest.raises(CodeWrong):
        check(fiona, app_code(now), now=now)
    ask(fiona, now=now, digest="another deed")
    with pytest.raises(CodeWrong):
        check(fiona, app_code(now), now=now, digest="another deed")
    check(fiona, app_code(now + STEP), now=now + STEP, digest="another deed")


def test_an_app_code_is_bound_by_its_question(fiona: Member) -> None:
    set_up(fiona)
    now = timezone.now()
    with pytest.raises(CodeVoid):
        check(fiona, app_code(now), now=now)
    ask(fiona, now=now)
    with pytest.raises(CodeVoid):
        check(fiona, app_code(now), now=now, digest="another amount")


def test_app_codes_cost_tries(fiona: Member) -> None:
    set_up(fiona)
    now = timezone.now()
    ask(fiona, now=now)
    bad = app_code(now + 10 * STEP)
    for _time in range(4):
        with pytest.raises(CodeWrong):
            check(fiona, bad, now=now)
    with pytest.raises(CodeVoid):
        check(fiona, bad, now=now)
    with pytest.raises(CodeVoid):
        check(fiona, app_code(now), now=now)


@pytest.mark.parametrize(("steps", "is_right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_half_a_minute_off(fiona: Member, steps: int, is_right: bool) -> None:
    set_up(fiona)
    now = timezone.now()
    ask(fiona, now=now)
    if is_right:
        check(fiona, app_code(now + steps * STEP), now=now)
    else:
        with pytest.raises(CodeWrong):
            check(fiona, app_code(now + steps * STEP), now=now)


def test_who_has_no_telephone_at_hand_gets_a_mail(fiona: Member) -> None:
    set_up(fiona)
    now = timezone.now()
    ask(fiona, now=now)
    with pytest.raises(CodeNeeded) as asked:
        check(fiona, BY_MAIL, now=now)
    assert asked.value.challenge.channel == Channel.MAIL
    check(fiona, mailed_code(fiona), now=now)
    check(fiona, app_code(now), now=now)


def test_the_app_of_another_member_is_no_use(fiona: Member, alice: Member) -> None:
    set_up(alice)
    now = timezone.now()
    ask(fiona, now=now)
    with pytest.raises(CodeWrong):
        check(fiona, app_code(now), now=now)


def test_guesses_at_the_app_are_limited_over_many_questions(fiona: Member) -> None:
    """Asking anew gives new tries; not for ever."""
    set_up(fiona)
    now = timezone.now()
    bad = app_code(now + 10 * STEP)
    answers = []
    for number in range(4):
        ask(fiona, now=now, digest=f"deed {number}")
        for _time in range(4):
            with pytest.raises(CodeAsked) as refused:
                check(fiona, bad, now=now, digest=f"deed {number}")
            answers.append(type(refused.value))
    assert answers == [CodeWrong] * 10 + [TooManyTries] * 6
    with pytest.raises(TooManyTries):
        check(fiona, app_code(now), now=now, digest="deed 3")
    later = now + timedelta(minutes=15)
    ask(fiona, now=later, digest="deed 4")
    check(fiona, app_code(later), now=later, digest="deed 4")


@pytest.mark.django_db(transaction=True)
def test_of_many_who_use_one_app_code_one_is_let_through(fiona: Member) -> None:
    from partner_center.verification import totp

    set_up(fiona)
    now = timezone.now()
    answers = run_together(40, lambda _number: totp.claim(fiona.user, app_code(now), now=now))
    assert sorted(map(str, answers)) == ["False"] * 39 + ["True"]


# --- signing in ---------------------------------------------------------------------------------------


def test_sign_in_asks_for_the_app(fiona: Member) -> None:
    set_up(fiona)
    client = sign_in(fiona)
    assert client.get(reverse("mfa_index")).status_code == 302
    assert not second_step(client, "000000")
    assert 'value="000000"' not in client.post(reverse("mfa_authenticate"), {"code": "000000"}).text
    assert not AuditEntry.objects.filter(deed="signed_in").exists()
    assert second_step(client, app_code(timezone.now()))
    assert AuditEntry.objects.filter(deed="signed_in").count() == 1


def test_a_code_that_signed_in_does_nothing_else(fiona: Member) -> None:
    """Neither another sign-in nor a deed, whichever of our processes is asked."""
    from django.core.cache import cache

    set_up(fiona)
    now = timezone.now()
    code = app_code(now)
    assert second_step(sign_in(fiona), code)
    cache.clear()
    assert not second_step(sign_in(fiona), code)
    ask(fiona, now=now)
    with pytest.raises(CodeWrong):
        check(fiona, code, now=now)


def test_ten_wrong_codes_close_the_second_step(fiona: Member) -> None:
    from django.core.cache import cache

    set_up(fiona)
    for _time in range(10):
        cache.clear()
        assert not second_step(sign_in(fiona), "000000")
    cache.clear()
    client = sign_in(fiona)
    answer = client.post(reverse("mfa_authenticate"), {"code": app_code(timezone.now())})
    assert "That is more than is allowed in this time." in answer.text
    assert "_auth_user_id" not in client.session


def test_a_recovery_code_signs_in_once(fiona: Member) -> None:
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    set_up(fiona)
    codes = RecoveryCodes.activate(fiona.user).get_unused_codes()
    assert len(codes) == 10
    assert second_step(sign_in(fiona), codes[0])
    assert not second_step(sign_in(fiona), codes[0])
    assert second_step(sign_in(fiona), codes[1])


# --- setting it up ------------------------------------------------------------------------------------


def confirmed(member: Member) -> Client:
    """Sign in and confirm the password again, as these pages want it."""
    client = signed_in(member)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    return client


def test_the_app_is_set_up_and_switched_off(bob: Member) -> None:
    client, address = signed_in(bob), reverse("mfa_activate_totp")
    assert client.get(address)["Location"].startswith(reverse("account_reauthenticate"))
    client = confirmed(bob)
    page = client.get(address)
    assert 'src="data:image/svg+xml;base64,' in page.text
    secret = client.session["mfa.totp.secret"]
    assert secret in page.text
    assert "not right" in client.post(address, {"code": "000000"}).text
    client.get(address)
    secret = client.session["mfa.totp.secret"]
    code = app_code(timezone.now(), secret)
    answer = client.post(address, {"code": code}, follow=True)
    assert "10 of 10 codes are left." in answer.text
    stored = Authenticator.objects.get(user=bob.user, type="totp").data["secret"]
    assert secret not in stored

    assert not second_step(sign_in(bob), code), "the code that set it up signs nobody in"

    codes = client.get(reverse("mfa_download_recovery_codes")).text.split()
    assert len(codes) == 10
    assert codes[0] not in str(Authenticator.objects.get(user=bob.user, type="recovery_codes").data)
    fresh = client.post(reverse("mfa_generate_recovery_codes"), follow=True)
    assert codes[0] not in fresh.text
    client.post(reverse("mfa_deactivate_totp"))
    assert not Authenticator.objects.filter(user=bob.user).exists()


def test_challenges_survive_the_app(fiona: Member) -> None:
    """Who switches the app off while a question is open asks for a mail."""
    set_up(fiona)
    now = timezone.now()
    ask(fiona, now=now)
    Authenticator.objects.all().delete()
    with pytest.raises(CodeWrong):
        check(fiona, app_code(now), now=now)
    with pytest.raises(CodeNeeded):
        check(fiona, BY_MAIL, now=now)
    check(fiona, mailed_code(fiona), now=now)
    assert Challenge.objects.count() == 2
