"""Keyset pages: every row exactly once, forward and back, over ties, from both ends."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from invitations.models import Invitation
from partner_center.listing.keyset import Order, Page, Place, Side, fetch
from partner_center.tenancy.models import Member
from tests.invitations.rows import make_record

pytestmark = pytest.mark.django_db

# Few different values, so that most of them are ties; some that collations like to argue about.
TAGS = st.lists(st.sampled_from(["", "a", "A", "b", "a b", "é", "展会", "z"]), min_size=0, max_size=23)
ORDERS = st.builds(Order, st.sampled_from(["custom_tag", "id", "created_at"]), st.booleans())


@pytest.fixture
def read(alice: Member):
    visible = Invitation.objects.visible_to(alice)

    def page(order: Order, size: int, place: Place = Place()) -> Page:  # noqa: B008
        return fetch(visible, visible=visible, order=order, place=place, size=size, names=["custom_tag"])

    return page


def ids(page: Page) -> list[str]:
    return [page.public_id(position) for position in range(len(page.rows))]


def fill(alice: Member, tags: list[str]) -> None:
    Invitation.objects.all().delete()
    for tag in tags:
        make_record(alice, custom_tag=tag)


def all_in_order(alice: Member, order: Order) -> list[str]:
    return list(Invitation.objects.visible_to(alice).order_by(*order.names()).values_list("public_id", flat=True))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tags=TAGS, order=ORDERS, size=st.integers(1, 7))
def test_paging_forward_and_back_meets_every_row_exactly_once(alice, read, tags, order, size) -> None:
    fill(alice, tags)
    wanted = all_in_order(alice, order)

    forward, page = [], read(order, size)
    assert page.at_start
    while True:
        forward += ids(page)
        if page.at_end:
            break
        page = read(order, size, Place(Side.AFTER, ids(page)[-1]))
        assert not page.at_start
    assert forward == wanted

    backward, page = [], read(order, size, Place(Side.LAST))
    assert page.at_end
    while not page.at_start:
        backward = ids(page) + backward
        left = len(wanted) - len(backward)
        page = read(order, size, Place(Side.BEFORE, ids(page)[0]))
        if left < size:
            break
    # What is left at the start is shown as a whole first page, not as a scrap.
    assert ids(page) == wanted[:size]
    assert wanted[len(wanted) - len(backward) :] == backward


@pytest.mark.parametrize("descending", [False, True])
def test_a_boundary_that_matches_the_filter_no_more_still_leads_on(alice, read, descending) -> None:
    rows = [make_record(alice, custom_tag=tag) for tag in "abcdef"]
    order = Order("custom_tag", descending)
    visible = Invitation.objects.visible_to(alice)
    boundary = rows[2]
    filtered = visible.exclude(pk=boundary.pk)
    page = fetch(
        filtered,
        visible=visible,
        order=order,
        place=Place(Side.AFTER, boundary.public_id),
        size=2,
        names=["custom_tag"],
    )
    assert [row[page.names.index("custom_tag")] for row in page.rows] == (["b", "a"] if descending else ["d", "e"])


def test_unknown_and_foreign_boundaries_give_the_first_page(alice, charlie, read) -> None:
    rows = [make_record(alice) for _ in range(3)]
    foreign = make_record(charlie)
    for public_id in (foreign.public_id, "A" * 22):
        page = read(Order("created_at"), 2, Place(Side.AFTER, public_id))
        assert ids(page) == [row.public_id for row in rows[:2]]
        assert page.at_start


def test_what_lies_behind_a_vanished_last_page_is_the_last_page(alice, read) -> None:
    rows = [make_record(alice) for _ in range(5)]
    page = read(Order("created_at"), 2, Place(Side.AFTER, rows[-1].public_id))
    assert ids(page) == [row.public_id for row in rows[-2:]]
    assert page.at_end
    assert not page.at_start


def test_the_statement_has_the_bound_that_lets_an_index_begin_there(alice) -> None:
    sql = str(Invitation.objects.filter(Order("custom_tag").beyond(("m", 5))).query)
    assert '"custom_tag" >= ' in sql
    assert " OR " in sql


def test_a_page_costs_two_queries_wherever_it_is(alice, read, django_assert_num_queries) -> None:
    rows = [make_record(alice) for _ in range(9)]
    with django_assert_num_queries(1):
        read(Order("created_at"), 3)
    with django_assert_num_queries(1):
        read(Order("created_at"), 3, Place(Side.LAST))
    with django_assert_num_queries(2):
        read(Order("created_at"), 3, Place(Side.AFTER, rows[3].public_id))
