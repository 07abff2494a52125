"""What stays with whoever it belongs to: remarks with their partner, names behind limits."""

import pytest
from django.urls import reverse
from django.utils import timezone

from partner_center.limits.models import Spending
from partner_center.listing.pages import SEARCHES_PER_HOUR
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, User
from tests.people import signed_in
from tests.vouchers.making import make_customer, make_quota
from tests.vouchers.making_issue import apply, make_plan
from vouchers.actions import quotas
from vouchers.actions.planning import Chosen
from vouchers.models import OperationRecord
from vouchers.rules import QuotaStatus, Reason

pytestmark = pytest.mark.django_db
SECRET = "for Wei's eyes only"


def test_the_vendor_reads_no_remark_of_a_partner_on_the_page_of_a_quota(fiona: Member, platform_admin: User) -> None:
    quota = make_quota(fiona.partner)
    stranger = Chosen(number=1, account_name="nobody-here", fault=Reason.UNKNOWN_CUSTOMER)
    known = Chosen(number=2, customer=make_customer(fiona))
    apply(make_plan(quota, [stranger, known], fiona, remark=SECRET), fiona)
    vendor = Actor.person(platform_admin)
    quotas.change_status(quota=quota, status=QuotaStatus.FROZEN, note="Audit running", actor=vendor, now=timezone.now())
    assert OperationRecord.objects.filter(remark=SECRET, account_id="").exists()

    page = signed_in(platform_admin).get(reverse("vouchers:platform_quota", args=[quota.public_id])).text

    assert "Audit running" in page
    assert SECRET not in page.replace("&#x27;", "'")


def test_looking_customers_up_for_an_issue_is_counted_with_all_searches(fiona: Member) -> None:
    make_customer(fiona, customer_name="Northwind Trading")
    address = reverse("vouchers:issue_customers", args=[make_quota(fiona.partner).public_id])
    client = signed_in(fiona)
    assert client.post(address, {"wanted": "Northwind Trading"}).status_code == 200
    Spending.objects.filter(key=f"search:{fiona.public_id}").update(used=SEARCHES_PER_HOUR)

    answer = client.post(address, {"wanted": "Northwind Trading"})

    assert answer.status_code == 429
    assert "Retry-After" in answer
    assert "data-row" not in answer.text
    assert 'name="ids"' not in answer.text
