"""A refund never brings a coupon back to life that its customer had to give up: the amount goes to the quota."""

from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.utils import timezone

from customers import actions as customers
from customers.models import Association
from customers.rules import Model
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member
from tests.rivals import run_together
from tests.vouchers.making import HUNDRED, make_coupon, make_customer, make_quota, part_with
from vouchers.actions import consuming
from vouchers.models import Coupon, Quota
from vouchers.rules.consuming import Destination

BILLING = Actor(kind="api", name="Billing")
Deed = Callable[[Association], None]


def leave(customer: Association) -> None:
    part_with(customer)


def switch(customer: Association) -> None:
    customers.switch_model(association=customer, model=Model.REFERRAL, actor=BILLING, now=timezone.now())


def used_up(member: Member) -> Coupon:
    coupon = make_coupon(make_quota(member.partner, HUNDRED), make_customer(member))
    consuming.consume(coupon=coupon, amount_minor=HUNDRED, order_id="O-1", actor=BILLING, now=timezone.now())
    return coupon


def refund(coupon: Coupon) -> consuming.Settled:
    return consuming.refund(coupon=coupon, order_id="O-1", actor=BILLING, now=timezone.now())


@pytest.mark.django_db
@pytest.mark.parametrize("deed", [leave, switch])
def test_what_was_used_up_before_goes_back_to_the_quota(fiona: Member, deed: Deed) -> None:
    coupon = used_up(fiona)
    deed(coupon.association)

    settled = refund(coupon)

    assert settled.destination == Destination.QUOTA
    coupon.refresh_from_db()
    quota = Quota.objects.get(pk=coupon.quota_id)
    assert (coupon.status, coupon.balance_minor) == ("used", 0)
    assert (quota.balance_minor, quota.outstanding_minor, quota.consumed_minor) == (HUNDRED, 0, 0)
    call_command("reconcile")


@pytest.mark.django_db
def test_a_customer_who_stays_gets_it_back(fiona: Member) -> None:
    coupon = used_up(fiona)

    assert refund(coupon).destination == Destination.COUPON


@pytest.mark.django_db(transaction=True)
def test_whoever_comes_first_nothing_usable_is_left_with_a_leaver(fiona: Member) -> None:
    coupons = [used_up(fiona) for _ in range(10)]

    def rival(number: int) -> object:
        coupon = coupons[number // 2]
        return refund(coupon) if number % 2 else leave(coupon.association)

    outcomes = run_together(20, rival)

    assert [each for each in outcomes if isinstance(each, BaseException)] == []
    assert not Coupon.objects.filter(status="usable").exists()
    assert {quota.balance_minor for quota in Quota.objects.all()} == {HUNDRED}
    call_command("reconcile")
