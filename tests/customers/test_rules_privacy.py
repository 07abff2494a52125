"""Before consent a partner learns nothing about an account but that its customer must act."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from customers.rules import (
    CAUSES,
    CUSTOMER_MUST_ACT,
    AccountFacts,
    Cause,
    CheckLimits,
    Custody,
    EnterpriseRole,
    Model,
    PartnerFacts,
    Side,
    blockers_for_partner,
    failing_causes,
)

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
US, THEM = "partner-us", "partner-them"
IDS = st.sampled_from([None, US, THEM])
COUNTS = st.integers(min_value=0, max_value=10**9)
NUMBERS = (
    "overdue_minor",
    "credit_line_minor",
    "balance_minor",
    "bonus_balance_minor",
    "stored_value_card_minor",
    "outstanding_invoice_minor",
    "unfinished_orders",
    "reserved_instances",
)
FLAGS = (
    "verified",
    "is_partner",
    "partner_application_pending",
    "internal_account",
    "consumer_cloud",
    "agent_identity",
    "preregistration_reviewed",
    "preregistered_by_vendor",
    "special_contract",
    "effective_contract",
    "subsidy_program",
    "promotion_program",
    "has_independent_member",
    "has_consumption",
    "unpaid_bill",
    "credit_bill_overdue",
    "has_discounts",
)
ACCOUNTS: st.SearchStrategy[AccountFacts] = st.builds(
    AccountFacts,
    site=st.sampled_from(["", "china", "international"]),
    country=st.sampled_from(["", "CN", "SG"]),
    registered_at=st.none() | st.integers(0, 5000).map(lambda days: NOW - timedelta(days=days)),
    associated_partner_id=IDS,
    preregistered_partner_id=IDS,
    enterprise_role=st.sampled_from(EnterpriseRole),
    custody=st.sampled_from(Custody),
    vouchers_count=st.integers(0, 50),
    **dict.fromkeys(NUMBERS, COUNTS),
    **dict.fromkeys(FLAGS, st.booleans()),
)
PARTNERS: st.SearchStrategy[PartnerFacts] = st.builds(
    PartnerFacts,
    site=st.sampled_from(["", "china", "international"]),
    country=st.sampled_from(["", "CN", "SG"]),
    allowed_models=st.frozensets(st.sampled_from(Model)),
    referral_blocked_countries=st.frozensets(st.sampled_from(["CN", "SG"])),
    available_balance_minor=st.integers(-5, 5),
)
MODELS = st.sampled_from(Model)


def evaluate(partner: PartnerFacts, account: AccountFacts, model: Model) -> list[Cause]:
    return failing_causes(partner, account, model, partner_id=US, now=NOW, limits=CheckLimits())


def seen(partner: PartnerFacts, account: AccountFacts, model: Model) -> list[str]:
    shown = blockers_for_partner(evaluate(partner, account, model), consented=False)
    return [cause.code for cause in shown]


def test_overdue_and_taken_look_the_same_to_a_partner() -> None:
    partner = PartnerFacts()
    views = {
        tuple(seen(partner, account, Model.RESELLER))
        for account in (
            AccountFacts(overdue_minor=1),
            AccountFacts(associated_partner_id=THEM),
            AccountFacts(preregistered_partner_id=THEM),
            AccountFacts(special_contract=True, verified=False, is_partner=True),
        )
    }

    assert views == {("customer_must_act",)}
    assert seen(partner, AccountFacts(), Model.RESELLER) == []


@settings(deadline=None)
@given(partner=PARTNERS, one=ACCOUNTS, other=ACCOUNTS, model=MODELS)
def test_two_accounts_with_any_obstacle_cannot_be_told_apart(
    partner: PartnerFacts, one: AccountFacts, other: AccountFacts, model: Model
) -> None:
    obstacles = [
        any(cause.side == Side.CUSTOMER for cause in evaluate(partner, account, model)) for account in (one, other)
    ]
    if obstacles[0] == obstacles[1]:
        assert seen(partner, one, model) == seen(partner, other, model)


@settings(deadline=None)
@given(partner=PARTNERS, account=ACCOUNTS, model=MODELS)
def test_a_partner_sees_its_own_causes_and_at_most_one_neutral_one(
    partner: PartnerFacts, account: AccountFacts, model: Model
) -> None:
    shown = blockers_for_partner(evaluate(partner, account, model), consented=False)
    of_customer = [cause for cause in shown if cause.side != Side.PARTNER]

    assert of_customer in ([], [CUSTOMER_MUST_ACT])
    assert shown[: len(shown) - len(of_customer)] == evaluate(partner, AccountFacts(), model)


@settings(deadline=None)
@given(partner=PARTNERS, account=ACCOUNTS, model=MODELS)
def test_after_consent_the_partner_sees_every_cause(partner: PartnerFacts, account: AccountFacts, model: Model) -> None:
    causes = evaluate(partner, account, model)

    assert blockers_for_partner(causes, consented=True) == causes


@settings(deadline=None)
@given(partner=PARTNERS, account=ACCOUNTS, model=MODELS)
def test_hiding_what_is_hidden_changes_nothing(partner: PartnerFacts, account: AccountFacts, model: Model) -> None:
    once = blockers_for_partner(evaluate(partner, account, model), consented=False)

    assert blockers_for_partner(once, consented=False) == once


@settings(deadline=None)
@given(codes=st.lists(st.sampled_from(sorted(CAUSES)), unique=True))
def test_no_cause_of_the_customers_side_gets_past_in_any_mixture(codes: list[str]) -> None:
    shown = blockers_for_partner((CAUSES[code] for code in codes), consented=False)

    assert {cause.code for cause in shown if cause.side == Side.CUSTOMER} <= {"customer_must_act"}
    assert [c.code for c in shown if c.side != Side.CUSTOMER] == [
        code for code in codes if CAUSES[code].side != Side.CUSTOMER
    ]


@settings(deadline=None)
@given(partner=PARTNERS, account=ACCOUNTS, model=MODELS)
def test_causes_come_in_the_documented_order_and_fit_the_model(
    partner: PartnerFacts, account: AccountFacts, model: Model
) -> None:
    causes = evaluate(partner, account, model)
    places: list[tuple[Any, ...]] = [
        (cause.side == Side.CUSTOMER, cause.side == Side.CUSTOMER and cause.model is not None) for cause in causes
    ]

    assert places == sorted(places)
    assert all(cause.model in {None, model} for cause in causes)
    assert len({cause.code for cause in causes}) == len(causes)
