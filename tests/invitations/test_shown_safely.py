"""
Whatever was stored is shown as text: on every page, in mails and in files (reliability.md 9 A 6-11 and 19).

The payloads come in by the forms people use, so what a form lets through is what is looked at here.
"""

import csv
import io
import re

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.models import Association
from invitations import queries
from invitations.models import Invitation
from invitations.rules import MAIL_LINK
from partner_center.jobs import actions as jobs
from partner_center.jobs import files, worker
from partner_center.jobs.models import Job
from partner_center.mail.models import DevMessage
from partner_center.mail.sending import send_due
from partner_center.tenancy.models import Member
from tests.bad_input import BIDI, HYPERLINK, NAMES_KEPT, ONLOAD, SCRIPT, TAGS_KEPT
from tests.people import actor_of, make_account, signed_in

pytestmark = pytest.mark.django_db(transaction=True)
EVIL_PARTNER = "Harbour {{7*7}} Ltd"
ACTIVE = re.compile(r"<script>alert|<svg onload|<img src=x|\b49\b(?!\d)")
FORMULA = re.compile(r"^[=+\-@\t\r＝＋－＠]")


def entered(bob: Member) -> list[Invitation]:
    """Invite customers with every odd name and tag, through the form and a plan."""
    client, now = signed_in(bob), timezone.now()
    pairs = [(name, "fair") for name in NAMES_KEPT] + [("Wei", tag) for tag in TAGS_KEPT]
    for number, (name, tag) in enumerate(pairs):
        form = {"customer_name": name, "email": f"=c{number}@customer.example", "custom_tag": tag}
        answer = client.post(reverse("invitations:invite_one"), {**form, "model": "reseller", "language": "en"})
        assert answer.status_code == 302, (name, tag)
    for job in Job.objects.filter(kind="invite"):
        jobs.apply_plan(job=job, digest=job.digest, actor=actor_of(bob), now=now)
    worker.work_due(now=now, budget=120)
    rows = list(Invitation.objects.order_by("pk"))
    assert len(rows) == len(pairs)
    return rows


def assert_text_only(answer: HttpResponse, what: str) -> None:
    page = answer.content.decode()
    assert answer.status_code == 200, what
    assert SCRIPT not in page, what
    assert ONLOAD not in page, what
    assert "<svg onload" not in page, what
    assert not set(BIDI) & set(page), what


def test_pages_show_what_was_stored_as_text(bob: Member) -> None:
    rows, client = entered(bob), signed_in(bob)
    for query in ("size=100", "size=100&sort=customer_name", "custom_tag=%3Cscript%3E"):
        assert_text_only(client.get(f"{reverse('invitations:history')}?{query}"), query)
    assert_text_only(client.get(reverse("customers:preregistrations")), "preregistrations")
    for row in rows:
        assert_text_only(client.get(reverse("invitations:detail", args=[row.public_id])), row.customer_name)
    for job in Job.objects.all():
        assert_text_only(client.get(reverse("jobs:detail", args=[job.public_id])), job.title)
    page = client.get(reverse("invitations:detail", args=[rows[-1].public_id])).content.decode()
    assert "%_\\" in page
    tagged = next(row for row in rows if row.custom_tag == SCRIPT)
    page = client.get(reverse("invitations:detail", args=[tagged.public_id])).content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    templated = next(row for row in rows if "{{7*7}}" in row.custom_tag)
    assert "{{7*7}}" in client.get(reverse("invitations:detail", args=[templated.public_id])).content.decode()


def test_mails_say_what_was_stored_as_text(bob: Member) -> None:
    bob.partner.company_name = EVIL_PARTNER
    bob.partner.save(update_fields=["company_name"])
    rows = entered(bob)
    send_due(clock=timezone.now)
    mails = list(DevMessage.objects.all())
    assert len(mails) == len(rows)
    for mail in mails:
        assert mail.recipient.startswith("=c")
        assert "\n" not in mail.subject
        assert len(mail.subject) < 200
        assert not set(BIDI) & set(mail.subject + mail.text + mail.html)
        assert not ACTIVE.search(mail.html)
        assert "{{7*7}}" in mail.text
        assert "{{7*7}}" in mail.html
        assert mail.text.count("/i/") == mail.html.count('href="http') == 1


def test_exports_hold_no_formula(bob: Member, alice: Member) -> None:
    rows = entered(bob)
    client = signed_in(alice)
    answer = client.post(reverse("invitations:export"), {"format": "csv"})
    worker.work_due(now=timezone.now(), budget=60)
    job = Job.objects.get(kind="history_export")
    assert (answer.status_code, job.state, job.done) == (302, "done", len(rows))
    text = files.path_of(job.file_path).read_text("utf-8-sig")
    table = list(csv.reader(io.StringIO(text, newline="")))
    cells = [cell for line in table[1:] for cell in line]
    assert [cell for cell in cells if FORMULA.match(cell)] == []
    assert not set(BIDI) & set(text)
    assert any(HYPERLINK in cell for cell in cells), "the tag is there, as text"
    assert [cell for cell in cells if "=c" in cell and "@" in cell and not cell.startswith("'")] == []
    emails = {row.email for row in rows}
    assert not emails & set(cells)


def test_customer_sees_text_only(bob: Member) -> None:
    bob.partner.company_name = f"{EVIL_PARTNER} {SCRIPT}"
    bob.partner.save(update_fields=["company_name"])
    for row in entered(bob)[:12]:
        client = Client()
        client.get(reverse("invitations:open", args=[queries.token_of(row, kind=MAIL_LINK)]))
        assert_text_only(client.get(reverse("invitations:landing")), row.customer_name)


def test_reason_to_decline_is_shown_as_text(bob: Member) -> None:
    row = entered(bob)[0]
    Invitation.objects.filter(pk=row.pk).update(email="wei@customer.example")
    client = signed_in(make_account("wei@customer.example"))
    row.refresh_from_db()
    client.get(reverse("invitations:open", args=[queries.token_of(row, kind=MAIL_LINK)]))
    reason = f"{SCRIPT}{BIDI}\r\n=1+1 https://evil.test {{{{7*7}}}}"
    assert client.post(reverse("invitations:decline"), {"reason": reason}).status_code == 302
    row.refresh_from_db()
    assert row.status == "declined"
    assert not set(BIDI + "\r\n") & set(row.decline_reason)
    assert_text_only(signed_in(bob).get(reverse("invitations:detail", args=[row.public_id])), "detail")
    assert_text_only(client.get(reverse("invitations:landing")), "landing")
    assert not Association.objects.exists()
