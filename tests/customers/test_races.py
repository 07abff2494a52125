"""Rivals for one customer and for the last places under the cap, with real threads; and what happens unguarded."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from customers import actions
from customers.actions import Prospect, preregistering
from customers.models import Account, Preregistration
from partner_center.audit.models import AuditEntry
from partner_center.environment import environment
from partner_center.tenancy.models import Member
from tests.people import actor_of, make_account, make_member, make_partner
from tests.rivals import run_together

pytestmark = pytest.mark.django_db(transaction=True)

NOW = timezone.now()
RIVALS = 6


def partners(count: int) -> list[Member]:
    return [make_member(make_partner(f"Partner {number}"), f"Ann{number}", "admin") for number in range(count)]


def reserve(member: Member, email: str) -> Preregistration:
    who = Prospect(email=email, customer_name="Wei")
    return actions.preregister(prospect=who, owner=member, actor=actor_of(member), now=NOW)


def reserve_unguarded(member: Member, email: str, everybody_has_looked: threading.Barrier) -> None:
    """Look, then write, with nothing in between that stops another: what the room would do without its guards."""
    held = Preregistration.objects.of(member.partner).live(now=NOW).count()
    free = not Preregistration.objects.live(now=NOW).filter(email=email).exists()
    everybody_has_looked.wait()
    if free and held < 3:
        Preregistration.objects.create(
            partner=member.partner, owner=member, email=email, customer_name="Wei", created_at=NOW,
            valid_until=NOW + timedelta(days=15),
        )  # fmt: skip


def test_of_many_partners_one_gets_the_customer() -> None:
    members = partners(RIVALS)
    outcomes = run_together(RIVALS, lambda number: reserve(members[number], "wei@customer.example"))
    winners = [outcome for outcome in outcomes if isinstance(outcome, Preregistration)]
    losers = [outcome for outcome in outcomes if isinstance(outcome, actions.RegisteredByOther)]
    assert (len(winners), len(losers)) == (1, RIVALS - 1)
    assert Preregistration.objects.count() == 1
    assert AuditEntry.objects.filter(deed="customer_preregistered").count() == 1


def test_without_the_index_and_the_lock_several_get_the_customer() -> None:
    members = partners(RIVALS)
    constraint = Preregistration._meta.constraints[0]
    barrier = threading.Barrier(RIVALS)
    with connection.schema_editor() as editor:
        editor.remove_constraint(Preregistration, constraint)
    try:
        run_together(RIVALS, lambda number: reserve_unguarded(members[number], "wei@customer.example", barrier))
        assert Preregistration.objects.count() == RIVALS
    finally:
        Preregistration.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(Preregistration, constraint)


def test_parallel_members_cannot_pass_the_cap_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preregistering, "environment", environment.model_copy(update={"preregistration_cap": 3}))
    member = partners(1)[0]
    outcomes = run_together(RIVALS, lambda number: reserve(member, f"c{number}@customer.example"))
    assert sum(isinstance(outcome, Preregistration) for outcome in outcomes) == 3
    assert sum(isinstance(outcome, actions.CapReached) for outcome in outcomes) == RIVALS - 3
    assert Preregistration.objects.count() == 3


def test_without_the_lock_they_pass_it() -> None:
    member = partners(1)[0]
    barrier = threading.Barrier(RIVALS)
    run_together(RIVALS, lambda number: reserve_unguarded(member, f"c{number}@customer.example", barrier))
    assert Preregistration.objects.count() == RIVALS


def test_two_of_the_staff_who_correct_one_account_do_not_overwrite_each_other() -> None:
    account = make_account()
    seen = account.updated_at
    actor = actor_of(partners(1)[0])

    def correct(number: int) -> Account:
        return actions.change_account_facts(
            account=account, changes={"unfinished_orders": number + 1}, actor=actor, seen=seen,
            now=NOW + timedelta(seconds=number + 1),
        )  # fmt: skip

    outcomes = run_together(RIVALS, correct)
    winners = [outcome for outcome in outcomes if isinstance(outcome, Account)]
    assert len(winners) == 1
    assert sum(isinstance(outcome, actions.FactsChanged) for outcome in outcomes) == RIVALS - 1
    assert Account.objects.get().unfinished_orders == winners[0].unfinished_orders
    assert AuditEntry.objects.filter(deed="account_facts_changed").count() == 1
