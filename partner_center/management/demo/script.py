"""What happens in the demo: who invites how many on which day, and what the customers make of it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from customers.rules import Custody, EnterpriseRole, Model

XINGHE_ADMIN = "admin@xinghe.example.com"
OPERATOR = "operator@xinghe.example.com"
MANAGER = "manager@xinghe.example.com"
MANAGER_TWO = "manager.two@xinghe.example.com"
DIRECTOR = "director@xinghe.example.com"
FINANCE = "finance@xinghe.example.com"
HARBOUR_ADMIN = "admin@harbour.example.org"
HARBOUR_OPERATOR = "operator@harbour.example.org"

Language = Literal["zh-hans", "en"]


@dataclass(frozen=True)
class Profile:
    """What the vendor's directory knows about a customer's account, and how old that is when the customer comes."""

    facts: Mapping[str, object]
    age: timedelta = timedelta()


def _profile(*, age_days: int = 0, **facts: object) -> Profile:
    return Profile(facts, timedelta(days=age_days))


# Who accepts, by what the checks will find; the first passes them all.
PROFILES: dict[str, Profile] = {
    "blameless": _profile(vouchers_count=2, vouchers_total_minor=30_000, has_discounts=True),
    "overdue": _profile(overdue_minor=128_050, age_days=3),
    "special_contract": _profile(special_contract=True, effective_contract=True, age_days=5),
    "internal": _profile(internal_account=True),
    "applicant": _profile(partner_application_pending=True, age_days=2),
    "too_old": _profile(age_days=400, balance_minor=52_000),
    "spender": _profile(age_days=120, has_consumption=True, balance_minor=9_900),
    "unverified": _profile(verified=False),
    "open_orders": _profile(unfinished_orders=3, reserved_instances=1, age_days=4),
    "credit": _profile(credit_line_minor=5_000_000, age_days=6),
    "other_site": _profile(site="international", country="SG", currency="USD"),
    "unpaid_bill": _profile(unpaid_bill=True),
    "gift_card": _profile(stored_value_card_minor=20_000, bonus_balance_minor=1_500, age_days=1),
    "member": _profile(enterprise_role=EnterpriseRole.MEMBER, custody=Custody.INDEPENDENT, age_days=2),
    "custody": _profile(enterprise_role=EnterpriseRole.MEMBER, custody=Custody.UNIFIED, age_days=2),
    "promotion": _profile(promotion_program=True, age_days=3),
}
DECLINES, OPENS, CANCELLED, SILENT = "declines", "opens", "cancelled", "silent"


@dataclass(frozen=True, kw_only=True)
class Batch:
    """
    A list of customers one member invites on one day.

    :param days: days before today's midnight UTC
    :param fates: what becomes of each customer, in their order: a profile (who accepts), or one of the four words
    :param trouble: position in the list to what the mail server said
    """

    days: int
    hour: int
    member: str
    language: Language
    model: Model
    fates: tuple[str, ...]
    trouble: Mapping[int, str] = field(default_factory=dict)


RESELLER, REFERRAL = Model.RESELLER, Model.REFERRAL

BATCHES = (
    Batch(
        days=38, hour=2, member=OPERATOR, language="zh-hans", model=RESELLER,
        fates=("blameless", "blameless", "overdue", "blameless", DECLINES, "special_contract", "blameless", OPENS,
               SILENT, SILENT, SILENT, SILENT),
        trouble={9: "bounced"},
    ),
    Batch(
        days=31, hour=7, member=MANAGER_TWO, language="en", model=RESELLER,
        fates=("blameless", "too_old", "blameless", DECLINES, "unverified", OPENS, SILENT, SILENT, SILENT, SILENT),
    ),
    Batch(
        days=24, hour=3, member=OPERATOR, language="zh-hans", model=RESELLER,
        fates=("open_orders", "blameless", "blameless", "applicant", "blameless", "credit", CANCELLED, OPENS, OPENS,
               SILENT, SILENT, SILENT, SILENT, SILENT),
    ),
    Batch(
        days=17, hour=6, member=MANAGER, language="zh-hans", model=REFERRAL,
        fates=("blameless", "special_contract", "blameless", DECLINES, "spender", OPENS, SILENT, SILENT, SILENT),
    ),
    Batch(
        days=12, hour=4, member=DIRECTOR, language="en", model=RESELLER,
        fates=("blameless", "internal", "blameless", "other_site", OPENS, SILENT, SILENT, SILENT),
        trouble={6: "bounced"},
    ),
    Batch(
        days=10, hour=2, member=HARBOUR_OPERATOR, language="en", model=RESELLER,
        fates=("blameless", "overdue", "blameless", DECLINES, OPENS, SILENT, SILENT),
    ),
    Batch(
        days=9, hour=1, member=OPERATOR, language="zh-hans", model=RESELLER,
        fates=("blameless", "blameless", "unpaid_bill", "gift_card", "blameless", DECLINES, CANCELLED, OPENS, OPENS,
               SILENT, SILENT, SILENT, SILENT, SILENT, SILENT),
    ),
    Batch(
        days=6, hour=8, member=MANAGER_TWO, language="en", model=RESELLER,
        fates=("blameless", "member", "custody", OPENS, OPENS, SILENT, SILENT, SILENT, SILENT),
    ),
    Batch(
        days=4, hour=3, member=MANAGER, language="zh-hans", model=RESELLER,
        fates=("blameless", "promotion", "blameless", OPENS, SILENT, SILENT, SILENT, SILENT),
        trouble={6: "unknown"},
    ),
    Batch(
        days=3, hour=5, member=HARBOUR_ADMIN, language="en", model=RESELLER,
        fates=("blameless", OPENS, SILENT, SILENT, SILENT),
        trouble={3: "deferred"},
    ),
    Batch(
        days=2, hour=6, member=OPERATOR, language="en", model=REFERRAL,
        fates=("blameless", OPENS, CANCELLED, SILENT, SILENT, SILENT, SILENT, SILENT),
        trouble={5: "suppressed"},
    ),
    Batch(
        days=1, hour=7, member=OPERATOR, language="zh-hans", model=RESELLER,
        fates=("blameless", OPENS, *(SILENT,) * 9),
        trouble={4: "deferred", 6: "bounced", 8: "unknown", 9: "queued", 10: "queued"},
    ),
)  # fmt: skip

# How long after the mail the first customer of a batch answers, and how much later each next one.
FIRST_ANSWER, NEXT_ANSWER = timedelta(hours=5), timedelta(hours=7)
