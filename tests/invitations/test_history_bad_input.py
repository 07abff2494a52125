"""Meddled addresses and forms of the history records (reliability.md 9, rows 37-45): a clear answer, never a fault."""

import pytest
from django.urls import reverse

from invitations.models import Invitation
from partner_center.tenancy.models import Member
from tests.invitations.rows import make_record, make_records
from tests.invitations.test_history import rows_on
from tests.people import signed_in

pytestmark = pytest.mark.django_db

# What cannot be understood falls back to the default page: 200 and all three rows.
HARMLESS = {
    "an offset": "offset=1000000000000000000000000000000&limit=-1&page=abc",
    "a size that is none": "size=0",
    "a negative size": "size=-1",
    "a huge size": "size=1000000000",
    "a size in words": "size=abc",
    "a size in other digits": "size=%D9%A2%D9%A0",
    "an order that is none": "sort=password",
    "an order through relations": "sort=owner__user__password",
    "an order by a minus": "sort=-",
    "an order at random": "sort=%3F",
    "two minus": "sort=--email",
    "an order twice": "sort=nonsense&sort=also",
    "a very long order": "sort=" + "e" * 5000,
    "a lookup": "email__startswith=a&customer_name__regex=(a%2B)%2B%24",
    "a connector": "_connector=OR&_negated=1",
    "an injected id": "after=1%20OR%201%3D1",
    "a path": "after=..%2F1",
    "a null": "after=%00",
    "a huge id": "before=" + "9" * 30,
    "a number": "after=0&before=-1",
    "braces": "after=%7B1234%7D",
    "an unknown id": "after=" + "A" * 22,
    "brackets": "status[]=expired",
    "a broken seal": "f=" + "A" * 60,
    "a seal that is no seal": "f=%00%ff",
    "a huge seal": "f=" + "A" * 9000,
    "half a surrogate": "sort=%ED%A0%80",
}
# What is a filter, and wrong, is told: 422, and no row.
FAULTY = {
    "a status that is none": "status=' OR 1=1--",
    "a null": "custom_tag=a%00b",
    "a line break": "custom_tag=a%0Ab",
    "five thousand letters": "custom_tag=" + "x" * 5000,
    "a day that is none": "invited_from=2026-02-30",
    "the first day of all": "expires_to=0001-01-01",
    "the last day of all": "invited_to=9999-12-31",
    "a reversed range": "invited_from=2026-11-20&invited_to=2026-11-01",
    "a hundred years": "expires_from=2000-01-01&expires_to=2100-01-01",
    "an inviter that is none": "owner=zzz",
    "a batch that is none": "job=1 OR 1=1",
    "a lookup as a value": "delivery=sent__isnull",
}


@pytest.fixture
def rows(alice: Member) -> list[Invitation]:
    return make_records(alice, 3)


@pytest.mark.parametrize("query", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_makes_no_sense_shows_the_plain_list(alice: Member, rows: list[Invitation], query: str) -> None:
    answer = signed_in(alice).get(f"{reverse('invitations:history')}?{query}")
    assert answer.status_code == 200
    assert rows_on(answer.content.decode()) == [row.public_id for row in reversed(rows)]


@pytest.mark.parametrize("query", FAULTY.values(), ids=FAULTY.keys())
def test_a_wrong_filter_is_told_and_shows_no_row(alice: Member, rows: list[Invitation], query: str) -> None:
    answer = signed_in(alice).get(f"{reverse('invitations:history')}?{query}")
    html = answer.content.decode()
    assert answer.status_code == 422
    assert rows_on(html) == []
    assert 'aria-invalid="true"' in html or 'role="alert"' in html
    assert len(html) < 100_000


@pytest.mark.parametrize("field", ["customer_name", "account_name", "email", "mobile"])
@pytest.mark.parametrize("text", ["x", "a\x00b", "a\r\nBcc: v@z.example", "x" * 100_000, "\u200b\u200b\u200b"])
def test_a_wrong_personal_filter_is_told_and_not_kept(
    alice: Member, rows: list[Invitation], field: str, text: str
) -> None:
    answer = signed_in(alice).post(reverse("invitations:history"), {field: text})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert rows_on(html) == []
    assert f'id="filter-{field}-error"' in html
    assert len(html) < 100_000


def test_two_thousand_parameters_are_harmless(alice: Member, rows: list[Invitation]) -> None:
    query = "&".join(f"p{number}=1" for number in range(2000))
    html = signed_in(alice).get(f"{reverse('invitations:history')}?{query}").content.decode()
    assert len(rows_on(html)) == 3
    assert "p1999" not in html[html.index('id="list"') :]


def test_of_a_repeated_parameter_the_last_counts(alice: Member, rows: list[Invitation]) -> None:
    make_record(alice, status="cancelled")
    address = f"{reverse('invitations:history')}?status=cancelled&status=invited"
    assert len(rows_on(signed_in(alice).get(address).content.decode())) == 3


def test_ids_of_another_partner_do_what_unknown_ids_do(alice: Member, charlie: Member, rows: list[Invitation]) -> None:
    foreign = make_record(charlie)
    client = signed_in(alice)

    def seen(query: str) -> tuple[int, list[str]]:
        answer = client.get(f"{reverse('invitations:history')}?{query}")
        return answer.status_code, rows_on(answer.content.decode())

    assert seen(f"after={foreign.public_id}") == seen("after=" + "A" * 22)
    assert seen(f"owner={charlie.public_id}") == seen("owner=" + "A" * 22)


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(alice: Member, method: str) -> None:
    assert getattr(signed_in(alice), method)(reverse("invitations:history")).status_code == 405
