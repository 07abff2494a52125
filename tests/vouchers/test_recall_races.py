"""Recall, expiry and consumption of the same coupons from real threads: each amount goes one way, and one way only."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from customers import actions as customers
from customers.models import Account
from customers.rules import Model
from partner_center.jobs import actions as jobs
from partner_center.jobs import worker
from partner_center.mail.models import MailOutbox
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member
from tests.people import actor_of, make_account
from tests.rivals import run_together
from tests.vouchers.making import HUNDRED, make_coupon, make_customer, make_quota, part_with
from vouchers.actions import consuming, expiring, recall_batches, recalling
from vouchers.models import Coupon, LedgerEntry, Quota
from vouchers.queries.reconciling import CHECKS
from vouchers.rules import RECALLS, CouponStatus
from vouchers.rules.issuing import Policy

pytestmark = pytest.mark.django_db(transaction=True)

BILLING = Actor(kind="api", name="Billing")
COUPONS, RECALLERS, CONSUMERS = 10, 20, 10


def recall(coupon: Coupon, member: Member, now: datetime) -> int:
    proof = recalling.verification.check(
        member=member,
        operation=recalling.ProtectedOperation.RECALL,
        digest=recalling.digest_of_recall(coupon),
        about=recalling.About(),
        code="",
        actor=actor_of(member),
        now=now,
    )
    result = recalling.recall_one(
        coupon=coupon,
        reason_for_customer="",
        remark="",
        partner=member.partner,
        member=member,
        proof=proof,
        actor=actor_of(member),
        now=now,
    )
    return result.amount_minor


def consume(coupon: Coupon, amount_minor: int, order_id: str, now: datetime) -> None:
    consuming.consume(coupon=coupon, amount_minor=amount_minor, order_id=order_id, actor=BILLING, now=now)


def faults(outcomes: list[object]) -> list[object]:
    return [each for each in outcomes if isinstance(each, BaseException) and not isinstance(each, Refusal)]


def each_in_turn(calls: list[Callable[[], object]]) -> Callable[[], None]:
    """Do several calls in one thread; a refusal of one does not keep the next from being tried."""

    def work() -> None:
        for call in calls:
            try:
                call()
            except Refusal:
                continue

    return work


def assert_conserved() -> None:
    """Every quota's accounts, its coupons, its ledger and its log tell the same story."""
    assert [difference for check in CHECKS if (difference := check.first())] == []


def assert_each_ended_once() -> None:
    ends = LedgerEntry.objects.filter(operation__in=[*RECALLS, "expire"]).values_list("coupon", flat=True)
    assert len(ends) == len(set(ends))


def test_a_hundred_recalls_against_fifty_consumptions(fiona: Member) -> None:
    """20 threads recall 10 coupons 5 times each, 10 threads consume 5 times: 100 recalls, 50 consumptions."""
    now, quota, customer = timezone.now(), make_quota(fiona.partner, 100 * HUNDRED), make_customer(fiona)
    coupons = [make_coupon(quota, customer) for _number in range(COUPONS)]

    def recaller(number: int) -> None:
        picked = [coupons[(number + turn) % COUPONS] for turn in range(5)]
        each_in_turn([lambda coupon=coupon: recall(coupon, fiona, now) for coupon in picked])()

    def consumer(number: int) -> None:
        calls = [
            lambda coupon=coupons[(number + turn) % COUPONS], turn=turn: consume(
                coupon, 15_01, f"o{number}-{turn}", now
            )
            for turn in range(5)
        ]
        each_in_turn(calls)()

    outcomes = run_together(
        RECALLERS + CONSUMERS, lambda number: consumer(number) if number % 3 == 0 else recaller(number)
    )

    assert faults(outcomes) == []
    assert Coupon.objects.filter(status=CouponStatus.RECALLED).count() == COUPONS
    assert not Coupon.objects.filter(face_minor__lt=F("consumed_minor") + F("recalled_minor")).exists()
    assert_each_ended_once()
    assert_conserved()
    assert MailOutbox.objects.filter(kind="coupon_recalled").count() == COUPONS


def unguarded_recall(coupon: Coupon, meet: object) -> None:
    """Recall as one would without lock and guard: look, think, then write what was seen."""
    with transaction.atomic():
        seen = Coupon.objects.get(pk=coupon.pk)
        if seen.status != CouponStatus.USABLE:
            return
    meet.wait()  # type: ignore[attr-defined]
    with transaction.atomic():
        Quota.objects.filter(pk=seen.quota_id).update(
            balance_minor=F("balance_minor") + seen.balance_minor,
            outstanding_minor=F("outstanding_minor") - seen.balance_minor,
        )
        Coupon.objects.filter(pk=coupon.pk).update(status="recalled", balance_minor=0, recalled_minor=HUNDRED)


def test_without_lock_and_guard_an_amount_does_come_back_twice(fiona: Member) -> None:
    """The twin: were this race not seen here, the test above would prove nothing."""
    import threading

    quota, customer = make_quota(fiona.partner), make_customer(fiona)
    coupon, _other = make_coupon(quota, customer), make_coupon(quota, customer)
    meet = threading.Barrier(2, timeout=60)

    outcomes = run_together(2, lambda _number: unguarded_recall(coupon, meet))

    assert faults(outcomes) == []
    quota.refresh_from_db()
    assert quota.balance_minor == 10 * HUNDRED
    assert Coupon.objects.aggregate(left=Sum("balance_minor"))["left"] == HUNDRED


def test_expiry_recall_and_consumption_share_a_coupon_out_once(fiona: Member) -> None:
    """Some clocks say the coupons have run out, others say a second before: whoever is first decides."""
    quota, customer = make_quota(fiona.partner, 100 * HUNDRED), make_customer(fiona)
    coupons = [make_coupon(quota, customer) for _number in range(COUPONS)]
    end = coupons[0].expires_at
    before, after = end - timedelta(seconds=1), end + timedelta(seconds=1)

    def rival(number: int) -> None:
        calls = [
            lambda: expiring.expire_due(now=after, limit=3),
            *(lambda coupon=coupon: recall(coupon, fiona, before) for coupon in coupons[number % 5 :: 5]),
            *(lambda coupon=coupon: consume(coupon, 7_00, f"o{number}", before) for coupon in coupons[number % 3 :: 3]),
        ]
        each_in_turn(calls[number % 3 :] + calls[: number % 3])()

    outcomes = run_together(15, rival)
    while expiring.expire_due(now=after):
        pass

    assert faults(outcomes) == []
    assert not Coupon.objects.filter(status=CouponStatus.USABLE).exists()
    assert_each_ended_once()
    assert_conserved()


def associate(account: Account, manager: Member, now: datetime) -> None:
    with transaction.atomic():
        customers.associate(
            account=account,
            manager=manager,
            model=Model.RESELLER,
            custom_tag="",
            invitation_public_id="",
            actor=actor_of(manager),
            now=now,
        )


def test_an_accept_and_recalls_of_what_the_account_holds(fiona: Member, charlie: Member) -> None:
    """The account comes to charlie while fiona takes back what it holds: each coupon once, by one of the two."""
    now, account = timezone.now(), make_account(with_sign_in=False)
    quota, customer = make_quota(fiona.partner, 100 * HUNDRED), make_customer(fiona)
    coupons = [make_coupon(quota, customer, holder=account) for _number in range(COUPONS)]

    def rival(number: int) -> object:
        if number == 5:
            return associate(account, charlie, now)
        return each_in_turn([lambda coupon=coupon: recall(coupon, fiona, now) for coupon in coupons[number % 2 :: 2]])()

    outcomes = run_together(12, rival)

    assert faults(outcomes) == []
    assert Coupon.objects.filter(status=CouponStatus.RECALLED).count() == COUPONS
    assert_each_ended_once()
    assert_conserved()


def test_the_end_of_an_association_against_consumption(fiona: Member) -> None:
    quota, customer = make_quota(fiona.partner, 100 * HUNDRED), make_customer(fiona)
    coupons = [make_coupon(quota, customer) for _number in range(COUPONS)]
    now = timezone.now()

    def rival(number: int) -> object:
        if number == 0:
            return part_with(customer, actor=actor_of(fiona), now=now)
        return each_in_turn([lambda coupon=coupon: consume(coupon, 9_00, f"o{number}", now) for coupon in coupons])()

    outcomes = run_together(10, rival)

    assert faults(outcomes) == []
    assert not Coupon.objects.filter(status=CouponStatus.USABLE).exists()
    assert_each_ended_once()
    assert_conserved()


def test_two_batches_and_single_recalls_of_the_same_coupons(fiona: Member, alice: Member) -> None:
    now, quota, customer = timezone.now(), make_quota(fiona.partner, 100 * HUNDRED), make_customer(fiona)
    coupons = [make_coupon(quota, customer) for _number in range(COUPONS)]
    planned = [
        recall_batches.plan_recall(
            coupons=Coupon.objects.select_related("account").order_by(order),
            reason_for_customer="",
            remark="",
            policy=Policy.SKIP,
            member=member,
            actor=actor_of(member),
            now=now,
        )
        for member, order in ((fiona, "pk"), (alice, "-pk"))
    ]
    for job, member in zip(planned, (fiona, alice), strict=True):
        jobs.apply_plan(job=job, digest=job.digest, actor=actor_of(member), now=now)

    def rival(number: int) -> object:
        if number < 4:
            return worker.work_due(now=now, budget=60)
        return each_in_turn([lambda coupon=coupon: recall(coupon, fiona, now) for coupon in coupons[number % 4 :: 4]])()

    outcomes = run_together(10, rival)
    worker.work_due(now=timezone.now(), budget=60)

    assert faults(outcomes) == []
    assert Coupon.objects.filter(status=CouponStatus.RECALLED).count() == COUPONS
    for job in planned:
        job.refresh_from_db()
        assert (job.state, job.failed, job.done + job.skipped) == ("done", 0, COUPONS)
    assert_each_ended_once()
    assert_conserved()


def test_two_sweeps_write_each_expiry_down_once(fiona: Member) -> None:
    quota, customer = make_quota(fiona.partner, 100 * HUNDRED), make_customer(fiona)
    coupons = [make_coupon(quota, customer) for _number in range(COUPONS)]
    after = coupons[0].expires_at

    def sweep(_number: int) -> int:
        total = 0
        while changed := expiring.expire_due(now=after, limit=2):
            total += changed
        return total

    outcomes = run_together(6, sweep)

    assert faults(outcomes) == []
    assert Coupon.objects.filter(status=CouponStatus.EXPIRED).count() == COUPONS
    assert_each_ended_once()
    assert_conserved()
