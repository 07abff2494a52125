"""What orders have used of coupons and got back, told by the ledger."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Exists, F, OuterRef, Q, Sum

from customers.models import Association
from vouchers.models import Coupon, LedgerEntry
from vouchers.rules import OperationType

_GIVEN_BACK = (OperationType.REFUND, OperationType.RETURN)


@dataclass
class Use:
    """What one order has used of one coupon; amounts in minor units."""

    consumed_minor: int = 0
    refunded_minor: int = 0

    @property
    def paid_minor(self) -> int:
        return self.consumed_minor - self.refunded_minor


Uses = defaultdict[tuple[int, str], Use]


def uses_by_orders(coupon_pks: Iterable[int]) -> Uses:
    """Add up what every order has used of some coupons, by pk of the coupon and id of the order."""
    entries = LedgerEntry.objects.filter(
        coupon_id__in=set(coupon_pks), operation__in=(OperationType.CONSUME, *_GIVEN_BACK)
    )
    uses: Uses = defaultdict(Use)
    sums = entries.order_by().values_list("coupon_id", "order_id", "operation").annotate(Sum("amount_minor"))
    for coupon_pk, order_id, operation, amount in sums:
        use = uses[coupon_pk, order_id]
        if operation == OperationType.CONSUME:
            use.consumed_minor += amount
        else:
            use.refunded_minor += amount
    return uses


def kept_by_customers(coupon_pks: Iterable[int]) -> set[int]:
    """
    Return which coupons their holders may still have: nothing has happened since their issue that recalls coupons.

    Read behind the locks of the quotas: whoever ends or begins an association has to take those too.
    """
    holders = Association.objects.filter(account=OuterRef("account")).exclude(pk=OuterRef("association"))
    came = Q(created_at__gt=OuterRef("created_at"))
    left = Q(ended_at__gt=OuterRef("created_at"), partner=OuterRef("partner"))
    coupons = Coupon.objects.filter(association__ended_at=None, association__model=F("model"))
    kept = coupons.filter(~Exists(holders.filter(came | left)), pk__in=set(coupon_pks))
    return set(kept.values_list("pk", flat=True))
