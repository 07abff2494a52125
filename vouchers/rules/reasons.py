"""Why a coupon is not issued or recalled: the code, the vendor's own code, the words (domain.md 6.6). Pure."""

from dataclasses import dataclass
from typing import Literal

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from partner_center.refusals import Text


class Reason(TextChoices):
    """Codes of plan rows, failed operations and answers of the API."""

    # Faults of the request or the quota.
    BAD_REQUEST = "bad_request", _("A field is wrong.")
    QUOTA_NOT_NORMAL = "quota_not_normal", _("The quota does not exist, or is frozen, being adjusted or invalid.")
    QUOTA_NOT_EFFECTIVE = "quota_not_effective", _("The quota is not effective yet, or has expired.")
    FACE_TOO_SMALL = "face_too_small", _("The face value is below the quota's minimum.")
    FACE_TOO_LARGE = "face_too_large", _("The face value is above the quota's maximum.")
    SCOPE_EXCEEDS_QUOTA = "scope_exceeds_quota", _("The services or products are not among the quota's.")
    ORDER_TYPES_EXCEED_QUOTA = "order_types_exceed_quota", _("The order types are not among the quota's.")
    VALIDITY_EXCEEDS_QUOTA = "validity_exceeds_quota", _("The validity is not within the quota's.")
    PARTNER_USES_COUPONS = "partner_uses_coupons", _("Your company uses coupons itself, so it cannot issue any.")
    # Faults of one customer, or of running out on the way through the list.
    NOT_PERMITTED = "not_permitted", _("You have no permission to work with this customer.")
    NOT_OWN_CUSTOMER = "not_own_customer", _("This is not a customer of yours.")
    MODEL_NOT_ALLOWED = "model_not_allowed", _("The quota is not for customers of this association model.")
    NOT_ENOUGH_BALANCE = "not_enough_balance", _("The quota's balance is too small.")
    TOO_MANY_COUPONS = "too_many_coupons", _("The quota's maximum number of coupons is reached.")
    TOO_MUCH_FACE = "too_much_face", _("The quota's maximum total face value is reached.")
    NOT_NAMED = "not_named", _("The quota is for named customers, and this is none of them.")
    NOT_FIRST_ASSOCIATED = "not_first_associated", _("The quota is for customers associated for the first time.")
    CUSTODY_MEMBER = "custody_member", _("This coupon cannot go to an enterprise member in financial custody.")
    OWN_ACCOUNT = "own_account", _("You cannot issue to yourself.")
    NOT_ON_WHITELIST = "not_on_whitelist", _("The customer is not on the active whitelist.")
    NO_WHITELIST = "no_whitelist", _("There is no active whitelist yet.")
    OTHER_CURRENCY = "other_currency", _("The customer pays in another currency.")
    DUPLICATE = "duplicate", _("The same receiver stands in an earlier row.")
    DUPLICATE_MASTER = "duplicate_master", _("An earlier row already goes to the same master account.")
    MASTER_MISSING = "master_missing", _("The member's master account is not known.")
    UNKNOWN_CUSTOMER = "unknown_customer", _("No customer of yours has this account name.")
    NAME_DIFFERS = "name_differs", _("The customer name is not the one of this account.")
    CHANGED_SINCE_PLAN = "changed_since_plan", _("This changed after the plan was made, so it was left out.")
    ALL_OR_NOTHING = "all_or_nothing", _("Another row failed, and the plan was to do all rows or none.")
    # Of a coupon that is to be recalled or consumed.
    LOCKED = "coupon_locked", _("An unpaid order holds this coupon.")
    USED_UP = "coupon_used_up", _("This coupon is used up.")
    EXPIRED = "coupon_expired", _("This coupon has expired.")
    RECALLED = "coupon_recalled", _("This coupon has already been recalled.")
    NOT_OWN_COUPON = "not_own_coupon", _("This is not a coupon of yours.")
    NOT_EFFECTIVE = "coupon_not_effective", _("This coupon is not valid yet.")
    NOT_ENOUGH_ON_COUPON = "not_enough_on_coupon", _("The coupon's balance is too small.")
    ORDER_TOO_SMALL = "order_too_small", _("The order is below the coupon's minimum order amount.")
    ORDER_SHARE_TOO_LARGE = "order_share_too_large", _("The coupon may not pay that much of the order.")
    ORDER_TYPE_REFUSED = "order_type_refused", _("The coupon does not pay orders of this type.")
    ORDER_ALREADY_PAID = "order_already_paid", _("This order has already used the coupon.")
    REFUND_TOO_LARGE = "refund_too_large", _("The order has not used that much of the coupon.")


@dataclass(frozen=True)
class Answer:
    """How the API says a reason: the vendor's code, and whether it refuses the request or one row of it."""

    code: str
    level: Literal["request", "row"]
    status: int = 400


ANSWERS: dict[Reason, Answer] = {
    Reason.BAD_REQUEST: Answer("CBC.0100", "request"),
    Reason.QUOTA_NOT_NORMAL: Answer("CBC.99000012", "request"),
    Reason.QUOTA_NOT_EFFECTIVE: Answer("CBC.99000017", "request"),
    Reason.FACE_TOO_SMALL: Answer("CBC.99000018", "request"),
    Reason.FACE_TOO_LARGE: Answer("CBC.99000019", "request"),
    Reason.SCOPE_EXCEEDS_QUOTA: Answer("CBC.99000023", "request"),
    Reason.ORDER_TYPES_EXCEED_QUOTA: Answer("CBC.99000024", "request"),
    Reason.VALIDITY_EXCEEDS_QUOTA: Answer("CBC.0100", "request"),
    Reason.PARTNER_USES_COUPONS: Answer("CBC.50000010", "request"),
    Reason.NOT_PERMITTED: Answer("CBC.99000000", "row"),
    Reason.NOT_OWN_CUSTOMER: Answer("CBC.99000035", "row"),
    Reason.UNKNOWN_CUSTOMER: Answer("CBC.99000035", "row"),
    Reason.NAME_DIFFERS: Answer("CBC.99000035", "row"),
    Reason.MODEL_NOT_ALLOWED: Answer("CBC.99000014", "row"),
    Reason.NOT_ENOUGH_BALANCE: Answer("CBC.99000013", "row"),
    Reason.TOO_MANY_COUPONS: Answer("CBC.99000020", "row"),
    Reason.TOO_MUCH_FACE: Answer("CBC.99000021", "row"),
    Reason.NOT_NAMED: Answer("CBC.50000020", "row"),
    Reason.NOT_FIRST_ASSOCIATED: Answer("CBC.99000022", "row"),
    Reason.CUSTODY_MEMBER: Answer("CBC.50000034", "row"),
    Reason.OWN_ACCOUNT: Answer("CBC.99000025", "row"),
    Reason.NOT_OWN_COUPON: Answer("not_own_coupon", "request", 403),
}


def answer(reason: Reason) -> Answer:
    """Return how the API says a reason; those the vendor has no code for are said by their own."""
    return ANSWERS.get(reason, Answer(reason.value, "row"))


class Verdict(TextChoices):
    """What a plan will do with a row."""

    ISSUE = "issue", _("Will be issued")
    ISSUE_TO_MASTER = "issue_to_master", _("Will go to the master account")
    RECALL = "recall", _("Will be recalled")
    DUPLICATE = "duplicate", _("Duplicate")
    REFUSED = "refused", _("Refused")
    OVER_QUOTA = "over_quota", _("Over the quota")


def words(code: str) -> Text:
    """Explain a reason; a code that is not known is shown as it is."""
    return Reason(code).label if code in Reason.values else code
