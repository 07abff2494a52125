"""What must hold for every template: icons exist, no inline style or handler, a first line that says what it needs."""

import re
from pathlib import Path

import pytest
from django.template import Context, Template
from lucide import IconDoesNotExist

from partner_center.console.navigation import SECTIONS
from partner_center.console.templatetags import console as tags

ROOT = Path(__file__).resolve().parents[2]
ALL = sorted((ROOT / "templates").rglob("*.html"))
# Mails are read by mail programs, which know neither our style sheets nor our policy.
PAGES = [path for path in ALL if "mail" not in path.relative_to(ROOT).parts and "email" not in path.name]
SCRIPTS = sorted((ROOT / "static" / "js").glob("*.js"))
ICON = re.compile(r"""{%\s*icon\s+["']([^"']+)["']""")
INLINE = re.compile(r"""\s(?:style\s*=|on[a-z]+\s*=\s*["'])""", re.IGNORECASE)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def icon_names() -> set[str]:
    names = {name for path in ALL for name in ICON.findall(path.read_text())}
    names |= {entry.icon for section in SECTIONS for entry in section.entries}
    for table in (tags.NOTICE_ICONS, tags.CHECK_ICONS, tags.EMPTY_ICONS):
        names |= set(table.values())
    return names


def test_every_icon_that_is_named_exists() -> None:
    names = icon_names()
    assert len(names) > 30  # the search has found the templates
    for name in names:
        assert str(tags.icon(name)).startswith("<svg")


def test_a_wrong_icon_name_fails_loudly() -> None:
    with pytest.raises(IconDoesNotExist):
        Template('{% load console %}{% icon "no-such-icon" %}').render(Context())


def test_an_icon_is_silent_unless_it_has_a_name() -> None:
    assert 'aria-hidden="true"' in tags.icon("send")
    labelled = tags.icon("x", 'Close "it" <now>')
    assert 'role="img"' in labelled
    assert "aria-hidden" not in labelled
    assert "<now>" not in labelled
    assert "&quot;it&quot;" in labelled


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_no_inline_style_handler_or_foreign_address(path: Path) -> None:
    source = path.read_text()
    assert not INLINE.findall(source)
    assert "<style" not in source
    assert not re.search(r"""(?:src|href|action)\s*=\s*["'](?:https?:)?//""", source)
    for script in re.findall(r"<script\b[^>]*>", source):
        assert "nonce=" in script


@pytest.mark.parametrize(
    "path", [path for path in PAGES if path.is_relative_to(ROOT / "templates" / "console")], ids=named
)
def test_every_template_begins_with_what_it_needs(path: Path) -> None:
    assert path.read_text().startswith("{#")


@pytest.mark.parametrize("source", ['<p style="color:red">', "<a onclick='x()'>", '<b STYLE ="">'])
def test_the_search_for_inline_code_finds_it(source: str) -> None:
    assert INLINE.search(source)


@pytest.mark.parametrize("path", SCRIPTS, ids=named)
def test_no_script_writes_markup(path: Path) -> None:
    source = path.read_text()
    for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage"):
        assert forbidden not in source


def test_every_sentence_that_scripts_say_is_translated() -> None:
    from partner_center.console.texts import TEXTS

    said = {key for path in SCRIPTS for key in re.findall(r"""(?<![.\w])text\("([a-z_0-9]+)\"""", path.read_text())}
    said |= {"selected", "all_selected", "select_all"}
    assert said == set(TEXTS)
