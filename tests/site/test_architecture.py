"""The plan of the house holds, and the checks that guard it do see a violation."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGES = ("partner_center", "customers", "vouchers", "invitations")
LONGEST_FILE = 400  # lines
LONGEST_FUNCTION = 30  # lines without its docstring


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# --- imports ---------------------------------------------------------------------------------------------------------


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(program), "--no-cache"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )


def test_imports_run_down_only() -> None:
    answer = lint_imports(ROOT)

    assert answer.returncode == 0, answer.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


SINS = [
    ("customers/models.py", "import invitations.models\n", "customers.models -> invitations.models"),
    ("customers/models.py", "def late():\n    import invitations.models\n", "customers.models -> invitations.models"),
    ("partner_center/tenancy/models.py", "import customers.models\n", "tenancy.models -> customers.models"),
    ("partner_center/audit/models.py", "import partner_center.mail\n", "audit.models -> partner_center.mail"),
    ("partner_center/environment.py", "import partner_center.refusals\n", "environment -> partner_center.refusals"),
    ("customers/models.py", "import vouchers.models\n", "customers.models -> vouchers.models"),
    ("invitations/models.py", "import invitations.actions\n", "invitations.models -> invitations.actions"),
    ("invitations/views/planted.py", "import openpyxl\n", "invitations.views.planted -> openpyxl"),
    ("customers/models.py", "import django_filters\n", "customers.models -> django_filters"),
    ("customers/utils.py", "", "customers.utils"),
    ("invitations/helpers.py", "", "invitations.helpers"),
    ("partner_center/helper.py", "", "partner_center.helper"),
    ("partner_center/common/__init__.py", "", "partner_center.common"),
]


@pytest.mark.parametrize(("path", "sin", "report"), SINS, ids=lambda value: str(value).strip()[:40])
def test_a_planted_violation_is_reported(copy: Path, path: str, sin: str, report: str) -> None:
    victim = copy / path
    innocent = victim.read_text() if victim.exists() else None
    victim.parent.mkdir(exist_ok=True)
    victim.write_text(f"{innocent or ''}\n{sin}")
    try:
        answer = lint_imports(copy)
    finally:
        victim.write_text(innocent) if innocent is not None else victim.unlink()

    assert answer.returncode == 1
    assert report in re.sub(r"\s+", " ", answer.stdout), answer.stdout[-2000:]


# --- what imports cannot tell ----------------------------------------------------------------------------------------


def calls(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def test_only_beat_rings_the_broker() -> None:
    banned = {"delay", "delay_on_commit", "apply_async", "send_task", "signature"}

    assert [f"{name_of(path)}: {call}" for path in sources() for call in calls(path) if call in banned] == []


def test_no_domain_flow_through_signals() -> None:
    offenders = [name_of(path) for path in sources() if "django.db.models.signals" in path.read_text()]

    assert offenders == []


def test_every_bell_of_beat_has_its_task() -> None:
    from partner_center.celery import app

    app.loader.import_default_modules()

    rung = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert rung - app.tasks.keys() == set()
    own = {name for name in app.tasks if not name.startswith("celery.")}
    assert own - rung == set(), "a task that nobody rings"


def test_no_call_that_hides_sql() -> None:
    banned = {"extra", "RawSQL"}

    assert [f"{name_of(path)}: {call}" for path in sources() for call in calls(path) if call in banned] == []


def test_no_template_trusts_a_value() -> None:
    # Django's own help texts of passwords are a list in HTML; they are constants of forms, never a person's words.
    known = {"templates/components/form_field.html"}
    assert {name_of(path) for path in templates() if re.search(r"\|\s*safe\b", path.read_text())} <= known
    # Tags that build markup are few, and named here: each escapes what it is given.
    trusting = {name_of(path) for path in sources() if "mark_safe" in calls(path)}
    console, listing = "partner_center/console/templatetags/console.py", "partner_center/listing"
    assert trusting <= {console, f"{listing}/tables.py", f"{listing}/drawing.py"}


def templates() -> list[Path]:
    return sorted((ROOT / "templates").rglob("*.html"))


INLINE = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)|<style\b|\sstyle=|\son[a-z]+=", re.IGNORECASE)


def test_pages_hold_no_inline_script_style_or_handler() -> None:
    """Mails may: their styles are put inline because mail programs know nothing else."""
    pages = [path for path in templates() if not {"mail", "mails", "emails"} & {*path.parts}]

    assert [name_of(path) for path in pages if INLINE.search(path.read_text())] == []


def test_files_and_functions_stay_short() -> None:
    files = [name_of(path) for path in sources() if path.read_text().count("\n") > LONGEST_FILE]
    functions = [
        f"{name_of(path)}: {node.name} has {length_of(node)} lines"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and length_of(node) > LONGEST_FUNCTION
    ]

    assert files == []
    assert functions == []


def length_of(function: ast.FunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) and len(function.body) > 1 else function.body
    return (function.end_lineno or 0) - body[0].lineno + 2


def test_locks_hold_hashes_and_no_address() -> None:
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text()
        names = re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)
        assert names, path.name
        assert "://" not in text, path.name
        assert text.count("--hash=sha256:") >= len(names), path.name


def test_nothing_committed_names_the_machine_it_was_written_on() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    kinds = {".py", ".md", ".toml", ".txt", ".in", ".html", ""}
    texts = [ROOT / name for name in tracked if (ROOT / name).suffix in kinds]

    # A checkout in the root folder or in one of a single short name would find that name everywhere.
    own = str(ROOT) if len(ROOT.parts) > 2 else "file:/" + "//"
    assert [name_of(path) for path in texts if path.is_file() and own in path.read_text(errors="ignore")] == []
