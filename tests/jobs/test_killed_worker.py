"""A worker process killed with SIGKILL at the worst places: nothing is lost, nothing is done twice."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from partner_center.jobs import file_work, files
from partner_center.jobs.models import Job
from partner_center.jobs.rules import JobState
from tests.jobs.making import applied, planned, queued_file
from tests.jobs.test_item_jobs import make_due
from tests.jobs.toys import effects, make_file_rows
from tests.processes import environment_of_child

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def files_dir(settings: Any) -> Path:
    """The other process reads the settings, not our patch of them."""
    return Path(settings.FILES_DIR)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_work, "CHUNK_ROWS", 50)


def kill_worker_at(place: str, number: int) -> None:
    """Start a worker of its own, wait until it stands at the place, and kill it."""
    command = [sys.executable, "-m", "tests.jobs.doomed_worker", place, str(number)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, env=environment_of_child(), cwd=settings.BASE_DIR, text=True, **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL


@pytest.mark.parametrize("number", [1, 3])
def test_a_plan_whose_worker_is_killed_goes_on(bob: Any, now: Any, work: Any, number: int) -> None:
    job = applied(bob, planned(23), now=now)
    kill_worker_at("item", number)
    job.refresh_from_db()
    assert (job.state, job.done) == (JobState.RUNNING, 5 * (number - 1))
    assert len(effects()) == job.done, "effects of the chunk in hand are not there without their marks"
    assert work() == 0, "the lease is still running"
    make_due(job)
    work()
    job.refresh_from_db()
    assert (job.state, job.done, job.failed, job.takeovers) == (JobState.DONE, 23, 0, 0)
    assert effects() == {str(number): 1 for number in range(1, 24)}


@pytest.mark.parametrize(("place", "number"), [("rows", 1), ("rows", 3), ("checkpoint", 1), ("checkpoint", 3)])
def test_a_file_whose_worker_is_killed_comes_out_the_same(
    bob: Any, now: Any, work: Any, place: str, number: int
) -> None:
    make_file_rows(230)
    job = queued_file(bob, now=now)
    kill_worker_at(place, number)
    job.refresh_from_db()
    assert (job.state, job.done) == (JobState.RUNNING, 50 * (number - 1))
    make_due(job)
    work()
    uninterrupted = queued_file(bob, now=now)
    work()
    job.refresh_from_db()
    uninterrupted.refresh_from_db()
    assert (job.state, job.done, job.takeovers) == (JobState.DONE, 230, 0)
    assert job.file_sha256 == uninterrupted.file_sha256
    assert {entry.name for entry in files.stored()} >= {job.file_path, uninterrupted.file_path}


def test_a_worker_killed_while_it_makes_the_workbook_costs_the_workbook_only(bob: Any, now: Any, work: Any) -> None:
    make_file_rows(60)
    job = queued_file(bob, now=now, file_format="xlsx")
    kill_worker_at("convert", 1)
    job.refresh_from_db()
    assert (job.state, job.done) == (JobState.RUNNING, 60)
    make_due(job)
    work()
    job.refresh_from_db()
    assert (job.state, job.done) == (JobState.DONE, 60)
    assert files.path_of(job.file_path).read_bytes()[:2] == b"PK"


def test_killed_again_and_again_at_every_chunk(bob: Any, now: Any, work: Any) -> None:
    job = applied(bob, planned(15), now=now)
    for _ in range(4):
        kill_worker_at("item", 2)
        make_due(job)
        if Job.objects.get(pk=job.pk).done >= 10:
            break
    work()
    assert effects() == {str(number): 1 for number in range(1, 16)}
