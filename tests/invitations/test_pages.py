"""The console's pages of inviting and links, as people use them."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from customers.actions import Prospect, preregister
from invitations.models import Invitation, InvitationLink
from invitations.rules import RowReason
from partner_center.audit.models import AuditEntry
from partner_center.jobs.models import Job
from partner_center.mail.models import MailOutbox
from tests.invitations.making import invite
from tests.people import actor_of, signed_in

pytestmark = pytest.mark.django_db
ONE = {"customer_name": "张伟民", "email": "Wei@Customer.Example", "model": "reseller", "language": "zh-hans"}


def planned_rows():
    return list(Job.objects.get().items.order_by("position").values_list("verdict", "reason", "label"))


def test_typed_customer_becomes_a_plan(bob):
    answer = signed_in(bob).post(reverse("invitations:invite_one"), ONE)
    assert answer["Location"] == reverse("jobs:detail", args=[Job.objects.get().public_id])
    assert planned_rows() == [("send", "", "张** · w***@customer.example")]
    assert not Invitation.objects.exists()
    assert not MailOutbox.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"email": "a@b.test\nBcc: v@z.test"},
        {"email": "nobody"},
        {"customer_name": ""},
        {"customer_name": "evil.test"},
        {"mobile": "12"},
        {"model": "agent"},
        {"language": "tlh"},
    ],
)
def test_fault_is_told_beside_its_field_and_changes_nothing(bob, change):
    answer = signed_in(bob).post(reverse("invitations:invite_one"), {**ONE, **change})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.content.decode()
    assert not Job.objects.exists()


def test_uploaded_list_keeps_every_row(bob):
    lines = [
        "客户名称,邮箱,手机号码",
        "张伟,wei@customer.example,+8613912345678",
        "李娜,not an address,",
        "王芳,wei@customer.example,",
    ]
    text = "\n".join(lines)
    upload = SimpleUploadedFile("list.csv", text.encode("utf-8-sig"), content_type="text/csv")
    form = {"list-upload": upload, "list-model": "reseller", "list-language": "zh-hans"}
    assert signed_in(bob).post(reverse("invitations:invite_list"), form).status_code == 302
    verdicts = [(verdict, reason) for verdict, reason, _label in planned_rows()]
    assert verdicts == [
        ("send", ""),
        ("refused", RowReason.BAD_ADDRESS),
        ("duplicate", RowReason.DUPLICATE_IN_LIST),
    ]


def test_list_that_cannot_be_read_is_refused_whole(bob):
    upload = SimpleUploadedFile("list.xlsx", b"MZ this is a program", content_type="application/octet-stream")
    form = {"list-upload": upload, "list-model": "reseller", "list-language": "en"}
    answer = signed_in(bob).post(reverse("invitations:invite_list"), form)
    assert 400 <= answer.status_code < 500
    assert not Job.objects.exists()


def test_ticked_preregistrations_are_planned_and_foreign_ones_are_not(bob, charlie):
    now = timezone.now()
    mine, theirs = (
        preregister(
            prospect=Prospect(email=f"{member.user.name.lower()}@customer.example", customer_name="Wei"),
            owner=member,
            actor=actor_of(member),
            now=now,
        )
        for member in (bob, charlie)
    )
    client = signed_in(bob)
    ids = {"id": [mine.public_id, theirs.public_id]}
    asked = client.post(reverse("invitations:invite_chosen"), ids)
    assert asked.status_code == 200
    assert not Job.objects.exists()
    client.post(reverse("invitations:invite_chosen"), {**ids, "model": "reseller", "language": "en"})
    assert planned_rows() == [("send", "", "W** · b***@customer.example")]


def test_address_of_an_invitation_is_handed_out_and_logged(bob, dora):
    invitation = invite(bob, "wei@customer.example", now=timezone.now())
    page = signed_in(bob).get(reverse("invitations:detail", args=[invitation.public_id])).content.decode()
    assert "/i/" not in page
    handed = signed_in(bob).post(reverse("invitations:address", args=[invitation.public_id]))
    assert "/i/h" in handed.content.decode()
    assert AuditEntry.objects.filter(deed="link_copied", object_id=invitation.public_id).count() == 1
    assert signed_in(dora).post(reverse("invitations:address", args=[invitation.public_id])).status_code == 403


def test_qr_code_is_a_picture_and_its_download_is_logged(bob):
    client = signed_in(bob)
    client.post(reverse("invitations:link_create"), {"kind": "custom", "custom_tag": "fair", "model": "reseller"})
    link = InvitationLink.objects.get()
    starts = {"png": b"\x89PNG", "svg": b"<?xml"}
    for way, start in starts.items():
        answer = client.post(reverse("invitations:link_qr", args=[link.public_id, way]))
        assert answer.content.startswith(start)
        assert "attachment" in answer["Content-Disposition"]
    assert client.post(reverse("invitations:link_qr", args=[link.public_id, "exe"])).status_code == 404
    assert AuditEntry.objects.filter(deed="link_downloaded").count() == 2


def test_second_universal_link_of_a_member_is_the_first(bob):
    client = signed_in(bob)
    for _time in range(2):
        client.post(reverse("invitations:link_create"), {"kind": "universal", "model": "reseller", "max_uses": "1"})
    assert InvitationLink.objects.get().max_uses is None


def test_links_and_invitations_of_others_do_not_exist(bob, carol, charlie):
    invitation = invite(bob, "wei@customer.example", now=timezone.now())
    signed_in(bob).post(reverse("invitations:link_create"), {"kind": "universal", "model": "reseller"})
    link = InvitationLink.objects.get()
    for stranger in (charlie, carol):
        client = signed_in(stranger)
        for name, row in (("invitations:detail", invitation), ("invitations:link", link)):
            assert client.get(reverse(name, args=[row.public_id])).status_code == 404
        assert client.post(reverse("invitations:cancel", args=[invitation.public_id])).status_code == 404
        assert client.post(reverse("invitations:link_revoke", args=[link.public_id])).status_code == 404
    invitation.refresh_from_db()
    link.refresh_from_db()
    assert (invitation.status, link.revoked_at) == ("invited", None)


def test_resend_of_all_matching_stops_when_the_number_changed(bob):
    invite(bob, "wei@customer.example", now=timezone.now())
    client = signed_in(bob)
    refused = client.post(reverse("invitations:resend_plan"), {"all_matching": "2", "filter": ""})
    assert refused.status_code == 409
    assert Job.objects.filter(kind="resend").count() == 0
    client.post(reverse("invitations:resend_plan"), {"all_matching": "1", "filter": ""})
    assert Job.objects.filter(kind="resend").get().total == 1
