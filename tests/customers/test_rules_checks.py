"""Each rule with facts that pass and facts that fail, the order of causes, and preregistration."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from customers.rules import (
    CAUSES,
    AccountFacts,
    BillingMode,
    Cause,
    CheckLimits,
    Custody,
    EnterpriseRole,
    Model,
    PartnerFacts,
    failing_causes,
    is_associated_with,
    preregistration_refusals,
    preregistration_review_causes,
)
from customers.rules.checks import CHECKS

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
US, THEM = "partner-us", "partner-them"
LIMITS = CheckLimits(registered_max_days=7, invoice_debt_limit_minor=500)
PARTNER = PartnerFacts(site="china", country="CN", allowed_models=frozenset(Model))
NEW = AccountFacts(site="china", country="CN", registered_at=NOW - timedelta(days=1))
A_WEEK_OLD = NOW - timedelta(days=7)
OLDER = A_WEEK_OLD - timedelta(microseconds=1)


def codes(causes: list[Cause]) -> list[str]:
    return [cause.code for cause in causes]


def failing(
    account: AccountFacts = NEW, *, partner: PartnerFacts = PARTNER, model: Model = Model.RESELLER
) -> list[str]:
    return codes(failing_causes(partner, account, model, partner_id=US, now=NOW, limits=LIMITS))


def refused(account: AccountFacts, *, partner: PartnerFacts = PARTNER) -> list[str]:
    return codes(preregistration_refusals(partner, account, partner_id=US, now=NOW, limits=LIMITS))


def to_review(account: AccountFacts) -> list[str]:
    return codes(preregistration_review_causes(PARTNER, account, partner_id=US, now=NOW, limits=LIMITS))


@pytest.mark.parametrize("model", Model)
def test_a_new_account_and_a_partner_in_order_pass_every_rule(model: Model) -> None:
    assert failing(model=model) == []
    assert codes(failing_causes(PARTNER, AccountFacts(), model, partner_id=US, now=NOW, limits=CheckLimits())) == []


PARTNER_CASES: list[tuple[str, PartnerFacts, PartnerFacts]] = [
    ("partner_prepaid_no_reseller", replace(PARTNER, billing_mode=BillingMode.PREPAID), PARTNER),
    ("partner_not_enterprise_verified", replace(PARTNER, enterprise_verified=False), PARTNER),
    ("partner_was_consignment_customer", replace(PARTNER, was_consignment_customer=True), PARTNER),
    ("partner_in_custody", replace(PARTNER, in_custody=True), PARTNER),
    ("partner_is_customer_multilevel", replace(PARTNER, is_customer_of_other_partner=True), PARTNER),
    (
        "partner_negative_balance",
        replace(PARTNER, available_balance_minor=-1),
        replace(PARTNER, available_balance_minor=0),
    ),
    ("referral_blocked_by_agreement", replace(PARTNER, referral_blocked_by_agreement=True), PARTNER),
    (
        "referral_blocked_by_country",
        replace(PARTNER, referral_blocked_countries=frozenset({"CN", "SG"})),
        replace(PARTNER, referral_blocked_countries=frozenset({"SG"})),
    ),
]


@pytest.mark.parametrize(("code", "bad", "good"), PARTNER_CASES, ids=[case[0] for case in PARTNER_CASES])
def test_partner_rule(code: str, bad: PartnerFacts, good: PartnerFacts) -> None:
    model = CAUSES[code].model
    assert model is not None

    assert failing(partner=bad, model=model) == [code]
    assert failing(partner=good, model=model) == []
    assert failing(partner=bad, model=model.other) == []


@pytest.mark.parametrize("model", Model)
def test_a_partner_may_use_the_models_it_is_allowed(model: Model) -> None:
    assert failing(partner=replace(PARTNER, allowed_models=frozenset({model})), model=model) == []
    assert failing(partner=replace(PARTNER, allowed_models=frozenset({model.other})), model=model) == [
        "partner_model_not_allowed"
    ]


MEMBER, MASTER = EnterpriseRole.MEMBER, EnterpriseRole.MASTER
REVIEWED = {"preregistered_partner_id": US, "preregistration_reviewed": True}
BOTH_MODELS: list[tuple[str, dict[str, object], dict[str, object]]] = [
    ("customer_registered_by_other_partner", {"preregistered_partner_id": THEM}, {"preregistered_partner_id": US}),
    ("customer_is_partner_or_applying", {"is_partner": True}, {}),
    ("customer_is_partner_or_applying", {"partner_application_pending": True}, {}),
    ("customer_associated_other_partner", {"associated_partner_id": THEM}, {"associated_partner_id": US}),
    ("customer_special_contract", {"special_contract": True}, {}),
    ("customer_internal_account", {"internal_account": True}, {}),
    ("customer_has_consumption", {"has_consumption": True}, {"has_consumption": True, **REVIEWED}),
    ("customer_overdue", {"overdue_minor": 1}, {"overdue_minor": 0}),
    ("customer_other_site", {"site": "international"}, {"site": ""}),
    (
        "customer_preregistered_by_vendor",
        {"preregistered_by_vendor": True},
        {"preregistered_by_vendor": True} | REVIEWED,
    ),
    ("customer_in_subsidy_program", {"subsidy_program": True}, {}),
    ("customer_in_promo_program", {"promotion_program": True}, {}),
    ("customer_consumer_cloud", {"consumer_cloud": True}, {}),
    ("customer_unpaid_bill", {"unpaid_bill": True}, {}),
    (
        "customer_custody_member",
        {"enterprise_role": MEMBER, "custody": Custody.UNIFIED},
        {"enterprise_role": MASTER, "custody": Custody.INDEPENDENT},
    ),
    (
        "customer_registered_too_long",
        {"registered_at": OLDER, "preregistered_partner_id": US},
        {"registered_at": A_WEEK_OLD},
    ),
    (
        "customer_registered_too_long",
        {"registered_at": OLDER, "preregistered_partner_id": US},
        {"registered_at": OLDER, **REVIEWED},
    ),
]
IN_RESELLER_ONLY: list[tuple[str, dict[str, object], dict[str, object]]] = [
    ("customer_special_contract", {"effective_contract": True}, {}),
    (
        "customer_master_has_independent_member",
        {"enterprise_role": MASTER, "has_independent_member": True},
        {"enterprise_role": MASTER},
    ),
    (
        "customer_is_enterprise_member",
        {"enterprise_role": MEMBER, "custody": Custody.INDEPENDENT},
        {"enterprise_role": MASTER},
    ),
    ("customer_credit_bill_overdue", {"credit_bill_overdue": True}, {}),
    ("customer_is_agent_identity", {"agent_identity": True}, {}),
    ("customer_not_verified", {"verified": False}, {}),
    ("customer_in_custody", {"custody": Custody.UNIFIED}, {"custody": Custody.INDEPENDENT}),
    ("customer_in_custody", {"custody": Custody.UNIFIED, "enterprise_role": MASTER}, {"enterprise_role": MASTER}),
    ("customer_has_credit_line", {"credit_line_minor": 1}, {"credit_line_minor": 0}),
    ("customer_invoice_debt", {"outstanding_invoice_minor": 1}, {"outstanding_invoice_minor": 0}),
    ("customer_unfinished_orders", {"unfinished_orders": 1}, {"unfinished_orders": 0}),
    ("customer_reserved_instances", {"reserved_instances": 1}, {"reserved_instances": 0}),
    ("customer_stored_value_card", {"stored_value_card_minor": 1}, {"stored_value_card_minor": 0}),
    ("customer_bonus_balance", {"bonus_balance_minor": 1}, {"bonus_balance_minor": 0}),
]


def account(facts: dict[str, object]) -> AccountFacts:
    return replace(NEW, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize("model", Model)
@pytest.mark.parametrize(("code", "bad", "good"), BOTH_MODELS)
def test_customer_rule_of_both_models(model: Model, code: str, bad: dict[str, object], good: dict[str, object]) -> None:
    assert failing(account(bad), model=model) == [code]
    assert failing(account(good), model=model) == []


@pytest.mark.parametrize(("code", "bad", "good"), IN_RESELLER_ONLY)
def test_customer_rule_of_the_reseller_model(code: str, bad: dict[str, object], good: dict[str, object]) -> None:
    assert failing(account(bad)) == [code]
    assert failing(account(good)) == []
    assert failing(account(bad), model=Model.REFERRAL) == []


@pytest.mark.parametrize(
    ("balance_minor", "outstanding_invoice_minor", "fails"),
    [(1, 501, True), (0, 501, False), (1, 500, False), (0, 0, False)],
)
def test_a_balance_and_an_invoice_debt_above_the_limit_fail_only_together(
    balance_minor: int, outstanding_invoice_minor: int, fails: bool
) -> None:
    facts = replace(NEW, balance_minor=balance_minor, outstanding_invoice_minor=outstanding_invoice_minor)

    assert failing(facts, model=Model.REFERRAL) == (["customer_balance_and_invoice_debt"] if fails else [])


def test_every_rule_stands_in_a_table_of_cases() -> None:
    tried = {case[0] for case in (*PARTNER_CASES, *BOTH_MODELS, *IN_RESELLER_ONLY)}
    on_their_own = {
        "partner_model_not_allowed",
        "customer_balance_and_invoice_debt",
        "customer_needs_preregistration",
    }

    assert tried | on_their_own == {code for code, _ in CHECKS}


@pytest.mark.parametrize(
    ("age", "too_long"),
    [
        (timedelta(0), False),
        (timedelta(days=7), False),
        (timedelta(days=7, microseconds=1), True),
        (timedelta(days=-1), False),
    ],
)
def test_an_account_is_too_old_only_after_the_last_allowed_moment(age: timedelta, too_long: bool) -> None:
    assert ("customer_registered_too_long" in failing(replace(NEW, registered_at=NOW - age))) is too_long


def test_the_limit_of_days_is_the_sites_to_set() -> None:
    longer = CheckLimits(registered_max_days=30)
    month_old = replace(NEW, registered_at=NOW - timedelta(days=30))

    assert failing_causes(PARTNER, month_old, Model.REFERRAL, partner_id=US, now=NOW, limits=longer) == []
    assert "customer_registered_too_long" in failing(month_old, model=Model.REFERRAL)


def test_a_plain_text_model_from_a_row_is_as_good_as_the_enum() -> None:
    from_row: Model = "reseller"  # type: ignore[assignment]

    assert failing(replace(NEW, verified=False), model=from_row) == ["customer_not_verified"]


# --- preregistration ------------------------------------------------------------------------------


def test_an_old_account_that_nobody_preregistered_needs_it_and_stays_too_old() -> None:
    assert failing(replace(NEW, registered_at=OLDER)) == [
        "customer_registered_too_long",
        "customer_needs_preregistration",
    ]


def test_our_preregistration_alone_does_not_let_an_old_account_through() -> None:
    ours = replace(NEW, registered_at=OLDER, preregistered_partner_id=US)

    assert failing(ours) == ["customer_registered_too_long"]
    assert failing(replace(ours, preregistration_reviewed=True)) == []


def test_a_review_counts_only_for_the_partner_it_was_made_for() -> None:
    theirs = replace(NEW, registered_at=OLDER, preregistered_partner_id=THEM, preregistration_reviewed=True)

    assert failing(theirs) == ["customer_registered_by_other_partner", "customer_registered_too_long"]


@pytest.mark.parametrize(
    "hopeless",
    [
        {"has_consumption": True},
        {"registered_at": OLDER, "preregistered_partner_id": THEM},
        {"registered_at": OLDER, "consumer_cloud": True},
    ],
)
def test_nobody_is_sent_to_preregister_where_that_would_be_refused(hopeless: dict[str, object]) -> None:
    assert refused(account(hopeless))
    assert "customer_needs_preregistration" not in failing(account(hopeless))


def test_spending_that_direct_sales_follows_needs_a_preregistration() -> None:
    followed = replace(NEW, has_consumption=True, preregistered_by_vendor=True)

    assert refused(followed) == []
    assert "customer_needs_preregistration" in failing(followed)


@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("customer_other_site", {"site": "international"}),
        ("customer_associated_other_partner", {"associated_partner_id": THEM}),
        ("customer_registered_by_other_partner", {"preregistered_partner_id": THEM}),
        ("customer_consumer_cloud", {"consumer_cloud": True}),
        ("customer_special_contract", {"special_contract": True}),
        ("customer_special_contract", {"effective_contract": True}),
        ("customer_has_consumption", {"has_consumption": True}),
        ("customer_custody_member", {"enterprise_role": MEMBER, "custody": Custody.UNIFIED}),
    ],
)
def test_a_preregistration_is_refused(code: str, facts: dict[str, object]) -> None:
    assert refused(account(facts)) == [code]


def test_a_preregistration_is_refused_to_a_partner_without_a_contact() -> None:
    assert refused(NEW) == []
    assert refused(NEW, partner=replace(PARTNER, has_contact=False)) == ["partner_contact_missing"]


@pytest.mark.parametrize("harmless", [{"overdue_minor": 1}, {"registered_at": OLDER}, {"verified": False}])
def test_a_preregistration_is_not_refused(harmless: dict[str, object]) -> None:
    assert refused(account(harmless)) == []


@pytest.mark.parametrize(
    ("facts", "causes"),
    [
        ({}, []),
        ({"registered_at": A_WEEK_OLD}, []),
        ({"registered_at": OLDER}, ["customer_registered_too_long"]),
        ({"country": "SG"}, ["customer_country_mismatch"]),
        ({"country": ""}, []),
        ({"has_consumption": True}, []),
        (
            {"has_consumption": True, "preregistered_by_vendor": True},
            ["customer_has_consumption", "customer_preregistered_by_vendor"],
        ),
    ],
)
def test_a_preregistration_goes_to_review(facts: dict[str, object], causes: list[str]) -> None:
    assert to_review(account(facts)) == causes


# --- order and completeness -----------------------------------------------------------------------


def place(code: str) -> tuple[bool, bool]:
    cause = CAUSES[code]
    return cause.side == "customer", cause.side == "customer" and cause.model is not None


def test_the_rules_stand_in_the_documented_order() -> None:
    in_order = [place(code) for code, _ in CHECKS]

    assert in_order == sorted(in_order)
    assert len({code for code, _ in CHECKS}) == len(CHECKS)


def test_all_failing_rules_are_reported_the_partners_first() -> None:
    partner = replace(PARTNER, available_balance_minor=-1)
    three = replace(NEW, verified=False, overdue_minor=100, has_discounts=True)

    assert failing(three, partner=partner) == [
        "partner_negative_balance",
        "customer_overdue",
        "customer_not_verified",
    ]
    assert failing(replace(three, overdue_minor=0), partner=partner) == [
        "partner_negative_balance",
        "customer_not_verified",
    ]


def test_an_account_that_is_ours_already_is_no_failure() -> None:
    ours = replace(NEW, associated_partner_id=US)

    assert failing(ours) == []
    assert is_associated_with(ours, US)
    assert not is_associated_with(ours, THEM)
    assert not is_associated_with(NEW, US)


@pytest.mark.parametrize("evaluate", [failing, to_review])
def test_a_time_without_a_zone_is_a_mistake_of_the_caller(evaluate: Callable[[AccountFacts], list[str]]) -> None:
    with pytest.raises(TypeError):
        evaluate(replace(NEW, registered_at=datetime(2020, 1, 1)))  # noqa: DTZ001
