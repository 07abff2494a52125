"""What time and the world do to invitations: expiry, delivery reports, cleared causes."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import F

from customers.rules import CAUSES, Remedy
from invitations import queries
from invitations.models import Invitation
from invitations.rules import Delivery, Status
from partner_center.audit import actions as audit
from partner_center.audit.models import Deed
from partner_center.mail.kinds import DeliveryChange
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Partner

CHUNK = 500
# A little less than the bell's own pause, so that each bell finds what the last one looked at.
RECHECK_PAUSE = timedelta(seconds=50)
CLEARABLE = tuple(code for code, cause in CAUSES.items() if cause.remedy != Remedy.TERMINAL)
OBSOLETE = "obsolete"


@transaction.atomic
def expire_due(*, now: datetime, limit: int = CHUNK) -> int:
    """
    Write down which invitations have run out, at most `limit`; each row changes once, whoever else sweeps.

    An expired link stopped working at its time already (decisions.md 5.6): this brings state and log after it.
    Rows that an accept or another sweep holds are left to it; on SQLite there is one writer and nothing to skip.
    """
    due = Invitation.objects.due_to_expire(now=now).order_by("expires_at", "pk")
    skip = connection.features.has_select_for_update_skip_locked
    return _expire(list(due.select_for_update(skip_locked=skip, of=("self",), no_key=True)[:limit]), now)


def expire_addresses(
    emails: Iterable[str], *, partner: Partner, now: datetime, sparing: Iterable[Invitation] = ()
) -> int:
    """Expire what is due at these addresses now, so that the index of live addresses is free for a new row."""
    due = Invitation.objects.of(partner).due_to_expire(now=now).filter(email__in=list(emails))
    return _expire(list(due.exclude(pk__in=[row.pk for row in sparing]).locked()), now)


def _expire(rows: Sequence[Invitation], now: datetime) -> int:
    due = Invitation.objects.due_to_expire(now=now).filter(pk__in=[row.pk for row in rows])
    changed = due.update(status=Status.EXPIRED)
    _log_per_partner(Deed.INVITATION_EXPIRED, rows, Actor.system("expiry"), now)
    return changed


def _log_per_partner(deed: Deed, rows: Sequence[Invitation], actor: Actor, now: datetime) -> None:
    """Log in the order of the partners' pks: sweeps lock the heads of their chains in the same order."""
    for partner_id, group in groupby(sorted(rows, key=lambda row: row.partner_id), key=lambda row: row.partner_id):
        entries = [audit.Entry("invitation", row.public_id, {"generation": row.generation}) for row in group]
        partner = Partner.objects.get(pk=partner_id)
        audit.record_many(deed=deed, actor=actor, partner=partner, entries=entries, now=now)


def record_delivery(changes: Sequence[DeliveryChange]) -> None:
    """
    Show on each invitation how far its newest mail got; reports about superseded mails change nothing.

    A mail that was not needed any more, because the customer had answered by a link from elsewhere, is no bounced one.

    Called by the outbox inside the transaction that changes its own rows.
    """
    for change in changes:
        Invitation.objects.filter(public_id=change.object_id, generation=change.generation).update(
            delivery=Delivery.NONE if change.code == OBSOLETE else Delivery(str(change.state))
        )


# --- cleared causes ------------------------------------------------------------------------------


class Rechecked(NamedTuple):
    """How many failed invitations were looked at again, and how many of them became ready to retry."""

    looked_at: int
    ready: int


@transaction.atomic
def recheck_blocked(*, now: datetime, limit: int = CHUNK) -> Rechecked:
    """
    Look again at failed invitations whose causes somebody can clear, those first that have waited longest.

    What could succeed now is marked and logged; a mark whose reason is gone is taken back.
    """
    waiting = Invitation.objects.to_recheck(codes=CLEARABLE, before=now - RECHECK_PAUSE)
    chosen = list(waiting.order_by(F("rechecked_at").asc(nulls_first=True), "pk").values_list("pk", flat=True)[:limit])
    skip = connection.features.has_select_for_update_skip_locked
    failed = Invitation.objects.filter(pk__in=chosen, status=Status.ASSOCIATION_FAILED).order_by("pk")
    rows = list(failed.select_for_update(skip_locked=skip, no_key=True))
    clear = queries.cleared([row.pk for row in rows], now=now)
    looked_at = Invitation.objects.filter(pk__in=[row.pk for row in rows])
    looked_at.update(rechecked_at=now)
    looked_at.exclude(pk__in=clear).exclude(ready_to_retry_at=None).update(ready_to_retry_at=None)
    ready = [row for row in rows if row.pk in clear and row.ready_to_retry_at is None]
    Invitation.objects.filter(pk__in=[row.pk for row in ready]).update(ready_to_retry_at=now)
    _log_per_partner(Deed.INVITATION_BLOCKED_CLEARED, ready, Actor.system("re-check"), now)
    return Rechecked(len(rows), len(ready))
