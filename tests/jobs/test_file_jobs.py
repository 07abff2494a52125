"""Files: complete or refused, masked, resumed to the same bytes, private, deleted in time."""

import datetime
import hashlib
import stat
from typing import Any

import openpyxl
import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import translation

from partner_center.environment import environment
from partner_center.jobs import actions, cleaning, file_work, files, leases
from partner_center.jobs.models import Job
from partner_center.jobs.rules import ErrorCode, JobState
from partner_center.tenancy.actors import Actor
from tests.jobs.making import queued_file
from tests.jobs.test_item_jobs import make_due
from tests.jobs.toys import ToyFile, make_file_rows

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: Any) -> None:
    monkeypatch.setattr(file_work, "CHUNK_ROWS", 50)


def content(job: Job) -> str:
    return files.path_of(job.file_path).read_text(encoding="utf-8-sig")


def test_a_file_holds_every_row_masked_and_harmless(bob: Any, now: Any, work: Any) -> None:
    make_file_rows(120)
    job = queued_file(bob, now=now)
    work()
    job.refresh_from_db()
    lines = content(job).splitlines()
    assert (job.state, job.rows_matched, job.rows_recounted, job.done) == (JobState.DONE, 120, 120, 120)
    assert not job.has_drifted
    assert lines[0] == "Key,E-mail,Formula"
    assert lines[1] == "row:000000,p***@example.test,'=1+000000"
    assert len(lines) == 121
    assert "person-" not in content(job)
    assert job.file_size == files.path_of(job.file_path).stat().st_size
    assert job.file_sha256 == hashlib.sha256(files.path_of(job.file_path).read_bytes()).hexdigest()
    assert job.file_expires_at == now + datetime.timedelta(hours=environment.export_hours)
    assert "/" not in job.file_name
    assert job.file_name.endswith("of_today.csv")


def test_a_file_is_private_and_its_name_says_nothing(bob: Any, now: Any, work: Any, files_dir: Any) -> None:
    make_file_rows(3)
    job = queued_file(bob, now=now)
    work()
    job.refresh_from_db()
    path = files.path_of(job.file_path)
    assert path.parent == files_dir / "jobs"
    assert len(job.file_path) == 22
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_workbook_holds_texts_and_no_formula(bob: Any, now: Any, work: Any) -> None:
    make_file_rows(120)
    job = queued_file(bob, now=now, file_format="xlsx")
    work()
    job.refresh_from_db()
    path = files.path_of(job.file_path)
    with path.open("rb") as stream:
        sheet = openpyxl.load_workbook(stream).active
    rows = list(sheet.iter_rows())
    assert len(rows) == 121
    assert [cell.value for cell in rows[1]] == ["row:000000", "p***@example.test", "'=1+000000"]
    assert {cell.data_type for row in rows for cell in row} == {"s"}
    assert [entry.name for entry in files.stored()] == [job.file_path], "the spool was left behind"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_empty_file_has_its_header(bob: Any, now: Any, work: Any) -> None:
    job = queued_file(bob, now=now)
    work()
    job.refresh_from_db()
    assert (job.state, job.done) == (JobState.DONE, 0)
    assert content(job).splitlines() == ["Key,E-mail,Formula"]


def test_a_file_written_in_bites_is_the_file_written_at_once(bob: Any, now: Any, work: Any) -> None:
    make_file_rows(230)
    whole = queued_file(bob, now=now)
    work()
    bitten = queued_file(bob, now=now)
    bites = 0
    while actions.work_due(now=now, budget=0):
        bites += 1
    whole.refresh_from_db()
    bitten.refresh_from_db()
    assert bites == 6
    assert bitten.file_sha256 == whole.file_sha256


def test_what_a_dead_worker_left_behind_the_checkpoint_is_cut_off(bob: Any, now: Any, work: Any) -> None:
    make_file_rows(120)
    reference = queued_file(bob, now=now)
    work()
    job = queued_file(bob, now=now)
    actions.work_due(now=now, budget=0)
    job.refresh_from_db()
    with files.path_of(job.file_path).open("ab") as stream:
        stream.write(b"half a row that nobody committed")
    work()
    job.refresh_from_db()
    reference.refresh_from_db()
    assert job.file_sha256 == reference.file_sha256


def test_a_spool_the_disk_lost_is_written_again_from_the_start(bob: Any, now: Any, work: Any) -> None:
    make_file_rows(120)
    job = queued_file(bob, now=now)
    actions.work_due(now=now, budget=0)
    job.refresh_from_db()
    assert job.done == 50
    files.path_of(job.file_path).unlink()
    work()
    job.refresh_from_db()
    assert (job.state, job.done) == (JobState.DONE, 120)
    assert len(content(job).splitlines()) == 121


def test_a_worker_that_wakes_up_late_cannot_touch_the_file(bob: Any, now: Any, work: Any, monkeypatch: Any) -> None:
    make_file_rows(120)
    job = queued_file(bob, now=now)
    actions.work_due(now=now, budget=0)
    sleeper = leases.claim(now=now)
    assert sleeper is not None
    make_due(job)
    work()
    job.refresh_from_db()
    assert job.file_path != sleeper.file_path
    sha256 = job.file_sha256
    monkeypatch.setattr(leases, "renew", lambda job, **options: None)  # it fell asleep behind the fence
    with pytest.raises(leases.LeaseLost):
        file_work.work_chunk(sleeper, ToyFile(), now=now)
    assert hashlib.sha256(files.path_of(job.file_path).read_bytes()).hexdigest() == sha256
    assert len(content(job).splitlines()) == 121


def test_rows_that_come_while_it_is_written_are_told(bob: Any, now: Any, work: Any) -> None:
    make_file_rows(120)
    job = queued_file(bob, now=now)
    actions.work_due(now=now, budget=0)
    make_file_rows(2, start=900)
    work()
    job.refresh_from_db()
    assert job.has_drifted
    assert (job.rows_matched, job.rows_recounted, job.done) == (120, 122, 122)


def test_a_row_that_slips_behind_the_cursor_is_told(bob: Any, now: Any, work: Any) -> None:
    make_file_rows(120, start=10)
    job = queued_file(bob, now=now)
    actions.work_due(now=now, budget=0)
    make_file_rows(1)
    work()
    job.refresh_from_db()
    assert job.has_drifted
    assert (job.rows_matched, job.rows_recounted, job.done) == (120, 121, 120)


def test_a_workbook_that_would_be_too_long_is_refused_not_cut(bob: Any, now: Any, work: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(file_work, "MOST_WORKBOOK_ROWS", 10)
    make_file_rows(11)
    workbook, text = queued_file(bob, now=now, file_format="xlsx"), queued_file(bob, now=now)
    work()
    workbook.refresh_from_db()
    text.refresh_from_db()
    assert (workbook.state, workbook.error_code) == (JobState.FAILED, ErrorCode.TOO_MANY_ROWS)
    assert (text.state, text.done) == (JobState.DONE, 11)


def test_the_second_file_of_a_partner_waits_and_other_partners_do_not(
    bob: Any, alice: Any, charlie: Any, now: Any
) -> None:
    make_file_rows(120)
    first, second, other = queued_file(bob, now=now), queued_file(alice, now=now), queued_file(charlie, now=now)
    for _ in range(4):
        actions.work_due(now=now, budget=0)
    states = {job.pk: job.state for job in Job.objects.all()}
    assert (states[first.pk], states[second.pk], states[other.pk]) == ("running", "queued", "running")
    while actions.work_due(now=now, budget=0):
        pass
    assert set(Job.objects.values_list("state", "done")) == {("done", 120)}


def test_two_running_files_of_a_partner_are_refused_by_the_database(bob: Any, now: Any) -> None:
    first, second = queued_file(bob, now=now), queued_file(bob, now=now)
    Job.objects.filter(pk=first.pk).update(state=JobState.RUNNING)
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=second.pk).update(state=JobState.RUNNING)


def test_a_cancelled_file_leaves_nothing_on_the_disk(
    bob: Any, now: Any, work: Any, django_capture_on_commit_callbacks: Any
) -> None:
    make_file_rows(120)
    job = queued_file(bob, now=now)
    actions.work_due(now=now, budget=0)
    assert len(list(files.stored())) == 1
    with django_capture_on_commit_callbacks(execute=True):
        actions.cancel(job=job, actor=Actor.member(bob), now=now)
    assert list(files.stored()) == []
    assert work() == 0


def test_rights_lost_before_the_run_stop_the_file(bob: Any, now: Any, work: Any) -> None:
    job = queued_file(bob, now=now)
    bob.roles = ["finance"]
    bob.save(update_fields=["roles"])
    work()
    job.refresh_from_db()
    assert (job.state, job.error_code, job.file_path) == (JobState.FAILED, ErrorCode.PERMISSION_LOST, "")


def test_a_failed_file_is_written_again_on_retry(bob: Any, now: Any, work: Any) -> None:
    make_file_rows(3)
    job = queued_file(bob, now=now)
    Job.objects.filter(pk=job.pk).update(kind="retired")
    work()
    Job.objects.filter(pk=job.pk).update(kind="toy_file")
    new = actions.retry_failed(job=job, actor=Actor.member(bob), now=now)
    work()
    new.refresh_from_db()
    assert (new.state, new.done) == (JobState.DONE, 3)


def test_a_member_cannot_pile_up_files(bob: Any, alice: Any, now: Any) -> None:
    for _ in range(actions.MOST_WAITING_FILES):
        queued_file(bob, now=now)
    with pytest.raises(actions.TooManyFiles):
        queued_file(bob, now=now)
    assert queued_file(alice, now=now).is_live


def test_a_file_speaks_the_language_of_its_owner_at_every_bite(bob: Any, now: Any, work: Any, monkeypatch: Any) -> None:
    spoken: list[str | None] = []
    monkeypatch.setattr(ToyFile, "file_stem", lambda self, job: spoken.append(translation.get_language()) or "x")
    with translation.override("zh-hans"):
        queued_file(bob, now=now)
    work()
    assert spoken == ["zh-hans"]


def test_files_are_deleted_when_their_life_is_over(bob: Any, now: Any, work: Any) -> None:
    make_file_rows(3)
    job = queued_file(bob, now=now)
    work()
    job.refresh_from_db()
    life = datetime.timedelta(hours=environment.export_hours)
    assert cleaning.delete_expired_files(now=now + life - datetime.timedelta(seconds=1)) == 0
    assert job.has_file(now + life - datetime.timedelta(seconds=1))
    assert not job.has_file(now + life), "expiry waits for nobody's sweep"
    assert cleaning.delete_expired_files(now=now + life) == 1
    assert list(files.stored()) == []
    job.refresh_from_db()
    assert (job.file_path, job.state) == ("", JobState.DONE)


def test_files_that_no_job_names_are_deleted_after_a_day(bob: Any, now: Any, work: Any) -> None:
    make_file_rows(3)
    job = queued_file(bob, now=now)
    work()
    job.refresh_from_db()
    files.path_of("orphan").write_text("x")
    assert cleaning.delete_orphans(now=now) == 0
    assert cleaning.delete_orphans(now=now + datetime.timedelta(hours=25)) == 1
    assert [entry.name for entry in files.stored()] == [job.file_path]


def test_a_name_that_leads_out_of_the_folder_is_no_name() -> None:
    for name in ("", "../x", "a/b", "..", "."):
        with pytest.raises(ValueError, match="not a stored name"):
            files.path_of(name)


def test_leases_follow_the_clock_of_the_database(bob: Any, now: Any) -> None:
    job = queued_file(bob, now=now)
    ahead = now + datetime.timedelta(days=7)
    assert leases.claim(now=ahead) is not None
    assert leases.claim(now=ahead) is None, "an application clock that runs ahead took a lease that is valid"
    job.refresh_from_db()
    assert Job.objects.filter(pk=job.pk, lease_until__gt=Now(), lease_until__lt=Now() + leases.LEASE * 2).exists()
