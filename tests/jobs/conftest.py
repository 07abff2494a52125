"""The toys are the only kinds these tests need; the real ones have tests beside them."""

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from partner_center.jobs import actions
from tests.jobs import toys
from tests.people import alice, bob, carol, charlie, other_partner, partner  # noqa: F401 - fixtures


@pytest.fixture(autouse=True, scope="session")
def toy_kinds() -> None:
    toys.register()


@pytest.fixture(autouse=True)
def files_dir(settings: Any, tmp_path: Path) -> Path:
    settings.FILES_DIR = tmp_path
    return tmp_path


@pytest.fixture
def now() -> datetime.datetime:
    return timezone.now()


@pytest.fixture
def work(now: datetime.datetime) -> Callable[[], int]:
    """Work everything that is due, to its end."""
    return lambda: actions.work_due(now=now, budget=600)
