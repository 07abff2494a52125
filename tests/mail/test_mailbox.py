"""The dev mailbox shows what would have been sent, in a demo only."""

from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from partner_center.mail.models import DevMessage, MailOutbox
from partner_center.mail.queries import mailbox_page
from partner_center.mail.tasks import recover_mail, send_due_mail
from partner_center.mail.transports import open_transport
from partner_center.tenancy.models import Partner
from tests.mail.letters import Letters, queue, row, send

HOSTILE = "<script>alert(1)</script>"


class Links(HTMLParser):
    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in {"href", "src"} and value]


@pytest.fixture
def mail(letters: Letters, partner: Partner) -> DevMessage:
    letters.changes["a"] = {"subject": f"Hello {HOSTILE}", "recipient": "wang@customer.example"}
    queue(letters, partner, "a")
    send()
    return DevMessage.objects.get()


def get(name: str, *args: str, **query: str) -> Any:
    return Client().get(reverse(f"mail:{name}", args=args), query)


def test_mailbox_lists_mail_with_masked_recipients(mail: DevMessage) -> None:
    page = get("mailbox")
    assert page.status_code == 200
    assert b"w***@customer.example" in page.content
    assert b"wang@customer.example" not in page.content
    assert HOSTILE.encode() not in page.content
    assert reverse("mail:message", args=[mail.public_id]) in Links(page.content).found


def test_message_shows_its_text_its_link_and_its_body_in_a_sandbox(mail: DevMessage) -> None:
    page = get("message", mail.public_id)
    found = Links(page.content).found
    assert "http://localhost:8000/i/a" in found
    assert reverse("mail:message_body", args=[mail.public_id]) in found
    assert b"sandbox" in page.content
    assert b"wang@customer.example" in page.content
    assert HOSTILE.encode() not in page.content
    assert page["Content-Security-Policy"].endswith("frame-src 'self'")
    assert "script-src 'nonce-" in page["Content-Security-Policy"]


def test_body_can_neither_run_nor_load_anything(mail: DevMessage) -> None:
    DevMessage.objects.update(html=f"<p>Hi</p>{HOSTILE}")
    body = get("message_body", mail.public_id)
    policy = body["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script" not in policy
    assert body["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.parametrize("change", [{"MAIL_IS_PRODUCTION": True}, {"MAIL_URL": "smtp://127.0.0.1"}])
def test_mailbox_is_not_there_outside_of_a_demo(mail: DevMessage, settings: Any, change: dict[str, Any]) -> None:
    for name, value in change.items():
        setattr(settings, name, value)
    assert get("mailbox").status_code == 404
    assert get("message", mail.public_id).status_code == 404
    assert get("message_body", mail.public_id).status_code == 404


@pytest.mark.parametrize("public_id", ["unknown", "1", "%00", "a%00b", "x" * 5_000, "%2e%2e", "%ed%a0%80"])
def test_unknown_message_is_not_found(db: None, public_id: str) -> None:
    address = f"{reverse('mail:mailbox')}{public_id}/"
    assert Client().get(address).status_code == 404
    assert Client().get(f"{address}body/").status_code == 404


def test_pages_go_back_in_time(db: None) -> None:
    DevMessage.objects.bulk_create(
        DevMessage(message_id=str(number), recipient=f"c{number % 2}@x.test", subject=f"Mail {number}")
        for number in range(120)
    )
    seen, before = [], ""
    while True:
        page = mailbox_page(before=before)
        seen += [int(message.message_id) for message in page.messages]
        before = page.older
        if not before:
            break
    assert seen == list(range(119, -1, -1))
    assert len(mailbox_page(recipient="C0@x.test").messages) == 50
    assert mailbox_page(recipient="c0@x.test").messages[0].message_id == "118"


@pytest.mark.parametrize("to", ["nobody@x.test", "\x00", "a" * 10_000, "' OR 1=1--", "\ud800"])
def test_filter_by_a_recipient_nobody_is(mail: DevMessage, to: str) -> None:
    assert mailbox_page(recipient=to).messages == []
    page = get("mailbox", to=to.encode("utf-8", "replace").decode())
    assert page.status_code == 200
    assert mail.public_id.encode() not in page.content


@pytest.mark.parametrize("before", ["", "x", "A" * 22, "\x00", "9" * 400])
def test_strange_place_to_go_on_from(mail: DevMessage, before: str) -> None:
    assert get("mailbox", before=before).status_code == 200


def test_repeated_mail_stands_in_the_mailbox_once(mail: DevMessage) -> None:
    MailOutbox.objects.update(state="queued")
    send()
    assert DevMessage.objects.count() == 1


def test_production_never_writes_mail_into_the_database(letters: Letters, partner: Partner, settings: Any) -> None:
    from django.core.exceptions import ImproperlyConfigured

    settings.MAIL_IS_PRODUCTION = True
    queue(letters, partner, "a")
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
        open_transport()
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
        send()
    assert row("a").state == "queued"
    assert not DevMessage.objects.exists()


def test_tasks_send_and_recover(letters: Letters, partner: Partner) -> None:
    queue(letters, partner, "a", "b")
    MailOutbox.objects.filter(object_id="b").update(state="leased", owner="dead", lease_until=timezone.now())
    send_due_mail()
    assert (row("a").state, row("b").state) == ("sent", "leased")
    recover_mail()
    send_due_mail()
    assert row("b").state == "sent"
