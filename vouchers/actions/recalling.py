"""Recall: a partner takes back all that is left of a coupon (domain.md 4.15)."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from partner_center import money
from partner_center.audit import actions as audit
from partner_center.mail.addresses import why_unsafe_name
from partner_center.masking import mask_name
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner
from partner_center.verification import actions as verification
from partner_center.verification.proofs import Proof
from partner_center.verification.rules import About, ProtectedOperation, payload_digest
from vouchers.actions.booking import Operation, book
from vouchers.actions.ending import Ending, end, lock_coupons
from vouchers.models import Coupon, Quota
from vouchers.queries import coupons as queries
from vouchers.rules import OperationType, Reason
from vouchers.rules.recalling import LONGEST_REASON, LONGEST_REMARK, why_not_recallable


class NotOwnCoupon(Refusal):
    code = Reason.NOT_OWN_COUPON.value
    message = Reason.NOT_OWN_COUPON.label
    next_step = _("Choose one from your list of issued coupons.")
    status = 403


class CouponLocked(Refusal):
    code = Reason.LOCKED.value
    message = Reason.LOCKED.label
    next_step = _("Recall it when the order is paid or cancelled.")


class CouponUsedUp(Refusal):
    code = Reason.USED_UP.value
    message = Reason.USED_UP.label
    next_step = _("There is nothing left to recall.")


class CouponExpired(Refusal):
    code = Reason.EXPIRED.value
    message = Reason.EXPIRED.label
    next_step = _("What was left goes back to the quota by itself while the quota is open.")


class AlreadyRecalled(Refusal):
    code = Reason.RECALLED.value
    message = _("This coupon has already been recalled by %(who)s: %(amount)s.")
    next_step = _("Nothing has changed now.")


class BalanceChanged(Refusal):
    code = Reason.CHANGED_SINCE_PLAN.value
    message = _("%(now)s is left on the coupon now, not %(shown)s as you were shown. Nothing was recalled.")
    next_step = _("Look at the amount again, then recall it.")


class BadText(Refusal):
    code = Reason.BAD_REQUEST.value
    message = "%(reason)s"
    next_step = _("Correct the text and try again.")
    status = 400


_REFUSALS: dict[Reason, type[Refusal]] = {
    Reason.LOCKED: CouponLocked,
    Reason.USED_UP: CouponUsedUp,
    Reason.EXPIRED: CouponExpired,
}


@dataclass(frozen=True, kw_only=True)
class RecallResult:
    """
    What really came back.

    :param amount_minor: the whole balance the coupon had
    """

    coupon: Coupon
    amount_minor: int
    currency: str

    @property
    def shown(self) -> str:
        return money.shown(self.amount_minor, self.currency)


def recall_one(
    *,
    coupon: Coupon,
    reason_for_customer: str,
    remark: str,
    partner: Partner,
    member: Member | None,
    proof: Proof | None,
    actor: Actor,
    now: datetime,
    shown_minor: int | None = None,
) -> RecallResult:
    """
    Take back all that is left of a usable coupon; a refusal changes nothing and is logged as a failed operation.

    Not to be called inside a transaction that rolls back on a Refusal: the log entry of the failure would go with it.

    :param reason_for_customer: told to the customer, may be empty
    :param partner: who recalls
    :param member: None for a call by API key
    :param proof: of `ask_for_code`, or of the API
    :param shown_minor: the amount that the person was shown, None where nobody was
    :raises BadText: if the reason or the remark cannot stand
    :raises NotOwnCoupon: if another partner issued it
    :raises CouponLocked: if an unpaid order holds it
    :raises CouponUsedUp: if nothing is left
    :raises CouponExpired: if its time is over, written down or not
    :raises AlreadyRecalled: naming who did it
    :raises BalanceChanged: if another amount is there than was shown
    :raises AlreadySpent: if the proof is none of this recall
    """
    check_texts(reason_for_customer, remark)
    ending = Ending(operation=OperationType.RECALL, reason_for_customer=reason_for_customer, remark=remark)
    digest = digest_of_recall(coupon, reason_for_customer=reason_for_customer, remark=remark, shown_minor=shown_minor)
    with transaction.atomic(), audit.written_last():
        (locked,) = lock_coupons(Q(pk=coupon.pk))
        refused = _why_refused(locked, partner, shown_minor, now)
        if refused is None:
            _spend(proof, member, digest, now)
            end([locked], ending, actor=actor, now=now)
        else:
            failure = _failure(locked, partner, refused[0], remark)
            book([failure], partner=partner, actor=actor, now=now)
    if refused is not None:
        raise refused[1]
    return RecallResult(coupon=locked, amount_minor=locked.balance_minor, currency=locked.currency)


def ask_for_code(
    *,
    coupon: Coupon,
    reason_for_customer: str,
    remark: str,
    shown_minor: int,
    member: Member,
    code: str,
    actor: Actor,
    now: datetime,
) -> Proof | None:
    """
    Return the proof that `recall_one` wants to see of this coupon, amount and reason; None where it will refuse anyway.

    :param shown_minor: the amount that the person was shown
    :param code: as typed, empty to be asked for one
    :raises BadText: before a code is spent
    :raises CodeAsked: when a code is to be typed
    """
    check_texts(reason_for_customer, remark)
    if _why_refused(coupon, member.partner, shown_minor, now):
        return None
    about = About(
        amount_minor=shown_minor,
        currency=coupon.currency,
        count=1,
        receivers=mask_name(coupon.account.customer_name),
    )
    digest = digest_of_recall(coupon, reason_for_customer=reason_for_customer, remark=remark, shown_minor=shown_minor)
    return verification.check(
        member=member, operation=ProtectedOperation.RECALL, digest=digest, about=about, code=code, actor=actor, now=now
    )


def digest_of_recall(
    coupon: Coupon, *, reason_for_customer: str = "", remark: str = "", shown_minor: int | None = None
) -> str:
    """Condense what a code confirms: this coupon, this amount, these words to the customer and for the log."""
    words = {"reason": reason_for_customer, "remark": remark}
    return payload_digest({"coupon": coupon.public_id, "amount": shown_minor, **words})


def _spend(proof: Proof | None, member: Member | None, digest: str, now: datetime) -> None:
    if proof is None:
        raise verification.AlreadySpent
    verification.spend(proof, member=member, operation=ProtectedOperation.RECALL, digest=digest, now=now)


def check_texts(reason_for_customer: str, remark: str) -> None:
    """
    Let pass what may stand in a mail and in the log.

    :raises BadText: if a text is too long, or the reason could pass for a link
    """
    if len(reason_for_customer) > LONGEST_REASON or len(remark) > LONGEST_REMARK:
        raise BadText(reason=_("The text is too long."))
    if reason_for_customer and (why := why_unsafe_name(reason_for_customer)):
        raise BadText(reason=why)


def _why_refused(
    coupon: Coupon, partner: Partner, shown_minor: int | None, now: datetime
) -> tuple[Reason, Refusal] | None:
    if coupon.partner_id != partner.pk:
        return Reason.NOT_OWN_COUPON, NotOwnCoupon()
    reason = why_not_recallable(coupon, now=now)
    if reason is not None:
        return reason, _already_recalled(coupon) if reason == Reason.RECALLED else _REFUSALS[reason]()
    if shown_minor is None or shown_minor == coupon.balance_minor:
        return None
    amounts = {
        "now": money.shown(coupon.balance_minor, coupon.currency),
        "shown": money.shown(shown_minor, coupon.currency),
    }
    return Reason.CHANGED_SINCE_PLAN, BalanceChanged(**amounts)


def _already_recalled(coupon: Coupon) -> AlreadyRecalled:
    who = queries.recalled_by(coupon) or _("the system")
    amounts = queries.recalled_in_all(Coupon.objects.filter(pk=coupon.pk))
    return AlreadyRecalled(who=who, amount=money.shown(amounts.get(coupon.currency, 0), coupon.currency))


def _failure(coupon: Coupon, partner: Partner, reason: Reason, remark: str) -> Operation:
    """Describe what was refused; of another partner's coupon nothing is told but its kind."""
    if reason == Reason.NOT_OWN_COUPON:
        unnamed = Quota(partner=partner, number="", kind=coupon.kind, currency=coupon.currency)
        return Operation(
            operation=OperationType.RECALL, quota=unnamed, amount_minor=0, coupon=coupon, reason=reason, remark=remark
        )
    return refused_recall(coupon, reason, remark=remark)


def refused_recall(coupon: Coupon, reason: Reason, *, remark: str, job_id: str = "") -> Operation:
    """Describe a recall that was refused: the amount is what would have come back."""
    return Operation(
        operation=OperationType.RECALL,
        quota=coupon.quota,
        amount_minor=coupon.balance_minor,
        coupon=coupon,
        account=coupon.account,
        chosen_account=coupon.chosen_account,
        reason=reason,
        remark=remark,
        job_id=job_id,
    )
