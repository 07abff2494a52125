"""Double entry: which operation moves money from which account to which (reliability.md 2.2). Pure."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class LedgerAccount(TextChoices):
    """Where an amount of a quota can be. All but the vendor's are counted per quota; their sum is what was granted."""

    VENDOR = "vendor", _("Vendor")
    QUOTA = "quota", _("Quota")
    COUPON = "coupon", _("With customers")
    CONSUMED = "consumed", _("Consumed")
    LAPSED = "lapsed", _("Lapsed")


class OperationType(TextChoices):
    """The closed list of what is done to quotas and coupons (domain.md 3.8). What was ever logged is never removed."""

    ISSUE = "issue", _("Issue")
    RECALL = "recall", _("Recall")
    RECALL_ON_DISASSOCIATION = "recall_on_disassociation", _("Recalled on disassociation")
    RECALL_ON_ASSOCIATION = "recall_on_association", _("Recalled on association")
    RECALL_ON_MODEL_SWITCH = "recall_on_model_switch", _("Recalled on switch of the model")
    RECALL_ON_TRANSFER = "recall_on_transfer", _("Recalled on transfer of the reseller")
    EXPIRE = "expire", _("Recalled on expiry")
    RETURN = "return", _("Returned to the quota after a refund")
    CONSUME = "consume", _("Consumed")
    REFUND = "refund", _("Refunded to the coupon")
    GRANT = "grant", _("Quota granted")
    INCREASE = "increase", _("Quota increased")
    DECREASE = "decrease", _("Quota decreased")
    QUOTA_STATUS = "quota_status", _("Quota status changed")
    QUOTA_LIMITS = "quota_limits", _("Quota limits changed")


RECALLS = frozenset(
    {
        OperationType.RECALL,
        OperationType.RECALL_ON_DISASSOCIATION,
        OperationType.RECALL_ON_ASSOCIATION,
        OperationType.RECALL_ON_MODEL_SWITCH,
        OperationType.RECALL_ON_TRANSFER,
    }
)

# What the vendor does to a quota; everything else is done by partners, customers and time.
OF_VENDOR = frozenset(
    {
        OperationType.GRANT,
        OperationType.INCREASE,
        OperationType.DECREASE,
        OperationType.QUOTA_STATUS,
        OperationType.QUOTA_LIMITS,
    }
)

_BACK = (LedgerAccount.COUPON, LedgerAccount.QUOTA)
# From, to. EXPIRE and RETURN credit the quota only while it can still be issued from (domain.md 8 rows 16 and 17);
# otherwise their amount lapses: see `posting`.
_POSTINGS: dict[OperationType, tuple[LedgerAccount, LedgerAccount]] = {
    OperationType.GRANT: (LedgerAccount.VENDOR, LedgerAccount.QUOTA),
    OperationType.INCREASE: (LedgerAccount.VENDOR, LedgerAccount.QUOTA),
    OperationType.DECREASE: (LedgerAccount.QUOTA, LedgerAccount.VENDOR),
    OperationType.ISSUE: (LedgerAccount.QUOTA, LedgerAccount.COUPON),
    OperationType.CONSUME: (LedgerAccount.COUPON, LedgerAccount.CONSUMED),
    OperationType.REFUND: (LedgerAccount.CONSUMED, LedgerAccount.COUPON),
    OperationType.EXPIRE: _BACK,
    OperationType.RETURN: (LedgerAccount.CONSUMED, LedgerAccount.QUOTA),
    **dict.fromkeys(RECALLS, _BACK),
}
# What does not come back to a quota that has ended; a recall always does.
MAY_LAPSE = frozenset({OperationType.EXPIRE, OperationType.RETURN})

# Which column of a quota says what an account holds. The vendor's says what it has given.
COLUMN_OF_ACCOUNT: dict[LedgerAccount, str] = {
    LedgerAccount.VENDOR: "total_minor",
    LedgerAccount.QUOTA: "balance_minor",
    LedgerAccount.COUPON: "outstanding_minor",
    LedgerAccount.CONSUMED: "consumed_minor",
    LedgerAccount.LAPSED: "lapsed_minor",
}


def posting(operation: OperationType, *, lapses: bool = False) -> tuple[LedgerAccount, LedgerAccount] | None:
    """
    Return from which account to which an operation moves its amount, None where it moves nothing.

    :param lapses: the amount does not come back to the quota because that has ended
    """
    move = _POSTINGS.get(operation)
    return (move[0], LedgerAccount.LAPSED) if move and lapses else move


def signed(amount_minor: int, *, debit: str, credit: str, account: str) -> int:
    """
    Return an entry's amount as seen from an account: what came in is positive.

    The vendor's account tells what the vendor has given, so there going out is positive. Without an account every
    amount is.
    """
    went_out = {"": "", LedgerAccount.VENDOR: credit}.get(account, debit)
    return -amount_minor if account and went_out == account else amount_minor


def possible_postings() -> frozenset[tuple[OperationType, LedgerAccount, LedgerAccount]]:
    """List every (operation, from, to) that an entry may have (domain.md 8 rows 15 to 17)."""
    lapsing = {(each, _POSTINGS[each][0], LedgerAccount.LAPSED) for each in MAY_LAPSE}
    return frozenset({(operation, *move) for operation, move in _POSTINGS.items()} | lapsing)
