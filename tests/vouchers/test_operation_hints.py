"""Hints: pure rules at their thresholds, and the same judgement by the database's facts, on a page and as a filter."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner
from tests.people import actor_of, signed_in
from tests.vouchers.making import make_customer, make_quota
from vouchers.actions.booking import Operation, book
from vouchers.models import OperationRecord
from vouchers.queries import operations
from vouchers.rules import OperationType, Reason
from vouchers.rules.hints import THRESHOLDS, Facts, Hint, Thresholds, explain, hints_of

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai
SHANGHAI = ZoneInfo("Asia/Shanghai")
LONG_AGO = NOON - timedelta(days=400)


def facts(**changes: Any) -> Facts:
    """Describe an issue at noon to a customer who has had coupons before: nothing is to be noticed about it."""
    told: dict[str, Any] = {
        "operation": "issue", "succeeded": True, "actor_kind": "member", "amount_minor": 100, "occurred_at": NOON,
        "zone": SHANGHAI, "last_issue_at": LONG_AGO,
    }  # fmt: skip
    return Facts(**{**told, **changes})


def test_nothing_is_noticed_about_an_ordinary_issue() -> None:
    assert hints_of(facts()) == ()


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"burst_from": NOON - THRESHOLDS.burst}, Hint.BURST),
        ({"occurred_at": NOON.replace(hour=14)}, Hint.NIGHT),  # 22:00
        ({"occurred_at": NOON.replace(hour=22, minute=59)}, Hint.NIGHT),  # 06:59
        ({"occurred_at": NOON, "zone": ZoneInfo("America/New_York")}, Hint.NIGHT),
        ({"last_recall_at": NOON - THRESHOLDS.loop}, Hint.LOOP),
        ({"operation": "recall", "last_issue_at": NOON - THRESHOLDS.loop}, Hint.LOOP),
        ({"last_issue_at": None, "amount_minor": THRESHOLDS.high_minor}, Hint.FIRST_HIGH),
    ],
)
def test_each_hint_at_its_threshold(changes: dict[str, Any], hint: Hint) -> None:
    assert hints_of(facts(**changes)) == (hint,)
    assert explain(hint)


@pytest.mark.parametrize(
    "changes",
    [
        {"burst_from": NOON - THRESHOLDS.burst - timedelta(seconds=1)},
        {"occurred_at": NOON.replace(hour=13, minute=59)},
        {"occurred_at": NOON.replace(hour=23)},
        {"last_recall_at": NOON - THRESHOLDS.loop - timedelta(seconds=1)},
        {"operation": "recall", "last_issue_at": NOON - THRESHOLDS.loop - timedelta(seconds=1)},
        {"last_issue_at": None, "amount_minor": THRESHOLDS.high_minor - 1},
        {"amount_minor": THRESHOLDS.high_minor},
        {"succeeded": False, "last_issue_at": None, "amount_minor": THRESHOLDS.high_minor},
        {"succeeded": False, "last_recall_at": NOON},
        {"actor_kind": "api", "burst_from": NOON, "occurred_at": NOON.replace(hour=18)},
        {"operation": "expire", "last_issue_at": NOON, "occurred_at": NOON.replace(hour=18)},
        {"operation": "consume", "last_issue_at": NOON, "actor_kind": "platform"},
    ],
)
def test_what_is_just_short_of_it_or_not_the_partners_deed_is_not_noticed(changes: dict[str, Any]) -> None:
    assert hints_of(facts(**changes)) == ()


def test_a_changed_threshold_changes_the_judgement_and_the_words() -> None:
    stricter = Thresholds(loop=timedelta(days=1), burst_count=3)
    assert hints_of(facts(last_recall_at=NOON - timedelta(days=2)), stricter) == ()
    assert "3 or more" in explain(Hint.BURST, stricter)


# --- by the database's facts -----------------------------------------------------------------------------------------


@pytest.fixture
def log(partner: Partner, fiona: Member, other_partner: Partner, charlie: Member) -> dict[str, list[OperationRecord]]:
    """Operations of every sort, each at noon of its own day, and the same at a neighbour whose past is not theirs."""
    quota, first, second = make_quota(partner), make_customer(fiona), make_customer(fiona)
    neighbour = make_quota(other_partner)

    def wrote(day: int, *deeds: Operation, hour: int = 4, actor: Actor | None = None) -> list[OperationRecord]:
        at = NOON.replace(day=1, hour=hour) + timedelta(days=day)
        owner = deeds[0].quota.partner
        with transaction.atomic():
            return book(list(deeds), partner=owner, actor=actor or actor_of(fiona), now=at)

    def deed(customer: Any, operation: str = "issue", amount: int = 100, **more: Any) -> Operation:
        return Operation(
            operation=OperationType(operation),
            **{"quota": quota, "amount_minor": amount, "account": customer.account, **more},
        )

    high = THRESHOLDS.high_minor
    return {
        "plain": wrote(0, deed(first)),
        "first_high": wrote(2, deed(second, amount=high)),
        "refused": wrote(3, deed(second, amount=high, reason=Reason.NOT_ENOUGH_BALANCE)),
        "second": wrote(4, deed(second, amount=high)),
        "loop": wrote(5, deed(second, "recall")),
        "again": wrote(6, deed(second)),
        "night": wrote(15, deed(first), hour=18),
        "late": wrote(20, deed(second, "expire"), actor=Actor.system("sweep"), hour=18),
        "burst": wrote(25, *[deed(first) for _number in range(THRESHOLDS.burst_count)]),
        "neighbour": wrote(8, deed(second, amount=high, quota=neighbour), actor=actor_of(charlie)),
    }


def judged(staff: Any) -> dict[str, tuple[Hint, ...]]:
    rows = operations.of_everybody(staff).values("public_id", *operations.FACTS)
    return {row["public_id"]: operations.hints_of_row(row) for row in rows}


@pytest.mark.django_db
def test_the_facts_of_the_log_lead_to_the_same_hints(
    log: dict[str, list[OperationRecord]], platform_admin: Any
) -> None:
    found = judged(platform_admin)
    hints = {name: [found[record.public_id] for record in records] for name, records in log.items()}
    burst = hints.pop("burst")
    assert burst == [()] * (THRESHOLDS.burst_count - 1) + [(Hint.BURST,)]
    assert hints == {
        "plain": [()],
        "first_high": [(Hint.FIRST_HIGH,)],
        "refused": [()],
        "second": [()],
        "loop": [(Hint.LOOP,)],
        "again": [(Hint.LOOP,)],
        "night": [(Hint.NIGHT,)],
        "late": [()],
        "neighbour": [(Hint.FIRST_HIGH,)],
    }


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("hint", "names"),
    [
        ("any", {"first_high", "loop", "again", "night", "neighbour", "burst"}),
        ("burst", {"burst"}),
        ("night", {"night"}),
        ("loop", {"loop", "again"}),
        ("first_high", {"first_high", "neighbour"}),
    ],
)
def test_the_filter_finds_what_the_column_shows(
    log: dict[str, list[OperationRecord]], platform_admin: Any, hint: str, names: set[str]
) -> None:
    page = signed_in(platform_admin).get(reverse("vouchers:platform_operations"), {"hint": hint, "size": 100})
    text = page.content.decode()
    assert {name for name, records in log.items() if f'row-{records[-1].public_id}"' in text} == names
    assert text.count('<tr id="row-') == len(names)


@pytest.mark.django_db
def test_the_filter_judges_no_more_than_it_says(
    log: dict[str, list[OperationRecord]], platform_admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "MOST_JUDGED", THRESHOLDS.burst_count + 2)
    rows = OperationRecord.objects.all()
    found = set(operations.hinted(rows, list(Hint)))
    assert found == {log[name][-1].pk for name in ("burst", "neighbour", "night")}


@pytest.mark.django_db
def test_a_page_with_hints_asks_no_more_questions_for_more_rows(
    log: dict[str, list[OperationRecord]], platform_admin: Any
) -> None:
    client, address = signed_in(platform_admin), reverse("vouchers:platform_operations")
    client.get(address)
    counts = []
    for size in ("20", "100"):
        with CaptureQueriesContext(connection) as captured:
            client.get(address, {"size": size})
        counts.append(len(captured))
    assert counts[0] == counts[1]
