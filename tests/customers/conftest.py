"""The cast."""

from collections.abc import Iterator

import pytest
from django.utils import translation

from tests.people import (  # noqa: F401 - fixtures
    alice,
    bob,
    carol,
    charlie,
    dora,
    other_partner,
    partner,
    platform_admin,
)


@pytest.fixture(autouse=True)
def speak_english() -> Iterator[None]:
    """Begin in English: a request of the test before may have left its language behind."""
    with translation.override("en"):
        yield
