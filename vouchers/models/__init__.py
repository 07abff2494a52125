"""Quotas, coupons, whitelists, the ledger and the operation log."""

from vouchers.models.coupons import Coupon, CouponQuerySet
from vouchers.models.ledger import LedgerEntry
from vouchers.models.operations import (
    OperationHead,
    OperationRecord,
    OperationResult,
    Review,
    ReviewHead,
    ReviewMark,
)
from vouchers.models.quotas import Quota, QuotaQuerySet
from vouchers.models.whitelists import Whitelist, WhitelistEntry, WhitelistRejection, WhitelistVersion

__all__ = [
    "Coupon",
    "CouponQuerySet",
    "LedgerEntry",
    "OperationHead",
    "OperationRecord",
    "OperationResult",
    "Quota",
    "QuotaQuerySet",
    "Review",
    "ReviewHead",
    "ReviewMark",
    "Whitelist",
    "WhitelistEntry",
    "WhitelistRejection",
    "WhitelistVersion",
]
