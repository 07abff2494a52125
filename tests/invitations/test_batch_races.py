"""Batches against what goes on beside them: accepts, sweeps, second presses. One outcome for each row, never two."""

import logging
from datetime import datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from customers.models import Account, Association
from invitations.actions import answering, planning, sending, sweeping
from invitations.actions.answering import Arrival, LinkUnusable
from invitations.models import Invitation, InvitationQuerySet
from invitations.rules import RowReason, Status
from invitations.tasks import InviteBatch
from partner_center.audit.models import AuditEntry
from partner_center.environment import environment
from partner_center.jobs import actions as jobs
from partner_center.jobs import worker
from partner_center.jobs.models import Job, JobItem
from partner_center.mail.models import MailOutbox
from partner_center.tenancy.models import Member
from tests.invitations.making import invite, plan, row
from tests.people import actor_of, make_account, signed_in
from tests.rivals import run_together

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 8
TERM = timedelta(days=environment.invitation_days)


def without_faults(outcomes: list[object]) -> list[object]:
    """Refusals are answers; everything else that is raised is a fault."""
    faults = [each for each in outcomes if isinstance(each, BaseException) and not isinstance(each, LinkUnusable)]
    assert faults == []
    return outcomes


def applied(job: Job, now: datetime) -> Job:
    return jobs.apply_plan(job=job, digest=job.digest, actor=actor_of(job.member), now=now)


def planned_resend(member: Member, invitations: list[Invitation], now: datetime) -> Job:
    rows = Invitation.objects.filter(pk__in=[each.pk for each in invitations]).order_by("-pk")
    return planning.plan_resend(invitations=rows, member=member, actor=actor_of(member), now=now)


def mails_of(invitation: Invitation, generation: int) -> int:
    return MailOutbox.objects.filter(kind="invitation", object_id=invitation.public_id, generation=generation).count()


def blocked_then_cleared(member: Member, email: str, now: datetime) -> tuple[Invitation, Account]:
    """Give an invitation whose accept failed, and whose customer has put right what stood in the way."""
    invitation, account = invite(member, email, now=now), make_account(email)
    Account.objects.filter(pk=account.pk).update(overdue_minor=1)
    arrival = Arrival(invitation=invitation, generation=1)
    failed = answering.accept(arrival=arrival, account=account, actor=actor_of(account), now=now)
    assert failed.status == Status.ASSOCIATION_FAILED
    Account.objects.filter(pk=account.pk).update(overdue_minor=0)
    account.refresh_from_db()
    return failed, account


def accept_against_resend(bob: Member, email: str, now: datetime, *, accept_last: bool) -> Invitation:
    """Let the old link be accepted while a batch sends a new one, or the moment after it has."""
    invitation, account = blocked_then_cleared(bob, email, now)
    later = now + timedelta(hours=1)
    job = applied(planned_resend(bob, [invitation], later), later)
    arrival = Arrival(invitation=invitation, generation=1)

    def rival(number: int) -> object:
        if number:
            return worker.work_due(now=later, budget=60)
        while accept_last and not mails_of(invitation, 2):
            pass
        return answering.accept(arrival=arrival, account=account, actor=actor_of(account), now=later)

    without_faults(run_together(2, rival))
    job.refresh_from_db()
    assert (job.state, job.failed) == ("done", 0)
    invitation.refresh_from_db()
    assert job.done == mails_of(invitation, 2)
    return invitation


def test_accept_of_the_old_link_and_a_batch_that_sends_a_new_one_exclude_each_other(bob: Member) -> None:
    now = timezone.now()
    for number in range(ROUNDS):
        email, accept_last = f"wei{number}@customer.example", number % 2 == 0
        invitation = accept_against_resend(bob, email, now, accept_last=accept_last)
        associated = Association.objects.filter(invitation_public_id=invitation.public_id).exists()
        resent = mails_of(invitation, 2) == 1
        assert associated != resent
        assert resent or not accept_last
        assert (invitation.status, invitation.generation) == ((Status.ASSOCIATED, 1) if associated else ("invited", 2))


def test_accept_that_ignores_the_generation_lets_both_happen(bob: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin: with a guard that does not look at the generation, a superseded link still wins."""
    monkeypatch.setattr(InvitationQuerySet, "acceptable", lambda rows, *, generation, now: rows)
    invitation = accept_against_resend(bob, "wei@customer.example", timezone.now(), accept_last=True)
    assert mails_of(invitation, 2) == 1
    assert Association.objects.filter(invitation_public_id=invitation.public_id).exists()


def test_expiry_and_resend_of_the_same_rows_leave_every_row_valid(bob: Member) -> None:
    """Rows that have run out and are not written down yet: sweeps and a batch want them at the same time."""
    now = timezone.now()
    for number in range(ROUNDS):
        invitations = [invite(bob, f"late{number}-{each}@customer.example", now=now) for each in range(4)]
        later = now + TERM + timedelta(seconds=number)
        job = applied(planned_resend(bob, invitations, later), later)

        def rival(which: int, at: datetime = later) -> object:
            return sweeping.expire_due(now=at) if which else worker.work_due(now=at, budget=60)

        without_faults(run_together(4, rival))
        job.refresh_from_db()
        assert (job.state, job.done) == ("done", 4)
        for each in invitations:
            each.refresh_from_db()
            assert (each.status, each.generation, each.expires_at) == (Status.INVITED, 2, later + TERM)
            entries = AuditEntry.objects.filter(object_id=each.public_id)
            assert entries.filter(deed="invitation_resent").count() == 1
            assert entries.filter(deed="invitation_expired").count() <= 1
            assert mails_of(each, 2) == 1


def test_plan_applied_from_many_tabs_goes_out_once(bob: Member) -> None:
    now = timezone.now()
    job = plan(bob, [row(1), row(2), row(3)], now=now)
    tabs = [signed_in(bob) for _tab in range(8)]
    address = reverse("jobs:apply", args=[job.public_id])
    answers = without_faults(run_together(len(tabs), lambda tab: tabs[tab].post(address, {"digest": job.digest})))
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {
        (302, reverse("jobs:detail", args=[job.public_id]))
    }
    assert AuditEntry.objects.filter(deed="job_applied", object_id=job.public_id).count() == 1
    without_faults(run_together(4, lambda _worker: worker.work_due(now=now, budget=60)))
    job.refresh_from_db()
    assert (job.state, job.done) == ("done", 3)
    assert Invitation.objects.count() == MailOutbox.objects.count() == 3
    assert AuditEntry.objects.filter(deed="invitation_created").count() == 3


def test_two_plans_over_the_same_new_addresses_invite_each_once(bob: Member, alice: Member) -> None:
    now = timezone.now()
    plans = [plan(member, [row(number) for number in range(1, 6)], now=now) for member in (bob, alice)]
    for job in plans:
        applied(job, now)
    without_faults(run_together(2, lambda _worker: worker.work_due(now=now, budget=60)))
    assert Invitation.objects.count() == MailOutbox.objects.count() == 5
    done = [job.items.filter(state="done").count() for job in plans]
    assert sum(done) == 5
    left_out = JobItem.objects.filter(job__in=plans, state="skipped").values_list("reason", flat=True)
    assert set(left_out) <= {RowReason.IN_COOLDOWN, RowReason.CHANGED_SINCE_PLAN}


def test_cancel_against_resend_never_mails_a_cancelled_invitation(bob: Member) -> None:
    now = timezone.now()
    for number in range(ROUNDS):
        invitation = invite(bob, f"late{number}@customer.example", now=now)
        later = now + TERM + timedelta(seconds=number)
        job = applied(planned_resend(bob, [invitation], later), later)

        def rival(which: int, invitation: Invitation = invitation, later: datetime = later) -> object:
            if which:
                return worker.work_due(now=later, budget=60)
            return sending.cancel(invitation=invitation, actor=actor_of(bob), now=later)

        without_faults(run_together(2, rival))
        invitation.refresh_from_db()
        job.refresh_from_db()
        # Whoever came second saw the first: cancelled for good, and what was mailed before leads nowhere.
        assert invitation.status == Status.CANCELLED
        assert invitation.generation == 2 + job.done
        assert job.done + job.skipped == 1


def test_plans_made_in_pages_never_wait_for_a_batch_that_waits_for_them(
    bob: Member, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """
    A plan's commit asks for the partner it names while it holds the end of the log; a batch locks the partner first.

    PostgreSQL ends such a deadlock by failing one of the two; on SQLite there is one writer.
    """
    monkeypatch.setattr(InviteBatch, "chunk_rows", 2)
    now = timezone.now()
    batch = applied(plan(bob, [row(number) for number in range(60)], now=now), now)

    def rival(number: int) -> object:
        if number == 0:
            return worker.work_due(now=now, budget=120)
        return [plan(bob, [row(1, f"p{number}-{each}@customer.example")], now=now) for each in range(25)]

    with caplog.at_level(logging.ERROR):
        without_faults(run_together(5, rival))
    batch.refresh_from_db()
    assert (batch.state, batch.done, Job.objects.count()) == ("done", 60, 101)
    assert [record.getMessage() for record in caplog.records] == []
