"""Many at the same moment: one code, one deed; one question at a time; one mail a minute."""

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.db import transaction
from django.utils import timezone

from partner_center.audit.models import AuditEntry
from partner_center.mail.models import MailOutbox
from partner_center.refusals import Refusal
from partner_center.tenancy.models import Member, Partner
from partner_center.verification import actions
from partner_center.verification.actions import AlreadySpent, CodeNeeded, CodeVoid
from partner_center.verification.models import Challenge
from partner_center.verification.rules import MOST_TRIES, ProtectedOperation, State
from tests.rivals import run_together
from tests.verification.making import DIGEST, ask, check, mailed_code, switch_on, wrong

pytestmark = pytest.mark.django_db(transaction=True)
THREADS, ROUNDS = 40, 3


@pytest.fixture(autouse=True)
def _switched_on(partner: Partner) -> None:
    switch_on(partner)


def deed(member: Member, code: str, now) -> str:
    """Check and spend as an action does."""
    proof = check(member, code, now=now)
    with transaction.atomic():
        actions.spend(proof, member=member, operation=ProtectedOperation.ISSUE, digest=DIGEST, now=now)
    return "done"


def outcomes(member: Member, code: str, now) -> list[object]:
    """Submit a code THREADS x ROUNDS times."""

    def submit(_number: int) -> list[object]:
        answers: list[object] = []
        for _round in range(ROUNDS):
            try:
                answers.append(deed(member, code, now))
            except Refusal as refusal:
                answers.append(refusal)
        return answers

    return [answer for answers in run_together(THREADS, submit) for answer in answers]


def test_of_a_hundred_submits_of_the_right_code_one_does_the_deed(fiona: Member) -> None:
    now = timezone.now()
    answers = outcomes(fiona, ask(fiona, now=now), now)

    assert len(answers) == THREADS * ROUNDS
    assert answers.count("done") == 1
    assert {type(answer) for answer in answers if answer != "done"} <= {AlreadySpent, CodeVoid}
    challenge = Challenge.objects.get()
    assert challenge.state == State.USED
    assert challenge.tries <= MOST_TRIES
    assert AuditEntry.objects.filter(deed="code_accepted").count() == 1


def test_of_a_hundred_guesses_five_are_looked_at(fiona: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    code = ask(fiona, now=now)
    looked_at: list[str] = []
    monkeypatch.setattr(actions, "check_password", lambda typed, _hash: looked_at.append(typed) is not None)
    answers = outcomes(fiona, wrong(code), now)

    assert len(looked_at) == MOST_TRIES
    assert "done" not in answers
    monkeypatch.undo()
    with pytest.raises(CodeVoid):
        check(fiona, code, now=now)


def test_of_many_who_ask_at_once_one_is_mailed(fiona: Member) -> None:
    now = timezone.now()
    answers = run_together(THREADS, lambda _number: check(fiona, now=now))

    assert {type(answer) for answer in answers} == {CodeNeeded}
    assert {answer.challenge for answer in answers} == {Challenge.objects.get()}
    assert Challenge.objects.open().count() == Challenge.objects.count() == MailOutbox.objects.count() == 1
    check(fiona, mailed_code(fiona), now=now)


def test_of_many_who_ask_at_once_with_an_app_one_question_stays_open(fiona: Member) -> None:
    TOTP.activate(fiona.user, "JBSWY3DPEHPK3PXP")
    now = timezone.now()
    answers = run_together(THREADS, lambda _number: check(fiona, now=now))

    assert {type(answer) for answer in answers} == {CodeNeeded}
    assert Challenge.objects.open().count() == 1
    assert not MailOutbox.objects.exists()
