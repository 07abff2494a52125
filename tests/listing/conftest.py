"""The cast of the lists."""

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
