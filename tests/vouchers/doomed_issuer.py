"""A worker that stops dead inside the Nth chunk of an issue: `python -m tests.vouchers.doomed_issuer N`."""

import sys

import django


def main(number: int) -> None:
    django.setup()
    from django.utils import timezone

    from partner_center.jobs import worker
    from tests.jobs.doomed_worker import stop_at
    from vouchers.actions import applying
    from vouchers.tasks.issuing import IssueBatch

    IssueBatch.chunk_rows = 5
    stop_at(applying, "issue", number, after=True)
    worker.work_due(now=timezone.now(), budget=600)


if __name__ == "__main__":
    main(int(sys.argv[1]))
