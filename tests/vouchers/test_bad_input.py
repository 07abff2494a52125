"""What people and machines type into the forms of issue, recall, whitelists and log: no fault, nothing moved."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from partner_center.jobs.models import Job
from partner_center.tenancy.models import Member, User
from tests.people import signed_in
from tests.vouchers.making import make_coupon, make_customer, make_quota
from tests.vouchers.making_issue import make_plan, put_on_list
from vouchers.models import Coupon, LedgerEntry, OperationRecord, Quota, Review

pytestmark = pytest.mark.django_db
BAD = ("a\0b", "", "-1", "1e3", "9" * 5_000, "9999-12-31", "x" * 20_000)
Fields = dict[str, Any]


def issue(quota: Quota, _coupon: Coupon) -> tuple[str, Fields]:
    today = timezone.localdate()
    return reverse("vouchers:issue", args=[quota.public_id]), {
        "face": "1.00",
        "min_order": "5",
        "first_day": str(today),
        "last_day": str(today + timedelta(days=30)),
        "remark": "note",
        "source": "list",
        "policy": "skip",
        "pasted": "somebody",
        "order_types": "new",
        "services": "compute",
        "products": "vm",
        "model": "",
        "custom_tag": "",
        "matching": "1",
        "id": "x" * 22,
        "add": "y" * 22,
        "remove": "z" * 22,
    }


def of_group(quota: Quota, coupon: Coupon) -> tuple[str, Fields]:
    address, fields = issue(quota, coupon)
    return address, fields | {"source": "matching", "pasted": ""}


def customers(quota: Quota, _coupon: Coupon) -> tuple[str, Fields]:
    return reverse("vouchers:issue_customers", args=[quota.public_id]), {"wanted": "Wei"}


def chosen(quota: Quota, _coupon: Coupon) -> tuple[str, Fields]:
    fields = {"id": "x" * 22, "add": "y" * 22, "remove": "z" * 22}
    return reverse("vouchers:issue_chosen", args=[quota.public_id]), fields


def matching(quota: Quota, _coupon: Coupon) -> tuple[str, Fields]:
    return reverse("vouchers:issue_matching", args=[quota.public_id]), {"model": "reseller", "custom_tag": "gold"}


def recall(_quota: Quota, coupon: Coupon) -> tuple[str, Fields]:
    fields = {"reason": "", "remark": "", "shown": str(coupon.balance_minor + 1), "op_id": "o" * 22, "code": "123456"}
    return reverse("vouchers:coupon_recall", args=[coupon.public_id]), fields


def recall_chosen(_quota: Quota, coupon: Coupon) -> tuple[str, Fields]:
    fields = {"reason": "", "remark": "", "policy": "skip", "id": coupon.public_id}
    return reverse("vouchers:recall_chosen"), fields | {"all_matching": "", "filter": ""}


def recall_matching(_quota: Quota, _coupon: Coupon) -> tuple[str, Fields]:
    return reverse("vouchers:recall_chosen"), {"policy": "skip", "all_matching": "7", "filter": "status=usable"}


def export(_quota: Quota, _coupon: Coupon) -> tuple[str, Fields]:
    return reverse("vouchers:coupons_export"), {"format": "csv", "scope": "filter", "filter": "kind=voucher"}


def export_log(_quota: Quota, _coupon: Coupon) -> tuple[str, Fields]:
    return reverse("vouchers:operations_export"), {"format": "csv", "scope": "filter", "filter": "operation=issue"}


def check(_quota: Quota, _coupon: Coupon) -> tuple[str, Fields]:
    return reverse("vouchers:eligibility"), {"wanted": "Wei"}


def activate(quota: Quota, _coupon: Coupon) -> tuple[str, Fields]:
    version = quota.partner.whitelistversion_set.get()
    return reverse("vouchers:whitelist_activate", args=[version.public_id]), {"compared_with": ""}


def import_list(_quota: Quota, _coupon: Coupon) -> tuple[str, Fields]:
    return reverse("vouchers:whitelist_import"), {"upload": ""}


def apply(quota: Quota, coupon: Coupon) -> tuple[str, Fields]:
    customer = coupon.association
    job = make_plan(quota, [customer], customer.account_manager)
    return reverse("jobs:apply", args=[job.public_id]), {"digest": "no", "code": "123456"}


def mark(_quota: Quota, _coupon: Coupon) -> tuple[str, Fields]:
    record = OperationRecord.objects.latest("pk")
    fields = {"mark": "flagged", "note": "odd", "id": record.public_id, "all_matching": "", "filter": "kind=voucher"}
    return reverse("vouchers:platform_operations_mark"), fields


OF_MEMBER = [
    issue, of_group, customers, chosen, matching, recall, recall_chosen, recall_matching, export, export_log, check,
    activate, import_list, apply,
]  # fmt: skip
LISTS = ["quotas", "coupons", "operations", "whitelists", "platform_quotas", "platform_operations", "platform_totals"]


def moved() -> tuple[object, ...]:
    coupons = list(Coupon.objects.order_by("pk").values_list("pk", "status", "balance_minor"))
    return coupons, LedgerEntry.objects.count(), OperationRecord.objects.filter(result="success").count()


@pytest.fixture
def coupon(fiona: Member) -> Coupon:
    customer = make_customer(fiona)
    put_on_list(fiona, [customer.account])
    return make_coupon(make_quota(fiona.partner), customer)


def post_each(client: Client, address: str, fields: Fields) -> list[tuple[str, str]]:
    """Post a form again and again, each time with one field gone wrong; returns the faults of ours."""
    client.raise_request_exception = False
    upload = SimpleUploadedFile("list.csv", b"\0\xff\xfe=1+1")
    return [
        (name, str(bad)[:20])
        for name in fields
        for bad in (*BAD, upload)
        if client.post(address, {**fields, name: bad}).status_code >= 500
    ]


@pytest.mark.parametrize("form", OF_MEMBER)
def test_no_form_of_a_member_meets_a_fault(fiona: Member, coupon: Coupon, form: Callable[..., Any]) -> None:
    address, fields = form(coupon.quota, coupon)
    before = moved()

    assert post_each(signed_in(fiona), address, fields) == []
    assert moved() == before
    assert not Job.objects.filter(state__in=["queued", "running"], file_format="").exists()


def test_no_form_of_the_review_meets_a_fault(platform_admin: User, coupon: Coupon) -> None:
    address, fields = mark(coupon.quota, coupon)
    before = moved()

    assert post_each(signed_in(platform_admin), address, fields) == []
    assert moved() == before
    assert not Review.objects.exclude(record=OperationRecord.objects.latest("pk")).exists()


@pytest.mark.parametrize("name", LISTS)
def test_no_list_meets_a_fault(platform_admin: User, fiona: Member, coupon: Coupon, name: str) -> None:
    client = signed_in(platform_admin if name.startswith("platform") else fiona)
    client.raise_request_exception = False
    names = (
        "kind", "status", "sort", "after", "before", "size", "job", "recall", "coupon", "number", "operator", "order",
        "issued_from", "occurred_to", "partner", "hint", "q",
    )  # fmt: skip

    found = [
        (asked, bad[:20])
        for asked in names
        for bad in BAD
        if client.get(reverse(f"vouchers:{name}"), {asked: bad[:3_000]}).status_code >= 500
    ]

    assert found == []
