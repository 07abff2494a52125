"""What every test stands on: a state folder of its own, compiled translations, people, a broker, a browser."""

import atexit
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
import hypothesis
import pytest
from django.conf import settings
from django.core.cache import caches
from django.utils.translation import activate

ROOT = Path(__file__).resolve().parent.parent


def own_environment() -> None:
    """Give this run its own state folder, before Django reads its settings; workers of pytest-xdist inherit it."""
    if "STATE_DIR_OF_TESTS" not in os.environ:
        os.environ["STATE_DIR_OF_TESTS"] = tempfile.mkdtemp(prefix="partner-center-tests-")
        os.environ["OWNER_OF_TESTS"] = str(os.getpid())
        atexit.register(remove_state, os.getpid(), os.environ["STATE_DIR_OF_TESTS"])
    # What a developer has exported for `make run` must not decide what the tests see; only the database may be chosen.
    fields = (ROOT / "partner_center" / "environment.py").read_text()
    for name in re.findall(r"^    (\w+): .* = Field\(", fields, re.MULTILINE):
        if name != "database_url":
            os.environ.pop(name.upper(), None)
    os.environ["ENV_FILE"] = ""
    os.environ["STATE_DIR"] = os.environ["STATE_DIR_OF_TESTS"]
    os.environ["DJANGO_SETTINGS_MODULE"] = "partner_center.settings"
    # Playwright's sync API keeps an event loop in the thread that also asks the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


def remove_state(owner: int, folder: str) -> None:
    # A process that a test forked comes by here too, and must leave the folder alone.
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


# Workers of pytest-xdist inherit an environment that is ours already, and settings loaded from it.
if settings.configured and "STATE_DIR_OF_TESTS" not in os.environ:
    raise pytest.UsageError("unset DJANGO_SETTINGS_MODULE: the tests choose their settings themselves")
own_environment()
# Fixtures of the rooms import models, and pytest may load them before its plugin for Django has set it up.
django.setup()


# Examples are judged by what they give, not by how long a busy machine takes over them.
hypothesis.settings.register_profile("house", deadline=None, database=None)
hypothesis.settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.STATIC_ROOT = Path(settings.STATE_DIR) / "staticfiles"
    settings.STATIC_ROOT.mkdir(exist_ok=True)
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    if not hasattr(config, "workerinput"):
        compile_translations()


def compile_translations() -> None:
    from partner_center.management.translations import compile_catalogues

    compile_catalogues()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, by name and not as a skip, what this machine cannot run; the closing lines say so."""
    chosen = config.getoption("markexpr")
    reasons = {
        "postgres": "" if settings.DATABASES["default"]["ENGINE"].endswith("postgresql") else "the database is SQLite",
        "browser": "" if find_chromium() else "no Chromium is installed",
        "faults": "" if "faults" in chosen else "fault tests run by `make faults`",
    }
    if os.environ.get("ONLY_DATABASE_TESTS"):
        reasons |= {"browser": "they ran on SQLite", "pure": "they touch no database and ran on SQLite"}
    left_out: dict[str, list[pytest.Item]] = {}
    kept = []
    for item in items:
        marks = {mark.name for mark in item.iter_markers()} | (set() if uses_database(item) else {"pure"})
        marker = next((name for name, reason in reasons.items() if reason and name in marks), None)
        if marker:
            left_out.setdefault(marker, []).append(item)
        else:
            kept.append(item)
    items[:] = kept
    config.hook.pytest_deselected(items=[test for tests in left_out.values() for test in tests])
    # Workers of pytest-xdist collect, the controller prints: the note passes through the state folder.
    notes = [f"left out: {len(tests)} {name} tests, {reasons[name]}\n" for name, tests in left_out.items()]
    (Path(settings.STATE_DIR) / "left-out.txt").write_text("".join(notes))


def uses_database(item: pytest.Item) -> bool:
    return item.get_closest_marker("django_db") is not None or bool(
        {"db", "transactional_db", "live_server"} & set(getattr(item, "fixturenames", ()))
    )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    notes = Path(settings.STATE_DIR) / "left-out.txt"
    text = notes.read_text() if notes.exists() else ""
    terminalreporter.write(text)
    if "NOTES_OF_RUN" in os.environ:
        Path(os.environ["NOTES_OF_RUN"]).write_text(text)


def find_chromium() -> str | None:
    """Find the browser of the machine; nothing is ever downloaded."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


# --- the database ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Name the test database after this run, so that two runs on one server do not share one."""
    test = settings.DATABASES["default"].setdefault("TEST", {})
    if settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
        test["NAME"] = f"test_partner_center_{os.environ['OWNER_OF_TESTS']}{worker_suffix()}"
    else:
        test["NAME"] = str(Path(settings.STATE_DIR) / f"test{worker_suffix()}.sqlite3")


def worker_suffix() -> str:
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    return f"_{worker}" if worker else ""


@pytest.fixture(scope="session", autouse=True)
def flush_empties_logs() -> Iterator[None]:
    from tests.audit.emptying import flush_empties_logs

    with flush_empties_logs():
        yield


@pytest.fixture(autouse=True)
def fresh_start() -> None:
    """
    Begin in English and with no list counted.

    A test client leaves its visitor's language active in the thread; a list that is beyond its cap is remembered so.
    """
    activate("en")
    caches["process"].clear()


# --- the broker ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a private broker of the real kind on a socket; gives its REDIS_URL."""
    from partner_center.management.stack.broker import find_server, serve

    folder = tmp_path_factory.mktemp("broker")
    server = serve(find_server(), folder)
    yield server.url
    server.stop()


# --- the browser -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """Open the machine's own Chromium without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: object, live_server: object) -> Iterator[object]:
    """Open a fresh tab on a live server; relative addresses work."""
    context = chromium.new_context(base_url=live_server.url, locale="en-GB", timezone_id="UTC")
    yield context.new_page()
    context.close()
