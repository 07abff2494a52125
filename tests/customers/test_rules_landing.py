"""What the landing page tells a customer before they accept: the check list and the consequences."""

from datetime import UTC, datetime

import pytest

from customers.rules import (
    CAUSES,
    AccountFacts,
    BillingMode,
    CheckLimits,
    Model,
    PartnerFacts,
    Topic,
    Weight,
    checklist,
    consequences,
    failing_causes,
)
from customers.rules.checks import CHECKS

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
PARTNER = PartnerFacts(allowed_models=frozenset(Model))


def effects(account: AccountFacts, model: Model, partner: PartnerFacts = PARTNER) -> list[str]:
    return [effect.code for effect in consequences(account, partner, model)]


@pytest.mark.parametrize("model", Model)
def test_every_rule_of_the_model_stands_once_under_few_headings(model: Model) -> None:
    sections = checklist(model, [])
    listed = [item.code for section in sections for item in section.items]
    of_customer = [code for code, _ in CHECKS if CAUSES[code].side == "customer" and CAUSES[code].applies_to(model)]

    assert sorted(listed) == sorted([*of_customer, "partner_account"])
    assert [section.topic for section in sections] == [topic for topic in Topic if topic in {s.topic for s in sections}]
    assert len(sections) <= 8
    assert all(section.passed and str(section.title) for section in sections)


def test_the_customer_sees_every_obstacle_with_what_to_do_and_what_is_fine() -> None:
    account = AccountFacts(overdue_minor=5, verified=False, unfinished_orders=2)
    causes = failing_causes(PARTNER, account, Model.RESELLER, partner_id="us", now=NOW, limits=CheckLimits())
    sections = {section.topic: section for section in checklist(Model.RESELLER, causes)}
    obstacles = {item.code: item for section in sections.values() for item in section.obstacles}

    assert set(obstacles) == {"customer_overdue", "customer_not_verified", "customer_unfinished_orders"}
    assert str(obstacles["customer_overdue"].message) == "Your account has an overdue payment."
    assert str(obstacles["customer_overdue"].what_to_do) == "Top up and repay it, then accept again."
    assert not sections[Topic.MONEY].passed
    assert sections[Topic.CONTRACTS].passed
    assert sections[Topic.PARTNER].passed
    for section in sections.values():
        for item in section.items:
            assert item.passed == (not item.message) == (not item.what_to_do)


def test_the_customer_does_not_learn_what_is_wrong_with_the_partner() -> None:
    broke = PartnerFacts(available_balance_minor=-1)
    prepaid = PartnerFacts(billing_mode=BillingMode.PREPAID)
    views = []
    for partner in (broke, prepaid):
        causes = failing_causes(partner, AccountFacts(), Model.RESELLER, partner_id="us", now=NOW, limits=CheckLimits())
        assert causes
        views.append(checklist(Model.RESELLER, causes))

    assert views[0] == views[1]
    assert [section.topic for section in views[0] if not section.passed] == [Topic.PARTNER]


def test_vouchers_and_discounts_are_lost_in_the_reseller_model_with_their_number_and_worth() -> None:
    account = AccountFacts(vouchers_count=2, vouchers_total_minor=15000, has_discounts=True, currency="CNY")
    vouchers, discounts, *rest = consequences(account, PARTNER, Model.RESELLER)

    assert (vouchers.code, vouchers.count, vouchers.total_minor, vouchers.currency) == (
        "vouchers_void",
        2,
        15000,
        "CNY",
    )
    told = vouchers.told(total="CNY 150.00")
    assert told == "Vouchers that become void as soon as you accept: 2, worth CNY 150.00 in all."
    assert discounts.code == "discounts_void"
    assert {vouchers.weight, discounts.weight} == {Weight.LOSS}
    assert all(effect.weight != Weight.LOSS for effect in rest)


def test_a_new_account_loses_nothing_but_is_frozen_until_there_is_a_budget() -> None:
    assert effects(AccountFacts(), Model.RESELLER) == [
        "account_frozen",
        "pay_the_partner",
        "partner_sees",
        "how_to_leave",
    ]


@pytest.mark.parametrize("account", [AccountFacts(balance_minor=1), AccountFacts(vouchers_count=1)])
def test_old_balance_is_for_old_spending_in_the_reseller_model(account: AccountFacts) -> None:
    assert "old_balance" in effects(account, Model.RESELLER)
    assert "old_balance" not in effects(account, Model.REFERRAL)


def test_the_referral_model_takes_nothing_and_leaves_payment_as_it_is() -> None:
    account = AccountFacts(vouchers_count=2, vouchers_total_minor=15000, has_discounts=True, balance_minor=1)

    assert effects(account, Model.REFERRAL) == ["pay_the_vendor", "partner_sees", "how_to_leave"]


def test_a_model_the_partner_may_not_use_changes_nothing() -> None:
    assert effects(AccountFacts(vouchers_count=1), Model.REFERRAL, PartnerFacts()) == []


def test_no_consequence_tells_a_placeholder() -> None:
    account = AccountFacts(vouchers_count=3, vouchers_total_minor=1, has_discounts=True, balance_minor=1)

    for model in Model:
        for effect in consequences(account, PARTNER, model):
            assert str(effect.title)
            assert "{" not in effect.told(total="1.00")
