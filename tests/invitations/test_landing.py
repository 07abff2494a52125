"""The customer's page at its edges: links that cannot work, second presses, who may open which account."""

import re
import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.urls import reverse
from django.utils import timezone

from customers.models import Account, Association
from customers.rules import Model
from invitations import emails, queries
from invitations.actions import answering, linking
from invitations.actions.answering import Arrival
from invitations.models import Invitation
from invitations.rules import HANDED_LINK, MAIL_LINK, OFFLINE_LINK, Delivery, LinkKind, Status
from partner_center.mail.kinds import OutboxKey
from partner_center.mail.models import MailOutbox
from partner_center.mail.sending import send_due
from partner_center.tenancy.models import Partner, User
from tests.invitations.making import invite
from tests.people import actor_of, make_account, signed_in
from tests.rivals import run_together

pytestmark = pytest.mark.django_db
EMAIL = "wei@customer.example"
REGISTRATION = {"customer_name": "Wei", "password": "four words are enough"}


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def invitation(bob, now):
    return invite(bob, EMAIL, now=now)


@pytest.fixture
def link(bob, now):
    return linking.create_link(
        kind=LinkKind.CUSTOM,
        model=Model.RESELLER,
        custom_tag="fair",
        expires_at=None,
        max_uses=1,
        member=bob,
        actor=actor_of(bob),
        now=now,
    )


def arrive(client, row, kind=MAIL_LINK):
    client.get(reverse("invitations:open", args=[queries.token_of(row, kind=kind)]))
    return client


def page(client):
    return client.get(reverse("invitations:landing"))


def accept(client):
    return client.post(reverse("invitations:accept"), {"understood": "on"})


def by(invitation, account, now):
    arrival = Arrival(invitation=invitation, generation=invitation.generation)
    return answering.accept(arrival=arrival, account=account, actor=actor_of(account), now=now)


# --- links that cannot work ------------------------------------------------------------------------------------------


def test_partner_that_is_no_partner_any_more_wins_nobody(client, invitation, link, now):
    account = make_account(EMAIL)
    Partner.objects.update(disabled_at=now)
    for row, kind in ((invitation, MAIL_LINK), (link, OFFLINE_LINK)):
        assert page(arrive(client, row, kind)).status_code == 404
        row.refresh_from_db()
        arrival = Arrival(
            invitation=row if kind == MAIL_LINK else None, link=row if kind == OFFLINE_LINK else None, generation=1
        )
        with pytest.raises(answering.LinkUnusable):
            answering.accept(arrival=arrival, account=account, actor=actor_of(account), now=now)
    Invitation.objects.update(status=Status.EXPIRED, sent_at=None)
    assert not answering.request_new_link(invitation=invitation, actor=actor_of(account), now=now)
    assert not Association.objects.exists()


def test_used_up_link_asks_no_stranger_to_register_for_nothing(client, link, now):
    first, second = make_account(overdue_minor=1), make_account()
    accept(arrive(signed_in(first), link, OFFLINE_LINK))
    assert page(arrive(client, link, OFFLINE_LINK)).status_code == 404
    assert client.get(reverse("invitations:register"))["Location"] == reverse("invitations:landing")
    assert page(arrive(signed_in(second), link, OFFLINE_LINK)).status_code == 404
    who_came_before = page(arrive(signed_in(first), link, OFFLINE_LINK))
    assert (who_came_before.status_code, who_came_before.context["may_retry"]) == (200, True)


# --- answering -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [MAIL_LINK, OFFLINE_LINK])
def test_second_press_is_shown_what_the_first_did(invitation, link, kind):
    client = arrive(signed_in(make_account(EMAIL)), invitation if kind == MAIL_LINK else link, kind)
    for _press in range(2):
        answer = accept(client)
        assert (answer.status_code, answer["Location"]) == (302, reverse("invitations:landing"))
    assert page(client).context["status"] == Status.ASSOCIATED


def test_what_stands_in_the_way_is_counted_and_may_be_declined(invitation):
    account = make_account(EMAIL, overdue_minor=1, unfinished_orders=1)
    client = arrive(signed_in(account), invitation)
    accept(client)
    shown = page(client)
    assert shown.context["obstacles"] == shown.content.decode().count('data-result="fail"') == 2
    assert "2 things stand in the way" in shown.content.decode()
    client.post(reverse("invitations:decline"), {"reason": "Too much to do"})
    invitation.refresh_from_db()
    assert (invitation.status, invitation.cause, invitation.causes) == (Status.DECLINED, "customer_declined", [])


def test_partner_is_told_of_a_failure_once_and_again_when_it_is_another(invitation, now):
    account = make_account(EMAIL, overdue_minor=1)
    notices = MailOutbox.objects.filter(kind="association_failed_partner")
    for _try in range(5):
        by(invitation, account, now)
    assert notices.count() == 1
    Account.objects.filter(pk=account.pk).update(overdue_minor=0, unfinished_orders=1)
    by(invitation, account, now + timedelta(milliseconds=5))
    assert notices.count() == 2


def test_customer_with_a_newer_answer_gets_no_new_link(invitation, link, now):
    account = make_account(EMAIL)
    accept(arrive(signed_in(account), link, OFFLINE_LINK))
    Invitation.objects.filter(pk=invitation.pk).update(status=Status.EXPIRED, sent_at=None)
    assert not answering.request_new_link(invitation=invitation, actor=actor_of(account), now=now)
    assert not MailOutbox.objects.filter(object_id=invitation.public_id, generation=2).exists()


def test_mail_that_nobody_needs_any_more_is_not_said_to_have_bounced(invitation, now):
    by(invitation, make_account(EMAIL), now)
    send_due(clock=timezone.now)
    invitation.refresh_from_db()
    assert (invitation.status, invitation.delivery) == (Status.ASSOCIATED, Delivery.NONE)


def test_notice_goes_to_the_office_when_the_inviter_has_left(bob, invitation, now):
    by(invitation, make_account(EMAIL), now)
    key = OutboxKey(invitation.public_id, 1)
    assert emails.associated_partners([key])[key].recipient == bob.user.email
    User.objects.filter(pk=bob.user_id).update(is_active=False)
    assert emails.associated_partners([key])[key].recipient == bob.partner.contact_email


# --- registering -----------------------------------------------------------------------------------------------------


def test_account_the_directory_knows_is_opened_by_the_mail_of_its_address(client, invitation):
    known = make_account(EMAIL, with_sign_in=False, overdue_minor=5, customer_name="Known Ltd")
    answer = arrive(client, invitation).post(reverse("invitations:register"), REGISTRATION)
    assert answer.status_code == 302
    known.refresh_from_db()
    assert (known.user.email, known.overdue_minor, known.customer_name) == (EMAIL, 5, "Known Ltd")
    assert page(client).context["account"] == known


@pytest.mark.parametrize("kind", [HANDED_LINK, OFFLINE_LINK])
def test_account_the_directory_knows_is_nobodys_who_did_not_read_its_mail(client, invitation, link, kind):
    """A member who copies the link of a customer, or anybody with a QR code, must not become that customer."""
    known = make_account(EMAIL, with_sign_in=False)
    arrive(client, link if kind == OFFLINE_LINK else invitation, kind)
    answer = client.post(reverse("invitations:register"), {**REGISTRATION, "email": EMAIL})
    assert answer["Location"] == reverse("invitations:mailed")
    known.refresh_from_db()
    assert known.user is None
    assert not User.objects.filter(email=EMAIL).exists()


def test_handed_link_opens_the_invitation_and_is_never_the_mailed_one(bob, client, invitation):
    handed = signed_in(bob).post(reverse("invitations:address", args=[invitation.public_id])).content.decode()
    token = re.search(r"/i/([\w.-]+)", handed)[1]
    assert token != queries.token_of(invitation, kind=MAIL_LINK)
    client.get(reverse("invitations:open", args=[token]))
    assert page(client).status_code == 200
    client.get(reverse("invitations:open", args=["m" + token[1:]]))
    assert page(client).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_many_who_register_at_once_all_get_an_account(link):
    Account.objects.all().delete()

    def register(number):
        return answering.customers.register_account(
            email=f"new{number}@customer.example",
            customer_name="Wei",
            account_name=f"newcomer-{number}",
            mobile="",
            password="four words are enough",
            language="en",
            now=timezone.now(),
        )

    outcomes = run_together(10, register)
    assert [each for each in outcomes if isinstance(each, BaseException)] == []
    assert Account.objects.values("account_number").distinct().count() == 10


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_facts_that_are_being_corrected_count_as_corrected(bob):
    """The checks wait for whoever writes the account, and read it after."""
    now = timezone.now()
    invitation, account = invite(bob, EMAIL, now=now), make_account(EMAIL)
    corrected, waiting = threading.Event(), threading.Event()

    def correct():
        with transaction.atomic():
            Account.objects.filter(pk=account.pk).update(overdue_minor=5)
            corrected.set()
            waiting.wait(5)
            until_somebody_waits()
        connection.close()

    def until_somebody_waits():
        with connection.cursor() as cursor:
            for _look in range(10_000):
                cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
                if cursor.fetchone()[0]:
                    return

    writer = threading.Thread(target=correct)
    writer.start()
    corrected.wait(5)
    waiting.set()
    row = by(invitation, account, now)
    writer.join()
    assert (row.status, row.cause) == (Status.ASSOCIATION_FAILED, "customer_overdue")
