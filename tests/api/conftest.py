"""The cast of tests/people.py, and the software of partner A, of partner B and of the vendor's billing."""

import pytest

from partner_center.tenancy.models import Partner
from tests.api.calling import Program, make_program
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


@pytest.fixture
def billing(db: None) -> Program:
    return make_program(None)


@pytest.fixture
def program(partner: Partner) -> Program:  # noqa: F811 - the fixture above
    return make_program(partner)


@pytest.fixture
def foreigner(other_partner: Partner) -> Program:  # noqa: F811 - the fixture above
    return make_program(other_partner)
