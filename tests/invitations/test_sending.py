"""Inviting and resending: what goes out, what stays, and what the log and the outbox say of it."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from customers.models import Preregistration
from customers.rules import CAUSES, Model
from invitations.actions import planning
from invitations.models import Invitation
from invitations.rules import Delivery, RowReason, Status
from partner_center.audit.models import AuditEntry
from partner_center.environment import environment
from partner_center.jobs.models import JobItem
from partner_center.mail.models import MailOutbox
from partner_center.tenancy.models import Member, Partner
from tests.invitations.making import apply, invite, plan, resend, row
from tests.people import actor_of, make_account, make_member, signed_in

pytestmark = pytest.mark.django_db
NOW = timezone.now()
LATER = NOW + timedelta(days=environment.invitation_days, seconds=1)


def reasons(job):
    return dict(JobItem.objects.filter(job=job).values_list("position", "reason"))


def test_plan_sends_nothing(bob):
    job = plan(bob, [row(1), row(2)], now=NOW)
    assert (job.total, job.waiting) == (2, 2)
    assert not Invitation.objects.exists()
    assert not MailOutbox.objects.exists()
    assert not Preregistration.objects.exists()


def test_applied_plan_invites_reserves_mails_and_logs(bob):
    job = apply(plan(bob, [row(1), row(2)], now=NOW), now=NOW)
    first, second = Invitation.objects.order_by("pk")
    assert (job.state, job.done, job.failed, job.skipped) == ("done", 2, 0, 0)
    assert first.status_at(NOW) == Status.INVITED
    assert first.expires_at == NOW + timedelta(days=environment.invitation_days)
    assert first.owner == bob
    assert Preregistration.objects.of(bob.partner).live(now=NOW).count() == 2
    keys = {(mail.object_id, mail.generation) for mail in MailOutbox.objects.filter(kind="invitation")}
    assert keys == {(first.public_id, 1), (second.public_id, 1)}
    assert AuditEntry.objects.filter(deed="invitation_created", actor_id=bob.public_id).count() == 2


def test_every_row_of_a_plan_is_accounted_for(bob, charlie):
    invite(charlie, "taken@customer.example", now=NOW - timedelta(days=1))
    invite(bob, "again@customer.example", now=NOW - timedelta(days=1))
    colleague = make_member(bob.partner, "Eve", "operator")
    rows = [
        row(1, "new@customer.example"),
        row(2, "new@customer.example"),
        row(3, "taken@customer.example"),
        row(4, "again@customer.example"),
        row(5, colleague.user.email),
        row(6, "faulty", fault=RowReason.BAD_ADDRESS),
    ]
    job = plan(bob, rows, now=NOW)
    verdicts = dict(job.items.values_list("position", "verdict"))
    assert list(verdicts.values()) == ["send", "duplicate", "refused", "resend", "refused", "refused"]
    assert list(reasons(job).values()) == [
        "",
        RowReason.DUPLICATE_IN_LIST,
        RowReason.REGISTERED_BY_OTHER,
        RowReason.ALREADY_INVITED,
        RowReason.IS_MEMBER,
        RowReason.BAD_ADDRESS,
    ]
    assert job.total == job.waiting + job.skipped == 6


def test_inviting_again_resends_the_live_invitation(bob):
    first = invite(bob, "again@customer.example", now=NOW)
    again = invite(bob, "again@customer.example", now=NOW + timedelta(days=1), model=Model.REFERRAL)
    assert again.pk == first.pk
    assert (again.generation, again.send_count, again.model) == (2, 2, "referral")
    assert again.expires_at == NOW + timedelta(days=1 + environment.invitation_days)


def test_row_that_changed_since_the_plan_is_left_out(bob, charlie):
    job = plan(bob, [row(1, "wanted@customer.example"), row(2)], now=NOW)
    invite(charlie, "wanted@customer.example", now=NOW)
    apply(job, now=NOW)
    assert (job.done, job.skipped) == (1, 1)
    assert reasons(job)[1] == RowReason.REGISTERED_BY_OTHER
    assert not Invitation.objects.of(bob.partner).filter(email="wanted@customer.example").exists()


def test_budget_stops_the_plan_and_says_which_rows(bob, monkeypatch):
    monkeypatch.setitem(environment.__dict__, "daily_mail_budget", 2)
    job = plan(bob, [row(1), row(2), row(3)], now=NOW)
    assert reasons(job)[3] == RowReason.OVER_BUDGET
    assert job.waiting == 2


def test_expired_invitation_is_sent_again_with_full_term(bob):
    invitation = invite(bob, "late@customer.example", now=NOW)
    job = resend(bob, [invitation], now=LATER)
    invitation.refresh_from_db()
    assert job.done == 1
    assert invitation.status == Status.INVITED
    assert invitation.expires_at == LATER + timedelta(days=environment.invitation_days)
    assert (invitation.generation, invitation.send_count, invitation.delivery) == (2, 2, Delivery.QUEUED)
    assert MailOutbox.objects.filter(object_id=invitation.public_id, generation=2).count() == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, RowReason.NOT_EXPIRED),
        ({"status": "cancelled"}, RowReason.IS_CANCELLED),
        ({"status": "declined"}, RowReason.IS_DECLINED),
        ({"status": "associating"}, RowReason.IS_BEING_CHECKED),
        ({"status": "association_failed", "cause": "customer_internal_account"}, RowReason.CAUSE_FORBIDS),
        ({"email": "", "status": "expired"}, RowReason.NOTHING_TO_MAIL),
    ],
)
def test_ineligible_rows_are_named_and_untouched(bob, changes, reason):
    invitation = invite(bob, "one@customer.example", now=NOW)
    Invitation.objects.filter(pk=invitation.pk).update(**changes)
    before = Invitation.objects.filter(pk=invitation.pk).values().get()
    mails = MailOutbox.objects.count()
    rows = Invitation.objects.filter(pk=invitation.pk)
    job = planning.plan_resend(invitations=rows, member=bob, actor=actor_of(bob), now=NOW + timedelta(hours=1))
    assert reasons(job)[1] == reason
    assert job.waiting == 0
    assert Invitation.objects.filter(pk=invitation.pk).values().get() == before
    assert MailOutbox.objects.count() == mails


def test_cooldown_holds_a_second_resend_back(bob):
    invitation = invite(bob, "late@customer.example", now=NOW)
    resend(bob, [invitation], now=LATER)
    Invitation.objects.filter(pk=invitation.pk).update(delivery=Delivery.BOUNCED)
    soon = LATER + timedelta(minutes=environment.resend_cooldown_minutes, seconds=-1)
    rows = Invitation.objects.filter(pk=invitation.pk)
    job = planning.plan_resend(invitations=rows, member=bob, actor=actor_of(bob), now=soon)
    assert reasons(job)[1] == RowReason.IN_COOLDOWN


def test_mixed_batch_sends_the_eligible_and_lists_the_rest(bob):
    expired = [invite(bob, f"late{n}@customer.example", now=NOW - timedelta(days=8)) for n in range(3)]
    fresh = invite(bob, "fresh@customer.example", now=NOW)
    rows = Invitation.objects.filter(pk__in=[each.pk for each in [*expired, fresh]]).order_by("-pk")
    job = planning.plan_resend(invitations=rows, member=bob, actor=actor_of(bob), now=NOW)
    assert (job.waiting, job.skipped) == (3, 1)
    apply(job, now=NOW)
    assert job.done == 3
    fresh.refresh_from_db()
    assert fresh.generation == 1


def test_failed_referral_is_proposed_as_reseller(bob):
    invitation = invite(bob, "one@customer.example", now=NOW, model=Model.REFERRAL)
    Invitation.objects.filter(pk=invitation.pk).update(
        status=Status.ASSOCIATION_FAILED, cause="referral_blocked_by_agreement"
    )
    resend(bob, [invitation], now=NOW + timedelta(hours=1))
    invitation.refresh_from_db()
    assert (invitation.status, invitation.model) == (Status.INVITED, "reseller")


def test_customer_that_must_act_is_told_apart_by_nothing(bob):
    make_account("overdue@customer.example", overdue_minor=5)
    make_account("partner@customer.example", is_partner=True)
    make_account("fine@customer.example")
    rows = [row(1, "overdue@customer.example"), row(2, "partner@customer.example"), row(3, "fine@customer.example")]
    items = plan(bob, rows, now=NOW).items.order_by("position").values_list("verdict", "reason", "note")
    assert items[0] == items[1] == ("send", "", RowReason.CUSTOMER_MUST_ACT)
    assert items[2] == ("send", "", "")


def test_account_manager_resends_own_rows_only(bob, carol):
    theirs = invite(bob, "late@customer.example", now=NOW)
    job = resend(carol, [theirs], now=LATER)
    theirs.refresh_from_db()
    assert reasons(job)[1] == RowReason.NOT_YOURS
    assert theirs.generation == 1


# --- colleagues, rights that go, limits -------------------------------------------------------------------------


def test_account_manager_neither_sends_nor_changes_what_a_colleague_sent(bob, carol):
    theirs = invite(bob, "wei@customer.example", now=NOW, model=Model.REFERRAL)
    before = Invitation.objects.filter(pk=theirs.pk).values().get()
    job = apply(plan(carol, [row(1, "wei@customer.example"), row(2)], now=NOW + timedelta(days=1)), now=NOW)
    assert reasons(job)[1] == RowReason.HELD_BY_COLLEAGUE
    assert Invitation.objects.filter(pk=theirs.pk).values().get() == before
    assert Invitation.objects.get(email="person2@customer.example").owner == carol


def test_member_who_may_see_nobody_else_any_more_leaves_the_colleagues_row_out(bob, alice):
    theirs = invite(alice, "wei@customer.example", now=NOW)
    job = plan(bob, [row(1, "wei@customer.example")], now=NOW + timedelta(days=1))
    assert job.waiting == 1
    Member.objects.filter(pk=bob.pk).update(roles=["account_manager"])
    apply(job, now=NOW + timedelta(days=1))
    theirs.refresh_from_db()
    assert (theirs.generation, reasons(job)[1]) == (1, RowReason.HELD_BY_COLLEAGUE)


def test_model_that_was_taken_away_since_the_plan_sends_nothing(bob):
    job = plan(bob, [row(1)], now=NOW, model=Model.REFERRAL)
    Partner.objects.filter(pk=bob.partner.pk).update(may_refer=False)
    apply(job, now=NOW)
    assert reasons(job)[1] == RowReason.MODEL_NOT_ALLOWED
    assert not Invitation.objects.exists()
    assert not Preregistration.objects.exists()


def test_partner_who_may_not_preregister_cannot_invite_around_it(bob):
    Partner.objects.filter(pk=bob.partner.pk).update(contact_email="", contact_mobile="")
    bob.refresh_from_db()
    job = plan(bob, [row(1)], now=NOW)
    assert (job.waiting, reasons(job)[1]) == (0, "partner_contact_missing")


def test_what_would_fail_on_the_partners_own_side_stands_beside_every_row(bob):
    Partner.objects.filter(pk=bob.partner.pk).update(available_balance_minor=-1)
    bob.refresh_from_db()
    job = plan(bob, [row(1)], now=NOW)
    assert job.waiting == 1
    page = signed_in(bob).get(reverse("jobs:detail", args=[job.public_id])).content.decode()
    assert escape(str(CAUSES["partner_negative_balance"].partner_message)) in page
    assert "partner_negative_balance" not in page


def test_note_of_a_row_is_words_and_not_a_code(bob):
    make_account("overdue@customer.example", overdue_minor=5)
    job = plan(bob, [row(1, "overdue@customer.example")], now=NOW)
    page = signed_in(bob).get(reverse("jobs:detail", args=[job.public_id])).content.decode()
    assert escape(str(RowReason.CUSTOMER_MUST_ACT.label)) in page
    assert "customer_must_act" not in page


def test_budget_that_a_colleague_spent_meanwhile_leaves_rows_out_and_fails_none(bob, alice, monkeypatch):
    monkeypatch.setitem(environment.__dict__, "daily_mail_budget", 3)
    job = plan(bob, [row(1), row(2)], now=NOW)
    apply(plan(alice, [row(3), row(4)], now=NOW), now=NOW)
    apply(job, now=NOW)
    assert (job.state, job.done, job.skipped, job.failed) == ("done", 1, 1, 0)
    assert reasons(job)[2] == RowReason.OVER_BUDGET
    assert MailOutbox.objects.filter(kind="invitation").count() == 3
