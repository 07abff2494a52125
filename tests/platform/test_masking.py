"""Masks: total, idempotent, a constant number of stars, and nothing short is given away (decisions.md 6)."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_center.masking import mask_account, mask_email, mask_mobile, mask_name, mask_number

MASKS = [mask_name, mask_mobile, mask_email, mask_account, mask_number]
STARS = {mask_name: 2, mask_mobile: 4, mask_email: 3, mask_account: 3, mask_number: 5}

digits = st.text("0123456789", min_size=7, max_size=15)
anything = st.one_of(
    st.text(st.characters(exclude_categories=[])),  # half surrogates and controls too
    st.text("0123456789+-()* ", max_size=20),
    st.text("ab*@. \u202e张", max_size=14),
    st.emails(),
    digits,
    st.builds("{}{}".format, st.sampled_from(["+", "00", "+86", "0086-"]), digits),
)

pytestmark = pytest.mark.parametrize("mask", MASKS)


@given(value=anything)
def test_a_mask_of_a_mask_is_itself(mask: Callable[[object], str], value: str) -> None:
    assert mask(mask(value)) == mask(value)


@given(value=anything)
def test_every_value_has_the_same_number_of_stars(mask: Callable[[object], str], value: str) -> None:
    assert mask(value).count("*") == (STARS[mask] if value.strip() else 0)


@given(value=anything)
def test_a_mask_is_never_its_value(mask: Callable[[object], str], value: str) -> None:
    """Only what is a mask already stays as it is, and a mask has its stars."""
    masked = mask(value)
    assert masked != value or value == "" or value.count("*") == STARS[mask]


@given(value=anything)
def test_a_mask_can_be_printed(mask: Callable[[object], str], value: str) -> None:
    masked = mask(value)
    assert masked.isprintable()
    assert masked.encode().decode() == masked


@given(value=st.text("abcdefgh0123456789", min_size=1, max_size=2))
def test_a_value_of_two_characters_is_hidden_whole(mask: Callable[[object], str], value: str) -> None:
    assert not set(value) & set(mask(value))


@given(value=st.text("abcdefgh0123456789张", min_size=3, max_size=64))
def test_two_characters_at_least_stay_hidden(mask: Callable[[object], str], value: str) -> None:
    assert len(mask(value).replace("*", "")) <= len(value) - 2


@pytest.mark.parametrize("value", [None, "", "   ", "\n"])
def test_nothing_stays_nothing(mask: Callable[[object], str], value: str | None) -> None:
    assert mask(value) == ""


@pytest.mark.parametrize("value", [13912345678, b"13912345678", ["li@example.com"], object(), float("nan")])
def test_what_is_not_text_is_hidden_whole(mask: Callable[[object], str], value: object) -> None:
    assert mask(value) == "*" * STARS[mask]
