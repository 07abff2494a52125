"""
A worker process that stops dead at a given place and waits to be killed: `python -m tests.jobs.doomed_worker PLACE N`.

PLACE is where it stops: "item" inside the transaction of the Nth chunk, after its effects; "rows" before the Nth piece
of a file; "checkpoint" after that piece is on the disk and before the database knows; "convert" before the workbook.
"""

import sys

import django


def main(place: str, number: int) -> None:
    django.setup()
    from django.utils import timezone

    from partner_center.jobs import file_work, worker
    from tests.jobs import toys

    toys.register()
    file_work.CHUNK_ROWS = 50
    if place == "item":
        stop_at(toys, "count_effects", number, after=True)
    elif place == "rows":
        stop_at(toys.ToyFile, "rows", number)
    elif place == "checkpoint":
        stop_at(file_work, "append_csv", number, after=True)
    elif place == "convert":
        stop_at(file_work, "csv_to_xlsx", number)
    worker.work_due(now=timezone.now(), budget=600)
    sys.stdout.write("finished\n")


def stop_at(owner: object, name: str, number: int, *, after: bool = False) -> None:
    """Make the Nth call of a function stop before it, or when it has done its work."""
    original = getattr(owner, name)
    calls = 0

    def stopping(*args: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        if calls == number and not after:
            wait_for_the_end()
        answer = original(*args, **options)
        if calls == number:
            wait_for_the_end()
        return answer

    setattr(owner, name, stopping)


def wait_for_the_end() -> None:
    sys.stdout.write("here\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
