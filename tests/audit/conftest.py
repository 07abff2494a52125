"""Two partners, an author, and a moment."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from partner_center.tenancy.actors import Actor
    from partner_center.tenancy.models import Partner


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 20, 9, 30, 0, 123456, tzinfo=UTC)


@pytest.fixture
def partner() -> "Partner":
    from partner_center.tenancy.models import Partner

    return Partner.objects.create(company_name="Nebula Ltd", account_number="2000000001")


@pytest.fixture
def other() -> "Partner":
    from partner_center.tenancy.models import Partner

    return Partner.objects.create(company_name="Aurora Ltd", account_number="2000000002")


@pytest.fixture
def actor() -> "Actor":
    from partner_center.tenancy.actors import Actor

    return Actor(
        kind="member",
        name="Alice",
        public_id="a-member-s-public-id22",
        session_ref="5e55",
        ip="192.0.2.7",
        request_id="r1",
    )
