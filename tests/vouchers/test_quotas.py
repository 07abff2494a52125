"""Granting and changing quotas: what happens, what is logged, and what a refusal leaves as it was."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from customers.models import Account
from partner_center.audit.models import AuditEntry, Deed
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner, User
from tests.bad_input import picture
from tests.people import make_account
from tests.vouchers.making import HUNDRED, make_coupon, make_customer, make_quota, told
from vouchers.actions import quotas
from vouchers.actions.quotas import Limits
from vouchers.models import LedgerEntry, OperationRecord, Quota
from vouchers.rules import (
    NEXT_OF_QUOTA,
    CouponKind,
    OperationType,
    QuotaPhase,
    QuotaStatus,
    possible_postings,
    why_not_issuable,
)
from vouchers.rules.limits import LimitFacts, limit_words

pytestmark = pytest.mark.django_db
NORMAL, ADJUSTING, FROZEN, INVALID = QuotaStatus


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def vendor(platform_admin: User) -> Actor:
    return Actor.person(platform_admin)


def granted(partner: Partner, vendor: Actor, now: datetime, **changes: Any) -> Quota:
    given = {
        "kind": CouponKind.VOUCHER,
        "total_minor": 10 * HUNDRED,
        "currency": "CNY",
        "effective_at": now,
        "expires_at": now + timedelta(days=30),
        "limits": Limits(),
    }
    return quotas.grant(partner=partner, actor=vendor, now=now, **{**given, **changes})


def last_record(quota: Quota) -> OperationRecord:
    return OperationRecord.objects.of(quota.partner).filter(quota_number=quota.number).latest("pk")


def last_audit(quota: Quota) -> AuditEntry:
    return AuditEntry.objects.filter(deed=Deed.QUOTA_CHANGED, object_id=quota.public_id).latest("pk")


def assert_booked(quota: Quota, operation: OperationType, amount_minor: int, vendor: Actor) -> None:
    """The newest record is this, its ledger entry stands beside it, and the audit log names who did it."""
    record, audited = last_record(quota), last_audit(quota)
    assert (record.operation, record.amount_minor, record.result) == (operation, amount_minor, "success")
    assert (record.actor_kind, record.actor_id) == ("platform", vendor.public_id)
    assert (audited.actor_kind, audited.actor_id) == ("platform", vendor.public_id)
    assert json.loads(audited.details)["change"] == operation
    if amount_minor:
        entry = LedgerEntry.objects.get(operation_id=record.operation_id)
        assert (entry.quota, entry.operation, entry.amount_minor) == (quota, operation, amount_minor)
    else:
        assert record.operation_id == ""


# --- granting --------------------------------------------------------------------------------------------------------


def test_a_grant_is_all_balance_and_stands_in_ledger_and_logs(partner: Partner, vendor: Actor, now: datetime) -> None:
    quota = granted(partner, vendor, now)

    assert (quota.total_minor, quota.balance_minor, quota.outstanding_minor) == (10 * HUNDRED, 10 * HUNDRED, 0)
    assert (quota.partner, quota.status, quota.phase_at(now)) == (partner, NORMAL, QuotaPhase.NORMAL)
    assert_booked(quota, OperationType.GRANT, 10 * HUNDRED, vendor)


def test_a_grant_keeps_every_limit(partner: Partner, vendor: Actor, now: datetime) -> None:
    named = make_account()
    limits = Limits(
        min_face_minor=100,
        max_face_minor=HUNDRED,
        max_count=7,
        max_total_face_minor=5 * HUNDRED,
        order_types=["new"],
        services=["compute"],
        products=["vm.small"],
        allowed_models=["reseller"],
        whitelist_required=True,
        first_associated_only=True,
    )

    quota = granted(partner, vendor, now, limits=limits, named_customers=(named,))

    quota.refresh_from_db()
    assert {name: getattr(quota, name) for name in vars(limits)} == vars(limits)
    assert quota.has_named_customers
    assert list(quota.named_customers.all()) == [named]


@pytest.mark.parametrize("kind", [CouponKind.CASH, CouponKind.PICKUP])
def test_cash_and_pickup_coupons_always_need_the_whitelist(
    partner: Partner, vendor: Actor, now: datetime, kind: CouponKind
) -> None:
    assert granted(partner, vendor, now, kind=kind).whitelist_required
    assert not granted(partner, vendor, now).whitelist_required


def test_the_same_form_sent_twice_grants_once(partner: Partner, vendor: Actor, now: datetime) -> None:
    first = granted(partner, vendor, now, public_id="o" * 22)
    before = picture()

    assert granted(partner, vendor, now, public_id="o" * 22) == first
    assert picture() == before


WRONG_GRANTS: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"total_minor": 0}, quotas.BadAmount),
    ({"total_minor": -1}, quotas.BadAmount),
    ({"total_minor": 10**14 + 1}, quotas.BadAmount),
    ({"expires_at": timezone.now() - timedelta(seconds=1)}, quotas.BadValidity),
    ({"effective_at": timezone.now() + timedelta(days=31)}, quotas.BadValidity),
    ({"limits": Limits(min_face_minor=2, max_face_minor=1)}, quotas.BadLimits),
    ({"limits": Limits(max_face_minor=0)}, quotas.BadLimits),
    ({"limits": Limits(max_count=0)}, quotas.BadLimits),
    ({"limits": Limits(min_face_minor=2, max_total_face_minor=1)}, quotas.BadLimits),
    ({"limits": Limits(min_face_minor=10 * HUNDRED + 1)}, quotas.BadLimits),
]


@pytest.mark.parametrize(("changes", "refusal"), WRONG_GRANTS, ids=told)
def test_a_grant_that_makes_no_sense_is_refused(
    partner: Partner, vendor: Actor, now: datetime, changes: dict[str, Any], refusal: type[Exception]
) -> None:
    before = picture()

    with pytest.raises(refusal):
        granted(partner, vendor, now, **changes)
    assert picture() == before


def test_a_disabled_partner_is_given_nothing(partner: Partner, vendor: Actor, now: datetime) -> None:
    partner.disabled_at = now
    partner.save()

    with pytest.raises(quotas.PartnerDisabled):
        granted(partner, vendor, now)
    assert not Quota.objects.exists()


# --- the total -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "operation", "moved"),
    [(15 * HUNDRED, OperationType.INCREASE, 5 * HUNDRED), (HUNDRED, OperationType.DECREASE, 9 * HUNDRED)],
)
def test_a_change_of_the_total_moves_the_balance(
    partner: Partner, fiona: Member, vendor: Actor, now: datetime, total: int, operation: OperationType, moved: int
) -> None:
    quota = make_quota(partner)
    make_coupon(quota, make_customer(fiona))

    changed = quotas.change_total(quota=quota, total_minor=total, note="As agreed", actor=vendor, now=now)

    assert (changed.total_minor, changed.balance_minor, changed.outstanding_minor) == (total, total - HUNDRED, HUNDRED)
    assert_booked(quota, operation, moved, vendor)
    assert last_record(quota).remark == "As agreed"


def test_the_total_never_falls_below_what_was_issued(
    partner: Partner, fiona: Member, vendor: Actor, now: datetime
) -> None:
    quota = make_quota(partner)
    make_coupon(quota, make_customer(fiona))
    before = picture()

    with pytest.raises(quotas.BelowIssued) as refused:
        quotas.change_total(quota=quota, total_minor=HUNDRED - 1, note="", actor=vendor, now=now)
    assert "100.00 CNY" in str(refused.value)
    assert picture() == before
    with pytest.raises(IntegrityError), transaction.atomic():
        Quota.objects.filter(pk=quota.pk).update(total_minor=HUNDRED - 1, balance_minor=-1)


@pytest.mark.parametrize(
    ("fields", "asked", "refusal"),
    [
        ({}, {"total_minor": 10 * HUNDRED}, quotas.SameTotal),
        ({}, {"total_minor": 0}, quotas.BadAmount),
        ({}, {"total_minor": 10**14 + 1}, quotas.BadAmount),
        ({}, {"total_minor": HUNDRED, "seen_minor": HUNDRED}, quotas.TotalChanged),
        ({"status": INVALID}, {"total_minor": HUNDRED}, quotas.QuotaEnded),
    ],
    ids=told,
)
def test_a_change_of_the_total_that_cannot_be_is_refused(
    partner: Partner, vendor: Actor, now: datetime, fields: Any, asked: Any, refusal: type[Exception]
) -> None:
    quota = make_quota(partner, **fields)
    before = picture()

    with pytest.raises(refusal):
        quotas.change_total(quota=quota, note="", actor=vendor, now=now, **asked)
    assert picture() == before


# --- the status ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", QuotaStatus)
@pytest.mark.parametrize("after", QuotaStatus)
def test_a_status_leads_only_where_the_table_says(
    partner: Partner, vendor: Actor, now: datetime, before: QuotaStatus, after: QuotaStatus
) -> None:
    quota = make_quota(partner, status=before)
    rows = picture()

    if after in NEXT_OF_QUOTA[before]:
        changed = quotas.change_status(quota=quota, status=after, note="Checking", actor=vendor, now=now)
        assert (changed.status, changed.status_note) == (after, "Checking")
        assert_booked(quota, OperationType.QUOTA_STATUS, 0, vendor)
        assert Quota.objects.open(now=now).exists() == (after == NORMAL)
    else:
        with pytest.raises(quotas.StatusNotAllowed):
            quotas.change_status(quota=quota, status=after, note="Checking", actor=vendor, now=now)
        assert picture() == rows


@pytest.mark.parametrize("status", [ADJUSTING, FROZEN, INVALID])
def test_who_closes_a_quota_says_why(partner: Partner, vendor: Actor, now: datetime, status: QuotaStatus) -> None:
    quota = make_quota(partner)
    before = picture()

    with pytest.raises(quotas.NoteNeeded):
        quotas.change_status(quota=quota, status=status, note="", actor=vendor, now=now)
    assert picture() == before


# --- the limits ------------------------------------------------------------------------------------------------------


def changed_limits(quota: Quota, vendor: Actor, named: tuple[Account, ...] | None = None, **limits: Any) -> Quota:
    return quotas.change_limits(
        quota=quota, limits=Limits(**limits), named_customers=named, note="", actor=vendor, now=timezone.now()
    )


def test_limits_change_while_the_quota_is_adjusted(partner: Partner, vendor: Actor) -> None:
    quota = make_quota(partner, status=ADJUSTING)

    changed = changed_limits(quota, vendor, (make_account(),), max_count=3, services=["compute"])

    assert (changed.max_count, changed.services, changed.has_named_customers) == (3, ["compute"], True)
    assert_booked(quota, OperationType.QUOTA_LIMITS, 0, vendor)
    assert changed_limits(quota, vendor).has_named_customers
    assert not changed_limits(quota, vendor, ()).has_named_customers


@pytest.mark.parametrize("status", [NORMAL, FROZEN, INVALID])
def test_limits_do_not_change_under_the_hands_of_issuers(partner: Partner, vendor: Actor, status: QuotaStatus) -> None:
    quota = make_quota(partner, status=status)
    before = picture()

    with pytest.raises(quotas.NotAdjusting):
        changed_limits(quota, vendor, max_count=3)
    assert picture() == before


@pytest.mark.parametrize("limits", [{"max_count": 1}, {"max_total_face_minor": 2 * HUNDRED - 1}], ids=told)
def test_limits_are_never_below_what_was_issued(
    partner: Partner, fiona: Member, vendor: Actor, limits: dict[str, int]
) -> None:
    quota = make_quota(partner, status=ADJUSTING)
    for _ in range(2):
        make_coupon(quota, make_customer(fiona))
    before = picture()

    with pytest.raises(quotas.LimitsBelowIssued):
        changed_limits(quota, vendor, **limits)
    assert picture() == before


# --- rules -----------------------------------------------------------------------------------------------------------


def why(**changes: Any) -> str | None:
    facts = {"phase": QuotaPhase.NORMAL, "balance_minor": 1, "counted": (0, None), "faces_minor": (0, None)}
    reason = why_not_issuable(**{**facts, **changes})
    return None if reason is None else str(reason)


def test_an_open_quota_with_room_can_be_issued_from() -> None:
    assert why() is None
    assert why(counted=(1, 2), faces_minor=(1, 2)) is None


@pytest.mark.parametrize(
    "changes",
    [
        *({"phase": phase} for phase in QuotaPhase if phase != QuotaPhase.NORMAL),
        {"balance_minor": 0},
        {"counted": (2, 2)},
        {"faces_minor": (2, 2)},
        {"uses_coupons": True},
    ],
    ids=told,
)
def test_every_reason_not_to_issue_has_its_own_words(changes: dict[str, Any]) -> None:
    assert why(**changes)


def test_reasons_differ() -> None:
    told = [why(phase=phase) for phase in QuotaPhase if phase != QuotaPhase.NORMAL]
    assert len(set(told)) == len(told)


def test_a_recall_never_lapses() -> None:
    lapsing = {operation for operation, _debit, credit in possible_postings() if credit == "lapsed"}

    assert lapsing == {OperationType.EXPIRE, OperationType.RETURN}


def test_limits_are_said_in_words() -> None:
    facts = LimitFacts(
        "CNY", 100, 1000, 5, 2, 5000, 700, ["new"], ["compute"], ["vm"], ["reseller"], True, True, True
    )  # fmt: skip

    words = limit_words(facts)

    assert len(words) == 10
    assert words[0] == "Face value from 1.00 CNY to 10.00 CNY"
    assert words[1] == "At most 5 coupons (2 issued)"
    assert limit_words(facts._replace(max_face_minor=None))[0] == "Face value at least 1.00 CNY"
    assert limit_words(facts._replace(min_face_minor=None))[0] == "Face value at most 10.00 CNY"
    assert limit_words(LimitFacts("CNY", None, None, None, 0, None, 0, [], [], [], [], False, False, False)) == []
