"""The cast of tests/people.py for the tests of vouchers."""

from tests.people import (  # noqa: F401 - fixtures
    alice,
    bob,
    carol,
    charlie,
    dora,
    fiona,
    other_partner,
    partner,
    platform_admin,
)
