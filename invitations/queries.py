"""Reads of the invitations room that span tables."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Max
from django.utils.translation import gettext_lazy as _

from customers import queries as customers
from customers.models import Account
from customers.rules import CAUSES, Cause, Model, failing_causes
from invitations.models import Invitation, InvitationLink, Registration
from invitations.rules import (
    HANDED_LINK,
    LIVE,
    MAIL_LINK,
    OFFLINE_LINK,
    REGISTER_LINK,
    Delivery,
    LinkState,
    RowReason,
    Status,
    Token,
    link_state,
    make_token,
    proves,
)
from partner_center.audit.models import AuditEntry, Deed
from partner_center.audit.queries import history_of
from partner_center.environment import environment
from partner_center.limits import queries as limits
from partner_center.mail import queries as mail
from partner_center.mail.kinds import kind_of
from partner_center.mail.models import MailOutbox
from partner_center.mail.rules import State, delivery_of
from partner_center.tenancy.models import Member, Partner, User

RESEND_COOLDOWN = timedelta(minutes=environment.resend_cooldown_minutes)
BUDGET_PERIOD = timedelta(hours=24)
LINKS_A_PAGE = 50


def invite_key() -> bytes:
    """Return the key that links are derived from."""
    return (environment.invite_key or f"invite|{settings.SECRET_KEY}").encode()


def token_of(row: Invitation | InvitationLink | Registration, *, kind: str, generation: int | None = None) -> str:
    """Derive the token of a row's link, of its newest generation unless told otherwise."""
    return make_token(
        key=invite_key(),
        kind=kind,
        public_id=row.public_id,
        generation=row.generation if generation is None else generation,
        nonce=row.nonce,
    )


def valid_until(now: datetime) -> datetime:
    """Return until when a link sent now is valid: the full term, every time (domain.md 4.6)."""
    return now + timedelta(days=environment.invitation_days)


# A row nobody has: proving a token of an unknown row costs what proving a known one costs.
_NOBODY = "0" * 32


def proven_invitation(token: Token) -> Invitation | None:
    """Return the invitation a mailed link or its handed copy belongs to, whatever its state; None unless it is ours."""
    rows = Invitation.objects.select_related("partner", "owner__user", "account")
    row = rows.filter(public_id=token.public_id).first()
    is_ours = proves(token, key=invite_key(), nonce=row.nonce if row else _NOBODY)
    return row if row is not None and token.kind in {MAIL_LINK, HANDED_LINK} and is_ours else None


def proven_link(token: Token) -> InvitationLink | None:
    """Return the reusable link a token belongs to, whatever its state; None unless we made it."""
    rows = InvitationLink.objects.select_related("partner", "created_by__user")
    row = rows.filter(public_id=token.public_id).first()
    is_ours = proves(token, key=invite_key(), nonce=row.nonce if row else _NOBODY)
    return row if row is not None and token.kind == OFFLINE_LINK and is_ours else None


def proven_registration(token: Token) -> Registration | None:
    """Return what a newcomer's mailed link belongs to, used up or not; None unless we made it."""
    rows = Registration.objects.select_related("link__partner", "link__created_by__user", "invitation__partner")
    row = rows.filter(public_id=token.public_id).first()
    is_ours = proves(token, key=invite_key(), nonce=row.nonce if row else _NOBODY)
    return row if row is not None and token.kind == REGISTER_LINK and is_ours else None


def has_sign_in(address: str) -> bool:
    """Tell whether somebody signs in with an address; for the eyes of who reads its mail only."""
    return User.objects.filter(email=address).exists()


def budget_key(partner: Partner) -> str:
    return f"invitation-mail:{partner.pk}"


def budget_left(partner: Partner, *, now: datetime) -> int:
    """Return how many invitation mails the partner may still send in these 24 hours."""
    return limits.remaining(key=budget_key(partner), allowed=environment.daily_mail_budget, per=BUDGET_PERIOD, now=now)


@dataclass(frozen=True)
class Standing:
    """What is known about a chunk of addresses, from one partner's point of view."""

    live: dict[str, Invitation]
    reserved: dict[str, int]
    associated: set[str]
    members: set[str]
    suppressed: set[str]
    must_act: set[str]
    # Codes of causes on the partner's own side: what refuses everybody, and what would fail an accept today.
    refused_by: str
    hindered_by: str


def standing(emails: Sequence[str], *, partner: Partner, model: Model, now: datetime) -> Standing:
    """Read what judging a chunk of rows needs, in a fixed number of queries."""
    live = Invitation.objects.of(partner).filter(email__in=emails, status__in=LIVE)
    return Standing(
        live={row.email: row for row in live if row.status_at(now) != Status.EXPIRED},
        reserved=customers.reservations_by_email(emails, now=now),
        associated=customers.associated_emails(emails, partner=partner),
        members=customers.member_emails(emails),
        suppressed=mail.suppressed_addresses(emails, partner=partner),
        must_act=customers.addresses_that_must_act(emails, partner=partner, model=model, now=now),
        refused_by=_refused_by(partner, model, now),
        hindered_by=_hindered_by(partner, model, now),
    )


def _refused_by(partner: Partner, model: Model, now: datetime) -> str:
    """Inviting preregisters in the same step, so what refuses that refuses the row (domain.md 4.1)."""
    if model not in partner.allowed_models:
        return RowReason.MODEL_NOT_ALLOWED
    return next((cause.code for cause in customers.partner_side_refusals(partner, now=now)), "")


def _hindered_by(partner: Partner, model: str, now: datetime) -> str:
    return next((cause.code for cause in customers.partner_side_blockers(partner, Model(model), now=now)), "")


@dataclass(frozen=True)
class ResendStanding:
    """What is known about the addresses of a chunk of invitations that may go out again."""

    newer: dict[str, int]
    reserved: dict[str, int]
    associated: set[str]
    suppressed: set[str]
    # By model: the code of a cause on the partner's own side that would fail an accept today.
    hindered_by: dict[str, str]


def resend_standing(invitations: Sequence[Invitation], *, partner: Partner, now: datetime) -> ResendStanding:
    """Read what judging a chunk of resends needs, in a fixed number of queries."""
    emails = [row.email for row in invitations if row.email]
    rows = Invitation.objects.of(partner).filter(email__in=emails).values_list("email").annotate(newest=Max("pk"))
    return ResendStanding(
        newer=dict(rows),
        reserved=customers.reservations_by_email(emails, now=now),
        associated=customers.associated_emails(emails, partner=partner),
        suppressed=mail.suppressed_addresses(emails, partner=partner),
        hindered_by={model: _hindered_by(partner, model, now) for model in partner.allowed_models},
    )


def blockers(invitation: Invitation, *, now: datetime) -> list[Cause]:
    """Return every check that the account behind an answered invitation fails today."""
    if invitation.account is None:
        return []
    return failing_for(invitation.account, partner=invitation.partner, model=Model(invitation.model), now=now)


def failing_for(account: Account, *, partner: Partner, model: Model, now: datetime) -> list[Cause]:
    """Return every check that stands between an account and a partner in one model, the deciding one first."""
    return failing_causes(
        customers.partner_facts(partner),
        customers.account_facts(account, now=now),
        model,
        partner_id=partner.public_id,
        now=now,
        limits=customers.LIMITS,
    )


def cleared(pks: Sequence[int], *, now: datetime) -> set[int]:
    """Return those failed invitations whose checks would all pass now, in a fixed number of queries per partner."""
    rows = Invitation.objects.filter(pk__in=pks, account__isnull=False).select_related("partner", "account")
    found = {row.pk: (row, row.account) for row in rows if row.account is not None}
    facts = customers.facts_of([account for _row, account in found.values()], now=now)
    partners = {row.partner: customers.partner_facts(row.partner) for row, _account in found.values()}
    return {
        pk
        for pk, (row, account) in found.items()
        if facts[account.email].associated_partner_id != row.partner.public_id
        and not failing_causes(
            partners[row.partner],
            facts[account.email],
            Model(row.model),
            partner_id=row.partner.public_id,
            now=now,
            limits=customers.LIMITS,
        )
    }


# --- what happened -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Event:
    """One line of a timeline."""

    at: datetime
    title: str
    kind: str
    actor: str = ""
    notes: tuple[str, ...] = ()


_KIND_OF_DEED = {
    Deed.ASSOCIATION_CREATED: "success",
    Deed.CHECKS_FAILED: "danger",
    Deed.INVITATION_EXPIRED: "warning",
    Deed.INVITATION_DECLINED: "warning",
    Deed.INVITATION_BLOCKED_CLEARED: "success",
}
_KIND_OF_DELIVERY = {Delivery.SENT: "success", Delivery.BOUNCED: "danger", Delivery.DEFERRED: "warning"}


def timeline(invitation: Invitation) -> list[Event]:
    """Tell everything that happened to an invitation, newest first: from the log, and from the outbox."""
    entries = history_of(invitation.partner, invitation.public_id)
    if invitation.association is not None:
        entries = entries | history_of(invitation.partner, invitation.association.public_id)
    events = [_event(entry) for entry in entries]
    events += [_mail_event(row) for row in mail.mails_about(invitation.public_id, partner=invitation.partner)]
    # Turned round after sorting, so that of two events of one moment the later written stands first.
    return sorted(events, key=lambda event: event.at)[::-1]


def link_timeline(link: InvitationLink) -> list[Event]:
    """Tell everything that was done to a reusable link, newest first."""
    return [_event(entry) for entry in reversed(history_of(link.partner, link.public_id))]


def _event(entry: AuditEntry) -> Event:
    deed = Deed(entry.deed)
    codes = json.loads(entry.details).get("causes", ())
    notes = tuple(str(CAUSES[code].label) for code in codes if code in CAUSES)
    actor = entry.actor_name or str(_ACTORS.get(entry.actor_kind, ""))
    return Event(entry.occurred_at, str(deed.label), _KIND_OF_DEED.get(deed, "info"), actor, notes)


_ACTORS = {"customer": _("Customer"), "system": _("System")}


def _mail_event(row: MailOutbox) -> Event:
    state = Delivery(delivery_of(State(row.state), attempts=row.attempts, ambiguous=row.ambiguous))
    title = _("Mail “%(mail)s”: %(state)s") % {"mail": kind_of(row.kind).label, "state": state.label}
    notes = (row.last_code,) if row.last_code and state != Delivery.SENT else ()
    return Event(row.sent_at or row.created_at, str(title), _KIND_OF_DELIVERY.get(state, "info"), notes=notes)


# --- links ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Funnel:
    """How far the customers of one link came."""

    link: InvitationLink
    state: LinkState
    associated: int
    failed: int
    causes: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class FunnelPage:
    """A page of the links a member sees, newest first; `older` is the public id to go on from, or empty."""

    funnels: Sequence[Funnel]
    total: int
    is_first: bool
    older: str


def funnel_page(member: Member, *, before: str = "", now: datetime) -> FunnelPage:
    """
    Return a page of links, each with how far its customers came, and how many links there are in all.

    :param before: public id of the link behind which the page begins; one the member cannot see begins at the newest
    """
    visible = InvitationLink.objects.visible_to(member)
    behind = visible.filter(public_id=before).values_list("pk", flat=True).first() if before else None
    rows = visible.filter(pk__lt=behind) if behind is not None else visible
    found = list(rows.select_related("created_by__user").order_by("-pk")[: LINKS_A_PAGE + 1])
    links = found[:LINKS_A_PAGE]
    return FunnelPage(
        funnels=_funnels(links, now=now),
        total=visible.count(),
        is_first=behind is None,
        older=links[-1].public_id if len(found) > LINKS_A_PAGE else "",
    )


def _funnels(links: Sequence[InvitationLink], *, now: datetime) -> list[Funnel]:
    outcomes = Invitation.objects.filter(link__in=links).values_list("link_id", "status").annotate(count=Count("pk"))
    counts = {(link_id, status): count for link_id, status, count in outcomes}
    return [
        Funnel(
            link,
            link_state(link, now=now),
            counts.get((link.pk, Status.ASSOCIATED), 0),
            counts.get((link.pk, Status.ASSOCIATION_FAILED), 0),
        )
        for link in links
    ]


def funnel(link: InvitationLink, *, now: datetime) -> Funnel:
    """Return how far the customers of a link came, with the causes that stopped them, commonest first."""
    rows = Invitation.objects.filter(link=link)
    failed = rows.filter(status=Status.ASSOCIATION_FAILED).values_list("cause").annotate(count=Count("pk"))
    causes = tuple((str(CAUSES[code].label), count) for code, count in failed.order_by("-count", "cause"))
    return Funnel(
        link=link,
        state=link_state(link, now=now),
        associated=rows.filter(status=Status.ASSOCIATED).count(),
        failed=sum(count for _label, count in causes),
        causes=causes,
    )
