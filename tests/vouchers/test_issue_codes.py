"""The verification code of an issue: asked for, bound to the plan, spent once; a closed quota costs none."""

import pytest
from django.utils import timezone

from partner_center.jobs import actions as jobs
from partner_center.jobs.models import Job
from partner_center.tenancy.models import Member, Partner
from partner_center.verification.actions import CodeNeeded, CodeVoid, CodeWrong
from partner_center.verification.models import Challenge
from tests.people import actor_of
from tests.verification.making import mailed_code, switch_on, wrong
from tests.vouchers.making import HUNDRED, make_customer, make_quota
from tests.vouchers.making_issue import make_plan, records_of
from vouchers.actions.issuing import IssueRefused
from vouchers.models import Coupon, Quota

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(partner: Partner) -> None:
    switch_on(partner)


def apply(job: Job, member: Member, code: str = "") -> None:
    member.refresh_from_db()
    jobs.apply_plan(job=job, digest=job.digest, code=code, actor=actor_of(member), now=timezone.now())


def code_for(job: Job, member: Member) -> str:
    with pytest.raises(CodeNeeded):
        apply(job, member)
    return mailed_code(member)


@pytest.mark.usefixtures("asked")
def test_a_plan_asks_for_a_code_that_names_what_it_comes_to(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner)
    job = make_plan(quota, [make_customer(fiona) for _ in range(3)], fiona)

    code = code_for(job, fiona)

    challenge = Challenge.objects.get()
    assert (challenge.amount_minor, challenge.count, challenge.receivers) == (3 * HUNDRED, 3, "3 customers")
    job.refresh_from_db()
    assert (job.state, records_of(quota)) == ("planned", [])
    with pytest.raises(CodeWrong):
        apply(job, fiona, wrong(code))
    apply(job, fiona, code)
    job.refresh_from_db()
    assert job.state == "queued"


@pytest.mark.usefixtures("asked")
@pytest.mark.parametrize(("face_minor", "swaps"), [(HUNDRED + 1, False), (HUNDRED, True)], ids=["amount", "receiver"])
def test_a_code_dies_when_the_amount_or_a_receiver_changes(
    partner: Partner, fiona: Member, face_minor: int, swaps: bool
) -> None:
    quota = make_quota(partner)
    customers = [make_customer(fiona) for _ in range(2)]
    code = code_for(make_plan(quota, customers, fiona), fiona)
    others = [customers[0], make_customer(fiona)] if swaps else customers

    with pytest.raises(CodeVoid):
        apply(make_plan(quota, others, fiona, face_minor=face_minor), fiona, code)
    assert not Job.objects.exclude(state="planned").exists()
    assert not Coupon.objects.exists()


@pytest.mark.usefixtures("asked")
def test_a_closed_quota_is_told_before_a_code_is_sent(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner)
    job = make_plan(quota, [make_customer(fiona)], fiona)
    Quota.objects.filter(pk=quota.pk).update(status="frozen")

    with pytest.raises(IssueRefused):
        apply(job, fiona)
    assert not Challenge.objects.exists()


def test_without_the_switch_nobody_is_asked(partner: Partner, fiona: Member) -> None:
    job = make_plan(make_quota(partner), [make_customer(fiona)], fiona)

    apply(job, fiona)

    assert not Challenge.objects.exists()
