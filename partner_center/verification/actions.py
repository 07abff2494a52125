"""
Verification codes: `check` before the deed, `spend` inside it.

`check` stands outside the transaction of the deed: the tries it counts, the code it sends and what it logs stay when
the deed is refused. It is called once the deed's input has been judged, so that no code is spent on a bad amount.
`spend` stands inside that transaction: the code is used up if and only if the deed is done.
"""

import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from django.contrib.auth.hashers import check_password, make_password
from django.db import transaction
from django.db.models import F
from django.utils import translation

from partner_center.audit import actions as audit
from partner_center.audit.models import Deed, Result
from partner_center.limits import actions as limits
from partner_center.mail import actions as mail
from partner_center.masking import mask_email
from partner_center.refusals import Refusal
from partner_center.sealing import seal
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member
from partner_center.verification import emails, proofs, queries, totp
from partner_center.verification.models import Challenge, ChallengeQuerySet
from partner_center.verification.proofs import Ground, Proof
from partner_center.verification.questions import (
    AlreadySpent,
    CodeAsked,
    CodeNeeded,
    CodeUnreadable,
    CodeVoid,
    CodeWrong,
    TooManyCodes,
    TooManyTries,
)
from partner_center.verification.rules import (
    BY_MAIL,
    DIGITS,
    LIFE,
    MOST_TRIES,
    WISHES,
    About,
    Channel,
    ProtectedOperation,
    State,
    WhyVoid,
    is_readable,
    normalised,
)

__all__ = [
    "AlreadySpent",
    "CodeAsked",
    "CodeNeeded",
    "CodeUnreadable",
    "CodeVoid",
    "CodeWrong",
    "TooManyCodes",
    "TooManyTries",
    "check",
    "forget_old",
    "spend",
]

KEPT = timedelta(days=30)


class Question(NamedTuple):
    """Everything a code is bound to, and who is asked when."""

    member: Member
    operation: ProtectedOperation
    digest: str
    about: About
    actor: Actor
    now: datetime


def check(
    *,
    member: Member,
    operation: ProtectedOperation,
    digest: str,
    about: About,
    code: str,
    actor: Actor,
    now: datetime,
) -> Proof:
    """
    Return the proof that a deed may be done, or ask for a code.

    :param digest: `payload_digest` of everything that decides what will happen
    :param about: what mail and form say that this comes to
    :param code: as typed; empty to be asked for one, `SEND_AGAIN` or `BY_MAIL` for a new one
    :raises CodeNeeded: when a code is to be typed; where none is on its way, one has been sent now
    :raises CodeWrong: for a wrong code, which costs one of five tries
    :raises CodeUnreadable: for what cannot be a code, which costs none
    :raises CodeVoid: for a code that is dead, and whatever is typed for it
    :raises TooManyCodes: when a code is asked for too soon or too often
    :raises TooManyTries: when codes of the app were wrong too often
    """
    if not queries.is_asked(member.partner, operation):
        return proofs.not_asked(member_id=member.pk, operation=operation, digest=digest)
    question = Question(member, operation, digest, about, actor, now)
    if not code or code in WISHES:
        raise _asked(CodeNeeded, question, _send(question, wish=code))
    return _answered(question, normalised(code))


def spend(proof: Proof, *, member: Member | None, operation: ProtectedOperation, digest: str, now: datetime) -> None:
    """
    Use a proof up inside the transaction of the deed, before anything is written; once, however many try.

    Where the deed goes on locking rows, the whole stands in `audit.written_last()`.

    :param member: who does the deed; None for a call by API key
    :raises AlreadySpent: when it has been used, has ended meanwhile, or was made for another deed
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("a proof is spent in the transaction of its deed")
    bound = (member.pk if member else None, operation, digest)
    if (proof.member_id, proof.operation, proof.digest) != bound:
        raise AlreadySpent
    if proof.ground is Ground.CODE:
        _use(proof, now)
    elif proof.ground is Ground.NOT_ASKED and (member is None or queries.is_asked(member.partner, operation)):
        raise AlreadySpent


def _use(proof: Proof, now: datetime) -> None:
    unused = Challenge.objects.open().filter(pk=proof.challenge_id or 0, passed_at__isnull=False, expires_at__gt=now)
    if not unused.update(state=State.USED, ended_at=now, sealed_code="") or proof.actor is None:
        raise AlreadySpent
    challenge = Challenge.objects.select_related("partner").get(pk=proof.challenge_id or 0)
    _log(Deed.CODE_ACCEPTED, challenge, actor=proof.actor, now=now)


def forget_old(*, now: datetime) -> int:
    """Close challenges that nobody answered in time, and delete those of last month; returns how many were closed."""
    Challenge.objects.filter(created_at__lte=now - KEPT).delete()
    late = Challenge.objects.filter(expires_at__lte=now)
    return _void(late, WhyVoid.EXPIRED, now)


# --- asking --------------------------------------------------------------------------------------


def _send(question: Question, *, wish: str) -> Challenge:
    """Open a challenge, or return the one that is open for exactly this unless another is wished for."""
    live = _live(question)
    if live is not None and not wish:
        return live
    channel = Channel.APP if wish != BY_MAIL and totp.has_app(question.member.user) else Channel.MAIL
    try:
        return _open(question, channel)
    except limits.TooMany as refusal:
        # Another press of the same button may have been quicker.
        live = _live(question)
        if live is not None and not wish:
            return live
        raise _asked(TooManyCodes, question, live, wait=refusal.values["wait"]) from None


def _open(question: Question, channel: Channel) -> Challenge:
    challenge, code = _new(question, channel), f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
    if channel == Channel.MAIL:
        # Hashing takes its time: it is done before anything is locked.
        challenge.code_hash = make_password(code)
        challenge.sealed_code = seal(code, purpose=challenge.public_id)
    with transaction.atomic(durable=True):
        Member.objects.select_for_update(no_key=True, of=("self",)).get(pk=question.member.pk)
        if channel == Channel.MAIL:
            _spend_sendings(question)
        _void(Challenge.objects.filter(member=question.member), WhyVoid.REPLACED, question.now)
        challenge.save(force_insert=True)
        if channel == Channel.MAIL:
            _queue_mail(challenge)
        _log(Deed.CODE_SENT, challenge, actor=question.actor, now=question.now)
    return challenge


def _new(question: Question, channel: Channel) -> Challenge:
    return Challenge(
        partner=question.member.partner,
        member=question.member,
        session_ref=question.actor.session_ref,
        operation=question.operation,
        digest=question.digest,
        amount_minor=question.about.amount_minor,
        currency=question.about.currency,
        count=question.about.count,
        receivers=question.about.receivers[:200],
        what=question.about.what[:100],
        language=translation.get_language() or "en",
        channel=channel,
        created_at=question.now,
        expires_at=question.now + LIFE,
    )


def _spend_sendings(question: Question) -> None:
    for name, allowed, per in queries.SEND_LIMITS:
        limits.spend(key=queries.limit_key(name, question.member), allowed=allowed, per=per, now=question.now)


def _queue_mail(challenge: Challenge) -> None:
    mail.enqueue(
        kind=emails.CODE,
        partner=challenge.partner,
        object_id=challenge.public_id,
        generation=0,
        dedupe_key=f"{emails.CODE}:{challenge.public_id}",
        now=challenge.created_at,
    )


# --- judging what was typed ----------------------------------------------------------------------


def _answered(question: Question, code: str) -> Proof:
    challenge = _live(question)
    if not is_readable(code):
        raise _asked(CodeUnreadable, question, challenge)
    if challenge is None or not _take_try(challenge, question.now):
        raise _void_question(question)
    try:
        is_right = _is_right(challenge, code, question)
    except limits.TooMany as refusal:
        raise _asked(TooManyTries, question, challenge, wait=refusal.values["wait"]) from None
    if not is_right:
        raise _wrong(question, challenge)
    Challenge.objects.filter(pk=challenge.pk).update(passed_at=question.now)
    return proofs.by_code(
        challenge_id=challenge.pk,
        member_id=question.member.pk,
        operation=question.operation,
        digest=question.digest,
        actor=question.actor,
    )


def _live(question: Question) -> Challenge | None:
    return (
        Challenge.objects.live(question.now)
        .filter(
            member=question.member,
            operation=question.operation,
            digest=question.digest,
            session_ref=question.actor.session_ref,
        )
        .first()
    )


def _take_try(challenge: Challenge, now: datetime) -> bool:
    """Count a try before looking at the code: of a hundred at once five are looked at."""
    with transaction.atomic(durable=True):
        return bool(Challenge.objects.live(now).filter(pk=challenge.pk).update(tries=F("tries") + 1))


def _is_right(challenge: Challenge, code: str, question: Question) -> bool:
    if challenge.code_hash and check_password(code, challenge.code_hash):
        return True
    user, now = question.member.user, question.now
    if not totp.has_app(user):
        return False
    totp.count_try(user, now=now)
    if not totp.claim(user, code, now=now):
        return False
    totp.forget_tries(user, now=now)
    return True


def _wrong(question: Question, challenge: Challenge) -> Refusal:
    """Log a wrong code, and end the challenge with the last of its tries."""
    challenge.refresh_from_db(fields=["tries"])
    with transaction.atomic(durable=True):
        if challenge.tries >= MOST_TRIES:
            _void(Challenge.objects.filter(pk=challenge.pk), WhyVoid.TRIES, question.now)
        _log(Deed.CODE_REFUSED, challenge, actor=question.actor, now=question.now, result=Result.REFUSED)
    if challenge.tries >= MOST_TRIES:
        return _asked(CodeVoid, question, None, why=WhyVoid.TRIES)
    return _asked(CodeWrong, question, challenge, tries_left=challenge.tries_left)


def _void_question(question: Question) -> Refusal:
    """Say why the code is dead; one whose deed has changed dies now, and does not come back when it changes back."""
    why = queries.why_void(
        question.member,
        operation=question.operation,
        digest=question.digest,
        session_ref=question.actor.session_ref,
        now=question.now,
    )
    with transaction.atomic(durable=True):
        if why == WhyVoid.CHANGED:
            same_deed = Challenge.objects.filter(member=question.member, operation=question.operation)
            _void(same_deed.filter(session_ref=question.actor.session_ref), why, question.now)
        audit.record(
            deed=Deed.CODE_REFUSED,
            actor=question.actor,
            partner=question.member.partner,
            target=question.member,
            now=question.now,
            result=Result.REFUSED,
            details={"operation": question.operation.value, "why": why.value},
        )
    return _asked(CodeVoid, question, None, why=why)


# --- what all of them do -------------------------------------------------------------------------


def _void(challenges: ChallengeQuerySet, why: WhyVoid, now: datetime) -> int:
    return challenges.open().update(state=State.VOID, why_void=why, ended_at=now, sealed_code="")


def _asked(kind: type[CodeAsked], question: Question, challenge: Challenge | None, **values: object) -> CodeAsked:
    member, now = question.member, question.now
    return kind(
        operation=question.operation,
        about=question.about,
        challenge=challenge,
        target=mask_email(member.user.email),
        has_app=totp.has_app(member.user),
        resend_after=queries.resend_after(member, now=now),
        sends_left=queries.sends_left(member, now=now),
        **values,
    )


def _log(deed: Deed, challenge: Challenge, *, actor: Actor, now: datetime, result: Result = Result.DONE) -> None:
    audit.record(
        deed=deed,
        actor=actor,
        partner=challenge.partner,
        target=challenge,
        now=now,
        result=result,
        details={
            "operation": str(challenge.operation),
            "channel": str(challenge.channel),
            "count": challenge.count,
            "amount_minor": challenge.amount_minor,
            "currency": challenge.currency,
        },
    )
