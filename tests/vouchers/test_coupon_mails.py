"""Mails about coupons: in the customer's language, with the amount, without the remark, and once."""

import pytest
from django.conf import settings
from django.utils import timezone

from customers.models import Association
from partner_center.mail.envelope import check
from partner_center.mail.kinds import Message, OutboxKey, kind_of
from partner_center.mail.models import DevMessage, MailOutbox
from partner_center.mail.sending import send_due
from partner_center.tenancy.models import Member
from tests.people import actor_of
from tests.vouchers.making import make_coupon, make_customer, make_quota, part_with
from tests.vouchers.test_recalling import recall, use
from vouchers.actions.announcing import announce_issued
from vouchers.models import Coupon

pytestmark = pytest.mark.django_db

REMARK = "for our eyes only"


@pytest.fixture
def customer(fiona: Member) -> Association:
    return make_customer(fiona, with_sign_in=True, customer_name="Wei Customer")


@pytest.fixture
def coupon(fiona: Member, customer: Association) -> Coupon:
    limits = {"min_order_minor": 300_00, "ratio_percent": 50, "services": ["Object Storage"]}
    return make_coupon(make_quota(fiona.partner), customer, remark=REMARK, **limits)


def mail(kind: str, coupon: Coupon) -> Message:
    key = OutboxKey(coupon.public_id, 1)
    return kind_of(kind).render([key])[key]


@pytest.mark.parametrize("kind", ["coupon_issued", "coupon_expiring", "coupon_recalled"])
def test_every_kind_passes_the_last_look_before_it_leaves(fiona: Member, coupon: Coupon, kind: str) -> None:
    if kind == "coupon_recalled":
        recall(coupon, fiona, reason="Moved to 3.5 CNY a month, see page 2.1")

    check(mail(kind, coupon), site_url=settings.SITE_URL)


def everything(message: Message) -> str:
    return message.subject + message.text + message.html


def test_the_new_coupon_is_told_with_its_terms(coupon: Coupon, customer: Association) -> None:
    message = mail("coupon_issued", coupon)

    assert message.recipient == customer.account.email
    assert message.subject == "Voucher of 100.00 CNY from Harbour Lights Ltd"
    for text in (coupon.number, "300.00 CNY", "50%", "Object Storage", "office@harbour.example", "UTC+08:00"):
        assert text in message.text, text
        assert text in message.html, text


def test_the_recall_is_told_with_amount_reason_and_whom_to_ask(fiona: Member, coupon: Coupon) -> None:
    use(coupon)
    recall(coupon, fiona, reason="The contract has ended early, see your account manager", remark=REMARK)

    message = mail("coupon_recalled", coupon)

    assert message.subject == "Harbour Lights Ltd has recalled 62.50 CNY"
    for text in ("62.50 CNY", "The contract has ended early, see your account manager", "office@harbour.example"):
        assert text in message.text, text
        assert text in message.html, text


def test_an_automatic_recall_says_what_it_followed_from(fiona: Member, coupon: Coupon, customer: Association) -> None:
    part_with(customer, actor=actor_of(fiona))

    assert "because your association with Harbour Lights Ltd has ended" in mail("coupon_recalled", coupon).text


def test_the_warning_says_what_is_left_and_until_when(coupon: Coupon) -> None:
    use(coupon)

    message = mail("coupon_expiring", coupon)

    assert "62.50 CNY" in message.subject
    assert str(coupon.expires_at.year) in message.text


@pytest.mark.parametrize("kind", ["coupon_issued", "coupon_expiring", "coupon_recalled"])
def test_mails_speak_the_customers_language_and_never_tell_the_remark(
    fiona: Member, coupon: Coupon, customer: Association, kind: str
) -> None:
    assert customer.account.user is not None
    customer.account.user.language = "zh-hans"
    customer.account.user.save(update_fields=["language"])
    if kind == "coupon_recalled":
        recall(coupon, fiona, remark=REMARK)

    message = mail(kind, coupon)

    assert "代金券" in message.text
    assert "Hello" not in everything(message)
    assert REMARK not in everything(message)


def test_a_customer_without_sign_in_gets_the_partners_language(fiona: Member) -> None:
    fiona.partner.language = "zh-hans"
    fiona.partner.save(update_fields=["language"])
    coupon = make_coupon(make_quota(fiona.partner), make_customer(fiona))

    assert "代金券" in mail("coupon_issued", coupon).text


def test_what_a_master_holds_for_a_member_says_so(fiona: Member, customer: Association) -> None:
    coupon = make_coupon(make_quota(fiona.partner), make_customer(fiona), holder=customer.account)

    message = mail("coupon_issued", coupon)

    assert message.recipient == customer.account.email
    assert "member account" in message.text


def test_a_coupon_is_announced_once(fiona: Member, coupon: Coupon) -> None:
    now = timezone.now()

    told = [announce_issued([coupon], partner=fiona.partner, now=now) for _round in range(2)]

    assert told == [1, 0]
    assert MailOutbox.objects.get().dedupe_key == f"coupon-issued:{coupon.public_id}:g1"


def test_a_coupon_that_is_gone_is_not_announced_any_more(fiona: Member, coupon: Coupon) -> None:
    announce_issued([coupon], partner=fiona.partner, now=timezone.now())
    recall(coupon, fiona)

    send_due(clock=timezone.now)

    subjects = list(DevMessage.objects.values_list("subject", flat=True))
    assert subjects == ["Harbour Lights Ltd has recalled 100.00 CNY"]
