"""Reveal: who may, of whom, how often, why - and what stands in the log afterwards."""

import json
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from invitations.models import Invitation
from partner_center.audit.models import AuditEntry, Deed
from partner_center.limits.models import Spending
from partner_center.listing import reveal
from partner_center.listing.reveal import PER_HOUR, Purpose, TooManyReveals, Wish
from partner_center.tenancy.models import Member
from tests.invitations.rows import make_record, make_records
from tests.people import actor_of, make_member, signed_in
from tests.rivals import run_together

pytestmark = pytest.mark.django_db

MOBILE = "+8613912345678"


def ask(client, *rows, **fields):
    data = {"kind": "invitation", "field": "mobile", "purpose": Purpose.SUPPORT, **fields}
    return client.post(reverse("listing:reveal"), {**data, "id": [getattr(row, "public_id", row) for row in rows]})


def entries(*deeds: Deed) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(deed__in=deeds or (Deed.FIELD_REVEALED, Deed.REVEAL_REFUSED)).order_by("pk"))


@pytest.mark.parametrize("role", ["admin", "operator", "account_director", "finance"])
def test_holders_of_the_right_see_the_values_of_their_rows(alice: Member, role: str) -> None:
    member = make_member(alice.partner, "Eve", role)
    rows = make_records(alice, 3, mobile=MOBILE)
    answer = ask(signed_in(member), *rows)
    assert answer.status_code == 200
    assert answer.json() == {"values": {row.public_id: MOBILE for row in rows}}
    assert answer["Cache-Control"] == "no-store"
    assert answer["Content-Type"] == "application/json"


def test_one_entry_names_the_rows_the_field_and_the_purpose_but_no_value(alice: Member) -> None:
    rows = make_records(alice, 20, mobile=MOBILE, email="")
    ask(signed_in(alice), *rows, purpose=Purpose.DISPUTE)
    [entry] = entries()
    assert entry.deed == Deed.FIELD_REVEALED
    details = json.loads(entry.details)
    assert details == {
        "kind": "invitation",
        "field": "mobile",
        "purpose": "dispute",
        "ids": sorted(row.public_id for row in rows),
    }
    assert entry.actor_name == "Alice"
    assert "139" not in entry.details


def test_an_auditor_sees_nothing_and_the_attempt_is_logged(dora: Member, alice: Member) -> None:
    row = make_record(alice, mobile=MOBILE)
    answer = ask(signed_in(dora), row)
    assert answer.status_code == 403
    assert MOBILE not in answer.content.decode()
    assert answer.json()["message"]
    [entry] = entries()
    assert (entry.deed, entry.result) == (Deed.REVEAL_REFUSED, "refused")
    assert json.loads(entry.details)["code"] == "may_not_reveal"
    assert not Spending.objects.exists()


def test_signed_out_people_and_the_vendors_staff_get_nothing(client, alice: Member, platform_admin) -> None:
    row = make_record(alice, mobile=MOBILE)
    assert ask(client, row).status_code == 302
    assert entries() == []
    assert ask(signed_in(platform_admin), row).status_code == 403
    [entry] = entries()
    assert (entry.deed, entry.partner, entry.actor_id) == (Deed.REVEAL_REFUSED, None, platform_admin.public_id)


def test_rows_of_others_cannot_be_told_from_rows_that_never_were(alice: Member, charlie: Member, carol: Member) -> None:
    foreign, colleague = make_record(charlie, mobile=MOBILE), make_record(alice, mobile=MOBILE)
    answers = [
        ask(signed_in(alice), foreign),
        ask(signed_in(alice), "A" * 22),
        ask(signed_in(alice), "\x00"),
        ask(signed_in(alice), "1 OR 1=1"),
        ask(signed_in(alice), make_record(alice, mobile=MOBILE), foreign),
        # An account manager does not see what colleagues own.
        ask(signed_in(carol), colleague),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert MOBILE.encode() not in answers[0].content
    assert [entry.deed for entry in entries()] == [Deed.REVEAL_REFUSED] * 6
    assert not Spending.objects.filter(used__gt=0).exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"field": "password"},
        {"field": "nonce"},
        {"field": "owner__user__password"},
        {"field": ""},
        {"kind": "user"},
        {"kind": ""},
        {"kind": "li.lei@customer.example", "field": "+8613912345678"},
        {"purpose": "because"},
    ],
)
def test_what_is_not_registered_cannot_be_revealed(alice: Member, fields: dict[str, str]) -> None:
    answer = ask(signed_in(alice), make_record(alice, mobile=MOBILE), **fields)
    assert answer.status_code == 400
    assert "values" not in answer.json()
    [entry] = entries()
    assert "139" not in entry.details
    assert "@" not in entry.details


@pytest.mark.parametrize(("count", "status"), [(0, 400), (1, 200), (100, 200), (101, 400)])
def test_one_to_a_hundred_rows_at_once(alice: Member, count: int, status: int) -> None:
    assert ask(signed_in(alice), *make_records(alice, count, mobile=MOBILE)).status_code == status


def test_the_purpose_is_asked_once_per_session(alice: Member) -> None:
    row, client = make_record(alice, mobile=MOBILE), signed_in(alice)
    first = ask(client, row, purpose="")
    assert first.status_code == 428
    assert ["support", "Answer the customer's question"] in first.json()["purposes"]
    assert entries() == []
    assert ask(client, row, purpose=Purpose.CONTRACT).status_code == 200
    again = ask(client, row, purpose="")
    assert again.status_code == 200
    assert [json.loads(entry.details)["purpose"] for entry in entries()] == ["contract", "contract"]
    assert ask(signed_in(alice), row, purpose="").status_code == 428


def test_a_get_is_refused_and_reveals_nothing(alice: Member) -> None:
    row = make_record(alice, mobile=MOBILE)
    answer = signed_in(alice).get(
        reverse("listing:reveal"), {"kind": "invitation", "field": "mobile", "id": row.public_id}
    )
    assert answer.status_code == 405
    assert entries() == []


def test_a_post_without_the_token_of_the_page_is_refused(alice: Member) -> None:
    client = signed_in(alice)
    client.handler.enforce_csrf_checks = True
    assert ask(client, make_record(alice, mobile=MOBILE)).status_code == 403
    assert entries() == []


def test_the_sixty_first_reveal_in_an_hour_is_refused_and_told_when(alice: Member) -> None:
    row, client, now = make_record(alice, mobile=MOBILE), signed_in(alice), timezone.now()
    Spending.objects.create(
        key=f"reveal:hour:{alice.public_id}", used=PER_HOUR - 1, ends_at=now + timedelta(minutes=30)
    )
    assert ask(client, row).status_code == 200
    refused = ask(client, row)
    assert refused.status_code == 429
    assert 1700 < int(refused["Retry-After"]) <= 1800
    assert "values" not in refused.json()
    assert [entry.deed for entry in entries()] == [Deed.FIELD_REVEALED, Deed.REVEAL_REFUSED]


def test_the_day_has_its_own_limit_and_a_refusal_costs_nothing(alice: Member) -> None:
    row, now = make_record(alice, mobile=MOBILE), timezone.now()
    Spending.objects.create(key=f"reveal:day:{alice.public_id}", used=300, ends_at=now + timedelta(hours=3))
    assert ask(signed_in(alice), row).status_code == 429
    assert not Spending.objects.filter(key=f"reveal:hour:{alice.public_id}", used__gt=0).exists()


@pytest.mark.django_db(transaction=True)
def test_of_fifty_at_the_last_reveal_exactly_one_passes(alice: Member) -> None:
    row, now = make_record(alice, mobile=MOBILE), timezone.now()
    Spending.objects.create(key=f"reveal:hour:{alice.public_id}", used=PER_HOUR - 1, ends_at=now + timedelta(hours=1))
    wish = Wish(kind="invitation", field="mobile", ids=frozenset({row.public_id}), purpose=Purpose.SUPPORT)

    def rival(_number: int) -> object:
        return reveal.reveal(wish, viewer=alice, actor=actor_of(alice), now=now)

    outcomes = run_together(50, rival)
    passed = [outcome for outcome in outcomes if isinstance(outcome, dict)]
    assert passed == [{row.public_id: MOBILE}]
    assert sum(isinstance(outcome, TooManyReveals) for outcome in outcomes) == 49
    assert len(entries(Deed.FIELD_REVEALED)) == 1
    assert len(entries(Deed.REVEAL_REFUSED)) == 49


def test_what_was_revealed_was_not_changed(alice: Member) -> None:
    row = make_record(alice, mobile=MOBILE)
    before = Invitation.objects.values().get(pk=row.pk)
    ask(signed_in(alice), row)
    assert Invitation.objects.values().get(pk=row.pk) == before
