"""
The canary crawl: no clear value of a person reaches anybody before a reveal, or without the right to one.

Customers bear values that are found nowhere else (world.py). They are looked for in every page, file, mail, log line,
message to the worker, and in every column of the database that has no business to hold them.
"""

import html
import io
import logging
import logging.config
import urllib.parse
import zipfile
from collections.abc import Iterator
from copy import deepcopy

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse

from invitations.models import Invitation
from partner_center.audit.models import AuditEntry
from partner_center.mail.models import DevMessage
from partner_center.masking import mask_account, mask_email, mask_mobile, mask_name
from tests.site import world as w
from tests.site.canaries import canaries_in, canaries_in_answer
from tests.site.registry import ADDRESSES, Address
from tests.site.test_every_url import PEOPLE, ask, browser, every_address, url
from tests.site.world import CANARIES, INVITED, PLANNED, Canary, World

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
# Where a clear value stands for its own person, or for the person who typed it a moment ago.
OWN_PAGES: dict[tuple[str, str], tuple[Canary, ...]] = {
    # The demo's mailbox stands for the inbox of the person a mail was sent to; production has none.
    **{(name, person): (INVITED,) for name in ("mail:message", "mail:message_body") for person in PEOPLE},
    # Who uploaded a list gets its faulty rows back to mend them; nobody else can.
    ("jobs:faulty_rows", "bob"): (PLANNED,),
}


def may_read(address: Address, person: str) -> tuple[Canary, ...]:
    """Name the canaries a person may read at an address: a customer reads his own."""
    own = (INVITED,) if person == "customer" else ()
    return (*own, *OWN_PAGES.get((address.name, person), ()))


# --- the detector ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [INVITED.name, INVITED.email, INVITED.mobile, INVITED.account_name])
@pytest.mark.parametrize(
    "written",
    [
        str,
        str.upper,
        html.escape,
        urllib.parse.quote,
        urllib.parse.quote_plus,
        lambda value: "".join(f"&#{ord(character)};" for character in value),
        lambda value: "".join(f"\\u{ord(character):04x}" for character in value),
        lambda value: f"<input value='{value}'>".encode(),
        lambda value: packed(value),  # noqa: PLW0108 - defined below
    ],
)
def test_a_clear_value_is_found_however_it_is_written(value: str, written: object) -> None:
    assert canaries_in(written(value))


def packed(text: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", text)
    return stream.getvalue()


@pytest.mark.parametrize("written", ["13973104731", "139 7310 4731", "(139) 7310-4731", "0086-139-73104731"])
def test_a_number_is_found_however_it_is_grouped(written: str) -> None:
    assert canaries_in(f"tel: {written}.")


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.surname)
def test_masks_show_no_clear_value(canary: Canary) -> None:
    masked = [
        mask_name(canary.name),
        mask_email(canary.email),
        mask_mobile(canary.mobile),
        mask_account(canary.account_name),
    ]
    assert canaries_in(" ".join(masked)) == set()


def test_the_pages_have_something_to_leak(world: World) -> None:
    """Masked values stand on the pages that are crawled: an empty page would pass for the wrong reason."""
    text = world.client("bob").get(reverse("invitations:history")).content.decode()
    for canary in (INVITED, w.ASSOCIATED, w.BLOCKED, w.DECLINED, w.CAROLS):
        assert mask_email(canary.email) in text
        assert html.escape(mask_mobile(canary.mobile)) in text
    assert mask_email(w.CHARLIES.email) not in text


# --- pages and files -------------------------------------------------------------------------------------------------


@every_address
def test_no_page_shows_a_clear_value_to_anybody(world: World, address: Address) -> None:
    path = url(world, address)
    for person in PEOPLE:
        client = browser(world, address, person)
        but = may_read(address, person)
        for method in ("GET", "HEAD"):
            for headers in ({}, HTMX):
                response = getattr(client, method.lower())(path, headers=headers)
                assert canaries_in_answer(response, but=but) == set(), f"{person}, {method} {path} {headers}"


@every_address
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "htmx"])
def test_no_answer_to_a_form_shows_a_clear_value(world: World, address: Address, headers: dict[str, str]) -> None:
    """What the right person gets for a post, and the page it leads to; a reveal is the one exception."""
    if "POST" not in address.method or address.name == "listing:reveal":
        return
    path, data = url(world, address), address.data(world)
    but = may_read(address, address.right)
    response = browser(world, address, address.right).post(path, data, headers=headers, follow=True)
    assert canaries_in_answer(response, but=but) == set()
    for step, _status in response.redirect_chain:
        assert canaries_in(step) == set()


LISTS = [address for address in ADDRESSES if address.name in ("invitations:history", "customers:preregistrations")]


@pytest.mark.parametrize("address", LISTS, ids=str)
@pytest.mark.parametrize("person", ["alice", "bob", "carol", "dora", "finance"])
def test_what_a_filter_asks_for_stands_in_no_address(world: World, address: Address, person: str) -> None:
    """Somebody types a whole e-mail address: it may stand in his own form, and in no link, header or chip."""
    client = world.client(person)
    for name, value in (("email", INVITED.email), ("customer_name", INVITED.name), ("mobile", INVITED.mobile)):
        for headers in ({}, HTMX):
            response = client.post(url(world, address), {name: value}, headers=headers)
            assert canaries_in(str(response.headers)) == set()
            text = response.content.decode()
            for typed in (value, html.escape(value)):
                text = text.replace(f'value="{typed}"', "")
            assert canaries_in(text) == set(), f"{name} {headers}"


@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_files_are_anonymised_for_everybody(world: World, file_format: str) -> None:
    job = w.make_export(world, file_format)
    path = reverse("jobs:download", args=[job.public_id])
    for person in ("bob", "alice"):
        response = world.client(person).get(path)
        content = b"".join(response.streaming_content)
        assert response.status_code == 200
        assert canaries_in(content) == set()
        assert canaries_in(str(response.headers)) == set()
        written = packed_text(content) if file_format == "xlsx" else content.decode("utf-8-sig")
        assert mask_email(INVITED.email) in written
        assert job.done == Invitation.objects.of(world.bob.partner).count()


def packed_text(content: bytes) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return "".join(archive.read(name).decode(errors="replace") for name in archive.namelist())


# --- mails -----------------------------------------------------------------------------------------------------------


def test_a_mail_holds_clear_values_of_its_recipient_only(world: World) -> None:
    mails = list(DevMessage.objects.all())
    assert {mail.recipient for mail in mails} >= {INVITED.email, w.ASSOCIATED.email, world.bob.user.email}
    for mail in mails:
        own = [canary for canary in CANARIES if canary.email == mail.recipient]
        for part in (mail.subject, mail.text, mail.html, mail.message_id):
            assert canaries_in(part, but=own) == set(), f"{mail.subject} to {mail.recipient}"


# --- reveal ----------------------------------------------------------------------------------------------------------

FIELDS = ("customer_name", "account_name", "email", "mobile")
KINDS = ("invitation", "preregistration")
every_masked_field = pytest.mark.parametrize(("kind", "field"), [(kind, field) for kind in KINDS for field in FIELDS])


def masked_row(world: World, kind: str) -> tuple[Canary, str, str]:
    """Give the canary of a row, the row's public id, and a page that shows it."""
    if kind == "preregistration":
        return w.RESERVED, w.preregistration(world).public_id, reverse("customers:preregistrations")
    return INVITED, world.invitation.public_id, reverse("invitations:detail", args=[world.invitation.public_id])


def reveal(client: Client, world: World, kind: str, field: str) -> HttpResponseBase:
    data = {"kind": kind, "field": field, "id": masked_row(world, kind)[1], "purpose": "support"}
    return client.post(reverse("listing:reveal"), data)


@every_masked_field
def test_who_has_the_right_reveals_one_field_and_it_is_logged_without_its_value(
    world: World, kind: str, field: str
) -> None:
    canary, public_id, page = masked_row(world, kind)
    values = {name: getattr(canary.prospect, name) for name in FIELDS}
    before = AuditEntry.objects.latest("pk").pk
    response = reveal(world.client("bob"), world, kind, field)
    assert response.json() == {"values": {public_id: values[field]}}
    assert response.headers["Cache-Control"] == "no-store"
    (entry,) = AuditEntry.objects.filter(pk__gt=before)
    assert (entry.deed, entry.actor_id, entry.result) == ("field_revealed", world.bob.public_id, "done")
    assert public_id in entry.details
    assert canaries_in(entry.details) == set()
    assert canaries_in_answer(world.client("bob").get(page)) == set()


@every_masked_field
def test_nobody_else_is_told_a_value_and_the_attempt_is_logged(world: World, kind: str, field: str) -> None:
    told = set()
    for person in PEOPLE:
        before = AuditEntry.objects.latest("pk").pk
        response = reveal(world.client(person), world, kind, field)
        deeds = list(AuditEntry.objects.filter(pk__gt=before).values_list("deed", flat=True))
        if response.status_code == 200:
            told.add(person)
            assert deeds == ["field_revealed"]
        else:
            assert canaries_in_answer(response) == set()
            assert deeds == (["reveal_refused"] if person in ("carol", "dora", "nobody", "charlie", "vendor") else [])
    assert told == {"alice", "bob", "finance"}


# --- what is kept ----------------------------------------------------------------------------------------------------

# Columns whose business it is to hold personal data; every other column of every table must be free of it.
PERSONAL_COLUMNS = {
    "customers_account": {"customer_name", "account_name", "email", "mobile"},
    "customers_preregistration": {"customer_name", "account_name", "email", "mobile"},
    "invitations_invitation": {"customer_name", "customer_name_key", "account_name", "email", "mobile"},
    "tenancy_user": {"email"},
    # A row of a plan until it is worked; jobs.cleaning blanks it afterwards.
    "jobs_jobitem": {"payload"},
    # The demo's mailbox; production never writes one.
    "mail_devmessage": {"recipient", "subject", "text", "html"},
}


def test_only_the_columns_of_persons_hold_persons(world: World) -> None:
    """Logs, jobs, mails in the outbox, limits, sessions and whatever comes later hold ids and masks."""
    w.make_plan(world), w.make_export(world), w.make_resend_plan(world)
    reveal(world.client("bob"), world, "invitation", "email")
    world.client("bob").post(reverse("invitations:history"), {"email": INVITED.email})
    found: dict[str, set[str]] = {}
    for table in connection.introspection.table_names():
        for column, text in _cells(table):
            if canaries_in(text):
                found.setdefault(table, set()).add(column)
    assert [(table, found[table] - PERSONAL_COLUMNS.get(table, set())) for table in found] == [
        (table, set()) for table in found
    ]
    assert found["invitations_invitation"] == PERSONAL_COLUMNS["invitations_invitation"]


def _cells(table: str) -> Iterator[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
        columns = [column.name if hasattr(column, "name") else column[0] for column in cursor.description]
        for row in cursor.fetchall():
            yield from ((column, str(value)) for column, value in zip(columns, row, strict=True))


def test_sessions_hold_no_clear_value(world: World) -> None:
    for address in ADDRESSES:
        path = url(world, address)
        for person in PEOPLE:
            browser(world, address, person).get(path)
    world.client("bob").post(reverse("invitations:history"), {"email": INVITED.email})
    sessions = [session.get_decoded() for session in Session.objects.all()]
    assert len(sessions) >= len(PEOPLE) - 1
    assert canaries_in(str(sessions)) == set()


# --- what is said to the outside -------------------------------------------------------------------------------------


@pytest.fixture
def log_lines() -> Iterator[io.StringIO]:
    """Catch what the site's own handler would print, in its own form."""
    stream = io.StringIO()
    config = deepcopy(settings.LOGGING)
    config["handlers"]["stderr"]["stream"] = stream
    root = logging.getLogger()
    before = root.handlers[:]
    logging.config.dictConfig(config)
    yield stream
    logging.config.dictConfig(settings.LOGGING)
    root.handlers[:] = before


def test_no_log_line_holds_a_clear_value(world: World, log_lines: io.StringIO) -> None:
    for address in ADDRESSES:
        path, data = url(world, address), address.data(world)
        for person in PEOPLE:
            client = browser(world, address, person)
            for method in ("GET", "POST"):
                ask(client, path, method, data)
    w.make_export(world)
    logging.getLogger("partner_center").warning("the handler listens")
    assert "the handler listens" in log_lines.getvalue()
    assert canaries_in(log_lines.getvalue()) == set()


def test_an_error_shows_its_kind_and_place_but_no_value(
    world: World, log_lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database names the value that broke a constraint, a parser the text it could not read."""

    def break_down(*_arguments: object, **_options: object) -> None:
        try:
            raise ValueError(f"cannot read {INVITED.mobile!r}")
        except ValueError as cause:
            raise RuntimeError(f"Key (email)=({INVITED.email}) already exists, {INVITED.name}") from cause

    monkeypatch.setattr("invitations.views.history.list_page", break_down)
    client = world.client("bob")
    client.raise_request_exception = False
    response = client.get(reverse("invitations:history") + f"?email={INVITED.email}")
    assert response.status_code == 500
    assert canaries_in_answer(response) == set()
    assert "RuntimeError" in log_lines.getvalue()
    assert canaries_in(log_lines.getvalue()) == set()


def test_messages_to_the_worker_hold_no_clear_value(world: World, valkey: str) -> None:
    """Ring every bell of beat on a real broker and read all that lies in it: names of tasks and nothing else."""
    from partner_center.celery import app

    app.loader.import_default_modules()
    bells = [entry["task"] for entry in app.conf.beat_schedule.values()]
    with app.connection_for_write(valkey) as broker:
        for entry in app.conf.beat_schedule.values():
            app.tasks[entry["task"]].apply_async(entry.get("args"), entry.get("kwargs"), connection=broker)
        store = broker.default_channel.client
        lying = [value for key in store.scan_iter() for value in _values(store, key)]
        store.flushall()
    for bell in bells:
        assert any(f'"task": "{bell}"'.encode() in value for value in lying)
    assert [value for value in lying if canaries_in(value)] == []


def _values(store: object, key: bytes) -> list[bytes]:
    kind = store.type(key)
    if kind == b"list":
        return [key, *store.lrange(key, 0, -1)]
    if kind == b"set":
        return [key, *store.smembers(key)]
    if kind == b"zset":
        return [key, *store.zrange(key, 0, -1)]
    if kind == b"hash":
        return [key, *store.hgetall(key).values()]
    return [key, store.get(key)]
