"""A form of a grant that is sent again with other words is no second press of the button."""

from typing import Any

import pytest
from django.utils import timezone

from partner_center.tenancy.models import Partner
from tests.vouchers.making import HUNDRED, VENDOR
from vouchers.actions import quotas
from vouchers.models import Quota
from vouchers.rules import CouponKind

pytestmark = pytest.mark.django_db


def grant(partner: Partner, **changed: Any) -> Quota:
    now = timezone.now()
    said = {
        "partner": partner,
        "kind": CouponKind.VOUCHER,
        "total_minor": 10 * HUNDRED,
        "currency": "CNY",
        "effective_at": now,
        "expires_at": now.replace(year=now.year + 1),
        "limits": quotas.Limits(),
        "public_id": "g" * 22,
    }
    return quotas.grant(**(said | changed), actor=VENDOR, now=now)


@pytest.mark.parametrize(
    "changed", [{"total_minor": 20 * HUNDRED}, {"kind": CouponKind.CASH}, {"currency": "EUR"}], ids=str
)
def test_another_grant_under_the_same_id_is_refused(partner: Partner, changed: dict[str, Any]) -> None:
    grant(partner)

    with pytest.raises(quotas.GrantedOtherwise):
        grant(partner, **changed)
    assert Quota.objects.get().total_minor == 10 * HUNDRED


def test_the_grant_of_another_partner_is_not_shown_instead(partner: Partner, other_partner: Partner) -> None:
    grant(partner)

    with pytest.raises(quotas.GrantedOtherwise):
        grant(other_partner)


def test_the_same_grant_twice_is_one_also_after_its_total_was_changed(partner: Partner) -> None:
    first = grant(partner)
    quotas.change_total(quota=first, total_minor=12 * HUNDRED, note="", actor=VENDOR, now=timezone.now())

    assert grant(partner) == first
    assert Quota.objects.get().total_minor == 12 * HUNDRED
