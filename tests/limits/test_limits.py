"""Limits: exactly as many pass as are allowed, however many ask at once, and a window ends."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from partner_center.limits.actions import TooMany, delete_ended, refund, spend
from partner_center.limits.models import Spending
from partner_center.limits.queries import remaining
from tests.rivals import run_together

NOW = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
LIMIT = {"key": "reveal:7", "allowed": 3, "per": HOUR}


@pytest.mark.django_db
def test_the_limit_passes_and_one_more_does_not() -> None:
    for left in (3, 2, 1):
        assert remaining(**LIMIT, now=NOW) == left
        spend(**LIMIT, now=NOW)
    assert remaining(**LIMIT, now=NOW) == 0
    with pytest.raises(TooMany):
        spend(**LIMIT, now=NOW)
    assert Spending.objects.get().used == 3


@pytest.mark.django_db
def test_a_window_begins_with_the_first_spending_and_ends_after_its_time() -> None:
    for minute in (0, 10, 59):
        spend(**LIMIT, now=NOW + timedelta(minutes=minute))
    with pytest.raises(TooMany) as refusal:
        spend(**LIMIT, now=NOW + timedelta(minutes=59, milliseconds=1))
    assert refusal.value.retry_after == 60
    assert remaining(**LIMIT, now=NOW + HOUR) == 3
    spend(**LIMIT, now=NOW + HOUR)
    assert remaining(**LIMIT, now=NOW + HOUR) == 2
    assert Spending.objects.get().ends_at == NOW + 2 * HOUR


@pytest.mark.django_db
def test_keys_do_not_share_a_limit() -> None:
    spend(**LIMIT, amount=3, now=NOW)
    spend(**{**LIMIT, "key": "reveal:8"}, amount=3, now=NOW)
    assert remaining(**{**LIMIT, "key": "reveal:9"}, now=NOW) == 3


@pytest.mark.django_db
def test_an_amount_is_spent_as_a_whole_or_not_at_all() -> None:
    spend(**LIMIT, amount=2, now=NOW)
    with pytest.raises(TooMany):
        spend(**LIMIT, amount=2, now=NOW)
    assert remaining(**LIMIT, now=NOW) == 1
    spend(**LIMIT, amount=1, now=NOW)


@pytest.mark.django_db
def test_more_than_the_limit_never_passes_not_even_first() -> None:
    with pytest.raises(TooMany):
        spend(**LIMIT, amount=4, now=NOW)
    with pytest.raises(TooMany):
        spend(key="closed", allowed=0, per=HOUR, now=NOW)
    assert not Spending.objects.exists()


@pytest.mark.django_db
def test_what_was_not_used_is_given_back_while_its_window_runs() -> None:
    spend(**LIMIT, amount=3, now=NOW)
    refund(key="reveal:7", amount=2, now=NOW)
    assert remaining(**LIMIT, now=NOW) == 2
    refund(key="reveal:7", amount=99, now=NOW)
    assert remaining(**LIMIT, now=NOW) == 3
    spend(**LIMIT, now=NOW)
    refund(key="reveal:7", now=NOW + HOUR)
    assert Spending.objects.get().used == 1
    refund(key="never spent", now=NOW)
    assert Spending.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_fails_has_spent_nothing() -> None:
    with transaction.atomic():
        spend(**LIMIT, amount=3, now=NOW)
        transaction.set_rollback(True)
    assert remaining(**LIMIT, now=NOW) == 3


@pytest.mark.django_db
def test_ended_windows_are_forgotten_after_a_day_and_running_ones_are_not() -> None:
    for age in range(4):
        spend(key=f"day {age}", allowed=1, per=HOUR, now=NOW - timedelta(days=age))
    assert delete_ended(now=NOW) == 2
    assert set(Spending.objects.values_list("key", flat=True)) == {"day 0", "day 1"}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("per", "en", "zh"),
    [
        (HOUR, "1\xa0hour", "1\xa0小时"),
        (timedelta(seconds=61), "2\xa0minutes", "2\xa0分钟"),
        (timedelta(seconds=5), "1\xa0minute", "1\xa0分钟"),
    ],
)
def test_the_refusal_says_when_to_come_back(per: timedelta, en: str, zh: str) -> None:
    spend(key="k", allowed=1, per=per, now=NOW)
    with pytest.raises(TooMany) as refusal:
        spend(key="k", allowed=1, per=per, now=NOW)
    assert (refusal.value.code, refusal.value.status, refusal.value.retry_after) == (
        "too_many",
        429,
        per.total_seconds(),
    )
    with translation.override("en"):
        assert (str(refusal.value), refusal.value.advice) == (
            "That is more than is allowed in this time.",
            f"Try again in {en}.",
        )
    with translation.override("zh-hans"):
        assert zh in refusal.value.advice


@pytest.mark.django_db
@given(
    steps=st.lists(st.tuples(st.sampled_from(["spend", "refund"]), st.integers(1, 4), st.integers(0, 90)), max_size=12)
)
def test_no_window_ever_lets_more_through_than_allowed(steps: list[tuple[str, int, int]]) -> None:
    """Any order of spending, giving back and waiting, against a count kept by hand."""
    Spending.objects.all().delete()
    now, ends_at, used = NOW, NOW, 0
    for step, amount, minutes in steps:
        now += timedelta(minutes=minutes)
        if now >= ends_at:
            used = 0
        if step == "refund":
            refund(key="reveal:7", amount=amount, now=now)
            used = max(0, used - amount)
            continue
        fits = used + amount <= 3
        try:
            spend(**LIMIT, amount=amount, now=now)
        except TooMany:
            assert not fits
        else:
            assert fits
            ends_at = ends_at if now < ends_at else now + HOUR
            used += amount
        assert remaining(**LIMIT, now=now) == 3 - used


@pytest.mark.django_db(transaction=True)
class TestFiftyAtOnce:
    CALLERS = 50

    @pytest.mark.parametrize("spent", [59, 60, None])
    def test_exactly_as_many_pass_as_are_left(self, spent: int | None) -> None:
        """With one left, with none left, and where nobody has spent before and the row is made by all of them."""
        limit = {"key": "reveal:7", "allowed": 60 if spent is not None else 7, "per": HOUR}
        if spent:
            spend(**limit, amount=spent, now=NOW)
        outcomes = run_together(self.CALLERS, lambda _: spend(**limit, now=NOW))
        left = limit["allowed"] - (spent or 0)
        assert outcomes.count(None) == left
        assert sum(isinstance(outcome, TooMany) for outcome in outcomes) == self.CALLERS - left
        assert Spending.objects.get().used == limit["allowed"]

    def test_exactly_as_many_pass_when_a_window_has_just_ended(self) -> None:
        spend(**LIMIT, amount=3, now=NOW)
        outcomes = run_together(self.CALLERS, lambda _: spend(**LIMIT, now=NOW + HOUR))
        assert outcomes.count(None) == 3

    def test_clocks_that_differ_a_little_open_no_gate(self) -> None:
        outcomes = run_together(self.CALLERS, lambda n: spend(**LIMIT, now=NOW + timedelta(milliseconds=n * 37 % 50)))
        assert outcomes.count(None) == 3

    def test_looking_first_and_spending_then_lets_more_through(self) -> None:
        """The same limit without the guard in the UPDATE: this is what the guard is for."""
        import threading

        spend(key="reveal:7", allowed=60, per=HOUR, amount=59, now=NOW)
        everybody_has_looked = threading.Barrier(self.CALLERS)

        def naive_spend(_: int) -> str:
            spending = Spending.objects.get(key="reveal:7")
            everybody_has_looked.wait()
            if spending.used + 1 > 60:
                return "refused"
            spending.used += 1
            spending.save(update_fields=["used"])
            return "passed"

        assert run_together(self.CALLERS, naive_spend).count("passed") == self.CALLERS
