"""Pages of quotas: numbers that add up, what may be clicked and why not, who may look, and what the vendor does."""

import html
import re
from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from partner_center.tenancy.models import Member, Partner, User
from tests.bad_input import picture
from tests.people import make_account, signed_in
from tests.vouchers.making import HUNDRED, make_coupon, make_customer, make_quota
from vouchers.models import OperationRecord, Quota
from vouchers.rules import EFFECT_OF_PHASE, OperationType, QuotaPhase, QuotaStatus

pytestmark = pytest.mark.django_db
LIST, PLATFORM = reverse("vouchers:quotas"), reverse("vouchers:platform_quotas")
HTMX = {"HX-Request": "true"}


@pytest.fixture
def staff(platform_admin: User) -> Client:
    return signed_in(platform_admin)


def text_of(answer: HttpResponse) -> str:
    """Return what a page says, without its markup."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


def page(name: str, quota: Quota, **more: str) -> str:
    return reverse(f"vouchers:{name}", kwargs={"public_id": quota.public_id, **more})


def numbers_in(answer: HttpResponse) -> list[tuple[str, str]]:
    """Read (address, amount) of every linked number of a quota's page."""
    found = re.findall(r'<dd class="number"><a href="([^"]+)">([^<]+)</a>', answer.content.decode())
    return [(html.unescape(address), amount) for address, amount in found]


# --- the partner's list ----------------------------------------------------------------------------------------------


def test_the_list_says_how_much_of_what_is_where(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner, 3 * HUNDRED)
    make_coupon(quota, make_customer(fiona))

    answer = signed_in(fiona).get(LIST)

    said = text_of(answer)
    assert f"{quota.number} Voucher 200.00 CNY of 300.00 CNY With customers 100.00 CNY" in said
    assert 'aria-label="Balance: 200.00 CNY; With customers: 100.00 CNY; Consumed: 0.00 CNY' in answer.content.decode()
    assert re.search(r'data-part="quota" x="0.00" width="66.67"', answer.content.decode())


def test_nobody_sees_the_quotas_of_another_partner(partner: Partner, charlie: Member) -> None:
    quota = make_quota(partner)

    assert quota.number not in signed_in(charlie).get(LIST).content.decode()
    assert signed_in(charlie).get(page("quota", quota)).status_code == 404
    assert signed_in(charlie).get(page("ledger", quota)).status_code == 404


def test_only_those_with_the_right_look(partner: Partner, bob: Member, carol: Member, dora: Member) -> None:
    quota = make_quota(partner)

    for member, status in ((bob, 403), (carol, 403), (dora, 200)):
        for path in (LIST, page("quota", quota), page("ledger", quota)):
            assert signed_in(member).get(path).status_code == status


def test_an_auditor_reads_and_is_offered_nothing_to_do(partner: Partner, dora: Member) -> None:
    quota = make_quota(partner)

    assert "/coupons/issue/" not in signed_in(dora).get(LIST).content.decode()
    assert "/coupons/issue/" not in signed_in(dora).get(page("quota", quota)).content.decode()


CLOSED = {
    QuotaPhase.ADJUSTING: {"status": "adjusting"},
    QuotaPhase.FROZEN: {"status": "frozen"},
    QuotaPhase.INVALID: {"status": "invalid"},
    QuotaPhase.NOT_YET: {"effective_at": timezone.now() + timedelta(days=1)},
    QuotaPhase.EXPIRED: {"expires_at": timezone.now() - timedelta(hours=1)},
}


@pytest.mark.parametrize("phase", CLOSED)
def test_a_closed_quota_cannot_be_issued_from_and_says_why(partner: Partner, fiona: Member, phase: QuotaPhase) -> None:
    quota = make_quota(partner, **CLOSED[phase])
    issue = page("issue", quota)

    for path in (LIST, page("quota", quota)):
        answer = signed_in(fiona).get(path)
        assert issue not in answer.content.decode()
        assert 'aria-disabled="true"' in answer.content.decode()
        assert str(EFFECT_OF_PHASE[phase]) in text_of(answer)
        assert str(phase.label) in text_of(answer)


def test_an_open_quota_leads_to_issuing_and_to_its_records(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner)

    for path in (LIST, page("quota", quota)):
        body = signed_in(fiona).get(path).content.decode()
        assert page("issue", quota) in body
        assert f"{reverse('vouchers:operations')}?quota={quota.number}" in body


@pytest.mark.parametrize(
    ("fields", "reason"),
    [({"max_count": 1}, "maximum number of coupons"), ({"max_total_face_minor": HUNDRED}, "maximum total face value")],
    ids=str,
)
def test_a_reached_limit_closes_a_quota(partner: Partner, fiona: Member, fields: dict[str, int], reason: str) -> None:
    quota = make_quota(partner, **fields)
    make_coupon(quota, make_customer(fiona))

    answer = signed_in(fiona).get(page("quota", quota))

    assert reason in text_of(answer)
    assert page("issue", quota) not in answer.content.decode()


def test_a_partner_that_uses_coupons_itself_issues_none(partner: Partner, fiona: Member) -> None:
    partner.own_coupon_mode = True
    partner.save()
    quota = make_quota(partner)

    for path in (LIST, page("quota", quota)):
        answer = signed_in(fiona).get(path)
        assert "uses coupons itself" in text_of(answer)
        assert page("issue", quota) not in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"open", "soon", "later", "over", "frozen", "cash"}),
        ("kind=cash_coupon", {"cash"}),
        ("phase=normal", {"open", "soon", "cash"}),
        ("phase=not_yet", {"later"}),
        ("phase=expired", {"over"}),
        ("phase=frozen", {"frozen"}),
        ("expiring=7", {"soon"}),
        ("expiring=1", set()),
        ("kind=cash_coupon&expiring=30", set()),
    ],
)
def test_filters_find(partner: Partner, fiona: Member, query: str, found: set[str]) -> None:
    now = timezone.now()
    made = {
        "open": make_quota(partner),
        "soon": make_quota(partner, expires_at=now + timedelta(days=5)),
        "later": make_quota(partner, effective_at=now + timedelta(days=1)),
        "over": make_quota(partner, expires_at=now - timedelta(hours=1)),
        "frozen": make_quota(partner, status="frozen"),
        "cash": make_quota(partner, kind="cash_coupon"),
    }

    body = signed_in(fiona).get(f"{LIST}?{query}").content.decode()

    assert {name for name, quota in made.items() if quota.number in body} == found


def test_a_quota_that_ends_soon_warns(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner, expires_at=timezone.now() + timedelta(days=5, hours=1))
    spent = make_quota(partner, HUNDRED, expires_at=timezone.now() + timedelta(days=5, hours=1))
    make_coupon(spent, make_customer(fiona))

    assert "Expires in 5 days" in text_of(signed_in(fiona).get(page("quota", quota)))
    assert "Expires in" not in text_of(signed_in(fiona).get(page("quota", spent)))
    assert text_of(signed_in(fiona).get(LIST)).count("Expires in 5 days") == 1


def test_pickup_coupons_are_shown_to_who_has_a_quota_of_them(partner: Partner, fiona: Member) -> None:
    make_quota(partner)
    assert "Pickup coupon" not in text_of(signed_in(fiona).get(LIST))

    make_quota(partner, kind="pickup_coupon")
    assert "Pickup coupon" in text_of(signed_in(fiona).get(LIST))


def test_who_has_no_quota_is_told_whom_to_ask(fiona: Member) -> None:
    assert "You have no quota yet" in text_of(signed_in(fiona).get(LIST))


# --- numbers and the entries behind them -----------------------------------------------------------------------------


def test_every_number_opens_entries_that_add_up_to_it(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner, 3 * HUNDRED)
    make_coupon(quota, make_customer(fiona))
    client = signed_in(fiona)

    numbers = numbers_in(client.get(page("quota", quota)))

    assert [amount for _address, amount in numbers] == [
        "300.00 CNY", "200.00 CNY", "100.00 CNY", "0.00 CNY", "0.00 CNY", "100.00 CNY",
    ]  # fmt: skip
    for address, amount in numbers:
        answer = client.get(address)
        assert answer.status_code == 200
        if amount != "0.00 CNY":
            assert answer.context["total"] == amount
            assert f"These entries add up to {amount}" in text_of(answer)


def test_the_number_is_told_beside_the_sum_that_explains_it(partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner, 3 * HUNDRED)
    client = signed_in(fiona)
    assert "Balance: 300.00 CNY" in text_of(client.get(page("ledger", quota) + "?account=quota"))

    Quota.objects.filter(pk=quota.pk).update(balance_minor=2 * HUNDRED, consumed_minor=HUNDRED)

    told = text_of(client.get(page("ledger", quota) + "?account=quota"))
    assert "Balance: 200.00 CNY This does not agree with the entries" in told


def test_named_customers_are_told_masked_and_only_ones_own(partner: Partner, fiona: Member) -> None:
    own, strange = make_customer(fiona, customer_name="Kestrelman").account, make_account(customer_name="Zephyrson")
    quota = make_quota(partner, has_named_customers=True)
    quota.named_customers.set([own, strange])

    answer = signed_in(fiona).get(page("quota", quota))

    said = text_of(answer)
    assert "2 named customers" in said
    assert "K**" in said
    assert "Z**" not in said
    assert "Kestrelman" not in said


# --- the vendor ------------------------------------------------------------------------------------------------------


def test_the_vendor_sees_the_quotas_of_all_and_finds_those_of_one(
    partner: Partner, other_partner: Partner, staff: Client
) -> None:
    ours, theirs = make_quota(partner), make_quota(other_partner)

    everything = staff.get(PLATFORM).content.decode()
    assert ours.number in everything
    assert theirs.number in everything
    for wanted in ("harbour", partner.account_number):
        found = staff.get(PLATFORM, {"partner": wanted}).content.decode()
        assert ours.number in found
        assert theirs.number not in found


def test_no_partner_comes_near_the_vendors_pages(partner: Partner, alice: Member) -> None:
    quota = make_quota(partner)
    paths = [PLATFORM, reverse("vouchers:choose_partner"), page("platform_quota", quota), page("change_total", quota)]

    assert [signed_in(alice).get(path).status_code for path in paths] == [403] * 4


def test_a_partner_is_found_by_name_or_account_number(partner: Partner, other_partner: Partner, staff: Client) -> None:
    choose = reverse("vouchers:choose_partner")

    for wanted in ("HARBOUR", partner.account_number):
        said = text_of(staff.get(choose, {"wanted": wanted}))
        assert "Harbour Lights Ltd" in said
        assert "星河" not in said
    assert "No partner is called like this" in text_of(staff.get(choose, {"wanted": "nobody"}))
    assert "No partner is called" not in text_of(staff.get(choose))


def grant_data(**changes: object) -> dict[str, object]:
    return {
        "public_id": "g" * 22,
        "kind": "cash_coupon",
        "total_minor": "250.00",
        "currency": "CNY",
        "effective_at": "2026-01-01T00:00",
        "expires_at": "2100-01-01T00:00",
        "min_face_minor": "10",
        "services": "compute, storage",
        "order_types": ["new"],
        "allowed_models": ["reseller"],
        **changes,
    }


def test_the_vendor_grants_a_quota_and_the_partner_has_it(partner: Partner, fiona: Member, staff: Client) -> None:
    named = make_account()
    data = grant_data(named_numbers=named.account_number)

    answer = staff.post(reverse("vouchers:grant", args=[partner.public_id]), data)

    quota = Quota.objects.get()
    assert answer.headers["Location"] == page("platform_quota", quota)
    assert (quota.partner, quota.kind, quota.total_minor, quota.min_face_minor) == (partner, "cash_coupon", 25000, 1000)
    assert (quota.services, quota.order_types, quota.whitelist_required) == (["compute", "storage"], ["new"], True)
    assert list(quota.named_customers.all()) == [named]
    assert quota.number in signed_in(fiona).get(LIST).content.decode()
    assert staff.post(reverse("vouchers:grant", args=[partner.public_id]), data).status_code == 302
    assert Quota.objects.count() == 1


def test_a_refused_grant_says_why_above_the_form(partner: Partner, staff: Client) -> None:
    before = picture()

    answer = staff.post(reverse("vouchers:grant", args=[partner.public_id]), grant_data(max_face_minor="1"))

    assert answer.status_code == 422
    assert "The maximum face value is below the minimum." in text_of(answer)
    assert picture() == before


def test_the_vendor_changes_the_total_in_a_dialog(partner: Partner, staff: Client) -> None:
    quota = make_quota(partner)
    asked = staff.get(page("change_total", quota), headers=HTMX)
    assert "<html" not in asked.content.decode()

    data = {"total_minor": "1500.00", "seen": quota.total_minor, "note": "More"}
    answer = staff.post(page("change_total", quota), data, headers=HTMX)

    assert answer.headers["HX-Redirect"] == page("platform_quota", quota)
    quota.refresh_from_db()
    assert quota.total_minor == 1500_00
    assert "Quota increased 500.00 CNY More" in text_of(staff.get(page("platform_quota", quota)))


def test_a_total_that_somebody_else_changed_meanwhile_is_not_overwritten(partner: Partner, staff: Client) -> None:
    quota = make_quota(partner)
    before = picture()

    answer = staff.post(page("change_total", quota), {"total_minor": "5.00", "seen": quota.total_minor + 1})

    assert answer.status_code == 409
    assert "Somebody else has changed the total" in text_of(answer)
    assert picture() == before


@pytest.mark.parametrize("status", ["adjusting", "frozen", "invalid"])
def test_a_status_is_confirmed_with_its_consequence(
    partner: Partner, fiona: Member, staff: Client, status: str
) -> None:
    quota = make_quota(partner)
    make_coupon(quota, make_customer(fiona))
    path = page("change_status", quota, status=status)

    asked = text_of(staff.get(path))
    assert "Customers hold coupons worth 100.00 CNY" in asked
    assert Quota.objects.get().status == "normal"
    answer = staff.post(path, {"note": ""})
    assert answer.status_code == 422
    assert Quota.objects.get().status == "normal"
    staff.post(path, {"note": "Under review"})

    assert Quota.objects.get().status == status
    assert "Under review" in text_of(signed_in(fiona).get(page("quota", quota)))
    assert OperationRecord.objects.latest("pk").operation == OperationType.QUOTA_STATUS


def test_a_status_that_is_none_is_no_page(partner: Partner, staff: Client) -> None:
    assert staff.get(page("change_status", make_quota(partner), status="reclaimed")).status_code == 404


def test_an_ended_quota_offers_nothing_any_more(partner: Partner, staff: Client) -> None:
    quota = make_quota(partner, status="invalid")

    body = staff.get(page("platform_quota", quota)).content.decode()

    assert page("change_total", quota) not in body
    assert not [each for each in QuotaStatus if page("change_status", quota, status=each.value) in body]


def test_limits_are_changed_on_a_page_of_their_own(partner: Partner, staff: Client) -> None:
    named = make_account()
    quota = make_quota(partner, status="adjusting", max_count=9, has_named_customers=True)
    quota.named_customers.set([named])

    shown = staff.get(page("change_limits", quota)).content.decode()
    assert 'value="9"' in shown
    assert named.account_number not in shown
    answer = staff.post(page("change_limits", quota), {"max_face_minor": "75.50", "products": "vm"}, headers=HTMX)

    assert answer.headers["HX-Redirect"] == page("platform_quota", quota)
    quota.refresh_from_db()
    assert (quota.max_count, quota.max_face_minor, quota.products) == (None, 7550, ["vm"])
    assert list(quota.named_customers.all()) == [named]
    staff.post(page("change_limits", quota), {"no_named_customers": "on"})
    assert not quota.named_customers.exists()


def test_limits_of_an_open_quota_are_not_asked_for(partner: Partner, staff: Client) -> None:
    quota = make_quota(partner)

    assert 'name="max_count"' not in staff.get(page("change_limits", quota)).content.decode()
    assert staff.post(page("change_limits", quota), {"max_count": "1"}).status_code == 409
    quota.refresh_from_db()
    assert quota.max_count is None
