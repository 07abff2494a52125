"""Everything at once: batches, answers, sweeps and reservations of two partners over the same addresses and rows."""

import logging
import random
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from django.db import models
from django.utils import timezone

from customers import actions as customers
from customers.actions import Prospect
from customers.models import Account
from invitations.actions import answering, planning, sending, sweeping
from invitations.actions.answering import Arrival
from invitations.models import Invitation
from invitations.queries import budget_key
from invitations.rules import LIVE
from partner_center.audit.verification import chains, verify
from partner_center.jobs import actions as jobs
from partner_center.jobs import worker
from partner_center.jobs.models import Job
from partner_center.limits.models import Spending
from partner_center.mail.models import MailOutbox
from partner_center.refusals import Refusal
from partner_center.tenancy.models import Member
from tests.invitations.making import apply, plan, row
from tests.people import actor_of, make_account
from tests.rivals import run_together

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 4
LISTED = 6


def addresses(group: str) -> list[str]:
    return [f"{group}{number}@customer.example" for number in range(LISTED)]


def listed(emails: Sequence[str]) -> list[planning.Row]:
    return [row(number, email) for number, email in enumerate(emails, start=1)]


def shuffled(emails: Sequence[str], seed: int) -> list[str]:
    return random.Random(seed).sample(list(emails), len(emails))


def queued(job: Job, now: datetime) -> Job:
    return jobs.apply_plan(job=job, digest=job.digest, actor=actor_of(job.member), now=now)


def queued_resend(member: Member, emails: Sequence[str], now: datetime) -> Job:
    rows = Invitation.objects.of(member.partner).filter(email__in=emails).order_by("-pk")
    return queued(planning.plan_resend(invitations=rows, member=member, actor=actor_of(member), now=now), now)


def for_each(rows: Sequence[models.Model], deed: Callable[[models.Model], object]) -> None:
    """Do a deed to row after row; a refusal is an answer."""
    for each in rows:
        try:
            deed(each)
        except Refusal:
            continue


def rivals_of(bob: Member, charlie: Member, seed: int, now: datetime) -> list[Callable[[], object]]:
    """
    Prepare a world and everybody who acts in it.

    `old` and `far` are invitations of three weeks ago; their reservations lapsed, the other partner wants them now.
    `late` ran out yesterday, `live` is open, `fresh` is wanted by both partners.
    """
    long_ago, last_week, yesterday = now - timedelta(days=20), now - timedelta(days=8), now - timedelta(days=1)
    old, far, late, live, fresh = (addresses(f"{name}{seed}-") for name in ("old", "far", "late", "live", "fresh"))
    apply(plan(bob, listed(old), now=long_ago), now=long_ago)
    apply(plan(charlie, listed(far), now=long_ago), now=long_ago)
    apply(plan(bob, listed(late), now=last_week), now=last_week)
    apply(plan(bob, listed(live), now=yesterday), now=yesterday)
    accounts = [make_account(email, registered_at=now) for email in live]
    opened = list(Invitation.objects.filter(email__in=live).order_by("pk"))
    ended = list(Invitation.objects.filter(email__in=late).order_by("-pk"))

    queued(plan(bob, listed(shuffled([*far, *live, *late, *fresh], seed)), now=now), now)
    queued(plan(charlie, listed(shuffled([*old, *fresh], seed + 1)), now=now), now)
    queued_resend(bob, [*late, *old], now)

    def accept(account: Account) -> None:
        arrival = Arrival(invitation=Invitation.objects.get(email=account.email), generation=1)
        answering.accept(arrival=arrival, account=account, actor=actor_of(account), now=now)

    def preregister(member: Member, email: str) -> None:
        prospect = Prospect(email=email, customer_name="Wei")
        customers.preregister(prospect=prospect, owner=member, actor=actor_of(member), now=now)

    return [
        *([lambda: worker.work_due(now=now, budget=60)] * 3),
        lambda: for_each(accounts, accept),
        lambda: for_each(opened[::-2], lambda each: sending.cancel(invitation=each, actor=actor_of(bob), now=now)),
        lambda: for_each(ended, lambda each: answering.request_new_link(invitation=each, actor=actor_of(bob), now=now)),
        lambda: [sweeping.expire_due(now=now, limit=5) for _sweep in range(8)],
        lambda: [customers.expire_preregistrations(now=now, limit=5) for _sweep in range(8)],
        lambda: for_each(far[::-1], lambda email: preregister(bob, email)),
        lambda: for_each(old[::-1], lambda email: preregister(charlie, email)),
        lambda: [
            jobs.queue_file(
                kind="history_export",
                file_format="csv",
                title="",
                member=bob,
                partner=bob.partner,
                parameters={"filter": ""},
                actor=actor_of(bob),
                now=now,
            )
            for _file in range(3)
        ],
    ]


def assert_books_balance(now: datetime, *members: Member) -> None:
    mails = MailOutbox.objects.filter(kind="invitation")
    sends = dict(Invitation.objects.values_list("public_id", "send_count"))
    assert Counter(mails.values_list("object_id", flat=True)) == Counter(sends)
    for member in members:
        spent = Spending.objects.get(key=budget_key(member.partner)).used
        assert spent == mails.filter(partner=member.partner, created_at=now).count()
    live = Invitation.objects.filter(status__in=LIVE).values_list("partner", "email")
    assert max(Counter(live).values()) == 1
    assert [verify(chain).fault for chain in chains()] == [None] * len(list(chains()))


def test_nobody_meets_an_error_when_everything_happens_at_once(bob, charlie, caplog):
    caplog.set_level(logging.ERROR)
    for number in range(ROUNDS):
        now = timezone.now()
        rivals = rivals_of(bob, charlie, number, now)
        # What was sent in the past of this world has nothing to do with today's budget.
        Spending.objects.all().delete()
        outcomes = run_together(len(rivals), lambda which, rivals=rivals: rivals[which]())
        assert [each for each in outcomes if isinstance(each, BaseException)] == []
        worker.work_due(now=now, budget=60)
        assert_books_balance(now, bob, charlie)
    assert [record.getMessage() for record in caplog.records] == []
    assert not Job.objects.exclude(kind="history_export").exclude(state="done").exists()
