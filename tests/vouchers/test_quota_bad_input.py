"""
What people and machines type where quotas are granted, changed and looked for (reliability.md 9).

Refused: a message beside its field, 422, and no row of any table differs. Kept: stored in its one form, shown as text.
"""

from urllib.parse import quote

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from partner_center.tenancy.models import Member, Partner, User
from tests.bad_input import BIDI, HYPERLINK, ONLOAD, SCRIPT, picture
from tests.people import make_account, signed_in
from tests.vouchers.making import make_quota
from tests.vouchers.test_quota_pages import grant_data, page
from vouchers.models import Quota

pytestmark = pytest.mark.django_db
NUL, HALF = "a\x00b", "a\ud800b"
AMOUNTS_REFUSED = [
    "0", "0.00", "-1", "1,000", "1 000", "1_000", "1e3", "1.234", ".5", "5.", "+5", "0x10", "NaN", "Infinity", "٣",
    "１００", "1000000000000.01", "9" * 17, "9" * 10_000, "=1+1", "abc", NUL, "5\n6", "5元",
]  # fmt: skip
MOMENTS_REFUSED = [
    "yesterday", "2026-13-01T00:00", "2026-02-30T00:00", "0001-01-01T00:00", "1999-12-31T23:59", "9999-12-31T23:59",
    "2200-01-01T00:00", "2026-01-01T25:00", NUL, "9" * 1000,
]  # fmt: skip
TYPED = [
    *(("total_minor", payload) for payload in ["", *AMOUNTS_REFUSED]),
    *(("min_face_minor", payload) for payload in AMOUNTS_REFUSED),
    *(("effective_at", payload) for payload in ["", *MOMENTS_REFUSED]),
    *(("expires_at", payload) for payload in MOMENTS_REFUSED),
    *(("kind", payload) for payload in ["", "money", NUL, "VOUCHER"]),
    *(("currency", payload) for payload in ["", "cny", "CN", "CNYY", "人民币", NUL]),
    *(("max_count", payload) for payload in ["0", "-1", "1.5", "1e3", "9" * 30, "abc", NUL]),
    *(("order_types", payload) for payload in ["gift", NUL]),
    *(("allowed_models", payload) for payload in ["friend", NUL]),
    *(
        (field, payload)
        for field in ("services", "products")
        for payload in [SCRIPT, ONLOAD, "云", NUL, "-x", "a" * 65, "a," * 30_000, ",".join(f"s{n}" for n in range(101))]
    ),
    *(("named_numbers", payload) for payload in ["12345", SCRIPT, NUL, "云", ",".join(map(str, range(501)))]),
    *(("public_id", payload) for payload in ["", "short", "g" * 23, NUL, "../../etc/passwd/passwd"]),
]


def named(payload: object) -> str:
    return ascii(payload)[:40]


@pytest.fixture
def staff(platform_admin: User) -> Client:
    return signed_in(platform_admin)


def assert_refused(answer: HttpResponse, field: str) -> None:
    assert answer.status_code == 422, answer.status_code
    faults = answer.context["form"].errors
    assert list(faults) == [field]
    assert escape(faults[field][0]) in answer.content.decode()


@pytest.mark.parametrize(("field", "payload"), TYPED, ids=named)
def test_a_bad_grant_is_refused_beside_the_field(partner: Partner, staff: Client, field: str, payload: str) -> None:
    before = picture()

    answer = staff.post(reverse("vouchers:grant", args=[partner.public_id]), grant_data(**{field: payload}))

    assert_refused(answer, field)
    assert payload not in (SCRIPT, ONLOAD) or payload not in answer.content.decode()
    assert picture() == before


@pytest.mark.parametrize("payload", AMOUNTS_REFUSED, ids=named)
def test_a_bad_total_is_refused_beside_the_field(partner: Partner, staff: Client, payload: str) -> None:
    quota = make_quota(partner)
    before = picture()

    answer = staff.post(page("change_total", quota), {"total_minor": payload, "seen": quota.total_minor})

    assert_refused(answer, "total_minor")
    assert picture() == before


@pytest.mark.parametrize("seen", ["", "abc", "-1", "9" * 40, NUL])
def test_a_total_changes_only_from_what_was_seen(partner: Partner, staff: Client, seen: str) -> None:
    quota = make_quota(partner)
    before = picture()

    answer = staff.post(page("change_total", quota), {"total_minor": "5.00", "seen": seen})

    assert answer.status_code == 422
    assert picture() == before


@pytest.mark.parametrize("note", ["a" * 201, "a" * 1_000_000, NUL, HALF, "a\ufffdb", " ", "\u200b", ""], ids=named)
def test_a_bad_note_is_refused_beside_the_field(partner: Partner, staff: Client, note: str) -> None:
    quota = make_quota(partner)
    before = picture()

    sent = f"note={quote(note, errors='surrogatepass')}"
    path = page("change_status", quota, status="frozen")
    answer = staff.post(path, sent, content_type="application/x-www-form-urlencoded")

    assert_refused(answer, "note")
    assert picture() == before


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (SCRIPT, SCRIPT),
        (ONLOAD, ONLOAD),
        (HYPERLINK, HYPERLINK),
        ("{{7*7}}{% load x %}", "{{7*7}}{% load x %}"),
        (f"fair{BIDI} 2026", "fair 2026"),
        ("two\r\nlines", "two lines"),
        ("%(a)s %s {0}", "%(a)s %s {0}"),
        ("已" * 200, "已" * 200),
    ],
    ids=named,
)
def test_a_note_is_kept_as_text_and_shown_as_text(
    partner: Partner, fiona: Member, staff: Client, typed: str, kept: str
) -> None:
    quota = make_quota(partner)

    staff.post(page("change_status", quota, status="frozen"), {"note": typed})

    quota.refresh_from_db()
    assert quota.status_note == kept
    for client, path in (
        (signed_in(fiona), page("quota", quota)),
        (signed_in(fiona), reverse("vouchers:quotas")),
        (staff, page("platform_quota", quota)),
    ):
        body = client.get(path).content.decode()
        assert escape(kept) in body
        assert not (kept.startswith("<") and kept in body)


def test_named_customers_stand_apart_however_they_are_written(partner: Partner, staff: Client) -> None:
    first, second, third = make_account(), make_account(), make_account()
    numbers = f"{first.account_number}，{second.account_number}\r\n {third.account_number};;{first.account_number}"

    staff.post(reverse("vouchers:grant", args=[partner.public_id]), grant_data(named_numbers=numbers))

    assert set(Quota.objects.get().named_customers.all()) == {first, second, third}


WANTED = ["%", "_", "' OR 1=1--", NUL, "a" * 10_000, SCRIPT, "\u200b", "٣"]
QUERIES = [
    *({"number": wanted} for wanted in WANTED),
    *({"partner": wanted} for wanted in WANTED),
    *({name: "nonsense"} for name in ("kind", "phase", "expiring", "account", "operation", "sort", "size")),
    *({"after": wanted} for wanted in WANTED),
    {"made_from": "2026-99-99"},
    {"made_from": "2026-02-01", "made_to": "2026-01-01"},
    {"f": "x" * 50},
    {"expiring": "99999999999999999999"},
]


@pytest.mark.parametrize("query", QUERIES, ids=named)
def test_addresses_that_were_meddled_with_still_answer(
    partner: Partner, fiona: Member, staff: Client, query: dict[str, str]
) -> None:
    quota, finance = make_quota(partner), signed_in(fiona)
    before = picture()

    for client, path in (
        (finance, reverse("vouchers:quotas")),
        (finance, page("ledger", quota)),
        (staff, reverse("vouchers:platform_quotas")),
        (staff, page("platform_ledger", quota)),
    ):
        answer = client.get(path, query)
        assert answer.status_code in {200, 422}
        assert SCRIPT not in answer.content.decode()
    assert picture() == before


@pytest.mark.parametrize("wanted", ["", *WANTED], ids=named)
def test_a_search_for_partners_is_only_a_search(partner: Partner, staff: Client, wanted: str) -> None:
    answer = staff.get(reverse("vouchers:choose_partner"), {"wanted": wanted})

    assert answer.status_code == 200
    assert answer.context["partners"] == []
    assert SCRIPT not in answer.content.decode()
