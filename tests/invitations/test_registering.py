"""A newcomer's way to an account: one mail proves the address, and before that no page tells whether it has one."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from customers.models import Account
from customers.rules import Model
from invitations import emails, queries
from invitations.actions import linking, registering
from invitations.actions.answering import Arrival, LinkUnusable
from invitations.actions.registering import Newcomer
from invitations.models import Registration
from invitations.rules import HANDED_LINK, MAIL_LINK, OFFLINE_LINK, REGISTER_LINK, LinkKind
from partner_center.limits.actions import TooMany
from partner_center.limits.models import Spending
from partner_center.mail.kinds import OutboxKey
from partner_center.mail.models import DevMessage, MailOutbox
from partner_center.mail.moments import told
from partner_center.mail.sending import send_due
from partner_center.tenancy.models import Partner, User
from tests.invitations.making import invite
from tests.people import actor_of, make_account, signed_in
from tests.rivals import run_together

pytestmark = pytest.mark.django_db
EMAIL = "wei@customer.example"
FORM = {"customer_name": "Wei", "password": "four words are enough"}
REGISTER, MAILED, LANDING = (reverse(f"invitations:{name}") for name in ("register", "mailed", "landing"))


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def link(bob, now):
    return linking.create_link(
        kind=LinkKind.CUSTOM,
        model=Model.RESELLER,
        custom_tag="fair",
        expires_at=None,
        max_uses=None,
        member=bob,
        actor=actor_of(bob),
        now=now,
    )


def arrive(client, row, kind=OFFLINE_LINK):
    client.get(reverse("invitations:open", args=[queries.token_of(row, kind=kind)]))
    return client


def ask(client, email=EMAIL):
    return client.post(REGISTER, {"email": email})


def follow_mail(client, email=EMAIL):
    """Send what is due and open the link of the newest mail to an address."""
    send_due(clock=timezone.now)
    text = DevMessage.objects.filter(recipient=email).latest("pk").text
    path = re.search(r"/i/[\w.-]+", text)[0]
    return client.get(path, follow=True)


def arrival_of(registration):
    return Arrival(
        link=registration.link,
        generation=registration.link_generation,
        registration=registration if registration.is_usable(now=timezone.now()) else None,
    )


def newcomer(number=0):
    return Newcomer(f"Wei {number}", f"newcomer-{number}", "", FORM["password"], "en")


# --- who has an account is nobody's business -------------------------------------------------------------------------


@pytest.fixture
def addresses(bob):
    """One address of each sort: unknown, a customer's, known to the directory only, a member's."""
    make_account("known@customer.example")
    make_account("listed@customer.example", with_sign_in=False)
    return ["new@customer.example", "known@customer.example", "listed@customer.example", bob.user.email]


def test_every_address_gets_the_same_answer_and_a_mail(client, link, addresses):
    answers = set()
    for email in addresses:
        answer = ask(arrive(client, link), email)
        page = client.get(answer["Location"])
        answers.add((answer.status_code, answer["Location"], page.status_code, page.content))
        assert email not in page.content.decode()
    assert len({each[:3] for each in answers}) == 1
    send_due(clock=timezone.now)
    mails = [DevMessage.objects.get(recipient=email) for email in addresses]
    assert len({(mail.subject, re.sub(r"/i/\S+", "", mail.text)) for mail in mails}) == 1
    assert User.objects.count() == 2


def test_every_address_costs_the_same_statements(client, link, addresses):
    """The time of an answer tells nothing, because the work is the same: nothing is looked up about an address."""
    ask(arrive(client, link), "warm@customer.example")
    seen = set()
    for email in addresses:
        with CaptureQueriesContext(connection) as captured:
            ask(client, email)
        seen.add(tuple(re.sub(r"'[^']*'|\"s\d+_x\d+\"|\b\d+\b", "?", each["sql"]) for each in captured))
    assert len(seen) == 1


def test_asking_too_often_for_one_address_mails_no_more_and_says_the_same(client, link):
    for _press in range(registering.MAILS_AN_HOUR + 2):
        answer = ask(arrive(client, link))
        assert (answer.status_code, answer["Location"]) == (302, MAILED)
    assert MailOutbox.objects.filter(kind="registration").count() == registering.MAILS_AN_HOUR
    ask(client, "other@customer.example")
    assert MailOutbox.objects.filter(kind="registration").count() == registering.MAILS_AN_HOUR + 1


def test_asking_too_often_from_one_place_is_refused_whatever_the_address(client, link, monkeypatch):
    monkeypatch.setattr("invitations.views.door.ASKS_AN_HOUR", 2)
    arrive(client, link)
    for number in range(2):
        assert ask(client, f"new{number}@customer.example").status_code == 302
    answer = ask(client, "new2@customer.example")
    assert answer.status_code == TooMany.status
    assert int(answer["Retry-After"]) > 0
    assert Registration.objects.count() == 2


def test_the_key_of_the_limit_and_the_outbox_hold_no_address(client, link):
    ask(arrive(client, link))
    assert not Spending.objects.filter(key__contains="wei").exists()
    row = MailOutbox.objects.get(kind="registration")
    assert (row.partner, row.object_id) == (None, Registration.objects.get().public_id)


@pytest.mark.parametrize("email", ["", "no address", "a@b", "x" * 300 + "@customer.example"])
def test_what_is_no_address_is_refused_beside_the_field(client, link, email):
    answer = ask(arrive(client, link), email)
    assert (answer.status_code, "email" in answer.context["form"].errors) == (422, True)
    assert not Registration.objects.exists()


# --- the link of the mail --------------------------------------------------------------------------------------------


def test_newcomer_registers_by_the_link_of_the_mail_and_accepts(client, link):
    ask(arrive(client, link))
    page = follow_mail(client)
    assert (page.status_code, page.redirect_chain[-1][0]) == (200, REGISTER)
    assert EMAIL not in page.content.decode()
    answer = client.post(REGISTER, FORM)
    assert (answer.status_code, answer["Location"]) == (302, LANDING)
    account = Account.objects.get(email=EMAIL)
    client.post(reverse("invitations:accept"), {"understood": "on"})
    assert account.invitations.get().link == link


def test_address_in_the_form_is_not_believed(client, link):
    ask(arrive(client, link))
    follow_mail(client)
    client.post(REGISTER, {**FORM, "email": "somebody.else@customer.example"})
    assert Account.objects.get().email == EMAIL


def test_who_has_an_account_is_led_to_sign_in_and_nothing_is_opened(client, link):
    make_account(EMAIL)
    ask(arrive(client, link))
    page = follow_mail(client)
    assert "You have an account already" in page.content.decode()
    assert reverse("account_login") in page.content.decode()
    client.post(REGISTER, FORM)
    assert Account.objects.count() == User.objects.exclude(member__isnull=False).count() == 1


def test_account_of_the_directory_is_opened_by_who_reads_its_mail(client, link):
    known = make_account(EMAIL, with_sign_in=False, overdue_minor=5)
    ask(arrive(client, link))
    follow_mail(client)
    client.post(REGISTER, FORM)
    known.refresh_from_db()
    assert (known.user.email, known.overdue_minor) == (EMAIL, 5)


def test_opening_changes_nothing_because_mail_scanners_open_links(client, link):
    ask(arrive(client, link))
    for _scan in range(3):
        assert follow_mail(client).status_code == 200
    assert Registration.objects.get().used_at is None


def test_link_works_once(client, link):
    ask(arrive(client, link))
    follow_mail(client)
    client.post(REGISTER, FORM)
    client.post(reverse("account_logout"))
    used = Registration.objects.get()
    again = client.get(reverse("invitations:open", args=[queries.token_of(used, kind=REGISTER_LINK)]), follow=True)
    assert "Your e-mail address first" in again.content.decode()
    with pytest.raises(LinkUnusable):
        registering.register(arrival=arrival_of(used), newcomer=newcomer(), now=timezone.now())
    assert Account.objects.count() == 1


def test_link_is_too_old_after_its_time(client, link, now):
    ask(arrive(client, link))
    Registration.objects.update(expires_at=now - timedelta(seconds=1))
    row = Registration.objects.get()
    page = client.get(reverse("invitations:open", args=[queries.token_of(row, kind=REGISTER_LINK)]), follow=True)
    assert "Your e-mail address first" in page.content.decode()
    client.post(REGISTER, FORM)
    assert not Account.objects.exists()


def test_link_that_became_too_old_while_the_form_was_filled_in_opens_nothing(client, link, now):
    ask(arrive(client, link))
    row = Registration.objects.select_related("link__partner").get()
    late = now + registering.LIFE + timedelta(seconds=1)
    with pytest.raises(LinkUnusable):
        registering.register(arrival=arrival_of(row), newcomer=newcomer(), now=late)
    assert not User.objects.filter(email=EMAIL).exists()


def test_link_is_bound_to_the_reusable_one(client, bob, link, now):
    ask(arrive(client, link))
    linking.rotate_link(link=link, actor=actor_of(bob), now=now)
    page = follow_mail(client)
    assert (page.status_code, page.redirect_chain[-1][0]) == (404, LANDING)
    assert client.post(REGISTER, FORM)["Location"] == LANDING
    assert not Account.objects.exists()


def test_forged_link_is_like_any_that_does_not_work(client, link):
    ask(arrive(client, link))
    token = queries.token_of(Registration.objects.get(), kind=REGISTER_LINK)
    forged = [token[:-3] + "AAA", "r" + queries.token_of(link, kind=OFFLINE_LINK)[1:], "k" + token[1:], "m" + token[1:]]
    for each in forged:
        assert client.get(reverse("invitations:open", args=[each]), follow=True).status_code == 404


def test_name_that_is_taken_leaves_the_link_good(client, link):
    make_account(account_name="taken-name")
    ask(arrive(client, link))
    follow_mail(client)
    assert client.post(REGISTER, {**FORM, "account_name": "taken-name"}).status_code == 422
    assert client.post(REGISTER, {**FORM, "account_name": "free-name"}).status_code == 302


def test_password_may_not_be_the_name_or_the_address(client, link):
    ask(arrive(client, link), "evergreen.forests@customer.example")
    follow_mail(client, "evergreen.forests@customer.example")
    for password, name in (("Maximilian Lovelace", "Maximilian Lovelace"), ("evergreen.forests@customer", "Wei")):
        answer = client.post(REGISTER, {"customer_name": name, "password": password})
        assert (answer.status_code, "password" in answer.context["form"].errors) == (422, True)
    assert not Account.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_who_press_at_once_open_one_account(link):
    registering.request_mail(arrival=Arrival(link=link, generation=1), address=EMAIL, language="en", now=timezone.now())
    row = Registration.objects.select_related("link__partner").get()
    arrival = arrival_of(row)
    outcomes = run_together(
        10, lambda number: registering.register(arrival=arrival, newcomer=newcomer(number), now=timezone.now())
    )
    assert sum(isinstance(each, Account) for each in outcomes) == 1
    assert sum(isinstance(each, LinkUnusable) for each in outcomes) == 9
    assert Account.objects.count() == 1


# --- links of invitations --------------------------------------------------------------------------------------------


def test_handed_link_mails_to_the_address_of_the_invitation_and_no_other(bob, client, now):
    invitation = invite(bob, EMAIL, now=now)
    ask(arrive(client, invitation, HANDED_LINK), "member.who@copied.example")
    assert Registration.objects.get().email == EMAIL
    assert not Account.objects.exists()
    follow_mail(client)
    assert client.post(REGISTER, FORM)["Location"] == LANDING
    assert Account.objects.get().email == EMAIL


def test_mailed_invitation_needs_no_second_mail(bob, client, now):
    invitation = invite(bob, EMAIL, now=now)
    assert arrive(client, invitation, MAIL_LINK).post(REGISTER, FORM)["Location"] == LANDING
    assert not Registration.objects.exists()


def test_who_is_signed_in_has_nothing_to_register(client, link):
    client = arrive(signed_in(make_account()), link)
    assert client.get(REGISTER)["Location"] == LANDING
    assert ask(client)["Location"] == LANDING
    assert not Registration.objects.exists()


def test_no_link_no_mail(client):
    assert ask(client)["Location"] == LANDING
    with pytest.raises(LinkUnusable):
        registering.request_mail(arrival=Arrival(), address=EMAIL, language="en", now=timezone.now())
    assert not Registration.objects.exists()


# --- what stays ------------------------------------------------------------------------------------------------------


def test_what_has_ended_is_forgotten_after_a_day(client, link, now):
    ask(arrive(client, link))
    end = Registration.objects.get().expires_at
    assert registering.delete_ended(now=end + timedelta(hours=23)) == 0
    assert registering.delete_ended(now=end + timedelta(hours=25)) == 1
    send_due(clock=timezone.now)
    assert not DevMessage.objects.filter(recipient=EMAIL).exists()


# --- deadlines in mails ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "zone", "words"),
    [
        ("en", "Asia/Shanghai", "valid until 1 December 2026, 02:30 (UTC+08:00)"),
        ("zh-hans", "Asia/Shanghai", "2026年12月1日 02:30（UTC+08:00）"),
        ("en", "America/Bogota", "valid until 30 November 2026, 13:30 (UTC-05:00)"),
        ("en", "No/Where", "valid until 30 November 2026, 18:30 (UTC)"),
    ],
)
def test_invitation_says_its_own_deadline_in_the_zone_of_the_partner(bob, now, language, zone, words):
    invitation = invite(bob, EMAIL, now=now)
    Partner.objects.filter(pk=bob.partner_id).update(time_zone=zone)
    ends = timezone.datetime.fromisoformat("2026-11-30T18:30:00+00:00")
    type(invitation).objects.filter(pk=invitation.pk).update(expires_at=ends, language=language)
    key = OutboxKey(invitation.public_id, 1)
    message = emails.invitations([key])[key]
    assert words in message.text
    assert words in message.html


def test_registration_says_its_deadline(client, link):
    ask(arrive(client, link))
    row = Registration.objects.get()
    Partner.objects.update(time_zone="UTC")
    key = OutboxKey(row.public_id, 1)
    assert f"{row.expires_at:%H:%M} (UTC)" in emails.registrations([key])[key].text


def test_preview_shows_the_deadline_of_a_mail_that_goes_now(bob, now):
    mail = emails.preview(model=Model.RESELLER, language="en", partner=bob.partner, customer_name="Wei", now=now)
    assert told(queries.valid_until(now), zone=bob.partner.time_zone, language="en") in mail.text
