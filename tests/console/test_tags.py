"""Times, badges, fields and blocks: what they print, and that nothing in them becomes markup."""

import re
import zoneinfo
from datetime import UTC, date, datetime

import pytest
from django import forms
from django.template import Context, Template
from django.utils import timezone

from partner_center.console.templatetags import console as tags

NOON = datetime(2026, 3, 1, 18, 30, tzinfo=UTC)
EVIL = '<script>alert("x")</script>'


def render(source: str, **context: object) -> str:
    return Template("{% load console i18n %}" + source).render(Context(context))


def test_a_time_is_local_named_and_exact_for_machines() -> None:
    with timezone.override(zoneinfo.ZoneInfo("Asia/Shanghai")):
        printed = render("{{ at|local_time }}", at=NOON)
    assert 'datetime="2026-03-02T02:30:00+08:00"' in printed
    assert 'title="UTC 2026-03-01 18:30:00"' in printed
    assert "2026-03-02 02:30" in printed
    assert "UTC+08:00" in printed


def test_a_day_is_the_viewers_day() -> None:
    with timezone.override(zoneinfo.ZoneInfo("Asia/Shanghai")):
        assert "2026-03-02</time>" in render("{{ at|local_date }}", at=NOON)
    with timezone.override(zoneinfo.ZoneInfo("America/New_York")):
        assert "2026-03-01</time>" in render("{{ at|local_date }}", at=NOON)
    assert render("{{ day|local_date }}", day=date(2026, 3, 1)) == '<time datetime="2026-03-01">2026-03-01</time>'


def test_no_time_is_a_dash() -> None:
    assert render("{{ at|local_time }}{{ at|local_date }}", at=None) == "——"


@pytest.mark.parametrize(
    ("zone", "name"), [("UTC", "UTC"), ("Asia/Kolkata", "UTC+05:30"), ("America/Bogota", "UTC-05:00")]
)
def test_zones_are_named_by_their_offset(zone: str, name: str) -> None:
    assert tags.zone_name(NOON.astimezone(zoneinfo.ZoneInfo(zone))) == name


def test_a_badge_says_its_state_in_words_and_escapes_them() -> None:
    badge = render('{% status_badge "danger" text %}', text=EVIL)
    assert 'data-kind="danger"' in badge
    assert "<script>" not in badge
    assert "&lt;script&gt;" in badge


@pytest.mark.parametrize(
    "source",
    [
        '{% status_badge "red" "x" %}',
        '{% notice "red" "x" %}{% endnotice %}',
        '{% empty_state "red" "x" %}{% endempty_state %}',
        '{% check_item "maybe" "x" %}{% endcheck_item %}',
    ],
)
def test_an_unknown_kind_fails_loudly(source: str) -> None:
    with pytest.raises(tags.UnknownKind):
        render(source)


@pytest.mark.parametrize(
    "source",
    [
        "{% page_header x x %}{{ x }}{% endpage_header %}",
        '{% notice "info" x %}{{ x }}{% endnotice %}',
        '{% empty_state "filter" x %}{{ x }}{% endempty_state %}',
        '{% check_item "fail" x %}{{ x }}{% endcheck_item %}',
        "{% dialog_body x %}{{ x }}{% enddialog_body %}",
        '{% copy_field x "a" x %}',
        '{% masked kind="a" id="b" field="c" label=x value=x allowed=True %}',
    ],
)
def test_values_are_escaped_once_and_markup_of_the_block_stays(source: str) -> None:
    printed = render(source.replace("{{ x }}", "<p>{{ x }}</p>"), x=EVIL)
    assert "<script>" not in printed
    assert "&amp;lt;" not in printed
    assert "&lt;script&gt;" in printed
    assert ("<p>&lt;script" in printed) == ("{{ x }}" in source)


def test_without_the_right_there_is_a_lock_and_no_button() -> None:
    source = '{% masked kind="invitation" id="q1" field="email" label="E-mail" value="z***@a.example" allowed=may %}'
    allowed, locked = render(source, may=True), render(source, may=False)
    assert 'class="eye"' in allowed
    assert 'aria-pressed="false"' in allowed
    assert "<button" not in locked
    assert 'class="lock"' in locked


class Sample(forms.Form):
    email = forms.EmailField(help_text="As in the contract.")
    remark = forms.CharField(required=False)
    agreed = forms.BooleanField()
    model = forms.ChoiceField(choices=[("a", "A"), ("b", "B")], widget=forms.RadioSelect)


def described(html: str) -> set[str]:
    return {name for names in re.findall(r'aria-describedby="([^"]+)"', html) for name in names.split()}


def test_a_fields_help_and_errors_are_linked_to_its_control() -> None:
    html = render("{% form_field form.email %}", form=Sample({"email": "nobody@"}))
    assert 'aria-invalid="true"' in html
    assert described(html) == {"id_email_helptext", "id_email_error"}
    for name in described(html):
        assert f'id="{name}"' in html
    assert 'for="id_email"' in html


def test_help_given_in_the_template_is_linked_too() -> None:
    html = render('{% form_field form.remark help_text="Only you see it." autocomplete="off" %}', form=Sample())
    assert described(html) == {"id_remark_helptext"}
    assert 'id="id_remark_helptext"' in html
    assert 'autocomplete="off"' in html
    assert "field-optional" in html


def test_radio_buttons_are_a_group_with_a_legend() -> None:
    html = render("{% form_field form.model %}", form=Sample({}))
    assert html.strip().startswith("<fieldset")
    assert "<legend" in html
    for name in described(html):
        assert f'id="{name}"' in html


def test_a_forms_own_errors_are_announced_and_no_errors_print_nothing() -> None:
    form = Sample({"email": "a@b.example", "agreed": "on", "model": "a"})
    assert render("{% form_errors form %}", form=form) == ""
    form.add_error(None, EVIL)
    html = render("{% form_errors form %}", form=form)
    assert 'role="alert"' in html
    assert "<script>" not in html


@pytest.mark.parametrize(("name", "letters"), [("Li Wei", "LW"), ("李伟", "李"), ("", ""), ("a b c", "AB")])
def test_initials(name: str, letters: str) -> None:
    assert tags.initials(name) == letters
