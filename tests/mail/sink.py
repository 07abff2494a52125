"""
A mail server that misbehaves on demand, on a real socket.

It stores each mail (and, if told, appends its Message-ID to a file) before it answers 250. Faults are scripted by mail:
`faults` holds what happens to the first, second, … mail; when it is used up, mails are taken normally. Run as a module
it is a process of its own: `python -m tests.mail.sink FILE` prints its port.
"""

import re
import socket
import socketserver
import ssl
import sys
import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import BinaryIO

DROPS = ("banner", "ehlo", "mail", "rcpt", "data", "body", "dot_before_store", "dot_after_store", "half_reply")
MESSAGE_ID = re.compile(rb"^Message-ID: (\S+)\r?$", re.MULTILINE)


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one mail: the connection drops at a stage, or a stage gets this reply."""

    stage: str
    reply: bytes | None = None
    stall: bool = False


@dataclass
class Received:
    sender: str
    recipients: list[str]
    data: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.data, policy=policy.default)  # type: ignore[return-value]

    @property
    def message_id(self) -> str:
        found = MESSAGE_ID.search(self.data)
        return found[1].decode() if found else ""


@dataclass(eq=False)
class Sink(socketserver.ThreadingTCPServer):
    extensions: tuple[str, ...] = ("PIPELINING", "SIZE 10485760")
    faults: deque[Fault] = field(default_factory=deque)
    journal: BinaryIO | None = None
    keep: bool = True
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    commands: list[str] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    close_after: int = 0
    eager: bool = False

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.released = threading.Event()
        super().__init__(("127.0.0.1", 0), Conversation)

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def message_ids(self) -> list[str]:
        return [mail.message_id for mail in self.received]

    def will(self, faults: Iterable[Fault]) -> None:
        self.faults.extend(faults)

    def __enter__(self) -> "Sink":
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_args: object) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()
        self.thread.join()

    def store(self, mail: Received) -> None:
        with self.lock:
            if self.journal is not None:
                self.journal.write(mail.message_id.encode() + b"\n")
                self.journal.flush()
            if self.keep:
                self.received.append(mail)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is what these tests are about."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Hangup(Exception):
    pass


class Conversation(socketserver.BaseRequestHandler):
    server: Sink
    request: socket.socket

    def handle(self) -> None:
        self.server.connections += 1
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.request.makefile("rb")
        self.fault: Fault | None = None
        self.taken = 0
        self.next_fault({"banner", "ehlo"})
        try:
            self.say("banner", b"220 sink ready")
            while line := self.file.readline():
                self.command(line)
        except Hangup:
            # A reset, as when the process behind the port has died.
            self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        finally:
            self.file.close()

    def next_fault(self, stages: set[str]) -> None:
        """Take the next scripted fault if it is about these stages."""
        with self.server.lock:
            if self.fault is None and self.server.faults and self.server.faults[0].stage in stages:
                self.fault = self.server.faults.popleft()

    def say(self, stage: str, line: bytes) -> bool:
        """Answer as scripted; return whether the answer was the normal one."""
        fault = self.fault
        if fault is None or fault.stage != stage:
            self.request.sendall(line + b"\r\n")
            return True
        self.fault = None
        if fault.stall:
            self.server.released.wait(30)
            raise Hangup
        if fault.reply is None:
            raise Hangup
        self.request.sendall(fault.reply + b"\r\n")
        if fault.reply.startswith(b"421"):
            raise Hangup
        return False

    def command(self, line: bytes) -> None:
        verb, _, rest = line.strip().partition(b" ")
        verb = verb.upper()
        self.server.commands.append(verb.decode("ascii", "replace"))
        if verb == b"EHLO":
            extensions = [f"250-{name}".encode() for name in self.server.extensions]
            self.say("ehlo", b"\r\n".join([b"250-sink", *extensions, b"250 HELP"]))
        elif verb == b"MAIL":
            self.next_fault({"mail", "rcpt", "data", "body", "dot_before_store", "dot_after_store", "half_reply"})
            self.mail = Received(re.search(rb"<(.*?)>", rest)[1].decode(), [], b"")  # type: ignore[index]
            self.accepted = self.say("mail", b"250 ok")
        elif verb == b"RCPT":
            self.accepted = self.say("rcpt", b"250 ok") and self.accepted
            if self.accepted:
                self.mail.recipients.append(re.search(rb"<(.*?)>", rest)[1].decode())  # type: ignore[index]
        elif verb == b"DATA":
            self.data()
        elif verb == b"STARTTLS":
            self.start_tls()
        elif verb == b"QUIT":
            self.say("quit", b"221 bye")
            raise Hangup
        else:
            self.say("other", b"250 ok")

    def start_tls(self) -> None:
        self.request.sendall(b"220 go on\r\n")
        assert self.server.tls is not None
        self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        self.file = self.request.makefile("rb")

    def data(self) -> None:
        if not self.accepted:
            self.refuse_data()
            return
        if not self.say("data", b"354 go on"):
            return
        lines = []
        while (line := self.file.readline()) not in {b".\r\n", b""}:
            lines.append(line[1:] if line.startswith(b".") else line)
            if self.fault is not None and self.fault.stage == "body":
                raise Hangup
        if not line:
            return
        self.mail.data = b"".join(lines)
        self.answer_dot()

    def refuse_data(self) -> None:
        """Refuse a text for nobody, at once or, as some servers do, only after it."""
        self.fault = None
        if self.server.eager:
            self.request.sendall(b"354 go on\r\n")
            while self.file.readline() not in {b".\r\n", b""}:
                pass
        self.request.sendall(b"503 no recipients\r\n")

    def answer_dot(self) -> None:
        fault = self.fault
        if fault is None:
            self.server.store(self.mail)
            self.request.sendall(b"250 2.0.0 taken\r\n")
            self.taken += 1
            if self.taken == self.server.close_after:
                raise Hangup
            return
        self.fault = None
        if fault.stage != "dot_before_store":
            self.server.store(self.mail)
        if fault.stall:
            self.server.released.wait(30)
            raise Hangup
        if fault.stage == "half_reply":
            self.request.sendall(b"25")
            raise Hangup
        if fault.reply is None:
            raise Hangup
        self.request.sendall(fault.reply + b"\r\n")
        if fault.reply.startswith(b"421"):
            raise Hangup


def main() -> None:
    with Path(sys.argv[1]).open("ab") as journal, Sink(journal=journal, keep=False) as sink:
        print(sink.port, flush=True)  # noqa: T201 - the parent reads it
        sys.stdin.read()


if __name__ == "__main__":
    main()
