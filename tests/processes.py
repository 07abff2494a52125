"""Other processes of a test: they work on the database of the test that starts them."""

import os
from urllib.parse import quote

from django.db import connection


def environment_of_child(**variables: str) -> dict[str, str]:
    """Give a process what this one has, and the test's own database."""
    return {**os.environ, "DATABASE_URL": database_url(), **variables}


def database_url() -> str:
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    user, password, host = (quote(values[name], safe="") for name in ("USER", "PASSWORD", "HOST"))
    return f"postgres://{user}:{password}@{host}:{values['PORT']}/{values['NAME']}"
