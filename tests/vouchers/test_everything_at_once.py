"""Everything at once: thirty people, programs and workers over the same quotas, coupons, lists and customers."""

import logging
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import pytest
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from customers import actions as customers
from customers.models import Association
from customers.rules import Model
from partner_center.jobs import actions as jobs
from partner_center.jobs import worker
from partner_center.jobs.models import Job
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member
from partner_center.verification import proofs
from partner_center.verification.rules import ProtectedOperation
from tests.people import actor_of
from tests.rivals import run_together
from tests.vouchers.making import make_coupon, make_customer, make_quota, part_with
from tests.vouchers.making_issue import make_plan, make_terms, put_on_list
from vouchers.actions import consuming, expiring, quotas, recall_batches, recalling, reviewing, whitelists
from vouchers.actions.issuing import digest_of, issue_now
from vouchers.models import Coupon, OperationRecord, Quota, ReviewMark, WhitelistVersion
from vouchers.rules import QuotaStatus
from vouchers.rules.issuing import Policy

pytestmark = pytest.mark.django_db(transaction=True)

VENDOR, BILLING = Actor(kind="platform", name="Vendor"), Actor(kind="api", name="Billing")
RIVALS, DEEDS, CUSTOMERS = 30, 5, 8
Deed = Callable[[], object]


@dataclass
class World:
    """Two partners; customers of both, of whom some leave the one for the other; two quotas each, one with a list."""

    members: Sequence[Member]
    quotas: Sequence[Quota]
    customers: Sequence[Association]
    now: datetime


def make_world(*members: Member) -> World:
    now, given, own = timezone.now(), [], []
    for member in members:
        found = [make_customer(member, email=f"{member.pk}-{each}@customer.example") for each in range(CUSTOMERS)]
        put_on_list(member, [customer.account for customer in found])
        for needs_list in (False, True):
            quota = make_quota(member.partner, 100_00, whitelist_required=needs_list)
            given.append(quota)
            for customer in found:
                make_coupon(quota, customer, 5_00)
            make_coupon(quota, found[0], 1_00, expires_at=now - timedelta(seconds=1))
        own += found
    return World(members, given, own, now)


class Rival:
    """Somebody who does one thing after another, by dice."""

    def __init__(self, world: World, number: int) -> None:
        self.world, self.number, self.dice = world, number, random.Random(number)

    def act(self) -> list[str]:
        """Do some deeds in any order; a refusal is an answer, anything else is a fault."""
        deeds: list[Deed] = [
            self.issue, self.plan_issue, self.recall, self.plan_recall, self.work, self.consume, self.refund,
            self.lock, self.expire, self.leave, self.switch, self.move, self.activate, self.freeze, self.raise_total,
            self.review,
        ]  # fmt: skip
        told = []
        for deed in [deeds[self.number % len(deeds)], *self.dice.choices(deeds, k=DEEDS - 1)]:
            try:
                deed()
            except Refusal as refusal:
                told.append(refusal.code)
        return told

    def quota(self) -> Quota:
        return Quota.objects.select_related("partner").get(pk=self.dice.choice(self.world.quotas).pk)

    def member_of(self, quota: Quota) -> Member:
        return next(member for member in self.world.members if member.partner_id == quota.partner_id)

    def coupons(self, most: int) -> list[Coupon]:
        pks = list(Coupon.objects.values_list("pk", flat=True))
        chosen = self.dice.sample(pks, min(most, len(pks)))
        return list(Coupon.objects.filter(pk__in=chosen).select_related("account", "partner", "quota"))

    def customers_of(self, quota: Quota) -> list[Association]:
        own = [each for each in self.world.customers if each.partner_id == quota.partner_id]
        return self.dice.sample(own, 4)

    def issue(self) -> None:
        quota = self.quota()
        accounts, terms = [each.account.public_id for each in self.customers_of(quota)], make_terms(quota, 3_00)
        digest = digest_of(quota=quota, accounts=accounts, terms=terms)
        proof = proofs.for_api(operation=ProtectedOperation.ISSUE, digest=digest)
        about = {"quota": quota, "accounts": accounts, "terms": terms, "partner": quota.partner, "proof": proof}
        issue_now(**about, member=None, actor=BILLING, now=timezone.now())

    def plan_issue(self) -> None:
        quota = self.quota()
        member = self.member_of(quota)
        self.apply(make_plan(quota, self.customers_of(quota), member, face_minor=2_00, policy=self.policy()))

    def policy(self) -> Policy:
        return self.dice.choice(list(Policy))

    def apply(self, job: Job) -> None:
        jobs.apply_plan(job=job, digest=job.digest, actor=actor_of(job.member), now=timezone.now())

    def work(self) -> None:
        worker.work_due(now=timezone.now(), budget=60)

    def recall(self) -> None:
        (coupon,) = self.coupons(1)
        digest = recalling.digest_of_recall(coupon)
        proof = proofs.for_api(operation=ProtectedOperation.RECALL, digest=digest)
        words = {"reason_for_customer": "", "remark": ""}
        recalling.recall_one(
            coupon=coupon, partner=coupon.partner, member=None, proof=proof, actor=BILLING, now=timezone.now(), **words
        )

    def plan_recall(self) -> None:
        member = self.dice.choice(self.world.members)
        own = [coupon for coupon in self.coupons(12) if coupon.partner_id == member.partner_id]
        about = {"coupons": own, "policy": self.policy(), "member": member, "actor": actor_of(member)}
        self.apply(recall_batches.plan_recall(**about, reason_for_customer="", remark="", now=timezone.now()))

    def consume(self) -> None:
        for coupon in self.coupons(3):
            order = f"O-{self.dice.randrange(4)}"
            consuming.consume(coupon=coupon, amount_minor=1_00, order_id=order, actor=BILLING, now=timezone.now())

    def refund(self) -> None:
        for coupon in self.coupons(6):
            for number in range(4):
                with suppress(Refusal):
                    consuming.refund(coupon=coupon, order_id=f"O-{number}", actor=BILLING, now=timezone.now())

    def lock(self) -> None:
        for coupon in self.coupons(3):
            consuming.lock(coupon=coupon, order_id="O-1", actor=BILLING, now=timezone.now())

    def expire(self) -> None:
        expiring.expire_due(now=timezone.now(), limit=3)

    def leave(self) -> None:
        customer = self.dice.choice(self.world.customers)
        part_with(customer)

    def switch(self) -> None:
        customer = self.dice.choice(self.world.customers)
        model = self.dice.choice(list(Model))
        customers.switch_model(association=customer, model=model, actor=VENDOR, now=timezone.now())

    def move(self) -> None:
        """Let a customer leave, then accept another partner's invitation."""
        customer, now = self.dice.choice(self.world.customers), timezone.now()
        manager = self.dice.choice(self.world.members)
        with suppress(Refusal):
            part_with(customer, now=now)
        about = {"custom_tag": "", "invitation_public_id": "", "actor": VENDOR, "now": now}
        with transaction.atomic():
            customers.associate(account=customer.account, manager=manager, model=Model.RESELLER, **about)

    def activate(self) -> None:
        member, now = self.dice.choice(self.world.members), timezone.now()
        versions = WhitelistVersion.objects.of(member.partner).order_by("pk")
        old = versions.filter(status="superseded").first() or versions[0]
        about = {"actor": actor_of(member), "now": now}
        draft = versions.filter(status="draft").first() or whitelists.reactivate(version=old, member=member, **about)
        whitelists.activate(version=whitelists.compare_again(version=draft, **about), **about)

    def freeze(self) -> None:
        quota = self.quota()
        adjust = partial(quotas.change_status, quota=quota, note="test", actor=VENDOR, now=timezone.now())
        try:
            adjust(status=QuotaStatus.ADJUSTING)
        finally:
            adjust(status=QuotaStatus.NORMAL)

    def raise_total(self) -> None:
        quota = self.quota()
        total = quota.total_minor + self.dice.choice([-2_00, 3_00])
        quotas.change_total(quota=quota, total_minor=total, note="", actor=VENDOR, now=timezone.now())

    def review(self) -> None:
        records = list(OperationRecord.objects.select_related("partner").order_by("-pk")[:20])
        mark = self.dice.choice(list(ReviewMark))
        reviewing.mark(records=self.dice.sample(records, 5), as_=mark, note="test", actor=VENDOR, now=timezone.now())


def test_nobody_meets_an_error_and_the_books_agree(fiona, charlie, caplog, capsys):
    caplog.set_level(logging.ERROR)
    world = make_world(fiona, charlie)

    outcomes = run_together(RIVALS, lambda number: Rival(world, number).act())

    assert [each for each in outcomes if isinstance(each, BaseException)] == []
    worker.work_due(now=timezone.now(), budget=60)
    assert [record.getMessage() for record in caplog.records] == []
    assert not Job.objects.exclude(state__in=["done", "planned"]).exists()
    assert set(OperationRecord.objects.values_list("operation", flat=True)) >= {"issue", "recall", "consume", "expire"}
    call_command("reconcile")
    call_command("verify_log")
