"""Somebody who uses the site over HTTP and notes how long every answer took."""

import http.client
import re
import time
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlencode, urlsplit

LONGEST_WAIT = 60  # seconds


@dataclass(frozen=True)
class Answer:
    """One answer: what was asked, the status, how long it took, where it leads, and its text."""

    what: str
    status: int
    seconds: float
    location: str
    text: str

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s {self.what} {self.status}"

    @property
    def is_fine(self) -> bool:
        return 200 <= self.status < 400


@dataclass
class Visitor:
    """A browser of the simplest kind: cookies, forms, no redirects followed by itself."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)

    def sign_in(self, email: str, password: str) -> None:
        self.get("/account/login/")
        answer = self.post("/account/login/", {"login": email, "password": password})
        assert answer.status == 302, answer.text

    def get(self, path: str) -> Answer:
        return self._ask("GET", path, None)

    def post(self, path: str, form: dict[str, object]) -> Answer:
        return self._ask("POST", path, urlencode(form, doseq=True))

    def plan(self, form: dict[str, object], *, at: str) -> Answer:
        """Send a form that makes a plan, and return the page of the plan."""
        answer = self.post(at, form)
        assert answer.status == 302, f"{answer.status} {answer.text}"
        return self.get(answer.location)

    def apply(self, page: Answer) -> Answer:
        """Press the button on the page of a plan."""
        digest = re.search(r'name="digest" value="(\w+)"', page.text)
        assert digest is not None, page.text
        return self.post(f"{page.what.split()[1]}apply/", {"digest": digest[1]})

    def _ask(self, method: str, path: str, body: str | None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST_WAIT)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "X-CSRFToken": self.cookies.get("csrftoken", ""),
                "Origin": f"http://127.0.0.1:{self.port}",
            }
        started = time.monotonic()
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        for cookie in response.headers.get_all("Set-Cookie") or []:
            name, _, rest = cookie.partition("=")
            self.cookies[name] = rest.partition(";")[0]
        location = urlsplit(response.headers.get("Location", "")).path
        took = time.monotonic() - started
        answer = Answer(f"{method} {path}", response.status, took, location, unescape(text))
        self.answers.append(answer)
        return answer
