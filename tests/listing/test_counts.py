"""Counting up to a cap, many things at once, in one statement."""

import pytest
from django.db.models import F
from django.utils.translation import override

from invitations.models import Invitation
from partner_center.listing.counts import ANY_VALUE, Count, Division, Question, Series, count_all
from partner_center.tenancy.models import Member
from tests.invitations.rows import make_records

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows(alice: Member, charlie: Member):
    make_records(alice, 7, custom_tag="a")
    make_records(alice, 3, custom_tag="b")
    make_records(charlie, 5, custom_tag="a")
    return Invitation.objects.visible_to(alice)


def test_counts_are_exact_up_to_the_cap_and_say_so_beyond(rows) -> None:
    counts, _groups = count_all([Question(f"{cap}", (rows,), cap) for cap in (9, 10, 11)])
    assert counts == {"9": Count(9, is_more=True), "10": Count(10), "11": Count(10)}


def test_sets_that_do_not_overlap_are_added_and_capped_together(rows) -> None:
    parts = (rows.filter(custom_tag="a"), rows.filter(custom_tag="b"))
    counts, _groups = count_all([Question("all", parts, 8), Question("enough", parts, 10)])
    assert counts == {"all": Count(8, is_more=True), "enough": Count(10)}


def test_everything_is_asked_in_one_statement(rows, django_assert_num_queries) -> None:
    questions = [Question("a", (rows.filter(custom_tag="a"),), 99), Question("none", (rows.none(),), 99)]
    with django_assert_num_queries(1):
        counts, groups = count_all(questions, division=Division(rows, F("custom_tag"), 99))
    assert counts == {"a": Count(7), "none": Count(0)}
    assert groups == {"a": Count(7), "b": Count(3)}


def test_a_series_asks_for_many_values_what_is_written_once(rows, django_assert_num_queries) -> None:
    series = Series(rows.filter(custom_tag=ANY_VALUE), {"a": "first", "b": "second", "c": "third"}, 5)
    with django_assert_num_queries(1):
        counts, _groups = count_all([Question("all", (rows,), 99)], series)
    assert counts == {"all": Count(10), "first": Count(5, is_more=True), "second": Count(3), "third": Count(0)}


def test_groups_of_too_many_rows_are_lower_bounds(rows) -> None:
    _counts, groups = count_all([Question("all", (rows,), 99)], division=Division(rows, F("custom_tag"), 5))
    assert all(count.is_more for count in groups.values())
    assert sum(count.value for count in groups.values()) == 6


def test_nothing_is_asked_where_nothing_can_be(rows, django_assert_num_queries) -> None:
    with django_assert_num_queries(1):
        counts, groups = count_all(
            [Question("none", (rows.none(),), 9)], division=Division(rows.none(), F("custom_tag"), 9)
        )
    assert counts == {"none": Count(0)}
    assert set(groups) <= {""}


@pytest.mark.parametrize(
    ("count", "english", "chinese"),
    [
        (Count(0), "0", "0"),
        (Count(1234), "1,234", "1234"),
        (Count(10_000, is_more=True), "10,000+", "10000+"),
        (Count(999, is_more=True), "999+", "999+"),
        (Count(0, is_more=True), "…", "…"),
    ],
)
def test_counts_are_written_the_way_of_the_reader(count: Count, english: str, chinese: str) -> None:
    assert str(count) == english
    with override("zh-hans"):
        assert str(count) == chinese
