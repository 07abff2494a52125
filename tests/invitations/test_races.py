"""Rivals in real threads: one winner, whatever the interleaving. Each guard has a twin without it that fails."""

import threading
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from customers.models import Association
from customers.rules import Model
from invitations.actions import answering, linking, planning, sweeping
from invitations.actions.answering import Arrival
from invitations.models import Invitation, InvitationLink, InvitationQuerySet
from invitations.rules import LinkKind, Status
from partner_center.audit.models import AuditEntry
from partner_center.environment import environment
from partner_center.jobs import actions as jobs
from partner_center.jobs import worker
from partner_center.mail.models import MailOutbox
from tests.invitations.making import invite, plan, row
from tests.people import actor_of, make_account
from tests.rivals import run_together

pytestmark = pytest.mark.django_db(transaction=True)
EMAIL = "wei@customer.example"
RIVALS = 20


def winners(outcomes):
    faults = [each for each in outcomes if isinstance(each, BaseException) and not isinstance(each, REFUSALS)]
    assert not faults, faults
    return [each for each in outcomes if not isinstance(each, BaseException)]


REFUSALS = (answering.LinkUnusable, answering.AlreadyYours)


def accepted_by_many(invitation, account, now):
    arrival = Arrival(invitation=invitation, generation=1)
    return run_together(
        RIVALS,
        lambda _number: answering.accept(arrival=arrival, account=account, actor=actor_of(account), now=now),
    )


def accept_entries():
    return AuditEntry.objects.filter(deed="invitation_accepted").count()


def test_many_accepts_of_one_link_have_one_winner(bob):
    now = timezone.now()
    invitation, account = invite(bob, EMAIL, now=now), make_account(EMAIL)
    assert len(winners(accepted_by_many(invitation, account, now))) == 1
    assert Association.objects.count() == accept_entries() == 1
    assert MailOutbox.objects.filter(kind="associated_customer").count() == 1


def taken_by_many(invitation, account, now):
    """Race for the answer alone, before any check runs."""
    take = answering._take_mailed
    return winners(run_together(RIVALS, lambda _number: take(invitation, 1, account, actor_of(account), now)))


def test_one_of_many_answers_is_taken(bob):
    now = timezone.now()
    assert len(taken_by_many(invite(bob, EMAIL, now=now), make_account(EMAIL), now)) == 1
    assert accept_entries() == 1


def test_without_the_guard_every_answer_is_taken(bob, monkeypatch):
    """The twin: with a guard that finds the row in any state, all rivals win."""
    now = timezone.now()
    invitation, account = invite(bob, EMAIL, now=now), make_account(EMAIL)
    monkeypatch.setattr(InvitationQuerySet, "acceptable", lambda rows, *, generation, now: rows)
    assert len(taken_by_many(invitation, account, now)) > 1
    assert accept_entries() > 1


def test_accept_at_the_moment_of_expiry_has_exactly_one_winner(bob):
    for attempt in range(10):
        now = timezone.now()
        email = f"wei{attempt}@customer.example"
        invitation, account = invite(bob, email, now=now), make_account(email, registered_at=now + timedelta(days=6))
        arrival = Arrival(invitation=invitation, generation=1)
        moments = [invitation.expires_at - timedelta(milliseconds=1), invitation.expires_at]

        def rival(number, arrival=arrival, account=account, moments=moments):
            if number % 2:
                return sweeping.expire_due(now=moments[1])
            return answering.accept(arrival=arrival, account=account, actor=actor_of(account), now=moments[0])

        run_together(6, rival)
        invitation.refresh_from_db()
        accepted = Association.objects.filter(account=account).exists()
        expired = AuditEntry.objects.filter(deed="invitation_expired", object_id=invitation.public_id).exists()
        assert accepted != expired
        assert invitation.status == (Status.ASSOCIATED if accepted else Status.EXPIRED)


def link_of(member, now, *, max_uses):
    return linking.create_link(
        kind=LinkKind.CUSTOM,
        model=Model.RESELLER,
        custom_tag="fair",
        expires_at=None,
        max_uses=max_uses,
        member=member,
        actor=actor_of(member),
        now=now,
    )


def test_link_for_five_lets_five_in(bob):
    now = timezone.now()
    link = link_of(bob, now, max_uses=5)
    accounts = [make_account() for _number in range(RIVALS)]

    def come(number):
        arrival = Arrival(link=link, generation=1)
        return answering.accept(arrival=arrival, account=accounts[number], actor=actor_of(accounts[number]), now=now)

    assert len(winners(run_together(RIVALS, come))) == 5
    link.refresh_from_db()
    assert link.uses == 5 == Association.objects.count() == Invitation.objects.count()


def test_use_counted_without_its_guard_lets_more_in(bob):
    """The twin: everybody checks, and then everybody counts, as happens without a lock."""
    link = link_of(bob, timezone.now(), max_uses=None)
    InvitationLink.objects.filter(pk=link.pk).update(uses=4)
    checked = threading.Barrier(RIVALS)

    def come(_number):
        has_room = InvitationLink.objects.get(pk=link.pk).uses < 5
        checked.wait()
        if has_room:
            InvitationLink.objects.filter(pk=link.pk).update(uses=F("uses") + 1)

    run_together(RIVALS, come)
    assert InvitationLink.objects.get(pk=link.pk).uses == 4 + RIVALS


def test_two_sweeps_expire_each_row_once(bob):
    now = timezone.now()
    rows = [row(number) for number in range(60)]
    job = plan(bob, rows, now=now)
    jobs.apply_plan(job=job, digest=job.digest, actor=actor_of(bob), now=now)
    worker.work_due(now=now, budget=60)
    later = now + timedelta(days=environment.invitation_days, seconds=1)
    changed = run_together(4, lambda _number: sweeping.expire_due(now=later))
    assert sum(winners(changed)) == 60
    assert AuditEntry.objects.filter(deed="invitation_expired").count() == 60


def test_two_batches_resend_each_row_once(bob):
    now = timezone.now()
    invitations = [invite(bob, f"late{number}@customer.example", now=now) for number in range(5)]
    later = now + timedelta(days=environment.invitation_days, seconds=1)
    plans = []
    for _batch in range(2):
        rows = Invitation.objects.filter(pk__in=[each.pk for each in invitations]).order_by("-pk")
        plans.append(planning.plan_resend(invitations=rows, member=bob, actor=actor_of(bob), now=later))
    for job in plans:
        jobs.apply_plan(job=job, digest=job.digest, actor=actor_of(bob), now=later)
    winners(run_together(2, lambda _number: worker.work_due(now=later, budget=60)))
    assert list(Invitation.objects.values_list("generation", flat=True)) == [2] * 5
    assert MailOutbox.objects.filter(kind="invitation", generation=2).count() == 5
    assert sum(job.items.filter(state="done").count() for job in plans) == 5
