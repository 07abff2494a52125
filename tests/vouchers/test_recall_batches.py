"""Recall of many: the plan says what comes back, exactly that is done, and the result says what was."""

from collections.abc import Iterable

import pytest
from django.utils import timezone

from partner_center.jobs import actions as jobs
from partner_center.jobs import kinds, worker
from partner_center.jobs.models import Job
from partner_center.mail.models import MailOutbox
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member
from partner_center.verification.actions import CodeNeeded
from tests.people import actor_of
from tests.vouchers.making import HUNDRED, make_coupon, make_customer, make_quota
from vouchers.actions import consuming, recall_batches
from vouchers.actions.recalling import BadText
from vouchers.models import Coupon, LedgerEntry, OperationRecord, Quota
from vouchers.queries import coupons as queries
from vouchers.rules import CouponStatus
from vouchers.rules.issuing import Policy

pytestmark = pytest.mark.django_db

BILLING = Actor(kind="api", name="Billing")


def issued(member: Member, count: int, **fields: object) -> list[Coupon]:
    quota = make_quota(member.partner, 1000 * HUNDRED)
    return [make_coupon(quota, make_customer(member), **fields) for _number in range(count)]


def use(coupon: Coupon, amount_minor: int, order_id: str = "o1") -> None:
    consuming.consume(coupon=coupon, amount_minor=amount_minor, order_id=order_id, actor=BILLING, now=timezone.now())


def plan(coupons: Iterable[Coupon], member: Member, policy: Policy = Policy.SKIP, **said: str) -> Job:
    rows = Coupon.objects.filter(pk__in=[coupon.pk for coupon in coupons]).select_related("account").order_by("-pk")
    return recall_batches.plan_recall(
        coupons=rows,
        reason_for_customer=said.get("reason", ""),
        remark=said.get("remark", ""),
        policy=policy,
        member=member,
        actor=actor_of(member),
        now=timezone.now(),
    )


def apply(job: Job) -> Job:
    jobs.apply_plan(job=job, digest=job.digest, actor=actor_of(job.member), now=timezone.now())
    worker.work_due(now=timezone.now(), budget=60)
    job.refresh_from_db()
    return job


def told(job: Job) -> dict[str, tuple[str, str, str]]:
    """Return by coupon what a row says: state, reason and amount."""
    rows = job.items.values_list("object_id", "key", "state", "reason", "note")
    return {object_id or key: (state, reason, note) for object_id, key, state, reason, note in rows}


def statuses(coupons: Iterable[Coupon]) -> list[str]:
    found = dict(Coupon.objects.values_list("pk", "status"))
    return [found[coupon.pk] for coupon in coupons]


def test_the_plan_says_what_will_come_back_and_takes_nothing(fiona: Member) -> None:
    first, second, gone = issued(fiona, 3)
    use(first, 37_50)
    use(gone, HUNDRED)

    job = plan([first, second, gone], fiona)

    assert job.parameters["totals"] == {"CNY": 162_50}
    assert told(job) == {
        first.public_id: ("planned", "", "62.50 CNY"),
        second.public_id: ("planned", "", "100.00 CNY"),
        gone.public_id: ("skipped", "coupon_used_up", "0.00 CNY"),
    }
    assert "162.50 CNY" in str(kinds.item_kind("recall").consequences(job))
    assert not LedgerEntry.objects.filter(operation="recall").exists()


def test_the_result_says_what_really_came_back_of_each_and_in_all(fiona: Member) -> None:
    first, second, gone = issued(fiona, 3)
    use(first, 37_50)
    use(gone, HUNDRED)

    job = apply(plan([first, second, gone], fiona, reason="Contract ended", remark="batch of May"))

    assert (job.done, job.failed, job.skipped) == (2, 0, 1)
    recalled = queries.recalled_by_job(Coupon.objects.of(fiona.partner), job.public_id, partner=fiona.partner)
    assert {coupon.recalled_minor for coupon in recalled} == {62_50, HUNDRED}
    assert queries.recalled_in_all(recalled) == {"CNY": 162_50}
    said = "162.50 CNY recalled, from 2 coupons. 1 coupon was left out."
    assert kinds.item_kind("recall").result_text(job) == said
    assert set(recalled.values_list("recall_reason", flat=True)) == {"Contract ended"}
    assert MailOutbox.objects.filter(kind="coupon_recalled").count() == 2
    quota = Quota.objects.get()
    amounts = quota.balance_minor, quota.outstanding_minor, quota.consumed_minor
    assert amounts == (1000 * HUNDRED - 137_50, 0, 137_50)


def test_what_the_plan_left_out_is_logged_when_it_is_applied(fiona: Member) -> None:
    usable, gone = issued(fiona, 2)
    use(gone, HUNDRED)
    job = plan([usable, gone], fiona, remark="batch of May")
    assert not OperationRecord.objects.filter(operation="recall").exists()

    apply(job)

    records = OperationRecord.objects.filter(operation="recall").order_by("pk")
    assert list(records.values_list("coupon_id", "result", "reason")) == [
        (gone.public_id, "failure", "coupon_used_up"),
        (usable.public_id, "success", ""),
    ]
    assert {(record.job_id, record.remark, record.actor_name) for record in records} == {
        (job.public_id, "batch of May", "Fiona")
    }


def test_what_was_used_meanwhile_is_left_out_because_it_was_not_shown(fiona: Member) -> None:
    drifted, locked, steady = issued(fiona, 3)
    job = plan([drifted, locked, steady], fiona)
    use(drifted, 60_00)
    consuming.lock(coupon=locked, order_id="o9", actor=BILLING, now=timezone.now())

    apply(job)

    assert statuses([drifted, locked, steady]) == [CouponStatus.USABLE, CouponStatus.USABLE, CouponStatus.RECALLED]
    assert told(job)[drifted.public_id][:2] == ("skipped", "changed_since_plan")
    assert told(job)[locked.public_id][:2] == ("skipped", "coupon_locked")
    failures = OperationRecord.objects.filter(operation="recall", result="failure")
    assert dict(failures.values_list("coupon_id", "reason")) == {
        drifted.public_id: "changed_since_plan",
        locked.public_id: "coupon_locked",
    }


def test_all_or_nothing_recalls_nothing_when_one_row_changed(fiona: Member) -> None:
    coupons = issued(fiona, 3)
    job = plan(coupons, fiona, Policy.ALL)
    use(coupons[1], 1_00)

    apply(job)

    assert statuses(coupons) == [CouponStatus.USABLE] * 3
    assert sorted(reason for _state, reason, _note in told(job).values()) == [
        "all_or_nothing", "all_or_nothing", "changed_since_plan",
    ]  # fmt: skip
    assert not LedgerEntry.objects.filter(operation="recall").exists()
    assert not MailOutbox.objects.filter(kind="coupon_recalled").exists()


def test_all_or_nothing_recalls_everything_when_all_can(fiona: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds.item_kind("recall"), "chunk_rows", 2)
    coupons = issued(fiona, 5)

    job = apply(plan(coupons, fiona, Policy.ALL))

    assert (job.state, job.done) == ("done", 5)
    assert statuses(coupons) == [CouponStatus.RECALLED] * 5


def test_a_plan_of_all_or_nothing_with_a_faulty_row_goes_nowhere(fiona: Member) -> None:
    usable, gone = issued(fiona, 2)
    use(gone, HUNDRED)

    job = plan([usable, gone], fiona, Policy.ALL)

    assert told(job)[usable.public_id][:2] == ("skipped", "all_or_nothing")
    with pytest.raises(jobs.NothingToApply):
        jobs.apply_plan(job=job, digest=job.digest, actor=actor_of(fiona), now=timezone.now())


def test_coupons_of_several_quotas_go_back_to_their_own(fiona: Member) -> None:
    customer = make_customer(fiona)
    quotas = [make_quota(fiona.partner), make_quota(fiona.partner, currency="USD")]
    coupons = [make_coupon(quota, customer, 10_00) for quota in quotas for _number in range(2)]

    job = apply(plan(coupons, fiona))

    assert job.done == 4
    for quota in quotas:
        quota.refresh_from_db()
        assert (quota.balance_minor, quota.outstanding_minor) == (10 * HUNDRED, 0)
    recalled = queries.recalled_by_job(Coupon.objects.of(fiona.partner), job.public_id, partner=fiona.partner)
    assert queries.recalled_in_all(recalled) == {"CNY": 20_00, "USD": 20_00}


def test_the_plan_is_signed_with_reason_and_policy(fiona: Member) -> None:
    coupons = issued(fiona, 1)

    digests = {plan(coupons, fiona, policy, reason=reason).digest for policy in Policy for reason in ("", "Moved")}

    assert len(digests) == 4


def test_bad_texts_make_no_plan(fiona: Member) -> None:
    with pytest.raises(BadText):
        plan(issued(fiona, 1), fiona, reason="www.evil.example")

    assert not Job.objects.exists()


def test_a_partner_with_codes_is_asked_for_exactly_this_plan(fiona: Member) -> None:
    fiona.partner.verification_enabled = True
    fiona.partner.save(update_fields=["verification_enabled"])
    job = plan(issued(fiona, 3), fiona)

    with pytest.raises(CodeNeeded) as question:
        jobs.apply_plan(job=job, digest=job.digest, actor=actor_of(fiona), now=timezone.now())

    assert (question.value.about.amount, question.value.about.count) == ("300.00 CNY", 3)
    assert question.value.about.receivers == "3 customers"
    job.refresh_from_db()
    assert job.state == "planned"


def test_a_batch_costs_no_query_each(fiona: Member, django_assert_max_num_queries: object) -> None:
    job = plan(issued(fiona, 40), fiona)
    jobs.apply_plan(job=job, digest=job.digest, actor=actor_of(fiona), now=timezone.now())

    with django_assert_max_num_queries(60):  # type: ignore[operator]
        worker.work_due(now=timezone.now(), budget=60)

    job.refresh_from_db()
    assert job.done == 40
