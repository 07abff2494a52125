"""Reports about mail that went out: by webhook, signed, once, in any order (reliability.md 9 K)."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from partner_center.mail.bounces import sign
from partner_center.mail.envelope import tag_of
from partner_center.mail.models import BounceEvent, MailOutbox, Suppression
from partner_center.mail.queries import suppressed_addresses
from partner_center.mail.reports import UnreadableReport, read_report
from partner_center.tenancy.models import Partner
from tests.mail.letters import Letters, make_due, queue, row, send

KEY = "webhook-key-of-the-tests"
ADDRESS = "a@customer.example"
Post = Callable[..., HttpResponse]


@pytest.fixture
def post(settings: Any) -> Post:
    """Report as the mail system does: signed, now."""
    settings.MAIL_BOUNCE_KEY = KEY

    def report(body: bytes, *, content_type: str = "application/json", **headers: str) -> HttpResponse:
        stamp = headers.pop("timestamp", str(int(timezone.now().timestamp())))
        signature = headers.pop("signature", sign(key=KEY, timestamp=stamp, body=body).decode())
        signed = {"X-Mail-Timestamp": stamp, "X-Mail-Signature": signature}
        return Client().post(reverse("mail:bounces"), body, content_type=content_type, headers=signed)  # type: ignore

    return report


@pytest.fixture
def sent(letters: Letters, partner: Partner) -> Letters:
    queue(letters, partner, "a")
    assert send().sent == 1
    letters.told.clear()
    return letters


def event(kind: str = "bounce", status: str = "5.1.1", **changes: object) -> bytes:
    tag = tag_of(row("a").public_id)
    return json.dumps({"event_id": "e1", "type": kind, "status": status, "tag": tag, **changes}).encode()


def result(answer: HttpResponse) -> tuple[int, str]:
    return answer.status_code, json.loads(answer.content)["result"]


def report(tag: str, *, action: str = "failed", status: str = "5.1.1", end: str = "\r\n") -> bytes:
    """Write a delivery report as mail systems do (RFC 3464)."""
    lines = [
        "Return-Path: <>",
        "From: MAILER-DAEMON@relay.example",
        f"To: <b+{tag}@partner-center.example>",
        "Subject: Undelivered Mail",
        "MIME-Version: 1.0",
        "Content-Type: multipart/report; report-type=delivery-status;",
        '\tboundary="mark/of=parts"',
        "",
        "This is a MIME message.",
        "",
        "--mark/of=parts",
        "Content-Type: text/plain",
        "",
        "Sorry.",
        "--mark/of=parts",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; relay.example",
        "",
        f"Final-Recipient: rfc822; {ADDRESS}",
        f"Action: {action}",
        f"Status: {status}",
        "Diagnostic-Code: smtp; 550 5.1.1 no such user",
        "",
        "--mark/of=parts",
        "Content-Type: message/rfc822",
        "",
        "Subject: original",
        "",
        "--mark/of=parts--",
        "",
    ]
    return end.join(lines).encode()


def test_late_hard_bounce_fails_the_mail_and_stops_the_address(sent: Letters, post: Post, partner: Partner) -> None:
    assert result(post(event())) == (200, "applied")
    assert (row("a").state, row("a").last_code) == ("failed", "bounce 5.1.1")
    assert sent.news("a") == ["bounced"]
    assert sent.told[0].recipient_hash == row("a").recipient_hash != ""
    assert suppressed_addresses([ADDRESS], partner=partner) == {ADDRESS}
    assert "customer.example" not in str(Suppression.objects.values().get())


def test_hard_bounce_for_another_reason_keeps_the_address(sent: Letters, post: Post, partner: Partner) -> None:
    assert result(post(event(status="5.7.1"))) == (200, "applied")
    assert row("a").state == "failed"
    assert suppressed_addresses([ADDRESS], partner=partner) == set()


def test_same_event_five_times_counts_once(sent: Letters, post: Post) -> None:
    body = event("deferred", "4.2.2")
    assert [result(post(body))[1] for _time in range(5)] == ["applied", *["repeated"] * 4]
    assert row("a").soft_bounces == 1
    assert sent.news("a") == ["deferred"]
    assert BounceEvent.objects.count() == 1


def test_five_bounces_of_one_mail_change_it_once(sent: Letters, post: Post) -> None:
    results = [result(post(event(event_id=f"e{number}")))[1] for number in range(5)]
    assert results == ["applied", *["nothing"] * 4]
    assert sent.news("a") == ["bounced"]
    assert Suppression.objects.count() == 1


def test_third_soft_bounce_fails_the_mail(sent: Letters, post: Post) -> None:
    for number in range(3):
        post(event("bounce", "4.2.2", event_id=f"e{number}"))
    assert (row("a").state, row("a").soft_bounces) == ("failed", 3)
    assert sent.news("a") == ["deferred", "deferred", "bounced"]


@pytest.mark.parametrize("order", list(permutations(["delivered", "deferred", "bounce"])))
def test_order_of_reports_does_not_matter(sent: Letters, post: Post, order: tuple[str, ...]) -> None:
    for kind in order:
        post(event(kind, "5.1.1" if kind == "bounce" else "4.0.0", event_id=kind))
    assert row("a").state == "failed"
    assert sent.news("a")[-1] == "bounced"


def test_complaint_stops_the_address_for_everybody(
    sent: Letters, post: Post, partner: Partner, other_partner: Partner
) -> None:
    assert result(post(event("complaint", ""))) == (200, "applied")
    assert (row("a").state, row("a").last_code) == ("sent", "complaint")
    assert suppressed_addresses([ADDRESS], partner=other_partner) == {ADDRESS}


def test_news_of_delivery_settles_an_unknown_mail(sent: Letters, post: Post) -> None:
    MailOutbox.objects.update(state="unknown", ambiguous=3)
    assert result(post(event("delivered", "2.0.0"))) == (200, "applied")
    assert row("a").state == "sent"


def test_news_of_delivery_spares_the_second_copy(sent: Letters, post: Post) -> None:
    MailOutbox.objects.update(state="queued", ambiguous=1)
    assert result(post(event("delivered", "2.0.0"))) == (200, "applied")
    make_due()
    assert send().sent == 0


def test_report_about_a_mail_that_never_left_changes_nothing(letters: Letters, partner: Partner, post: Post) -> None:
    queue(letters, partner, "a")
    assert result(post(event())) == (200, "nothing")
    assert row("a").state == "queued"


def test_forged_tag_is_ignored(sent: Letters, post: Post, partner: Partner) -> None:
    tag = tag_of(row("a").public_id)
    forged = tag[:-1] + ("0" if tag[-1] != "0" else "1")
    for bad in (forged, "", row("a").public_id, f"{'x' * 22}.{tag[-10:]}", tag + "\x00", "b+" * 1_000):
        status, word = result(post(event(tag=bad, event_id=f"forged {bad[:9]}")))
        assert (status, word) in {(200, "forged"), (400, "unreadable")}
    assert row("a").state == "sent"
    assert sent.told == []
    assert BounceEvent.objects.count() == 0
    assert suppressed_addresses([ADDRESS], partner=partner) == set()


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_delivery_report_is_read(sent: Letters, post: Post, end: str) -> None:
    body = report(tag_of(row("a").public_id), end=end)
    assert result(post(body, content_type="message/rfc822")) == (200, "applied")
    assert result(post(body, content_type="message/rfc822")) == (200, "repeated")
    assert (row("a").state, row("a").last_code) == ("failed", "bounce 5.1.1")


@pytest.mark.parametrize(
    ("action", "status", "state", "code"),
    [
        ("delayed", "4.4.1", "sent", "deferred 4.4.1"),
        ("failed", "4.4.7", "sent", "deferred 4.4.7"),
        ("failed", "5.2.2", "failed", "bounce 5.2.2"),
        ("delivered", "2.1.5", "sent", "mailbox"),
        ("Failed", "5.1.1 (no such user)", "failed", "bounce 5.1.1"),
    ],
)
def test_action_and_status_decide(sent: Letters, post: Post, action: str, status: str, state: str, code: str) -> None:
    post(report(tag_of(row("a").public_id), action=action, status=status), content_type="message/rfc822")
    assert (row("a").state, row("a").last_code) == (state, code)


def test_report_to_a_forged_address_is_ignored(sent: Letters, post: Post) -> None:
    body = report(f"{row('a').public_id}.0000000000")
    assert result(post(body, content_type="message/rfc822")) == (200, "forged")
    assert row("a").state == "sent"


NESTED = b"Content-Type: multipart/report; boundary=a\r\n\r\n" + b"".join(
    b"--%s\r\nContent-Type: multipart/mixed; boundary=%s\r\n\r\n" % (b"a" * depth, b"a" * (depth + 1))
    for depth in range(1, 1_000)
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\x00\xff" * 1_000,
        b"Subject: hello\r\n\r\nnot a report",
        b"Content-Type: multipart/report\r\n\r\n",
        b"Content-Type: multipart/report; boundary=\xff\r\n\r\n--\xff\r\n",
        b"Content-Type: multipart/report; boundary*0=a; boundary*1*=utf-9'x'%zz\r\n\r\n--a\r\n",
        b"Content-Type: multipart/report; boundary=a\r\n" + b"X: y\r\n" * 500_000,
        b"Content-Type: multipart/report; boundary=a\r\n\r\n" + b"--a\r\n" * 1_000_000,
        NESTED,
        report("x" * 22 + ".0123456789").replace(b"Status: 5.1.1", b"Status: hello"),
        report("x" * 22 + ".0123456789").replace(b"Action: failed\r\n", b""),
        report("x" * 22 + ".0123456789").replace(b"Final-Recipient", b"F" * 1_000_000),
    ],
)
def test_hostile_report_costs_little_and_says_nothing(body: bytes) -> None:
    started = time.perf_counter()
    try:
        found = read_report(body)
    except UnreadableReport:
        found = None
    assert found is None or found.tag.startswith("b+xxx")
    assert time.perf_counter() - started < 2


def test_report_larger_than_ten_megabytes_is_refused(post: Post, db: None) -> None:
    assert result(post(b"x" * (10 * 1024 * 1024 + 1), content_type="message/rfc822")) == (413, "too_large")
    assert result(post(b"x" * (9 * 1024 * 1024), content_type="message/rfc822")) == (400, "unreadable")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"event_id": 5}',
        b'{"event_id": ["x"], "type": "bounce"}',
        b'{"event_id": "", "type": "bounce"}',
        b'{"event_id": "a\\u0000", "type": "bounce"}',
        b'{"event_id": "\\ud800", "type": "bounce"}',
        json.dumps({"event_id": "x" * 201, "type": "bounce"}).encode(),
        b"\xff\xfe{",
    ],
)
def test_event_that_is_none_is_refused(post: Post, db: None, body: bytes) -> None:
    assert result(post(body)) == (400, "unreadable")
    assert BounceEvent.objects.count() == 0


def test_unknown_event_is_ignored(sent: Letters, post: Post) -> None:
    assert result(post(event("opened"))) == (200, "ignored")
    assert row("a").state == "sent"


def test_wrong_signature_is_refused(sent: Letters, post: Post) -> None:
    body = event()
    now = str(int(timezone.now().timestamp()))
    good = sign(key=KEY, timestamp=now, body=body).decode()
    for signature in ("", "0" * 64, good[:-1], good.upper(), sign(key="other", timestamp=now, body=body).decode(), "é"):
        assert result(post(body, signature=signature, timestamp=now)) == (401, "bad_signature")
    assert result(post(body + b" ", signature=good, timestamp=now)) == (401, "bad_signature")
    assert row("a").state == "sent"
    assert BounceEvent.objects.count() == 0


def test_old_or_strange_timestamp_is_refused(sent: Letters, post: Post) -> None:
    for seconds in (-301, 301, -86_400):
        stamp = str(int((timezone.now() + timedelta(seconds=seconds)).timestamp()))
        assert result(post(event(), timestamp=stamp)) == (401, "bad_signature")
    for stamp in ("", "now", "-1", "1e9", "9" * 400, "١٢٣"):
        assert result(post(event(), timestamp=stamp)) == (401, "bad_signature")
    assert row("a").state == "sent"


def test_webhook_without_a_key_is_not_there(sent: Letters, post: Post, settings: Any) -> None:
    body = event()
    settings.MAIL_BOUNCE_KEY = ""
    assert post(body).status_code == 404
    assert post(body, signature=sign(key="", timestamp="0", body=body).decode()).status_code == 404
    assert row("a").state == "sent"


def test_webhook_takes_posts_only(settings: Any, db: None) -> None:
    settings.MAIL_BOUNCE_KEY = KEY
    for method in ("get", "put", "delete"):
        assert getattr(Client(), method)(reverse("mail:bounces")).status_code == 405
