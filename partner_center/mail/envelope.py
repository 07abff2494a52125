"""The mail on the wire: headers, parts, the tag in the return address, and the last look before it leaves."""

import base64
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr
from functools import lru_cache
from html import unescape

from django.conf import settings
from django.utils.crypto import salted_hmac

from partner_center.mail.addresses import LINE_BREAKS, normalise_address
from partner_center.mail.config import MailConfig
from partner_center.mail.kinds import Message
from partner_center.mail.models import MailOutbox

TAG_LENGTH = 10
LONGEST_SUBJECT = 200
TAG = re.compile(r"b\+([A-Za-z0-9_-]{22})\.([0-9a-f]{10})(?:@|$)")
URL = re.compile(r"""[a-zA-Z][a-zA-Z0-9+.-]*://[^\s"'<>]*""")
BARE_WEB_ADDRESS = re.compile(r"(?i)(?<![/\w.-])www\.\w")
LEADING_ATTRIBUTE = re.compile(r"""(?i)\s(href|src|srcset|action|background|poster)\s*=\s*["']?([^"'\s>]*)""")
SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*$")
LONGEST_SCHEME = 40
LONGEST_LINE = 900


class UnsafeMessage(Exception):
    """A rendered mail that must not leave: its reason is one word for the log."""


@dataclass(frozen=True)
class Envelope:
    """A mail ready for a transport: return address, recipient, bytes with CRLF, and the message it was made of."""

    sender: str
    recipient: str
    data: bytes
    message_id: str
    message: Message


def seal(mail: MailOutbox, message: Message, *, config: MailConfig, at: datetime) -> Envelope:
    """
    Turn a message into bytes.

    :raises UnsafeMessage: when it holds a header break, a foreign link, or not exactly one link
    :raises BadAddress: when the recipient is no address
    """
    recipient = normalise_address(message.recipient)
    check(message, site_url=config.site_url)
    headers = (
        f"From: {_mailbox(config.sender)}",
        f"To: {recipient}",
        f"Subject: {_encoded(message.subject)}",
        f"Date: {format_datetime(at)}",
        f"Message-ID: {mail.message_id}",
        f"Content-Language: {message.language}",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        f'Content-Type: multipart/alternative; boundary="=_{mail.public_id}"',
    )
    mark = f"--=_{mail.public_id}"
    lines = (*headers, "", mark, _part("plain", message.text), mark, _part("html", message.html), f"{mark}--", "")
    return Envelope(
        sender=f"b+{tag_of(mail.public_id)}@{config.domain}",
        recipient=recipient,
        data="\r\n".join(lines).encode("ascii"),
        message_id=mail.message_id,
        message=message,
    )


def check(message: Message, *, site_url: str) -> None:
    """
    Look once more before a mail leaves (reliability.md 4.5).

    :raises UnsafeMessage: when a header would break, or the mail has not exactly one link or one to another site
    """
    if not message.subject or len(message.subject) > LONGEST_SUBJECT or _breaks(message.subject):
        raise UnsafeMessage("subject")
    if _breaks(message.language) or not message.language.isascii():
        raise UnsafeMessage("language")
    links = urls_in(message.text)
    in_html = [unescape(url) for url in urls_in(message.html)]
    leading = [(name.lower(), unescape(value)) for name, value in _leading_attributes(message.html)]
    if len(links) != 1 or in_html != links or leading != [("href", links[0])]:
        raise UnsafeMessage("links")
    if any("www." in part.lower() and BARE_WEB_ADDRESS.search(part) for part in (message.text, message.html)):
        raise UnsafeMessage("web_address")
    if not f"{links[0]}/".startswith(f"{site_url}/"):
        raise UnsafeMessage("foreign_link")


def urls_in(text: str) -> list[str]:
    """Find what mail programs would turn into links because of its scheme; a search for `://` is quick."""
    found, place = [], text.find("://")
    while place >= 0:
        scheme = SCHEME.search(text, max(0, place - LONGEST_SCHEME), place)
        url = URL.match(text, scheme.start() if scheme else place)
        found.append(url[0] if url else "://")
        place = text.find("://", place + 3)
    return found


def _leading_attributes(html: str) -> list[tuple[str, str]]:
    """Find attributes that lead or load, inside of tags: escaped words of people hold neither < nor >."""
    found = LEADING_ATTRIBUTE.finditer(html)
    return [(each[1], each[2]) for each in found if html.rfind("<", 0, each.start()) > html.rfind(">", 0, each.start())]


def _breaks(value: str) -> bool:
    return any(char < " " or char == "\x7f" or char in LINE_BREAKS for char in value)


def message_id_of(kind: str, public_id: str, generation: int, domain: str) -> str:
    """Make the Message-ID that every copy of this mail will bear."""
    return f"<{kind}.{public_id}.g{generation}@{domain}>"


def tag_of(public_id: str, *, key: str | None = None) -> str:
    """Sign a mail's id for its return address, so that a report that names it can be believed."""
    return f"{public_id}.{_signature(public_id, key or settings.SECRET_KEY)}"


def mail_of_tag(tag: str) -> str | None:
    """Return the mail's id that a return address names, or None when it was not signed here."""
    found = TAG.search(tag if tag.startswith("b+") else f"b+{tag}")
    if not found:
        return None
    public_id, signature = found.groups()
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    believed = any(hmac.compare_digest(signature, _signature(public_id, key)) for key in keys)
    return public_id if believed else None


def _signature(public_id: str, key: str) -> str:
    return salted_hmac("mail.return-address", public_id, secret=key, algorithm="sha256").hexdigest()[:TAG_LENGTH]


def hash_of(address: str) -> str:
    """Hash an address under the site's key, for lists that must not hold it in clear."""
    return _address_hash(address, settings.SECRET_KEY)


def hashes_of(address: str) -> list[str]:
    """Give the hashes an address may stand under: one for each key still accepted."""
    return [_address_hash(address, key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def _address_hash(address: str, key: str) -> str:
    return hmac.digest(b"mail.recipient" + key.encode(), address.encode(), "sha256").hex()


@lru_cache(maxsize=512)
def _encoded(value: str) -> str:
    return value if value.isascii() else Header(value, "utf-8", maxlinelen=75).encode(linesep="\r\n")


@lru_cache(maxsize=8)
def _mailbox(sender: str) -> str:
    name, address = parseaddr(sender)
    return formataddr((name, address))


def _part(subtype: str, body: str) -> str:
    """Encode one part; base64 where the text is not plain, so that no relay can break it."""
    text = body.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.replace("\n", "\r\n")
    if text.isascii() and "\x00" not in text and max(map(len, text.split("\n"))) <= LONGEST_LINE:
        encoding, encoded = "7bit", lines
    else:
        encoding, encoded = "base64", base64.encodebytes(lines.encode()).replace(b"\n", b"\r\n").decode("ascii")
    return f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{encoded}"
