"""Composing a mail from its three templates; what differs between receivers is filled in afterwards."""

import re
import secrets
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import css_inline
from django.template import Context
from django.template.loader import get_template
from django.utils import translation
from django.utils.html import escape

from partner_center.environment import environment
from partner_center.mail.addresses import LONGEST_NAME_IN_SUBJECT, defuse, safe_display
from partner_center.mail.kinds import Message

NO_SLOTS: Mapping[str, str] = MappingProxyType({})
# Only letters and digits: escaping, translation and the inliner leave a mark as it is. Nobody outside can guess one.
_RARE = "qzxj"
_MARK = f"{_RARE}{secrets.token_hex(8)}"
_MARKS = re.compile(rf"{_MARK}x(\w+?)x{_MARK[::-1]}")
_inliner = css_inline.CSSInliner(load_remote_stylesheets=False)


class BrokenTemplate(ValueError):
    """A mail template that does more with a slot than print it."""


@dataclass(frozen=True)
class Composed:
    """A mail without a recipient."""

    subject: str
    text: str
    html: str
    language: str

    def to(self, recipient: str) -> Message:
        return Message(recipient, self.subject, self.text, self.html, self.language)


def compose(
    template: str,
    context: Mapping[str, Hashable],
    language: str,
    *,
    link: str = "",
    slots: Mapping[str, str] = NO_SLOTS,
) -> Composed:
    """
    Render `{template}.subject.txt`, `{template}.txt` and `{template}.html` in a language.

    `context` holds what many mails share and templates may branch on; `link` and `slots` differ for each receiver and
    are only printed. Rendering and inlining of styles are done once for the former, then the latter are filled in.

    :param link: the mail's one link, absolute
    :param slots: names and other words of people; stripped, cut and kept from becoming links
    :raises BrokenTemplate: when a filter or tag has changed a slot
    """
    shared = tuple(sorted(context.items()))
    subject, text, html = _blanks(template, shared, language, tuple(sorted(slots)))
    words = {name: defuse(value) for name, value in slots.items()}
    short = {name: defuse(safe_display(value, longest=LONGEST_NAME_IN_SUBJECT)) for name, value in slots.items()}
    return Composed(
        subject=" ".join(_fill(subject, short).split()),
        text=_fill(text, {**words, "link": link}).strip() + "\n",
        html=_fill(html, {name: escape(value) for name, value in {**words, "link": link}.items()}),
        language=language,
    )


Pieces = tuple[str, ...]


@lru_cache(maxsize=256)
def _blanks(
    template: str, shared: tuple[tuple[str, Hashable], ...], language: str, slots: tuple[str, ...]
) -> tuple[Pieces, Pieces, Pieces]:
    """Render the three parts with marks where the slots are, cut at the marks."""
    values: dict[str, object] = {
        "product_name": environment.product_name,
        "vendor_name": environment.vendor_name,
        "support_email": environment.support_email,
        "language": language,
        **dict(shared),
        **{name: f"{_MARK}x{name}x{_MARK[::-1]}" for name in (*slots, "link")},
    }
    with translation.override(language):
        subject = _render(f"{template}.subject.txt", values, escaping=False)
        text = _render(f"{template}.txt", values, escaping=False)
        html = _inliner.inline(_render(f"{template}.html", values, escaping=True))
    return _pieces(subject), _pieces(text), _pieces(html)


def _render(name: str, values: Mapping[str, object], *, escaping: bool) -> str:
    template = get_template(name).template  # type: ignore[attr-defined]
    return str(template.render(Context(dict(values), autoescape=escaping)))


def _pieces(rendered: str) -> Pieces:
    """Split into text, slot, text, slot, … text."""
    pieces = tuple(_MARKS.split(rendered))
    if any(_RARE in piece.lower() or _RARE[::-1] in piece.lower() for piece in pieces[::2]):
        raise BrokenTemplate("a slot may only be printed, without a filter")
    return pieces


def _fill(pieces: Pieces, values: Mapping[str, str]) -> str:
    filled = list(pieces)
    for place in range(1, len(filled), 2):
        filled[place] = values[filled[place]]
    return "".join(filled)
