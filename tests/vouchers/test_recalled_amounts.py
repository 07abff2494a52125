"""What a recall brought back stays what it brought back, also when an order is refunded past the coupon later."""

import pytest
from django.utils import timezone

from partner_center.jobs import actions as jobs
from partner_center.jobs import kinds, worker
from partner_center.jobs.models import Job
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member
from tests.people import actor_of, signed_in
from tests.vouchers.making import HUNDRED, make_coupon, make_customer, make_quota
from vouchers.actions import consuming, recall_batches
from vouchers.models import Coupon
from vouchers.rules.issuing import Policy

pytestmark = pytest.mark.django_db
BILLING = Actor(kind="api", name="Billing")


def recalled(fiona: Member) -> tuple[Job, Coupon]:
    """Recall the 62.50 that an order has left of a coupon."""
    coupon, now = make_coupon(make_quota(fiona.partner), make_customer(fiona), HUNDRED), timezone.now()
    consuming.consume(coupon=coupon, amount_minor=37_50, order_id="O-1", actor=BILLING, now=now)
    about = {"policy": Policy.SKIP, "member": fiona, "actor": actor_of(fiona), "now": now}
    coupons = Coupon.objects.select_related("account")
    job = recall_batches.plan_recall(coupons=coupons, reason_for_customer="", remark="", **about)
    jobs.apply_plan(job=job, digest=job.digest, actor=actor_of(fiona), now=now)
    worker.work_due(now=now, budget=60)
    job.refresh_from_db()
    return job, coupon


def test_a_later_refund_does_not_change_what_was_recalled(fiona: Member) -> None:
    job, coupon = recalled(fiona)
    kind = kinds.item_kind(job.kind)
    assert kind.result_text(job) == "62.50 CNY recalled, from 1 coupon."

    consuming.refund(coupon=coupon, order_id="O-1", actor=BILLING, now=timezone.now())

    assert kind.result_text(job) == "62.50 CNY recalled, from 1 coupon."
    assert "62.50 CNY recalled, from 1 coupon." in signed_in(fiona).get(f"/coupons/?recall={job.public_id}").text
