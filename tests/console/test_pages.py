"""The shell's own pages: errors without a database, health, language, display choices, and the menu's entries."""

from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import OperationalError, connection
from django.http import HttpRequest
from django.test import Client, RequestFactory, override_settings
from django.urls import include, path
from django.utils import translation

from partner_center.console import navigation, views
from partner_center.tenancy.models import Member, User

sign_in = path("account/login/", views.page_not_found, name="account_login")
shell = path("", include("partner_center.console.urls"))
invitations = path(
    "invitations/",
    include(([path("invite/", views.home, name="invite"), path("", views.home, name="history")], "invitations")),
)
accounts = path("customers/", include(([path("accounts/", views.home, name="accounts")], "customers")))
urlpatterns = [sign_in, shell, invitations, accounts]

own_urls = override_settings(ROOT_URLCONF=__name__)


class Page(HTMLParser):
    """Collects what a reader would meet: tags, and the attributes of <html>."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.root: dict[str, str | None] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "html":
            self.root = dict(attrs)


def asked(at: str = "/", *, roles: list[str] | None = None, platform: bool = False) -> HttpRequest:
    request = RequestFactory().get(at)
    request.resolver_match = None
    request.user = User(name="Li Wei", is_platform_admin=platform) if roles or platform else AnonymousUser()
    request.member = Member(user=request.user, roles=roles) if roles else None
    request.request_id = "7f3a0c"
    return request


ERRORS = [
    (views.bad_request, 400),
    (views.permission_denied, 403),
    (views.page_not_found, 404),
    (views.csrf_failure, 403),
    (views.server_error, 500),
]


# No database mark: pytest-django refuses every query, so these prove that error pages need none.
@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize(("view", "status"), ERRORS)
def test_error_pages_need_no_database(view: object, status: int, language: str) -> None:
    with translation.override(language):
        answer = view(asked("/lost"))
    page = Page(answer.content.decode())
    assert answer.status_code == status
    assert page.root["lang"] == language
    assert page.tags.count("h1") == 1
    assert "script" not in page.tags
    assert b"css/tokens.css" in answer.content


def test_only_the_page_of_our_own_fault_shows_the_request_id() -> None:
    assert b"7f3a0c" in views.server_error(asked()).content
    assert b"7f3a0c" not in views.page_not_found(asked()).content


def test_the_theme_is_the_cookies_and_only_when_it_is_one_of_ours() -> None:
    request = asked()
    request.COOKIES["theme"] = "dark"
    assert Page(views.server_error(request).content.decode()).root["data-theme"] == "dark"
    request.COOKIES["theme"] = '"><script>'
    assert "data-theme" not in Page(views.server_error(request).content.decode()).root


@own_urls
def test_alive_without_a_database(client: Client) -> None:
    assert client.get("/livez").json() == {"status": "alive"}
    assert client.post("/livez").status_code == 405


@own_urls
@pytest.mark.django_db
def test_ready_with_a_migrated_database(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["checks"] == {"database": True, "migrations": True}


@own_urls
def test_not_ready_without_a_database(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(connection, "cursor", gone)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": False, "migrations": False}
    assert "refused" not in answer.content.decode()


@own_urls
def test_the_language_is_changed_by_post_only_and_remembered(client: Client) -> None:
    assert client.get("/language").status_code == 405
    answer = client.post("/language", {"language": "zh-hans", "next": "/livez"})
    assert answer.headers["Location"] == "/livez"
    assert answer.cookies["django_language"].value == "zh-hans"
    away = client.post("/language", {"language": "en", "next": "https://evil.example/"})
    assert "evil" not in away.headers["Location"]


def labels(request: HttpRequest) -> set[str]:
    with translation.override("en"):
        return {str(link.label) for _, links in navigation.menu(request) for link in links}


@own_urls
def test_the_menu_shows_what_a_person_may_do() -> None:
    assert {"Invite", "History records"} <= labels(asked(roles=["operator"]))
    assert "History records" in labels(asked(roles=["auditor"]))
    assert "Invite" not in labels(asked(roles=["auditor"]))
    assert "Account directory" not in labels(asked(roles=["admin"]))
    assert labels(asked(platform=True)) & {"Account directory", "Invite"} == {"Account directory"}
    assert labels(asked()) == set()


@own_urls
def test_entries_without_a_page_are_left_out() -> None:
    assert "Preregistrations" not in labels(asked(roles=["admin"]))
    assert "Links and QR codes" not in labels(asked(roles=["admin"]))


@own_urls
@pytest.mark.parametrize(
    ("at", "active"),
    [("/invitations/", "History records"), ("/invitations/invite/", "Invite"), ("/invitations/x1/", "History records")],
)
def test_exactly_one_entry_is_the_current_page(at: str, active: str) -> None:
    with translation.override("en"):
        menu = navigation.menu(asked(at, roles=["admin"]))
        assert [str(link.label) for _, links in menu for link in links if link.is_active] == [active]


@own_urls
def test_home_leads_to_the_first_page_a_person_may_see() -> None:
    assert views.home(asked(roles=["operator"])).headers["Location"] == "/invitations/"
    assert views.home(asked(platform=True)).headers["Location"] == "/customers/accounts/"
    assert views.home(asked()).headers["Location"] == "/account/login/"
