"""The numbers by which the vendor's API calls kinds, states and operations (domain.md 3.6-3.8); ours follow behind."""

from datetime import datetime
from enum import IntEnum

from django.db.models import Q

from vouchers.models import Coupon, Quota
from vouchers.rules import CouponKind, CouponStatus, OperationType, QuotaPhase, QuotaStatus


class QuotaType(IntEnum):
    VOUCHER = 0
    CASH_COUPON = 1
    PICKUP_COUPON = 2


class CouponType(IntEnum):
    VOUCHER = 1
    CASH_COUPON = 4
    PICKUP_COUPON = 5


class QuotaState(IntEnum):
    NORMAL = 0
    INVALID = 3
    ADJUSTING = 4
    FROZEN = 5


class CouponState(IntEnum):
    """What became of a coupon; NOT_ACTIVATED is in the vendor's list, and no coupon of ours is ever in that state."""

    NOT_ACTIVATED = 1
    USABLE = 2
    USED = 3
    EXPIRED = 4
    RECALLED = 5


QUOTA_TYPES = dict(zip(CouponKind, QuotaType, strict=True))
COUPON_TYPES = dict(zip(CouponKind, CouponType, strict=True))
KINDS_OF_QUOTAS = {number: kind for kind, number in QUOTA_TYPES.items()}
KINDS_OF_COUPONS = {number: kind for kind, number in COUPON_TYPES.items()}

_OF_PHASE = {
    QuotaPhase.INVALID: QuotaState.INVALID,
    QuotaPhase.EXPIRED: QuotaState.INVALID,
    QuotaPhase.ADJUSTING: QuotaState.ADJUSTING,
    QuotaPhase.FROZEN: QuotaState.FROZEN,
}
_OF_STATUS = {
    CouponStatus.USABLE: CouponState.USABLE,
    CouponStatus.USED: CouponState.USED,
    CouponStatus.EXPIRED: CouponState.EXPIRED,
    CouponStatus.RECALLED: CouponState.RECALLED,
}
# 6 (refund of a top-up) is in the vendor's list and nothing here is one; from 101 on they are ours.
OPERATIONS = {
    OperationType.ISSUE: 1,
    OperationType.RECALL: 2,
    OperationType.RECALL_ON_DISASSOCIATION: 3,
    OperationType.EXPIRE: 4,
    OperationType.RETURN: 5,
    OperationType.RECALL_ON_ASSOCIATION: 7,
    OperationType.RECALL_ON_MODEL_SWITCH: 8,
    OperationType.RECALL_ON_TRANSFER: 9,
    OperationType.GRANT: 10,
    OperationType.INCREASE: 10,
    OperationType.DECREASE: 11,
    OperationType.CONSUME: 101,
    OperationType.REFUND: 102,
    OperationType.QUOTA_STATUS: 103,
}


def quota_state(quota: Quota, *, now: datetime) -> QuotaState:
    return _OF_PHASE.get(quota.phase_at(now), QuotaState.NORMAL)


def coupon_state(coupon: Coupon, *, now: datetime) -> CouponState:
    return _OF_STATUS[coupon.status_at(now)]


def in_quota_state(state: QuotaState, *, now: datetime) -> Q:
    """Choose quotas by what they are now: one whose time is over is invalid, whatever was written down."""
    if state == QuotaState.NORMAL:
        return Q(status=QuotaStatus.NORMAL, expires_at__gt=now)
    if state == QuotaState.INVALID:
        return Q(status=QuotaStatus.INVALID) | Q(status=QuotaStatus.NORMAL, expires_at__lte=now)
    return Q(status=QuotaStatus[state.name])


def in_coupon_state(state: CouponState, *, now: datetime) -> Q:
    """Choose coupons by what they are now: one whose time is over is expired, whatever was written down."""
    if state == CouponState.NOT_ACTIVATED:
        return Q(pk=None)
    if state == CouponState.USABLE:
        return Q(status=CouponStatus.USABLE, expires_at__gt=now)
    if state == CouponState.EXPIRED:
        return Q(status=CouponStatus.EXPIRED) | Q(status=CouponStatus.USABLE, expires_at__lte=now)
    return Q(status=CouponStatus[state.name])


def operations_of(numbers: list[int]) -> list[OperationType]:
    """Return the operations that some numbers stand for; a number that is none stands for nothing."""
    return [operation for operation, number in OPERATIONS.items() if number in numbers]
