"""Before any model is imported: which settings, and a state folder of its own."""

import os
import tempfile

import django


def set_up() -> None:
    """Name the settings and start Django; DATABASE_URL chooses PostgreSQL, a developer's own setup is left alone."""
    os.environ["STATE_DIR"] = os.environ.get("BENCH_DIR") or tempfile.mkdtemp(prefix="partner-center-bench-")
    os.environ["ENV_FILE"] = ""
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    django.setup()
