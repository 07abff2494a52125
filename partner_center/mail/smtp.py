"""
A small SMTP client that knows how far it came.

`smtplib` answers a drop before and after the final dot with the same exception, and has one timeout for everything.
This client keeps the stages apart (reliability.md 1.2.5, 1.2.6), reuses its connection and sends MAIL, RCPT and DATA in
one packet where the server allows it (RFC 2920).
"""

import re
import smtplib
import ssl
from dataclasses import dataclass
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

from partner_center.mail.config import MailConfig
from partner_center.mail.envelope import Envelope
from partner_center.mail.rules import ACCEPTED, HIGHEST_REPLY, LOWEST_REPLY, Outcome, Stage, Verdict, judge

CONNECT_TIMEOUT = 10
COMMAND_TIMEOUT = 60
DOT_TIMEOUT = 600
READY_FOR_TLS, READY_FOR_DATA, CLOSING = 220, 354, 421
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
ENHANCED_STATUS = re.compile(rb"([245]\.\d{1,3}\.\d{1,3})\b")
LEADING_DOT = re.compile(rb"(?m)^\.")


@dataclass(frozen=True)
class Server:
    """Where the mail server is and how to speak to it."""

    host: str
    port: int
    security: str
    user: str = ""
    password: str = ""
    ca_file: str | None = None

    @classmethod
    def parse(cls, url: str) -> Self:
        """
        Read `smtp://user:password@host:port?tls=starttls` or `smtps://…`; `ca` names a private authority's file.

        :raises ImproperlyConfigured: when a password would cross a network in clear, or the options are unknown
        """
        parts = urlsplit(url)
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        security = "tls" if parts.scheme == "smtps" else options.get("tls", "none")
        host = parts.hostname or "localhost"
        if security not in {"tls", "starttls", "none"} or options.keys() - {"tls", "ca"}:
            raise ImproperlyConfigured("EMAIL_URL: the options are tls=starttls, tls=none and ca=FILE")
        if parts.password and security == "none" and host not in LOOPBACK:
            raise ImproperlyConfigured("EMAIL_URL: should ask for tls=starttls, or the password is sent in clear")
        return cls(
            host=host,
            port=parts.port or {"tls": 465, "starttls": 587, "none": 25}[security],
            security=security,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            ca_file=options.get("ca"),
        )


class _Refused(Exception):
    """The server has ended this mail at a stage, by a reply or by silence."""

    def __init__(self, stage: Stage, reply: int | None, code: str) -> None:
        super().__init__(code)
        self.stage, self.reply, self.code = stage, reply, code

    @property
    def outcome(self) -> Outcome:
        return Outcome(judge(self.stage, self.reply), self.code)


class SmtpTransport:
    """One connection, opened when first needed and kept for the mails that follow."""

    def __init__(self, config: MailConfig) -> None:
        self.config = config
        self.server = Server.parse(config.url)
        self.connection: smtplib.SMTP | None = None
        self.mails_on_connection = 0

    def open(self) -> Outcome | None:
        """Make sure there is a connection; an outcome says why there is none."""
        if self.connection is not None:
            return None
        try:
            self.connection = self._connect()
        except smtplib.SMTPResponseException as fault:
            return Outcome(Verdict.UNREACHABLE, f"connect {fault.smtp_code}")
        except (OSError, smtplib.SMTPException) as fault:
            return Outcome(Verdict.UNREACHABLE, f"connect {type(fault).__name__}")
        self.mails_on_connection = 0
        return None

    def send(self, envelope: Envelope) -> Outcome:
        """Send one mail; a kept connection that proves dead at its first word is replaced once."""
        reused = self.mails_on_connection > 0
        refusal = self._attempt(envelope)
        stale = isinstance(refusal, _Refused) and refusal.stage is Stage.SENDER and refusal.reply in {None, CLOSING}
        if reused and stale:
            self.close()
            refusal = self._attempt(envelope)
        if isinstance(refusal, _Refused):
            return refusal.outcome
        return refusal

    def close(self) -> None:
        """Say goodbye if the server still listens."""
        connection, self.connection = self.connection, None
        if connection is not None:
            try:
                connection.sock.settimeout(self.config.timeout(CONNECT_TIMEOUT))  # type: ignore[union-attr]
                connection.quit()
            except (OSError, AttributeError, smtplib.SMTPException):
                connection.close()

    def _connect(self) -> smtplib.SMTP:
        server, ours, timeout = self.server, self.config.domain, self.config.timeout(CONNECT_TIMEOUT)
        context = ssl.create_default_context(cafile=server.ca_file)
        connection = (
            smtplib.SMTP_SSL(server.host, server.port, ours, timeout=timeout, context=context)
            if server.security == "tls"
            else smtplib.SMTP(server.host, server.port, ours, timeout=timeout)
        )
        try:
            self._greet(connection, context)
        except BaseException:
            connection.close()
            raise
        return connection

    def _greet(self, connection: smtplib.SMTP, context: ssl.SSLContext) -> None:
        connection.ehlo_or_helo_if_needed()
        if self.server.security == "starttls":
            # Raises where the server does not offer it: what was asked to be secret never goes in clear.
            code, text = connection.starttls(context=context)
            if code != READY_FOR_TLS:
                raise smtplib.SMTPResponseException(code, text)
            connection.ehlo_or_helo_if_needed()
        if self.server.user:
            connection.login(self.server.user, self.server.password)

    def _attempt(self, envelope: Envelope) -> Outcome | _Refused:
        unreachable = self.open()
        if unreachable is not None:
            return unreachable
        try:
            return self._converse(envelope)
        except _Refused as refusal:
            self._leave_clean(refusal)
            return refusal

    def _converse(self, envelope: Envelope) -> Outcome:
        self._timeout(COMMAND_TIMEOUT)
        commands = (
            (Stage.SENDER, f"MAIL FROM:<{envelope.sender}>{self._size(envelope)}\r\n"),
            (Stage.RECIPIENT, f"RCPT TO:<{envelope.recipient}>\r\n"),
            (Stage.DATA, "DATA\r\n"),
        )
        if self._offers("pipelining"):
            self._write(Stage.SENDER, "".join(text for _, text in commands).encode("ascii"))
            self._expect_all()
        else:
            for stage, text in commands:
                self._write(stage, text.encode("ascii"))
                self._expect(stage)
        # Until the last bytes are handed over the dot is not out: a failing write is safe to repeat.
        self._write(Stage.DATA, LEADING_DOT.sub(b"..", envelope.data) + b".\r\n")
        self._timeout(DOT_TIMEOUT)
        reply, code = self._reply(Stage.AFTER_DOT)
        if judge(Stage.AFTER_DOT, reply) is not Verdict.SENT:
            raise _Refused(Stage.AFTER_DOT, reply, code)
        self.mails_on_connection += 1
        return Outcome(Verdict.SENT, code)

    def _expect_all(self) -> None:
        """Read the three answers of a pipelined group; the first refusal is the one that counts."""
        first: _Refused | None = None
        for stage in (Stage.SENDER, Stage.RECIPIENT, Stage.DATA):
            try:
                self._expect(stage)
            except _Refused as refusal:
                first = first or refusal
                if refusal.reply is None:
                    raise first from None
            else:
                if first is not None and stage is Stage.DATA:
                    self._end_empty_data()
        if first is not None:
            raise first

    def _end_empty_data(self) -> None:
        """Answer a server that wants data for nobody (RFC 2920 3.1): an empty text, to which it says no."""
        try:
            self._write(Stage.DATA, b".\r\n")
            self._reply(Stage.DATA)
        except _Refused:
            self._drop()

    def _expect(self, stage: Stage) -> None:
        reply, code = self._reply(stage)
        wanted = reply == READY_FOR_DATA if stage is Stage.DATA else reply // 100 == ACCEPTED
        if not wanted:
            raise _Refused(stage, reply, code)

    def _leave_clean(self, refusal: _Refused) -> None:
        """Keep the connection only if it is known to be between two mails."""
        if refusal.reply in {None, CLOSING}:
            self._drop()
        if self.connection is None or refusal.stage is Stage.AFTER_DOT:
            return
        try:
            self._write(Stage.SENDER, b"RSET\r\n")
            self._expect(Stage.SENDER)
        except _Refused:
            self._drop()

    def _drop(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.close()

    def _open_connection(self) -> smtplib.SMTP:
        if self.connection is None:
            raise _Refused(Stage.SENDER, None, "closed")
        return self.connection

    def _offers(self, extension: str) -> bool:
        return bool(self._open_connection().has_extn(extension))

    def _size(self, envelope: Envelope) -> str:
        return f" SIZE={len(envelope.data)}" if self._offers("size") else ""

    def _timeout(self, seconds: float) -> None:
        self._open_connection().sock.settimeout(self.config.timeout(seconds))  # type: ignore[union-attr]

    def _write(self, stage: Stage, data: bytes) -> None:
        try:
            self._open_connection().send(data)
        except (OSError, smtplib.SMTPException) as fault:
            raise _Refused(stage, None, _word(fault)) from None

    def _reply(self, stage: Stage) -> tuple[int, str]:
        try:
            reply, text = self._open_connection().getreply()
        except (OSError, smtplib.SMTPException) as fault:
            # An overlong line arrives here too: smtplib calls it 500, but the server has said no such thing.
            raise _Refused(stage, None, _word(fault)) from None
        if not LOWEST_REPLY <= reply <= HIGHEST_REPLY:
            raise _Refused(stage, None, "unreadable")
        status = ENHANCED_STATUS.match(text)
        return reply, f"{reply} {status[1].decode()}" if status else str(reply)


def _word(fault: Exception) -> str:
    return "timeout" if isinstance(fault, TimeoutError) or "timed out" in str(fault) else "dropped"
