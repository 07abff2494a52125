"""History records: what stands on the page, for whom, in which order, and what never does."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.rules import CAUSES, WhoActs
from invitations.filters import HistoryFilters
from invitations.models import Invitation
from invitations.rules import Delivery, Status, status_at
from partner_center.listing.pages import matching_rows
from partner_center.tenancy.models import Member
from tests.invitations.rows import make_record, make_records
from tests.people import make_member, signed_in

pytestmark = pytest.mark.django_db

CANARY = {
    "customer_name": "Zylphia Quasar",
    "account_name": "quasarzyl-0077",
    "email": "zylphia.quasar@canary.example",
    "mobile": "+8613977700077",
}
PART = {"HX-Request": "true", "HX-Target": "list-body"}
WHOLE = {"HX-Request": "true", "HX-Target": "list"}


def page(person: Member, query: str = "", **headers: str) -> str:
    answer = signed_in(person).get(f"{reverse('invitations:history')}?{query}", headers=headers)
    assert answer.status_code == 200, answer.content.decode()[:2000]
    return answer.content.decode()


def rows_on(html: str) -> list[str]:
    return re.findall(r'<tr id="row-([A-Za-z0-9_-]{22})">', html)


def address_of(html: str, element: str) -> str:
    found = re.search(rf'id="{element}" href="([^"]+)"', html)
    assert found, f"no {element}"
    return unescape(found[1])


def counts_on(html: str) -> dict[str, str]:
    tabs = html[html.index('id="list-tabs"') :]
    return dict(
        re.findall(r"<a id=\"tab-\d\"[^>]*>([^<]+) <span class=\"count\">([^<]+)</span>", tabs[: tabs.index("</nav>")])
    )


def filter_by(client: Client, **fields: str):
    """Press "Filter" as a browser without scripts does."""
    return client.post(reverse("invitations:history"), fields, follow=True)


# --- what stands there -----------------------------------------------------------------------------------------------


def test_a_row_says_everything_about_an_invitation_masked(alice: Member) -> None:
    row = make_record(
        alice, **CANARY, custom_tag="Spring fair", status=Status.ASSOCIATION_FAILED, delivery=Delivery.BOUNCED
    )
    html = page(alice)
    for text in (
        "Z**", "qu***7", "z***@canary.example", "+86 139****0077", "Spring fair", "E-mail", "Reseller model",
        "Association failed", str(CAUSES["customer_overdue"].label), "Mail: Bounced", "Alice",
    ):  # fmt: skip
        assert text in html, text
    assert f'href="{reverse("invitations:detail", args=[row.public_id])}"' in html
    assert f'name="id" value="{row.public_id}"' in html


@pytest.mark.parametrize("who", ["alice", "bob", "carol", "dora"])
def test_no_clear_value_stands_anywhere_on_the_page(request, carol: Member, who: str) -> None:
    make_record(carol, **CANARY)
    person = request.getfixturevalue(who)
    queries = ["", "last=1", "sort=custom_tag", "status=invited", "sort=-email", "sort=customer_name", "delivery=sent"]
    for query in queries:
        for headers in ({}, PART, WHOLE):
            html = page(person, query, **headers)
            assert rows_on(html), query
            for value in (*CANARY.values(), "13977700077", "quasar@", "Quasar"):
                assert value not in html, (query, value)


def test_a_typed_value_stands_only_in_the_input_it_was_typed_into(alice: Member) -> None:
    make_record(alice, **CANARY)
    answer = filter_by(signed_in(alice), email=CANARY["email"], customer_name="Zylphia")
    html = answer.content.decode()
    assert len(rows_on(html)) == 1
    [(address, status)] = answer.redirect_chain
    assert status == 303
    for value in ("zylphia", "canary", "Zylphia"):
        assert value not in address
    assert html.count(CANARY["email"]) == 1
    assert f'name="email" type="search" value="{CANARY["email"]}"' in html
    assert html.count("Zylphia") == 1
    assert "E-mail: <bdi>z***@canary.example</bdi>" in html


def test_the_sealed_filter_is_of_no_use_to_a_colleague(alice: Member, dora: Member) -> None:
    make_record(alice, **CANARY)
    make_record(alice)
    [(address, _status)] = filter_by(signed_in(alice), email=CANARY["email"]).redirect_chain
    assert len(rows_on(signed_in(alice).get(address).content.decode())) == 1
    html = signed_in(dora).get(address).content.decode()
    assert len(rows_on(html)) == 2
    assert CANARY["email"] not in html


def test_personal_values_in_an_address_are_not_read(alice: Member) -> None:
    make_record(alice, **CANARY)
    make_record(alice)
    assert len(rows_on(page(alice, "email=zylphia.quasar%40canary.example&customer_name=nobody"))) == 2


def test_auditors_see_locks_and_no_eye_and_may_not_send(dora: Member, alice: Member) -> None:
    make_record(alice, status=Status.EXPIRED)
    html = page(dora)
    assert 'class="eye"' not in html
    assert 'class="lock"' in html
    assert "data-select " not in html
    assert reverse("invitations:resend_plan") not in html
    assert "Export all" in html
    html = page(alice)
    assert 'class="lock"' not in html
    assert html.count("data-reveal-column=") == 4
    assert "data-select " in html


def test_finance_reads_but_neither_sends_nor_exports(alice: Member) -> None:
    make_record(alice, status=Status.EXPIRED)
    html = page(make_member(alice.partner, "Finn", "finance"))
    assert reverse("invitations:resend_plan") not in html
    assert "Export all" not in html
    assert reverse("invitations:invite") not in html


def test_account_managers_see_their_own_and_partners_see_none_of_others(
    alice: Member, carol: Member, charlie: Member
) -> None:
    own, colleagues, foreign = make_record(carol), make_record(alice), make_record(charlie)
    assert rows_on(page(carol)) == [own.public_id]
    assert rows_on(page(alice)) == [colleagues.public_id, own.public_id]
    assert rows_on(page(charlie)) == [foreign.public_id]
    # The colleague's name is no choice either, and choosing it by hand shows nothing.
    assert carol.public_id in page(carol, "more=1")
    assert alice.public_id not in page(carol, "more=1")
    assert alice.public_id in page(alice, "more=1")
    assert signed_in(carol).get(reverse("invitations:history"), {"owner": alice.public_id}).status_code == 422


def test_markup_in_a_name_stays_text(alice: Member) -> None:
    make_record(
        alice, customer_name="<script>x", custom_tag='"><img src=x onerror=alert(1)>', account_name="<b>bold</b>"
    )
    html = page(alice)
    assert "<img src=x" not in html
    assert "&quot;&gt;&lt;img src=x onerror=alert(1)&gt;" in html
    assert "<b>" not in html


# --- status: the rules decide ----------------------------------------------------------------------------------------


def make_all_states(owner: Member) -> list[Invitation]:
    now = timezone.now()
    return [
        make_record(owner, expires_at=now + timedelta(days=1)),
        make_record(owner, expires_at=None, method="link", email=""),
        make_record(owner, expires_at=now - timedelta(seconds=1)),
        make_record(owner, expires_at=now - timedelta(days=1)),
        *(
            make_record(owner, status=status, expires_at=now - timedelta(days=1))
            for status in Status
            if status != "invited"
        ),
    ]


@pytest.mark.parametrize("status", Status)
def test_tabs_filters_and_badges_follow_the_rules_not_the_sweep(alice: Member, status: Status) -> None:
    now = timezone.now()
    rows = make_all_states(alice)
    expected = {
        row.public_id for row in rows if status_at(status=row.status, expires_at=row.expires_at, now=now) == status
    }
    html = page(alice, f"status={status}")
    assert set(rows_on(html)) == expected
    assert counts_on(html)[str(status.label)] == str(len(expected))
    body = html[html.index("<tbody>") : html.index("</tbody>")]
    assert body.count(f">{status.label}</span>") == len(expected)
    # With another filter the tabs are counted in another way; the numbers are the same.
    filtered = counts_on(page(alice, f"status={status}&model=reseller"))
    assert filtered[str(status.label)] == str(len(expected))
    assert filtered == counts_on(page(alice, "model=reseller")) == counts_on(page(alice)) == counts_on(html)


def test_counts_honour_the_other_filters(alice: Member) -> None:
    make_records(alice, 3, model="referral", status=Status.EXPIRED)
    make_records(alice, 2, model="reseller", status=Status.EXPIRED)
    make_records(alice, 1, model="reseller", status=Status.CANCELLED)
    counts = counts_on(page(alice, "model=reseller"))
    assert (counts["All"], counts["Expired"], counts["Cancelled"], counts["Invited"]) == ("3", "2", "1", "0")


@pytest.mark.parametrize("query", ["acts=customer", "ready=1"])
@pytest.mark.parametrize("tab", ["", "association_failed", "expired"])
def test_counts_of_filters_that_only_failures_match(alice: Member, query: str, tab: str) -> None:
    make_records(alice, 2, status=Status.ASSOCIATION_FAILED, ready_to_retry_at=timezone.now())
    make_record(alice, status=Status.EXPIRED)
    html = page(alice, f"{query}&status={tab}")
    counts = counts_on(html)
    assert len(rows_on(html)) == (0 if tab == "expired" else 2)
    assert {label for label, count in counts.items() if count != "0"} == {"All", "Association failed"}
    assert counts["All"] == counts["Association failed"] == "2"


def test_more_than_can_be_counted_is_said_to_be_more(alice: Member, monkeypatch) -> None:
    monkeypatch.setattr("partner_center.listing.tallies.MOST_COUNTED", 5)
    monkeypatch.setattr("partner_center.listing.tallies.MOST_COUNTED_IN_TAB", 3)
    make_records(alice, 4, status=Status.EXPIRED)
    make_records(alice, 4)
    html = page(alice, "size=20")
    assert "Showing 1–8 of 5+" in html
    assert counts_on(html)["Expired"] == counts_on(html)["All"] == "3+"
    assert 'data-total="5"' in html


def test_a_long_list_is_not_counted_at_every_click_and_never_said_to_be_shorter(
    alice: Member, monkeypatch, django_assert_num_queries
) -> None:
    monkeypatch.setattr("partner_center.listing.tallies.MOST_COUNTED", 5)
    monkeypatch.setattr("partner_center.listing.tallies.MOST_COUNTED_IN_TAB", 3)
    make_records(alice, 4, status=Status.EXPIRED)
    make_records(alice, 3, status=Status.CANCELLED)
    first = counts_on(page(alice))
    assert (first["All"], first["Expired"], first["Cancelled"]) == ("3+", "3+", "3")
    make_record(alice, status=Status.CANCELLED)
    again = counts_on(page(alice))
    assert (again["All"], again["Expired"], again["Cancelled"], again["Invited"]) == ("3+", "3+", "3+", "0")
    # More than can be counted is not divided among tabs; less is.
    for _ in range(2):
        vast = counts_on(page(alice, "model=reseller"))
        assert (vast["All"], vast["Expired"], vast["Invited"]) == ("3+", "…", "…")
    assert counts_on(page(alice, "model=referral"))["Expired"] == "0"
    # What is known of all is not taken for what a tab holds, nor of one member for another.
    assert "of 4" in page(alice, "status=expired")
    carol = make_member(alice.partner, "Cara", "account_manager")
    make_record(carol)
    assert "of 1" in page(carol)


# --- order and pages -------------------------------------------------------------------------------------------------

SORTABLE = ["customer_name", "account_name", "custom_tag", "email", "method", "status"]
COLUMN = {"customer_name": "customer_name_key"}


@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("key", SORTABLE)
def test_all_six_columns_sort_both_ways(alice: Member, key: str, sign: str) -> None:
    for name, tag, method in (("Bo", "x", "email"), ("amy", "", "link"), ("Cy", "x", "qr"), ("李雷", "展", "campaign")):
        make_record(alice, customer_name=name, custom_tag=tag, method=method, account_name=f"acc-{name}")
    make_record(alice, customer_name="Amy", status=Status.CANCELLED)
    column = COLUMN.get(key, key)
    ordered = Invitation.objects.order_by(f"{sign}{column}", f"{sign}id").values_list("public_id", flat=True)
    html = page(alice, f"sort={sign}{key}")
    assert rows_on(html) == list(ordered)
    assert f'aria-sort="{"descending" if sign else "ascending"}"' in html
    assert html.count("data-sorted") == 1


def test_newest_first_by_default(alice: Member) -> None:
    now = timezone.now()
    old, new, middle = (make_record(alice, created_at=now - timedelta(hours=hours)) for hours in (9, 1, 5))
    assert rows_on(page(alice)) == [new.public_id, middle.public_id, old.public_id]


def test_those_who_may_not_reveal_cannot_sort_what_is_hidden(dora: Member, alice: Member) -> None:
    for name in "cab":
        make_record(alice, customer_name=name * 3, account_name=f"{name}ccount", email=f"{name}@customer.example")
    default = rows_on(page(dora))
    for key in ("customer_name", "account_name", "email"):
        for sign in ("", "-"):
            html = page(dora, f"sort={sign}{key}")
            assert rows_on(html) == default
            assert f'id="sort-{key}"' not in html


def test_paging_by_its_own_links_meets_every_row_once_and_leads_back(alice: Member) -> None:
    now = timezone.now()
    made = make_records(alice, 45, created_at=now)
    client, forward = signed_in(alice), []
    html = page(alice, "size=20")
    assert "Showing 1–20 of 45" in html
    forward += rows_on(html)
    html = client.get(address_of(html, "page-next")).content.decode()
    assert "Showing 21–40 of 45" in html
    forward += rows_on(html)
    html = client.get(address_of(html, "page-next")).content.decode()
    assert "Showing 41–45 of 45" in html
    forward += rows_on(html)
    assert forward == [row.public_id for row in reversed(made)]
    assert 'id="page-next" aria-disabled="true"' in html
    html = client.get(address_of(html, "page-previous")).content.decode()
    assert rows_on(html) == forward[20:40]
    html = client.get(address_of(html, "page-last")).content.decode()
    assert rows_on(html) == forward[-20:]
    html = client.get(address_of(html, "page-first")).content.decode()
    assert rows_on(html) == forward[:20]


def test_addresses_of_pages_hold_public_ids_and_nothing_else_of_a_row(alice: Member) -> None:
    for number in range(30):
        make_record(alice, pk=7_654_300 + number, **{**CANARY, "email": f"zylphia{number}@canary.example"})
    html = page(alice, "size=20&sort=email")
    assert "76543" not in html
    addresses = [unescape(link) for link in re.findall(r'href="([^"]+)"', html)]
    assert any("after=" in address for address in addresses)
    for address in addresses:
        assert "canary" not in address


def test_a_page_costs_the_same_queries_for_one_row_and_for_three(alice: Member, django_assert_num_queries) -> None:
    make_record(alice)
    client = signed_in(alice)
    address = reverse("invitations:history")
    client.get(address)
    # Session, person, member; rows, counts.
    with django_assert_num_queries(5):
        assert len(rows_on(client.get(address).content.decode())) == 1
    make_records(alice, 2)
    with django_assert_num_queries(5):
        assert len(rows_on(client.get(address).content.decode())) == 3
    # The row before the page.
    row = Invitation.objects.earliest("email")
    with django_assert_num_queries(6):
        client.get(address, {"after": row.public_id, "sort": "email", "model": "reseller"}, headers=PART)
    # The colleagues to choose from.
    with django_assert_num_queries(6):
        client.get(address, {"more": "1"})


# --- filters ---------------------------------------------------------------------------------------------------------


def test_holders_of_the_right_find_by_a_beginning_others_only_by_the_whole(alice: Member, dora: Member) -> None:
    make_record(alice, **CANARY)
    make_record(alice)
    whole = {**CANARY, "mobile": "0086-139 7770 0077", "customer_name": "zylphia  QUASAR"}
    part = {"customer_name": "zylph", "account_name": "quasar", "email": "zylphia.q"}
    for field, text in whole.items():
        for person in (alice, dora):
            assert len(rows_on(filter_by(signed_in(person), **{field: text}).content.decode())) == 1, field
    for field, text in part.items():
        assert len(rows_on(filter_by(signed_in(alice), **{field: text}).content.decode())) == 1, field
        assert rows_on(filter_by(signed_in(dora), **{field: text}).content.decode()) == [], field
    assert len(rows_on(filter_by(signed_in(dora), mobile="0077").content.decode())) == 1
    assert rows_on(filter_by(signed_in(dora), mobile="077").content.decode()) == []


@pytest.mark.parametrize("text", ["%", "_", "%%", "z%", "zylphia_quasar@canary.example", "\\", ".*", "' OR '1'='1"])
def test_signs_of_databases_are_plain_letters(alice: Member, dora: Member, text: str) -> None:
    make_record(alice, **CANARY)
    for person in (alice, dora):
        assert rows_on(filter_by(signed_in(person), email=text).content.decode()) == []


def test_searches_for_people_are_counted_and_stop(dora: Member, alice: Member, monkeypatch) -> None:
    monkeypatch.setattr("partner_center.listing.pages.SEARCHES_PER_HOUR", 2)
    make_record(alice, **CANARY)
    client = signed_in(dora)
    [(address, _status)] = filter_by(client, email=CANARY["email"]).redirect_chain
    filter_by(client, email="nobody@customer.example")
    refused = filter_by(client, email=CANARY["email"])
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 3500
    assert rows_on(refused.content.decode()) == []
    # What was found may still be looked at, and what is no search for people costs nothing.
    assert len(rows_on(client.get(address).content.decode())) == 1
    assert filter_by(client, custom_tag="x").status_code == 200


def test_presets_lead_to_what_they_say(alice: Member) -> None:
    by_actor = {actor: [code for code, cause in CAUSES.items() if cause.who_acts == actor] for actor in WhoActs}
    now = timezone.now()
    expired = make_record(alice, status=Status.EXPIRED)
    mine = make_record(alice, status=Status.ASSOCIATION_FAILED, cause=by_actor[WhoActs.PARTNER][0])
    theirs = make_record(
        alice, status=Status.ASSOCIATION_FAILED, cause=by_actor[WhoActs.CUSTOMER][0], ready_to_retry_at=now
    )
    bounced = make_record(alice, delivery=Delivery.BOUNCED)
    html = page(alice)
    found = {}
    for label in ("Expired", "Failed, you must act", "Failed, the customer must act", "Ready to retry", "Bounced"):
        link = re.search(rf'data-size="small" href="([^"]+)">{label}</a>', html)
        assert link, label
        found[label] = rows_on(signed_in(alice).get(unescape(link[1])).content.decode())
    assert found == {
        "Expired": [expired.public_id],
        "Failed, you must act": [mine.public_id],
        "Failed, the customer must act": [theirs.public_id],
        "Ready to retry": [theirs.public_id],
        "Bounced": [bounced.public_id],
    }


def test_a_filter_of_the_form_keeps_tab_and_order(alice: Member) -> None:
    make_record(alice, status=Status.EXPIRED, custom_tag="a")
    answer = filter_by(signed_in(alice), status="expired", sort="-custom_tag", custom_tag="a", size="20")
    [(address, _status)] = answer.redirect_chain
    assert set(address.split("?")[1].split("&")) == {"status=expired", "sort=-custom_tag", "custom_tag=a", "size=20"}


def test_a_chip_takes_its_filter_away_and_leaves_the_others(alice: Member) -> None:
    make_record(alice, **CANARY, custom_tag="a")
    make_record(alice, custom_tag="a")
    make_record(alice)
    client = signed_in(alice)
    html = filter_by(client, email=CANARY["email"], custom_tag="a").content.decode()
    chips = re.findall(r'<span class="chip">([^:]+): <bdi>([^<]*)</bdi><a href="([^"]+)"', html)
    assert [(label, value) for label, value, _address in chips] == [
        ("Custom tag", "a"),
        ("E-mail", "z***@canary.example"),
    ]
    without_email = client.get(unescape(chips[1][2])).content.decode()
    assert len(rows_on(without_email)) == 2
    assert CANARY["email"] not in without_email
    without_tag = client.get(unescape(chips[0][2])).content.decode()
    assert len(rows_on(without_tag)) == 1


def test_the_chosen_days_and_their_zone_are_said_in_the_readers_language(alice: Member) -> None:
    make_record(alice)
    query = "invited_from=2020-01-05&invited_to=2029-12-31"
    query += "&more=1"
    html = page(alice, query)
    assert "Invited from: Jan. 5, 2020" in html
    assert "Asia/Shanghai (UTC+08:00)" in html
    alice.user.language = "zh-hans"
    alice.user.save(update_fields=["language"])
    client = signed_in(alice)
    client.cookies["django_language"] = "zh-hans"
    html = client.get(f"{reverse('invitations:history')}?{query}").content.decode()
    assert "2020年1月5日" in html


def test_seldom_used_filters_come_when_asked_for_and_stay_while_in_use(alice: Member) -> None:
    make_record(alice)
    client = signed_in(alice)
    assert 'id="filter-delivery"' not in page(alice)
    html = filter_by(client, email="person", more="1").content.decode()
    assert 'id="filter-delivery"' in html
    assert 'value="person"' in html
    # A filter that a link has set stands in a chip, and the form carries it along.
    html = page(alice, "delivery=sent")
    assert 'id="filter-delivery"' not in html
    assert "Delivery: <bdi>Sent</bdi>" in html
    assert '<input type="hidden" name="delivery" value="sent" form="list-filters">' in html
    # What is wrong, and what was typed about a person, is shown where it can be mended.
    assert 'id="filter-mobile"' in filter_by(client, mobile="0077").content.decode()
    answer = client.get(f"{reverse('invitations:history')}?delivery=pigeon")
    assert 'id="filter-delivery-error"' in answer.content.decode()


# --- parts, empty pages, choosing ------------------------------------------------------------------------------------


def test_htmx_gets_the_part_that_changes_and_the_counts_beside_it(alice: Member) -> None:
    make_records(alice, 25, status=Status.EXPIRED)
    answer = signed_in(alice).get(f"{reverse('invitations:history')}?status=expired&size=20", headers=PART)
    html = answer.content.decode()
    assert html.lstrip().startswith('<div id="list-body">')
    assert "<html" not in html
    assert 'id="list-filters"' not in html
    assert html.count('hx-swap-oob="true"') == 3
    assert '<p id="list-status" hx-swap-oob="innerHTML">Showing 1–20 of 25</p>' in html
    assert answer["HX-Push-Url"] == "/invitations/?status=expired&size=20"
    whole = page(alice, "status=expired", **WHOLE)
    assert whole.lstrip().startswith('<section class="list" id="list"')
    assert 'id="list-filters"' in whole
    assert "<html" in page(alice, "", **PART, **{"HX-History-Restore-Request": "true"})


def test_a_filter_through_htmx_pushes_an_address_that_tells_nothing(alice: Member) -> None:
    make_record(alice, **CANARY)
    answer = signed_in(alice).post(reverse("invitations:history"), {"email": CANARY["email"]}, headers=PART)
    assert len(rows_on(answer.content.decode())) == 1
    assert re.fullmatch(r"/invitations/\?f=[A-Za-z0-9_-]+", answer["HX-Push-Url"])
    assert CANARY["email"] not in answer.content.decode()


def test_a_fault_through_htmx_brings_the_form_back_with_the_fault(alice: Member) -> None:
    make_record(alice)
    answer = signed_in(alice).post(reverse("invitations:history"), {"email": "x"}, headers=PART)
    assert answer.status_code == 422
    assert (answer["HX-Retarget"], answer["HX-Reswap"]) == ("#list", "outerHTML")
    assert 'id="filter-email-error"' in answer.content.decode()


def test_three_kinds_of_nothing(alice: Member) -> None:
    assert "Nobody has been invited yet" in page(alice)
    make_record(alice)
    assert "Nothing matches these filters" in page(alice, "status=cancelled")
    answer = signed_in(alice).get(reverse("invitations:history"), {"method": "telepathy"})
    assert answer.status_code == 422
    assert "The filters need correcting" in answer.content.decode()
    assert rows_on(answer.content.decode()) == []


def test_the_pinned_filter_matches_what_the_page_shows(alice: Member, carol: Member) -> None:
    make_record(carol, **CANARY, status=Status.EXPIRED)
    make_record(alice, status=Status.EXPIRED)
    make_record(alice)
    html = filter_by(signed_in(alice), email=CANARY["email"], status="expired").content.decode()
    pinned = set(re.findall(r'name="filter" value="([^"]*)"', html))
    [query] = {unescape(value) for value in pinned}
    assert "canary" not in query
    now, visible = timezone.now(), Invitation.objects.visible_to(alice)
    matching, _filters = matching_rows(query, rows=visible, filters=HistoryFilters, viewer=alice, now=now)
    assert list(matching.values_list("public_id", flat=True)) == rows_on(html)
    # What does not open for somebody else, or was meddled with, matches nothing instead of more.
    meddled = re.sub(r"f=(.)", lambda match: "f=" + ("A" if match[1] != "A" else "B"), query)
    for person, text in ((carol, query), (alice, meddled)):
        visible = Invitation.objects.visible_to(person)
        others, _filters = matching_rows(text, rows=visible, filters=HistoryFilters, viewer=person, now=now)
        assert not others.exists()


def test_choosing_all_names_no_more_than_a_batch_may_hold(alice: Member, monkeypatch) -> None:
    make_records(alice, 7)
    assert 'data-total="7"' in page(alice)
    monkeypatch.setattr("partner_center.listing.pages.environment", type("Small", (), {"batch_limit": 4}))
    assert 'data-total="4"' in page(alice)


def test_resend_is_offered_only_where_it_can_work(alice: Member) -> None:
    long_ago = timezone.now() - timedelta(days=9)
    offered = [
        make_record(alice, status=Status.EXPIRED, sent_at=long_ago),
        make_record(alice, expires_at=long_ago, sent_at=long_ago),
    ]
    make_record(alice)
    make_record(alice, status=Status.ASSOCIATED)
    make_record(alice, status=Status.CANCELLED)
    make_record(alice, status=Status.EXPIRED, email="", method="link")
    html = page(alice)
    assert set(re.findall(r'form="resend-one" name="id" value="([^"]+)"', html)) == {row.public_id for row in offered}
