"""Template tags of the shell: icons, times, badges, fields and the blocks that pages are built from."""

from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput
from django.forms.widgets import CheckboxSelectMultiple, RadioSelect
from django.template.loader import render_to_string
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from lucide.templatetags.lucide import lucide

from partner_center.tenancy.zones import zone_name

register = template.Library()

BADGE_KINDS = frozenset({"info", "success", "warning", "danger", "neutral"})
NOTICE_ICONS = {
    "info": "info",
    "success": "circle-check",
    "warning": "triangle-alert",
    "danger": "octagon-alert",
    "neutral": "info",
}
CHECK_ICONS = {"pass": "circle-check", "fail": "circle-x", "unknown": "circle-question-mark"}
EMPTY_ICONS = {"start": "inbox", "filter": "search-x", "error": "shield-x"}


class UnknownKind(ValueError):
    """A template asks for a kind that no style exists for."""


@lru_cache(maxsize=256)
def _svg(name: str, label: str) -> SafeString:
    what = {"role": "img", "aria_label": label} if label else {"aria_hidden": "true"}
    # The name comes from our templates and lucide escapes attribute values; an unknown name raises IconDoesNotExist.
    svg = lucide(name, size=None, **{"class": "icon", "focusable": "false", **what})
    return mark_safe("".join(line.strip() for line in svg.splitlines()))  # noqa: S308


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """
    Draw a lucide icon: decorative without a label, an image with one.

    :raises lucide.IconDoesNotExist: when there is no icon of that name
    """
    return _svg(str(name), str(label))


@register.filter(is_safe=False)
def local_time(value: datetime | None) -> SafeString | str:
    """Print an instant in the viewer's zone with the zone's name, ISO-8601 for machines and UTC on hover."""
    if value is None:
        return "—"
    local = timezone.localtime(value)
    shown = formats.date_format(local, "Y-m-d H:i")
    return _time(local, format_html('{} <span class="zone muted small">{}</span>', shown, zone_name(local)))


@register.filter(is_safe=False)
def local_date(value: datetime | date | None) -> SafeString | str:
    """Print a day; an instant becomes the day it falls on in the viewer's zone."""
    if value is None:
        return "—"
    if not isinstance(value, datetime):
        return format_html('<time datetime="{}">{}</time>', value.isoformat(), value.strftime("%Y-%m-%d"))
    local = timezone.localtime(value)
    return _time(local, formats.date_format(local, "Y-m-d"))


def _time(local: datetime, shown: str) -> SafeString:
    utc = local.astimezone(timezone.get_fixed_timezone(0)).strftime("UTC %Y-%m-%d %H:%M:%S")
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(timespec="seconds"), utc, shown)


@register.simple_tag
def status_badge(kind: str, text: object) -> SafeString:
    """
    Say a state with a dot and with words; kind is info, success, warning, danger or neutral.

    :raises UnknownKind: for any other kind
    """
    if kind not in BADGE_KINDS:
        raise UnknownKind(f"badge kind {kind!r}: use one of {', '.join(sorted(BADGE_KINDS))}")
    return format_html('<span class="badge" data-kind="{}">{}</span>', kind, text)


@register.simple_block_tag
def page_header(content: str, title: object, subtitle: object = "", badge: object = "") -> SafeString:
    """Head a page: title, what the page is for, and the actions written inside the block."""
    return _render("page_header", title=title, subtitle=subtitle, badge=badge, actions=_inner(content))


@register.simple_block_tag
def notice(content: str, kind: str = "info", title: object = "") -> SafeString:
    """
    Tell something that stays on the page; kind as for badges.

    :raises UnknownKind: for any other kind
    """
    if kind not in NOTICE_ICONS:
        raise UnknownKind(f"notice kind {kind!r}: use one of {', '.join(sorted(NOTICE_ICONS))}")
    return _render("notice", kind=kind, title=title, body=_inner(content), icon_name=NOTICE_ICONS[kind])


@register.simple_block_tag
def empty_state(content: str, kind: str, title: object, icon_name: str = "") -> SafeString:
    """
    Fill an empty list: kind "start" (nothing yet), "filter" (no match) or "error" (failed or not allowed).

    :raises UnknownKind: for any other kind
    """
    if kind not in EMPTY_ICONS:
        raise UnknownKind(f"empty state kind {kind!r}: use one of {', '.join(sorted(EMPTY_ICONS))}")
    return _render(
        "empty_state", kind=kind, title=title, body=_inner(content), icon_name=icon_name or EMPTY_ICONS[kind]
    )


@register.simple_block_tag
def check_item(content: str, result: str, text: object) -> SafeString:
    """
    Show one check of a list: result is pass, fail or unknown; the block says what to do about it.

    :raises UnknownKind: for any other result
    """
    if result not in CHECK_ICONS:
        raise UnknownKind(f"check result {result!r}: use one of {', '.join(CHECK_ICONS)}")
    said = {"pass": _("Passed"), "fail": _("Not passed"), "unknown": _("Not known yet")}[result]
    return _render(
        "check_item", result=result, said=said, text=text, body=_inner(content), icon_name=CHECK_ICONS[result]
    )


@register.simple_block_tag
def dialog_body(content: str, title: object, size: str = "") -> SafeString:
    """Frame what htmx puts into #dialog-slot or #drawer-slot: heading, close button, then the block."""
    return _render("dialog_body", title=title, size=size, body=_inner(content))


@register.simple_tag
def copy_field(value: object, element_id: str, label: object = "") -> SafeString:
    """Show a text that people copy, with a copy button; element_id is unique on the page."""
    return _render("copy_field", value=value, element_id=element_id, label=label)


@register.simple_tag
def masked(*, kind: str, id: str, field: str, label: object, value: object, allowed: bool) -> SafeString:  # noqa: A002
    """Show a masked value with its eye, or with a lock for those who may not reveal; value is masked already."""
    return _render("masked", kind=kind, id=id, field=field, label=label, value=value, allowed=allowed)


@register.simple_tag
def form_field(field: BoundField, label: object = "", help_text: object = "", **attributes: object) -> SafeString:
    """Render one field with label, help and errors linked to it; attributes go to the control, `_` read as `-`."""
    widget = field.field.widget
    attrs = {name.replace("_", "-"): value for name, value in attributes.items()}
    return _render(
        "form_field",
        field=field,
        label=label or field.label,
        help_text=help_text or field.help_text,
        control=mark_safe(field.as_widget(attrs=_linked(field, attrs, bool(help_text)))),  # noqa: S308 - Django's own HTML
        is_check=isinstance(widget, CheckboxInput),
        is_group=isinstance(widget, RadioSelect | CheckboxSelectMultiple),
    )


def _linked(field: BoundField, attrs: dict[str, Any], has_own_help: bool) -> dict[str, Any]:
    """Link help that the template gives; Django links the form's own help and errors (BoundField.aria_describedby)."""
    if has_own_help and not field.help_text:
        ids = [f"{field.auto_id}_helptext"] + ([f"{field.auto_id}_error"] if field.errors else [])
        attrs.setdefault("aria-describedby", " ".join(ids))
    return attrs


@register.simple_tag
def form_errors(form: Any) -> SafeString:
    """Render the errors that belong to no single field, or nothing."""
    errors = form.non_field_errors()
    if not errors:
        return SafeString("")
    body = format_html_join("", "<p>{}</p>", ((error,) for error in errors))
    return _render("notice", kind="danger", title="", body=body, icon_name=NOTICE_ICONS["danger"], is_alert=True)


def _inner(content: str) -> SafeString:
    """Trim a block; what a template rendered is escaped already, and str.strip() forgets that."""
    return mark_safe(content.strip())  # noqa: S308


def _render(name: str, **context: object) -> SafeString:
    return render_to_string(f"components/{name}.html", {**context})


@register.filter
def initials(name: object) -> str:
    """Return up to two letters for an avatar; one for names written without spaces."""
    words = str(name).split()
    return "".join(word[0] for word in words[:2]).upper()
