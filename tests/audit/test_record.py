"""record() and record_many(): what an entry says, and that it stands or falls with its deed."""

import hashlib
import itertools
import json
from datetime import datetime

import pytest
from django.db import connection, transaction
from django.db.transaction import TransactionManagementError

from partner_center.audit import actions as audit
from partner_center.audit.details import PersonalValueError
from partner_center.audit.models import AuditEntry, AuditHead, Deed
from partner_center.audit.queries import history_of
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Partner

pytestmark = pytest.mark.django_db


def test_an_entry_says_who_when_what_and_how_it_ended(partner: Partner, actor: Actor, now: datetime) -> None:
    entry = audit.record(
        deed=Deed.LINK_REVOKED,
        actor=actor,
        partner=partner,
        target=partner,
        now=now,
        result="refused",
        details={"uses": 3, "causes": ["frozen"], "at": now.isoformat()},
    )
    stored = AuditEntry.objects.get()
    assert stored == entry
    assert (stored.partner, stored.seq, stored.occurred_at) == (partner, 1, now)
    assert (stored.deed, stored.result) == ("link_revoked", "refused")
    assert (stored.object_kind, stored.object_id) == ("partner", partner.public_id)
    assert (stored.actor_kind, stored.actor_id, stored.actor_name) == ("member", actor.public_id, "Alice")
    assert (stored.session_ref, stored.ip, stored.request_id) == ("5e55", "192.0.2.7", "r1")
    assert stored.details == '{"at":"2026-11-20T09:30:00.123456+00:00","causes":["frozen"],"uses":3}'


def test_the_hash_can_be_computed_from_the_stored_columns_alone(partner: Partner, actor: Actor, now: datetime) -> None:
    """Written out once by hand: whoever changes the canonical text breaks every chain in the world."""
    audit.record(deed=Deed.LINK_CREATED, actor=actor, partner=partner, target=partner, now=now)
    stored = AuditEntry.objects.get()
    text = json.dumps(
        [
            partner.public_id, stored.public_id, 1, "2026-11-20T09:30:00.123456+00:00", "link_created", "member",
            actor.public_id, "Alice", "partner", partner.public_id, "done", "{}", "5e55", "192.0.2.7", "r1",
        ],
        separators=(",", ":"),
    )  # fmt: skip
    assert stored.hash == hashlib.sha256(("0" * 64 + text).encode()).hexdigest()


def test_entries_hold_on_to_each_other(partner: Partner, actor: Actor, now: datetime) -> None:
    for _ in range(3):
        audit.record(deed=Deed.LINK_COPIED, actor=actor, partner=partner, target=partner, now=now)
    first, second, third = AuditEntry.objects.order_by("seq")
    assert [first.seq, second.seq, third.seq] == [1, 2, 3]
    assert (first.prev_hash, second.prev_hash, third.prev_hash) == ("0" * 64, first.hash, second.hash)
    head = AuditHead.objects.get()
    assert (head.partner, head.seq, head.hash) == (partner, 3, third.hash)


def test_every_partner_and_the_platform_have_a_chain_of_their_own(
    partner: Partner, other: Partner, actor: Actor, now: datetime
) -> None:
    for owner in (partner, None, other, partner, None):
        audit.record(deed=Deed.SIGN_IN_FAILED, actor=actor, partner=owner, target=None, now=now)
    chains = {owner: list(AuditEntry.objects.filter(partner=owner).order_by("seq")) for owner in (partner, other, None)}
    assert [len(chain) for chain in chains.values()] == [2, 1, 2]
    assert all(chain[0].seq == 1 and chain[0].prev_hash == "0" * 64 for chain in chains.values())
    assert AuditHead.objects.count() == 3
    assert len({chain[0].hash for chain in chains.values()}) == 3


def test_many_entries_are_one_piece_of_the_chain(partner: Partner, actor: Actor, now: datetime) -> None:
    audit.record(deed=Deed.JOB_APPLIED, actor=actor, partner=partner, target=partner, now=now)
    entries = [audit.Entry("invitation", f"i{number}", {"row": number}) for number in range(2500)]
    written = audit.record_many(deed=Deed.INVITATION_SENT, actor=actor, partner=partner, entries=entries, now=now)
    assert written == 2500
    stored = list(AuditEntry.objects.order_by("seq"))
    assert [entry.seq for entry in stored] == list(range(1, 2502))
    assert all(after.prev_hash == before.hash for before, after in itertools.pairwise(stored))
    assert (stored[-1].object_id, stored[-1].details) == ("i2499", '{"row":2499}')
    assert AuditHead.objects.get().hash == stored[-1].hash


def test_a_batch_costs_one_lock_not_one_per_entry(
    partner: Partner, actor: Actor, now: datetime, django_assert_num_queries: object
) -> None:
    audit.record(deed=Deed.JOB_APPLIED, actor=actor, partner=partner, target=partner, now=now)
    entries = [audit.Entry("invitation", f"i{number}") for number in range(40)]
    with django_assert_num_queries(3):
        audit.record_many(deed=Deed.INVITATION_SENT, actor=actor, partner=partner, entries=entries, now=now)


def test_nothing_to_log_writes_nothing(partner: Partner, actor: Actor, now: datetime) -> None:
    assert audit.record_many(deed=Deed.INVITATION_SENT, actor=actor, partner=partner, entries=[], now=now) == 0
    assert not AuditHead.objects.exists()


@pytest.mark.parametrize("wrong", [{"deed": "invented"}, {"result": "perhaps"}])
def test_only_known_deeds_and_results_are_logged(
    partner: Partner, actor: Actor, now: datetime, wrong: dict[str, str]
) -> None:
    given = {"deed": Deed.LINK_COPIED, "actor": actor, "partner": partner, "target": partner, "now": now, **wrong}
    with pytest.raises(ValueError, match=r"invented|perhaps"):
        audit.record(**given)
    assert not AuditEntry.objects.exists()


def test_a_personal_value_is_not_logged(partner: Partner, actor: Actor, now: datetime) -> None:
    entries = [audit.Entry("invitation", "i1"), audit.Entry("invitation", "i2", {"to": "li@example.com"})]
    with pytest.raises(PersonalValueError):
        audit.record_many(deed=Deed.INVITATION_SENT, actor=actor, partner=partner, entries=entries, now=now)
    assert not AuditEntry.objects.exists()


def test_the_history_of_an_object_is_its_partners_and_in_order(
    partner: Partner, other: Partner, actor: Actor, now: datetime
) -> None:
    deeds = [Deed.INVITATION_CREATED, Deed.INVITATION_SENT, Deed.INVITATION_OPENED]
    for deed in deeds:
        for owner in (partner, other):
            entries = [audit.Entry("invitation", "shared"), audit.Entry("invitation", "another")]
            audit.record_many(deed=deed, actor=actor, partner=owner, entries=entries, now=now)
    history = list(history_of(partner, "shared"))
    assert [entry.deed for entry in history] == deeds
    assert {entry.partner for entry in history} == {partner}
    assert not history_of(None, "shared").exists()


@pytest.mark.django_db(transaction=True)
def test_outside_a_transaction_nothing_is_logged(partner: Partner, actor: Actor, now: datetime) -> None:
    assert not connection.in_atomic_block
    with pytest.raises(TransactionManagementError):
        audit.record(deed=Deed.LINK_COPIED, actor=actor, partner=partner, target=partner, now=now)
    with pytest.raises(TransactionManagementError):
        audit.record_many(deed=Deed.LINK_COPIED, actor=actor, partner=partner, entries=[], now=now)
    assert not AuditEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_entry_goes_with_its_deed(partner: Partner, actor: Actor, now: datetime) -> None:
    """Both are there or neither: a deed that rolls back leaves no entry and no gap."""

    def rename(name: str, fails: bool) -> None:
        with transaction.atomic():
            Partner.objects.filter(pk=partner.pk).update(company_name=name)
            audit.record(deed=Deed.ACCOUNT_FACTS_CHANGED, actor=actor, partner=partner, target=partner, now=now)
            if fails:
                raise ConnectionError

    rename("First", fails=False)
    with pytest.raises(ConnectionError):
        rename("Second", fails=True)
    rename("Third", fails=False)
    partner.refresh_from_db()
    assert partner.company_name == "Third"
    assert list(AuditEntry.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2]
