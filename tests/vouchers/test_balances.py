"""The guarded columns of a quota: what they let through, and what they refuse without moving anything."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from partner_center.tenancy.models import Partner
from tests.vouchers.making import HUNDRED, make_quota, told
from vouchers.actions import balances
from vouchers.models import Quota

pytestmark = pytest.mark.django_db


def columns(quota: Quota) -> tuple[int, int, int, int, int]:
    quota.refresh_from_db()
    return (
        quota.balance_minor, quota.outstanding_minor, quota.consumed_minor, quota.lapsed_minor, quota.issued_count,
    )  # fmt: skip


def test_a_quota_gives_what_it_has(partner: Partner) -> None:
    quota = make_quota(partner, 3 * HUNDRED)

    assert balances.take(quota, face_minor=HUNDRED, count=3, now=timezone.now())
    assert columns(quota) == (0, 3 * HUNDRED, 0, 0, 3)


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({}, 4),
        ({"max_count": 1}, 2),
        ({"max_total_face_minor": 2 * HUNDRED - 1}, 2),
        ({"status": "frozen"}, 1),
        ({"status": "adjusting"}, 1),
        ({"status": "invalid"}, 1),
        ({"effective_at": timezone.now() + timedelta(hours=1)}, 1),
        ({"expires_at": timezone.now() - timedelta(seconds=1)}, 1),
    ],
    ids=told,
)
def test_what_a_quota_does_not_allow_moves_nothing(partner: Partner, fields: dict[str, object], count: int) -> None:
    quota = make_quota(partner, 3 * HUNDRED, **fields)

    assert not balances.take(quota, face_minor=HUNDRED, count=count, now=timezone.now())
    assert columns(quota) == (3 * HUNDRED, 0, 0, 0, 0)


def test_limits_let_the_last_one_pass(partner: Partner) -> None:
    quota = make_quota(partner, 3 * HUNDRED, max_count=2, max_total_face_minor=2 * HUNDRED)

    assert balances.take(quota, face_minor=HUNDRED, count=2, now=timezone.now())
    assert not balances.take(quota, face_minor=1, count=1, now=timezone.now())


def test_what_customers_do_not_hold_cannot_come_back(partner: Partner) -> None:
    quota = make_quota(partner, HUNDRED)

    with pytest.raises(IntegrityError), transaction.atomic():
        balances.give_back(quota, 1, now=timezone.now())
    assert columns(quota) == (HUNDRED, 0, 0, 0, 0)


@pytest.mark.parametrize("columns_", [{"balance_minor": -1}, {"balance_minor": 1}, {"total_minor": 5}], ids=told)
def test_the_database_refuses_what_does_not_add_up(partner: Partner, columns_: dict[str, int]) -> None:
    quota = make_quota(partner, HUNDRED)

    with pytest.raises(IntegrityError), transaction.atomic():
        Quota.objects.filter(pk=quota.pk).update(**columns_)
