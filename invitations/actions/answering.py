"""What the customer does with an invitation: open, accept, decline, ask for a new link."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from customers import actions as customers
from customers.models import Account
from customers.rules import CAUSES, Cause, Model
from invitations import queries, rules
from invitations.actions import sending
from invitations.actions.planning import GOES, judge_resend
from invitations.models import Invitation, InvitationLink, Registration
from invitations.rules import LinkKind, Method, Status
from partner_center.audit import actions as audit
from partner_center.audit.models import Deed
from partner_center.limits import actions as limits
from partner_center.mail import actions as mail
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Partner

NEW_LINKS_A_DAY = 3
STALE_AFTER = timedelta(seconds=10)


class LinkUnusable(Refusal):
    code = "inv_link_unusable"
    message = _("This link is not valid any more.")
    next_step = _("Ask for a new link on this page, or ask your partner.")


class OtherAddress(Refusal):
    code = "invitation_for_other_address"
    message = _("This invitation was sent to another e-mail address than the one you signed in with.")
    next_step = _("Sign in with the account of that address, or ask your partner to invite this one.")
    status = 403


class NotACustomer(Refusal):
    code = "not_a_customer"
    message = _("You are signed in as a member of a partner or of the vendor, not as a customer.")
    next_step = _("Sign out and sign in with your customer account.")
    status = 403


class AlreadyYours(Refusal):
    code = "already_associated"
    message = _("Your account is already associated with this partner.")
    next_step = _("There is nothing left to do.")


@dataclass(frozen=True)
class Arrival:
    """
    A customer at the door: by an invitation, or by a reusable link; one of the two is set.

    `by_mail` says that the invitation's link was read in the mail of its address, and not handed over by a member;
    `registration` is set while a newcomer's own mailed link shows the same for the address they gave.
    """

    invitation: Invitation | None = None
    link: InvitationLink | None = None
    generation: int = 0
    by_qr: bool = False
    by_mail: bool = False
    registration: Registration | None = None

    @property
    def proven_address(self) -> str:
        """Return the address whose mail this person has shown to read, or nothing."""
        if self.registration is not None:
            return self.registration.email
        return self.invitation.email if self.invitation is not None and self.by_mail else ""


# --- open ----------------------------------------------------------------------------------------


@transaction.atomic
def record_opening(*, arrival: Arrival, actor: Actor, now: datetime) -> None:
    """Note that a person, not a mail scanner, looked at the invitation; the first look counts for a mailed one."""
    if arrival.link is not None:
        InvitationLink.objects.filter(pk=arrival.link.pk).update(opened=F("opened") + 1)
        return
    invitation = arrival.invitation
    if invitation is None:
        return
    first = Invitation.objects.filter(pk=invitation.pk, opened_at=None, generation=arrival.generation).update(
        opened_at=now
    )
    if first:
        audit.record(deed=Deed.INVITATION_OPENED, actor=actor, partner=invitation.partner, target=invitation, now=now)


def record_start(*, arrival: Arrival) -> None:
    """Count that somebody who came by a link signed in or registered."""
    if arrival.link is not None:
        InvitationLink.objects.filter(pk=arrival.link.pk).update(started=F("started") + 1)


# --- accept --------------------------------------------------------------------------------------


def accept(*, arrival: Arrival, account: Account, actor: Actor, now: datetime) -> Invitation:
    """
    Take an invitation up for an account, run the checks and associate, or say what stands in the way.

    The answer is committed before the checks run: if this process dies between, the sweep concludes it.

    :raises OtherAddress: if a mailed invitation belongs to another address
    :raises AlreadyYours: if the account is already associated with this partner
    :raises LinkUnusable: if the link expired, was used, superseded, revoked or is used up, also by a faster rival
    """
    if arrival.invitation is not None:
        taken = _take_mailed(arrival.invitation, arrival.generation, account, actor, now)
    elif arrival.link is not None:
        taken = _take_offline(arrival.link, arrival, account, actor, now)
    else:
        raise LinkUnusable
    return conclude(invitation=taken, actor=actor, now=now)


@transaction.atomic
def _take_mailed(invitation: Invitation, generation: int, account: Account, actor: Actor, now: datetime) -> Invitation:
    if invitation.email != account.email:
        raise OtherAddress
    _refuse_if_associated(account, invitation.partner_id)
    try:
        with transaction.atomic():
            # One guarded UPDATE decides between rivals, and between an accept and the expiry of its link.
            won = (
                Invitation.objects.acceptable(generation=generation, now=now)
                .filter(pk=invitation.pk)
                .update(status=Status.ASSOCIATING, account=account, accepted_at=now, ready_to_retry_at=None)
            )
    except IntegrityError:
        raise LinkUnusable from None
    if not won:
        raise LinkUnusable
    audit.record(deed=Deed.INVITATION_ACCEPTED, actor=actor, partner=invitation.partner, target=invitation, now=now)
    return Invitation.objects.select_related("partner", "owner__user", "account").get(pk=invitation.pk)


@transaction.atomic
def _take_offline(link: InvitationLink, arrival: Arrival, account: Account, actor: Actor, now: datetime) -> Invitation:
    _refuse_if_associated(account, link.partner_id)
    # The link's row is locked, so that one account cannot come through twice at once and uses are counted exactly.
    locked = (
        InvitationLink.objects.select_for_update(of=("self",), no_key=True)
        .select_related("partner", "created_by__user")
        .get(pk=link.pk)
    )
    earlier = Invitation.objects.filter(link=link, account=account).first()
    if not rules.link_admits(locked, generation=arrival.generation, came_before=earlier is not None, now=now):
        raise LinkUnusable
    if earlier is not None:
        return _take_again(earlier, actor, now)
    InvitationLink.objects.filter(pk=link.pk).update(uses=F("uses") + 1)
    invitation = _arrived(locked, account, by_qr=arrival.by_qr, now=now)
    audit.record(deed=Deed.INVITATION_ACCEPTED, actor=actor, partner=link.partner, target=invitation, now=now)
    return invitation


def _arrived(link: InvitationLink, account: Account, *, by_qr: bool, now: datetime) -> Invitation:
    by_link = Method.CAMPAIGN if link.kind == LinkKind.CAMPAIGN else Method.LINK
    return Invitation.objects.create(
        partner=link.partner,
        owner=link.created_by,
        method=Method.QR if by_qr else by_link,
        model=link.model,
        language=account.user.language if account.user else "en",
        customer_name=account.customer_name,
        customer_name_key=rules.name_key(account.customer_name),
        account_name=account.account_name,
        mobile=account.mobile,
        custom_tag=link.custom_tag,
        status=Status.ASSOCIATING,
        created_at=now,
        accepted_at=now,
        link=link,
        account=account,
    )


def _take_again(invitation: Invitation, actor: Actor, now: datetime) -> Invitation:
    """Let a customer whose checks failed try once more by the same link, without using it up."""
    changed = Invitation.objects.filter(pk=invitation.pk, status__in=rules.before(Status.ASSOCIATING)).update(
        status=Status.ASSOCIATING, accepted_at=now, ready_to_retry_at=None
    )
    if not changed:
        raise LinkUnusable
    audit.record(deed=Deed.INVITATION_ACCEPTED, actor=actor, partner=invitation.partner, target=invitation, now=now)
    return Invitation.objects.select_related("partner", "owner__user", "account").get(pk=invitation.pk)


def _refuse_if_associated(account: Account, partner_id: int) -> None:
    if account.associations.active().filter(partner_id=partner_id).exists():
        raise AlreadyYours


# --- checks --------------------------------------------------------------------------------------


@transaction.atomic
def conclude(*, invitation: Invitation, actor: Actor, now: datetime) -> Invitation:
    """
    Run the checks of an accepted invitation and write what came of it, once; a second call changes nothing.

    :return: the invitation, associated or failed with its causes
    """
    row = (
        Invitation.objects.select_for_update(of=("self",), no_key=True)
        .select_related("partner", "owner__user")
        .get(pk=invitation.pk)
    )
    if row.status != Status.ASSOCIATING or row.account_id is None:
        return row
    # Read behind its lock: facts that are being corrected right now count as corrected.
    row.account = Account.objects.select_for_update(no_key=True).get(pk=row.account_id)
    causes = queries.blockers(row, now=now)
    if causes:
        _fail(row, causes, actor, now)
        return row
    try:
        _succeed(row, row.account, actor, now)
    except customers.AssociatedElsewhere:
        _fail(row, [CAUSES["customer_associated_other_partner"]], actor, now)
    return row


def _succeed(row: Invitation, account: Account, actor: Actor, now: datetime) -> None:
    row.association = customers.associate(
        account=account,
        manager=row.owner,
        model=Model(row.model),
        custom_tag=row.custom_tag,
        invitation_public_id=row.public_id,
        actor=actor,
        now=now,
    )
    row.status, row.cause, row.causes, row.ended_at = Status.ASSOCIATED, "", [], now
    row.save(update_fields=["association", "status", "cause", "causes", "ended_at"])
    _tell(row, "associated_customer", now)
    _tell(row, "associated_partner", now)


def _fail(row: Invitation, causes: list[Cause], actor: Actor, now: datetime) -> None:
    known = row.causes
    row.status, row.cause, row.ended_at = Status.ASSOCIATION_FAILED, causes[0].code, now
    row.causes = [cause.code for cause in causes]
    row.save(update_fields=["status", "cause", "causes", "ended_at"])
    details = {"causes": row.causes}
    audit.record(
        deed=Deed.CHECKS_FAILED, actor=actor, partner=row.partner, target=row, now=now, details=details, result="failed"
    )
    # A customer may try as often as he likes; the partner is told when something is new.
    if row.causes != known:
        _tell(row, "association_failed_partner", now)


def _tell(row: Invitation, kind: str, now: datetime) -> None:
    """Queue a notice; the moment of the answer tells apart two attempts of the same invitation."""
    attempt = row.accepted_at.isoformat() if row.accepted_at else row.generation
    mail.enqueue(
        kind=kind,
        partner=row.partner,
        object_id=row.public_id,
        generation=row.generation,
        dedupe_key=f"{kind}:{row.public_id}:{attempt}",
        now=now,
    )


def finish_associating(*, now: datetime) -> int:
    """Conclude accepts whose process died between the answer and the checks."""
    stuck = Invitation.objects.filter(status=Status.ASSOCIATING, accepted_at__lte=now - STALE_AFTER).order_by("pk")
    rows = list(stuck[:100])
    for row in rows:
        conclude(invitation=row, actor=Actor.system("association"), now=now)
    return len(rows)


# --- decline, new link ---------------------------------------------------------------------------


@transaction.atomic
def decline(*, arrival: Arrival, account: Account, reason: str, actor: Actor, now: datetime) -> Invitation:
    """
    Say no to a mailed invitation.

    :param reason: the customer's words, up to 200 characters, may be empty
    :raises OtherAddress: if the invitation belongs to another address
    :raises LinkUnusable: if there is nothing left to decline
    """
    invitation = arrival.invitation
    if invitation is None:
        raise LinkUnusable
    if invitation.email != account.email:
        raise OtherAddress
    changed = (
        Invitation.objects.acceptable(generation=arrival.generation, now=now)
        .filter(pk=invitation.pk, status__in=rules.before(Status.DECLINED))
        .update(
            status=Status.DECLINED,
            cause="customer_declined",
            causes=[],
            decline_reason=reason,
            account=account,
            ended_at=now,
            ready_to_retry_at=None,
        )
    )
    if not changed:
        raise LinkUnusable
    audit.record(deed=Deed.INVITATION_DECLINED, actor=actor, partner=invitation.partner, target=invitation, now=now)
    invitation.refresh_from_db()
    return invitation


@transaction.atomic
def request_new_link(*, invitation: Invitation, actor: Actor, now: datetime) -> bool:
    """
    Mail a fresh link to the original address, if this invitation may go out again.

    Whoever asks learns nothing: the page says the same whether a mail left or not.

    :return: whether a mail was queued
    """
    partner = customers.lock_partner(invitation.partner_id)
    row = Invitation.objects.select_for_update(no_key=True).get(pk=invitation.pk)
    if not _may_have_new_link(row, partner, now=now):
        return False
    try:
        # An older invitation to this address may be taken up at this very moment; then none goes out.
        with transaction.atomic(), audit.written_last():
            limits.spend(key=f"new-link:{row.pk}", allowed=NEW_LINKS_A_DAY, per=timedelta(days=1), now=now)
            audit.record(deed=Deed.NEW_LINK_REQUESTED, actor=actor, partner=partner, target=row, now=now)
            sending.resend_rows([row], partner=partner, actor=actor, now=now)
    except (limits.TooMany, IntegrityError):
        return False
    return True


def _may_have_new_link(row: Invitation, partner: Partner, *, now: datetime) -> bool:
    """The customer asks for himself, so a link that is still valid may be mailed again too."""
    if partner.disabled_at is not None or queries.budget_left(partner, now=now) < 1:
        return False
    known = queries.resend_standing([row], partner=partner, now=now)
    return judge_resend(row, known, partner=partner, now=now, may_be_valid=True).verdict in GOES
