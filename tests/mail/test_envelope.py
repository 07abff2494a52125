"""The bytes on the wire: one recipient, constant headers, one link, a signed return address."""

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest

from partner_center.mail.addresses import BadAddress
from partner_center.mail.config import mail_config
from partner_center.mail.envelope import UnsafeMessage, hashes_of, mail_of_tag, seal, tag_of
from partner_center.mail.kinds import OutboxKey
from partner_center.mail.models import MailOutbox
from tests.mail.letters import message_for

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
MAIL = MailOutbox(public_id="A" * 22, kind="invite", message_id="<invite.AAAA.g2@mail.example>")
KEY = OutboxKey("wang", 1)
HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Content-Language",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
]


def sealed(**changes: str) -> EmailMessage:
    envelope = seal(MAIL, message_for(KEY, **changes), config=mail_config(), at=AT)
    return message_from_bytes(envelope.data, policy=policy.default)  # type: ignore[return-value]


def part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def test_mail_carries_both_parts_and_constant_headers() -> None:
    message = sealed()
    assert message.keys() == HEADERS
    assert message["To"] == "wang@customer.example"
    assert message["Message-ID"] == "<invite.AAAA.g2@mail.example>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert [each.get_content_type() for each in message.iter_parts()] == ["text/plain", "text/html"]
    assert "http://localhost:8000/i/wang" in part(message, "plain")


@pytest.mark.parametrize(
    "words", ["Hello", "您好，王芳 " * 300, "ünï", "=_A.\n.dot\n..two\n", "x" * 3_000, "a=b\t \nc "]
)
def test_parts_survive_their_encoding(words: str) -> None:
    original = message_for(KEY)
    message = sealed(text=f"{words}\n{original.text}", subject="您好，" + "长" * 60)
    assert part(message, "plain") == f"{words}\n{original.text}"
    assert message["Subject"] == "您好，" + "长" * 60


def test_every_line_is_within_the_limits_of_smtp() -> None:
    envelope = seal(
        MAIL, message_for(KEY, text="x" * 5_000 + " http://localhost:8000/i/wang"), config=mail_config(), at=AT
    )
    lines = envelope.data.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert not any(b"\n" in line or b"\r" in line for line in lines)
    assert envelope.data.endswith(b"\r\n")


INJECTIONS = [
    "x\r\nBcc: v@z.test",
    "x\nBcc: v@z.test",
    "x\rBcc: v",
    "x\x0bY: z",
    "x\x0cY",
    "x\x85Y",
    "x\u2028Y",
    "x\x00",
    "",
]


@pytest.mark.parametrize("subject", INJECTIONS)
def test_subject_that_would_break_a_header_is_not_sent(subject: str) -> None:
    with pytest.raises(UnsafeMessage, match="subject"):
        sealed(subject=subject)


@pytest.mark.parametrize(
    "recipient", ["a@b.test\r\nBcc: v@z.test", "a@b.test, v@z.test", "a@localhost", "\x00a@b.test", ""]
)
def test_recipient_that_is_no_address_is_not_sent_to(recipient: str) -> None:
    with pytest.raises(BadAddress):
        sealed(recipient=recipient)


OURS = "http://localhost:8000/i/wang"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"text": "no link at all"}, "links"),
        ({"html": "<p>no link at all</p>"}, "links"),
        ({"text": f"{OURS} and https://evil.test"}, "links"),
        ({"html": f'<a href="{OURS}">a</a><a href="{OURS}">b</a>'}, "links"),
        ({"html": f'<a href="{OURS}">a</a><img src="{OURS}">'}, "links"),
        ({"html": f'<a href="{OURS}">a</a><img src=//evil.test/x>'}, "links"),
        ({"html": f'<a href="{OURS}">a</a>https://evil.test'}, "links"),
        ({"html": f'<a href="{OURS}2">a</a>'}, "links"),
        ({"html": f"<a href=//evil.test>{OURS}</a>"}, "links"),
        ({"html": f"<a href='javascript:alert(1)'>{OURS}</a>"}, "links"),
        ({"html": f"<form action={OURS}>x</form>"}, "links"),
        ({"text": f"{OURS} ://"}, "links"),
        ({"text": f"{OURS}http://evil.test"}, "links"),
        ({"text": "https://evil.test/", "html": '<a href="https://evil.test/">a</a>'}, "foreign_link"),
        ({"text": f"{OURS[:21]}.evil.test/", "html": f'<a href="{OURS[:21]}.evil.test/">a</a>'}, "foreign_link"),
        ({"text": f"{OURS[:21]}@evil.test/", "html": f'<a href="{OURS[:21]}@evil.test/">a</a>'}, "foreign_link"),
        ({"text": f"{OURS} www.evil.test"}, "web_address"),
        ({"language": "en\r\nX: y"}, "language"),
    ],
)
def test_mail_without_exactly_our_one_link_is_not_sent(changes: dict[str, str], reason: str) -> None:
    with pytest.raises(UnsafeMessage, match=reason):
        sealed(**changes)


@pytest.mark.parametrize("name", ["href=x", "a href = //evil", " src=x", "&lt;a href=x&gt;"])
def test_words_that_look_like_markup_stop_no_mail(name: str) -> None:
    html = f'<p>Hello {name}</p><a class="button" href="{OURS}">Open</a>'
    assert part(sealed(html=html), "html") == html


def test_lone_surrogate_is_not_sent() -> None:
    with pytest.raises(UnicodeError):
        sealed(text=f"\ud800 {OURS}")


def test_sender_is_encoded_and_the_return_address_signed() -> None:
    config = replace(mail_config(), sender="伙伴中心 <no-reply@mail.example>", domain="mail.example")
    envelope = seal(MAIL, message_for(KEY), config=config, at=AT)
    message: Any = message_from_bytes(envelope.data, policy=policy.default)
    assert message["From"].addresses[0].display_name == "伙伴中心"
    assert envelope.sender.endswith("@mail.example")
    assert mail_of_tag(envelope.sender) == MAIL.public_id


def test_forged_tags_name_nobody(settings: Any) -> None:
    tag = tag_of("A" * 22)
    assert mail_of_tag(tag) == mail_of_tag(f"b+{tag}@x.test") == "A" * 22
    other_digit = "0" if tag[-1] != "0" else "1"
    for forged in (tag[:-1] + other_digit, tag.replace("A", "B"), tag[:-1], "", "b+", "x" * 10_000, f"{'A' * 22}."):
        assert mail_of_tag(forged) is None
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "k" * 50, [settings.SECRET_KEY]
    assert mail_of_tag(tag) == "A" * 22
    settings.SECRET_KEY_FALLBACKS = []
    assert mail_of_tag(tag) is None


def test_address_hash_survives_a_change_of_key_and_hides_the_address(settings: Any) -> None:
    before = hashes_of("a@b.test")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "k" * 50, [settings.SECRET_KEY]
    after = hashes_of("a@b.test")
    assert set(before) < set(after)
    assert hashes_of("c@b.test")[0] != after[0]
