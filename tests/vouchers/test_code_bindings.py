"""What a code confirms is exactly what is done: words, plan and rows; anything else wants another code."""

import pytest
from django.utils import timezone

from partner_center.jobs import actions as jobs
from partner_center.jobs.models import Job
from partner_center.tenancy.models import Member, Partner
from partner_center.verification.actions import CodeNeeded, CodeVoid
from partner_center.verification.proofs import Proof
from partner_center.verification.rules import OFFERED, About
from tests.people import actor_of, signed_in
from tests.verification.making import mailed_code, switch_on
from tests.vouchers.making import HUNDRED, make_coupon, make_customer, make_quota
from tests.vouchers.making_issue import make_plan
from vouchers.actions import recall_batches, recalling
from vouchers.models import Coupon
from vouchers.rules.issuing import Policy

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _asked(partner: Partner) -> None:
    switch_on(partner)


def proof_of_recall(coupon: Coupon, member: Member, code: str = "", **said: str) -> Proof | None:
    words = {"reason_for_customer": "", "remark": ""} | said
    return recalling.ask_for_code(
        coupon=coupon,
        shown_minor=HUNDRED,
        member=member,
        code=code,
        actor=actor_of(member),
        now=timezone.now(),
        **words,
    )


def issue_plan(fiona: Member) -> Job:
    return make_plan(make_quota(fiona.partner), [make_customer(fiona) for _ in range(3)], fiona)


def recall_plan(fiona: Member) -> Job:
    quota = make_quota(fiona.partner)
    return plan_again(fiona, [make_coupon(quota, make_customer(fiona)) for _ in range(3)])


def plan_again(fiona: Member, coupons: list[Coupon]) -> Job:
    return recall_batches.plan_recall(
        coupons=coupons,
        reason_for_customer="",
        remark="",
        policy=Policy.SKIP,
        member=fiona,
        actor=actor_of(fiona),
        now=timezone.now(),
    )


def fail_after_the_first(job: Job) -> None:
    """End a job whose worker died for good after one row."""
    first, *_rest = rows = list(job.items.order_by("position"))
    job.items.exclude(pk=first.pk).update(state="failed", reason="crashed")
    job.items.filter(pk=first.pk).update(state="done", payload={})
    Job.objects.filter(pk=job.pk).update(state="failed", done=1, failed=len(rows) - 1, finished_at=timezone.now())
    job.refresh_from_db()


@pytest.mark.parametrize("changed", [{"remark": "other"}, {"reason_for_customer": "Other"}], ids=["remark", "reason"])
def test_a_code_of_a_recall_is_bound_to_its_words(fiona: Member, changed: dict[str, str]) -> None:
    coupon = make_coupon(make_quota(fiona.partner), make_customer(fiona))
    with pytest.raises(CodeNeeded):
        proof_of_recall(coupon, fiona, remark="as agreed")

    with pytest.raises(CodeVoid):
        proof_of_recall(coupon, fiona, mailed_code(fiona), **{"remark": "as agreed", **changed})


def test_a_proof_of_a_recall_does_not_do_one_with_another_remark(fiona: Member) -> None:
    coupon = make_coupon(make_quota(fiona.partner), make_customer(fiona))
    with pytest.raises(CodeNeeded):
        proof_of_recall(coupon, fiona)
    proof = proof_of_recall(coupon, fiona, mailed_code(fiona))
    about = {"coupon": coupon, "partner": fiona.partner, "member": fiona, "proof": proof, "shown_minor": HUNDRED}

    with pytest.raises(recalling.verification.AlreadySpent):
        recalling.recall_one(**about, reason_for_customer="", remark="other", actor=actor_of(fiona), now=timezone.now())
    coupon.refresh_from_db()
    assert coupon.status == "usable"


def test_a_code_of_a_batch_does_not_apply_its_double(fiona: Member) -> None:
    job = recall_plan(fiona)
    double = plan_again(fiona, list(Coupon.objects.order_by("pk")))
    assert double.digest == job.digest
    with pytest.raises(CodeNeeded):
        jobs.apply_plan(job=job, digest=job.digest, actor=actor_of(fiona), now=timezone.now())

    code = mailed_code(fiona)
    with pytest.raises(CodeVoid):
        jobs.apply_plan(job=double, digest=double.digest, code=code, actor=actor_of(fiona), now=timezone.now())


@pytest.mark.parametrize("make", [issue_plan, recall_plan])
def test_a_retry_names_what_is_left_to_do_and_not_what_is_done(fiona: Member, make) -> None:
    job = make(fiona)
    fail_after_the_first(job)

    with pytest.raises(CodeNeeded) as question:
        jobs.retry_failed(job=job, actor=actor_of(fiona), now=timezone.now())

    about: About = question.value.about
    assert (about.amount_minor, about.count, about.receivers) == (2 * HUNDRED, 2, "2 customers")
    jobs.retry_failed(job=job, code=mailed_code(fiona), actor=actor_of(fiona), now=timezone.now())
    assert Job.objects.get(retry_of=job).items.filter(state="pending").count() == 2


def test_the_page_names_only_what_the_product_can_do(alice: Member) -> None:
    shown = signed_in(alice).get("/settings/security/").text

    assert [str(operation.label) for operation in OFFERED if str(operation.label) not in shown] == []
    assert "End an association" not in shown
