"""Automatic recalls: what the end, the beginning and the switch of an association do to coupons."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from customers import actions as customers
from customers import hooks
from customers.models import Account, Association
from customers.rules import Model
from partner_center.mail.models import MailOutbox
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner
from tests.people import actor_of, make_account
from tests.vouchers.making import HUNDRED, make_coupon, make_customer, make_quota, part_with
from vouchers.actions import consuming
from vouchers.models import Coupon, LedgerEntry, OperationRecord
from vouchers.rules import CouponStatus

pytestmark = pytest.mark.django_db

BILLING = Actor(kind="api", name="Billing")


def end(customer: Association, member: Member) -> None:
    part_with(customer, reason="moved_away", actor=actor_of(member))


def associate(account: Account, manager: Member, now: datetime) -> Association:
    from django.db import transaction

    with transaction.atomic():
        return customers.associate(
            account=account,
            manager=manager,
            model=Model.RESELLER,
            custom_tag="",
            invitation_public_id="",
            actor=actor_of(manager),
            now=now,
        )


def status(coupon: Coupon) -> str:
    coupon.refresh_from_db()
    return coupon.status


def recalls(partner: Partner) -> list[tuple[str, str, str, int]]:
    records = OperationRecord.objects.of(partner).filter(operation__startswith="recall").order_by("pk")
    return list(records.values_list("operation", "actor_kind", "actor_name", "amount_minor"))


def test_the_end_takes_back_the_coupons_of_the_association_and_no_others(fiona: Member) -> None:
    quota, leaving, staying = make_quota(fiona.partner), make_customer(fiona), make_customer(fiona)
    gone, kept = make_coupon(quota, leaving), make_coupon(quota, staying)
    consuming.consume(coupon=gone, amount_minor=30_00, order_id="o1", actor=BILLING, now=timezone.now())

    end(leaving, fiona)

    assert (status(gone), status(kept)) == (CouponStatus.RECALLED, CouponStatus.USABLE)
    assert recalls(fiona.partner) == [("recall_on_disassociation", "system", "disassociation", 70_00)]
    quota.refresh_from_db()
    assert (quota.balance_minor, quota.outstanding_minor, quota.consumed_minor) == (870_00, 100_00, 30_00)
    assert MailOutbox.objects.filter(kind="coupon_recalled").count() == 1


def test_what_went_to_the_master_because_of_a_member_comes_back_with_it(fiona: Member) -> None:
    quota, master = make_quota(fiona.partner), make_account(with_sign_in=False)
    member, masters_own = make_customer(fiona), make_customer(fiona)
    for_member = make_coupon(quota, member, holder=master)
    other = make_coupon(quota, masters_own, holder=masters_own.account)

    end(member, fiona)

    assert (status(for_member), status(other)) == (CouponStatus.RECALLED, CouponStatus.USABLE)


def test_a_coupon_that_an_unpaid_order_holds_is_taken_too(fiona: Member) -> None:
    customer = make_customer(fiona)
    coupon = make_coupon(make_quota(fiona.partner), customer)
    consuming.lock(coupon=coupon, order_id="order-9", actor=BILLING, now=timezone.now())

    end(customer, fiona)

    assert status(coupon) == CouponStatus.RECALLED
    assert coupon.locked_by_order == ""
    assert OperationRecord.objects.latest("pk").order_id == "order-9"


def test_what_is_used_up_expired_or_recalled_stays_what_it_is(fiona: Member) -> None:
    quota, customer = make_quota(fiona.partner), make_customer(fiona)
    used, late = make_coupon(quota, customer), make_coupon(quota, customer)
    consuming.consume(coupon=used, amount_minor=HUNDRED, order_id="o1", actor=BILLING, now=timezone.now())
    Coupon.objects.filter(pk=late.pk).update(expires_at=timezone.now())

    end(customer, fiona)

    assert recalls(fiona.partner) == []
    assert status(used) == CouponStatus.USED
    assert (status(late), late.balance_minor) == (CouponStatus.USABLE, HUNDRED)


def test_a_new_association_begins_without_coupons_of_anybody(
    fiona: Member, charlie: Member, partner: Partner, other_partner: Partner
) -> None:
    """The account holds what two partners gave to members of its enterprise; each finds it in its own log."""
    account, now = make_account(with_sign_in=False), timezone.now()
    first = make_coupon(make_quota(partner), make_customer(fiona), holder=account)
    second = make_coupon(make_quota(other_partner), make_customer(charlie), 20_00, holder=account)

    associate(account, fiona, now)

    assert (status(first), status(second)) == (CouponStatus.RECALLED, CouponStatus.RECALLED)
    assert recalls(partner) == [("recall_on_association", "system", "association", HUNDRED)]
    assert recalls(other_partner) == [("recall_on_association", "system", "association", 20_00)]


def test_a_switch_of_the_model_takes_back_too(fiona: Member) -> None:
    customer = make_customer(fiona)
    coupon = make_coupon(make_quota(fiona.partner), customer)

    customers.switch_model(association=customer, model=Model.REFERRAL, actor=actor_of(fiona), now=timezone.now())

    assert status(coupon) == CouponStatus.RECALLED
    assert recalls(fiona.partner) == [("recall_on_model_switch", "system", "model switch", HUNDRED)]


class Broken(RuntimeError):
    """What goes wrong after the coupons were taken."""


@pytest.fixture
def broken_hook() -> Iterator[None]:
    def break_down(_association: Association, /, **_deed: object) -> None:
        raise Broken

    remove = hooks.add(hooks.Moment.ENDED, break_down)
    yield
    remove()


@pytest.mark.usefixtures("broken_hook")
@pytest.mark.django_db(transaction=True)
def test_the_end_and_its_recalls_stand_or_fall_together(fiona: Member) -> None:
    customer = make_customer(fiona)
    coupon = make_coupon(make_quota(fiona.partner), customer)
    entries = LedgerEntry.objects.count()

    with pytest.raises(Broken):
        end(customer, fiona)

    customer.refresh_from_db()
    assert customer.ended_at is None
    assert (status(coupon), LedgerEntry.objects.count()) == (CouponStatus.USABLE, entries)
    assert recalls(fiona.partner) == []
    assert not MailOutbox.objects.exists()


def test_a_thousand_coupons_cost_no_query_each(fiona: Member, django_assert_max_num_queries: object) -> None:
    quota, customer = make_quota(fiona.partner, 100 * HUNDRED), make_customer(fiona)
    for _number in range(30):
        make_coupon(quota, customer)

    with django_assert_max_num_queries(30):  # type: ignore[operator]
        end(customer, fiona)

    assert len(recalls(fiona.partner)) == 30


def test_sweeps_do_not_wait_for_a_day_that_has_not_come(fiona: Member) -> None:
    """The recall leaves what runs out later in the same second to nobody: its time is compared, not its day."""
    customer = make_customer(fiona)
    coupon = make_coupon(make_quota(fiona.partner), customer, expires_at=timezone.now() + timedelta(seconds=30))

    end(customer, fiona)

    assert status(coupon) == CouponStatus.RECALLED
