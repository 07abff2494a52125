"""
Which rules an association would break.

How a preregistration and an old account go together (domain.md 4.1(3), 5.1 row 18, 5.3): a live
preregistration held by the inviting partner answers `customer_needs_preregistration` and nothing
more, because reserving a customer is not the vendor's leave to take an old one. Once the vendor
has reviewed that preregistration (`preregistration_reviewed`), the three facts that sent it to
review no longer stand in the way: age, spending, and the vendor's own preregistration. Nobody is
told to preregister a customer whose preregistration would be refused.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from customers.rules.cause import Cause, Side
from customers.rules.causes import CAUSES, CUSTOMER_MUST_ACT
from customers.rules.facts import AccountFacts, BillingMode, CheckLimits, Custody, EnterpriseRole, Model, PartnerFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything one evaluation looks at."""

    partner: PartnerFacts
    account: AccountFacts
    model: Model
    partner_id: str
    now: datetime
    limits: CheckLimits


Predicate = Callable[[Situation], bool]


def is_associated_with(account_facts: AccountFacts, partner_id: str) -> bool:
    """Whether the account already belongs to this partner, which is no failure (domain.md 8.1)."""
    return account_facts.associated_partner_id == partner_id


def _associated_with_other(at: Situation) -> bool:
    return at.account.associated_partner_id not in {None, at.partner_id}


def _preregistered_by_other(at: Situation) -> bool:
    return at.account.preregistered_partner_id not in {None, at.partner_id}


def _preregistered_by_us(at: Situation) -> bool:
    return at.account.preregistered_partner_id == at.partner_id


def _released_by_review(at: Situation) -> bool:
    return _preregistered_by_us(at) and at.account.preregistration_reviewed


def _is_partner_or_applying(at: Situation) -> bool:
    return at.account.is_partner or at.account.partner_application_pending


def _has_contract(at: Situation) -> bool:
    # A referral customer contracts with the vendor itself, so an ordinary contract is no obstacle there.
    return at.account.special_contract or (at.account.effective_contract and at.model == Model.RESELLER)


def _is_old(at: Situation) -> bool:
    oldest = timedelta(days=at.limits.registered_max_days)
    return at.account.registered_at is not None and at.now - at.account.registered_at > oldest


def _registered_too_long(at: Situation) -> bool:
    return _is_old(at) and not _released_by_review(at)


def _has_consumption(at: Situation) -> bool:
    return at.account.has_consumption and not _released_by_review(at)


def _preregistered_by_vendor(at: Situation) -> bool:
    return at.account.preregistered_by_vendor and not _released_by_review(at)


def _needs_preregistration(at: Situation) -> bool:
    unusual = _is_old(at) or at.account.has_consumption
    return unusual and not _preregistered_by_us(at) and not any(refuses(at) for _, refuses in REFUSE_PREREGISTRATION)


def _balance_and_invoice_debt(at: Situation) -> bool:
    over = at.account.outstanding_invoice_minor > at.limits.invoice_debt_limit_minor
    return over and at.account.balance_minor > 0


def _other_site(at: Situation) -> bool:
    return "" not in {at.account.site, at.partner.site} and at.account.site != at.partner.site


def _country_differs(at: Situation) -> bool:
    return "" not in {at.account.country, at.partner.country} and at.account.country != at.partner.country


def _is_member(at: Situation) -> bool:
    return at.account.enterprise_role == EnterpriseRole.MEMBER


def _in_custody(at: Situation) -> bool:
    return at.account.custody == Custody.UNIFIED


def _consumption_unknown_to_direct_sales(at: Situation) -> bool:
    return at.account.has_consumption and not at.account.preregistered_by_vendor


# Each table is in the order of domain.md 4.4: partner, then customer in both models, then customer in one
# model, and the order of the source rows inside.
PARTNER_CHECKS: tuple[tuple[str, Predicate], ...] = (
    ("partner_model_not_allowed", lambda at: at.model not in at.partner.allowed_models),
    ("partner_prepaid_no_reseller", lambda at: at.partner.billing_mode == BillingMode.PREPAID),
    ("partner_not_enterprise_verified", lambda at: not at.partner.enterprise_verified),
    ("partner_was_consignment_customer", lambda at: at.partner.was_consignment_customer),
    ("partner_in_custody", lambda at: at.partner.in_custody),
    ("partner_is_customer_multilevel", lambda at: at.partner.is_customer_of_other_partner),
    ("partner_negative_balance", lambda at: at.partner.available_balance_minor < 0),
    ("referral_blocked_by_agreement", lambda at: at.partner.referral_blocked_by_agreement),
    ("referral_blocked_by_country", lambda at: at.partner.country in at.partner.referral_blocked_countries),
)

CUSTOMER_CHECKS: tuple[tuple[str, Predicate], ...] = (
    ("customer_registered_by_other_partner", _preregistered_by_other),
    ("customer_is_partner_or_applying", _is_partner_or_applying),
    ("customer_associated_other_partner", _associated_with_other),
    ("customer_special_contract", _has_contract),
    ("customer_internal_account", lambda at: at.account.internal_account),
    ("customer_has_consumption", _has_consumption),
    ("customer_balance_and_invoice_debt", _balance_and_invoice_debt),
    ("customer_registered_too_long", _registered_too_long),
    ("customer_overdue", lambda at: at.account.overdue_minor > 0),
    ("customer_other_site", _other_site),
    ("customer_needs_preregistration", _needs_preregistration),
    ("customer_preregistered_by_vendor", _preregistered_by_vendor),
    ("customer_in_subsidy_program", lambda at: at.account.subsidy_program),
    ("customer_in_promo_program", lambda at: at.account.promotion_program),
    ("customer_consumer_cloud", lambda at: at.account.consumer_cloud),
    ("customer_custody_member", lambda at: _is_member(at) and _in_custody(at)),
    ("customer_unpaid_bill", lambda at: at.account.unpaid_bill),
)

RESELLER_CHECKS: tuple[tuple[str, Predicate], ...] = (
    (
        "customer_master_has_independent_member",
        lambda at: at.account.enterprise_role == EnterpriseRole.MASTER and at.account.has_independent_member,
    ),
    # A member in custody cannot associate in any model; sending it to the referral model would be a dead end.
    ("customer_is_enterprise_member", lambda at: _is_member(at) and not _in_custody(at)),
    ("customer_credit_bill_overdue", lambda at: at.account.credit_bill_overdue),
    ("customer_is_agent_identity", lambda at: at.account.agent_identity),
    ("customer_not_verified", lambda at: not at.account.verified),
    ("customer_in_custody", lambda at: _in_custody(at) and not _is_member(at)),
    ("customer_has_credit_line", lambda at: at.account.credit_line_minor > 0),
    ("customer_invoice_debt", lambda at: at.account.outstanding_invoice_minor > 0),
    ("customer_unfinished_orders", lambda at: at.account.unfinished_orders > 0),
    ("customer_reserved_instances", lambda at: at.account.reserved_instances > 0),
    ("customer_stored_value_card", lambda at: at.account.stored_value_card_minor > 0),
    ("customer_bonus_balance", lambda at: at.account.bonus_balance_minor > 0),
)

CHECKS = (*PARTNER_CHECKS, *CUSTOMER_CHECKS, *RESELLER_CHECKS)

REFUSE_PREREGISTRATION: tuple[tuple[str, Predicate], ...] = (
    ("partner_contact_missing", lambda at: not at.partner.has_contact),
    ("customer_registered_by_other_partner", _preregistered_by_other),
    ("customer_associated_other_partner", _associated_with_other),
    ("customer_special_contract", _has_contract),
    ("customer_has_consumption", _consumption_unknown_to_direct_sales),
    ("customer_other_site", _other_site),
    ("customer_consumer_cloud", lambda at: at.account.consumer_cloud),
    ("customer_custody_member", lambda at: _is_member(at) and _in_custody(at)),
)

REVIEW_PREREGISTRATION: tuple[tuple[str, Predicate], ...] = (
    ("customer_has_consumption", lambda at: at.account.has_consumption and at.account.preregistered_by_vendor),
    ("customer_registered_too_long", _is_old),
    ("customer_preregistered_by_vendor", lambda at: at.account.preregistered_by_vendor),
    ("customer_country_mismatch", _country_differs),
)


def checks_for(model: Model) -> list[tuple[Cause, Predicate]]:
    """Return the checks that a model asks for, in the order of domain.md 4.4."""
    return [(CAUSES[code], fails) for code, fails in CHECKS if CAUSES[code].applies_to(model)]


def failing_causes(
    partner_facts: PartnerFacts,
    account_facts: AccountFacts,
    model: Model,
    *,
    partner_id: str,
    now: datetime,
    limits: CheckLimits,
) -> list[Cause]:
    """
    Evaluate every rule and return all that fail; the first is the cause (domain.md 4.4, 8 row 35).

    An account already associated with this partner is no failure: ask is_associated_with first.

    :param partner_id: the inviting partner, in the same form as the ids in the account's facts
    :param now: aware time of the evaluation
    """
    at = Situation(
        partner=partner_facts, account=account_facts, model=model, partner_id=partner_id, now=now, limits=limits
    )
    return [cause for cause, fails in checks_for(model) if fails(at)]


def preregistration_refusals(
    partner_facts: PartnerFacts, account_facts: AccountFacts, *, partner_id: str, now: datetime, limits: CheckLimits
) -> list[Cause]:
    """
    Return why a customer cannot be preregistered at all (domain.md 4.1(1) and (2)).

    The model is chosen later, so the stricter reading counts. Show a partner only what
    blockers_for_partner lets through.
    """
    at = _before_model(partner_facts, account_facts, partner_id=partner_id, now=now, limits=limits)
    return [CAUSES[code] for code, refuses in REFUSE_PREREGISTRATION if refuses(at)]


def preregistration_review_causes(
    partner_facts: PartnerFacts, account_facts: AccountFacts, *, partner_id: str, now: datetime, limits: CheckLimits
) -> list[Cause]:
    """Return why the vendor must review a preregistration before it counts (domain.md 4.1(3))."""
    at = _before_model(partner_facts, account_facts, partner_id=partner_id, now=now, limits=limits)
    return [CAUSES[code] for code, asks in REVIEW_PREREGISTRATION if asks(at)]


def _before_model(
    partner_facts: PartnerFacts, account_facts: AccountFacts, *, partner_id: str, now: datetime, limits: CheckLimits
) -> Situation:
    return Situation(
        partner=partner_facts,
        account=account_facts,
        model=Model.RESELLER,
        partner_id=partner_id,
        now=now,
        limits=limits,
    )


def blockers_for_partner(causes: Iterable[Cause], *, consented: bool) -> list[Cause]:
    """
    Return what the partner may see of some causes (decisions.md 8, peers.md O16).

    Before the customer has consented, all causes on the customer's side become one that says only
    that the customer must act, so the answer tells nobody whether an account is overdue or taken.

    :param consented: whether the customer has accepted this partner's invitation
    """
    causes = list(causes)
    if consented:
        return causes
    blockers = [cause for cause in causes if cause.side != Side.CUSTOMER]
    return blockers if len(blockers) == len(causes) else [*blockers, CUSTOMER_MUST_ACT]
