"""The partner's switch: off by default, on at once, off only with a code."""

import pytest
from django.urls import reverse
from django.utils import timezone

from partner_center.audit.models import AuditEntry
from partner_center.mail.models import DevMessage, MailOutbox
from partner_center.mail.sending import send_due
from partner_center.tenancy.models import Member, Partner
from partner_center.verification import switching
from partner_center.verification.actions import CodeNeeded
from partner_center.verification.models import Challenge
from partner_center.verification.rules import State
from tests.people import actor_of, make_member, signed_in
from tests.verification.making import mailed_code, switch_on, wrong

pytestmark = pytest.mark.django_db
ON, OFF, PAGE = (reverse(f"verification:{name}") for name in ("switch_on", "switch_off", "security"))


def is_on(partner: Partner) -> bool:
    return Partner.objects.get(pk=partner.pk).verification_enabled


def deeds() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.filter(deed="verification_switched").values_list("deed", "details"))


def test_it_is_off_by_default_and_on_at_once(alice: Member, other_partner: Partner) -> None:
    assert not is_on(alice.partner)
    answer = signed_in(alice).post(ON, follow=True)
    assert answer.redirect_chain == [(PAGE, 302)]
    assert is_on(alice.partner)
    assert not is_on(other_partner)
    assert deeds() == [("verification_switched", '{"on":true}')]
    assert not Challenge.objects.exists()


def test_all_admins_are_told_and_nobody_else(alice: Member, bob: Member, charlie: Member) -> None:
    second = make_member(alice.partner, "Anna", "admin")
    gone = make_member(alice.partner, "Axel", "admin")
    Member.objects.filter(pk=gone.pk).update(disabled_at=timezone.now())
    signed_in(alice).post(ON)
    send_due(clock=timezone.now)
    assert set(DevMessage.objects.values_list("recipient", flat=True)) == {alice.user.email, second.user.email}
    assert "now asked for" in DevMessage.objects.first().subject


def test_switching_off_needs_a_code(alice: Member) -> None:
    switch_on(alice.partner)
    client = signed_in(alice)
    asked = client.post(OFF)
    assert asked.status_code == 403
    assert f"Switch verification codes off for {alice.partner.company_name}" in asked.text
    code = mailed_code(alice)
    assert client.post(OFF, {"code": wrong(code)}).status_code == 403
    assert is_on(alice.partner)
    assert deeds() == []

    assert client.post(OFF, {"code": code}).status_code == 302
    assert not is_on(alice.partner)
    assert deeds() == [("verification_switched", '{"on":false}')]
    assert Challenge.objects.get().state == State.USED
    assert AuditEntry.objects.filter(deed="code_accepted").count() == 1
    send_due(clock=timezone.now)
    assert "no longer asked for" in DevMessage.objects.latest("pk").subject


def test_the_action_refuses_without_a_code(alice: Member) -> None:
    switch_on(alice.partner)
    with pytest.raises(CodeNeeded):
        switching.switch_off(member=alice, code="", actor=actor_of(alice), now=timezone.now())
    assert is_on(alice.partner)


def test_a_switch_that_stands_there_already_says_so(alice: Member) -> None:
    client = signed_in(alice)
    assert "The switch already stands there." in client.post(OFF, follow=True).text
    assert not MailOutbox.objects.exists()
    client.post(ON)
    assert "The switch already stands there." in client.post(ON, follow=True).text
    assert len(deeds()) == 1


def test_the_page_says_what_is_protected(alice: Member) -> None:
    text = signed_in(alice).get(PAGE).text
    for words in ("Issue coupons", "Recall coupons", "Switch on", "Set up"):
        assert words in text
    assert "End an association" not in text, "no screen offers it"
    switch_on(alice.partner)
    assert "Switching off needs a code itself" in signed_in(alice).get(PAGE).text
