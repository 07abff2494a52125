"""A code: asked for, mailed, checked, spent; bound to exactly one deed."""

from dataclasses import replace
from itertools import permutations

import pytest
from django.db import transaction
from django.utils import timezone

from partner_center.audit.models import AuditEntry
from partner_center.mail.models import DevMessage, MailOutbox
from partner_center.tenancy.models import Member, Partner
from partner_center.verification import actions, proofs
from partner_center.verification.actions import (
    AlreadySpent,
    CodeNeeded,
    CodeUnreadable,
    CodeVoid,
    CodeWrong,
)
from partner_center.verification.models import Challenge
from partner_center.verification.proofs import ForgedProof, Ground, Proof
from partner_center.verification.rules import ProtectedOperation, State, WhyVoid
from tests.people import actor_of, make_member
from tests.verification.making import ABOUT, DIGEST, SECOND, ask, check, switch_on, wrong

pytestmark = pytest.mark.django_db
ISSUE, RECALL = ProtectedOperation.ISSUE, ProtectedOperation.RECALL


@pytest.fixture(autouse=True)
def _switched_on(partner: Partner) -> None:
    switch_on(partner)


def spend(proof: Proof, member: Member, *, now, operation=ISSUE, digest=DIGEST) -> None:
    with transaction.atomic():
        actions.spend(proof, member=member, operation=operation, digest=digest, now=now)


@transaction.atomic
def spend_and_fail(proof: Proof, member: Member, *, now) -> None:
    actions.spend(proof, member=member, operation=ISSUE, digest=DIGEST, now=now)
    raise ZeroDivisionError


def test_the_mailed_code_confirms_the_deed_once(fiona: Member) -> None:
    now = timezone.now()
    proof = check(fiona, ask(fiona, now=now), now=now)
    spend(proof, fiona, now=now)

    challenge = Challenge.objects.get()
    assert (challenge.state, challenge.ended_at) == (State.USED, now)
    assert list(AuditEntry.objects.order_by("seq").values_list("deed", flat=True)) == ["code_sent", "code_accepted"]
    with pytest.raises(AlreadySpent):
        spend(proof, fiona, now=now)


def test_the_mail_names_amount_count_and_receivers(fiona: Member) -> None:
    code = ask(fiona, now=timezone.now())
    mail = DevMessage.objects.get()
    for part in (mail.text, mail.html):
        assert "Issue 12 vouchers, 6,000.00 CNY in total, to 12 customers" in part
        assert code in part
    assert code not in mail.subject
    assert MailOutbox.objects.get().object_id == Challenge.objects.get().public_id


def test_asking_again_for_the_same_sends_nothing(fiona: Member) -> None:
    now = timezone.now()
    ask(fiona, now=now)
    with pytest.raises(CodeNeeded) as asked:
        check(fiona, now=now + SECOND)
    assert MailOutbox.objects.count() == 1
    assert asked.value.resend_after == 59
    assert asked.value.target == f"F***@{fiona.user.email.split('@')[1]}".replace("F", "f")


def test_a_proof_is_made_by_nobody_else(fiona: Member) -> None:
    with pytest.raises(ForgedProof):
        Proof(ground=Ground.CODE, member_id=fiona.pk, operation=ISSUE, digest=DIGEST)


def test_a_proof_without_a_passed_challenge_is_worth_nothing(fiona: Member) -> None:
    """Even who reaches for the factory of another module needs a challenge whose code was right."""
    now = timezone.now()
    ask(fiona, now=now)
    forged = proofs.by_code(
        challenge_id=Challenge.objects.get().pk, member_id=fiona.pk, operation=ISSUE, digest=DIGEST, actor=None
    )
    with pytest.raises(AlreadySpent):
        spend(forged, fiona, now=now)
    with pytest.raises(AlreadySpent):
        spend(proofs.not_asked(member_id=fiona.pk, operation=ISSUE, digest=DIGEST), fiona, now=now)
    assert Challenge.objects.get().state == State.OPEN


def test_a_proof_is_spent_inside_a_transaction_only(fiona: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    now = timezone.now()
    proof = check(fiona, ask(fiona, now=now), now=now)
    monkeypatch.setattr(transaction.get_connection(), "in_atomic_block", False)
    with pytest.raises(transaction.TransactionManagementError):
        actions.spend(proof, member=fiona, operation=ISSUE, digest=DIGEST, now=now)


@pytest.mark.parametrize(("asked", "used"), list(permutations(ProtectedOperation, 2)), ids=str)
def test_a_code_of_one_operation_never_works_for_another(fiona: Member, asked, used) -> None:
    now = timezone.now()
    code = ask(fiona, now=now, operation=asked)
    with pytest.raises(CodeVoid):
        check(fiona, code, now=now, operation=used)
    proof = check(fiona, code, now=now, operation=asked)
    with pytest.raises(AlreadySpent):
        spend(proof, fiona, now=now, operation=used)
    spend(proof, fiona, now=now, operation=asked)


def test_the_code_dies_when_the_amount_changes(fiona: Member) -> None:
    now = timezone.now()
    code = ask(fiona, now=now)
    with pytest.raises(CodeVoid) as void:
        check(fiona, code, now=now, digest="another")
    assert void.value.why == WhyVoid.CHANGED
    assert "has changed" in str(void.value)
    with pytest.raises(CodeVoid) as void:
        check(fiona, code, now=now)
    assert void.value.why == WhyVoid.CHANGED, "it does not come back when the amount changes back"


def test_the_code_is_the_members_own(fiona: Member, partner: Partner, charlie: Member) -> None:
    now = timezone.now()
    code = ask(fiona, now=now)
    switch_on(charlie.partner)
    for other in (make_member(partner, "Finn", "finance"), charlie):
        with pytest.raises(CodeVoid) as void:
            check(other, code, now=now)
        assert void.value.why == WhyVoid.UNKNOWN
    proof = check(fiona, code, now=now)
    with pytest.raises(AlreadySpent):
        spend(proof, charlie, now=now)


def test_the_code_is_of_its_session(fiona: Member) -> None:
    now = timezone.now()
    code = ask(fiona, now=now)
    elsewhere = replace(actor_of(fiona), session_ref="another")
    with pytest.raises(CodeVoid):
        actions.check(member=fiona, operation=ISSUE, digest=DIGEST, about=ABOUT, code=code, actor=elsewhere, now=now)


def test_a_wrong_code_costs_a_try_and_the_sixth_is_too_late(fiona: Member) -> None:
    now = timezone.now()
    code = ask(fiona, now=now)
    for left in (4, 3, 2, 1):
        with pytest.raises(CodeWrong) as refused:
            check(fiona, wrong(code), now=now)
        assert refused.value.tries_left == left
    for typed in (wrong(code), code):
        with pytest.raises(CodeVoid) as void:
            check(fiona, typed, now=now)
        assert void.value.why == WhyVoid.TRIES
    assert AuditEntry.objects.filter(deed="code_refused", result="refused").count() == 6
    assert not AuditEntry.objects.filter(deed="code_accepted").exists()


def test_what_cannot_be_a_code_costs_no_try(fiona: Member) -> None:
    now = timezone.now()
    code = ask(fiona, now=now)
    for typed in ("12345", "1234567", "abcdef", "12 34", "\x00" * 6, "٣٣٣٣٣٣٣"):
        with pytest.raises(CodeUnreadable):
            check(fiona, typed, now=now)
    assert Challenge.objects.get().tries == 0
    spaced = f" {code[:3]} {code[3:]} ".translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    check(fiona, spaced, now=now)


def test_a_code_lives_five_minutes(fiona: Member) -> None:
    now = timezone.now()
    code = ask(fiona, now=now)
    proof = check(fiona, code, now=now + 299 * SECOND)
    with pytest.raises(AlreadySpent):
        spend(proof, fiona, now=now + 300 * SECOND)
    with pytest.raises(CodeVoid) as void:
        check(fiona, code, now=now + 300 * SECOND)
    assert void.value.why == WhyVoid.EXPIRED


def test_a_refused_deed_gives_no_try_back_but_keeps_the_code(fiona: Member) -> None:
    now = timezone.now()
    code = ask(fiona, now=now)
    for _time in range(5):
        proof = check(fiona, code, now=now)
        with pytest.raises(ZeroDivisionError):
            spend_and_fail(proof, fiona, now=now)
    assert Challenge.objects.get().state == State.OPEN
    with pytest.raises(CodeVoid) as void:
        check(fiona, code, now=now)
    assert void.value.why == WhyVoid.TRIES
    assert not AuditEntry.objects.filter(deed="code_accepted").exists()


def test_switched_off_nobody_is_asked(fiona: Member, partner: Partner) -> None:
    now = timezone.now()
    Partner.objects.update(verification_enabled=False)
    spend(check(fiona, now=now), fiona, now=now)
    assert not Challenge.objects.exists()
    assert not MailOutbox.objects.exists()


def test_what_is_always_asked_is_asked_when_the_switch_is_off(fiona: Member) -> None:
    Partner.objects.update(verification_enabled=False)
    with pytest.raises(CodeNeeded):
        check(fiona, now=timezone.now(), operation=ProtectedOperation.WITHDRAW)


def test_calls_by_key_are_not_asked() -> None:
    spend(proofs.for_api(operation=ISSUE, digest=DIGEST), None, now=timezone.now())
