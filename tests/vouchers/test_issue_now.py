"""Issue at once, as the API does: in the order given, per customer, with what failed in the log."""

from typing import Any

import pytest
from django.utils import timezone

from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner
from partner_center.verification import actions as verification
from partner_center.verification import proofs
from partner_center.verification.proofs import Proof
from partner_center.verification.rules import ProtectedOperation
from tests.people import make_account
from tests.vouchers.making import HUNDRED, make_customer, make_quota
from tests.vouchers.making_issue import make_terms, records_of
from vouchers.actions import issuing
from vouchers.actions.issuing import IssueRefused, Outcome
from vouchers.models import Coupon, OperationRecord, Quota
from vouchers.rules import Reason

pytestmark = pytest.mark.django_db

KEY = Actor(kind="system", name="api key")


def proof_for(quota: Quota, accounts: list[str], face_minor: int = HUNDRED) -> Proof:
    digest = issuing.digest_of(quota=quota, accounts=accounts, terms=make_terms(quota, face_minor))
    return proofs.for_api(operation=ProtectedOperation.ISSUE, digest=digest)


def issue(quota: Quota, accounts: list[str], *, face_minor: int = HUNDRED, **options: Any) -> list[Outcome]:
    options.setdefault("proof", proof_for(quota, accounts, face_minor))
    options.setdefault("partner", quota.partner)
    terms = make_terms(quota, face_minor)
    now = timezone.now()
    return issuing.issue_now(quota=quota, accounts=accounts, terms=terms, member=None, actor=KEY, now=now, **options)


def test_two_succeed_and_the_third_is_over_the_balance(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner, 250_00)
    ids = [make_customer(fiona).account.public_id for _ in range(3)]

    outcomes = issue(quota, ids)

    assert [each.reason for each in outcomes] == [None, None, Reason.NOT_ENOUGH_BALANCE]
    assert [each.account.public_id for each in outcomes if each.account] == ids
    assert records_of(quota) == [("success", ""), ("success", ""), ("failure", "not_enough_balance")]
    assert Coupon.objects.count() == 2


def test_strangers_are_refused_one_by_one_and_not_named_in_the_log(
    partner: Partner, fiona: Member, charlie: Member
) -> None:
    quota = make_quota(partner)
    ours, theirs = make_customer(fiona).account, make_customer(charlie).account
    ids = [theirs.public_id, ours.public_id, make_account().public_id, "no-such-account", ours.public_id]

    outcomes = issue(quota, ids)

    stranger = Reason.NOT_OWN_CUSTOMER
    assert [each.reason for each in outcomes] == [stranger, None, stranger, stranger, Reason.DUPLICATE]
    refused = OperationRecord.objects.filter(reason=stranger)
    assert {(each.account_id, each.chosen_account_id) for each in refused} == {("", "")}


@pytest.mark.parametrize(
    ("fields", "face_minor", "reason"),
    [
        ({"status": "frozen"}, HUNDRED, Reason.QUOTA_NOT_NORMAL),
        ({"max_face_minor": HUNDRED - 1}, HUNDRED, Reason.FACE_TOO_LARGE),
        ({}, 0, Reason.BAD_REQUEST),
    ],
    ids=str,
)
def test_a_faulty_request_leaves_nothing(
    partner: Partner, fiona: Member, fields: dict[str, Any], face_minor: int, reason: Reason
) -> None:
    quota = make_quota(partner, **fields)

    with pytest.raises(IssueRefused) as refused:
        issue(quota, [make_customer(fiona).account.public_id], face_minor=face_minor)
    assert refused.value.reason == reason
    assert (Coupon.objects.count(), records_of(quota)) == (0, [])


@pytest.mark.parametrize("count", [0, 101])
def test_not_nobody_and_not_too_many(partner: Partner, count: int) -> None:
    with pytest.raises(IssueRefused) as refused:
        issue(make_quota(partner), ["a"] * count)
    assert refused.value.reason == Reason.BAD_REQUEST


def test_the_quota_of_another_partner_does_not_exist(partner: Partner, fiona: Member, charlie: Member) -> None:
    quota = make_quota(charlie.partner)

    with pytest.raises(IssueRefused) as refused:
        issue(quota, [make_customer(fiona).account.public_id], partner=partner)
    assert refused.value.reason == Reason.QUOTA_NOT_NORMAL


def test_a_proof_for_other_receivers_or_another_amount_is_none(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner)
    ids = [make_customer(fiona).account.public_id for _ in range(2)]

    for proof in (proof_for(quota, ids[:1]), proof_for(quota, ids[::-1]), proof_for(quota, ids, HUNDRED + 1)):
        with pytest.raises(verification.AlreadySpent):
            issue(quota, ids, proof=proof)
    assert (Coupon.objects.count(), records_of(quota)) == (0, [])
