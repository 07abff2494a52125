"""The page of an issue: what is typed wrongly is told beside its field, what is right becomes a plan, nothing leaks."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from partner_center.jobs.models import Job
from partner_center.tenancy.models import Member, Partner
from partner_center.tenancy.permissions import PERMISSIONS, Permission, Role
from tests.people import make_member, signed_in
from tests.vouchers.making import HUNDRED, make_customer, make_quota
from tests.vouchers.making_issue import carry_out, make_plan, put_on_list, verdicts
from vouchers.models import Coupon, Quota

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(fiona: Member) -> Client:
    return signed_in(fiona)


def typed(quota: Quota, **changes: Any) -> dict[str, Any]:
    given = {
        "face": "100",
        "first_day": str(timezone.localdate()),
        "last_day": str(timezone.localdate(quota.expires_at - timedelta(days=1))),
        "source": "chosen",
        "policy": "skip",
    }
    return {name: value for name, value in {**given, **changes}.items() if value is not None}


def post(browser: Client, quota: Quota, **changes: Any) -> Any:
    return browser.post(reverse("vouchers:issue", args=[quota.public_id]), typed(quota, **changes))


def planned() -> list[tuple[str, str]]:
    return verdicts(Job.objects.get())


def test_chosen_customers_become_a_plan(browser: Client, partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner, 250_00)
    ids = [make_customer(fiona).public_id for _ in range(3)]

    answer = post(browser, quota, id=ids)

    assert answer["Location"] == reverse("jobs:detail", args=[Job.objects.get().public_id])
    assert planned() == [("issue", ""), ("issue", ""), ("over_quota", "not_enough_balance")]
    page = browser.get(answer["Location"]).content.decode()
    assert "2 coupons of 100.00 CNY, 200.00 CNY in all." in page
    assert "balance goes from 250.00 CNY to 50.00 CNY" in page
    assert "100.00 CNY · 250.00 CNY → 150.00 CNY" in page
    assert not Coupon.objects.exists()


def test_the_result_says_what_was_issued(browser: Client, partner: Partner, fiona: Member) -> None:
    job = make_plan(make_quota(partner, 250_00), [make_customer(fiona) for _ in range(3)], fiona)

    carry_out(job, fiona)

    page = browser.get(reverse("jobs:detail", args=[job.public_id])).content.decode()
    assert "Issued to 2 customers, 200.00 CNY in all. 1 row was not issued." in page
    assert f"{reverse('vouchers:coupons')}?job={job.public_id}" in page


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"face": None}, "This field is required."),
        ({"face": "0"}, "Write an amount above zero."),
        ({"face": "1.234"}, "Write an amount in digits"),
        ({"face": "１００"}, "Write an amount in digits"),
        ({"face": "9.99"}, "below the quota&#x27;s minimum"),
        ({"face": "500.01"}, "above the quota&#x27;s maximum"),
        ({"min_order": "-1"}, "cannot be negative"),
        ({"first_day": "2001-01-01"}, "not within the quota&#x27;s"),
        ({"last_day": "2199-01-01"}, "not within the quota&#x27;s"),
        ({"last_day": "soon"}, "Enter a day such as"),
        ({"order_types": ["change"]}, "Select a valid choice."),
        ({"services": ["Mainframes"]}, "Select a valid choice."),
        ({"products": ",".join(map(str, range(11)))}, "at most 10 names"),
        ({"remark": "r" * 257}, "at most 256 characters"),
        ({"source": "list"}, "Paste a list or choose a file, one of the two."),
        ({}, "No customer is chosen."),
        ({"id": ["no-such-id"]}, "No customer is chosen."),
        ({"source": "matching"}, "No customer is chosen."),
        ({"source": "matching", "model": "reseller", "matching": "7"}, "has 0 customers now, not 7"),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_and_plans_nothing(
    browser: Client, partner: Partner, changes: dict[str, Any], said: str
) -> None:
    quota = make_quota(partner, min_face_minor=10_00, max_face_minor=500_00, order_types=["new"], services=["Compute"])

    answer = post(browser, quota, **changes)

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Job.objects.exists()


def test_a_day_at_the_end_of_the_quota_reaches_to_its_end(browser: Client, partner: Partner, fiona: Member) -> None:
    quota, zone = make_quota(partner), ZoneInfo(fiona.user.time_zone)
    days = {
        "first_day": str(timezone.localdate(quota.effective_at, zone)),
        "last_day": str(timezone.localdate(quota.expires_at, zone)),
    }

    post(browser, quota, id=[make_customer(fiona).public_id], **days)

    terms = Job.objects.get().parameters["terms"]
    ends = (quota.effective_at.isoformat(), quota.expires_at.isoformat())
    assert (terms["effective_at"], terms["expires_at"]) == ends


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_days_of_the_quota_are_filled_in(fiona: Member, partner: Partner, language: str) -> None:
    fiona.user.language = language
    fiona.user.save(update_fields=["language"])
    quota = make_quota(partner)
    last = timezone.localdate(quota.expires_at, ZoneInfo(fiona.user.time_zone))

    browser = signed_in(fiona)
    browser.cookies["django_language"] = language
    page = browser.get(reverse("vouchers:issue", args=[quota.public_id])).content.decode()

    assert f'<html lang="{language}"' in page
    assert f'value="{last.isoformat()}"' in page


def test_a_group_is_named_by_model_and_tag_and_counted(browser: Client, partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner, allowed_models=["reseller", "referral"])
    for tag, model in (("fair", "reseller"), ("fair", "referral"), ("", "reseller")):
        customer = make_customer(fiona, model=model)
        customer.custom_tag = tag
        customer.save(update_fields=["custom_tag"])

    counted = browser.post(
        reverse("vouchers:issue_matching", args=[quota.public_id]), {"model": "", "custom_tag": "fair"}
    )
    answer = post(browser, quota, source="matching", custom_tag="fair", matching="2")

    assert 'name="matching" value="2"' in counted.content.decode()
    assert answer.status_code == 302
    assert len(planned()) == 2


@pytest.mark.parametrize("way", ["pasted", "upload"])
def test_a_list_of_account_names_becomes_a_plan(browser: Client, partner: Partner, fiona: Member, way: str) -> None:
    quota = make_quota(partner)
    make_customer(fiona, account_name="first-one", customer_name="第一客户")
    text = "account name,customer name\nFirst-One,第一客户\nfirst-one,别人\nnobody-here,\n?,\n"
    file = SimpleUploadedFile("customers.csv", text.encode())

    answer = post(browser, quota, source="list", **{way: text if way == "pasted" else file})

    assert answer.status_code == 302
    assert planned() == [
        ("issue", ""), ("refused", "name_differs"), ("refused", "unknown_customer"), ("refused", "bad_request"),
    ]  # fmt: skip


def test_a_file_that_is_none_is_told(browser: Client, partner: Partner) -> None:
    answer = post(browser, make_quota(partner), source="list", upload=SimpleUploadedFile("a.exe", b"MZ"))

    assert answer.status_code in {400, 422}
    assert not Job.objects.exists()


def test_a_closed_quota_shows_why_and_no_form(browser: Client, partner: Partner) -> None:
    quota = make_quota(partner, status="frozen")

    page = browser.get(reverse("vouchers:issue", args=[quota.public_id])).content.decode()

    assert "Nothing can be issued from this quota now" in page
    assert 'id="issue"' not in page
    assert post(browser, quota).status_code == 422


def test_the_ratio_is_asked_for_cash_and_pickup_coupons_only(browser: Client, partner: Partner) -> None:
    for kind, asked in (("voucher", False), ("cash_coupon", True), ("pickup_coupon", True)):
        quota = make_quota(partner, kind=kind)
        page = browser.get(reverse("vouchers:issue", args=[quota.public_id])).content.decode()
        assert ('name="ratio"' in page) is asked


# --- the dialog ----------------------------------------------------------------------------------


def search(client: Client, quota: Quota, text: str) -> str:
    address = reverse("vouchers:issue_customers", args=[quota.public_id])
    return client.post(address, {"wanted": text}, headers={"HX-Request": "true"}).content.decode()


def test_customers_are_found_by_name_and_account_masked(browser: Client, partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner)
    customer = make_customer(fiona, account_name="lark-meadow", customer_name="云雀科技有限公司")
    make_customer(fiona, account_name="other-name", customer_name="别的公司")

    for text in ("云雀科技有限公司", "云雀", "lark-meadow", "LARK"):
        page = search(browser, quota, text)
        assert f'name="add" value="{customer.public_id}"' in page
        assert "1 customer found" in page
        assert "云雀科技" not in page
        assert "lark-meadow" not in page
    assert "No customer of yours has this name" in search(browser, quota, "雀科技")
    assert "at least 2 characters" in search(browser, quota, "云")


def test_who_may_not_reveal_finds_whole_names_only(
    partner: Partner, fiona: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = make_quota(partner)
    make_customer(fiona, account_name="lark-meadow", customer_name="云雀科技")
    monkeypatch.setitem(PERMISSIONS, Role.FINANCE, PERMISSIONS[Role.FINANCE] - {Permission.CUSTOMER_UNMASK})
    browser = signed_in(fiona)

    assert "No customer of yours" in search(browser, quota, "云雀")
    assert "No customer of yours" in search(browser, quota, "lark")
    assert "1 customer found" in search(browser, quota, "云雀科技")


def test_an_account_manager_finds_and_counts_his_own_customers_only(
    browser: Client, partner: Partner, fiona: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = make_quota(partner)
    mine = make_customer(fiona, customer_name="名册客户")
    theirs = make_customer(make_member(partner, "Colleague", "operator"), customer_name="名册客户")
    monkeypatch.setattr(Member, "sees_everybody", False)

    page = search(browser, quota, "名册客户")
    counted = browser.post(reverse("vouchers:issue_matching", args=[quota.public_id])).content.decode()

    assert mine.public_id in page
    assert theirs.public_id not in page
    assert 'name="matching" value="1"' in counted
    assert post(browser, quota, id=[theirs.public_id]).status_code == 422


def test_the_dialog_says_why_somebody_would_get_nothing(browser: Client, partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner, kind="cash_coupon")
    listed = make_customer(fiona, customer_name="列在名单")
    make_customer(fiona, customer_name="列在别处")
    put_on_list(fiona, [listed.account])

    page = search(browser, quota, "列在")

    assert page.count("The customer is not on the active whitelist.") == 1
    assert page.count(" disabled>") == 1


def test_customers_of_others_are_neither_found_nor_taken(
    browser: Client, partner: Partner, fiona: Member, charlie: Member
) -> None:
    quota = make_quota(partner)
    theirs = make_customer(charlie, customer_name="别家的客户")

    assert "No customer of yours" in search(browser, quota, "别家的客户")
    assert post(browser, quota, id=[theirs.public_id]).status_code == 422
    assert browser.get(reverse("vouchers:issue", args=[make_quota(charlie.partner).public_id])).status_code == 404


def test_chosen_customers_are_added_and_taken_out(browser: Client, partner: Partner, fiona: Member) -> None:
    quota = make_quota(partner)
    first, second = (make_customer(fiona).public_id for _ in range(2))
    address = reverse("vouchers:issue_chosen", args=[quota.public_id])

    added = browser.post(address, {"id": [first], "add": [second, first]})
    removed = browser.post(address, {"id": [first, second], "remove": first})

    page = added.content.decode()
    assert page.count('type="hidden" name="id"') == 2
    assert "dialog:close" in added["HX-Trigger"]
    assert f'value="{first}"' not in removed.content.decode()
    assert "HX-Trigger" not in removed


@pytest.mark.parametrize("role", ["operator", "account_manager", "auditor"])
def test_who_may_not_issue_is_kept_out(partner: Partner, role: str) -> None:
    quota = make_quota(partner)
    client = signed_in(make_member(partner, "Nosy", role))

    assert client.get(reverse("vouchers:issue", args=[quota.public_id])).status_code == 403
    assert post(client, quota).status_code == 403
    assert quota.balance_minor == 10 * HUNDRED


def test_somebody_elses_plan_cannot_be_applied(partner: Partner, fiona: Member) -> None:
    job = make_plan(make_quota(partner), [make_customer(fiona)], fiona)
    admin = signed_in(make_member(partner, "Second", "admin"))

    answer = admin.post(reverse("jobs:apply", args=[job.public_id]), {"digest": job.digest})

    assert answer.status_code == 403
    job.refresh_from_db()
    assert job.state == "planned"
