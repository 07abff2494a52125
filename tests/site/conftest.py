"""The world is made once per file, because it takes a second; every test works in a transaction that is rolled back."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command

if TYPE_CHECKING:
    from pytest_django import DjangoDbBlocker

    from tests.site.world import World


@pytest.fixture(scope="module")
def lasting_world(django_db_setup: None, django_db_blocker: "DjangoDbBlocker") -> Iterator["World"]:
    from tests.site.world import make_world

    with django_db_blocker.unblock():
        yield make_world()
        call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def world(lasting_world: "World", db: None) -> "World":
    return lasting_world
