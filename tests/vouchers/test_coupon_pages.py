"""The pages of issued coupons: what they show to whom, what can be asked of the list, and recall from end to end."""

import csv
import io
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.models import Association
from partner_center.api.idempotency import new_op_id
from partner_center.jobs import worker
from partner_center.jobs.files import path_of
from partner_center.jobs.models import Job
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member
from tests.people import signed_in
from tests.vouchers.making import HUNDRED, make_coupon, make_customer, make_quota
from vouchers.actions import consuming
from vouchers.models import Coupon, OperationRecord
from vouchers.rules import CouponStatus

pytestmark = pytest.mark.django_db

BILLING = Actor(kind="api", name="Billing")
REMARK = "for our eyes only"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def customer(fiona: Member) -> Association:
    return make_customer(fiona, customer_name="Wei Heronshaw", account_name="heron-nest-1")


@pytest.fixture
def coupon(fiona: Member, customer: Association) -> Coupon:
    return make_coupon(make_quota(fiona.partner), customer, remark=REMARK)


def use(coupon: Coupon, amount_minor: int = 37_50, order_id: str = "ORDER-77") -> None:
    consuming.consume(coupon=coupon, amount_minor=amount_minor, order_id=order_id, actor=BILLING, now=timezone.now())


def press(client: Client, coupon: Coupon, shown: int = HUNDRED, *, follow: bool = False, **said: str) -> HttpResponse:
    """Fill in the dialog and press its button; each dialog has an op_id of its own unless one is given."""
    said.setdefault("op_id", new_op_id())
    return client.post(
        page_of(coupon, "coupon_recall"), {"shown": shown, **said}, headers={} if follow else HTMX, follow=follow
    )


def page_of(coupon: Coupon, name: str = "coupon") -> str:
    return reverse(f"vouchers:{name}", args=[coupon.public_id])


def listed(client: Client, **query: str) -> str:
    return client.get(reverse("vouchers:coupons"), query).content.decode()


def found(client: Client, coupon: Coupon, **query: str) -> bool:
    return coupon.number in listed(client, **query)


# --- the list ------------------------------------------------------------------------------------


def test_the_list_masks_people_and_keeps_the_remark(fiona: Member, coupon: Coupon) -> None:
    use(coupon)

    page = listed(signed_in(fiona))

    assert coupon.number in page
    assert "62.50 CNY" in page
    assert "of 100.00 CNY" in page
    assert "Heronshaw" not in page
    assert "heron-nest-1" not in page
    assert REMARK not in page


def test_what_was_recalled_stays_in_the_list(fiona: Member, coupon: Coupon) -> None:
    client = signed_in(fiona)
    press(client, coupon)

    page = listed(client)

    assert coupon.number in page
    assert "100.00 CNY recalled" in page


def test_others_see_nothing_of_it(charlie: Member, carol: Member, bob: Member, coupon: Coupon) -> None:
    assert not found(signed_in(charlie), coupon)
    assert signed_in(charlie).get(page_of(coupon)).status_code == 404
    for without_right in (carol, bob):
        assert signed_in(without_right).get(reverse("vouchers:coupons")).status_code == 403


def test_an_auditor_looks_and_cannot_recall(dora: Member, coupon: Coupon) -> None:
    client = signed_in(dora)

    assert found(client, coupon)
    assert page_of(coupon, "coupon_recall") not in listed(client)
    assert page_of(coupon, "coupon_recall") not in client.get(page_of(coupon)).content.decode()
    assert client.post(page_of(coupon, "coupon_recall"), {"shown": HUNDRED}).status_code == 403


def test_filters_find_and_leave_out(fiona: Member, coupon: Coupon) -> None:
    client = signed_in(fiona)
    use(coupon)
    day = timezone.localdate(timezone=ZoneInfo(fiona.user.time_zone))
    today, later = day.isoformat(), (day + timedelta(days=3)).isoformat()

    for query in (
        {"number": coupon.number.lower()},
        {"order": "ORDER-77"},
        {"quota": coupon.quota.number},
        {"status": "usable"},
        {"kind": "voucher"},
        {"issued_from": today, "issued_to": today},
        {"effective_to": today},
        {"expires_from": later},
    ):
        assert found(client, coupon, **query), query
    for query in (
        {"number": "C2222-2222-2222"},
        {"order": "ORDER-7"},
        {"quota": "Q2222-2222-2222"},
        {"status": "expired"},
        {"status": "recalled"},
        {"kind": "cash_coupon"},
        {"issued_from": later},
        {"expires_to": today},
        {"expiring": "7"},
        {"locked": "1"},
    ):
        assert not found(client, coupon, **query), query


def test_an_order_finds_what_it_holds_and_nothing_of_others(fiona: Member, charlie: Member, coupon: Coupon) -> None:
    theirs = make_coupon(make_quota(charlie.partner), make_customer(charlie))
    for held in (coupon, theirs):
        consuming.lock(coupon=held, order_id="ORDER-9", actor=BILLING, now=timezone.now())

    page = listed(signed_in(fiona), order="ORDER-9")

    assert coupon.number in page
    assert theirs.number not in page


def test_expiry_counts_by_time_in_every_read(fiona: Member, coupon: Coupon) -> None:
    client, now = signed_in(fiona), timezone.now()
    Coupon.objects.update(effective_at=now - timedelta(days=2), expires_at=now - timedelta(seconds=1))

    assert found(client, coupon, status="expired")
    assert not found(client, coupon, status="usable")
    assert page_of(coupon, "coupon_recall") not in listed(client)
    assert "Expired" in client.get(page_of(coupon)).content.decode()


def test_people_are_found_by_their_whole_name_only(fiona: Member, coupon: Coupon) -> None:
    client = signed_in(fiona)

    def search(**asked: str) -> str:
        return client.post(reverse("vouchers:coupons"), asked, follow=True).content.decode()

    assert coupon.number in search(customer_name="Wei Heronshaw")
    assert coupon.number in search(account_name="HERON-NEST-1")
    assert coupon.number not in search(customer_name="Wei Heron")


def test_pickup_coupons_have_a_tab_where_there_is_a_quota_of_them(fiona: Member, coupon: Coupon) -> None:
    client = signed_in(fiona)
    assert "kind=pickup_coupon" not in listed(client)

    make_quota(fiona.partner, kind="pickup_coupon")

    assert "kind=pickup_coupon" in listed(client)


def test_a_page_of_the_list_costs_the_same_for_many(
    fiona: Member, customer: Association, django_assert_max_num_queries: object
) -> None:
    quota = make_quota(fiona.partner, 100 * HUNDRED)
    for _number in range(30):
        make_coupon(quota, customer)
    client = signed_in(fiona)
    listed(client)

    with django_assert_max_num_queries(14):  # type: ignore[operator]
        listed(client)


# --- one coupon ----------------------------------------------------------------------------------


def test_the_page_tells_usage_and_what_happened(fiona: Member, dora: Member, coupon: Coupon) -> None:
    use(coupon)
    client = signed_in(fiona)
    press(client, coupon, 62_50, reason="Contract ended", remark="by phone")

    page = client.get(page_of(coupon)).content.decode()

    for text in ("ORDER-77", "−37.50 CNY", "−62.50 CNY", "+100.00 CNY", "Billing", "Fiona", "by phone", REMARK):
        assert text in page, text
    assert "Contract ended" in page
    assert "Heronshaw" not in page
    assert REMARK in signed_in(dora).get(page_of(coupon)).content.decode()


def test_a_held_coupon_says_which_order_holds_it(fiona: Member, coupon: Coupon) -> None:
    consuming.lock(coupon=coupon, order_id="ORDER-9", actor=BILLING, now=timezone.now())

    page = signed_in(fiona).get(page_of(coupon)).content.decode()

    assert "ORDER-9" in page
    assert 'aria-disabled="true"' in page


def test_the_eye_reveals_the_customer_of_a_coupon(fiona: Member, dora: Member, coupon: Coupon) -> None:
    wish = {"kind": "coupon", "field": "account__customer_name", "id": coupon.public_id, "purpose": "support"}

    shown = signed_in(fiona).post(reverse("listing:reveal"), wish)

    assert "Wei Heronshaw" in shown.content.decode()
    assert signed_in(dora).post(reverse("listing:reveal"), wish).status_code == 403


# --- recall --------------------------------------------------------------------------------------


def test_the_dialog_shows_what_will_come_back_and_does_nothing(fiona: Member, coupon: Coupon) -> None:
    use(coupon)

    dialog = signed_in(fiona).get(page_of(coupon, "coupon_recall"), headers=HTMX).content.decode()

    assert "62.50 CNY" in dialog
    assert "37.50 CNY" in dialog
    assert coupon.quota.number in dialog
    assert "Heronshaw" not in dialog
    assert not OperationRecord.objects.filter(operation="recall").exists()


def test_recalling_says_the_amount_that_came_back(fiona: Member, coupon: Coupon) -> None:
    use(coupon)

    page = press(signed_in(fiona), coupon, 62_50, follow=True)

    assert f"62.50 CNY recalled. It is back in the quota {coupon.quota.number}." in page.content.decode()
    coupon.refresh_from_db()
    assert coupon.status == CouponStatus.RECALLED


def test_another_dialog_is_told_that_it_was_done(fiona: Member, coupon: Coupon) -> None:
    client = signed_in(fiona)
    press(client, coupon)

    again = press(client, coupon)

    assert again.status_code == 409
    assert "already been recalled by Fiona: 100.00 CNY" in again.content.decode()
    assert OperationRecord.objects.filter(operation="recall", result="success").count() == 1
    assert OperationRecord.objects.filter(operation="recall", result="failure").count() == 1


def test_a_second_press_of_the_same_dialog_is_answered_like_the_first(fiona: Member, coupon: Coupon) -> None:
    client, op_id = signed_in(fiona), new_op_id()

    answers = [press(client, coupon, op_id=op_id, follow=True) for _press in range(2)]

    assert all("100.00 CNY recalled. It is back" in answer.content.decode() for answer in answers)
    assert list(OperationRecord.objects.filter(operation="recall").values_list("result", flat=True)) == ["success"]


@pytest.mark.parametrize(
    "data",
    [{}, {"shown": "x"}, {"shown": "-1"}, {"shown": HUNDRED, "reason": "http://a.b", "op_id": "o" * 22}],
    ids=str,
)
def test_a_form_that_is_not_right_recalls_nothing(fiona: Member, coupon: Coupon, data: dict[str, object]) -> None:
    answer = signed_in(fiona).post(page_of(coupon, "coupon_recall"), data, headers=HTMX)

    assert answer.status_code == 422
    coupon.refresh_from_db()
    assert coupon.status == CouponStatus.USABLE


def test_what_cannot_be_recalled_says_so_instead_of_asking(fiona: Member, coupon: Coupon) -> None:
    use(coupon, HUNDRED)

    dialog = signed_in(fiona).get(page_of(coupon, "coupon_recall"), headers=HTMX)

    assert "used up" in dialog.content.decode()
    assert 'name="shown"' not in dialog.content.decode()


def test_a_code_is_asked_for_and_dies_when_the_amount_changes(fiona: Member, coupon: Coupon) -> None:
    """The dialog asks for the code; the coupon is used before it is typed: then nothing is recalled."""
    fiona.partner.verification_enabled = True
    fiona.partner.save(update_fields=["verification_enabled"])
    client = signed_in(fiona)

    asked = press(client, coupon)
    use(coupon)
    typed = press(client, coupon, code="123456")

    assert "100.00 CNY" in asked.content.decode()
    assert "62.50 CNY is left on the coupon now, not 100.00 CNY" in typed.content.decode()
    coupon.refresh_from_db()
    assert coupon.status == CouponStatus.USABLE


# --- many ----------------------------------------------------------------------------------------


def choose(client: Client, data: dict[str, object], *, dialog: bool = True) -> HttpResponse:
    return client.post(reverse("vouchers:recall_chosen"), data, headers=HTMX if dialog else {})


def test_a_batch_asks_how_then_shows_the_plan_then_recalls(fiona: Member, customer: Association) -> None:
    client, quota = signed_in(fiona), make_quota(fiona.partner)
    first, second, gone = (make_coupon(quota, customer) for _number in range(3))
    use(first)
    use(gone, HUNDRED)
    ids = [each.public_id for each in (first, second, gone)]

    how = choose(client, {"id": ids}).content.decode()
    plan = choose(client, {"id": ids, "policy": "skip", "reason": "Moved"}).content.decode()
    job = Job.objects.latest("pk")
    client.post(reverse("jobs:apply", args=[job.public_id]), {"digest": job.digest})
    worker.work_due(now=timezone.now(), budget=60)

    assert "3 coupons are chosen" in how
    for text in ("162.50 CNY", "62.50 CNY", "used up", first.number, gone.number):
        assert text in plan, text
    result = listed(client, recall=job.public_id)
    assert "162.50 CNY recalled, from 2 coupons" in result
    assert gone.number not in result
    detail = client.get(reverse("jobs:detail", args=[job.public_id]) + "?state=").content.decode()
    assert "62.50 CNY" in detail


def test_all_matching_is_exactly_the_number_that_was_named(fiona: Member, customer: Association) -> None:
    client, quota = signed_in(fiona), make_quota(fiona.partner)
    for _number in range(3):
        make_coupon(quota, customer)
    data = {"all_matching": "3", "filter": "status=usable", "policy": "skip"}
    make_coupon(quota, customer)

    changed = choose(client, data)
    right = choose(client, {**data, "all_matching": "4"})

    assert "4 rows match now, not 3" in changed.content.decode()
    assert right.status_code == 200
    assert Job.objects.get().total == 4


def test_without_scripts_the_plan_is_a_page(fiona: Member, coupon: Coupon) -> None:
    client = signed_in(fiona)

    how = choose(client, {"id": [coupon.public_id]}, dialog=False)
    plan = choose(client, {"id": [coupon.public_id], "policy": "all"}, dialog=False)

    assert "<html" in how.content.decode()
    assert plan.headers["Location"] == reverse("jobs:detail", args=[Job.objects.get().public_id])


@pytest.mark.parametrize("data", [{}, {"id": "unknown"}, {"all_matching": "0"}, {"all_matching": "x"}], ids=str)
def test_nothing_chosen_is_told(fiona: Member, data: dict[str, object]) -> None:
    assert choose(signed_in(fiona), data).status_code == 400
    assert not Job.objects.exists()


def test_nobody_plans_with_the_coupons_of_others(charlie: Member, coupon: Coupon) -> None:
    assert choose(signed_in(charlie), {"id": [coupon.public_id], "policy": "skip"}).status_code == 400


# --- the file ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("files_dir")
def test_the_file_is_anonymised_and_holds_no_remark(fiona: Member, coupon: Coupon) -> None:
    use(coupon)

    signed_in(fiona).post(reverse("vouchers:coupons_export"), {"format": "csv", "scope": "all"})
    worker.work_due(now=timezone.now(), budget=60)

    text = path_of(Job.objects.get().file_path).read_text("utf-8-sig")
    heads, row = csv.reader(io.StringIO(text))
    cells = dict(zip(heads, row, strict=True))
    assert (cells["Coupon number"], cells["Customer name"], cells["Account name"]) == (
        coupon.number, "W**", "he***1",
    )  # fmt: skip
    assert (cells["Face value"], cells["Balance"], cells["Consumed"]) == ("100.00", "62.50", "37.50")
    for secret in (REMARK, "Heronshaw", "heron-nest"):
        assert secret not in text


@pytest.fixture
def files_dir(settings: object, tmp_path: object) -> None:
    settings.FILES_DIR = tmp_path  # type: ignore[attr-defined]
