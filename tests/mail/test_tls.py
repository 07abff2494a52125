"""TLS towards the mail server: verified when asked for, and never silently left out."""

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.exceptions import ImproperlyConfigured

from partner_center.mail.smtp import Server
from partner_center.tenancy.models import Partner
from tests.mail.letters import Letters, queue, row, send
from tests.mail.sink import Sink


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for 127.0.0.1, with its key, that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sink")])
    now = datetime.now(UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "sink.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


class Stored:
    """What aiosmtpd received: who, over TLS or not, signed in as whom."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], bool, Any]] = []

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its API
        self.mails.append((envelope.rcpt_tos, session.ssl is not None, session.auth_data))
        return "250 OK"


def _accept(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"partner", b"s3cret/word")
    return AuthResult(success=good, auth_data=data.login if good else None, handled=False)


@dataclass(frozen=True)
class TlsServer:
    stored: Stored
    port: int
    ca: Path


@pytest.fixture
def server(certificate: Path) -> Iterator[TlsServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    stored = Stored()
    options = {"tls_context": context, "require_starttls": True, "authenticator": _accept, "auth_require_tls": True}
    controller = Controller(stored, "127.0.0.1", free_port(), **options)
    controller.start()
    yield TlsServer(stored, controller.port, certificate)
    controller.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_mail_goes_out_over_verified_starttls_with_sign_in(
    letters: Letters, partner: Partner, server: TlsServer, settings: Any
) -> None:
    settings.MAIL_URL = f"smtp://partner:s3cret%2Fword@127.0.0.1:{server.port}?tls=starttls&ca={server.ca}"
    queue(letters, partner, "a", "b")
    assert send().sent == 2
    assert server.stored.mails[0] == (["a@customer.example"], True, b"partner")


@pytest.mark.parametrize("fault", ["unknown authority", "other name", "wrong password", "plain"])
def test_mail_waits_when_the_server_cannot_be_trusted(
    letters: Letters, partner: Partner, server: TlsServer, settings: Any, fault: str
) -> None:
    host = "localhost" if fault == "other name" else "127.0.0.1"
    ca = "" if fault == "unknown authority" else f"&ca={server.ca}"
    password = "wrong" if fault == "wrong password" else "s3cret%2Fword"
    tls = "none" if fault == "plain" else "starttls"
    settings.MAIL_URL = f"smtp://partner:{password}@{host}:{server.port}?tls={tls}{ca}"
    queue(letters, partner, "a")
    assert send().tried == {}
    assert row("a").state == "queued"
    assert server.stored.mails == []


def test_stripped_starttls_stops_the_mail(letters: Letters, partner: Partner, sink: Sink, settings: Any) -> None:
    settings.MAIL_URL = f"{sink.url}?tls=starttls"
    queue(letters, partner, "a")
    assert send().tried == {}
    assert sink.received == []
    assert "MAIL" not in sink.commands


def test_tls_from_the_first_byte(letters: Letters, partner: Partner, settings: Any, sink: Sink) -> None:
    """A server that answers in clear where TLS was asked for gets no word in clear."""
    settings.MAIL_URL = sink.url.replace("smtp://", "smtps://")
    queue(letters, partner, "a")
    assert send().tried == {}
    assert not {"EHLO", "MAIL"} & set(sink.commands)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", Server("mail.example", 25, "none")),
        ("smtp://mail.example?tls=starttls", Server("mail.example", 587, "starttls")),
        ("smtp://u:p%40ss@mail.example:2525?tls=starttls", Server("mail.example", 2525, "starttls", "u", "p@ss")),
        ("smtps://mail.example?ca=/etc/ca.pem", Server("mail.example", 465, "tls", ca_file="/etc/ca.pem")),
        ("smtp://u:p@127.0.0.1", Server("127.0.0.1", 25, "none", "u", "p")),
    ],
)
def test_server_is_read_from_its_url(url: str, expected: Server) -> None:
    assert Server.parse(url) == expected


@pytest.mark.parametrize(
    "url", ["smtp://u:p@mail.example", "smtp://mail.example?tls=maybe", "smtp://mail.example?timeout=5"]
)
def test_unsafe_or_unknown_options_are_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="EMAIL_URL"):
        Server.parse(url)
