"""Whatever is done to a whitelist in whatever order: one version in force, numbers without gaps, equal digests."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from partner_center.refusals import Refusal
from tests.people import actor_of, make_member, make_partner
from tests.vouchers.making import make_customer
from tests.vouchers.whitelisting import import_list
from vouchers.actions import whitelists
from vouchers.models import WhitelistVersion
from vouchers.queries.whitelists import active_version, entries_of

CUSTOMERS = 5
numbers = st.integers(0, 7)
choices = st.sets(st.integers(0, CUSTOMERS - 1), min_size=1)


class Whitelisting(RuleBasedStateMachine):
    """Deeds on one list, and beside it what a person would have written down."""

    def __init__(self) -> None:
        super().__init__()
        self.member = make_member(make_partner(), "Fiona", "finance")
        self.customers = [make_customer(self.member) for _ in range(CUSTOMERS)]
        self.accounts = [customer.account_id for customer in self.customers]
        self.lists: list[frozenset[int]] = []
        self.states: list[str] = []
        self.compared: list[int] = []
        self.in_force = -1

    @property
    def versions(self) -> list[WhitelistVersion]:
        return list(WhitelistVersion.objects.filter(partner=self.member.partner).order_by("number"))

    def remember(self, accounts: frozenset[int]) -> None:
        self.lists.append(accounts)
        self.states.append("draft")
        self.compared.append(self.in_force)

    def pick(self, number: int) -> int:
        return number % len(self.lists)

    @initialize(chosen=st.lists(choices, min_size=2, max_size=3))
    def begin_with_rival_drafts(self, chosen: list[set[int]]) -> None:
        for each in chosen:
            self.import_one(each)

    @rule(chosen=choices)
    def import_one(self, chosen: set[int]) -> None:
        import_list(self.member, *(self.customers[each] for each in chosen))
        self.remember(frozenset(self.accounts[each] for each in chosen))

    @precondition(lambda self: self.lists)
    @rule(number=numbers)
    def activate(self, number: int) -> None:
        at = self.pick(number)
        may = self.states[at] == "draft" and self.compared[at] == self.in_force
        assert self.does(whitelists.activate, at) == may
        if may:
            if self.in_force >= 0:
                self.states[self.in_force] = "superseded"
            self.states[at], self.in_force = "active", at

    @precondition(lambda self: self.lists)
    @rule(number=numbers)
    def compare_again(self, number: int) -> None:
        at = self.pick(number)
        assert self.does(whitelists.compare_again, at) == (self.states[at] == "draft")
        if self.states[at] == "draft":
            self.compared[at] = self.in_force

    @precondition(lambda self: self.lists)
    @rule(number=numbers)
    def discard(self, number: int) -> None:
        at = self.pick(number)
        assert self.does(whitelists.discard, at) == (self.states[at] == "draft")
        if self.states[at] == "draft":
            self.states[at], self.lists[at] = "discarded", frozenset()

    @precondition(lambda self: self.lists)
    @rule(number=numbers)
    def reactivate(self, number: int) -> None:
        at = self.pick(number)
        assert self.does(whitelists.reactivate, at, member=self.member) == (self.states[at] == "superseded")
        if self.states[at] == "superseded":
            self.remember(self.lists[at])

    def does(self, deed: object, at: int, **more: object) -> bool:
        assert callable(deed)
        try:
            deed(version=self.versions[at], actor=actor_of(self.member), now=self.customers[0].created_at, **more)
        except Refusal:
            return False
        return True

    @invariant()
    def what_stands_is_what_was_written_down(self) -> None:
        versions = self.versions
        assert [version.number for version in versions] == list(range(1, len(self.lists) + 1))
        assert [str(version.status) for version in versions] == self.states
        assert [frozenset(entries_of(version)) for version in versions] == self.lists
        active = active_version(self.member.partner, "customer")
        assert active == (versions[self.in_force] if self.in_force >= 0 else None)
        assert self.states.count("active") == int(self.in_force >= 0)

    @invariant()
    def equal_lists_have_equal_digests_and_true_counts(self) -> None:
        for version in self.versions:
            if version.status == "discarded":
                continue
            at = version.number - 1
            before = entries_of(version.compared_with) if version.compared_with else []
            assert version.added_count == len(self.lists[at] - set(before))
            assert version.removed_count == len(set(before) - self.lists[at])
            assert version.entry_count == len(self.lists[at])
        kept = [version for version in self.versions if version.status != "discarded"]
        by_list = {self.lists[version.number - 1]: version.digest for version in kept}
        assert all(version.digest == by_list[self.lists[version.number - 1]] for version in kept)
        assert len(set(by_list.values())) == len(by_list)


@pytest.mark.django_db
def test_any_order_of_deeds_keeps_one_list_in_force() -> None:
    """Each example has a partner of its own, so that none sees what another has left."""
    known = [HealthCheck.too_slow, HealthCheck.data_too_large]
    careful = settings(max_examples=10, stateful_step_count=12, suppress_health_check=known)
    run_state_machine_as_test(Whitelisting, settings=careful)
