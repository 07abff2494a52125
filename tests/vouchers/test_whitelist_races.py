"""A list that changes while coupons are issued by it, and lists that are imported and activated at the same moment."""

import threading

import pytest
from django.db import transaction
from django.utils import timezone

from customers.models import Association
from partner_center.tenancy.models import Member
from tests.people import actor_of
from tests.rivals import run_together
from tests.vouchers.making import make_coupon, make_customer, make_quota
from tests.vouchers.whitelisting import activate, import_list, list_in_force, rows_of
from vouchers.actions import issuing, whitelists
from vouchers.models import Coupon, Quota, Whitelist, WhitelistVersion
from vouchers.queries import receivers
from vouchers.queries.whitelists import active_version, listed_accounts
from vouchers.rules import Reason
from vouchers.rules.issuing import terms_within

pytestmark = pytest.mark.django_db(transaction=True)

RIVALS, ROUNDS = 8, 3
WAIT = 30


def issue_if_listed(quota: Quota, customer: Association, *, lock: bool = True, between: object = None) -> bool:
    """Issue as the product does: the version is read, and locked, in the transaction that writes the coupon."""
    with transaction.atomic():
        version = active_version(quota.partner, "customer", lock=lock)
        assert version is not None
        is_listed = bool(listed_accounts(version, [customer.account_id]))
        if callable(between):
            between()
        if is_listed:
            make_coupon(quota, customer, 1, whitelist_version=version)
    return is_listed


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_nobody_gets_a_coupon_once_the_version_without_him_is_in_force(
    fiona: Member, monkeypatch: pytest.MonkeyPatch, _round: int
) -> None:
    removed, kept = make_customer(fiona), make_customer(fiona)
    quota = make_quota(fiona.partner, kind="cash_coupon")
    first = list_in_force(fiona, removed, kept)
    draft = import_list(fiona, kept)
    # What each deed does last while it holds the lock; so this is the order in which they held it.
    order: list[str] = []
    monkeypatch.setattr(whitelists, "_forget_rejected", lambda _version: order.append("activated"))

    def deed(number: int) -> None:
        if number == RIVALS // 2:
            activate(draft)
        else:
            issue_if_listed(quota, removed, between=lambda: order.append("judged"))

    assert run_together(RIVALS, deed) == [None] * RIVALS
    judged_before = order.index("activated")
    assert len(order) == RIVALS
    assert Coupon.objects.filter(account=removed.account).count() == judged_before
    assert set(Coupon.objects.values_list("whitelist_version", flat=True)) <= {first.pk}
    assert not issue_if_listed(quota, removed)


@pytest.mark.parametrize("_round", range(ROUNDS))
def test_the_product_issues_by_the_version_in_force(
    fiona: Member, monkeypatch: pytest.MonkeyPatch, _round: int
) -> None:
    removed, kept = make_customer(fiona), make_customer(fiona)
    quota = make_quota(fiona.partner, kind="cash_coupon")
    first = list_in_force(fiona, removed, kept)
    draft = import_list(fiona, kept)
    order: list[str] = []
    judge = receivers.known_about
    monkeypatch.setattr(receivers, "known_about", lambda *about: (order.append("judged"), judge(*about))[1])
    monkeypatch.setattr(whitelists, "_forget_rejected", lambda _version: order.append("activated"))

    def deed(number: int) -> object:
        return activate(draft) if number == RIVALS // 2 else issue_to(removed, quota, fiona)

    outcomes = run_together(RIVALS, deed)
    judged_before = order.index("activated")
    assert len(order) == RIVALS
    assert outcomes.count(None) == judged_before
    assert outcomes.count(Reason.NOT_ON_WHITELIST) == RIVALS - 1 - judged_before
    assert list(Coupon.objects.values_list("whitelist_version", flat=True)) == [first.pk] * judged_before
    assert issue_to(kept, quota, fiona) is None
    assert Coupon.objects.get(account=kept.account).whitelist_version == draft


def issue_to(customer: Association, quota: Quota, member: Member) -> Reason | None:
    with transaction.atomic():
        [outcome] = issuing.issue(
            quota=quota,
            wanted=[issuing.Wanted(customer=customer.pk)],
            terms=terms_within(quota, face_minor=1),
            member=member,
            actor=actor_of(member),
            now=timezone.now(),
        )
    return outcome.reason


@pytest.mark.postgres
def test_without_the_lock_a_removed_customer_does_get_a_coupon(fiona: Member) -> None:
    """The twin of the race above: what is read and not locked can be old when the coupon is written."""
    removed, kept = make_customer(fiona), make_customer(fiona)
    quota = make_quota(fiona.partner, kind="cash_coupon")
    list_in_force(fiona, removed, kept)
    draft = import_list(fiona, kept)
    is_read, is_activated = threading.Event(), threading.Event()

    def wait_for_activation() -> None:
        is_read.set()
        assert is_activated.wait(WAIT)

    def deed(number: int) -> object:
        if number == 0:
            return issue_if_listed(quota, removed, lock=False, between=wait_for_activation)
        assert is_read.wait(WAIT)
        activate(draft)
        is_activated.set()
        return None

    assert run_together(2, deed) == [True, None]
    version = Coupon.objects.get(account=removed.account).whitelist_version
    assert version is not None
    assert version.status == "superseded"


def test_of_many_activations_at_once_one_wins(fiona: Member) -> None:
    customers = [make_customer(fiona) for _ in range(RIVALS)]
    first = list_in_force(fiona, *customers)
    drafts = [import_list(fiona, customer) for customer in customers]

    outcomes = run_together(RIVALS, lambda number: activate(drafts[number]))
    assert sum(isinstance(outcome, WhitelistVersion) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, whitelists.ListChanged) for outcome in outcomes) == RIVALS - 1
    winner = next(outcome for outcome in outcomes if isinstance(outcome, WhitelistVersion))
    assert active_version(fiona.partner, "customer") == winner
    states = WhitelistVersion.objects.order_by("number").values_list("status", flat=True)
    assert sorted(states) == ["active", *["draft"] * (RIVALS - 1), "superseded"]
    first.refresh_from_db()
    assert first.status == "superseded"


def test_one_draft_is_activated_once(fiona: Member) -> None:
    draft = import_list(fiona, make_customer(fiona))

    def deed(_number: int) -> WhitelistVersion:
        seen = WhitelistVersion.objects.get(pk=draft.pk)
        return whitelists.activate(version=seen, actor=actor_of(fiona), now=timezone.now())

    outcomes = run_together(RIVALS, deed)
    assert sum(isinstance(outcome, WhitelistVersion) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, whitelists.NoDraft) for outcome in outcomes) == RIVALS - 1


def test_a_draft_is_activated_or_discarded_and_not_both(fiona: Member) -> None:
    draft = import_list(fiona, make_customer(fiona))

    def deed(number: int) -> WhitelistVersion:
        act = whitelists.activate if number % 2 else whitelists.discard
        seen = WhitelistVersion.objects.get(pk=draft.pk)
        return act(version=seen, actor=actor_of(fiona), now=timezone.now())

    outcomes = run_together(RIVALS, deed)
    assert sum(isinstance(outcome, WhitelistVersion) for outcome in outcomes) == 1
    draft.refresh_from_db()
    active = active_version(fiona.partner, "customer")
    assert (active == draft, draft.entries.count()) == (draft.status == "active", int(draft.status == "active"))


def test_imports_at_once_get_numbers_without_gaps_or_twins(fiona: Member) -> None:
    rows = rows_of([make_customer(fiona)])

    def deed(_number: int) -> int:
        return whitelists.import_version(
            kind="customer", rows=rows, file_name="", member=fiona, actor=actor_of(fiona), now=timezone.now()
        ).number

    assert sorted(map(str, run_together(RIVALS, deed))) == sorted(map(str, range(1, RIVALS + 1)))
    assert Whitelist.objects.count() == 1
