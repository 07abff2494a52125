"""Measuring: requests through the whole of Django, in one process, interleaved so that noise falls on all alike."""

import io
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.core.wsgi import get_wsgi_application
from django.test import Client

from partner_center.tenancy.models import Member

# How long one call is measured in all, and how often at least.
MOST_MILLISECONDS, FEWEST = 8_000, 5

Call = Callable[[], object]


@dataclass(frozen=True)
class Figure:
    """One line of the table: a time, what it is compared with, and the most the ratio should be."""

    name: str
    milliseconds: float
    ratio: float
    goal: float | None = None
    note: str = ""

    def __str__(self) -> str:
        goal = f"<= {self.goal:g}" if self.goal is not None else ""
        verdict = "" if self.goal is None else "ok" if self.ratio <= self.goal else "MISSED"
        return f"{self.name:<44}{self.milliseconds:>10.2f} ms {self.ratio:>8.2f} x  {goal:<8}{verdict:<8}{self.note}"


class Browser:
    """Asks the application as a server would, signed in as one person, without a socket in between."""

    def __init__(self, member: Member) -> None:
        client = Client()
        client.force_login(member.user)
        self.member = member
        self.cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in client.cookies.items())
        self.application = get_wsgi_application()

    def get(self, address: str) -> bytes:
        path, _, query = address.partition("?")
        environ = {
            "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "SCRIPT_NAME": "",
            "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "localhost",
            "HTTP_COOKIE": self.cookies, "REMOTE_ADDR": "127.0.0.1", "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO(), "wsgi.url_scheme": "http", "wsgi.version": (1, 0),
            "wsgi.multithread": False, "wsgi.multiprocess": False, "wsgi.run_once": False,
        }  # fmt: skip
        said: list[str] = []
        response = self.application(environ, lambda status, headers, error=None: said.append(status))
        body = b"".join(response)
        response.close()
        if not said[0].startswith("200"):
            raise RuntimeError(f"{address}: {said[0]}")
        return body


def medians(calls: Mapping[str, Call], *, rounds: int) -> dict[str, float]:
    """Call everything in turn, many times, a slow one less often; returns the median of each in milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _turn in range(rounds):
        for name, call in calls.items():
            if len(times[name]) >= FEWEST and sum(times[name]) > MOST_MILLISECONDS:
                continue
            started = time.perf_counter()
            call()
            times[name].append((time.perf_counter() - started) * 1000)
    return {name: statistics.median(values) for name, values in times.items()}
