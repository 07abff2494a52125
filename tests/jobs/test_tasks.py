"""What beat rings does the work, and needs nothing else."""

from typing import Any

import pytest
from django.conf import settings

from partner_center.jobs import files, tasks
from partner_center.jobs.models import Job
from partner_center.jobs.rules import JobState
from tests.jobs.making import applied, planned
from tests.jobs.toys import effects

pytestmark = pytest.mark.django_db


def test_a_ring_works_what_is_due(bob: Any, now: Any) -> None:
    job = applied(bob, planned(12), now=now)
    tasks.work_due()
    job.refresh_from_db()
    assert (job.state, job.done) == (JobState.DONE, 12)
    assert len(effects()) == 12


def test_the_sweep_deletes_a_file_whose_life_is_over(bob: Any, now: Any) -> None:
    files.path_of("old-file").write_text("x")
    job = applied(bob, planned(1), now=now)
    Job.objects.filter(pk=job.pk).update(file_path="old-file", file_expires_at=now)
    tasks.delete_expired_files()
    assert list(files.stored()) == []


def test_beat_knows_both_by_name() -> None:
    scheduled = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    assert {tasks.work_due.name, tasks.delete_expired_files.name} <= scheduled
