"""Amounts: read strictly, shown with their currency, never guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_center import money


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("0", "CNY", 0), ("12", "CNY", 1200), ("12.5", "CNY", 1250), ("12.50", "CNY", 1250), (" 0.07 ", "USD", 7),
        ("-3.10", "CNY", -310), ("1280", "JPY", 1280),
    ],
)  # fmt: skip
def test_amounts_are_read_into_minor_units(text: str, currency: str, minor: int) -> None:
    assert money.parse(text, currency) == minor


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "1,280.50",
        "1.234",
        "1e3",
        "+1",
        "01",
        ".5",
        "5.",
        "１２",
        "12 CNY",
        "0x1",
        "NaN",
        "1_000",
        "9" * 17,
        "--1",
    ],
)
def test_what_is_not_exactly_an_amount_is_refused(text: str) -> None:
    with pytest.raises(money.NotAnAmount):
        money.parse(text, "CNY")


def test_a_currency_without_decimals_has_none() -> None:
    with pytest.raises(money.NotAnAmount):
        money.parse("1280.50", "JPY")


@given(minor=st.integers(-(10**15), 10**15), currency=st.sampled_from(["CNY", "USD", "JPY"]))
def test_what_is_typed_back_is_the_same_amount(minor: int, currency: str) -> None:
    assert money.parse(money.typed(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(128050, "CNY", "1,280.50 CNY"), (-7, "USD", "-0.07 USD"), (1280, "JPY", "1,280 JPY"), (0, "CNY", "0.00 CNY")],
)
def test_amounts_are_shown_with_their_currency(minor: int, currency: str, text: str) -> None:
    assert money.shown(minor, currency) == text
