"""The rules of preregistration and association: pure facts, causes, checks and consequences."""

from customers.rules.cause import Cause, Remedy, Resend, Side, Topic, WhoActs, with_account
from customers.rules.causes import CAUSES, CUSTOMER_MUST_ACT, cause_choices
from customers.rules.checklist import ChecklistItem, ChecklistSection, checklist
from customers.rules.checks import (
    blockers_for_partner,
    failing_causes,
    is_associated_with,
    preregistration_refusals,
    preregistration_review_causes,
)
from customers.rules.consequences import Consequence, Weight, consequences
from customers.rules.facts import AccountFacts, BillingMode, CheckLimits, Custody, EnterpriseRole, Model, PartnerFacts

__all__ = [
    "CAUSES",
    "CUSTOMER_MUST_ACT",
    "AccountFacts",
    "BillingMode",
    "Cause",
    "CheckLimits",
    "ChecklistItem",
    "ChecklistSection",
    "Consequence",
    "Custody",
    "EnterpriseRole",
    "Model",
    "PartnerFacts",
    "Remedy",
    "Resend",
    "Side",
    "Topic",
    "Weight",
    "WhoActs",
    "blockers_for_partner",
    "cause_choices",
    "checklist",
    "consequences",
    "failing_causes",
    "is_associated_with",
    "preregistration_refusals",
    "preregistration_review_causes",
    "with_account",
]
