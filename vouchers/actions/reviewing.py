"""Review by the vendor's staff: marks are records too, chained per partner and never changed."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from partner_center.audit import actions as audit
from partner_center.audit.models import Deed
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from vouchers.models import OperationRecord, Review, ReviewMark


class NoteNeeded(Refusal):
    code = "note_needed"
    message = _("Say what is wrong with what you flag.")
    next_step = _("Write a note, then flag again.")
    status = 422


class NothingToMark(Refusal):
    code = "nothing_to_mark"
    message = _("Nothing is selected.")
    next_step = _("Tick the operations to mark.")
    status = 400


def mark(*, records: Iterable[OperationRecord], as_: ReviewMark, note: str, actor: Actor, now: datetime) -> int:
    """
    Mark operations as reviewed or flagged; the newest mark of an operation counts, earlier ones stay readable.

    :param records: of any partners
    :param note: what was found; needed for a flag
    :returns: how many were marked
    :raises NoteNeeded: for a flag without a note
    :raises NothingToMark: without records
    """
    if as_ == ReviewMark.FLAGGED and not note:
        raise NoteNeeded
    found = sorted(records, key=lambda record: (record.partner_id or 0, record.pk))
    if not found:
        raise NothingToMark
    with transaction.atomic():
        # Chains are locked in the order of the partners, as everybody locks them.
        for _partner, group in groupby(found, key=lambda record: record.partner_id):
            _append(list(group), as_, note, actor, now)
        details = {"mark": as_.value, "rows": len(found)}
        audit.record(deed=Deed.OPERATION_REVIEWED, actor=actor, partner=None, target=None, now=now, details=details)
    return len(found)


def _append(records: list[OperationRecord], as_: ReviewMark, note: str, actor: Actor, now: datetime) -> None:
    reviews = [
        Review(
            occurred_at=now,
            record=record,
            record_id_text=record.public_id,
            mark=as_.value,
            note=note,
            actor_id=actor.public_id,
            actor_name=actor.name,
            request_id=actor.request_id,
        )
        for record in records
    ]
    audit.append(reviews, partner=records[0].partner)
