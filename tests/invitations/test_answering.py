"""What a customer can do with a link, and what a link does to nobody else."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from customers.models import Account, Association, Preregistration
from customers.rules import CAUSES, Model
from invitations import queries
from invitations.actions import answering, linking, sweeping
from invitations.actions.answering import Arrival
from invitations.models import Invitation, InvitationLink
from invitations.rules import MAIL_LINK, OFFLINE_LINK, LinkKind, Status, split_token
from partner_center.audit.models import AuditEntry
from partner_center.environment import environment
from partner_center.mail.models import MailOutbox
from tests.invitations.making import invite, resend
from tests.people import actor_of, make_account, signed_in

pytestmark = pytest.mark.django_db
EMAIL = "wei@customer.example"


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def invitation(bob, now):
    return invite(bob, EMAIL, now=now)


@pytest.fixture
def account(db):
    return make_account(EMAIL)


def arrive(client, invitation, generation=None):
    token = queries.token_of(invitation, kind=MAIL_LINK, generation=generation)
    return client.get(reverse("invitations:open", args=[token]))


def accept(invitation, account, now, generation=None):
    arrival = Arrival(invitation=invitation, generation=generation or invitation.generation)
    return answering.accept(arrival=arrival, account=account, actor=actor_of(account), now=now)


def everything():
    """Take a picture of every row that an answer could change."""
    tables = (Invitation, InvitationLink, Association, MailOutbox)
    return [list(model.objects.order_by("pk").values()) for model in tables]


def test_accept_associates_and_tells_both(invitation, account, now):
    row = accept(invitation, account, now)
    assert row.status == Status.ASSOCIATED
    association = Association.objects.get(account=account, ended_at=None)
    assert (association.partner, association.account_manager) == (invitation.partner, invitation.owner)
    assert Preregistration.objects.get(email=EMAIL).status == "converted"
    kinds = set(MailOutbox.objects.exclude(kind="invitation").values_list("kind", flat=True))
    assert kinds == {"associated_customer", "associated_partner"}
    deeds = list(AuditEntry.objects.order_by("seq").values_list("deed", flat=True))
    assert deeds[-2:] == ["invitation_accepted", "association_created"]


def test_failed_checks_are_all_stored_and_nothing_is_associated(invitation, account, now):
    Account.objects.filter(pk=account.pk).update(overdue_minor=1, unfinished_orders=2, is_partner=True)
    row = accept(invitation, account, now)
    assert row.status == Status.ASSOCIATION_FAILED
    assert row.cause == row.causes[0] == "customer_is_partner_or_applying"
    assert {"customer_overdue", "customer_unfinished_orders"} <= set(row.causes)
    assert not Association.objects.exists()
    assert set(MailOutbox.objects.exclude(kind="invitation").values_list("kind", flat=True)) == {
        "association_failed_partner"
    }


def test_cleared_cause_is_offered_and_the_same_link_works(invitation, account, now):
    Account.objects.filter(pk=account.pk).update(overdue_minor=1)
    accept(invitation, account, now)
    assert sweeping.recheck_blocked(now=now) == (1, 0)
    Account.objects.filter(pk=account.pk).update(overdue_minor=0)
    assert sweeping.recheck_blocked(now=now) == (0, 0)
    later = now + sweeping.RECHECK_PAUSE
    assert sweeping.recheck_blocked(now=later) == (1, 1)
    invitation.refresh_from_db()
    assert invitation.ready_to_retry_at == later
    account.refresh_from_db()
    assert accept(invitation, account, now).status == Status.ASSOCIATED


@pytest.mark.parametrize("moment", [timedelta(0), timedelta(seconds=1), timedelta(days=400)])
def test_accept_at_or_after_expiry_is_refused_without_any_sweep(invitation, account, moment):
    before = everything()
    with pytest.raises(answering.LinkUnusable):
        accept(invitation, account, invitation.expires_at + moment)
    assert everything() == before


def test_accept_a_moment_before_expiry_counts(invitation, account):
    assert accept(invitation, account, invitation.expires_at - timedelta(seconds=1)).status == Status.ASSOCIATED


def test_old_link_dies_with_a_resend_and_the_new_one_works_once(bob, invitation, account, now):
    later = now + timedelta(days=environment.invitation_days, hours=1)
    resend(bob, [invitation], now=later)
    invitation.refresh_from_db()
    with pytest.raises(answering.LinkUnusable):
        accept(invitation, account, later, generation=1)
    Account.objects.filter(pk=account.pk).update(registered_at=later)
    assert accept(invitation, account, later, generation=2).status == Status.ASSOCIATED
    with pytest.raises(answering.AlreadyYours):
        accept(invitation, account, later, generation=2)


def test_other_address_may_not_take_the_invitation(invitation, now):
    stranger = make_account("stranger@customer.example")
    before = everything()
    with pytest.raises(answering.OtherAddress):
        accept(invitation, stranger, now)
    assert everything() == before


def test_customer_of_another_partner_fails_with_its_cause(bob, charlie, invitation, account, now):
    other = invite(charlie, "wei2@customer.example", now=now)
    Account.objects.filter(pk=account.pk).update(email="wei2@customer.example")
    account.refresh_from_db()
    accept(other, account, now)
    Account.objects.filter(pk=account.pk).update(email=EMAIL)
    account.refresh_from_db()
    row = accept(invitation, account, now)
    assert (row.status, row.cause) == (Status.ASSOCIATION_FAILED, "customer_associated_other_partner")
    assert Association.objects.filter(account=account, ended_at=None).count() == 1


def test_decline_ends_the_invitation(invitation, account, now):
    arrival = Arrival(invitation=invitation, generation=1)
    answering.decline(arrival=arrival, account=account, reason="No need", actor=actor_of(account), now=now)
    invitation.refresh_from_db()
    assert (invitation.status, invitation.decline_reason) == (Status.DECLINED, "No need")
    with pytest.raises(answering.LinkUnusable):
        accept(invitation, account, now)


def test_answer_that_was_never_concluded_is_finished_by_the_sweep(invitation, account, now):
    answering._take_mailed(invitation, 1, account, actor_of(account), now)
    assert answering.finish_associating(now=now) == 0
    assert answering.finish_associating(now=now + timedelta(minutes=1)) == 1
    invitation.refresh_from_db()
    assert invitation.status == Status.ASSOCIATED


# --- links ---------------------------------------------------------------------------------------


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


def come_by(link, account, now, generation=None):
    arrival = Arrival(link=link, generation=generation or link.generation, by_qr=True)
    return answering.accept(arrival=arrival, account=account, actor=actor_of(account), now=now)


def test_link_makes_a_record_with_tag_and_counts_its_use(link, account, now):
    row = come_by(link, account, now)
    link.refresh_from_db()
    assert (row.status, row.method, row.custom_tag, link.uses) == (Status.ASSOCIATED, "qr", "fair", 1)
    assert row.email == ""


def test_used_up_link_refuses_the_next_but_lets_the_first_try_again(link, account, now):
    Account.objects.filter(pk=account.pk).update(overdue_minor=1)
    account.refresh_from_db()
    assert come_by(link, account, now).status == Status.ASSOCIATION_FAILED
    with pytest.raises(answering.LinkUnusable):
        come_by(link, make_account(), now)
    Account.objects.filter(pk=account.pk).update(overdue_minor=0)
    account.refresh_from_db()
    assert come_by(link, account, now).status == Status.ASSOCIATED
    link.refresh_from_db()
    assert link.uses == 1
    assert Invitation.objects.filter(link=link).count() == 1


def test_rotated_and_revoked_links_stop_working(link, bob, now):
    linking.rotate_link(link=link, actor=actor_of(bob), now=now)
    with pytest.raises(answering.LinkUnusable):
        come_by(link, make_account(), now, generation=1)
    linking.revoke_link(link=link, actor=actor_of(bob), now=now)
    with pytest.raises(answering.LinkUnusable):
        come_by(link, make_account(), now, generation=2)
    with pytest.raises(linking.LinkRevoked):
        linking.revoke_link(link=link, actor=actor_of(bob), now=now)
    link.refresh_from_db()
    assert link.uses == 0


# --- the landing page ----------------------------------------------------------------------------


def test_opening_changes_nothing_however_often(client, invitation):
    before = everything()
    for _time in range(10):
        answer = arrive(client, invitation)
        assert (answer.status_code, answer["Location"]) == (303, "/invitation/")
        client.head(reverse("invitations:landing"))
        page = client.get(reverse("invitations:landing"))
        assert page.status_code == 200
    assert everything() == before
    assert page["Referrer-Policy"] == "same-origin"
    assert page["Cache-Control"] == "no-store"


def test_only_the_pages_own_script_records_an_opening(client, invitation):
    arrive(client, invitation)
    assert client.post(reverse("invitations:opened")).status_code == 204
    invitation.refresh_from_db()
    assert invitation.opened_at is not None
    assert invitation.status == Status.INVITED


def _bad_tokens(invitation):
    token = queries.token_of(invitation, kind=MAIL_LINK)
    flipped = token[:-1] + ("A" if token[-1] != "A" else "B")
    foreign = "m" + "A" * 22 + "1." + "B" * 27
    return [flipped, token[:-3], token + token, token.upper(), token + "=", "x" * 5000, foreign]


def test_links_that_do_not_work_cannot_be_told_apart(client, bob, invitation, account, now):
    pages = []
    for token in _bad_tokens(invitation):
        client.get(reverse("invitations:open", args=[token]))
        pages.append(client.get(reverse("invitations:landing")))
    states = [
        {"status": "expired"},
        {"status": "invited", "expires_at": now - timedelta(seconds=1)},
        {"status": "cancelled"},
        {"status": "declined"},
        {"status": "invited", "expires_at": now + timedelta(days=1), "generation": 2},
    ]
    for state in states:
        Invitation.objects.filter(pk=invitation.pk).update(**state)
        arrive(client, invitation, generation=1)
        pages.append(client.get(reverse("invitations:landing")))
    assert {page.status_code for page in pages} == {404}
    assert len({_without_noise(page) for page in pages}) == 1


def _without_noise(page):
    noise = rb'nonce="[^"]+"|value="\w{64}"|"X-CSRFToken": "\w+"|&quot;X-CSRFToken&quot;: &quot;\w+'
    return re.sub(noise, b"", page.content)


def test_new_link_goes_to_the_original_address_and_says_the_same_to_everybody(client, bob, invitation, now):
    past = {"expires_at": now - timedelta(days=1), "sent_at": now - timedelta(days=8)}
    Invitation.objects.filter(pk=invitation.pk).update(**past)
    arrive(client, invitation)
    asked = client.post(reverse("invitations:new_link"))
    invitation.refresh_from_db()
    assert (invitation.generation, invitation.status) == (2, Status.INVITED)
    assert MailOutbox.objects.filter(object_id=invitation.public_id, generation=2).count() == 1
    client.get(reverse("invitations:open", args=["m" + "A" * 22 + "1." + "B" * 27]))
    unknown = client.post(reverse("invitations:new_link"))
    assert _without_noise(asked) == _without_noise(unknown)
    assert MailOutbox.objects.count() == 2


def test_customer_accepts_through_the_page(invitation, account):
    client = signed_in(account)
    arrive(client, invitation)
    page = client.get(reverse("invitations:landing"))
    assert invitation.partner.company_name in page.content.decode()
    refused = client.post(reverse("invitations:accept"), {})
    assert refused.status_code == 422
    invitation.refresh_from_db()
    assert invitation.status == Status.INVITED
    client.post(reverse("invitations:accept"), {"understood": "on"})
    invitation.refresh_from_db()
    assert invitation.status == Status.ASSOCIATED


def test_member_of_a_partner_cannot_accept(bob, invitation):
    client = signed_in(bob)
    arrive(client, invitation)
    client.post(reverse("invitations:accept"), {"understood": "on"})
    invitation.refresh_from_db()
    assert invitation.status == Status.INVITED


def test_customer_registers_on_the_way_with_the_invited_address(client, invitation):
    arrive(client, invitation)
    form = {"customer_name": "Wei", "email": "else@where.example", "password": "four words are enough"}
    answer = client.post(reverse("invitations:register"), form)
    assert answer.status_code == 302
    account = Account.objects.get()
    assert (account.email, account.customer_name) == (EMAIL, "Wei")
    assert client.get(reverse("invitations:landing")).status_code == 200


def test_landing_shows_every_obstacle_and_its_remedy(invitation, account):
    Account.objects.filter(pk=account.pk).update(overdue_minor=1, unfinished_orders=1)
    client = signed_in(account)
    arrive(client, invitation)
    content = client.get(reverse("invitations:landing")).content.decode()
    for code in ("customer_overdue", "customer_unfinished_orders"):
        assert escape(str(CAUSES[code].customer_next_step)) in content
    assert escape(str(CAUSES["customer_internal_account"].customer_next_step)) not in content


def test_token_of_a_link_is_no_token_of_an_invitation(link, invitation):
    token = split_token(queries.token_of(link, kind=OFFLINE_LINK))
    assert queries.proven_link(token) == link
    assert queries.proven_invitation(token) is None
