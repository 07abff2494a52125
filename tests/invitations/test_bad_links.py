"""
Links and ids that nobody made, and requests from elsewhere (reliability.md 9 D 37-38 and E).

One page that helps, the same for all of them; no row of any table differs.
"""

import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.models import Association
from invitations import queries
from invitations.actions import linking, sending, sweeping
from invitations.models import Invitation
from invitations.rules import MAIL_LINK, LinkKind, Status
from partner_center.environment import environment
from partner_center.jobs import files, worker
from partner_center.jobs.models import Job
from partner_center.tenancy.models import Member, Partner
from tests.bad_input import picture
from tests.invitations.making import invite, plan, resend, row
from tests.people import PASSWORD, actor_of, make_account, signed_in

pytestmark = pytest.mark.django_db
EMAIL = "wei@customer.example"
ANSWERS = ("accept", "decline", "opened", "start", "new_link")
# What differs between two answers to the same question.
FRESH = re.compile(r'(csrfmiddlewaretoken" value="|nonce="|"X-CSRFToken": "|csrf-token" content=")[^"]*')


@pytest.fixture
def invitation(bob: Member) -> Invitation:
    return invite(bob, EMAIL, now=timezone.now())


def token_of(invitation: Invitation) -> str:
    return queries.token_of(invitation, kind=MAIL_LINK)


def body(answer: HttpResponse) -> str:
    return FRESH.sub(r"\1", answer.content.decode())


def arrived(token: str) -> Client:
    client = Client()
    client.get(f"/i/{token}")
    return client


def flip(token: str, at: int) -> str:
    return token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]


FORGERIES = {
    "nothing of ours": lambda token: "hello",
    "first letter": lambda token: flip(token, 0),
    "another row": lambda token: flip(token, 3),
    "another proof": lambda token: flip(token, len(token) - 2),
    "cut": lambda token: token[:-1],
    "doubled": lambda token: token * 2,
    "upper case": lambda token: token.upper(),
    "padded": lambda token: token + "=",
    "another generation": lambda token: token.replace("1.", "2."),
    "generation zero": lambda token: token.replace("1.", "0."),
    "generation of a thousand digits": lambda token: token.replace("1.", "1" * 1000 + "."),
    "other digits": lambda token: token.replace("1.", "\u0661."),
    "ten thousand letters": lambda token: "m" + "A" * 10_000,
    "nul": lambda token: token + "%00",
    "line break": lambda token: token + "%0d%0aSet-Cookie:x=1",
    "quoted": lambda token: token + "%27%20OR%201=1--",
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_forged_link_leads_to_the_page_that_helps(invitation: Invitation, forge) -> None:
    client, before = Client(), picture()
    opened = client.get(f"/i/{forge(token_of(invitation))}")
    assert opened.status_code in {303, 404}
    assert opened.get("Location", "/invitation/") == "/invitation/"
    page = client.get(reverse("invitations:landing"))
    assert page.status_code == 404
    assert body(page) == body(Client().get(reverse("invitations:landing")))
    for name in ANSWERS:
        assert client.post(reverse(f"invitations:{name}"), {"understood": "on"}).status_code < 400
    assert picture() == before


def end_by(way: str, invitation: Invitation, bob: Member) -> None:
    now = timezone.now()
    if way == "expired":
        Invitation.objects.filter(pk=invitation.pk).update(expires_at=now - timedelta(seconds=1))
    elif way == "swept":
        sweeping.expire_due(now=now + timedelta(days=environment.invitation_days + 1))
    elif way == "superseded":
        later = now + timedelta(days=environment.invitation_days, seconds=1)
        resend(bob, [invitation], now=later)
    elif way == "cancelled":
        sending.cancel(invitation=invitation, actor=actor_of(bob), now=now)
    elif way == "used":
        Invitation.objects.filter(pk=invitation.pk).update(status=Status.DECLINED, ended_at=now)
    elif way == "partner disabled":
        Partner.objects.filter(pk=bob.partner_id).update(disabled_at=now)


@pytest.mark.parametrize("way", ["expired", "swept", "superseded", "cancelled", "used", "partner disabled"])
def test_link_that_has_ended_looks_like_one_that_never_was(invitation: Invitation, bob: Member, way: str) -> None:
    token = token_of(invitation)
    end_by(way, invitation, bob)
    client = arrived(token)
    before = picture()
    page = client.get(reverse("invitations:landing"))
    assert page.status_code == 404
    assert body(page) == body(arrived("hello").get(reverse("invitations:landing")))
    account = make_account()
    client.force_login(account.user)
    before = picture()
    client.post(reverse("invitations:accept"), {"understood": "on"})
    assert not Association.objects.exists()
    assert picture() == before


def test_opening_a_link_a_hundred_times_changes_nothing(invitation: Invitation) -> None:
    token, before = token_of(invitation), picture()
    for number in range(100):
        scanner = Client(headers={"purpose": "prefetch"} if number % 3 else {})
        opened = (scanner.head if number % 2 else scanner.get)(f"/i/{token}")
        assert opened.status_code == 303
        assert token not in opened["Location"]
        scanner.get(reverse("invitations:landing"))
    assert picture() == before


@pytest.mark.parametrize("name", [*ANSWERS, "landing"])
def test_token_counts_in_no_other_place(invitation: Invitation, name: str) -> None:
    """In a query, a body or a header the token is a text like any other."""
    token, before = token_of(invitation), picture()
    client = Client(headers={"X-Invitation": token, "Referer": f"http://localhost/i/{token}"})
    address = f"{reverse(f'invitations:{name}')}?token={token}&invitation=l.{token}"
    answer = client.get(address) if name == "landing" else client.post(address, {"token": token, "understood": "on"})
    assert answer.status_code in {204, 302, 404} or name == "new_link"
    assert answer.get("Location", "/") in {"/", "/invitation/", "/account/login/?next=/invitation/"}
    assert picture() == before


@pytest.mark.parametrize("cookie", ["", "l", "l.", ".", "x.y.z", "l." + "A" * 4000, 'l."\\', "q.\u00e9"])
def test_meddled_cookie_is_no_link(invitation: Invitation, cookie: str) -> None:
    client, before = Client(), picture()
    client.cookies["invitation"] = cookie
    assert client.get(reverse("invitations:landing")).status_code == 404
    assert client.post(reverse("invitations:accept"), {"understood": "on"}).status_code == 302
    assert picture() == before


def test_other_hosts_are_refused_and_links_keep_theirs(bob: Member, invitation: Invitation) -> None:
    client = signed_in(bob)
    address = reverse("invitations:address", args=[invitation.public_id])
    assert client.post(address, headers={"host": "evil.test"}).status_code == 400
    handed = client.post(address, headers={"X-Forwarded-Host": "evil.test"}).content.decode()
    assert settings.SITE_URL in handed
    assert "evil.test" not in handed


@pytest.mark.parametrize(
    "goal",
    ["//evil.test", "/\\evil.test", "/%5cevil.test", "https:evil.test", "\x08//evil.test", "javascript:alert(1)"],
)
def test_signing_in_leads_nowhere_else(bob: Member, goal: str) -> None:
    answer = Client().post(reverse("account_login"), {"login": bob.user.email, "password": PASSWORD, "next": goal})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/")
    assert not answer["Location"].startswith(("//", "/\\", "/\t"))


def test_answers_from_elsewhere_are_refused(invitation: Invitation) -> None:
    account = make_account(EMAIL)
    client = Client(enforce_csrf_checks=True)
    client.force_login(account.user)
    client.get(f"/i/{token_of(invitation)}")
    before = picture()
    for name in ANSWERS:
        answer = client.post(
            reverse(f"invitations:{name}"), {"understood": "on"}, headers={"origin": "https://evil.test"}
        )
        assert answer.status_code == 403
    assert client.get(reverse("invitations:landing"))["X-Frame-Options"] == "DENY"
    assert picture() == before


# --- ids -------------------------------------------------------------------------------------------------------------

BAD_IDS = ["0", "-1", "1 OR 1=1", "..", "a\x00b", "1" * 30, "{1234-5678}", "A" * 22, "\u0661", "a" * 5000, "\ufffd"]
WITH_INVITATION = ("detail", "address", "cancel")
WITH_LINK = ("link", "link_address", "link_rotate", "link_revoke")
WITH_JOB = ("detail", "progress", "apply", "cancel", "retry", "discard", "download", "faulty_rows")
ADDRESSES = [
    *(f"invitations:{name}" for name in (*WITH_INVITATION, *WITH_LINK)),
    *(f"jobs:{name}" for name in WITH_JOB),
]


def asked(client: Client, name: str, public_id: str) -> list[HttpResponse]:
    """Ask for an id in every way; an id that no address can hold is put into one that can."""
    whole = reverse(name, args=["A" * 22])
    address = whole.replace("A" * 22, quote(public_id, safe=""))
    return [client.get(address), client.post(address, {"digest": "x"})]


@pytest.mark.parametrize("public_id", BAD_IDS, ids=lambda text: ascii(text)[:20])
def test_ids_that_are_none_are_not_found(bob: Member, public_id: str) -> None:
    client, before = signed_in(bob), picture()
    for name in ADDRESSES:
        codes = {answer.status_code for answer in asked(client, name, public_id)}
        assert codes <= {404, 405}, name
        assert 404 in codes, name
    assert picture() == before


def test_rows_of_others_are_answered_like_rows_that_never_were(bob: Member, charlie: Member) -> None:
    now = timezone.now()
    theirs = invite(charlie, EMAIL, now=now)
    link = linking.create_link(
        kind=LinkKind.CUSTOM, model="reseller", custom_tag="fair", expires_at=None, max_uses=None,
        member=charlie, actor=actor_of(charlie), now=now,
    )  # fmt: skip
    job = plan(charlie, [row(1)], now=now)
    client, before = signed_in(bob), picture()
    for name in ADDRESSES:
        room, _, rest = name.partition(":")
        mine = job if room == "jobs" else link if rest.startswith("link") else theirs
        for known, unknown in zip(asked(client, name, mine.public_id), asked(client, name, "A" * 22), strict=True):
            assert (known.status_code, body(known)) == (unknown.status_code, body(unknown)), name
    assert picture() == before


@pytest.mark.parametrize("public_id", BAD_IDS, ids=lambda text: ascii(text)[:20])
def test_bad_ids_in_a_batch_choose_nothing(bob: Member, charlie: Member, public_id: str) -> None:
    theirs = invite(charlie, EMAIL, now=timezone.now())
    client, before = signed_in(bob), picture()
    form = {"id": [public_id, theirs.public_id]}
    refused = client.post(reverse("invitations:resend_plan"), form)
    assert refused.status_code == 400
    chosen = client.post(reverse("invitations:invite_chosen"), {**form, "model": "reseller", "language": "en"})
    assert chosen.status_code < 500
    assert picture() == before


@pytest.mark.parametrize("named", ["0", "-1", "1e3", "abc", "\u0661", "9" * 5000, "1.0", " 1", "1\x00"])
@pytest.mark.parametrize("query", ["", "status=nonsense", "f=%00", "status=expired&" * 1000, "\x00", "email__regex=x"])
def test_all_matching_of_another_number_or_filter_plans_nothing(bob: Member, named: str, query: str) -> None:
    client, before = signed_in(bob), picture()
    answer = client.post(reverse("invitations:resend_plan"), {"all_matching": named, "filter": query})
    assert answer.status_code in {400, 409}
    assert picture() == before


def test_tokens_and_forms_of_a_plan_are_bound_to_it(bob: Member) -> None:
    job = plan(bob, [row(1)], now=timezone.now())
    client, before = signed_in(bob), picture()
    for digest in ("", "0" * 64, job.digest.upper(), job.digest + "0", "\x00", "a" * 100_000):
        assert client.post(reverse("jobs:apply", args=[job.public_id]), {"digest": digest}).status_code == 302
    assert picture() == before
    assert Job.objects.get().state == "planned"


@pytest.mark.parametrize(
    "query", ["\x00", "custom_tag=\x00", "a" * 100_000, "status=nonsense", "f=%00", "sort=password"]
)
def test_export_of_a_meddled_filter_gives_everything_or_nothing(bob: Member, charlie: Member, query: str) -> None:
    now = timezone.now()
    mine, theirs = invite(bob, EMAIL, now=now), invite(charlie, "li@customer.example", now=now)
    form = {"format": "csv", "scope": "filter", "filter": query}
    assert signed_in(bob).post(reverse("invitations:export"), form).status_code == 302
    worker.work_due(now=now, budget=60)
    job = Job.objects.get(kind="history_export")
    assert job.state == "done"
    assert len(job.parameters["filter"]) < 1_000
    written = files.path_of(job.file_path).read_text()
    assert job.done == written.count(mine.public_id) <= 1
    assert theirs.public_id not in written


@pytest.mark.parametrize("file_format", ["exe", "", "CSV", "csv\x00", "../csv"])
def test_export_in_a_format_that_is_none_is_refused(bob: Member, file_format: str) -> None:
    client, before = signed_in(bob), picture()
    assert client.post(reverse("invitations:export"), {"format": file_format}).status_code in {400, 403}
    assert picture() == before
