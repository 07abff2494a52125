"""
A thousand tamperings of the operation log by somebody who owns the database: `verify_log` names every one.

The kinds are those of the issue: an edited byte, a deleted middle row, deleted newest rows, swapped rows, an inserted
row, a rewritten chain. The last and the newest rows deleted together with their head are found by the anchors only.
"""

import random
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from partner_center.audit.anchors import write_anchors
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner
from tests.audit import tampering
from tests.people import actor_of
from tests.vouchers.making import HUNDRED, make_customer, make_quota
from vouchers.actions import reviewing
from vouchers.actions.booking import Operation, book
from vouchers.models import OperationHead, OperationRecord, Review, ReviewMark
from vouchers.rules import OperationType, Reason

pytestmark = pytest.mark.django_db

LENGTH = 9
TIMES = 1_000
Tampering = tuple[int, bool]


@pytest.fixture
def anchors(partner: Partner, other_partner: Partner, fiona: Member, charlie: Member, tmp_path: Path) -> Path:
    """A log of LENGTH records, a neighbour's beside it, and their ends noted outside the database."""
    for member in (fiona, charlie):
        quota, customer = make_quota(member.partner), make_customer(member)
        deeds = [
            Operation(
                operation=OperationType.ISSUE,
                quota=quota,
                amount_minor=HUNDRED + number,
                account=customer.account,
                reason=Reason.NOT_ENOUGH_BALANCE,
                remark=f"remark {number} 备注",
                whitelist_version=number,
                job_id="a" * 22,
                order_id="order-1",
            )
            for number in range(LENGTH - 1)
        ]
        with transaction.atomic():
            book(deeds, partner=member.partner, actor=actor_of(member), now=timezone.now())
    write_anchors(directory=tmp_path, now=timezone.now())
    return tmp_path


@pytest.fixture
def marks(anchors: Path, platform_admin: Any) -> Path:
    """The same with a mark on every record."""
    records, staff = OperationRecord.objects.all(), Actor.person(platform_admin)
    reviewing.mark(records=records, as_=ReviewMark.REVIEWED, note="fine", actor=staff, now=timezone.now())
    write_anchors(directory=anchors, now=timezone.now())
    return anchors


def verdict(anchors: Path) -> str:
    """Run the command as people do; returns what it says is wrong, "" when nothing is."""
    out = StringIO()
    try:
        call_command("verify_log", anchors=anchors, stdout=out, stderr=out)
    except CommandError as error:
        return f"{out.getvalue()} {error}"
    return ""


def test_an_honest_log_passes(anchors: Path) -> None:
    assert verdict(anchors) == ""


def flipped(value: Any, dice: random.Random) -> Any:
    """Change one bit of one byte of a text, or one of a number or a moment."""
    if isinstance(value, str):
        at = dice.randrange(len(value))
        return value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]
    return value + 1 if isinstance(value, int) else value + timedelta(microseconds=1)


def edit_a_byte(log: Any, partner: Partner, dice: random.Random) -> Tampering:
    seq = dice.randint(1, LENGTH)
    record = log.objects.get(partner=partner, seq=seq)
    columns = [name for name in (*log.hashed_columns, "hash", "prev_hash") if getattr(record, name) not in ("", None)]
    column = dice.choice([name for name in columns if name not in ("seq", "public_id")])
    tampering.edit(partner, seq, log=log, **{column: flipped(getattr(record, column), dice)})
    return seq, False


def delete_in_the_middle(log: Any, partner: Partner, dice: random.Random) -> Tampering:
    seq = dice.randint(1, LENGTH - 1)
    tampering.delete(partner, seq, log=log)
    return seq, False


def delete_the_newest(log: Any, partner: Partner, dice: random.Random) -> Tampering:
    count = dice.randint(1, LENGTH - 1)
    tampering.forget_newest(partner, count, log=log)
    return LENGTH, True


def swap(log: Any, partner: Partner, dice: random.Random) -> Tampering:
    one, two = sorted(dice.sample(range(1, LENGTH + 1), 2))
    tampering.swap(partner, one, two, log=log)
    return one, False


def insert(log: Any, partner: Partner, dice: random.Random) -> Tampering:
    seq = dice.randint(2, LENGTH)
    tampering.insert(partner, seq, log=log)
    # The forged row is right in itself: the row behind it, or the head, is the first that does not fit.
    return min(seq + 1, LENGTH), False


def rewrite(log: Any, partner: Partner, dice: random.Random) -> Tampering:
    tampering.rewrite(partner, dice.randint(1, LENGTH), log=log, actor_name="Mallory")
    return LENGTH, True


KINDS: tuple[Callable[..., Tampering], ...] = (
    edit_a_byte, delete_in_the_middle, delete_the_newest, swap, insert, rewrite,
)  # fmt: skip


def test_a_thousand_of_a_thousand_tamperings_are_found(anchors: Path, partner: Partner) -> None:
    dice, found = random.Random(20261120), dict.fromkeys(KINDS, 0)
    for turn in range(TIMES):
        kind = KINDS[turn % len(KINDS)]
        with transaction.atomic():
            seq, by_anchor = kind(OperationRecord, partner, dice)
            said = verdict(anchors)
            assert f"OperationRecord of {partner.public_id}: entry {seq} " in said, (kind.__name__, seq, said)
            assert ("anchors-" in said) == by_anchor, (kind.__name__, said)
            found[kind] += 1
            transaction.set_rollback(True)
    assert sum(found.values()) == TIMES
    assert min(found.values()) >= TIMES // len(KINDS)
    assert verdict(anchors) == ""


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_marks_of_the_review_are_guarded_alike(marks: Path, partner: Partner, kind: Callable[..., Tampering]) -> None:
    assert verdict(marks) == ""
    seq, _by_anchor = kind(Review, partner, random.Random(7))
    assert f"Review of {partner.public_id}: entry {seq} " in verdict(marks)


# --- the wall before the chain: what the app and injected SQL cannot do ----------------------------------------------


@pytest.mark.parametrize("log", [OperationRecord, Review])
@pytest.mark.parametrize("change", ["UPDATE {entries} SET actor_name = 'Mallory'", "DELETE FROM {entries}",
                                    "DELETE FROM {heads}", "UPDATE {heads} SET seq = seq - 1"])  # fmt: skip
def test_both_logs_refuse_to_be_changed(marks: Path, log: Any, change: str) -> None:
    tables = {"entries": log._meta.db_table, "heads": log.head_model._meta.db_table}
    connection.check_constraints()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change.format(**tables))
    assert verdict(marks) == ""


def test_every_column_of_both_logs_is_under_the_hash() -> None:
    for log, unhashed in ((OperationRecord, set()), (Review, {"record_id"})):
        columns = {field.attname for field in log._meta.concrete_fields} - set(log.hashed_columns)
        assert columns == {"id", "partner_id", "prev_hash", "hash"} | unhashed


def test_what_fails_after_it_was_booked_leaves_no_record(anchors: Path, partner: Partner, fiona: Member) -> None:
    before = OperationHead.objects.get(partner=partner).seq
    quota = make_quota(partner)
    deed = Operation(operation=OperationType.GRANT, quota=quota, amount_minor=1)

    def fails_behind_it() -> None:
        with transaction.atomic():
            book([deed], partner=partner, actor=actor_of(fiona), now=timezone.now())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails_behind_it()
    assert OperationHead.objects.get(partner=partner).seq == before + 1
    assert verdict(anchors) == ""
