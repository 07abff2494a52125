"""The rules of quotas and coupons: kinds, states, reasons, the ledger's accounts. Pure."""

from vouchers.rules.kinds import (
    CONSEQUENCE_OF_STATUS,
    EFFECT_OF_PHASE,
    LARGEST_AMOUNT,
    NEXT_OF_COUPON,
    NEXT_OF_QUOTA,
    CouponKind,
    CouponStatus,
    OrderType,
    QuotaPhase,
    QuotaStatus,
    coupon_status,
    quota_phase,
    why_not_issuable,
)
from vouchers.rules.ledger import (
    COLUMN_OF_ACCOUNT,
    OF_VENDOR,
    RECALLS,
    LedgerAccount,
    OperationType,
    possible_postings,
    posting,
    signed,
)
from vouchers.rules.numbers import new_number
from vouchers.rules.reasons import ANSWERS, Answer, Reason, Verdict, answer, words
from vouchers.rules.whitelists import WhitelistKind, WhitelistVersionStatus, whitelist_for

__all__ = [
    "ANSWERS",
    "COLUMN_OF_ACCOUNT",
    "CONSEQUENCE_OF_STATUS",
    "EFFECT_OF_PHASE",
    "LARGEST_AMOUNT",
    "NEXT_OF_COUPON",
    "NEXT_OF_QUOTA",
    "OF_VENDOR",
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
    "possible_postings",
    "posting",
    "quota_phase",
    "signed",
    "whitelist_for",
    "why_not_issuable",
    "words",
]
