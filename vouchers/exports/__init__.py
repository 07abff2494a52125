"""What of coupons and of the operation log leaves the building, and how each column is masked."""

from vouchers.exports.coupons import CouponExport
from vouchers.exports.operations import OperationExport, ReviewExport

__all__ = ["CouponExport", "OperationExport", "ReviewExport"]
