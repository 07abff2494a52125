"""A kind of mail made for tests, partners who send it, and a mail server that misbehaves on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.mail.sink import Sink

if TYPE_CHECKING:
    # Models can be imported in fixtures only: pytest loads this file before Django is ready.
    from partner_center.mail.rules import Policy
    from partner_center.tenancy.models import Partner
    from tests.mail.letters import Letters


@pytest.fixture
def make_kind() -> Iterator[Callable[[Policy], Letters]]:
    from partner_center.mail import kinds
    from partner_center.mail.kinds import MailKind
    from tests.mail.letters import Letters

    made: list[str] = []

    def make(policy: Policy) -> Letters:
        letters = Letters(f"test_{policy}")
        kind = MailKind(
            key=letters.key, label="Test", on_ambiguity=policy, render=letters.render, delivered=letters.hear
        )
        kinds.register(kind)
        made.append(kind.key)
        return letters

    yield make
    for key in made:
        kinds._kinds.pop(key)


@pytest.fixture
def letters(make_kind: Callable[[Policy], Letters]) -> Letters:
    return make_kind("resend")


@pytest.fixture
def secrets_kind(make_kind: Callable[[Policy], Letters]) -> Letters:
    """Mails of which a second copy would do harm."""
    return make_kind("hold")


@pytest.fixture
def partner(db: None) -> Partner:
    from tests.mail.letters import make_partner

    return make_partner("mail-a")


@pytest.fixture
def other_partner(db: None) -> Partner:
    from tests.mail.letters import make_partner

    return make_partner("mail-b")


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    with Sink() as server:
        settings.MAIL_URL = server.url
        yield server
