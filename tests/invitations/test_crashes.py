"""The process ends without a word at the worst moments of a send: what was committed goes out, and nothing else."""

import os
from collections.abc import Callable
from datetime import datetime

import pytest
from django.db import connection, transaction
from django.utils import timezone

from invitations.actions import sending
from invitations.models import Invitation
from partner_center.audit.models import AuditEntry
from partner_center.jobs import actions as jobs
from partner_center.jobs import worker
from partner_center.jobs.models import Job
from partner_center.mail import actions as mail
from partner_center.mail.models import DevMessage, MailOutbox
from partner_center.mail.sending import send_due
from partner_center.tenancy.models import Member
from tests.invitations.making import plan, row
from tests.people import actor_of

pytestmark = pytest.mark.django_db(transaction=True)
CRASHES = 25
DIED = 7


def crash() -> None:
    """End like a process whose plug was pulled: nothing is closed, flushed or rolled back."""
    os._exit(DIED)


def in_a_process_that_dies(work: Callable[[], object]) -> None:
    """Do some work in a process of its own, which must not survive it."""
    connection.close()
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    _pid, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == DIED, "the process survived, so nothing was tried"


def queued(bob: Member, number: int, now: datetime) -> Job:
    job = plan(bob, [row(number)], now=now)
    return jobs.apply_plan(job=job, digest=job.digest, actor=actor_of(bob), now=now)


def work_and_die_after_commit(now: datetime) -> None:
    """Work a chunk, and die the moment its transaction is committed, before a line of ours runs again."""
    chunk = sending.apply_invitations

    def doomed(*arguments: object) -> object:
        transaction.on_commit(crash)
        return chunk(*arguments)  # type: ignore[arg-type]

    sending.apply_invitations = doomed  # type: ignore[assignment]
    worker.work_due(now=now, budget=60)


def work_and_die_before_commit(now: datetime) -> None:
    chunk = sending.apply_invitations

    def doomed(*arguments: object) -> object:
        chunk(*arguments)  # type: ignore[arg-type]
        crash()
        return None

    sending.apply_invitations = doomed  # type: ignore[assignment]
    worker.work_due(now=now, budget=60)


def test_every_mail_leaves_though_the_process_dies_right_after_the_commit(bob: Member) -> None:
    now = timezone.now()
    for number in range(CRASHES):
        queued(bob, number, now)
        in_a_process_that_dies(lambda: work_and_die_after_commit(now))
    assert Invitation.objects.count() == MailOutbox.objects.filter(state="queued").count() == CRASHES
    send_due(clock=timezone.now)
    recipients = set(DevMessage.objects.values_list("recipient", flat=True))
    assert recipients == {f"person{number}@customer.example" for number in range(CRASHES)}
    assert DevMessage.objects.count() == CRASHES
    assert not Job.objects.exclude(state="done").exists()


def test_nothing_of_a_chunk_stands_when_the_process_dies_before_the_commit(bob: Member) -> None:
    now = timezone.now()
    job = queued(bob, 1, now)
    in_a_process_that_dies(lambda: work_and_die_before_commit(now))
    assert not Invitation.objects.exists()
    assert not MailOutbox.objects.exists()
    assert not AuditEntry.objects.filter(deed="invitation_created").exists()
    Job.objects.filter(pk=job.pk).update(lease_until=now)
    worker.work_due(now=now, budget=60)
    assert Invitation.objects.count() == MailOutbox.objects.count() == 1


def test_mail_that_waits_for_a_callback_is_lost_with_the_process(bob: Member) -> None:
    """The twin: the same crash loses a mail that is written after the commit, as on_commit() would."""

    def deed() -> None:
        with transaction.atomic():
            Member.objects.filter(pk=bob.pk).update(roles=["admin"])
            transaction.on_commit(crash)
            transaction.on_commit(lambda: write_mail(bob))

    in_a_process_that_dies(deed)
    bob.refresh_from_db()
    assert bob.roles == ["admin"]
    assert not MailOutbox.objects.exists()


def write_mail(bob: Member) -> None:
    with transaction.atomic():
        mail.enqueue(
            kind="invitation",
            partner=bob.partner,
            object_id=bob.public_id,
            generation=1,
            dedupe_key="late",
            now=timezone.now(),
        )
