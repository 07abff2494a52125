"""Sealed filters: opaque, bound to one member, proof against meddling, readable after a change of the key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partner_center.listing.sealing import seal, unseal

VALUES = {"email": "li.lei@customer.example", "customer_name": "李雷"}


def test_what_is_sealed_can_be_opened_by_its_owner_only() -> None:
    word = seal(VALUES, owner="alice")
    assert unseal(word, owner="alice") == VALUES
    assert unseal(word, owner="bob") == {}


def test_the_word_tells_nothing_and_is_fit_for_an_address() -> None:
    word = seal(VALUES, owner="alice")
    assert word.replace("-", "").replace("_", "").isalnum()
    assert "lei" not in word
    assert word != seal(VALUES, owner="alice")
    assert seal({}, owner="alice") == ""


def test_one_changed_character_makes_it_worthless() -> None:
    word = seal(VALUES, owner="alice")
    for position in range(0, len(word) - 1, 7):
        other = "A" if word[position] != "A" else "B"
        assert unseal(word[:position] + other + word[position + 1 :], owner="alice") == {}


def test_words_of_the_former_key_still_open(settings) -> None:
    word = seal(VALUES, owner="alice")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 60, [settings.SECRET_KEY]
    assert unseal(word, owner="alice") == VALUES
    settings.SECRET_KEY_FALLBACKS = []
    assert unseal(word, owner="alice") == {}


@given(st.text(max_size=60))
def test_any_other_text_opens_to_nothing(text: str) -> None:
    assert unseal(text, owner="alice") == {}


@pytest.mark.parametrize("text", ["x" * 9000, "=", "a", "é", "\x00", "AAAA" * 10])
def test_hostile_words_open_to_nothing(text: str) -> None:
    assert unseal(text, owner="alice") == {}
