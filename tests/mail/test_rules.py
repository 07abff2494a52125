"""What answers of a mail server mean."""

import pytest

from partner_center.mail.rules import (
    BACKOFF,
    Delivery,
    Stage,
    State,
    Step,
    Verdict,
    after,
    delivery_of,
    judge,
)

SENT, DEFERRED, FAILED, AMBIGUOUS, UNREACHABLE = (
    Verdict.SENT,
    Verdict.DEFERRED,
    Verdict.FAILED,
    Verdict.AMBIGUOUS,
    Verdict.UNREACHABLE,
)


@pytest.mark.parametrize(
    ("stage", "reply", "verdict"),
    [
        (Stage.CONNECTION, None, UNREACHABLE),
        (Stage.CONNECTION, 554, UNREACHABLE),
        (Stage.SENDER, None, DEFERRED),
        (Stage.SENDER, 421, DEFERRED),
        (Stage.SENDER, 550, DEFERRED),
        (Stage.RECIPIENT, None, DEFERRED),
        (Stage.RECIPIENT, 421, DEFERRED),
        (Stage.RECIPIENT, 450, DEFERRED),
        (Stage.RECIPIENT, 451, DEFERRED),
        (Stage.RECIPIENT, 452, DEFERRED),
        (Stage.RECIPIENT, 550, FAILED),
        (Stage.RECIPIENT, 552, FAILED),
        (Stage.RECIPIENT, 554, FAILED),
        (Stage.DATA, None, DEFERRED),
        (Stage.DATA, 451, DEFERRED),
        (Stage.DATA, 554, FAILED),
        (Stage.AFTER_DOT, 250, SENT),
        (Stage.AFTER_DOT, None, AMBIGUOUS),
        (Stage.AFTER_DOT, 25, AMBIGUOUS),
        (Stage.AFTER_DOT, -1, AMBIGUOUS),
        (Stage.AFTER_DOT, 421, AMBIGUOUS),
        (Stage.AFTER_DOT, 451, AMBIGUOUS),
        (Stage.AFTER_DOT, 450, DEFERRED),
        (Stage.AFTER_DOT, 452, DEFERRED),
        (Stage.AFTER_DOT, 550, FAILED),
        (Stage.AFTER_DOT, 554, FAILED),
    ],
)
def test_reply_is_weighed_by_its_stage(stage: Stage, reply: int | None, verdict: Verdict) -> None:
    assert judge(stage, reply) is verdict


def test_five_retries_with_growing_pauses_then_failure() -> None:
    pauses, attempts = [], 0
    while (step := after(DEFERRED, attempts=attempts, ambiguous=0, policy="resend")).state is State.QUEUED:
        pauses.append(step.pause)
        attempts = step.attempts
    assert tuple(pauses) == BACKOFF == (60, 300, 1_800, 7_200, 28_800)
    assert step.state is State.FAILED


def test_jitter_lengthens_a_pause_by_a_fifth_at_most() -> None:
    assert after(DEFERRED, attempts=0, ambiguous=0, policy="resend", jitter=1).pause == 72


def test_ambiguity_is_resent_twice_then_unknown() -> None:
    states, ambiguous = [], 0
    for _attempt in range(3):
        step = after(AMBIGUOUS, attempts=0, ambiguous=ambiguous, policy="resend")
        states.append(step.state)
        ambiguous = step.ambiguous
    assert states == [State.QUEUED, State.QUEUED, State.UNKNOWN]


def test_ambiguity_is_held_where_a_copy_does_harm() -> None:
    assert after(AMBIGUOUS, attempts=0, ambiguous=0, policy="hold").state is State.UNKNOWN


def test_unreachable_server_costs_a_mail_no_attempt() -> None:
    assert after(UNREACHABLE, attempts=5, ambiguous=2, policy="hold") == Step(State.QUEUED, 5, 2, 10)


@pytest.mark.parametrize(
    ("state", "attempts", "ambiguous", "delivery"),
    [
        (State.QUEUED, 0, 0, Delivery.QUEUED),
        (State.LEASED, 0, 0, Delivery.QUEUED),
        (State.HELD, 0, 0, Delivery.QUEUED),
        (State.QUEUED, 1, 0, Delivery.DEFERRED),
        (State.QUEUED, 0, 1, Delivery.DEFERRED),
        (State.SENT, 3, 1, Delivery.SENT),
        (State.FAILED, 0, 0, Delivery.BOUNCED),
        (State.UNKNOWN, 0, 3, Delivery.UNKNOWN),
        (State.SUPPRESSED, 0, 0, Delivery.SUPPRESSED),
    ],
)
def test_delivery_that_people_see(state: State, attempts: int, ambiguous: int, delivery: Delivery) -> None:
    assert delivery_of(state, attempts=attempts, ambiguous=ambiguous) is delivery
