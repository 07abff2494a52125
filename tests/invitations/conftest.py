"""The cast, and customers to invite."""

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
