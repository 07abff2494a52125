"""What collectstatic makes of our modules and styles: every import and picture names the hashed file."""

import re
from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import override_settings

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "partner_center.console.storage.HashedStaticFiles"},
}
HASHED = re.compile(r"^[\w-]+\.[0-9a-f]{12}\.\w+$")


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("static")
    with override_settings(STORAGES=STORAGES, STATIC_ROOT=root):
        call_command("collectstatic", interactive=False, verbosity=0)
    return root


def test_modules_import_hashed_modules(collected: Path) -> None:
    (entry,) = [path for path in collected.glob("js/app.*.js") if HASHED.match(path.name)]
    imported = re.findall(r'from "\./([^"]+)"', entry.read_text())
    assert len(imported) >= 9
    for name in imported:
        assert HASHED.match(name)
        assert (entry.parent / name).exists()


def test_styles_name_hashed_pictures(collected: Path) -> None:
    (sheet,) = [path for path in collected.glob("css/list.*.css") if HASHED.match(path.name)]
    pictures = re.findall(r'url\("\.\./img/([^"]+)"\)', sheet.read_text())
    assert len(pictures) >= 5
    for name in pictures:
        assert HASHED.match(name)
        assert (collected / "img" / name).exists()
