"""Every action in every state: what it leaves behind is what rules.NEXT allows, and nothing else moves."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from customers.models import Account, Association
from invitations import rules
from invitations.actions import answering, linking, planning, sending, sweeping
from invitations.actions.answering import Arrival
from invitations.models import Invitation
from invitations.rules import NEXT, Status
from partner_center.environment import environment
from partner_center.refusals import Refusal
from partner_center.tenancy.models import Member
from tests.invitations.making import apply, invite, plan, row
from tests.people import actor_of, make_account

pytestmark = pytest.mark.django_db
EMAIL = "wei@customer.example"
Deed = Callable[[Member, Invitation, Account, datetime], object]


def resend(member: Member, invitation: Invitation, account: Account, now: datetime) -> object:
    rows = Invitation.objects.filter(pk=invitation.pk)
    return apply(planning.plan_resend(invitations=rows, member=member, actor=actor_of(member), now=now), now=now)


DEEDS: dict[str, Deed] = {
    "accept": lambda member, invitation, account, now: answering.accept(
        arrival=Arrival(invitation=invitation, generation=1), account=account, actor=actor_of(account), now=now
    ),
    "decline": lambda member, invitation, account, now: answering.decline(
        arrival=Arrival(invitation=invitation, generation=1),
        account=account,
        reason="",
        actor=actor_of(account),
        now=now,
    ),
    "conclude": lambda member, invitation, account, now: answering.conclude(
        invitation=invitation, actor=actor_of(account), now=now
    ),
    "finish": lambda member, invitation, account, now: answering.finish_associating(now=now + timedelta(minutes=1)),
    "new link": lambda member, invitation, account, now: answering.request_new_link(
        invitation=invitation, actor=actor_of(account), now=now
    ),
    "hand out": lambda member, invitation, account, now: linking.hand_out_mailed(
        invitation=invitation, actor=actor_of(member), now=now
    ),
    "invite": lambda member, invitation, account, now: apply(plan(member, [row(1, EMAIL)], now=now), now=now),
    "resend": resend,
    "cancel": lambda member, invitation, account, now: sending.cancel(
        invitation=invitation, actor=actor_of(member), now=now
    ),
    "expire": lambda member, invitation, account, now: sweeping.expire_due(now=now),
    "recheck": lambda member, invitation, account, now: sweeping.recheck_blocked(now=now),
}
MOMENTS = {"in time": timedelta(hours=1), "too late": timedelta(days=environment.invitation_days)}
# Where a row may come to by two steps of one deed: an accept is followed by its checks.
TWO_STEPS = {
    (first, last): {(first, middle), (middle, last)}
    for first, nexts in NEXT.items()
    for middle in nexts
    for last in NEXT[middle]
    if middle == Status.ASSOCIATING
} | {(Status.INVITED, Status.INVITED): {(Status.INVITED, Status.EXPIRED), (Status.EXPIRED, Status.INVITED)}}


@pytest.fixture
def account() -> Account:
    return make_account(EMAIL)


def in_status(invitation: Invitation, status: Status, account: Account, now: datetime) -> None:
    """Put the row into a state, with what the constraints of that state want."""
    association = None
    if status == Status.ASSOCIATED:
        association = Association.objects.create(
            partner=invitation.partner, account=account, model="reseller", consent_version="1", created_at=now
        )
    Invitation.objects.filter(pk=invitation.pk).update(
        status=status,
        cause="customer_overdue" if status == Status.ASSOCIATION_FAILED else "",
        account=account if status not in {Status.INVITED, Status.EXPIRED, Status.CANCELLED} else None,
        accepted_at=now,
        association=association,
    )


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("name", DEEDS)
@pytest.mark.parametrize("status", list(Status))
def test_no_action_leaves_the_table(bob: Member, account: Account, status: Status, name: str, moment: str) -> None:
    now = timezone.now()
    invitation = invite(bob, EMAIL, now=now)
    in_status(invitation, status, account, now)
    invitation.refresh_from_db()
    try:
        DEEDS[name](bob, invitation, account, now + MOMENTS[moment])
    except Refusal:
        after = Invitation.objects.get(pk=invitation.pk).status
        assert after == status, "who refuses changes nothing"
    after = Status(Invitation.objects.get(pk=invitation.pk).status)
    assert after == status or after in NEXT[status] or (status, after) in TWO_STEPS


def test_table_names_every_state_and_every_way_is_used() -> None:
    assert set(NEXT) == set(Status)
    used = {Status.ASSOCIATING, Status.DECLINED, Status.EXPIRED, Status.CANCELLED, Status.INVITED}
    assert {later for nexts in NEXT.values() for later in nexts} == used | {
        Status.ASSOCIATED,
        Status.ASSOCIATION_FAILED,
    }
    assert rules.before(Status.ASSOCIATED) == rules.before(Status.ASSOCIATION_FAILED) == (Status.ASSOCIATING,)


@pytest.mark.parametrize("status", [Status.ASSOCIATED, Status.DECLINED, Status.CANCELLED])
def test_what_has_ended_for_good_stays_as_it_is_whatever_anybody_does(
    bob: Member, account: Account, status: Status
) -> None:
    now = timezone.now()
    invitation = invite(bob, EMAIL, now=now)
    in_status(invitation, status, account, now)
    before = Invitation.objects.filter(pk=invitation.pk).values().get()
    invitation.refresh_from_db()
    for deed in DEEDS.values():
        try:
            deed(bob, invitation, account, now + timedelta(hours=1))
        except Refusal:
            continue
    assert Invitation.objects.filter(pk=invitation.pk).values().get() == before
