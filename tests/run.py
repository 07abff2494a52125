"""Runs the suite on SQLite and then on PostgreSQL, with the servers of this machine or private ones (`make test`)."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parent.parent
BROWSER_PACKAGES = ("chromium", "fonts-noto-cjk")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SOME_PROCESSES = str(min(os.cpu_count() or 2, 4))


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server for the tests: where it is, and how it was come by."""

    url: str
    origin: str


def main(arguments: list[str]) -> int:
    # Ended from outside, leave no server and no pytest behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    notes = [install_browser()]
    codes = {"SQLite": run_suite(arguments, notes, DATABASE_URL="")}
    with postgresql() as server:
        if isinstance(server, Server):
            codes[f"PostgreSQL ({server.origin})"] = run_suite(
                arguments, notes, DATABASE_URL=server.url, ONLY_DATABASE_TESTS="1"
            )
        else:
            notes.append(server)
    print("\n---- make test ----")
    for target, code in codes.items():
        print(f"{target}: {'green' if code == 0 else f'RED (pytest ended with {code})'}")
    for note in filter(None, notes):
        print(note)
    return max(codes.values())


def run_suite(arguments: list[str], notes: list[str], **variables: str) -> int:
    """Run pytest on one database; add to `notes` what it left out and why."""
    target = "PostgreSQL" if variables["DATABASE_URL"] else "SQLite"
    print(f"\n---- tests on {target} ----", flush=True)
    command = [sys.executable, "-m", "pytest", "-q", "-n", SOME_PROCESSES, *arguments]
    with tempfile.NamedTemporaryFile("r") as file:
        environment = {**os.environ, **variables, "NOTES_OF_RUN": file.name}
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        notes += [f"{target}: {line}" for line in Path(file.name).read_text().splitlines()]
    return code


def install_browser() -> str:
    """Install Debian's Chromium where none is and we may; returns a note when there is none in the end."""
    if os.environ.get("CHROMIUM") or any(map(shutil.which, BROWSERS)):
        return ""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return "left out: browser tests, no Chromium is installed (as root on Debian this command installs it)"
    print("installing Chromium for the browser tests", flush=True)
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *BROWSER_PACKAGES]
    for command in (["apt-get", "update", "-qq"], install):
        subprocess.run(
            command, check=False, capture_output=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        )
    if any(map(shutil.which, BROWSERS)):
        return ""
    return "left out: browser tests, Chromium could not be installed (apt-get install chromium)"


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


@contextmanager
def postgresql() -> Iterator[Server | str]:
    """Give DATABASE_URL's server, else one that answers here, else a private one, else why there is none."""
    server = chosen_server() or answering_server()
    if server:
        yield server
        return
    programs = server_programs()
    if programs is None:
        yield "left out: everything on PostgreSQL, no server answers and none is installed (set DATABASE_URL)"
        return
    with private_server(programs) as private:
        yield private


def chosen_server() -> Server | None:
    url = os.environ.get("DATABASE_URL", "")
    return Server(url, "DATABASE_URL") if url.startswith("postgres") else None


def answering_server() -> Server | None:
    """Find a server on this machine that lets us make databases without a password."""
    for host in ("/var/run/postgresql", "127.0.0.1"):
        for user in (getpass.getuser(), "postgres"):
            try:
                with psycopg.connect(host=host, user=user, dbname="postgres", connect_timeout=2) as connection:
                    row = connection.execute("SELECT rolcreatedb FROM pg_roles WHERE rolname = current_user").fetchone()
            except psycopg.OperationalError:
                continue
            if row and row[0]:
                return Server(f"postgres://{user}@{host.replace('/', '%2F')}/postgres", f"the server at {host}")
    return None


def server_programs() -> Path | None:
    """Find the folder of initdb and postgres: on PATH, else where Debian keeps them."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


@contextmanager
def private_server(programs: Path) -> Iterator[Server]:
    """Run a server of our own on a free port; as root it runs as another user, because it refuses root."""
    user = unprivileged_user() if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="partner-center-postgres-"))
    if user:
        shutil.chown(folder, user)
    identity = {"user": user, "group": user_group(user), "extra_groups": []} if user else {}
    data, port = folder / "data", free_port()
    initialise = [str(programs / "initdb"), "-D", str(data), "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(initialise, check=True, stdout=subprocess.DEVNULL, cwd=folder, **identity)
    options = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": folder, "fsync": "off"}
    flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(data), *flags], cwd=folder, stdout=log, stderr=log, **identity
        )
    try:
        url = f"postgres://tests@127.0.0.1:{port}/postgres"
        wait_until_it_answers(url, process, folder / "log")
        yield Server(url, "a private server")
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def unprivileged_user() -> str:
    names = {line.split(":")[0] for line in Path("/etc/passwd").read_text().splitlines()}
    return "postgres" if "postgres" in names else "nobody"


def user_group(user: str) -> int:
    fields = next(
        line.split(":") for line in Path("/etc/passwd").read_text().splitlines() if line.startswith(f"{user}:")
    )
    return int(fields[3])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"the private PostgreSQL server did not start:\n{log.read_text()}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
