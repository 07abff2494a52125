"""Every address x everybody: who may not come in is told so, reading changes nothing, and a deed is logged."""

import hashlib
from collections.abc import Container, Iterator

import pytest
from django.db import connection
from django.http import HttpResponseBase
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve, reverse

from partner_center.audit.models import AuditEntry
from partner_center.tenancy.permissions import Permission
from tests.site.addresses import EVERYBODY, KEY, MEMBERS, PLATFORM, SIGNATURE, SIGNED_IN, VIEWERS, Address
from tests.site.registry import ADDRESSES
from tests.site.world import World

MEMBERS_OF_A = ("alice", "bob", "carol", "dora", "finance", "nobody")
# Who comes in, but owns nothing of what the addresses are about.
STRANGERS = ("charlie", "vendor")
PEOPLE = (*MEMBERS_OF_A, "charlie", "vendor", "customer", "anonymous")
SAFE = ("GET", "HEAD")

every_address = pytest.mark.parametrize("address", ADDRESSES, ids=str)


# --- the table itself ------------------------------------------------------------------------------------------------


def names_of(resolver: URLResolver, spaces: tuple[str, ...] = ()) -> Iterator[str]:
    """Walk the URLconf to the name of every pattern."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            inner = (*spaces, pattern.namespace) if pattern.namespace else spaces
            yield from names_of(pattern, inner)
        else:
            yield ":".join((*spaces, pattern.name or f"(no name: {pattern.pattern})"))


def test_every_address_is_in_the_registry_once() -> None:
    assert sorted(address.name for address in ADDRESSES) == sorted(names_of(get_resolver()))


def test_an_address_that_nobody_registered_is_noticed() -> None:
    planted = URLResolver(
        get_resolver().pattern, [URLPattern(get_resolver().pattern, lambda request: None, name="planted")]
    )
    assert list(names_of(planted)) == ["planted"]
    assert "planted" not in {address.name for address in ADDRESSES}


@pytest.mark.django_db
@every_address
def test_the_view_asks_for_the_right_that_the_registry_names(world: World, address: Address) -> None:
    asked = getattr(resolve(url(world, address)).func, "required_permission", None)
    assert asked == (address.who if isinstance(address.who, Permission) else None)


# --- who comes in ----------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@every_address
def test_the_right_person_gets_the_right_answer_and_the_deed_is_logged(world: World, address: Address) -> None:
    path, data = url(world, address), address.data(world)
    client = browser(world, address, address.right)
    logged = AuditEntry.objects.latest("pk").pk
    response = ask(client, path, address.method.split()[-1], data)
    assert response.status_code == address.answer, described(response)
    deeds = tuple(AuditEntry.objects.filter(pk__gt=logged).order_by("pk").values_list("deed", flat=True))
    assert deeds == address.deeds


@pytest.mark.django_db
@every_address
def test_nobody_else_comes_in_and_nothing_changes(world: World, address: Address) -> None:
    path, data = url(world, address), address.data(world)
    clients = {person: browser(world, address, person) for person in PEOPLE}
    # A refused reveal is logged, on purpose.
    but = ("audit_auditentry", "audit_audithead") if address.name == "listing:reveal" else ()
    before = picture(but=but)
    for person in PEOPLE:
        wanted = denial(world, address, person)
        if wanted is None:
            continue
        response = ask(clients[person], path, address.method.split()[-1], data)
        assert response.status_code == wanted, f"{person}: {described(response)}"
        if wanted == 302:
            assert response.headers["Location"].startswith(reverse("account_login") + "?next=")
    assert picture(but=but) == before


@pytest.mark.django_db
@every_address
def test_reading_changes_nothing(world: World, address: Address) -> None:
    path = url(world, address)
    clients = {person: browser(world, address, person) for person in PEOPLE}
    before = picture(but=address.reading_writes)
    for person, client in clients.items():
        for method in SAFE:
            response = ask(client, path, method, {})
            assert response.status_code < 500, f"{person}, {method}: {described(response)}"
            if "GET" not in address.method and address.who == EVERYBODY:
                assert response.status_code == 405, f"{person}, {method}"
            assert picture(but=address.reading_writes) == before, f"{person}, {method} {address}"


@pytest.mark.django_db
@every_address
def test_a_post_from_elsewhere_is_refused(world: World, address: Address) -> None:
    """Without the token of our own page nothing is done, whoever's browser was made to send it."""
    path, data = url(world, address), address.data(world)
    client = browser(world, address, address.right, enforce_csrf_checks=True)
    before = picture()
    response = ask(client, path, "POST", data)
    # What takes no POST at all says so before it asks for a key.
    refused = {SIGNATURE: (404,), KEY: (401, 405)}.get(address.who, (403,))
    assert response.status_code in refused, described(response)
    assert picture() == before


@pytest.mark.django_db
@every_address
def test_other_methods_do_nothing(world: World, address: Address) -> None:
    path = url(world, address)
    client = browser(world, address, address.right)
    before = picture(but=address.reading_writes)
    for method in {"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - set(address.method.split()):
        response = ask(client, path, method, {})
        assert response.status_code < 500, f"{method}: {described(response)}"
        assert picture(but=address.reading_writes) == before, method


def denial(world: World, address: Address, person: str) -> int | None:
    """Say with which status a person is sent away; None for somebody who is let in."""
    if person == address.right or address.who in (EVERYBODY, SIGNATURE):
        return None
    if address.who == KEY:
        return 401
    if person == "anonymous":
        return 302
    if address.who in (SIGNED_IN, PLATFORM):
        return None if address.who == SIGNED_IN or person == "vendor" else 403
    if not may(world, person, address.who):
        return 403
    return address.others.get(person, 404 if person in STRANGERS and address.is_of_an_object else None)


def may(world: World, person: str, who: str) -> bool:
    """Tell whether a person is a member who holds the right, or one of the viewers where they are let in."""
    if who == VIEWERS:
        return person in (*MEMBERS_OF_A, "charlie", "vendor")
    return person in (*MEMBERS_OF_A, "charlie") and (who == MEMBERS or getattr(world, person).may(who))


# --- asking ----------------------------------------------------------------------------------------------------------


def url(world: World, address: Address) -> str:
    return reverse(address.name, kwargs=address.args(world))


def browser(world: World, address: Address, person: str, **options: bool) -> Client:
    """Open a person's browser, with the link opened before where the address asks for that."""
    client = world.client(person, **options)
    client.raise_request_exception = False
    if address.arrives_by is not None:
        client.get(reverse("invitations:open", args=[address.arrives_by(world)]))
    return client


def ask(client: Client, path: str, method: str, data: dict[str, object]) -> HttpResponseBase:
    return (
        client.generic(method, path) if method not in ("GET", "POST") else getattr(client, method.lower())(path, data)
    )


def described(response: HttpResponseBase) -> str:
    body = b"" if response.streaming else response.content
    return f"{response.status_code} {response.headers.get('Location', '')} {body[:2000].decode(errors='replace')}"


def picture(*, but: Container[str] = ()) -> dict[str, str]:
    """Take a picture of every row of every table, but for some."""
    return {name: hash_of(name) for name in connection.introspection.table_names() if name not in but}


def hash_of(table: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)} ORDER BY 1")
        return hashlib.sha256(repr(cursor.fetchall()).encode()).hexdigest()
