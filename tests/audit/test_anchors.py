"""Anchors find what nothing inside the database can: a chain rewritten as a whole, or set back to an earlier end."""

import json
import shutil
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from partner_center.audit import actions as audit
from partner_center.audit.anchors import write_anchors
from partner_center.audit.models import AuditHead, Deed
from partner_center.audit.tasks import write_anchors as task
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Partner
from tests.audit import tampering

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, settings: LazySettings) -> Path:
    settings.AUDIT_ANCHOR_DIR = tmp_path / "anchors"
    return settings.AUDIT_ANCHOR_DIR


@pytest.fixture(autouse=True)
def anchored(partner: Partner, other: Partner, actor: Actor, now: datetime, folder: Path) -> None:
    """Three hours around midnight, two entries in each chain in each of them."""
    for hour in range(3):
        for owner in (partner, other, None):
            for _ in range(2):
                audit.record(deed=Deed.LINK_COPIED, actor=actor, partner=owner, target=owner, now=now)
        assert write_anchors(directory=folder, now=now + timedelta(hours=13 + hour)) == 3


def verify(*arguments: str) -> str:
    out = StringIO()
    call_command("verify_log", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def refusal(*arguments: str) -> str:
    """Run verify_log where it must fail; returns what it says."""
    out = StringIO()
    with pytest.raises(CommandError) as error:
        call_command("verify_log", *arguments, stdout=out, stderr=out)
    assert error.value.returncode == 1
    return out.getvalue() + str(error.value)


def test_anchors_stand_outside_the_database_a_file_per_day(partner: Partner, other: Partner, folder: Path) -> None:
    files = {path.name: [json.loads(line) for line in path.read_text().splitlines()] for path in folder.iterdir()}
    assert {name: len(lines) for name, lines in files.items()} == {
        "anchors-2026-11-20.jsonl": 6,
        "anchors-2026-11-21.jsonl": 3,
    }
    newest = {line["chain"]: line for line in files["anchors-2026-11-21.jsonl"]}
    assert set(newest) == {partner.public_id, other.public_id, ""}
    head = AuditHead.objects.get(partner=partner)
    assert newest[partner.public_id] == {
        "at": "2026-11-21T00:30:00.123456+00:00",
        "log": "AuditEntry",
        "chain": partner.public_id,
        "seq": 6,
        "hash": head.hash,
    }


def test_an_honest_log_passes_through_its_anchors(actor: Actor, partner: Partner, now: datetime) -> None:
    audit.record(deed=Deed.LINK_COPIED, actor=actor, partner=partner, target=partner, now=now)
    assert verify() == "19 entries verified, 9 anchors compared: nothing was changed\n"


@pytest.mark.parametrize(("seq", "named"), [(1, 2), (2, 2), (3, 4), (6, 6)])
def test_a_rewritten_chain_is_found_by_the_first_anchor_behind_it(partner: Partner, seq: int, named: int) -> None:
    tampering.rewrite(partner, seq, actor_name="Mallory")
    said = refusal()
    assert f"AuditEntry of {partner.public_id}: entry {named} is not what anchors-2026-11-2" in said
    assert "1 of the chains cannot be trusted" in said


def test_without_anchors_a_rewritten_chain_would_pass(partner: Partner, folder: Path) -> None:
    """The limit of a chain that lives where its enemy lives, said plainly."""
    tampering.rewrite(partner, 1, actor_name="Mallory")
    shutil.rmtree(folder)
    assert "nothing was changed" in verify()


@pytest.mark.parametrize(("count", "named"), [(1, 6), (2, 6), (3, 4), (5, 2)])
def test_newest_entries_deleted_with_the_head_set_back_are_found(partner: Partner, count: int, named: int) -> None:
    tampering.forget_newest(partner, count)
    assert f"{partner.public_id}: entry {named} is missing: anchors-2026-11-2" in refusal()


def test_entries_written_again_after_the_newest_were_deleted_are_found(
    partner: Partner, actor: Actor, now: datetime
) -> None:
    tampering.forget_newest(partner, 1)
    audit.record(deed=Deed.LINK_COPIED, actor=actor, partner=partner, target=partner, now=now)
    assert f"{partner.public_id}: entry 6 is not what anchors-2026-11-21.jsonl noted" in refusal()


def test_a_chain_deleted_as_a_whole_is_found(partner: Partner) -> None:
    with tampering.triggers_off():
        AuditHead.objects.filter(partner=partner).delete()
        partner_entries = range(1, 7)
        tampering.AuditEntry.objects.filter(partner=partner, seq__in=partner_entries).delete()
    assert f"{partner.public_id}: entry 2 is missing" in refusal()


def test_the_first_bad_entry_is_named_for_every_broken_chain(partner: Partner, other: Partner) -> None:
    tampering.edit(partner, 5, deed="link_created")
    tampering.rewrite(partner, 1, actor_name="Mallory")
    tampering.edit(other, 3, deed="link_created")
    said = refusal()
    assert f"AuditEntry of {partner.public_id}: entry 2 is not what" in said
    assert f"AuditEntry of {other.public_id}: entry 3 was changed" in said
    assert "2 of the chains cannot be trusted" in said


def test_anchors_rewritten_on_this_machine_do_not_outvote_the_copy(
    partner: Partner, folder: Path, tmp_path: Path, now: datetime
) -> None:
    copy = tmp_path / "copied off the machine"
    shutil.copytree(folder, copy)
    tampering.rewrite(partner, 1, actor_name="Mallory")
    shutil.rmtree(folder)
    write_anchors(directory=folder, now=now)
    assert "nothing was changed" in verify()
    assert f"{partner.public_id}: entry 2 is not what" in refusal("--anchors", str(copy))


def test_of_two_anchors_of_one_entry_the_earlier_counts(partner: Partner, folder: Path, now: datetime) -> None:
    tampering.rewrite(partner, 5, actor_name="Mallory")
    write_anchors(directory=folder, now=now + timedelta(hours=15))
    assert f"{partner.public_id}: entry 6 is not what anchors-2026-11-21.jsonl noted" in refusal()


@pytest.mark.parametrize(
    "line", ["", "not json", "[]", '{"log": "Other", "chain": "", "seq": 1, "hash": ""}', '{"seq": 1}']
)
def test_an_unreadable_anchor_is_named(folder: Path, line: str) -> None:
    with (folder / "anchors-2026-11-21.jsonl").open("a") as file:
        file.write(line + "\n")
    assert "anchors-2026-11-21.jsonl, line 4, is no anchor" in refusal()


def test_a_folder_that_is_not_there_is_no_clean_log(tmp_path: Path) -> None:
    assert "is not a folder" in refusal("--anchors", str(tmp_path / "nowhere"))


def test_the_task_and_the_command_write_where_the_settings_say(folder: Path) -> None:
    shutil.rmtree(folder)
    task()
    call_command("anchor_log", stdout=StringIO())
    (path,) = folder.iterdir()
    assert len(path.read_text().splitlines()) == 6
