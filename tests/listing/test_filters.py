"""Filters by themselves: beginnings, days in the viewer's zone, and what is refused beside the field."""

import sys
import zoneinfo
from datetime import UTC, date, datetime

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from invitations.filters import HistoryFilters
from invitations.models import Invitation
from partner_center.listing.fields import DayField, LineField, PublicIdField
from partner_center.listing.filters import begins_with
from tests.invitations.rows import make_record

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=5)


@pytest.mark.django_db
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS, prefix=TEXTS)
@example(text="a%b", prefix="a%")
@example(text="axb", prefix="a%")
@example(text="A", prefix="a")
@example(text=chr(sys.maxunicode) + "a", prefix=chr(sys.maxunicode))
@example(text="\ud7ff\ue000", prefix="\ud7ff")
@example(text="\ue000", prefix="\ud7ff")
def test_a_beginning_is_what_python_calls_one(alice, text: str, prefix: str) -> None:
    Invitation.objects.all().delete()
    make_record(alice, custom_tag=text)
    assert Invitation.objects.filter(begins_with("custom_tag", prefix)).exists() == text.startswith(prefix)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("zone", "moment", "day"),
    [
        ("Asia/Shanghai", datetime(2026, 11, 19, 15, 59, 59, tzinfo=UTC), date(2026, 11, 19)),
        ("Asia/Shanghai", datetime(2026, 11, 19, 16, 0, 0, tzinfo=UTC), date(2026, 11, 20)),
        ("America/New_York", datetime(2026, 11, 20, 4, 59, 59, tzinfo=UTC), date(2026, 11, 19)),
        # The clocks go back on 1 November: that day has 25 hours, and its last one is inside.
        ("America/New_York", datetime(2026, 11, 2, 4, 59, 59, tzinfo=UTC), date(2026, 11, 1)),
        ("America/New_York", datetime(2026, 11, 1, 4, 0, 0, tzinfo=UTC), date(2026, 11, 1)),
    ],
)
def test_a_day_is_a_day_of_the_viewer(alice, zone: str, moment: datetime, day: date) -> None:
    make_record(alice, created_at=moment)
    with timezone.override(zoneinfo.ZoneInfo(zone)):
        for first, last, expected in ((day, day, 1), (day.replace(year=2025), day.replace(year=2025), 0)):
            values = {"invited_from": first.isoformat(), "invited_to": last.isoformat()}
            found = filters(alice, values)
            assert found.rows().count() == expected
        before = {"invited_to": date.fromordinal(day.toordinal() - 1).isoformat()}
        assert not filters(alice, before).rows().exists()


def filters(member, values: dict[str, str]) -> HistoryFilters:
    return HistoryFilters(values, rows=Invitation.objects.visible_to(member), viewer=member, now=timezone.now())


@pytest.mark.parametrize(
    "text",
    ["a\x00b", "a\nb", "a\x1b[31m", "\ud800", "a\x85b", "x" * 201, "\x7f", "a\tb"],
    ids=lambda text: repr(text)[:20],
)
def test_a_line_refuses_what_is_no_line(text: str) -> None:
    with pytest.raises(ValidationError):
        LineField(required=False).clean(text)


@pytest.mark.parametrize(
    "text", ["", "a", "x" * 200, "' OR 1=1--", "%_\\", "{{7*7}}", "展会 2026", "e\u0301", "👩‍👩‍👧"]
)
def test_a_line_takes_every_plain_text(text: str) -> None:
    assert LineField(required=False).clean(text) == text


@pytest.mark.parametrize(
    "text", ["2026-02-30", "0001-01-01", "9999-12-31", "20/11/2026", "now", "2026-11-20 10:00", "\x00"]
)
def test_a_day_refuses_what_is_no_day(text: str) -> None:
    with pytest.raises(ValidationError):
        DayField(required=False).clean(text)


@pytest.mark.parametrize("text", ["../1", "a" * 23, "a b", "a\n", "1 OR 1=1", "é"])
def test_a_public_id_refuses_everything_else(text: str) -> None:
    with pytest.raises(ValidationError):
        PublicIdField(required=False).clean(text)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"invited_from": "2026-11-20", "invited_to": "2026-11-19"}, "invited_to"),
        ({"expires_from": "2001-01-01", "expires_to": "2101-01-01"}, "expires_to"),
        ({"email": "x"}, "email"),
        ({"mobile": "abc"}, "mobile"),
        ({"mobile": "+86 1"}, "mobile"),
        ({"customer_name": "\u200b\u200b"}, "customer_name"),
        ({"method": "telepathy"}, "method"),
        ({"status": "' OR 1=1--"}, "status"),
        ({"job": "not-an-id-at-all-but-long"}, "job"),
    ],
)
def test_a_fault_stands_beside_its_field_and_matches_nothing(alice, values: dict[str, str], field: str) -> None:
    make_record(alice)
    found = filters(alice, values)
    assert list(found.form.errors) == [field]
    assert not found.rows().exists()
