"""The rules of quotas and coupons: kinds, states, reasons, the ledger's accounts. Pure."""

from vouchers.rules.kinds import (
    NEXT_OF_COUPON,
    NEXT_OF_QUOTA,
    CouponKind,
    CouponStatus,
    OrderType,
    QuotaPhase,
    QuotaStatus,
    coupon_status,
    quota_phase,
)
from vouchers.rules.ledger import RECALLS, LedgerAccount, OperationType, posting
from vouchers.rules.numbers import new_number
from vouchers.rules.reasons import ANSWERS, Answer, Reason, Verdict, answer, words
from vouchers.rules.whitelists import WhitelistKind, WhitelistVersionStatus, whitelist_for

__all__ = [
    "ANSWERS",
    "NEXT_OF_COUPON",
    "NEXT_OF_QUOTA",
    "RECALLS",
    "Answer",
    "CouponKind",
    "CouponStatus",
    "LedgerAccount",
    "OperationType",
    "OrderType",
    "QuotaPhase",
    "QuotaStatus",
    "Reason",
    "Verdict",
    "WhitelistKind",
    "WhitelistVersionStatus",
    "answer",
    "coupon_status",
    "new_number",
    "posting",
    "quota_phase",
    "whitelist_for",
    "words",
]
