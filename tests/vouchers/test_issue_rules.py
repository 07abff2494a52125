"""The rules of issuing: every reason once where it holds, and its neighbour where it does not."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vouchers.rules import Reason, Verdict, answer, words
from vouchers.rules.issuing import (
    Passage,
    Receiver,
    Terms,
    inherited,
    terms_within,
    why_not_issued,
    why_terms_refused,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HUNDRED = 100_00


@dataclass(frozen=True)
class Company:
    own_coupon_mode: bool = False


@dataclass(frozen=True)
class Limits:
    """A quota of 1000.00 that allows everything."""

    partner: Company = Company()
    kind: str = "voucher"
    status: str = "normal"
    currency: str = "CNY"
    effective_at: datetime = NOW - DAY
    expires_at: datetime = NOW + 30 * DAY
    balance_minor: int = 10 * HUNDRED
    issued_count: int = 0
    issued_face_minor: int = 0
    min_face_minor: int | None = None
    max_face_minor: int | None = None
    max_count: int | None = None
    max_total_face_minor: int | None = None
    order_types: list[str] = field(default_factory=list)
    services: list[str] = field(default_factory=list)
    products: list[str] = field(default_factory=list)
    allowed_models: list[str] = field(default_factory=list)
    has_named_customers: bool = False
    first_associated_only: bool = False


OPEN = Limits()
TERMS = Terms(face_minor=HUNDRED, effective_at=NOW, expires_at=NOW + DAY)
CUSTOMER = Receiver(account=1, holder=1, model="reseller", currency="CNY")


def names(count: int) -> tuple[str, ...]:
    return tuple(f"service {number}" for number in range(count))


@pytest.mark.parametrize(
    ("terms", "limits", "reason"),
    [
        ({"face_minor": 1}, {}, None),
        ({"face_minor": 0}, {}, Reason.BAD_REQUEST),
        ({"face_minor": -1}, {}, Reason.BAD_REQUEST),
        ({"min_order_minor": 1}, {}, None),
        ({"min_order_minor": 0}, {}, Reason.BAD_REQUEST),
        ({"ratio_percent": 100}, {"kind": "cash_coupon"}, None),
        ({"ratio_percent": 1}, {"kind": "pickup_coupon"}, None),
        ({"ratio_percent": 101}, {"kind": "cash_coupon"}, Reason.BAD_REQUEST),
        ({"ratio_percent": 0}, {"kind": "cash_coupon"}, Reason.BAD_REQUEST),
        ({"ratio_percent": 50}, {"kind": "voucher"}, Reason.BAD_REQUEST),
        ({"services": names(10)}, {}, None),
        ({"services": names(11)}, {}, Reason.BAD_REQUEST),
        ({"products": names(11)}, {}, Reason.BAD_REQUEST),
        ({"services": ("s" * 64,)}, {}, None),
        ({"services": ("s" * 65,)}, {}, Reason.BAD_REQUEST),
        ({"remark": "r" * 256}, {}, None),
        ({"remark": "r" * 257}, {}, Reason.BAD_REQUEST),
        ({"order_types": ("new", "renew", "change")}, {}, None),
        ({"order_types": ("unsubscribe",)}, {}, Reason.BAD_REQUEST),
        ({"expires_at": NOW}, {}, Reason.BAD_REQUEST),
        ({"expires_at": NOW + timedelta(seconds=1)}, {}, None),
        ({}, {"min_face_minor": HUNDRED}, None),
        ({}, {"min_face_minor": HUNDRED + 1}, Reason.FACE_TOO_SMALL),
        ({}, {"max_face_minor": HUNDRED}, None),
        ({}, {"max_face_minor": HUNDRED - 1}, Reason.FACE_TOO_LARGE),
        ({"expires_at": NOW + 30 * DAY}, {}, None),
        ({"expires_at": NOW + 30 * DAY + timedelta(seconds=1)}, {}, Reason.VALIDITY_EXCEEDS_QUOTA),
        ({"effective_at": NOW - DAY}, {}, None),
        ({"effective_at": NOW - DAY - timedelta(seconds=1)}, {}, Reason.VALIDITY_EXCEEDS_QUOTA),
        ({"services": ("a",)}, {"services": ["a", "b"]}, None),
        ({"services": ("a", "c")}, {"services": ["a", "b"]}, Reason.SCOPE_EXCEEDS_QUOTA),
        ({}, {"services": ["a", "b"]}, None),
        ({"products": ("c",)}, {"products": ["a"]}, Reason.SCOPE_EXCEEDS_QUOTA),
        ({"order_types": ("new",)}, {"order_types": ["new", "renew"]}, None),
        ({"order_types": ("change",)}, {"order_types": ["new", "renew"]}, Reason.ORDER_TYPES_EXCEED_QUOTA),
        ({}, {"status": "adjusting"}, Reason.QUOTA_NOT_NORMAL),
        ({}, {"status": "frozen"}, Reason.QUOTA_NOT_NORMAL),
        ({}, {"status": "invalid"}, Reason.QUOTA_NOT_NORMAL),
        ({}, {"effective_at": NOW + timedelta(seconds=1)}, Reason.QUOTA_NOT_EFFECTIVE),
        ({}, {"expires_at": NOW}, Reason.QUOTA_NOT_EFFECTIVE),
        ({}, {"partner": Company(own_coupon_mode=True)}, Reason.PARTNER_USES_COUPONS),
    ],
    ids=str,
)
def test_terms_against_the_quota(terms: dict[str, Any], limits: dict[str, Any], reason: Reason | None) -> None:
    assert why_terms_refused(replace(TERMS, **terms), replace(OPEN, **limits), now=NOW) == reason


@pytest.mark.parametrize(
    ("receiver", "limits", "reason"),
    [
        ({}, {}, None),
        ({"is_own": False}, {}, Reason.NOT_OWN_CUSTOMER),
        ({"is_permitted": False}, {}, Reason.NOT_PERMITTED),
        ({"is_issuer": True}, {}, Reason.OWN_ACCOUNT),
        ({"model": "referral"}, {}, Reason.MODEL_NOT_ALLOWED),
        ({"model": "referral"}, {"allowed_models": ["reseller", "referral"]}, None),
        ({"model": "reseller"}, {"allowed_models": ["referral"]}, Reason.MODEL_NOT_ALLOWED),
        ({"is_custody_member": True}, {"kind": "voucher"}, Reason.CUSTODY_MEMBER),
        ({"is_custody_member": True}, {"kind": "pickup_coupon"}, Reason.CUSTODY_MEMBER),
        ({"is_custody_member": True, "holder": 2}, {"kind": "cash_coupon"}, None),
        ({"holder": None}, {"kind": "cash_coupon"}, Reason.MASTER_MISSING),
        ({"currency": "USD"}, {}, Reason.OTHER_CURRENCY),
        ({"currency": "USD"}, {"currency": "USD"}, None),
        ({"is_named": False}, {"has_named_customers": True}, Reason.NOT_NAMED),
        ({"is_named": True}, {"has_named_customers": True}, None),
        ({"is_first_associated": False}, {"first_associated_only": True}, Reason.NOT_FIRST_ASSOCIATED),
        ({"is_first_associated": False}, {}, None),
        ({"has_whitelist": False, "is_listed": False}, {}, Reason.NO_WHITELIST),
        ({"is_listed": False}, {}, Reason.NOT_ON_WHITELIST),
    ],
    ids=str,
)
def test_one_customer_against_the_quota(
    receiver: dict[str, Any], limits: dict[str, Any], reason: Reason | None
) -> None:
    assert why_not_issued(replace(CUSTOMER, **receiver), replace(OPEN, **limits)) == reason


def judged(limits: Limits, *receivers: Receiver | None, face_minor: int = HUNDRED) -> list[tuple[Verdict, object]]:
    passage = Passage(limits, face_minor=face_minor)
    return [(row.verdict, row.reason) for row in map(passage.judge, receivers)]


def someone(account: int, holder: int | None = None, **fields: Any) -> Receiver:
    return replace(CUSTOMER, account=account, holder=holder or account, **fields)


GOES = (Verdict.ISSUE, None)


def test_the_list_runs_out_in_its_order() -> None:
    rows = judged(replace(OPEN, balance_minor=250_00), someone(1), someone(2), someone(3), someone(4))

    short = (Verdict.OVER_QUOTA, Reason.NOT_ENOUGH_BALANCE)
    assert rows == [GOES, GOES, short, short]


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        ({"balance_minor": HUNDRED}, Reason.NOT_ENOUGH_BALANCE),
        ({"max_count": 6, "issued_count": 5}, Reason.TOO_MANY_COUPONS),
        ({"max_total_face_minor": 399_99, "issued_face_minor": 200_00}, Reason.TOO_MUCH_FACE),
    ],
    ids=str,
)
def test_each_limit_lets_the_last_one_pass(limits: dict[str, Any], reason: Reason) -> None:
    assert judged(replace(OPEN, **limits), someone(1), someone(2)) == [GOES, (Verdict.OVER_QUOTA, reason)]


def test_the_same_customer_twice_is_a_duplicate_whatever_became_of_the_first() -> None:
    refused = someone(2, currency="USD")

    rows = judged(OPEN, someone(1), someone(1), refused, refused)

    twice = (Verdict.DUPLICATE, Reason.DUPLICATE)
    assert rows == [GOES, twice, (Verdict.REFUSED, Reason.OTHER_CURRENCY), twice]


def test_two_members_of_one_master_are_one_receiver() -> None:
    cash = replace(OPEN, kind="cash_coupon")

    rows = judged(cash, someone(1, 9), someone(2, 9), someone(9))

    again = (Verdict.DUPLICATE, Reason.DUPLICATE_MASTER)
    assert rows == [(Verdict.ISSUE_TO_MASTER, None), again, again]


def test_a_refused_member_leaves_the_master_to_the_next() -> None:
    cash = replace(OPEN, kind="cash_coupon")

    rows = judged(cash, someone(1, 9, is_listed=False), someone(2, 9))

    assert rows == [(Verdict.REFUSED, Reason.NOT_ON_WHITELIST), (Verdict.ISSUE_TO_MASTER, None)]


def test_a_row_that_names_nobody_is_refused() -> None:
    assert judged(OPEN, None) == [(Verdict.REFUSED, Reason.UNKNOWN_CUSTOMER)]


def test_what_is_left_empty_is_the_quotas() -> None:
    limits = replace(OPEN, order_types=["new"], services=["a", "b"])
    terms = terms_within(limits, face_minor=1, services=("b",))

    assert (terms.effective_at, terms.expires_at) == (limits.effective_at, limits.expires_at)
    carried = inherited(terms, limits)
    assert (carried.order_types, carried.services, carried.products) == (("new",), ("b",), ())


def test_terms_come_back_from_the_parameters_of_a_job() -> None:
    terms = replace(TERMS, services=("a",), order_types=("new",), remark="备注", ratio_percent=30)

    assert Terms.from_parameters(terms.as_parameters()) == terms


def test_every_reason_has_words_and_an_answer() -> None:
    for reason in Reason:
        assert str(words(reason)).strip() not in {"", reason.value}
        assert answer(reason).code


@given(
    balance=st.integers(0, 5000),
    face=st.integers(1, 900),
    most=st.none() | st.integers(0, 12),
    accounts=st.lists(st.integers(1, 12), max_size=20),
)
def test_a_plan_adds_up(balance: int, face: int, most: int | None, accounts: list[int]) -> None:
    limits = replace(OPEN, balance_minor=balance, max_count=most)
    passage = Passage(limits, face_minor=face)
    rows = [passage.judge(someone(account)) for account in accounts]

    count = sum(row.goes for row in rows)
    assert passage.balance == balance - count * face >= 0
    assert count == min(len(set(accounts)), balance // face, 99 if most is None else most)
    assert all(row.before - row.after == (face if row.goes else 0) for row in rows)
    assert all(one.after == other.before for one, other in pairwise(rows))
