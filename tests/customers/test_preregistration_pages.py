"""The page of preregistrations: who sees and does what, what is masked, what a refusal looks like."""

from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers import actions
from customers.actions import Prospect
from customers.models import Preregistration, PreregistrationStatus
from partner_center.tenancy.models import Member
from tests.people import actor_of, make_account, make_member, signed_in

LIST, NEW = reverse("customers:preregistrations"), reverse("customers:preregister")
WEI = {
    "customer_name": "魏小明",
    "email": "wei.xiaoming@customer.example",
    "account_name": "wei-xiaoming",
    "mobile": "+8613800001111",
}
HTMX = {"HTTP_HX_REQUEST": "true"}


def reserve(member: Member, *, days_ago: int = 0, **fields: str) -> Preregistration:
    who = Prospect(**{**WEI, **fields})
    now = timezone.now() - timedelta(days=days_ago)
    return actions.preregister(prospect=who, owner=member, actor=actor_of(member), now=now)


def withdraw_url(row: Preregistration) -> str:
    return reverse("customers:withdraw", args=[row.public_id])


def text_of(response: object) -> str:
    return unescape(response.content.decode())


# --- who --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", [LIST, NEW])
def test_strangers_are_sent_to_sign_in(db: None, address: str) -> None:
    assert Client().get(address).url.startswith(reverse("account_login"))


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("admin", True), ("operator", True), ("account_manager", True), ("account_director", True),
        ("finance", False), ("auditor", False),
    ],
)  # fmt: skip
def test_every_role_sees_the_list_and_those_who_develop_customers_reserve(bob: Member, role: str, may: bool) -> None:
    row = reserve(bob)
    client = signed_in(make_member(bob.partner, "Rita", role))
    assert client.get(LIST).status_code == 200
    assert client.get(NEW).status_code == (200 if may else 403)
    new = {**WEI, "email": "other@customer.example", "account_name": "other-name"}
    assert client.post(NEW, new).status_code == (302 if may else 403)
    assert Preregistration.objects.count() == (2 if may else 1)
    if not may:
        assert client.post(withdraw_url(row)).status_code == 403
        row.refresh_from_db()
        assert row.status == PreregistrationStatus.REGISTERED
        assert "data-select-page" not in text_of(client.get(LIST))


def test_another_partner_sees_nothing_and_can_withdraw_nothing(bob: Member, charlie: Member) -> None:
    row = reserve(bob)
    client = signed_in(charlie)
    assert row.public_id not in text_of(client.get(LIST))
    assert client.get(withdraw_url(row)).status_code == 404
    assert client.post(withdraw_url(row)).status_code == 404
    row.refresh_from_db()
    assert row.status == PreregistrationStatus.REGISTERED


def test_an_account_manager_works_with_his_own_only(bob: Member, carol: Member) -> None:
    mine, bobs = reserve(carol), reserve(bob, email="other@customer.example")
    client = signed_in(carol)
    page = text_of(client.get(LIST))
    assert mine.public_id in page
    assert bobs.public_id not in page
    assert client.post(withdraw_url(bobs)).status_code == 404


def test_the_vendors_staff_and_customers_have_no_such_list(platform_admin: object) -> None:
    assert signed_in(platform_admin).get(LIST).status_code == 403
    assert signed_in(make_account()).get(LIST).status_code == 403


# --- what is seen -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["alice", "bob", "dora"])
def test_no_page_holds_a_clear_value(bob: Member, who: str, request: pytest.FixtureRequest) -> None:
    row = reserve(bob)
    client = signed_in(request.getfixturevalue(who))
    pages = [client.get(LIST)]
    if who != "dora":
        pages += [client.get(withdraw_url(row)), client.get(withdraw_url(row), **HTMX)]
    for page in pages:
        assert page.status_code == 200
        assert not [value for value in WEI.values() if value in text_of(page)]
        assert "w***@customer.example" in text_of(page)


def test_the_eye_reveals_to_those_who_may_and_only_rows_they_see(bob: Member, dora: Member, charlie: Member) -> None:
    row = reserve(bob)
    wish = {"kind": "preregistration", "field": "email", "id": row.public_id, "purpose": "support"}
    assert signed_in(bob).post(reverse("listing:reveal"), wish).json() == {"values": {row.public_id: WEI["email"]}}
    assert signed_in(dora).post(reverse("listing:reveal"), wish).status_code == 403
    assert signed_in(charlie).post(reverse("listing:reveal"), wish).status_code == 404


def test_the_status_is_the_one_of_this_moment(bob: Member) -> None:
    live, lapsed = reserve(bob), reserve(bob, days_ago=16, email="old@customer.example")
    client = signed_in(bob)
    expired = text_of(client.get(LIST, {"status": "expired"}))
    registered = text_of(client.get(LIST, {"status": "registered"}))
    assert lapsed.public_id in expired
    assert live.public_id not in expired
    assert live.public_id in registered
    assert lapsed.public_id not in registered
    assert withdraw_url(lapsed) not in expired


def test_lists_are_searched_by_post_and_no_value_stands_in_an_address(bob: Member) -> None:
    wanted, other = reserve(bob), reserve(bob, email="other@customer.example", customer_name="Noah Kim")
    client = signed_in(bob)
    for field, value in (("email", WEI["email"]), ("customer_name", "魏小"), ("mobile", "1111")):
        answer = client.post(LIST, {field: value})
        assert answer.status_code == 303
        assert value not in unescape(answer.url)
        page = text_of(client.get(answer.url))
        assert wanted.public_id in page
        assert (other.public_id in page) == (field == "mobile")


def test_an_empty_list_says_how_to_begin(bob: Member, dora: Member) -> None:
    begin = "Nobody has been preregistered yet"
    assert begin in text_of(signed_in(bob).get(LIST))
    assert NEW in text_of(signed_in(bob).get(LIST))
    assert NEW not in text_of(signed_in(dora).get(LIST))
    reserve(bob)
    assert begin not in text_of(signed_in(bob).get(LIST, {"status": "withdrawn"}))


# --- reserve and withdraw ---------------------------------------------------------------------------------------------


def test_the_form_says_how_long_and_how_many(bob: Member) -> None:
    reserve(bob)
    page = text_of(signed_in(bob).get(NEW))
    assert "15 days" in page
    assert "You hold 1 of 20,000" in page


def test_reserving_leads_to_the_list_with_a_word_of_success(bob: Member) -> None:
    client = signed_in(bob)
    answer = client.post(NEW, {**WEI, "email": " Wei.Xiaoming@Customer.Example "}, follow=True)
    assert "reserved for you for 15 days" in text_of(answer)
    row = Preregistration.objects.get()
    assert (row.email, row.owner, row.partner) == (WEI["email"], bob, bob.partner)


def test_the_dialog_goes_to_the_list_too(bob: Member) -> None:
    client = signed_in(bob)
    assert "<html" not in text_of(client.get(NEW, **HTMX))
    answer = client.post(NEW, WEI, **HTMX)
    assert answer.headers["HX-Redirect"] == LIST
    assert Preregistration.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("customer_name", ""), ("customer_name", "http://evil.example"), ("customer_name", "x" * 65),
        ("email", ""), ("email", "no-address"), ("email", "a@b@c.example"), ("email", "a\x00b@customer.example"),
        ("account_name", "1x"), ("mobile", "call me"), ("mobile", "１２３４５６７８"),
    ],
)  # fmt: skip
def test_bad_input_is_told_beside_its_field_and_changes_nothing(bob: Member, field: str, value: str) -> None:
    answer = signed_in(bob).post(NEW, {**WEI, field: value})
    assert answer.status_code == 422
    assert answer.context["form"].errors.keys() == {field}
    assert "field-error" in text_of(answer)
    assert not Preregistration.objects.exists()


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "dialog"])
def test_a_refusal_stands_in_the_form_and_keeps_what_was_typed(
    bob: Member, charlie: Member, headers: dict[str, str]
) -> None:
    reserve(charlie)
    answer = signed_in(bob).post(NEW, WEI, **headers)
    assert answer.status_code == 409
    assert "Another partner has preregistered this customer." in text_of(answer)
    assert WEI["customer_name"] in text_of(answer)
    assert not Preregistration.objects.of(bob.partner).exists()


def test_that_the_customer_must_act_is_a_warning_without_a_fact(bob: Member) -> None:
    make_account(WEI["email"], special_contract=True)
    answer = signed_in(bob).post(NEW, WEI, follow=True)
    levels = [message.level_tag for message in answer.context["messages"]]
    assert levels == ["success", "warning"]
    assert "contract" not in text_of(answer).lower()
    assert Preregistration.objects.of(bob.partner).count() == 1


def test_withdrawing_asks_first_and_names_what_follows(bob: Member) -> None:
    row = reserve(bob)
    client = signed_in(bob)
    question = text_of(client.get(withdraw_url(row)))
    assert "any partner may preregister and invite this customer at once" in question
    row.refresh_from_db()
    assert row.status == PreregistrationStatus.REGISTERED
    assert client.post(withdraw_url(row)).url == LIST
    row.refresh_from_db()
    assert row.status == PreregistrationStatus.WITHDRAWN


def test_withdrawing_twice_is_refused_with_a_message(bob: Member) -> None:
    row = reserve(bob)
    client = signed_in(bob)
    client.post(withdraw_url(row))
    answer = client.post(withdraw_url(row), follow=True)
    assert "This preregistration has already ended." in text_of(answer)


def test_every_sentence_is_there_in_chinese(bob: Member) -> None:
    reserve(bob)
    client = signed_in(bob)
    client.cookies["django_language"] = "zh-hans"
    assert "报备" in text_of(client.get(LIST))
    assert "15" in text_of(client.get(NEW))
    assert "The customer is reserved" not in text_of(client.get(NEW))
