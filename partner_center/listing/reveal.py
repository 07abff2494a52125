"""
Reveal: clear values of one field for named rows, against a right, a limit and an entry in the log (decisions.md 6).

Rooms register what can be revealed. What is not registered cannot be asked for, and rows are only ever taken from
what the viewer may see. The vendor's staff have kinds of their own, and their reveals stand in the platform's chain.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from partner_center.audit import actions as audit
from partner_center.audit.models import Deed, Result
from partner_center.limits import actions as limits
from partner_center.limits.actions import TooMany
from partner_center.listing.keyset import PUBLIC_ID
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, User, Viewer
from partner_center.tenancy.permissions import Permission

MOST_ROWS = 100
PER_HOUR, PER_DAY = 60, 300


class Purpose(TextChoices):
    """Why somebody looks at personal data."""

    SUPPORT = "support", _("Answer the customer's question")
    CONTRACT = "contract", _("Prepare or check a contract")
    INVITATION = "invitation", _("Follow up on an invitation")
    BILLING = "billing", _("Clear a payment or an invoice")
    CORRECTION = "correction", _("Correct the customer's data")
    DISPUTE = "dispute", _("Settle a dispute or a complaint")


class MayNotReveal(Refusal):
    code = "may_not_reveal"
    message = _("You may not reveal this.")
    next_step = _("Ask a partner admin for the right to reveal masked fields.")
    status = 403


class UnknownRows(Refusal):
    """The same answer for what another partner owns, what does not exist and what was never a row."""

    code = "unknown_rows"
    message = _("These rows are not in your list any more.")
    next_step = _("Load the page again.")
    status = 404


class BadReveal(Refusal):
    code = "bad_reveal"
    message = _("This cannot be revealed.")
    next_step = _("Load the page again.")
    status = 400


class PurposeNeeded(Refusal):
    code = "purpose_needed"
    message = _("Say why you need to see this.")
    status = 428


class TooManyReveals(TooMany):
    code = "too_many_reveals"
    message = _("You have revealed as much as is allowed for now.")


@dataclass(frozen=True)
class _Source:
    fields: Mapping[str, str]
    rows: Callable[[Any], QuerySet[Any]]
    audience: type[Member] | type[User]


_SOURCES: dict[str, _Source] = {}


def register(kind: str, *, fields: Mapping[str, str], rows: Callable[[Member], QuerySet[Any]]) -> None:
    """
    Let the fields of one kind of row be revealed.

    :param kind: the word in data-kind of a masked cell
    :param fields: name in data-field to model column
    :param rows: what a member may see
    """
    _SOURCES[kind] = _Source(dict(fields), rows, Member)


def register_for_staff(kind: str, *, fields: Mapping[str, str], rows: Callable[[User], QuerySet[Any]]) -> None:
    """
    Let the vendor's staff reveal the fields of one kind of row; as register() does for members.

    :param rows: what one of the staff may see
    """
    _SOURCES[kind] = _Source(dict(fields), rows, User)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """
    What somebody asks to see.

    :param kind: as registered
    :param field: as registered for the kind
    :param ids: public ids of the rows
    :param purpose: one of Purpose, "" when it was not said yet
    """

    kind: str
    field: str
    ids: frozenset[str]
    purpose: str

    @property
    def source(self) -> _Source | None:
        source = _SOURCES.get(self.kind)
        return source if source is not None and self.field in source.fields else None


def reveal(wish: Wish, *, viewer: Viewer, actor: Actor, now: datetime) -> dict[str, str]:
    """
    Return public id to clear value, and log who looked at which rows and why; a refusal is logged too.

    A page's column counts as one reveal: the limits are 60 an hour and 300 a day per viewer (reliability.md 4.4).

    :raises MayNotReveal: without customer.unmask, or for a kind that is for members or staff only
    :raises BadReveal: for an unknown kind or field, no ids, more than 100, or an unknown purpose
    :raises UnknownRows: when any id is not the viewer's to see; nothing is revealed then
    :raises PurposeNeeded: without a purpose
    :raises TooManyReveals: over a limit
    """
    log = partial(_log, wish, actor=actor, viewer=viewer, now=now)
    try:
        source = _checked(wish, viewer)
        with transaction.atomic():
            _spend(viewer, now)
            values = _values(source, wish, viewer)
            log(Deed.FIELD_REVEALED, Result.DONE, {"purpose": wish.purpose, "ids": sorted(values)})
    except PurposeNeeded:
        raise
    except Refusal as refusal:
        with transaction.atomic():
            log(Deed.REVEAL_REFUSED, Result.REFUSED, {"code": refusal.code})
        raise
    return values


def _checked(wish: Wish, viewer: Viewer) -> _Source:
    if not viewer.may(Permission.CUSTOMER_UNMASK):
        raise MayNotReveal
    if wish.source is not None and not isinstance(viewer, wish.source.audience):
        raise MayNotReveal
    if wish.source is None or not 1 <= len(wish.ids) <= MOST_ROWS:
        raise BadReveal
    if not wish.purpose:
        raise PurposeNeeded
    if wish.purpose not in Purpose.values:
        raise BadReveal
    return wish.source


def _spend(viewer: Viewer, now: datetime) -> None:
    try:
        for name, allowed, per in (("hour", PER_HOUR, timedelta(hours=1)), ("day", PER_DAY, timedelta(days=1))):
            limits.spend(key=f"reveal:{name}:{viewer.public_id}", allowed=allowed, per=per, now=now)
    except TooMany as refusal:
        raise TooManyReveals(refusal.retry_after) from None


def _values(source: _Source, wish: Wish, viewer: Viewer) -> dict[str, str]:
    # PostgreSQL cannot even be asked for a text with a null character.
    wanted = [text for text in wish.ids if text.isascii() and text.isprintable()]
    rows = source.rows(viewer).filter(**{f"{PUBLIC_ID}__in": wanted})
    values: dict[str, str] = dict(rows.values_list(PUBLIC_ID, source.fields[wish.field]))
    if values.keys() != wish.ids:
        raise UnknownRows
    return values


def _log(
    wish: Wish,
    deed: Deed,
    result: Result,
    about: Mapping[str, object],
    *,
    viewer: Viewer,
    actor: Actor,
    now: datetime,
) -> None:
    """Name kind and field only when they are ours: what was posted may hold anything."""
    named = {"kind": wish.kind, "field": wish.field} if wish.source else {}
    audit.record(
        deed=deed,
        result=result,
        actor=actor,
        partner=viewer.partner if isinstance(viewer, Member) else None,
        target=None,
        now=now,
        details={**named, **about},
    )
