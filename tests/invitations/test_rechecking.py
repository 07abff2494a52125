"""Blocked invitations whose causes are gone: every one is found in its turn, however many are blocked for good."""

from datetime import timedelta

import pytest
from django.utils import timezone

from customers.models import Account, Association
from invitations.actions import sending, sweeping
from invitations.models import Invitation
from invitations.rules import Status
from partner_center.audit.models import AuditEntry
from tests.invitations.making import invite
from tests.people import actor_of, make_account

pytestmark = pytest.mark.django_db
NOW = timezone.now()
PAUSE = sweeping.RECHECK_PAUSE


def blocked(member, number):
    email = f"blocked{number}@customer.example"
    invitation, account = invite(member, email, now=NOW), make_account(email, overdue_minor=1)
    Invitation.objects.filter(pk=invitation.pk).update(
        status=Status.ASSOCIATION_FAILED, cause="customer_overdue", causes=["customer_overdue"], account=account
    )
    return invitation


def clear(invitation, amount=0):
    Account.objects.filter(email=invitation.email).update(overdue_minor=amount)


def ready(invitation):
    return Invitation.objects.get(pk=invitation.pk).ready_to_retry_at


def test_newest_is_found_though_many_before_it_stay_blocked(bob):
    invitations = [blocked(bob, number) for number in range(5)]
    clear(invitations[-1])
    looked_at = [sweeping.recheck_blocked(now=NOW, limit=2) for _ring in range(4)]
    assert looked_at == [(2, 0), (2, 0), (1, 1), (0, 0)]
    assert [ready(each) is not None for each in invitations] == [False] * 4 + [True]
    assert AuditEntry.objects.filter(deed="invitation_blocked_cleared").count() == 1


def test_mark_goes_when_the_cause_comes_back(bob):
    invitation = blocked(bob, 1)
    clear(invitation)
    sweeping.recheck_blocked(now=NOW)
    assert ready(invitation) == NOW
    clear(invitation, amount=7)
    sweeping.recheck_blocked(now=NOW + PAUSE)
    assert ready(invitation) is None
    clear(invitation)
    assert sweeping.recheck_blocked(now=NOW + 2 * PAUSE) == (1, 1)


def test_customer_who_came_by_another_way_meanwhile_is_not_offered(bob):
    invitation = blocked(bob, 1)
    clear(invitation)
    account = Account.objects.get(email=invitation.email)
    Association.objects.create(
        partner=bob.partner, account=account, model="reseller", consent_version="1", created_at=NOW
    )
    assert sweeping.recheck_blocked(now=NOW) == (1, 0)


def test_cancelled_row_is_ready_for_nothing(bob):
    invitation = blocked(bob, 1)
    clear(invitation)
    sweeping.recheck_blocked(now=NOW)
    sending.cancel(invitation=invitation, actor=actor_of(bob), now=NOW + timedelta(minutes=1))
    assert ready(invitation) is None
