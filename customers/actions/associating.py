"""Associate: make an account the customer of a partner."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from customers import hooks
from customers.models import Account, Association, Preregistration, PreregistrationStatus
from customers.rules import Model
from partner_center.audit import actions as audit
from partner_center.audit.models import Deed
from partner_center.masking import mask_name
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member
from partner_center.verification import actions as verification
from partner_center.verification.proofs import Proof
from partner_center.verification.rules import About, ProtectedOperation, payload_digest

CONSENT_VERSION = "2026-11"
ENDING = ProtectedOperation.DISASSOCIATE


class AssociationOver(Refusal):
    code = "association_over"
    message = _("This association has already ended, or has changed meanwhile.")
    next_step = _("Reload the page to see its present state.")


class AssociatedElsewhere(Refusal):
    code = "customer_associated_other_partner"
    message = _("This account already belongs to a partner.")
    next_step = _("End that association first.")


def associate(
    *,
    account: Account,
    manager: Member,
    model: Model,
    custom_tag: str,
    invitation_public_id: str,
    actor: Actor,
    now: datetime,
) -> Association:
    """
    Make an account the customer of the manager's partner (domain.md 3.5).

    Call it inside the transaction that concludes the invitation.

    :raises AssociatedElsewhere: if the account has an active association, also when a rival was faster
    """
    try:
        with transaction.atomic():
            association = Association.objects.create(
                partner=manager.partner,
                account=account,
                model=model,
                account_manager=manager,
                custom_tag=custom_tag,
                invitation_public_id=invitation_public_id,
                consent_version=CONSENT_VERSION,
                created_at=now,
            )
    except IntegrityError:
        raise AssociatedElsewhere from None
    Preregistration.objects.of(manager.partner).filter(
        email=account.email, status=PreregistrationStatus.REGISTERED
    ).update(status=PreregistrationStatus.CONVERTED, ended_at=now)
    hooks.call(hooks.Moment.ASSOCIATED, association, actor=actor, now=now)
    audit.record(
        deed=Deed.ASSOCIATION_CREATED,
        actor=actor,
        partner=manager.partner,
        target=association,
        now=now,
        details={"model": model, "account": account.public_id, "consent_version": CONSENT_VERSION},
    )
    return association


def ask_to_end(
    *, association: Association, reason: str, member: Member, code: str, actor: Actor, now: datetime
) -> Proof:
    """
    Return the proof that `end_association` wants of a member (domain.md 4.17).

    :param code: as typed, empty to be asked for one
    :raises AssociationOver: before a code is spent
    :raises CodeAsked: when a code is to be typed
    """
    if association.ended_at is not None or association.partner_id != member.partner_id:
        raise AssociationOver
    about = About(amount_minor=0, currency="", count=1, receivers=mask_name(association.account.customer_name))
    digest = _digest_of_ending(association, reason)
    return verification.check(
        member=member, operation=ENDING, digest=digest, about=about, code=code, actor=actor, now=now
    )


def _digest_of_ending(association: Association, reason: str) -> str:
    return payload_digest({"association": association.public_id, "reason": reason})


@transaction.atomic
def end_association(
    *,
    association: Association,
    reason: str,
    member: Member | None,
    proof: Proof | None,
    actor: Actor,
    now: datetime,
) -> None:
    """
    End an association: the customer leaves the partner, and what hangs on it is taken back by hooks (domain.md 3.5).

    :param reason: code of why, for the record
    :param member: who ends it for the partner; None when the customer, the vendor or the system does
    :param proof: of `ask_to_end`, for a member
    :raises AssociationOver: if it has ended already, or is no association of the member's partner
    :raises AlreadySpent: if a member has no proof of exactly this
    """
    with audit.written_last():
        if member is not None:
            _spend(proof, member, _digest_of_ending(association, reason), now)
        mine = Association.objects.of(member.partner) if member else Association.objects.all()
        ended = mine.filter(pk=association.pk, ended_at=None).update(ended_at=now, end_reason=reason)
        if not ended:
            raise AssociationOver
        association.refresh_from_db()
        hooks.call(hooks.Moment.ENDED, association, actor=actor, now=now)
        _record(Deed.ASSOCIATION_ENDED, association, actor, now, {"reason": reason})


def _spend(proof: Proof | None, member: Member, digest: str, now: datetime) -> None:
    if proof is None:
        raise verification.AlreadySpent
    verification.spend(proof, member=member, operation=ENDING, digest=digest, now=now)


def _record(deed: Deed, association: Association, actor: Actor, now: datetime, details: dict[str, str]) -> None:
    partner = association.partner
    audit.record(deed=deed, actor=actor, partner=partner, target=association, now=now, details=details)


@transaction.atomic
def switch_model(*, association: Association, model: Model, actor: Actor, now: datetime) -> None:
    """
    Change the model of an association, with what follows from it by hooks (domain.md 4.19).

    :raises AssociationOver: if it has ended, or is in that model already
    """
    with audit.written_last():
        other = Association.objects.filter(pk=association.pk, ended_at=None).exclude(model=model)
        if not other.update(model=model):
            raise AssociationOver
        association.refresh_from_db()
        hooks.call(hooks.Moment.MODEL_SWITCHED, association, actor=actor, now=now)
        _record(Deed.ASSOCIATION_SWITCHED, association, actor, now, {"model": model})
