"""A worker killed with SIGKILL in the middle of an issue: nothing is lost, nobody gets two."""

import signal
import subprocess
import sys

import pytest
from django.conf import settings
from django.utils import timezone

from partner_center.jobs import worker
from partner_center.jobs.models import Job
from partner_center.tenancy.models import Member, Partner
from tests.jobs.test_item_jobs import make_due
from tests.processes import environment_of_child
from tests.vouchers.making import HUNDRED, make_customer, make_quota
from tests.vouchers.making_issue import apply, make_plan, records_of, results
from vouchers.models import Coupon, LedgerEntry, Quota
from vouchers.rules.issuing import Policy
from vouchers.tasks.issuing import IssueBatch

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(IssueBatch, "chunk_rows", 5)


def kill_worker_in(chunk: int) -> None:
    """Start a worker of its own, wait until it stands inside the chunk, and kill it."""
    command = [sys.executable, "-m", "tests.vouchers.doomed_issuer", str(chunk)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=environment_of_child(), cwd=settings.BASE_DIR, text=True, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL


def assert_issued(quota: Quota, job: Job, count: int) -> None:
    """As many coupons, entries and records as rows that are marked done, and no amount beside them."""
    quota.refresh_from_db()
    job.refresh_from_db()
    assert job.done == count == Coupon.objects.values("chosen_account").distinct().count() == Coupon.objects.count()
    assert LedgerEntry.objects.filter(operation="issue").count() == count
    assert records_of(quota) == [("success", "")] * count
    assert (quota.outstanding_minor, quota.issued_count) == (count * HUNDRED, count)


@pytest.mark.parametrize("chunk", [1, 3])
def test_an_issue_whose_worker_is_killed_goes_on(partner: Partner, fiona: Member, chunk: int) -> None:
    quota = make_quota(partner, 50 * HUNDRED)
    job = make_plan(quota, [make_customer(fiona) for _ in range(17)], fiona)
    apply(job, fiona)

    kill_worker_in(chunk)

    assert_issued(quota, job, 5 * (chunk - 1))
    make_due(job)
    worker.work_due(now=timezone.now(), budget=60)
    assert_issued(quota, job, 17)
    assert set(results(job)) == {("done", "")}


def test_all_or_nothing_is_nothing_when_the_worker_is_killed(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner, 50 * HUNDRED)
    job = make_plan(quota, [make_customer(fiona) for _ in range(12)], fiona, policy=Policy.ALL)
    apply(job, fiona)

    kill_worker_in(1)

    assert_issued(quota, job, 0)
    make_due(job)
    worker.work_due(now=timezone.now(), budget=60)
    assert_issued(quota, job, 12)
