"""Reserving customers: who gets them, for how long, and what a refusal leaves behind (domain.md 4.1)."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from customers import actions, queries
from customers.actions import Prospect, preregistering
from customers.models import Association, Preregistration, PreregistrationStatus
from customers.rules import Model
from partner_center.audit.models import AuditEntry
from partner_center.environment import environment
from partner_center.tenancy.models import Member, Partner
from tests.people import actor_of, make_account, make_member

NOW = timezone.now()
WEI = Prospect(
    email="wei@customer.example", customer_name="魏小明", account_name="wei-xiaoming", mobile="+8613800001111"
)


def reserve(member: Member, email: str = WEI.email, *, now=NOW) -> Preregistration:
    who = Prospect(email=email, customer_name="魏小明")
    return actions.preregister(prospect=who, owner=member, actor=actor_of(member), now=now)


@pytest.fixture
def cap_of_three(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(preregistering, "environment", environment.model_copy(update={"preregistration_cap": 3}))
    return


def deeds(partner: Partner) -> list[str]:
    return list(AuditEntry.objects.of(partner).order_by("seq").values_list("deed", flat=True))


def test_a_customer_is_reserved_for_fifteen_days_and_it_is_logged_without_values(bob: Member) -> None:
    row = actions.preregister(prospect=WEI, owner=bob, actor=actor_of(bob), now=NOW)
    assert row.valid_until == NOW + timedelta(days=15)
    assert (row.email, row.customer_name, row.account_name, row.mobile) == (
        WEI.email, WEI.customer_name, WEI.account_name, WEI.mobile,
    )  # fmt: skip
    entry = AuditEntry.objects.of(bob.partner).get()
    assert (entry.deed, entry.object_id) == ("customer_preregistered", row.public_id)
    assert not any(value in entry.details for value in (WEI.email, WEI.customer_name, WEI.account_name, WEI.mobile))


def test_another_partner_is_refused_and_gets_nothing(bob: Member, charlie: Member) -> None:
    reserve(bob)
    with pytest.raises(actions.RegisteredByOther):
        reserve(charlie)
    assert Preregistration.objects.count() == 1
    assert deeds(charlie.partner) == []


def test_the_same_partner_is_told_that_it_holds_the_customer_already(alice: Member, bob: Member) -> None:
    first = reserve(bob)
    with pytest.raises(actions.AlreadyRegistered):
        reserve(alice, now=NOW + timedelta(days=1))
    assert Preregistration.objects.get().valid_until == first.valid_until


def test_a_lapsed_reservation_frees_the_customer_before_any_sweep(bob: Member, charlie: Member) -> None:
    old = reserve(bob)
    with pytest.raises(actions.RegisteredByOther):
        reserve(charlie, now=old.valid_until - timedelta(microseconds=1))
    new = reserve(charlie, now=old.valid_until)
    old.refresh_from_db()
    assert (old.status, new.status) == (PreregistrationStatus.EXPIRED, PreregistrationStatus.REGISTERED)
    assert deeds(bob.partner) == ["customer_preregistered", "preregistration_expired"]


def test_the_sweep_writes_each_lapse_down_once(bob: Member) -> None:
    row = reserve(bob)
    assert actions.expire_preregistrations(now=row.valid_until - timedelta(seconds=1)) == 0
    assert actions.expire_preregistrations(now=row.valid_until) == 1
    assert actions.expire_preregistrations(now=row.valid_until) == 0
    assert deeds(bob.partner).count("preregistration_expired") == 1


def test_a_withdrawn_customer_can_be_taken_and_is_withdrawn_once(bob: Member, charlie: Member) -> None:
    row = reserve(bob)
    actions.withdraw_preregistration(preregistration=row, actor=actor_of(bob), now=NOW)
    with pytest.raises(actions.NotLive):
        actions.withdraw_preregistration(preregistration=row, actor=actor_of(bob), now=NOW)
    assert deeds(bob.partner).count("preregistration_withdrawn") == 1
    assert reserve(charlie).partner == charlie.partner


def test_an_associated_customer_need_not_be_reserved(bob: Member) -> None:
    account = make_account(WEI.email)
    actions.associate(
        account=account, manager=bob, model=Model.RESELLER, custom_tag="", invitation_public_id="",
        actor=actor_of(bob), now=NOW,
    )  # fmt: skip
    with pytest.raises(actions.AlreadyAssociated):
        reserve(bob)
    assert not Preregistration.objects.exists()


def test_the_cap_counts_live_reservations_only(bob: Member, cap_of_three: None) -> None:
    rows = [reserve(bob, f"c{number}@customer.example") for number in range(3)]
    with pytest.raises(actions.CapReached) as refused:
        reserve(bob, "c3@customer.example")
    assert "3" in str(refused.value)
    assert Preregistration.objects.count() == 3
    actions.withdraw_preregistration(preregistration=rows[0], actor=actor_of(bob), now=NOW)
    assert reserve(bob, "c3@customer.example").status == PreregistrationStatus.REGISTERED


def test_a_partner_nobody_can_reach_is_told_what_to_do(bob: Member) -> None:
    Partner.objects.filter(pk=bob.partner_id).update(contact_email="", contact_mobile="")
    bob.partner.refresh_from_db()
    with pytest.raises(actions.PartnerBlocked) as refused:
        reserve(bob)
    assert str(refused.value)
    assert refused.value.advice
    assert not Preregistration.objects.exists()


@pytest.mark.parametrize(
    "facts",
    [
        {"special_contract": True},
        {"has_consumption": True},
        {"site": "international"},
        {"consumer_cloud": True},
        {"enterprise_role": "member", "custody": "unified"},
    ],
    ids="+".join,
)
def test_the_customers_private_facts_refuse_nothing_and_show_only_that_he_must_act(
    bob: Member, facts: dict[str, object]
) -> None:
    make_account(WEI.email, **facts)
    assert reserve(bob).status == PreregistrationStatus.REGISTERED
    assert queries.customer_must_act(WEI.email, partner=bob.partner, now=NOW) is True


def test_nothing_is_said_of_customers_who_are_blameless_or_unknown(bob: Member) -> None:
    make_account(WEI.email)
    assert queries.customer_must_act(WEI.email, partner=bob.partner, now=NOW) is False
    assert queries.customer_must_act("nobody@customer.example", partner=bob.partner, now=NOW) is False


def test_another_partners_customer_looks_like_any_who_must_act(bob: Member, charlie: Member) -> None:
    account = make_account(WEI.email)
    actions.associate(
        account=account, manager=charlie, model=Model.RESELLER, custom_tag="", invitation_public_id="",
        actor=actor_of(charlie), now=NOW,
    )  # fmt: skip
    reserve(bob)
    assert queries.customer_must_act(WEI.email, partner=bob.partner, now=NOW) is True
    assert not Association.objects.of(bob.partner).exists()


def test_an_association_ends_the_reservation_as_converted(bob: Member) -> None:
    reserve(bob)
    account = make_account(WEI.email)
    actions.associate(
        account=account, manager=bob, model=Model.RESELLER, custom_tag="", invitation_public_id="",
        actor=actor_of(bob), now=NOW,
    )  # fmt: skip
    assert Preregistration.objects.get().status == PreregistrationStatus.CONVERTED


def test_reserving_many_says_of_each_what_came_of_it(bob: Member, charlie: Member, cap_of_three: None) -> None:
    reserve(charlie, "taken@customer.example")
    reserve(bob, "mine@customer.example")
    wanted = ["mine@customer.example", "taken@customer.example", "a@customer.example", "b@customer.example"]
    result = actions.reserve(
        prospects=[Prospect(email=email, customer_name="Wei") for email in [*wanted, "c@customer.example"]],
        owner=bob,
        actor=actor_of(bob),
        now=NOW,
    )
    assert result.held == {"mine@customer.example", "a@customer.example", "b@customer.example"}
    assert result.taken == {"taken@customer.example"}
    assert result.over_cap == {"c@customer.example"}
    assert Preregistration.objects.of(bob.partner).live(now=NOW).count() == 3


def test_account_managers_see_their_own_reservations(bob: Member, carol: Member) -> None:
    other = make_member(carol.partner, "Cora", "account_manager")
    mine, _theirs, _bobs = reserve(carol, "a@b.example"), reserve(other, "c@d.example"), reserve(bob, "e@f.example")
    assert list(Preregistration.objects.visible_to(carol)) == [mine]
    assert Preregistration.objects.visible_to(bob).count() == 3
