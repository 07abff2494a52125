"""Every kind of answer carries the headers, whoever made it."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from allauth.account.views import LoginView
from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.test import Client, RequestFactory, override_settings

from partner_center.headers import SecurityHeadersMiddleware
from partner_center.tenancy.actors import Actor

EXACT = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def get_page(client: Client) -> HttpResponseBase:
    return client.get("/account/login/")


def get_missing_page(client: Client) -> HttpResponseBase:
    return client.get("/nowhere/")


def get_redirect(client: Client) -> HttpResponseBase:
    return client.get("/account/password/change/")


def post_without_token(client: Client) -> HttpResponseBase:
    return Client(enforce_csrf_checks=True).post("/account/login/")


def get_as_foreign_host(client: Client) -> HttpResponseBase:
    return client.get("/account/login/", headers={"host": "evil.example"})


def get_broken_page(client: Client) -> HttpResponseBase:
    return client.get("/account/login/?broken")


def get_over_plain_http(client: Client) -> HttpResponseBase:
    with override_settings(SECURE_SSL_REDIRECT=True):
        return Client().get("/account/login/")


def get_static_file(client: Client) -> HttpResponseBase:
    Path(settings.STATIC_ROOT, "probe.css").write_text("body {}")
    return Client().get("/static/probe.css")


ANSWERS: list[tuple[Callable[[Client], HttpResponseBase], int]] = [
    (get_page, 200),
    (get_missing_page, 404),
    (get_redirect, 302),
    (post_without_token, 403),
    (get_as_foreign_host, 400),
    (get_broken_page, 500),
    (get_over_plain_http, 301),
    (get_static_file, 200),
]


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Client:
    answer = LoginView.get

    def broken_on_demand(view: LoginView, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if "broken" in request.GET:
            raise ZeroDivisionError
        return answer(view, request, *args, **kwargs)

    monkeypatch.setattr(LoginView, "get", broken_on_demand)
    return Client(raise_request_exception=False)


@pytest.mark.django_db
@pytest.mark.parametrize(("ask", "status"), ANSWERS, ids=lambda value: getattr(value, "__name__", str(value)))
def test_every_answer_carries_the_headers(
    outside: Client, ask: Callable[[Client], HttpResponseBase], status: int
) -> None:
    response = ask(outside)

    assert response.status_code == status
    assert {name: response.headers.get(name) for name in EXACT} == EXACT
    assert re.fullmatch(r"[0-9a-f]{32}", response.headers["X-Request-ID"])
    assert "camera=()" in response.headers["Permissions-Policy"]
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'nonce-")
    assert "unsafe" not in policy
    assert (
        response.headers["Cache-Control"] == "max-age=60, public"
        if ask is get_static_file
        else "no-store" in (response.headers["Cache-Control"])
    )


def answer_of(view: Callable[[HttpRequest], HttpResponseBase], actor: Actor | None = None) -> HttpResponseBase:
    request = RequestFactory().get("/")
    if actor is not None:
        request.actor = actor
    return SecurityHeadersMiddleware(view)(request)


def test_nonces_and_request_ids_never_repeat() -> None:
    answers = [answer_of(lambda request: HttpResponse(request.csp_nonce)) for _ in range(1000)]

    assert len({answer.headers["X-Request-ID"] for answer in answers}) == 1000
    nonces = [answer.content.decode() for answer in answers]
    assert len(set(nonces)) == 1000
    assert all(
        f"'nonce-{nonce}'" in answer.headers["Content-Security-Policy"]
        for nonce, answer in zip(nonces, answers, strict=True)
    )


def test_a_view_may_be_stricter_about_referrers() -> None:
    response = answer_of(lambda _: HttpResponse(headers={"Referrer-Policy": "no-referrer"}))

    assert response.headers["Referrer-Policy"] == "no-referrer"


def test_a_public_view_may_be_cached_but_nothing_of_a_signed_in_person() -> None:
    def cacheable(_: HttpRequest) -> HttpResponseBase:
        return HttpResponse(headers={"Cache-Control": "public, max-age=60"})

    person = Actor(kind="platform", name="Ada", user_id=7)

    assert answer_of(cacheable).headers["Cache-Control"] == "public, max-age=60"
    assert answer_of(cacheable, Actor(kind="customer", name="")).headers["Cache-Control"] == "public, max-age=60"
    assert answer_of(cacheable, person).headers["Cache-Control"] == "no-store"
    assert answer_of(lambda _: HttpResponse()).headers["Cache-Control"] == "no-store"


def test_a_streamed_file_carries_them_too(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text("a,b")

    with (tmp_path / "export.csv").open("rb") as file:
        response = answer_of(lambda _: FileResponse(file))

    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
