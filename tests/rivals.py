"""Rivals: the same call from many real threads at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection


def _begin(start: threading.Barrier) -> None:
    try:
        connection.ensure_connection()
    except Exception:
        start.abort()
        raise
    start.wait()


def run_together(count: int, call: Callable[[int], object]) -> list[object]:
    """
    Call from many threads that all start at once; what a call raises is its outcome.

    :param call: is given the number of its thread, from 0
    :return: the outcomes in the order of the threads
    """
    # A rival that cannot begin must not leave the others waiting for ever.
    start = threading.Barrier(count, timeout=60)

    def rival(number: int) -> object:
        try:
            _begin(start)
            return call(number)
        except Exception as error:  # noqa: BLE001 - a rival's failure is what the test looks at
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(rival, range(count)))
