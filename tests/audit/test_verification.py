"""Every kind of tampering is found, and the first bad entry is named, although the tamperer owns the database."""

import random
from datetime import datetime, timedelta

import pytest
from django.db import transaction

from partner_center.audit import actions as audit
from partner_center.audit.models import AuditEntry, AuditHead, Deed
from partner_center.audit.verification import Chain, chains, verify
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Partner
from tests.audit import tampering

pytestmark = pytest.mark.django_db

LENGTH = 7


@pytest.fixture
def chain(partner: Partner, actor: Actor, now: datetime) -> Chain:
    write(partner, LENGTH, actor, now)
    return Chain(AuditEntry, partner.public_id)


@pytest.fixture(autouse=True)
def neighbours(other: Partner, actor: Actor, now: datetime) -> None:
    """Chains beside the one that is broken, so that nothing is found by looking at the wrong one."""
    write(other, LENGTH, actor, now)
    write(None, LENGTH, actor, now)


def write(partner: Partner | None, count: int, actor: Actor, now: datetime) -> None:
    for number in range(count):
        audit.record(
            deed=Deed.LINK_COPIED,
            actor=actor,
            partner=partner,
            target=partner,
            now=now + timedelta(seconds=number),
            details={"uses": number},
        )


def first_bad(chain: Chain) -> int | None:
    fault = verify(chain).fault
    return fault.seq if fault else None


def test_an_honest_log_is_clean(chain: Chain, partner: Partner, other: Partner) -> None:
    assert {each.name for each in chains()} == {partner.public_id, other.public_id, ""}
    assert [verify(each) for each in chains()] == [(LENGTH, None)] * 3


@pytest.mark.parametrize("seq", [1, 4, LENGTH])
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("public_id", "another"),
        ("occurred_at", datetime.fromisoformat("2026-11-20T09:30:00.123457+00:00")),
        ("deed", "link_created"),
        ("actor_kind", "system"),
        ("actor_id", "somebody-else"),
        ("actor_name", "Alicf"),
        ("object_kind", "coupon"),
        ("object_id", "another"),
        ("result", "failed"),
        ("details", "{}"),
        ("session_ref", "5e56"),
        ("ip", "192.0.2.8"),
        ("request_id", "r2"),
        ("prev_hash", "f" * 64),
        ("hash", "f" * 64),
    ],
)
def test_an_edited_column_is_found(chain: Chain, partner: Partner, seq: int, column: str, value: object) -> None:
    tampering.edit(partner, seq, **{column: value})
    assert first_bad(chain) == seq


@pytest.mark.parametrize(("seq", "named"), [(1, 2), (4, 5), (LENGTH, LENGTH)])
def test_an_entry_with_a_hash_of_its_own_is_found(chain: Chain, partner: Partner, seq: int, named: int) -> None:
    """It is right in itself; the one behind it, or the head, holds on to what it was."""
    tampering.forge(partner, seq, deed="link_created")
    assert first_bad(chain) == named


def test_every_column_is_under_the_hash() -> None:
    unhashed = {field.attname for field in AuditEntry._meta.concrete_fields} - set(AuditEntry.hashed_columns)
    assert unhashed == {"id", "partner_id", "prev_hash", "hash"}


@pytest.mark.parametrize("seq", [1, 4, LENGTH])
def test_a_deleted_entry_is_found(chain: Chain, partner: Partner, seq: int) -> None:
    tampering.delete(partner, seq)
    assert first_bad(chain) == seq


def test_deleted_newest_entries_are_found_by_the_head(chain: Chain, partner: Partner) -> None:
    tampering.delete(partner, LENGTH - 1, LENGTH)
    assert first_bad(chain) == LENGTH - 1


def test_an_emptied_log_is_found(chain: Chain, partner: Partner) -> None:
    tampering.delete(partner, *range(1, LENGTH + 1))
    assert chain in set(chains())
    assert first_bad(chain) == 1


def test_swapped_entries_are_found(chain: Chain, partner: Partner) -> None:
    tampering.swap(partner, 3, 5)
    assert first_bad(chain) == 3


@pytest.mark.parametrize(("seq", "named"), [(2, 3), (4, 5), (LENGTH, LENGTH)])
def test_an_inserted_entry_is_found(chain: Chain, partner: Partner, seq: int, named: int) -> None:
    """A forged entry fits to the one before it; the one behind it, or the head, is the first that does not."""
    tampering.insert(partner, seq)
    assert first_bad(chain) == named


def test_an_entry_put_behind_the_head_is_found(chain: Chain, partner: Partner) -> None:
    tampering.insert(partner, LENGTH + 1)
    assert first_bad(chain) == LENGTH + 1


def test_a_deleted_head_is_found(chain: Chain, partner: Partner) -> None:
    with tampering.triggers_off():
        AuditHead.objects.filter(partner=partner).delete()
    assert chain in set(chains())
    assert first_bad(chain) == LENGTH


def test_a_changed_head_is_found(chain: Chain, partner: Partner) -> None:
    with tampering.triggers_off():
        AuditHead.objects.filter(partner=partner).update(hash="f" * 64)
    assert first_bad(chain) == LENGTH


def test_an_entry_moved_to_another_partner_is_found_in_both(chain: Chain, partner: Partner, other: Partner) -> None:
    with tampering.triggers_off():
        AuditEntry.objects.filter(partner=partner, seq=LENGTH).update(partner=other, seq=LENGTH + 1)
    assert first_bad(chain) == LENGTH
    assert first_bad(Chain(AuditEntry, other.public_id)) == LENGTH + 1


def test_chains_that_changed_owners_are_found(chain: Chain, partner: Partner, other: Partner) -> None:
    """Whole chains with their heads and every hash intact: whose a chain is stands under the hash too."""
    names = partner.public_id, other.public_id
    for owner, name in ((partner, "for a moment"), (other, names[0]), (partner, names[1])):
        Partner.objects.filter(pk=owner.pk).update(public_id=name)
    assert [first_bad(Chain(AuditEntry, name)) for name in names] == [1, 1]


def test_any_tampering_anywhere_is_found(chain: Chain, partner: Partner) -> None:
    dice = random.Random(2026)
    for _ in range(200):
        with transaction.atomic():
            named = tamper(partner, dice)
            assert first_bad(chain) == named
            assert [verify(each).fault for each in chains() if each != chain] == [None, None]
            transaction.set_rollback(True)


def tamper(partner: Partner, dice: random.Random) -> int:
    """Do one thing at one place; returns the entry that must be named for it."""
    place = dice.randint(2, LENGTH - 1)
    text = AuditEntry.objects.get(partner=partner, seq=place).details
    at = dice.randrange(len(text))
    kinds = [
        lambda: tampering.edit(partner, place, details=text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1 :]),
        lambda: tampering.delete(partner, place),
        lambda: tampering.delete(partner, *range(place, LENGTH + 1)),
        lambda: tampering.swap(partner, place, place + 1),
        lambda: tampering.insert(partner, place),
        lambda: tampering.forge(partner, place, actor_name="Mallory"),
    ]
    kind = dice.randrange(len(kinds))
    kinds[kind]()
    return place + 1 if kind >= 4 else place


def test_what_is_written_while_it_is_verified_is_no_fault(
    chain: Chain, partner: Partner, actor: Actor, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    from partner_center.audit import verification

    rows = verification._rows

    def rows_with_a_late_writer(chain: Chain, until: int | None) -> object:
        yield from rows(chain, until)
        write(partner, 2, actor, now)

    monkeypatch.setattr(verification, "_rows", rows_with_a_late_writer)
    assert verify(chain) == (LENGTH, None)
    monkeypatch.undo()
    assert verify(chain) == (LENGTH + 2, None)


def test_a_long_chain_is_read_in_pieces(chain: Chain, partner: Partner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("partner_center.audit.verification.READ_AT_ONCE", 3)
    assert verify(chain) == (LENGTH, None)
    tampering.edit(partner, 4, deed="link_created")
    assert first_bad(chain) == 4
