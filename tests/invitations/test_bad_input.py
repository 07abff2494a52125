"""
What people and machines type where customers are invited (reliability.md 9 A and B).

Refused: a message beside its field, 422, and no row of any table differs. Kept: stored in its one form.
"""

import csv
import io

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from invitations import queries
from invitations.models import Invitation, InvitationLink, Registration
from invitations.rules import MAIL_LINK, REGISTER_LINK, RowReason
from partner_center.jobs import worker
from partner_center.jobs.models import Job
from partner_center.tenancy.models import Member
from tests.bad_input import (
    ACCOUNT_NAMES_REFUSED,
    EMAILS_KEPT,
    EMAILS_REFUSED,
    LONGEST,
    MOBILES_KEPT,
    MOBILES_REFUSED,
    NAMES_KEPT,
    NAMES_REFUSED,
    TAGS_KEPT,
    TAGS_REFUSED,
    picture,
)
from tests.invitations.making import invite
from tests.people import make_account, signed_in

pytestmark = pytest.mark.django_db
ONE = {"customer_name": "Wei", "email": "wei@customer.example", "model": "reseller", "language": "en"}
LINK = {"kind": "custom", "custom_tag": "fair", "model": "reseller"}
PERSON = {"customer_name": "Wei", "email": "wei@customer.example", "password": "several words are easy"}


def named(payload: object) -> str:
    return ascii(payload)[:40]


def pairs(field: str, payloads: list[str]) -> list[tuple[str, str]]:
    return [(field, payload) for payload in payloads]


TYPED = [
    *pairs("customer_name", NAMES_REFUSED),
    *pairs("email", EMAILS_REFUSED),
    *pairs("mobile", MOBILES_REFUSED),
    *pairs("account_name", ACCOUNT_NAMES_REFUSED),
]


def assert_refused(answer, form: str, field: str) -> None:
    """The fault stands beside its field, on the page as in the form, and quotes nothing that was typed."""
    assert answer.status_code == 422
    faults = answer.context[form].errors
    assert list(faults) == [field]
    page = answer.content.decode()
    assert escape(faults[field][0]) in page
    assert 'aria-invalid="true"' in page


@pytest.mark.parametrize(("field", "payload"), [*TYPED, *pairs("custom_tag", TAGS_REFUSED)], ids=named)
def test_bad_customer_is_refused_beside_the_field(bob: Member, field: str, payload: str) -> None:
    client, before = signed_in(bob), picture()
    answer = client.post(reverse("invitations:invite_one"), {**ONE, field: payload})
    assert_refused(answer, "one", field)
    assert picture() == before


@pytest.mark.parametrize(("field", "payload"), TYPED, ids=named)
def test_bad_registration_is_refused_beside_the_field(bob: Member, field: str, payload: str) -> None:
    client = at_the_door_of_a_link(bob) if field == "email" else with_a_proven_address(bob)
    before = picture()
    answer = client.post(reverse("invitations:register"), {**PERSON, field: payload})
    assert_refused(answer, "form", field)
    assert PERSON["password"] not in answer.content.decode()
    assert picture() == before


def at_the_door_of_a_link(member: Member) -> Client:
    signed_in(member).post(reverse("invitations:link_create"), LINK)
    client = Client()
    client.get(reverse("invitations:open", args=[queries.token_of(InvitationLink.objects.get(), kind="k")]))
    return client


def with_a_proven_address(member: Member) -> Client:
    """Ask for the mail and open its link: the form with everything else comes only then."""
    client = at_the_door_of_a_link(member)
    client.post(reverse("invitations:register"), {"email": PERSON["email"]})
    client.get(reverse("invitations:open", args=[queries.token_of(Registration.objects.get(), kind=REGISTER_LINK)]))
    return client


@pytest.mark.parametrize("password", ["", "qwzxv", "x" * 129, "password1234", "nul\x00 in the middle"])
def test_bad_password_is_refused_and_never_shown_again(bob: Member, password: str) -> None:
    client = with_a_proven_address(bob)
    before = picture()
    answer = client.post(reverse("invitations:register"), {**PERSON, "password": password})
    assert_refused(answer, "form", "password")
    assert not password or password not in answer.content.decode()
    assert picture() == before


@pytest.mark.parametrize(
    ("field", "payload"),
    [
        *pairs("custom_tag", [*TAGS_REFUSED, "", "   ", "\u200b"]),
        *pairs("kind", ["", "secret", "universal,custom"]),
        *pairs("model", ["", "agent", "RESELLER"]),
        *pairs("max_uses", ["0", "-1", "1e3", "1.5", "ten", "100001", "9" * 5000, "\x00", "٣ten"]),
        *pairs("expires_on", ["2020-01-01", "2999-01-01", "0001-01-01", "9999-12-31", "2026-02-30", "soon", "\x00"]),
    ],
    ids=named,
)
def test_bad_link_is_refused_beside_the_field(bob: Member, field: str, payload: str) -> None:
    client, before = signed_in(bob), picture()
    answer = client.post(reverse("invitations:link_create"), {**LINK, field: payload})
    assert_refused(answer, "form", field)
    assert picture() == before


@pytest.mark.parametrize("payload", ["a\x00b", "a" * 201, "a" * 1_000_000], ids=named)
def test_bad_reason_to_decline_is_refused_beside_the_field(bob: Member, payload: str) -> None:
    client = customer_at_the_door(bob)
    before = picture()
    answer = client.post(reverse("invitations:decline"), {"reason": payload})
    assert_refused(answer, "decline_form", "reason")
    assert picture() == before


def customer_at_the_door(member: Member) -> Client:
    invitation = invite(member, "wei@customer.example", now=timezone.now())
    client = signed_in(make_account("wei@customer.example"))
    client.get(reverse("invitations:open", args=[queries.token_of(invitation, kind=MAIL_LINK)]))
    return client


@pytest.mark.parametrize("form", [{}, {"understood": ""}, {"understood": "False"}, {"agreed": "on"}])
def test_accept_needs_the_tick(bob: Member, form: dict[str, str]) -> None:
    client = customer_at_the_door(bob)
    before = picture()
    answer = client.post(reverse("invitations:accept"), form)
    assert_refused(answer, "accept_form", "understood")
    assert picture() == before


# --- what is kept ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "payload", "stored"),
    [
        *(("customer_name", *pair) for pair in NAMES_KEPT.items()),
        *(("email", *pair) for pair in EMAILS_KEPT.items()),
        *(("mobile", *pair) for pair in MOBILES_KEPT.items()),
        *(("custom_tag", *pair) for pair in TAGS_KEPT.items()),
        *(("account_name", *pair) for pair in {" Wei_Ming ": "wei_ming", "": "", "constructor": "constructor"}.items()),
    ],
    ids=named,
)
def test_odd_but_good_customer_is_stored_in_its_one_form(bob: Member, field: str, payload: str, stored: str) -> None:
    answer = signed_in(bob).post(reverse("invitations:invite_one"), {**ONE, field: payload})
    assert answer.status_code == 302, answer.context["one"].errors
    item = Job.objects.get().items.get()
    assert item.verdict == "send"
    assert item.payload[field] == stored


def test_two_forms_of_one_address_are_one_customer(bob: Member) -> None:
    twins = ["A@B.Test", "a@b.test", "a@b.test.", " a@B.test"]
    names = ["Jose\u0301", "José", "Jose", "JOSE"]
    text = pasted([[name, email] for name, email in zip(names, twins, strict=True)])
    paste(signed_in(bob), text)
    verdicts = list(Job.objects.get().items.order_by("position").values_list("verdict", flat=True))
    assert verdicts == ["send", "duplicate", "duplicate", "duplicate"]


# --- lists -----------------------------------------------------------------------------------------------------------


def pasted(rows: list[list[str]]) -> str:
    written = io.StringIO()
    csv.writer(written).writerows(rows)
    return written.getvalue()


def paste(client: Client, text: str):
    form = {"list-pasted": text, "list-model": "reseller", "list-language": "en"}
    return client.post(reverse("invitations:invite_list"), form)


REASONS = {
    "customer_name": RowReason.BAD_NAME,
    "email": RowReason.BAD_ADDRESS,
    "mobile": RowReason.BAD_MOBILE,
    "account_name": RowReason.BAD_ACCOUNT_NAME,
    "custom_tag": RowReason.BAD_TAG,
}
COLUMNS = ["customer_name", "email", "account_name", "mobile", "custom_tag"]
# A NUL ends the whole list, and so do a million characters, both below; what cannot be seen is taken out of cells.
IN_ROWS = [
    (field, payload)
    for field, payload in [*TYPED, *pairs("custom_tag", TAGS_REFUSED)]
    if "\x00" not in payload and len(payload) < 1000 and payload not in {"a\u200b@b.test", "a\u202e@b.test"}
]


@pytest.mark.parametrize(("field", "payload"), IN_ROWS, ids=named)
def test_bad_row_of_a_list_is_told_and_the_others_are_planned(bob: Member, field: str, payload: str) -> None:
    good = {"customer_name": "Wei", "email": "wei@customer.example"}
    rows = [{**good, field: payload}, {**good, "email": "li@customer.example"}]
    header = ["Customer name", "E-mail", "Account name", "Mobile number", "Custom tag"]
    lines = [header, *([row.get(name, "") for name in COLUMNS] for row in rows)]
    assert paste(signed_in(bob), pasted(lines)).status_code == 302
    bad, fine = Job.objects.get().items.order_by("position")
    assert (bad.verdict, fine.verdict) == ("refused", "send")
    assert bad.reason in {REASONS[field], RowReason.BAD_ROW}
    assert not payload.strip() or payload not in bad.label


@pytest.mark.parametrize(
    "text",
    ["", "   \n \n", "\x00", "Wei,wei@customer.example\x00", "a" * 1_500_001, '"open', "\n" * 100_000, ",\n,\n,"],
    ids=named,
)
def test_list_that_makes_no_sense_changes_nothing_or_goes_nowhere(bob: Member, text: str) -> None:
    client, before = signed_in(bob), picture()
    answer = paste(client, text)
    if answer.status_code == 302:
        assert not Job.objects.get().waiting
        assert not Invitation.objects.exists()
    else:
        assert answer.status_code in {413, 422}
        assert picture() == before


def test_list_of_one_row_too_many_is_refused_whole(bob: Member) -> None:
    lines = "".join(f"Wei,wei{number}@customer.example\n" for number in range(10_001))
    client, before = signed_in(bob), picture()
    answer = paste(client, lines)
    assert answer.status_code == 413
    assert "10000" in str(answer.context["refusal"])
    assert picture() == before


def test_broken_bytes_are_no_name(bob: Member) -> None:
    """Half of a surrogate pair, and bytes that are no UTF-8: browsers never send them, programs do."""
    client, before = signed_in(bob), picture()
    for broken in ("%ED%A0%80", "%FF%FE", "%C3%28"):
        body = f"customer_name=a{broken}b&email=wei%40customer.example&model=reseller&language=en"
        address = reverse("invitations:invite_one")
        answer = client.post(address, body, content_type="application/x-www-form-urlencoded")
        assert_refused(answer, "one", "customer_name")
    assert picture() == before


def test_body_that_is_too_large_is_refused_with_a_page(bob: Member) -> None:
    client = signed_in(bob)
    client.get(reverse("invitations:invite"))
    client.handler.enforce_csrf_checks = True
    before = picture()
    answer = client.post(
        reverse("invitations:invite_one"),
        {**ONE, "customer_name": "a" * 7_000_000},
        headers={"X-CSRFToken": client.cookies["csrftoken"].value},
    )
    assert answer.status_code == 400
    assert "<main" in answer.content.decode()
    assert picture() == before


def test_faults_are_told_in_chinese_too(bob: Member) -> None:
    client = signed_in(bob)
    bad = {**ONE, "customer_name": "evil.test", "email": "nobody", "mobile": "12", "account_name": "x"}
    address = reverse("invitations:invite_one")
    answer = client.post(address, bad, headers={"accept-language": "zh-hans"})
    assert set(answer.context["one"].errors) == {"customer_name", "email", "mobile", "account_name"}
    for faults in answer.context["one"].errors.values():
        assert any("\u4e00" <= character <= "\u9fff" for character in faults[0]), faults


def test_unknown_model_or_language_is_refused(bob: Member) -> None:
    client, before = signed_in(bob), picture()
    for field, payload in [("model", "agent"), ("model", ""), ("language", "tlh"), ("language", "en\x00")]:
        assert_refused(client.post(reverse("invitations:invite_one"), {**ONE, field: payload}), "one", field)
    assert picture() == before


def test_fields_nobody_asked_for_change_nothing(bob: Member, charlie: Member) -> None:
    extra = {"partner": charlie.partner.pk, "owner": charlie.pk, "status": "associated", "generation": "9", "id": "1"}
    assert signed_in(bob).post(reverse("invitations:invite_one"), {**ONE, **extra}).status_code == 302
    job = Job.objects.get()
    assert (job.partner, job.member) == (bob.partner, bob)
    assert job.items.get().payload["generation"] == 0


def test_longest_of_everything_fits(bob: Member) -> None:
    longest = {
        "customer_name": "İ" * LONGEST,
        "email": "a" * 64 + "@" + ".".join(["b" * 61] * 3) + ".de",
        "account_name": "a" * 32,
        "mobile": "+86 139 1234 5678",
        "custom_tag": "İ" * LONGEST,
    }
    client = signed_in(bob)
    client.post(reverse("invitations:invite_one"), {**ONE, **longest})
    job = Job.objects.get()
    client.post(reverse("jobs:apply", args=[job.public_id]), {"digest": job.digest})
    worker.work_due(now=timezone.now(), budget=60)
    row = Invitation.objects.get()
    assert (row.customer_name, row.email, row.custom_tag) == tuple(
        longest[name] for name in ("customer_name", "email", "custom_tag")
    )
    assert client.get(reverse("invitations:history")).status_code == 200
