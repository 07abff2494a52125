"""The kinds of mail there are: each app registers its own, and an unknown kind is refused."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.utils.functional import Promise

from partner_center.mail.rules import Delivery, Policy


class OutboxKey(NamedTuple):
    """What a mail is about: an object's public id and which generation of it."""

    object_id: str
    generation: int


@dataclass(frozen=True)
class Message:
    """A mail as the recipient will read it. It lives in memory only."""

    recipient: str
    subject: str
    text: str
    html: str
    language: str


@dataclass(frozen=True)
class DeliveryChange:
    """News of a mail's way; `recipient_hash` is set once the address was known."""

    object_id: str
    generation: int
    state: Delivery
    code: str
    at: datetime
    recipient_hash: str = ""


Render = Callable[[Sequence[OutboxKey]], Mapping[OutboxKey, Message]]
Delivered = Callable[[Sequence[DeliveryChange]], None]


@dataclass(frozen=True, kw_only=True)
class MailKind:
    """
    One kind of mail.

    `render` makes messages of keys at the moment of sending; a key missing from its answer is obsolete, and its mail
    is suppressed. `delivered` is called inside the transaction that changes the outbox. `on_ambiguity` says what to do
    when nobody can know whether the mail went out.
    """

    key: str
    label: str | Promise
    on_ambiguity: Policy
    render: Render
    delivered: Delivered | None = None


class UnknownKind(LookupError):
    """A mail of a kind that no app has registered."""


_kinds: dict[str, MailKind] = {}


def register(kind: MailKind) -> None:
    """
    Add a kind, from `AppConfig.ready()`.

    :raises ValueError: when another kind has this key, or the key cannot stand in a Message-ID
    """
    if not (kind.key.isascii() and kind.key.isidentifier()):
        raise ValueError(f"{kind.key!r} should be an identifier")
    if _kinds.setdefault(kind.key, kind) != kind:
        raise ValueError(f"there is a kind {kind.key!r} already")


def kind_of(key: str) -> MailKind:
    """
    Find a kind.

    :raises UnknownKind: when nobody has registered it
    """
    try:
        return _kinds[key]
    except KeyError:
        raise UnknownKind(key) from None
