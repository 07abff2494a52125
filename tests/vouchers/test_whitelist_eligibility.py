"""Why a customer may be given coupons or may not: in the words of the plan, and only of own customers."""

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from partner_center.tenancy.models import Member
from tests.people import actor_of, signed_in
from tests.vouchers.making import make_customer, make_quota
from tests.vouchers.whitelisting import list_in_force
from vouchers.actions import planning
from vouchers.queries import receivers
from vouchers.queries.eligibility import eligibility_of
from vouchers.rules.issuing import Policy, terms_within

pytestmark = pytest.mark.django_db


def check(client: Client, wanted: str) -> HttpResponse:
    return client.post(reverse("vouchers:eligibility"), {"wanted": wanted})


def test_reasons_are_those_of_a_plan(fiona: Member) -> None:
    customers = [
        make_customer(fiona),
        make_customer(fiona),
        make_customer(fiona, model="referral"),
        make_customer(fiona, currency="USD"),
        make_customer(fiona, enterprise_role="member"),
    ]
    list_in_force(fiona, *customers[:1], *customers[2:])
    found = list(receivers.customers_of(fiona.partner).order_by("pk"))
    now = timezone.now()
    for fields in ({"kind": "cash_coupon"}, {"kind": "pickup_coupon"}, {}, {"whitelist_required": True}):
        quota = make_quota(fiona.partner, **fields)
        [*answers] = eligibility_of(found, member=fiona, now=now)
        told = [next(each.reason for each in answer.quotas if each.quota == quota) for answer in answers]
        job = planning.plan_issue(
            quota=quota,
            choice=planning.of_customers(found),
            terms=terms_within(quota, face_minor=100),
            policy=Policy.SKIP,
            member=fiona,
            actor=actor_of(fiona),
            now=now,
        )
        assert [reason or "" for reason in told] == list(
            job.items.order_by("position").values_list("reason", flat=True)
        )


def test_the_page_says_which_version_names_the_customer_or_named_him_last(fiona: Member) -> None:
    one, other = make_customer(fiona, account_name="heron-one"), make_customer(fiona, account_name="heron-two")
    list_in_force(fiona, one, other)
    list_in_force(fiona, other)
    client = signed_in(fiona)

    removed, kept = (check(client, name).content.decode() for name in ("heron-one", "heron-two"))
    assert "Not on version 2, which is in force. Last named by version 1." in removed
    assert "On version 2, which is in force." in kept
    assert "heron-one" not in removed


def test_a_customer_of_another_partner_is_nobody(fiona: Member, charlie: Member) -> None:
    make_customer(charlie, account_name="heron-three")
    client = signed_in(fiona)
    theirs, nobody = (check(client, name).content for name in ("heron-three", "heron-nobody"))
    for shown in (theirs, nobody):
        assert "No customer of yours has this name" in shown.decode()


def test_a_coupon_that_goes_to_the_master_account_says_so(fiona: Member) -> None:
    master = make_customer(fiona, customer_name="Group Master").account
    member = make_customer(fiona, account_name="group-member", enterprise_role="member", master=master)
    list_in_force(fiona, member)
    make_quota(fiona.partner, kind="cash_coupon")
    assert "It goes to the master account G**." in check(signed_in(fiona), "group-member").content.decode()


def test_the_auditor_has_to_type_the_whole_name(fiona: Member, dora: Member) -> None:
    make_customer(fiona, account_name="heron-whole")
    assert "No customer of yours" in check(signed_in(dora), "heron").content.decode()
    assert "No customer of yours" not in check(signed_in(dora), "heron-whole").content.decode()


@pytest.mark.parametrize("wanted", ["", "x", "x" * 65, "a\x00b"])
def test_what_cannot_be_a_name_is_said(fiona: Member, wanted: str) -> None:
    assert check(signed_in(fiona), wanted).status_code == 422


def test_searches_are_limited(fiona: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("partner_center.listing.pages.SEARCHES_PER_HOUR", 1)
    client = signed_in(fiona)
    assert check(client, "heron").status_code == 200
    answer = check(client, "heron")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3600")
