"""Send and resend: the one service behind single, batch, and requested links (peers.md 4 #1)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from customers import actions as customers
from customers.actions import Prospect
from customers.rules import Model
from invitations import queries, rules
from invitations.actions import sweeping
from invitations.actions.planning import GOES, Row, allowance, judge, judge_resend
from invitations.models import Invitation, InvitationQuerySet
from invitations.queries import BUDGET_PERIOD
from invitations.rules import Delivery, Method, RowReason, Status, Verdict
from partner_center.audit import actions as audit
from partner_center.audit.models import Deed
from partner_center.environment import environment
from partner_center.jobs.kinds import ItemOutcome
from partner_center.jobs.models import Job, JobItem
from partner_center.jobs.rules import ItemState
from partner_center.limits import actions as limits
from partner_center.mail import actions as mail
from partner_center.mail.kinds import OutboxKey
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner, new_public_id

MAIL_KIND = "invitation"
CANCELLABLE = rules.before(Status.CANCELLED)


class NotCancellable(Refusal):
    code = "not_cancellable"
    message = _("The customer has already answered, or the invitation has ended.")
    next_step = _("Reload the page to see its present state.")


# --- invite --------------------------------------------------------------------------------------


def apply_invitations(job: Job, items: Sequence[JobItem], actor: Actor, now: datetime) -> list[ItemOutcome]:
    """
    Send a chunk of a plan inside the job's transaction; rows whose judgement changed since are skipped.

    The partner is locked first: nobody else spends his budget or fills his cap between judging and sending.
    """
    member = _owner(job)
    model = Model(job.parameters["model"])
    with audit.written_last():
        customers.lock_partner(member.partner_id)
        sweeping.expire_addresses([item.payload["email"] for item in items], partner=job.partner, now=now)
        goes, outcomes = _still_true(items, member, model, now)
        again = [item for item in goes if item.verdict == Verdict.RESEND]
        outcomes += _send_again(job, again, model, actor, now)
        fresh = [item for item in goes if item.verdict == Verdict.SEND]
        outcomes += _send_fresh(job, fresh, member, actor, now)
    return outcomes


def _owner(job: Job) -> Member:
    return Member.objects.select_related("partner", "user").get(jobs=job)


def _row(item: JobItem) -> Row:
    data = item.payload
    prospect = Prospect(
        email=data["email"],
        customer_name=data["customer_name"],
        account_name=data["account_name"],
        mobile=data["mobile"],
    )
    return Row(number=data["number"], prospect=prospect, custom_tag=data["custom_tag"])


def _still_true(
    items: Sequence[JobItem], member: Member, model: Model, now: datetime
) -> tuple[list[JobItem], list[ItemOutcome]]:
    """Judge every row again; keep those whose verdict and invitation are what the plan said."""
    partner = member.partner
    known = queries.standing([item.payload["email"] for item in items], partner=partner, model=model, now=now)
    left = allowance(partner, now=now)
    goes, drifted = [], []
    for item in items:
        verdict = judge(_row(item), known, member=member, now=now)
        verdict = left.take(verdict, reserves=item.payload["email"] not in known.reserved)
        planned = (item.verdict, item.payload["invitation"], item.payload["generation"])
        if (str(verdict.verdict), verdict.invitation_id, verdict.generation) == planned:
            goes.append(item)
        else:
            drifted.append(_skipped(item, _drift_reason(verdict.reason, verdict.verdict)))
    return goes, drifted


def _drift_reason(reason: str, verdict: Verdict) -> str:
    return reason if verdict not in GOES else RowReason.CHANGED_SINCE_PLAN


def _skipped(item: JobItem, reason: str) -> ItemOutcome:
    return ItemOutcome(item.pk, ItemState.SKIPPED, str(reason), "")


def _done(item: JobItem, invitation: Invitation) -> ItemOutcome:
    return ItemOutcome(item.pk, ItemState.DONE, "", invitation.public_id)


def _send_fresh(job: Job, items: Sequence[JobItem], member: Member, actor: Actor, now: datetime) -> list[ItemOutcome]:
    if not items:
        return []
    prospects = [_row(item).prospect for item in items]
    reserved = customers.reserve(prospects=prospects, owner=member, actor=actor, now=now)
    winners = [item for item in items if item.payload["email"] in reserved.held]
    losers = [item for item in items if item.payload["email"] not in reserved.held]
    rows = _inserted([_new_invitation(_row(item), job, member, now) for item in winners])
    _spend(job.partner, len(rows), now)
    _log(Deed.INVITATION_CREATED, list(rows.values()), job.partner, actor, now)
    _mail(list(rows.values()), job.partner, now)
    outcomes = [_skipped(item, _why_not_reserved(item.payload["email"], reserved)) for item in losers]
    return outcomes + [_done_or_drifted(item, rows.get(item.payload["email"])) for item in winners]


def _inserted(rows: Sequence[Invitation]) -> dict[str, Invitation]:
    """Insert rows and return those that are in, by address: an old link may have been accepted at this very moment."""
    Invitation.objects.bulk_create(rows, ignore_conflicts=True)
    found = Invitation.objects.filter(public_id__in=[row.public_id for row in rows])
    inserted = set(found.values_list("public_id", flat=True))
    return {row.email: row for row in rows if row.public_id in inserted}


def _done_or_drifted(item: JobItem, invitation: Invitation | None) -> ItemOutcome:
    return _done(item, invitation) if invitation else _skipped(item, RowReason.CHANGED_SINCE_PLAN)


def _why_not_reserved(email: str, reserved: customers.Reservations) -> RowReason:
    return RowReason.REGISTERED_BY_OTHER if email in reserved.taken else RowReason.OVER_CAP


def _new_invitation(row: Row, job: Job, member: Member, now: datetime) -> Invitation:
    prospect = row.prospect
    return Invitation(
        public_id=new_public_id(),
        partner=job.partner,
        owner=member,
        method=Method.EMAIL,
        model=job.parameters["model"],
        language=job.parameters["language"],
        customer_name=prospect.customer_name,
        customer_name_key=rules.name_key(prospect.customer_name),
        account_name=prospect.account_name,
        email=prospect.email,
        mobile=prospect.mobile,
        custom_tag=row.custom_tag,
        delivery=Delivery.QUEUED,
        send_count=1,
        created_at=now,
        sent_at=now,
        expires_at=queries.valid_until(now),
        job=job,
    )


def _send_again(job: Job, items: Sequence[JobItem], model: Model, actor: Actor, now: datetime) -> list[ItemOutcome]:
    """Inviting somebody whose invitation is still live sends that one again, in the model chosen now."""
    if not items:
        return []
    wanted = [item.payload["invitation"] for item in items]
    rows = _locked(Invitation.objects.of(job.partner).filter(public_id__in=wanted, status=Status.INVITED))
    _renew(rows.values(), model=model, now=now)
    _spend(job.partner, len(rows), now)
    _log(Deed.INVITATION_RESENT, list(rows.values()), job.partner, actor, now)
    _mail(list(rows.values()), job.partner, now)
    return [_done_or_drifted(item, rows.get(item.payload["invitation"])) for item in items]


# --- resend --------------------------------------------------------------------------------------


def apply_resends(job: Job, items: Sequence[JobItem], actor: Actor, now: datetime) -> list[ItemOutcome]:
    """Send a chunk of invitations again inside the job's transaction; each row's state decides once more."""
    member = _owner(job)
    wanted = [item.payload["invitation"] for item in items]
    with audit.written_last():
        customers.lock_partner(member.partner_id)
        rows = _locked(Invitation.objects.visible_to(member).filter(public_id__in=wanted))
        going, outcomes = _resendable(items, rows, job.partner, now)
        reserved = _reserve_again([rows[item.key] for item in going], member, actor, now)
        sent = [item for item in going if rows[item.key].email in reserved.held]
        resend_rows([rows[item.key] for item in sent], partner=job.partner, actor=actor, now=now)
    lost = [item for item in going if rows[item.key].email not in reserved.held]
    outcomes += [_skipped(item, _why_not_reserved(rows[item.key].email, reserved)) for item in lost]
    return outcomes + [_done(item, rows[item.key]) for item in sent]


def _resendable(
    items: Sequence[JobItem], rows: dict[str, Invitation], partner: Partner, now: datetime
) -> tuple[list[JobItem], list[ItemOutcome]]:
    """Split a chunk into rows that may go and rows that may not any more, with the reason of each."""
    sweeping.expire_addresses([row.email for row in rows.values()], partner=partner, now=now, sparing=rows.values())
    known = queries.resend_standing(list(rows.values()), partner=partner, now=now)
    left = allowance(partner, now=now)
    going: list[JobItem] = []
    outcomes: list[ItemOutcome] = []
    for item in items:
        row = rows.get(item.key)
        if row is None:
            outcomes.append(_skipped(item, RowReason.NOT_YOURS))
            continue
        judgement = judge_resend(row, known, partner=partner, now=now)
        judgement = left.take(judgement, reserves=row.email not in known.reserved)
        if judgement.verdict in GOES and row.generation == item.payload["generation"]:
            going.append(item)
        else:
            outcomes.append(_skipped(item, _drift_reason(judgement.reason, judgement.verdict)))
    return going, outcomes


def resend_rows(rows: Sequence[Invitation], *, partner: Partner, actor: Actor, now: datetime) -> None:
    """
    Give locked invitations a new link and the full term from now, and mail it; the old link is superseded.

    Every path that sends again ends here, so that none forgets to restart the term.
    """
    by_model: dict[str, list[Invitation]] = {}
    for row in rows:
        model = rules.model_after_resend(row, partner.allowed_models) or row.model
        by_model.setdefault(model, []).append(row)
    for model, group in by_model.items():
        _renew(group, model=Model(model), now=now)
    _spend(partner, len(rows), now)
    _log(Deed.INVITATION_RESENT, rows, partner, actor, now)
    _mail(rows, partner, now)


def _reserve_again(rows: Sequence[Invitation], member: Member, actor: Actor, now: datetime) -> customers.Reservations:
    prospects = [
        Prospect(email=row.email, customer_name=row.customer_name, account_name=row.account_name, mobile=row.mobile)
        for row in rows
    ]
    return customers.reserve(prospects=prospects, owner=member, actor=actor, now=now)


def _locked(rows: InvitationQuerySet) -> dict[str, Invitation]:
    return {row.public_id: row for row in rows.locked()}


def _renew(rows: Iterable[Invitation], *, model: Model, now: datetime) -> None:
    fields: dict[str, Any] = {
        "status": Status.INVITED,
        "model": model,
        "cause": "",
        "causes": [],
        "ready_to_retry_at": None,
        "delivery": Delivery.QUEUED,
        "sent_at": now,
        "expires_at": queries.valid_until(now),
        "opened_at": None,
        "ended_at": None,
        "decline_reason": "",
    }
    group = list(rows)
    Invitation.objects.filter(pk__in=[row.pk for row in group]).update(
        **fields, generation=F("generation") + 1, send_count=F("send_count") + 1
    )
    for row in group:
        row.generation += 1
        row.send_count += 1
        for name, value in fields.items():
            setattr(row, name, value)


def _spend(partner: Partner, amount: int, now: datetime) -> None:
    if amount:
        limits.spend(
            key=queries.budget_key(partner),
            amount=amount,
            allowed=environment.daily_mail_budget,
            per=BUDGET_PERIOD,
            now=now,
        )


def _log(deed: Deed, rows: Sequence[Invitation], partner: Partner, actor: Actor, now: datetime) -> None:
    entries = [
        audit.Entry("invitation", row.public_id, {"generation": row.generation, "model": str(row.model)})
        for row in rows
    ]
    audit.record_many(deed=deed, actor=actor, partner=partner, entries=entries, now=now)


def _mail(rows: Sequence[Invitation], partner: Partner, now: datetime) -> None:
    keys = [OutboxKey(row.public_id, row.generation) for row in rows]
    mail.enqueue_many(kind=MAIL_KIND, partner=partner, keys=keys, dedupe_prefix="invite", now=now)


# --- cancel --------------------------------------------------------------------------------------


@transaction.atomic
def cancel(*, invitation: Invitation, actor: Actor, now: datetime) -> None:
    """
    Withdraw an invitation: its link stops working at once.

    :raises NotCancellable: if the customer has answered, or it has ended already
    """
    changed = Invitation.objects.filter(pk=invitation.pk, status__in=CANCELLABLE).update(
        status=Status.CANCELLED, ended_at=now, ready_to_retry_at=None, generation=F("generation") + 1
    )
    if not changed:
        raise NotCancellable
    audit.record(deed=Deed.INVITATION_CANCELLED, actor=actor, partner=invitation.partner, target=invitation, now=now)
