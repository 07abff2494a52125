"""Plans: say what would happen to every row of a batch, before anything happens (peers.md O3)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from customers.actions import Prospect
from customers.queries import reservations_held
from customers.rules import Model
from invitations import queries, rules
from invitations.models import Invitation
from invitations.queries import RESEND_COOLDOWN, Standing
from invitations.rules import RowReason, Verdict
from partner_center.environment import environment
from partner_center.jobs import actions as jobs
from partner_center.jobs.models import Job
from partner_center.masking import mask_email, mask_name
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner

INVITE, RESEND = "invite", "resend"
CHUNK = 1000
GOES = {Verdict.SEND, Verdict.RESEND}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One customer of a list to invite; `fault` and `note` say what is wrong with the row as it was written."""

    number: int
    prospect: Prospect
    custom_tag: str = ""
    fault: RowReason | None = None
    note: str = ""


@dataclass(frozen=True)
class Judgement:
    """What will happen to a row, why, and on which state of its invitation that rests."""

    verdict: Verdict
    reason: str = ""
    note: str = ""
    invitation_id: str = ""
    generation: int = 0


def judge(row: Row, known: Standing, *, member: Member, now: datetime) -> Judgement:
    """Decide about one row from what is known about its address (domain.md 4.2, 4.6)."""
    email = row.prospect.email
    if refusal := row.fault or _why_refused(email, known, member.partner):
        return Judgement(Verdict.REFUSED, refusal, row.note)
    note = known.hindered_by or (RowReason.CUSTOMER_MUST_ACT if email in known.must_act else "")
    live = known.live.get(email)
    if live is None:
        return Judgement(Verdict.SEND, note=note)
    if refusal := _why_not_again(live, member, now):
        return Judgement(Verdict.REFUSED, refusal)
    return Judgement(Verdict.RESEND, RowReason.ALREADY_INVITED, note, live.public_id, live.generation)


def _why_not_again(live: Invitation, member: Member, now: datetime) -> RowReason | None:
    """Return why a live invitation does not go out again when its address is invited anew."""
    if live.owner_id != member.pk and not member.sees_everybody:
        return RowReason.HELD_BY_COLLEAGUE
    if live.status == rules.Status.ASSOCIATING:
        return RowReason.IS_BEING_CHECKED
    if live.sent_at is not None and live.sent_at + RESEND_COOLDOWN > now:
        return RowReason.IN_COOLDOWN
    return None


def _why_refused(email: str, known: Standing, partner: Partner) -> str | None:
    if known.refused_by:
        return known.refused_by
    if email in known.associated:
        return RowReason.ALREADY_ASSOCIATED
    if email in known.members:
        return RowReason.IS_MEMBER
    if known.reserved.get(email, partner.pk) != partner.pk:
        return RowReason.REGISTERED_BY_OTHER
    if email in known.suppressed:
        return RowReason.ADDRESS_SUPPRESSED
    return None


class Allowance:
    """Counts down what a partner may still send and reserve, row by row, so that a plan's totals add up."""

    def __init__(self, *, mails: int, reservations: int) -> None:
        self.mails = mails
        self.reservations = reservations

    def take(self, judgement: Judgement, *, reserves: bool) -> Judgement:
        """Let a row pass while there is room, and say which limit it is over otherwise."""
        if judgement.verdict not in GOES:
            return judgement
        if self.mails < 1:
            return Judgement(Verdict.OVER_LIMIT, RowReason.OVER_BUDGET)
        if reserves and self.reservations < 1:
            return Judgement(Verdict.OVER_LIMIT, RowReason.OVER_CAP)
        self.mails -= 1
        self.reservations -= reserves
        return judgement


def allowance(partner: Partner, *, now: datetime) -> Allowance:
    held = reservations_held(partner, now=now)
    return Allowance(
        mails=queries.budget_left(partner, now=now), reservations=max(0, environment.preregistration_cap - held)
    )


@transaction.atomic
def plan_invitations(
    *, rows: Sequence[Row], model: Model, language: str, title: str, member: Member, actor: Actor, now: datetime
) -> Job:
    """
    Plan to invite a list of customers; nothing is sent until the plan is applied.

    :param title: what sort of list it is and how long; never a file's name, which may name a person
    """
    parameters = {"model": model, "language": language}
    job = jobs.open_plan(
        kind=INVITE, title=title, member=member, partner=member.partner, parameters=parameters, actor=actor, now=now
    )
    items = _planned_rows(rows, member, model, now)
    return jobs.seal_plan(job=job, items=items, actor=actor, now=now)


def _planned_rows(rows: Sequence[Row], member: Member, model: Model, now: datetime) -> Iterator[jobs.PlannedItem]:
    seen: set[str] = set()
    partner = member.partner
    left = allowance(partner, now=now)
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        known = queries.standing([row.prospect.email for row in chunk], partner=partner, model=model, now=now)
        for row in chunk:
            email = row.prospect.email
            if row.fault is None and email in seen:
                judgement = Judgement(Verdict.DUPLICATE, RowReason.DUPLICATE_IN_LIST)
            else:
                judgement = judge(row, known, member=member, now=now)
                judgement = left.take(judgement, reserves=email not in known.reserved)
            seen.add(email)
            yield _planned_row(row, judgement)


def _planned_row(row: Row, judgement: Judgement) -> jobs.PlannedItem:
    prospect = row.prospect
    return jobs.PlannedItem(
        key=f"{row.number}",
        label=f"{mask_name(prospect.customer_name)} · {mask_email(prospect.email)}",
        verdict=judgement.verdict,
        reason=judgement.reason,
        note=judgement.note,
        payload={
            "number": row.number,
            "email": prospect.email,
            "customer_name": prospect.customer_name,
            "account_name": prospect.account_name,
            "mobile": prospect.mobile,
            "custom_tag": row.custom_tag,
            "invitation": judgement.invitation_id,
            "generation": judgement.generation,
        },
        goes=judgement.verdict in GOES,
    )


@transaction.atomic
def plan_resend(*, invitations: Iterable[Invitation], member: Member, actor: Actor, now: datetime) -> Job:
    """
    Plan to send invitations again: eligible rows go, the others are listed with their reason (domain.md 4.6).

    :param invitations: rows the member sees, at most BATCH_LIMIT, newest first
    """
    job = jobs.open_plan(
        kind=RESEND,
        title="",
        member=member,
        partner=member.partner,
        parameters={},
        actor=actor,
        now=now,
    )
    items = _planned_resends(invitations, member.partner, now)
    return jobs.seal_plan(job=job, items=items, actor=actor, now=now)


def _planned_resends(invitations: Iterable[Invitation], partner: Partner, now: datetime) -> Iterator[jobs.PlannedItem]:
    left = allowance(partner, now=now)
    seen: set[str] = set()
    for chunk in _chunks(invitations):
        known = queries.resend_standing(chunk, partner=partner, now=now)
        for invitation in chunk:
            judgement = judge_resend(invitation, known, partner=partner, now=now)
            if judgement.verdict in GOES and invitation.email in seen:
                judgement = Judgement(Verdict.DUPLICATE, RowReason.NEWER_EXISTS)
            judgement = left.take(judgement, reserves=invitation.email not in known.reserved)
            if judgement.verdict in GOES:
                seen.add(invitation.email)
            yield _planned_resend(invitation, judgement)


def _chunks(invitations: Iterable[Invitation]) -> Iterator[list[Invitation]]:
    chunk: list[Invitation] = []
    for invitation in invitations:
        chunk.append(invitation)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def judge_resend(
    invitation: Invitation,
    known: queries.ResendStanding,
    *,
    partner: Partner,
    now: datetime,
    may_be_valid: bool = False,
) -> Judgement:
    """
    Decide whether an invitation goes out again, from its own state and what is known about its address.

    :param may_be_valid: let an invitation that has not run out go too, as when its customer asks for it
    """
    reason = rules.why_not_resendable(invitation, now=now, cooldown=RESEND_COOLDOWN, may_be_valid=may_be_valid)
    if reason is None:
        reason = _why_address_blocks(invitation, known, partner)
    model = rules.model_after_resend(invitation, partner.allowed_models)
    if reason is not None or model is None:
        return Judgement(Verdict.REFUSED, reason or RowReason.MODEL_NOT_ALLOWED)
    note = RowReason.MODEL_SWITCHED if model != invitation.model else known.hindered_by[model]
    return Judgement(Verdict.RESEND, "", note, invitation.public_id, invitation.generation)


def _why_address_blocks(invitation: Invitation, known: queries.ResendStanding, partner: Partner) -> RowReason | None:
    email = invitation.email
    if email in known.associated:
        return RowReason.ALREADY_ASSOCIATED
    if known.newer.get(email, invitation.pk) != invitation.pk:
        return RowReason.NEWER_EXISTS
    if known.reserved.get(email, partner.pk) != partner.pk:
        return RowReason.REGISTERED_BY_OTHER
    if email in known.suppressed:
        return RowReason.ADDRESS_SUPPRESSED
    return None


def _planned_resend(invitation: Invitation, judgement: Judgement) -> jobs.PlannedItem:
    return jobs.PlannedItem(
        key=invitation.public_id,
        label=f"{mask_name(invitation.customer_name)} · {mask_email(invitation.email)}",
        verdict=judgement.verdict,
        reason=judgement.reason,
        note=judgement.note,
        payload={"invitation": invitation.public_id, "generation": invitation.generation},
        goes=judgement.verdict in GOES,
    )
