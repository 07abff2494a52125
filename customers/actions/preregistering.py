"""Preregister: reserve customers for one partner for a limited time, give them up, let them lapse."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from customers import queries
from customers.models import Preregistration, PreregistrationStatus
from partner_center.audit import actions as audit
from partner_center.audit.models import Deed
from partner_center.environment import environment
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner, new_public_id


class RegisteredByOther(Refusal):
    code = "customer_registered_by_other_partner"
    message = _("Another partner has preregistered this customer.")
    next_step = _("Wait until that preregistration expires, or ask your ecosystem manager.")


class AlreadyRegistered(Refusal):
    code = "already_preregistered"
    message = _("You have already preregistered this customer.")
    next_step = _("Invite the customer from your list of preregistrations.")


class AlreadyAssociated(Refusal):
    code = "already_associated"
    message = _("This customer is already associated with you.")
    next_step = _("Open the customer in your history records.")


class CapReached(Refusal):
    code = "over_cap"
    message = _("You hold %(cap)s preregistrations, as many as allowed.")
    next_step = _("Wait until some expire, or withdraw those you no longer need.")


class PartnerBlocked(Refusal):
    """Something on the partner's own side stands in the way; the texts are those of its cause."""

    code = "partner_blocked"
    message = "%(reason)s"
    next_step = "%(advice)s"


class NotLive(Refusal):
    code = "preregistration_not_live"
    message = _("This preregistration has already ended.")
    next_step = _("Reload the list to see its present state.")


@dataclass(frozen=True, kw_only=True)
class Prospect:
    """Somebody a partner wants to win; the address is in its normal form."""

    email: str
    customer_name: str
    account_name: str = ""
    mobile: str = ""


@dataclass(frozen=True)
class Reservations:
    """What came of reserving several addresses for one partner."""

    held: frozenset[str]
    taken: frozenset[str]
    over_cap: frozenset[str]


@transaction.atomic
def preregister(*, prospect: Prospect, owner: Member, actor: Actor, now: datetime) -> Preregistration:
    """
    Reserve a customer for this partner for a limited time (domain.md 4.1).

    What stands in the way on the customer's side refuses nothing here: no partner learns of it before the customer
    consents (decisions.md 8). Ask queries.customer_must_act what may be said.

    :raises PartnerBlocked: if something on the partner's own side stands in the way
    :raises AlreadyAssociated: if the customer is already this partner's
    :raises AlreadyRegistered: if this partner holds a live preregistration
    :raises RegisteredByOther: if another partner does
    :raises CapReached: if this partner holds as many as allowed
    """
    partner = owner.partner
    if blockers := queries.partner_side_refusals(partner, now=now):
        raise PartnerBlocked(reason=blockers[0].partner_message, advice=blockers[0].partner_next_step)
    if queries.associated_emails([prospect.email], partner=partner):
        raise AlreadyAssociated
    if Preregistration.objects.of(partner).live(now=now).filter(email=prospect.email).exists():
        raise AlreadyRegistered
    with audit.written_last():
        result = reserve(prospects=[prospect], owner=owner, actor=actor, now=now)
    if result.taken:
        raise RegisteredByOther
    if result.over_cap:
        raise CapReached(cap=environment.preregistration_cap)
    return Preregistration.objects.of(partner).live(now=now).get(email=prospect.email)


def lock_partner(pk: int) -> Partner:
    """
    Make everybody wait who counts what a partner may still reserve or send: caps and budgets are sums.

    It comes before the rows of the partner in every deed that needs both. Rows that only refer to the partner go on
    being written: a full lock would keep them out too, and some of their writers wait for each other then.
    """
    return Partner.objects.select_for_update(no_key=True).get(pk=pk)


def reserve(*, prospects: Sequence[Prospect], owner: Member, actor: Actor, now: datetime) -> Reservations:
    """
    Reserve several addresses at once; those the partner holds already keep their term.

    The partner row is locked, so that two batches cannot pass the cap together; the unique index on live
    addresses decides between partners. Call it inside the transaction that needs the reservations, and inside
    `audit.written_last()`: what has lapsed at other partners is written down too.
    """
    partner = lock_partner(owner.partner_id)
    emails = [prospect.email for prospect in prospects]
    expire_preregistrations(now=now, emails=emails)
    before = queries.reservations_by_email(emails, now=now)
    wanted = [prospect for prospect in prospects if prospect.email not in before]
    room = max(0, environment.preregistration_cap - Preregistration.objects.of(partner).live(now=now).count())
    # In one order, so that of two partners with the same list one waits for the other, and never each for each.
    chosen = sorted(wanted[:room], key=lambda prospect: prospect.email)
    rows = [_reservation(prospect, partner, owner, now) for prospect in chosen]
    Preregistration.objects.bulk_create(rows, ignore_conflicts=True)
    after = queries.reservations_by_email(emails, now=now)
    won = [row for row in rows if after.get(row.email) == partner.pk]
    entries = [audit.Entry("preregistration", row.public_id, {}) for row in won]
    audit.record_many(deed=Deed.CUSTOMER_PREREGISTERED, actor=actor, partner=partner, entries=entries, now=now)
    return Reservations(
        held=frozenset(email for email, holder in after.items() if holder == partner.pk),
        taken=frozenset(email for email, holder in after.items() if holder != partner.pk),
        over_cap=frozenset(prospect.email for prospect in wanted[room:] if prospect.email not in after),
    )


def _reservation(prospect: Prospect, partner: Partner, owner: Member, now: datetime) -> Preregistration:
    return Preregistration(
        public_id=new_public_id(),
        partner=partner,
        owner=owner,
        email=prospect.email,
        customer_name=prospect.customer_name,
        account_name=prospect.account_name,
        mobile=prospect.mobile,
        created_at=now,
        valid_until=now + timedelta(days=environment.preregistration_days),
    )


@transaction.atomic
def withdraw_preregistration(*, preregistration: Preregistration, actor: Actor, now: datetime) -> None:
    """
    Give up a reservation, so that another partner may take the customer.

    :raises NotLive: if it has already ended
    """
    ended = (
        Preregistration.objects.live(now=now)
        .filter(pk=preregistration.pk)
        .update(status=PreregistrationStatus.WITHDRAWN, ended_at=now)
    )
    if not ended:
        raise NotLive
    partner = preregistration.partner
    audit.record(deed=Deed.PREREGISTRATION_WITHDRAWN, actor=actor, partner=partner, target=preregistration, now=now)


@transaction.atomic
def expire_preregistrations(*, now: datetime, emails: Iterable[str] | None = None, limit: int = 500) -> int:
    """Write down that reservations have lapsed: all that are due, at most `limit`, or those of some addresses."""
    due = Preregistration.objects.due(now=now).select_related("partner").order_by("partner_id", "pk")
    if emails is not None:
        due = due.filter(email__in=list(emails))
    rows = list(due.select_for_update(of=("self",), no_key=True)[:limit])
    Preregistration.objects.filter(pk__in=[row.pk for row in rows]).update(
        status=PreregistrationStatus.EXPIRED, ended_at=now
    )
    for partner, group in groupby(rows, key=lambda row: row.partner):
        entries = [audit.Entry("preregistration", row.public_id, {}) for row in group]
        actor = Actor.system("expiry")
        audit.record_many(deed=Deed.PREREGISTRATION_EXPIRED, actor=actor, partner=partner, entries=entries, now=now)
    return len(rows)
