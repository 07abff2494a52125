"""Review by the vendor's staff: over all partners, marks that are records too, totals of a filter."""

import json
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from partner_center.audit.models import AuditEntry, Deed
from partner_center.audit.verification import Chain, verify
from partner_center.listing.counts import grouped
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner
from tests.people import actor_of, signed_in
from tests.rivals import run_together
from tests.vouchers.making import HUNDRED, make_coupon, make_customer, make_quota
from vouchers.actions import reviewing
from vouchers.actions.booking import Operation, book
from vouchers.models import OperationRecord, Review, ReviewMark
from vouchers.queries import operations
from vouchers.rules import OperationType, Reason

pytestmark = pytest.mark.django_db

PAGE, MARK = reverse("vouchers:platform_operations"), reverse("vouchers:platform_operations_mark")


@pytest.fixture
def records(partner: Partner, other_partner: Partner, fiona: Member, charlie: Member) -> list[OperationRecord]:
    """Three grants and issues here, two at the neighbour; the customer here is Quillfeather."""
    quota = make_quota(partner, number="Q2345-2345-2345")
    customer = make_customer(fiona, customer_name="Quillfeather", account_name="quillfeather_nest")
    make_coupon(quota, customer)
    failure = Operation(
        operation=OperationType.ISSUE,
        quota=quota,
        amount_minor=7 * HUNDRED,
        account=customer.account,
        reason=Reason.NOT_ENOUGH_BALANCE,
        remark="only for our own eyes",
    )
    with transaction.atomic():
        book([failure], partner=partner, actor=actor_of(fiona), now=timezone.now())
    make_coupon(make_quota(other_partner, currency="USD"), make_customer(charlie))
    return list(OperationRecord.objects.order_by("pk"))


def page(staff: Any, **asked: str) -> str:
    response = signed_in(staff).get(PAGE, asked)
    assert response.status_code == 200
    return response.content.decode()


def rows_in(text: str) -> int:
    return text.count('<tr id="row-')


def marks() -> list[tuple[str, str, str]]:
    return list(Review.objects.order_by("pk").values_list("record__public_id", "mark", "note"))


def post(staff: Any, *records: OperationRecord, **data: str) -> Any:
    data.setdefault("mark", "reviewed")
    return signed_in(staff).post(MARK, {"id": [record.public_id for record in records], **data}, follow=True)


# --- the list --------------------------------------------------------------------------------------------------------


def test_all_partners_are_seen_masked_and_without_their_remarks(
    platform_admin: Any, records: list[OperationRecord], partner: Partner, other_partner: Partner
) -> None:
    text = page(platform_admin)
    assert rows_in(text) == 5
    for name in (partner.company_name, other_partner.company_name):
        assert name in text
    assert "Quillfeather" not in text
    assert "only for our own eyes" not in text


@pytest.mark.parametrize("person", ["alice", "dora", "fiona", "charlie"])
def test_nobody_of_a_partner_comes_in(
    request: pytest.FixtureRequest, records: list[OperationRecord], person: str
) -> None:
    client = signed_in(request.getfixturevalue(person))
    assert client.get(PAGE).status_code == 403
    assert client.get(reverse("vouchers:platform_totals")).status_code == 403
    for name in ("platform_operations_mark", "platform_operations_export"):
        data = {"id": records[0].public_id, "mark": "reviewed", "format": "csv"}
        assert client.post(reverse(f"vouchers:{name}"), data).status_code == 403
    assert not Review.objects.exists()


def test_filters(platform_admin: Any, records: list[OperationRecord], partner: Partner) -> None:
    asked = [
        ({"partner": partner.public_id}, 3), ({"operation": "grant"}, 2), ({"result": "failure"}, 1),
        ({"operator": "Fiona"}, 1), ({"quota": "q2345-2345-2345"}, 3), ({"kind": "cash_coupon"}, 0),
        ({"review": "unreviewed"}, 5), ({"review": "flagged"}, 0),
    ]  # fmt: skip
    for filters, found in asked:
        assert rows_in(page(platform_admin, **filters)) == found, filters
    answer = signed_in(platform_admin).post(PAGE, {"customer_name": "Quillfeather"})
    assert "Quillfeather" not in answer["Location"]
    assert rows_in(signed_in(platform_admin).get(answer["Location"]).content.decode()) == 2


@pytest.mark.parametrize("asked", [{"partner": "nobody"}, {"review": "x"}, {"hint": "x"}, {"kind": "\x00"}])
def test_what_is_asked_wrongly_shows_nothing(
    platform_admin: Any, records: list[OperationRecord], asked: dict[str, str]
) -> None:
    response = signed_in(platform_admin).get(PAGE, asked)
    assert response.status_code == 422
    assert rows_in(response.content.decode()) == 0


def test_that_staff_read_it_stands_in_the_chain_of_the_platform(
    platform_admin: Any, records: list[OperationRecord]
) -> None:
    page(platform_admin), page(platform_admin)
    (entry,) = AuditEntry.objects.filter(deed=Deed.LOG_VIEWED)
    assert (entry.partner, entry.actor_id) == (None, platform_admin.public_id)


# --- marks -----------------------------------------------------------------------------------------------------------


def test_marked_operations_leave_the_unreviewed_and_the_newest_mark_counts(
    platform_admin: Any, records: list[OperationRecord]
) -> None:
    one, two = records[0], records[3]
    assert "2 operations marked." in post(platform_admin, one, two).content.decode()
    assert rows_in(page(platform_admin, review="unreviewed")) == 3
    post(platform_admin, one, mark="flagged", note="Ask who asked for it")
    assert rows_in(page(platform_admin, review="flagged")) == rows_in(page(platform_admin, review="reviewed")) == 1
    assert "Ask who asked for it" in page(platform_admin, review="flagged")
    assert marks() == [
        (one.public_id, "reviewed", ""), (two.public_id, "reviewed", ""),
        (one.public_id, "flagged", "Ask who asked for it"),
    ]  # fmt: skip


def test_a_mark_is_a_record_of_the_partners_review_chain_and_a_deed(
    platform_admin: Any, records: list[OperationRecord], partner: Partner, other_partner: Partner
) -> None:
    post(platform_admin, *records)
    for owner, count in ((partner, 3), (other_partner, 2)):
        assert verify(Chain(Review, owner.public_id)) == (count, None)
    review = Review.objects.earliest("pk")
    assert (review.actor_id, review.record_id_text) == (platform_admin.public_id, review.record.public_id)
    (entry,) = AuditEntry.objects.filter(deed=Deed.OPERATION_REVIEWED)
    assert (entry.partner, json.loads(entry.details)) == (None, {"mark": "reviewed", "rows": 5})
    for change in ("UPDATE vouchers_review SET mark = 'reviewed'", "DELETE FROM vouchers_review"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(change)


def test_a_flag_needs_a_note(platform_admin: Any, records: list[OperationRecord]) -> None:
    assert "Say what is wrong" in post(platform_admin, records[0], mark="flagged").content.decode()
    assert marks() == []
    assert not AuditEntry.objects.filter(deed=Deed.OPERATION_REVIEWED).exists()


def test_all_that_match_are_marked_and_no_more(platform_admin: Any, records: list[OperationRecord]) -> None:
    client = signed_in(platform_admin)
    data = {"mark": "reviewed", "filter": "operation=issue"}
    assert "3 rows match now, not 4" in client.post(MARK, {**data, "all_matching": "4"}, follow=True).content.decode()
    assert marks() == []
    answer = client.post(MARK, {**data, "all_matching": "3"})
    assert answer["Location"] == f"{PAGE}?operation=issue"
    assert {record for record, _mark, _note in marks()} == {
        record.public_id for record in records if record.operation == "issue"
    }


@pytest.mark.parametrize(
    "data",
    [
        {"id": []}, {"id": ["A" * 22]}, {"id": ["\x00"]}, {"id": ["own"], "mark": "approved"},
        {"id": ["own"], "mark": ""},
        {"all_matching": "0"}, {"all_matching": "5", "filter": "operation=steal"},
        {"all_matching": "5", "filter": "f=broken"}, {"id": ["own"], "note": "x" * 201},
        {"id": ["own"], "note": "a\x00b"},
    ],
)  # fmt: skip
def test_a_bad_wish_marks_nothing_and_says_so(
    platform_admin: Any, records: list[OperationRecord], data: dict[str, Any]
) -> None:
    ids = [records[0].public_id if each == "own" else each for each in data.get("id", [])]
    answer = signed_in(platform_admin).post(MARK, {"mark": "reviewed", **data, "id": ids}, follow=True)
    assert answer.status_code in (200, 422)
    assert [message.level_tag for message in answer.context["messages"]] == ["error"]
    assert marks() == []


@pytest.mark.django_db(transaction=True)
def test_marks_of_many_at_once_stay_one_chain_each(platform_admin: Any, records: list[OperationRecord]) -> None:
    actor, now = Actor.person(platform_admin), timezone.now()

    def marks_all(turn: int) -> int:
        order = records if turn % 2 else records[::-1]
        return reviewing.mark(records=order, as_=ReviewMark.REVIEWED, note="", actor=actor, now=now)

    assert run_together(12, marks_all) == [5] * 12
    for owner in Partner.objects.all():
        assert verify(Chain(Review, owner.public_id)).fault is None
    assert Review.objects.count() == 60


# --- totals ----------------------------------------------------------------------------------------------------------


def test_totals_of_a_filter_by_type_result_and_currency(platform_admin: Any, records: list[OperationRecord]) -> None:
    text = signed_in(platform_admin).get(reverse("vouchers:platform_totals")).content.decode()
    for told in ("1,000.00 CNY", "1,000.00 USD", "100.00 CNY", "100.00 USD", "700.00 CNY", "Exact"):
        assert told in text, told
    some = signed_in(platform_admin).get(reverse("vouchers:platform_totals"), {"result": "failure"}).content.decode()
    assert "700.00 CNY" in some
    assert "100.00 USD" not in some
    none = signed_in(platform_admin).get(reverse("vouchers:platform_totals"), {"result": "steal"}).content.decode()
    assert "Nothing to add up" in none


def test_totals_beyond_the_budget_say_that_they_are_of_the_newest(
    platform_admin: Any, records: list[OperationRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "MOST_TOTALLED", 2)
    totals = operations.totals(OperationRecord.objects.all())
    assert totals.is_partial
    assert sum(line.count for line in totals.lines) == 2
    text = signed_in(platform_admin).get(reverse("vouchers:platform_totals")).content.decode()
    assert f"only the newest {grouped(2)} records" in text
