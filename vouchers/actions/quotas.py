"""Quotas as the vendor gives them: grant, change the total, the status and the limits. Every change is booked."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from customers.models import Account
from partner_center import money
from partner_center.audit import actions as audit
from partner_center.audit.models import Deed
from partner_center.refusals import Refusal, Text
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Partner, new_public_id
from vouchers.actions.balances import lock_quotas
from vouchers.actions.booking import Operation, book
from vouchers.models import Quota
from vouchers.rules import LARGEST_AMOUNT, NEXT_OF_QUOTA, CouponKind, OperationType, QuotaStatus


class BadAmount(Refusal):
    code = "bad_amount"
    message = _("The total must be more than 0 and at most %(most)s.")
    next_step = _("Correct the total.")
    status = 422


class BadValidity(Refusal):
    code = "bad_validity"
    message = _("The quota must end after it begins, and later than now.")
    next_step = _("Correct the validity.")
    status = 422


class BadLimits(Refusal):
    """Limits that contradict each other."""

    code = "bad_limits"
    message = "%(reason)s"
    next_step = _("Correct the limits.")
    status = 422


class PartnerDisabled(Refusal):
    code = "partner_disabled"
    message = _("This partner is disabled, so it can be given no quota.")
    next_step = _("Enable the partner first.")


class GrantedOtherwise(Refusal):
    code = "granted_otherwise"
    message = _("This form has already granted the quota %(number)s, with other values. Nothing was granted now.")
    next_step = _("Open a new form to grant another quota.")


class QuotaEnded(Refusal):
    code = "quota_ended"
    message = _("This quota has been ended for good.")
    next_step = _("Grant a new quota instead.")


class SameTotal(Refusal):
    code = "same_total"
    message = _("This is the total the quota has already.")
    next_step = _("Nothing was changed.")


class TotalChanged(Refusal):
    code = "total_changed"
    message = _("Somebody else has changed the total to %(total)s meanwhile.")
    next_step = _("Look at the quota again before you change it.")


class BelowIssued(Refusal):
    code = "below_issued"
    message = _("The total cannot be less than %(least)s: so much has been issued and not come back.")
    next_step = _("Choose a larger total, or let the partner recall coupons first.")


class StatusNotAllowed(Refusal):
    code = "quota_status_not_allowed"
    message = _("A quota in the status “%(now)s” cannot become “%(wanted)s”.")
    next_step = _("Look at the quota again: its status may have changed meanwhile.")


class NoteNeeded(Refusal):
    code = "note_needed"
    message = _("Say why: the partner reads it beside the status.")
    next_step = _("Write a note and try again.")
    status = 422


class NotAdjusting(Refusal):
    code = "quota_not_adjusting"
    message = _("Limits can only be changed while the quota is being adjusted.")
    next_step = _("Set its status to “being adjusted” first, so that nobody issues by the old limits.")


class LimitsBelowIssued(Refusal):
    code = "limits_below_issued"
    message = _("More has been issued already: %(count)s coupons, %(face)s in all.")
    next_step = _("Choose limits that are not below what was issued.")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What may be issued from a quota, and to whom; None and empty mean: not limited. Amounts in minor units."""

    min_face_minor: int | None = None
    max_face_minor: int | None = None
    max_count: int | None = None
    max_total_face_minor: int | None = None
    order_types: list[str] = field(default_factory=list)
    services: list[str] = field(default_factory=list)
    products: list[str] = field(default_factory=list)
    allowed_models: list[str] = field(default_factory=list)
    whitelist_required: bool = False
    first_associated_only: bool = False


@transaction.atomic
def grant(
    *,
    partner: Partner,
    kind: CouponKind,
    total_minor: int,
    currency: str,
    effective_at: datetime,
    expires_at: datetime,
    limits: Limits,
    actor: Actor,
    now: datetime,
    named_customers: tuple[Account, ...] = (),
    public_id: str = "",
) -> Quota:
    """
    Give a partner an amount that it may issue as coupons of one kind (domain.md 4.12).

    :param public_id: of the quota, chosen when the form was shown: sent twice, it is granted once
    :raises PartnerDisabled: if the partner works no more
    :raises BadAmount: if the total is out of bounds
    :raises BadValidity: if the quota would end before it begins or before now
    :raises BadLimits: if the limits contradict each other
    :raises GrantedOtherwise: if the public id is that of another grant
    """
    if partner.disabled_at is not None:
        raise PartnerDisabled
    _check_amount(total_minor, currency)
    if expires_at <= max(effective_at, now):
        raise BadValidity
    _check_limits(limits, total_minor)
    given = {"currency": currency, "total_minor": total_minor, "balance_minor": total_minor}
    times = {"effective_at": effective_at, "expires_at": expires_at, "created_at": now, "updated_at": now}
    quota, is_new = Quota.objects.get_or_create(
        public_id=public_id or new_public_id(),
        defaults={"partner": partner, "kind": kind, **given, **times, **_columns(limits, kind, named_customers)},
    )
    if is_new:
        quota.named_customers.set(named_customers)
        _log(quota, OperationType.GRANT, actor, now, amount_minor=total_minor, details={"total_minor": total_minor})
    elif not _is_grant_of(quota, partner, kind, total_minor, currency):
        raise GrantedOtherwise(number=quota.number)
    return quota


def _is_grant_of(quota: Quota, partner: Partner, kind: CouponKind, total_minor: int, currency: str) -> bool:
    """Tell whether a quota was granted like this, whatever its total has become since."""
    granted = quota.entries.filter(operation=OperationType.GRANT, amount_minor=total_minor, currency=currency)
    return quota.partner_id == partner.pk and quota.kind == kind and granted.exists()


@transaction.atomic
def change_total(
    *, quota: Quota, total_minor: int, note: str, actor: Actor, now: datetime, seen_minor: int | None = None
) -> Quota:
    """
    Raise or lower what a quota was granted; what has left its balance cannot be taken away any more.

    :param seen_minor: the total that the person was shown
    :raises BadAmount: if the total is out of bounds
    :raises QuotaEnded: if the quota is invalid
    :raises TotalChanged: if it is another one by now than the person saw
    :raises SameTotal: if nothing would change
    :raises BelowIssued: if less would be left than was issued
    """
    _check_amount(total_minor, quota.currency)
    current = _locked(quota)
    if current.status == QuotaStatus.INVALID:
        raise QuotaEnded
    if seen_minor not in {None, current.total_minor}:
        raise TotalChanged(total=money.shown(current.total_minor, current.currency))
    difference = total_minor - current.total_minor
    if not difference:
        raise SameTotal
    if not _move_total(current, difference, now):
        raise BelowIssued(least=money.shown(current.total_minor - current.balance_minor, current.currency))
    operation = OperationType.INCREASE if difference > 0 else OperationType.DECREASE
    details = {"from_minor": current.total_minor, "to_minor": total_minor}
    _log(current, operation, actor, now, amount_minor=abs(difference), remark=note, details=details)
    return _fresh(current)


@transaction.atomic
def change_status(*, quota: Quota, status: QuotaStatus, note: str, actor: Actor, now: datetime) -> Quota:
    """
    Let a quota be issued from, be adjusted, be frozen or end for good; no amount moves.

    :param note: why, for the partner to read; a quota that becomes normal needs none
    :raises NoteNeeded: if it is empty
    :raises StatusNotAllowed: if the present status does not lead there
    """
    if not note and status != QuotaStatus.NORMAL:
        raise NoteNeeded
    current = _locked(quota)
    before = [each for each, following in NEXT_OF_QUOTA.items() if status in following]
    rows = Quota.objects.filter(pk=quota.pk, status__in=before)
    if not rows.update(status=status, status_note=note, updated_at=now):
        raise StatusNotAllowed(now=QuotaStatus(current.status).label, wanted=status.label)
    details = {"from": current.status, "to": status.value}
    _log(current, OperationType.QUOTA_STATUS, actor, now, remark=note, details=details)
    return _fresh(current)


@transaction.atomic
def change_limits(
    *, quota: Quota, limits: Limits, named_customers: tuple[Account, ...] | None, note: str, actor: Actor, now: datetime
) -> Quota:
    """
    Replace the limits of a quota that is being adjusted: nobody issues by the old ones meanwhile.

    :param named_customers: None keeps those it has
    :raises BadLimits: if they contradict each other
    :raises NotAdjusting: if the quota has another status
    :raises LimitsBelowIssued: if more has been issued than they would allow
    """
    _check_limits(limits, quota.total_minor)
    current = _locked(quota)
    if current.status != QuotaStatus.ADJUSTING:
        raise NotAdjusting
    named = tuple(current.named_customers.all()) if named_customers is None else named_customers
    room = Q(issued_count__lte=_or_endless(limits.max_count))
    room &= Q(issued_face_minor__lte=_or_endless(limits.max_total_face_minor))
    rows = Quota.objects.filter(room, pk=quota.pk, status=QuotaStatus.ADJUSTING)
    if not rows.update(**_columns(limits, current.kind, named), updated_at=now):
        face = money.shown(current.issued_face_minor, current.currency)
        raise LimitsBelowIssued(count=current.issued_count, face=face)
    current.named_customers.set(named)
    _log(current, OperationType.QUOTA_LIMITS, actor, now, remark=note, details={"named_customers": len(named)})
    return _fresh(current)


# --- checks ----------------------------------------------------------------------------------------------------------


def _check_amount(total_minor: int, currency: str) -> None:
    if not 0 < total_minor <= LARGEST_AMOUNT:
        raise BadAmount(most=money.shown(LARGEST_AMOUNT, currency))


def _check_limits(limits: Limits, total_minor: int) -> None:
    """Refuse limits under which nothing could ever be issued."""
    if reason := _why_contradictory(limits, total_minor):
        raise BadLimits(reason=reason)


def _why_contradictory(limits: Limits, total_minor: int) -> Text | None:
    least = limits.min_face_minor or 0
    amounts = (limits.min_face_minor, limits.max_face_minor, limits.max_total_face_minor, limits.max_count)
    if any(each is not None and not 0 < each <= LARGEST_AMOUNT for each in amounts):
        return _("A limit must be more than 0.")
    if limits.max_face_minor is not None and limits.max_face_minor < least:
        return _("The maximum face value is below the minimum.")
    if limits.max_total_face_minor is not None and limits.max_total_face_minor < least:
        return _("The maximum total face value is below the minimum face value.")
    return _("The minimum face value is above the total.") if least > total_minor else None


def _or_endless(limit: int | None) -> int:
    return 2**62 if limit is None else limit


# --- writing ---------------------------------------------------------------------------------------------------------


def _locked(quota: Quota) -> Quota:
    return lock_quotas([quota.pk])[quota.pk]


def _fresh(quota: Quota) -> Quota:
    return Quota.objects.select_related("partner").get(pk=quota.pk)


def _move_total(quota: Quota, difference: int, now: datetime) -> bool:
    """Move the difference between the vendor and the balance, if the balance has it to give."""
    rows = Quota.objects.filter(pk=quota.pk, balance_minor__gte=-difference).exclude(status=QuotaStatus.INVALID)
    total, balance = F("total_minor") + difference, F("balance_minor") + difference
    return bool(rows.update(total_minor=total, balance_minor=balance, updated_at=now))


def _columns(limits: Limits, kind: str, named: tuple[Account, ...]) -> dict[str, Any]:
    """Write the limits as columns; cash and pickup coupons need a whitelist whatever they say (domain.md 8 row 20)."""
    needs_list = limits.whitelist_required or kind != CouponKind.VOUCHER
    return asdict(limits) | {"whitelist_required": needs_list, "has_named_customers": bool(named)}


def _log(
    quota: Quota,
    operation: OperationType,
    actor: Actor,
    now: datetime,
    *,
    details: Mapping[str, object],
    amount_minor: int = 0,
    remark: str = "",
) -> None:
    """Book the change and write it into the audit log, as the last thing of an action."""
    done = Operation(operation=operation, quota=quota, amount_minor=amount_minor, remark=remark)
    book([done], partner=quota.partner, actor=actor, now=now)
    told = {"change": operation.value, "currency": quota.currency, **details}
    audit.record(deed=Deed.QUOTA_CHANGED, actor=actor, partner=quota.partner, target=quota, now=now, details=told)
