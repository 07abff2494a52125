"""Mails are composed from templates; what people typed can be read in them and nothing more."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from partner_center.mail import layout
from partner_center.mail.envelope import check
from partner_center.mail.layout import BrokenTemplate, compose

LINK = "http://localhost:8000/i/abc?a=1&b=2"


@pytest.fixture
def templates(tmp_path: Path, settings: object) -> Iterator[Path]:
    """A folder for templates of this test."""
    (tmp_path / "t.subject.txt").write_text("{% load i18n %}{% translate 'Language' %} {{ name }}\n")
    (tmp_path / "t.txt").write_text(
        "{% extends 'mail/layout.txt' %}{% block content %}{{ name }}\n{{ link }}{% endblock %}"
    )
    (tmp_path / "t.html").write_text(
        "{% extends 'mail/layout.html' %}{% block content %}"
        "<p class='quiet'>{{ name }}</p>{% if vip %}<p>VIP {{ vip }}</p>{% endif %}"
        "<a class='button' href='{{ link }}'>Open</a>{% endblock %}"
    )
    engine = {**django_settings.TEMPLATES[0], "DIRS": [*django_settings.TEMPLATES[0]["DIRS"], tmp_path]}
    settings.TEMPLATES = [engine]  # type: ignore[attr-defined]
    layout._blanks.cache_clear()
    yield tmp_path
    layout._blanks.cache_clear()


def test_slots_are_filled_and_escaped(templates: Path) -> None:
    mail = compose("t", {"vip": ""}, "en", link=LINK, slots={"name": "O'Neil & <Sons>"})
    assert mail.subject == "Language O'Neil & <Sons>"
    assert "O'Neil & <Sons>" in mail.text
    assert "O&#x27;Neil &amp; &lt;Sons&gt;" in mail.html
    assert "VIP" not in mail.html
    assert LINK in mail.text
    assert 'href="http://localhost:8000/i/abc?a=1&amp;b=2"' in mail.html


def test_filled_blank_equals_plain_rendering(templates: Path) -> None:
    """Filling is a shortcut: rendering all of it at once must give the same mail."""
    filled = compose("t", {"vip": "x<y"}, "en", link=LINK, slots={"name": "Wang Fang"})
    plain = compose("t", {"vip": "x<y", "name": "Wang Fang"}, "en", link=LINK)
    assert filled == plain


def test_styles_stand_on_the_elements(templates: Path) -> None:
    mail = compose("t", {"vip": ""}, "en", link=LINK, slots={"name": "x"})
    assert "<style" not in mail.html
    assert '<p class="quiet" style="' in mail.html


def test_language_of_the_mail_is_not_that_of_the_request(templates: Path) -> None:
    assert 'lang="zh-hans"' in compose("t", {"vip": ""}, "zh-hans", link=LINK, slots={"name": "x"}).html


def test_text_part_is_not_escaped_twice(templates: Path) -> None:
    mail = compose("t", {"vip": "", "name": "A & B"}, "en", link=LINK)
    assert "A & B" in mail.text
    assert "A &amp; B" in mail.html


@pytest.mark.parametrize("use", ["{{ name|upper }}", "{{ name|truncatechars:9 }}", "{{ name|slice:':7' }}"])
def test_slot_behind_a_filter_is_refused(templates: Path, use: str) -> None:
    (templates / "t.txt").write_text("{{ link }} " + use)
    with pytest.raises(BrokenTemplate):
        compose("t", {"vip": ""}, "en", link=LINK, slots={"name": "x"})


def test_subject_holds_forty_characters_of_a_name(templates: Path) -> None:
    mail = compose("t", {"vip": ""}, "en", link=LINK, slots={"name": "长" * 60})
    assert mail.subject == "Language " + "长" * 39 + "…"
    assert "长" * 60 in mail.text


PAYLOADS = [
    "https://evil.test/a",
    "evil.test",
    "www.evil.test",
    "ftp://evil.test",
    "<a href='http://evil.test'>x</a>",
    "<img src=x onerror=alert(1)>",
    "\"'><svg/onload=alert(1)>",
    "href=x",
    "</p><a href=//evil.test>y</a>",
    "x\r\nBcc: v@z.test",
    "x\nTo: v@z.test\n\nbody",
    "x\x0bSubject: y",
    "x\u2028Bcc: v@z.test",
    "=?utf-8?q?Bcc:?=",
    "\u202ehttp://evil.test",
    "{{ link }}{% load x %}{{7*7}}",
    "${7*7} %(a)s {0.__class__}",
    "evil。com",
    "\ud800",
    "\x00",
    "a" * 5_000,
    "e" + "\u0301" * 500,
    "👨\u200d👩\u200d👧",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_name_adds_a_link(templates: Path, payload: str) -> None:
    mail = compose("t", {"vip": ""}, "en", link=LINK, slots={"name": payload}).to("a@b.test")
    check(mail, site_url="http://localhost:8000")
    assert "evil.test" not in mail.html
    assert "evil.test" not in mail.text
    assert "\n" not in mail.subject


def test_filling_is_much_cheaper_than_rendering(templates: Path) -> None:
    compose("t", {"vip": ""}, "en", link=LINK, slots={"name": "x"})
    before = layout._blanks.cache_info().misses
    for number in range(200):
        compose("t", {"vip": ""}, "en", link=f"{LINK}{number}", slots={"name": f"Name {number}"})
    assert layout._blanks.cache_info().misses == before
