"""The links page shows every link sooner or later, says how many there are, and nothing of anybody else."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from customers.rules import Model
from invitations import queries
from invitations.models import InvitationLink
from invitations.rules import LinkKind
from tests.people import make_member, signed_in

pytestmark = pytest.mark.django_db
LINKS = reverse("invitations:links")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    monkeypatch.setattr(queries, "LINKS_A_PAGE", 3)


def make_links(member, count):
    rows = [
        InvitationLink(
            partner=member.partner,
            created_by=member,
            kind=LinkKind.CUSTOM,
            model=Model.RESELLER,
            custom_tag=f"tag-{member.user.name}-{number}",
            created_at=timezone.now(),
        )
        for number in range(count)
    ]
    InvitationLink.objects.bulk_create(rows)


def tags(answer):
    return [each.link.custom_tag for each in answer.context["page"].funnels]


def test_pages_show_every_link_once_newest_first(bob):
    make_links(bob, 7)
    client, seen, address = signed_in(bob), [], LINKS
    for _page in range(3):
        answer = client.get(address)
        assert "7 links in all" in answer.content.decode()
        seen += tags(answer)
        older = re.search(r'href="(\?before=[\w-]+)"', answer.content.decode())
        address = LINKS + older[1] if older else ""
    assert address == ""
    assert seen == [f"tag-Bob-{number}" for number in reversed(range(7))]


def test_link_made_meanwhile_shifts_no_page(bob):
    make_links(bob, 5)
    client = signed_in(bob)
    first = client.get(LINKS)
    make_links(make_member(bob.partner, "Ben", "operator"), 2)
    second = client.get(LINKS, {"before": first.context["page"].older})
    assert tags(second) == ["tag-Bob-1", "tag-Bob-0"]
    assert "7 links in all" in second.content.decode()


def test_as_many_as_fit_need_no_way_on(bob):
    make_links(bob, 3)
    page = signed_in(bob).get(LINKS).content.decode()
    assert "3 links in all" in page
    assert "before=" not in page
    assert "Newest" not in page


def test_account_manager_counts_and_sees_his_own_only(bob, carol):
    make_links(bob, 4)
    make_links(carol, 2)
    answer = signed_in(carol).get(LINKS)
    assert "2 links in all" in answer.content.decode()
    assert tags(answer) == ["tag-Carol-1", "tag-Carol-0"]


def test_place_in_the_list_of_somebody_else_begins_at_the_newest(bob, charlie):
    make_links(charlie, 2)
    make_links(bob, 4)
    client = signed_in(bob)
    newest = tags(client.get(LINKS))
    for before in (InvitationLink.objects.of(charlie.partner).latest("pk").public_id, "nonsense", "\x00", "x" * 999):
        answer = client.get(LINKS, {"before": before})
        assert (answer.status_code, tags(answer), answer.context["page"].is_first) == (200, newest, True)


def test_queries_do_not_grow_with_the_links(bob, django_assert_num_queries):
    make_links(bob, 3)
    with django_assert_num_queries(3):
        queries.funnel_page(bob, now=timezone.now())
    make_links(bob, 30)
    with django_assert_num_queries(3):
        queries.funnel_page(bob, now=timezone.now())
