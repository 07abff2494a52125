"""Plans of issue: what they say of every row, and that they add up; what applying them does, and what it does not."""

from typing import Any

import pytest
from django.utils import timezone

from partner_center.jobs import actions as jobs
from partner_center.jobs import worker
from partner_center.jobs.actions import NothingToApply, PlanAlreadyApplied, PlanChanged
from partner_center.jobs.faulty_rows import faulty_rows_file
from partner_center.jobs.kinds import item_kind
from partner_center.jobs.models import Job
from partner_center.jobs.rules import FileFormat
from partner_center.mail.models import MailOutbox
from partner_center.tenancy.models import Member, Partner, new_public_id
from tests.people import actor_of, make_account, make_member
from tests.vouchers.making import HUNDRED, make_customer, make_quota, part_with, told
from tests.vouchers.making_issue import (
    apply,
    carry_out,
    make_member_account,
    make_plan,
    make_terms,
    put_on_list,
    records_of,
    results,
    rows_of,
    verdicts,
)
from vouchers.actions import planning
from vouchers.actions.issuing import IssueRefused
from vouchers.actions.planning import Chosen
from vouchers.models import Coupon, LedgerEntry, OperationRecord, Quota
from vouchers.rules import Reason
from vouchers.rules.issuing import Policy

pytestmark = pytest.mark.django_db

GOES = ("issue", "")


def columns(quota: Quota) -> tuple[int, int, int]:
    quota.refresh_from_db()
    return quota.balance_minor, quota.outstanding_minor, quota.issued_count


def test_250_of_quota_at_100_each_is_enough_for_two(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner, 250_00)
    chosen = [make_customer(fiona) for _ in range(3)]

    job = make_plan(quota, chosen, fiona)

    assert verdicts(job) == [GOES, GOES, ("over_quota", "not_enough_balance")]
    amounts = [(row.payload["before"], row.payload["after"]) for row in rows_of(job)]
    assert amounts == [(250_00, 150_00), (150_00, 50_00), (50_00, 50_00)]
    assert rows_of(job)[0].note == "100.00 CNY · 250.00 CNY → 150.00 CNY"
    assert (Coupon.objects.count(), records_of(quota), columns(quota)) == (0, [], (250_00, 0, 0))

    carry_out(job, fiona)

    assert results(job) == [("done", ""), ("done", ""), ("skipped", "not_enough_balance")]
    assert [coupon.account for coupon in Coupon.objects.order_by("pk")] == [each.account for each in chosen[:2]]
    assert records_of(quota) == [("failure", "not_enough_balance"), ("success", ""), ("success", "")]
    assert columns(quota) == (50_00, 2 * HUNDRED, 2)
    assert LedgerEntry.objects.filter(operation="issue").count() == 2
    assert MailOutbox.objects.filter(kind="coupon_issued").count() == 2


def test_a_coupon_carries_its_terms_and_whence_it_came(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner, kind="cash_coupon", order_types=["new"], services=["a", "b"])
    customer = make_customer(fiona)
    version = put_on_list(fiona, [customer.account])
    job = make_plan(
        quota, [customer], fiona, remark="For the fair", ratio_percent=30, min_order_minor=5, services=("a",)
    )

    carry_out(job, fiona)

    coupon = Coupon.objects.get()
    assert (coupon.face_minor, coupon.balance_minor, coupon.kind, coupon.model) == (
        HUNDRED, HUNDRED, "cash_coupon", "reseller",
    )  # fmt: skip
    assert (coupon.order_types, coupon.services, coupon.products) == (["new"], ["a"], [])
    assert (coupon.ratio_percent, coupon.min_order_minor, coupon.remark) == (30, 5, "For the fair")
    assert (coupon.effective_at, coupon.expires_at) == (quota.effective_at, quota.expires_at)
    assert (coupon.whitelist_version, coupon.job, coupon.issued_by) == (version, job, fiona)
    record = OperationRecord.objects.get(operation="issue")
    assert (record.coupon_id, record.whitelist_version, record.remark, record.job_id) == (
        coupon.public_id, version.number, "For the fair", job.public_id,
    )  # fmt: skip


def test_a_cash_coupon_for_a_member_goes_to_the_master_and_says_so(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner, kind="cash_coupon")
    master = make_account(customer_name="Group Master", account_name="group-master", enterprise_role="master")
    member = make_customer(fiona, **make_member_account(master, custody="unified"))
    other = make_customer(fiona, **make_member_account(master))
    lost = make_customer(fiona, **make_member_account(None))
    put_on_list(fiona, [member.account, other.account, lost.account])

    job = make_plan(quota, [member, other, lost], fiona)

    assert verdicts(job) == [
        ("issue_to_master", ""), ("duplicate", "duplicate_master"), ("refused", "master_missing"),
    ]  # fmt: skip
    assert rows_of(job)[0].label.endswith(" → G** · gr***r")
    carry_out(job, fiona)
    coupon = Coupon.objects.get()
    assert (coupon.account, coupon.chosen_account, coupon.association) == (master, member.account, member)
    done = OperationRecord.objects.get(operation="issue", result="success")
    assert (done.account_id, done.chosen_account_id) == (master.public_id, member.account.public_id)


def test_a_custody_member_gets_no_voucher_but_another_member_does(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner)
    master = make_account(enterprise_role="master")
    custody = make_customer(fiona, **make_member_account(master, custody="unified"))
    independent = make_customer(fiona, **make_member_account(master, custody="independent"))

    job = make_plan(quota, [custody, independent], fiona)

    assert verdicts(job) == [("refused", "custody_member"), GOES]
    carry_out(job, fiona)
    assert Coupon.objects.get().account == independent.account


def test_what_the_quota_asks_of_customers(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner, has_named_customers=True, first_associated_only=True)
    named, stranger, returned = (make_customer(fiona) for _ in range(3))
    quota.named_customers.set([named.account, returned.account])
    part_with(returned, actor=actor_of(fiona))
    returned.pk, returned.ended_at, returned.public_id = None, None, new_public_id()
    returned.save(force_insert=True)

    job = make_plan(quota, [named, stranger, returned], fiona)

    assert verdicts(job) == [GOES, ("refused", "not_named"), ("refused", "not_first_associated")]


@pytest.mark.parametrize(
    ("kind", "fields", "list_kind"),
    [
        ("cash_coupon", {}, "customer"),
        ("pickup_coupon", {}, "pickup"),
        ("voucher", {"whitelist_required": True}, "customer"),
    ],
)
def test_the_whitelist_of_the_kind_decides(
    partner: Partner, fiona: Member, kind: str, fields: dict[str, Any], list_kind: str
) -> None:
    quota = make_quota(partner, kind=kind, **fields)
    listed, unlisted = make_customer(fiona), make_customer(fiona)

    assert {reason for _verdict, reason in verdicts(make_plan(quota, [listed], fiona))} == {"no_whitelist"}
    put_on_list(fiona, [unlisted.account], kind="pickup" if list_kind == "customer" else "customer")
    put_on_list(fiona, [listed.account], kind=list_kind)
    assert verdicts(make_plan(quota, [listed, unlisted], fiona)) == [GOES, ("refused", "not_on_whitelist")]


def test_a_voucher_asks_for_no_whitelist_by_itself(partner: Partner, fiona: Member) -> None:
    assert verdicts(make_plan(make_quota(partner), [make_customer(fiona)], fiona)) == [GOES]


def test_an_account_manager_issues_to_his_own_customers_only(
    partner: Partner, fiona: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, theirs = make_customer(fiona), make_customer(make_member(partner, "Colleague", "operator"))
    monkeypatch.setattr(Member, "sees_everybody", False)

    assert verdicts(make_plan(make_quota(partner), [mine, theirs], fiona)) == [GOES, ("refused", "not_permitted")]


# --- lists ---------------------------------------------------------------------------------------


def test_a_typed_list_says_what_is_wrong_with_every_row(partner: Partner, fiona: Member, charlie: Member) -> None:
    ours = make_customer(fiona, account_name="ours-five", customer_name="Ours")
    make_customer(charlie, account_name="theirs-five")
    typed = [
        Chosen(number=2, account_name="ours-five", customer_name="Ours"),
        Chosen(number=3, account_name="theirs-five"),
        Chosen(number=4, account_name="nobody-five"),
        Chosen(number=5, account_name="ours-five", customer_name="Hours"),
        Chosen(number=6, account_name="?", fault=Reason.BAD_REQUEST, note="Not an account name."),
        Chosen(number=7, account_name="ours-five"),
    ]

    job = make_plan(make_quota(partner), planning.of_names(typed, partner=partner), fiona)

    assert verdicts(job) == [
        GOES,
        ("refused", "unknown_customer"),
        ("refused", "unknown_customer"),
        ("refused", "name_differs"),
        ("refused", "bad_request"),
        ("duplicate", "duplicate"),
    ]
    assert rows_of(job)[4].note == "Not an account name."
    assert ours.account.customer_name not in "".join(row.label + row.note for row in rows_of(job))


def test_rows_to_mend_come_back_as_they_were_typed(partner: Partner, fiona: Member) -> None:
    typed = [Chosen(number=2, account_name="nobody-five", customer_name="=1+1")]
    job = make_plan(make_quota(partner), planning.of_names(typed, partner=partner), fiona)
    layout = item_kind("issue").faulty_rows(job)

    assert layout is not None
    text = faulty_rows_file(job, item_kind("issue"), layout, file_format=FileFormat.CSV).decode()
    assert "nobody-five" in text
    assert "No customer of yours has this account name" in text
    assert "\n=1+1" not in text.replace(",", "\n")
    assert item_kind("issue").faulty_rows(make_plan(make_quota(partner), [make_customer(fiona)], fiona)) is None


# --- refused before a plan -----------------------------------------------------------------------


def test_a_quota_that_gives_nothing_makes_no_plan(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner, status="frozen")

    with pytest.raises(IssueRefused) as refused:
        make_plan(quota, [make_customer(fiona)], fiona)
    assert refused.value.reason == Reason.QUOTA_NOT_NORMAL
    assert not Job.objects.exists()


# --- all or nothing ------------------------------------------------------------------------------


def test_all_or_nothing_plans_nothing_when_a_row_is_refused(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner, 250_00)
    job = make_plan(quota, [make_customer(fiona) for _ in range(3)], fiona, policy=Policy.ALL)

    assert verdicts(job) == [
        ("refused", "all_or_nothing"), ("refused", "all_or_nothing"), ("over_quota", "not_enough_balance"),
    ]  # fmt: skip
    assert all(row.payload["before"] == row.payload["after"] == 250_00 for row in rows_of(job))
    with pytest.raises(NothingToApply):
        apply(job, fiona)
    assert (Coupon.objects.count(), records_of(quota)) == (0, [])


def test_all_or_nothing_issues_nothing_when_a_row_has_drifted(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner)
    chosen = [make_customer(fiona) for _ in range(3)]
    job = make_plan(quota, chosen, fiona, policy=Policy.ALL)
    part_with(chosen[1], actor=actor_of(fiona))

    carry_out(job, fiona)

    missed = [("skipped", "all_or_nothing"), ("skipped", "not_own_customer"), ("skipped", "all_or_nothing")]
    assert results(job) == missed
    assert records_of(quota) == [("failure", reason) for _state, reason in missed]
    assert (Coupon.objects.count(), columns(quota)) == (0, (10 * HUNDRED, 0, 0))


def test_all_or_nothing_issues_all_in_one_transaction(partner: Partner, fiona: Member, monkeypatch: Any) -> None:
    quota = make_quota(partner)
    monkeypatch.setattr("vouchers.tasks.issuing.IssueBatch.chunk_rows", 2)
    job = make_plan(quota, [make_customer(fiona) for _ in range(5)], fiona, policy=Policy.ALL)

    carry_out(job, fiona)

    assert (Coupon.objects.count(), columns(quota)) == (5, (5 * HUNDRED, 5 * HUNDRED, 5))


# --- drift ---------------------------------------------------------------------------------------


def test_who_left_the_whitelist_or_the_partner_is_skipped_and_told(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner, kind="cash_coupon")
    chosen = [make_customer(fiona) for _ in range(4)]
    put_on_list(fiona, [each.account for each in chosen])
    job = make_plan(quota, chosen, fiona)
    put_on_list(fiona, [each.account for each in chosen if each is not chosen[1]])
    part_with(chosen[2], actor=actor_of(fiona))

    carry_out(job, fiona)

    assert results(job) == [
        ("done", ""), ("skipped", "not_on_whitelist"), ("skipped", "not_own_customer"), ("done", ""),
    ]  # fmt: skip
    assert records_of(quota) == [
        ("success", ""), ("failure", "not_on_whitelist"), ("failure", "not_own_customer"), ("success", ""),
    ]  # fmt: skip
    left = OperationRecord.objects.get(reason="not_own_customer")
    assert left.chosen_account_id == chosen[2].account.public_id
    assert columns(quota) == (8 * HUNDRED, 2 * HUNDRED, 2)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "frozen"}, "quota_not_normal"),
        ({"expires_at": timezone.now()}, "quota_not_effective"),
        ({"max_face_minor": HUNDRED - 1}, "face_too_large"),
        ({"allowed_models": ["referral"]}, "model_not_allowed"),
        ({"issued_count": 2, "max_count": 2}, "too_many_coupons"),
    ],
    ids=told,
)
def test_a_quota_that_changed_skips_every_row(
    partner: Partner, fiona: Member, change: dict[str, Any], reason: str
) -> None:
    quota = make_quota(partner)
    job = make_plan(quota, [make_customer(fiona) for _ in range(2)], fiona)
    apply(job, fiona)
    Quota.objects.filter(pk=quota.pk).update(**change)

    worker.work_due(now=timezone.now(), budget=60)

    assert results(job) == [("skipped", reason)] * 2
    assert records_of(quota) == [("failure", reason)] * 2
    assert not Coupon.objects.exists()


def test_a_plan_of_a_quota_that_was_frozen_cannot_be_applied(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner)
    job = make_plan(quota, [make_customer(fiona)], fiona)
    Quota.objects.filter(pk=quota.pk).update(status="frozen")

    with pytest.raises(IssueRefused) as refused:
        apply(job, fiona)
    assert refused.value.reason == Reason.QUOTA_NOT_NORMAL
    job.refresh_from_db()
    assert (job.state, records_of(quota)) == ("planned", [])


def test_two_plans_for_the_last_of_a_quota_issue_it_once(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner, HUNDRED)
    first, second = (make_plan(quota, [make_customer(fiona)], fiona) for _ in range(2))

    carry_out(first, fiona)
    carry_out(second, fiona)

    assert (results(first), results(second)) == ([("done", "")], [("skipped", "not_enough_balance")])
    assert columns(quota) == (0, HUNDRED, 1)


def test_a_member_whose_master_changed_is_drift(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner, kind="cash_coupon")
    member = make_customer(fiona, **make_member_account(make_account(enterprise_role="master")))
    put_on_list(fiona, [member.account])
    job = make_plan(quota, [member], fiona)
    member.account.master = make_account(enterprise_role="master")
    member.account.save(update_fields=["master"])

    carry_out(job, fiona)

    assert results(job) == [("skipped", "changed_since_plan")]


def test_terms_that_are_not_those_of_the_digest_issue_nothing(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner)
    job = make_plan(quota, [make_customer(fiona)], fiona)
    job.parameters["terms"] = make_terms(quota, 9 * HUNDRED).as_parameters()
    job.save(update_fields=["parameters"])

    carry_out(job, fiona)

    assert results(job) == [("skipped", "changed_since_plan")]
    assert not Coupon.objects.exists()


def test_an_edited_row_is_not_the_plan(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner)
    job = make_plan(quota, [make_customer(fiona)], fiona)
    row = rows_of(job)[0]
    row.payload["customer"] = make_customer(fiona).pk
    row.save(update_fields=["payload"])

    with pytest.raises(PlanChanged):
        apply(job, fiona)
    assert records_of(quota) == []


def test_a_double_click_issues_once(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner)
    job = make_plan(quota, [make_customer(fiona)], fiona)

    apply(job, fiona)
    with pytest.raises(PlanAlreadyApplied):
        jobs.apply_plan(job=job, digest=job.digest, actor=actor_of(fiona), now=timezone.now())
    worker.work_due(now=timezone.now(), budget=60)
    worker.work_due(now=timezone.now(), budget=60)
    assert (Coupon.objects.count(), records_of(quota)) == (1, [("success", "")])


def test_many_chunks_add_up(partner: Partner, fiona: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vouchers.tasks.issuing.IssueBatch.chunk_rows", 2)
    quota = make_quota(partner, 5 * HUNDRED)
    job = make_plan(quota, [make_customer(fiona) for _ in range(7)], fiona)

    carry_out(job, fiona)

    assert [state for state, _reason in results(job)] == ["done"] * 5 + ["skipped"] * 2
    assert columns(quota) == (0, 5 * HUNDRED, 5)
    assert len(records_of(quota)) == 7
