"""Twenty writers at once, in real threads: no gap, no fork, nothing lost; and what happens without the lock."""

import threading
from datetime import datetime

import pytest
from django.db import IntegrityError, transaction

from partner_center.audit import actions as audit
from partner_center.audit.models import AuditEntry, AuditHead, Deed
from partner_center.audit.verification import Chain, chains, verify
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Partner
from tests.rivals import run_together

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS = 20
DEEDS = 5


def test_twenty_writers_make_one_chain_from_its_very_first_entry(partner: Partner, actor: Actor, now: datetime) -> None:
    def write(number: int) -> None:
        for turn in range(DEEDS):
            with transaction.atomic():
                entries = [audit.Entry("invitation", f"{number}-{turn}-{row}") for row in range(turn)]
                audit.record_many(deed=Deed.INVITATION_SENT, actor=actor, partner=partner, entries=entries, now=now)
                audit.record(deed=Deed.JOB_FINISHED, actor=actor, partner=partner, target=partner, now=now)

    assert run_together(WRITERS, write) == [None] * WRITERS
    wanted = WRITERS * sum(range(1, DEEDS + 1))
    assert verify(Chain(AuditEntry, partner.public_id)) == (wanted, None)
    assert AuditEntry.objects.count() == AuditHead.objects.get().seq == wanted


def test_writers_that_fail_leave_no_gap(partner: Partner, actor: Actor, now: datetime) -> None:
    def write(number: int) -> None:
        with transaction.atomic():
            audit.record(deed=Deed.LINK_COPIED, actor=actor, partner=partner, target=partner, now=now)
            if number % 2:
                raise ConnectionError

    outcomes = run_together(WRITERS, write)
    assert [type(outcome) for outcome in outcomes] == [type(None), ConnectionError] * (WRITERS // 2)
    assert verify(Chain(AuditEntry, partner.public_id)) == (WRITERS // 2, None)


def test_partners_do_not_share_a_chain(actor: Actor, now: datetime) -> None:
    partners = [Partner.objects.create(company_name=f"P{n}", account_number=f"{n}") for n in range(WRITERS)]

    def write(number: int) -> None:
        for owner in (partners[number], None):
            with transaction.atomic():
                audit.record(deed=Deed.SIGNED_IN, actor=actor, partner=owner, target=None, now=now)

    assert run_together(WRITERS, write) == [None] * WRITERS
    assert sorted(verify(chain) for chain in chains()) == sorted([(1, None)] * WRITERS + [(WRITERS, None)])


def test_without_the_lock_the_chain_would_fork(
    partner: Partner, actor: Actor, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same twenty writers, each behind the head it has seen: only the constraint saves the chain."""
    AuditHead.objects.create(partner=partner)
    seen = threading.local()
    everybody_has_seen = threading.Barrier(WRITERS)
    monkeypatch.setattr(audit, "_locked_head", lambda head_model, owner: seen.head)

    def write(number: int) -> None:
        seen.head = AuditHead.objects.get(partner=partner)
        everybody_has_seen.wait()
        with transaction.atomic():
            audit.record(deed=Deed.LINK_COPIED, actor=actor, partner=partner, target=partner, now=now)

    outcomes = run_together(WRITERS, write)
    assert outcomes.count(None) == 1
    assert sum(isinstance(outcome, IntegrityError) for outcome in outcomes) == WRITERS - 1
