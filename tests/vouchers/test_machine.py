"""
Any order of deeds keeps the books: a state machine over the actions, beside a model that counts for itself.

HYPOTHESIS_EXAMPLES=2000 makes it look longer, as a nightly run does.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from unittest import mock

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from customers.models import Association
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from tests.people import actor_of, make_member, make_partner
from tests.vouchers.making import HUNDRED, VENDOR, make_customer, make_quota, part_with
from vouchers.actions import balances, booking, consuming, expiring, issuing, quotas, recalling, whitelists
from vouchers.models import Coupon, LedgerEntry, OperationRecord, Quota
from vouchers.rules import LedgerAccount, QuotaStatus
from vouchers.rules.issuing import Terms
from vouchers.rules.whitelists import ListedRow

pytestmark = pytest.mark.django_db

BILLING = Actor(kind="system", name="billing")
TOTAL = 10 * HUNDRED
amounts = st.integers(1, 3 * HUNDRED)
orders = st.sampled_from(["order-1", "order-2", "order-3"])


@dataclass
class Known:
    """What the model knows of one coupon."""

    pk: int
    quota: int
    customer: int
    expires_at: datetime
    balance: int
    consumed: int = 0
    ended: int = 0
    is_over: bool = False
    held_by: str = ""
    paid: dict[str, int] = field(default_factory=dict)

    def is_usable(self, now: datetime) -> bool:
        return not self.is_over and self.balance > 0 and now < self.expires_at


class Vouchers(RuleBasedStateMachine):
    """One partner with four customers, a quota of vouchers and one of cash coupons; time only goes forward."""

    coupons = Bundle("coupons")

    def __init__(self) -> None:
        super().__init__()
        # Nothing of an example stays: the test's transaction takes it back.
        self.example = transaction.atomic()
        self.example.__enter__()
        self.now = timezone.now() + timedelta(minutes=1)
        self.known: dict[int, Known] = {}
        self.totals: dict[int, int] = {}
        self.issued: dict[int, int] = {}
        self.returned: dict[int, int] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.example.__exit__(None, None, None)

    @initialize()
    def begin(self) -> None:
        self.member = make_member(make_partner(), "Fiona", "admin")
        self.actor = actor_of(self.member)
        self.people = [make_customer(self.member) for _person in range(4)]
        for kind in ("voucher", "cash_coupon"):
            quota = make_quota(self.member.partner, TOTAL, kind=kind, whitelist_required=kind != "voucher")
            self.totals[quota.pk], self.issued[quota.pk], self.returned[quota.pk] = TOTAL, 0, 0

    # --- deeds

    @rule(days=st.integers(1, 60))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(
        target=coupons,
        place=st.integers(0, 1),
        chosen=st.lists(st.integers(0, 3), min_size=1, max_size=4),
        face=amounts,
        days=st.integers(1, 90),
        all_or_none=st.booleans(),
    )
    def issue(self, place: int, chosen: list[int], face: int, days: int, all_or_none: bool) -> object:
        quota = self.quota(place)
        terms = Terms(face_minor=face, effective_at=self.now, expires_at=self.now + timedelta(days=days))
        wanted = [issuing.Wanted(customer=self.people[number].pk) for number in chosen]
        outcomes = issuing.issue(
            quota=quota,
            wanted=wanted,
            terms=terms,
            member=self.member,
            actor=self.actor,
            now=self.now,
            all_or_none=all_or_none,
        )
        made = [each.coupon for each in outcomes if each.coupon is not None]
        assert not (all_or_none and 0 < len(made) < len(wanted))
        for coupon in made:
            self.known[coupon.pk] = Known(coupon.pk, quota.pk, coupon.association_id, coupon.expires_at, face)
            self.issued[quota.pk] += face
        return multiple(*(coupon.pk for coupon in made))

    @rule(pk=coupons, amount=amounts, order=orders)
    def consume(self, pk: int, amount: int, order: str) -> None:
        known = self.known[pk]
        is_free = known.held_by in {"", order} and not known.paid.get(order)
        may = known.is_usable(self.now) and is_free and amount <= known.balance
        if self.does(lambda: consuming.consume(amount_minor=amount, order_id=order, **self.about(pk)), may):
            known.balance -= amount
            known.consumed += amount
            known.held_by, known.paid[order] = "", amount

    @rule(pk=coupons, amount=amounts, order=orders)
    def refund(self, pk: int, amount: int, order: str) -> None:
        """What comes back goes to the coupon while it could be used, else past it (domain.md 8 row 16)."""
        known = self.known[pk]
        may = amount <= known.paid.get(order, 0)
        if self.does(lambda: consuming.refund(amount_minor=amount, order_id=order, **self.about(pk)), may):
            known.consumed -= amount
            known.paid[order] -= amount
            if known.is_over or known.expires_at <= self.now:
                known.ended += amount
                self.returned[known.quota] += amount if self.is_open(known.quota) else 0
            else:
                known.balance += amount

    @rule(pk=coupons, order=orders)
    def hold(self, pk: int, order: str) -> None:
        known = self.known[pk]
        may = known.is_usable(self.now) and known.held_by in {"", order}
        if self.does(lambda: consuming.lock(order_id=order, **self.about(pk)), may):
            known.held_by = order

    @rule(pk=coupons)
    def recall(self, pk: int) -> None:
        known = self.known[pk]
        may = known.is_usable(self.now) and not known.held_by
        if self.does(lambda: self.recalled(pk, known.balance), may):
            self.give_back(known, known.balance)

    @rule()
    def sweep(self) -> None:
        """Expiry gives back what is left while the quota is open (domain.md 8 row 17)."""
        due = [
            each for each in self.known.values() if not each.is_over and each.balance and each.expires_at <= self.now
        ]
        assert expiring.expire_due(now=self.now) == len(due)
        for known in due:
            self.give_back(known, known.balance if self.is_open(known.quota) else 0)

    @rule(place=st.integers(0, 1), total=st.integers(0, 2 * TOTAL))
    def adjust(self, place: int, total: int) -> None:
        quota = self.quota(place)
        change = lambda: quotas.change_total(  # noqa: E731 - a deed to be tried
            quota=quota, total_minor=total, note="agreed", actor=VENDOR, now=self.now
        )
        if self.tried(change):
            self.totals[quota.pk] = total

    @rule(place=st.integers(0, 1), status=st.sampled_from([QuotaStatus.NORMAL, QuotaStatus.FROZEN]))
    def freeze_or_thaw(self, place: int, status: QuotaStatus) -> None:
        quota = self.quota(place)
        self.tried(lambda: quotas.change_status(quota=quota, status=status, note="asked", actor=VENDOR, now=self.now))

    @rule(chosen=st.sets(st.integers(0, 3), min_size=1))
    def change_the_whitelist(self, chosen: set[int]) -> None:
        rows = [self.row(line, self.people[number]) for line, number in enumerate(sorted(chosen), start=2)]
        about = {"kind": "customer", "rows": rows, "file_name": "list.csv", "member": self.member}
        try:
            draft = whitelists.import_version(**about, actor=self.actor, now=self.now)
        except Refusal:
            assert not Association.objects.active().filter(pk__in=[self.people[n].pk for n in chosen]).exists()
        else:
            whitelists.activate(version=draft, actor=self.actor, now=self.now)

    @rule(number=st.integers(0, 3))
    def lose_a_customer(self, number: int) -> None:
        """Ending a relation takes back what the customer holds, what an order has locked too."""
        gone = self.people[number]
        part_with(gone, actor=self.actor, now=self.now)
        for known in self.known.values():
            if known.customer == gone.pk and known.is_usable(self.now):
                self.give_back(known, known.balance)
        self.people[number] = make_customer(self.member)

    # --- what is always true

    @invariant()
    def quotas_add_up(self) -> None:
        for quota in Quota.objects.filter(pk__in=self.totals):
            assert quota.total_minor == self.totals[quota.pk]
            assert 0 <= quota.balance_minor <= quota.total_minor
            counted = quota.total_minor - self.issued[quota.pk] + self.returned[quota.pk]
            assert quota.balance_minor == counted, "the quota does not add up"

    @invariant()
    def coupons_add_up(self) -> None:
        rows = Coupon.objects.values_list(
            "pk", "face_minor", "balance_minor", "consumed_minor", "recalled_minor", "expired_minor"
        )
        for pk, face, balance, consumed, recalled, expired in rows:
            known = self.known[pk]
            assert (balance, consumed, recalled + expired) == (known.balance, known.consumed, known.ended)
            assert consumed + recalled + expired <= face

    @invariant()
    def every_entry_has_its_record(self) -> None:
        entries = dict(LedgerEntry.objects.values_list("operation_id", "amount_minor"))
        records = OperationRecord.objects.exclude(operation_id="").values_list("operation_id", "amount_minor")
        assert dict(records) == entries, "entries and records differ"
        assert len(records) == len(entries)

    # --- helpers

    def quota(self, place: int) -> Quota:
        return Quota.objects.select_related("partner").get(pk=sorted(self.totals)[place])

    def is_open(self, quota: int) -> bool:
        return Quota.objects.open(now=self.now).filter(pk=quota).exists()

    def about(self, pk: int) -> dict[str, object]:
        return {"coupon": Coupon.objects.get(pk=pk), "actor": BILLING, "now": self.now}

    def recalled(self, pk: int, amount: int) -> None:
        about = {
            "coupon": Coupon.objects.select_related("partner", "account").get(pk=pk),
            "reason_for_customer": "",
            "remark": "",
            "shown_minor": amount,
            "member": self.member,
            "actor": self.actor,
            "now": self.now,
        }
        proof = recalling.ask_for_code(**about, code="")
        result = recalling.recall_one(**about, partner=self.member.partner, proof=proof)
        assert result.amount_minor == amount

    def give_back(self, known: Known, returned: int) -> None:
        self.returned[known.quota] += returned
        known.ended += known.balance
        known.balance, known.is_over = 0, True

    def row(self, line: int, person: Association) -> ListedRow:
        account = person.account
        return ListedRow(number=line, account_name=account.account_name, customer_name=account.customer_name)

    def does(self, deed: Callable[[], object], may: bool) -> bool:
        """Do a deed that the model says may be done, or must be refused."""
        done = self.tried(deed)
        assert done == may
        return done

    def tried(self, deed: Callable[[], object]) -> bool:
        try:
            deed()
        except Refusal:
            return False
        return True


def run(examples: int) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    # A failing example is shown as it was found: making it smaller takes minutes with a database behind it.
    phases = [Phase.explicit, Phase.generate]
    options = settings(max_examples=examples, stateful_step_count=30, suppress_health_check=checks, phases=phases)
    run_state_machine_as_test(Vouchers, settings=options)


def test_any_order_of_deeds_keeps_the_books() -> None:
    run(int(os.environ.get("HYPOTHESIS_EXAMPLES", "40")))


def test_money_that_does_not_come_back_is_found() -> None:
    with mock.patch.object(balances, "give_back", balances.lapse), pytest.raises(AssertionError, match="add up"):
        run(100)


def test_a_deed_that_is_not_booked_is_found() -> None:
    entries = booking._entries

    def forgotten(*about: object) -> Iterator[LedgerEntry]:
        """Leave what gives money back out of the ledger."""
        return (
            entry
            for entry in entries(*about)
            if entry.debit != LedgerAccount.COUPON or entry.credit != LedgerAccount.QUOTA
        )

    with mock.patch.object(booking, "_entries", forgotten), pytest.raises(AssertionError, match="differ"):
        run(200)
