import fcntl
import http.client
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import OperationalError, connections

from partner_center.environment import environment
from partner_center.management.stack import broker, children, preparation
from partner_center.management.stack.supervisor import StackFault, Supervisor


class Command(BaseCommand):
    help = "Runs broker, worker, beat and web server together; Ctrl-C stops them in order and loses nothing."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        parser.add_argument("--port", type=int, default=8000, help="port to listen on")
        parser.add_argument("--seed", action="store_true", help="fill an empty installation with the demo")

    def handle(self, *args: Any, host: str, port: int, seed: bool, **options: Any) -> None:
        refuse_busy_port(host, port)
        try:
            with only_stack(settings.STATE_DIR):
                self._run(host, port, seed=seed and not environment.is_production)
        except (broker.BrokerFault, StackFault) as fault:
            raise CommandError(str(fault)) from None
        except OperationalError as fault:
            raise CommandError(f"The database does not answer: {fault}") from None

    def _run(self, host: str, port: int, *, seed: bool) -> None:
        family = make_children(host, port)
        preparation.migrate()
        preparation.compile_translations()
        preparation.collect_static_files()
        if "site_url" not in environment.model_fields_set:
            # The demo writes its mails in this process, and their links must lead to this port too.
            settings.SITE_URL = f"http://localhost:{port}"
        logins = preparation.seed_demo() if seed else ""
        connections.close_all()
        Supervisor(family, say=self._say, announce=lambda: self._announce(host, port, logins)).run()
        broker.remove_shelter(settings.STATE_DIR / "broker")
        self._say("stopped")

    def _say(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()

    def _announce(self, host: str, port: int, logins: str) -> bool:
        if not is_serving(host, port):
            return False
        self._say(f"\nPartner Center is ready: http://localhost:{port}/   (Ctrl-C stops it)\n{logins}")
        return True


def make_children(host: str, port: int) -> list[children.Child]:
    """
    List the processes in the order of their start.

    :raises BrokerFault: when no broker can be had
    """
    base, state = settings.BASE_DIR, settings.STATE_DIR
    variables = {"DJANGO_SETTINGS_MODULE": "partner_center.settings", "PYTHONUNBUFFERED": "1"}
    # Root runs Celery knowingly in a container; only JSON is accepted, so its warning is empty here.
    variables["PYTHONWARNINGS"] = os.environ.get("PYTHONWARNINGS", "ignore::UserWarning:celery.platforms")
    if "site_url" not in environment.model_fields_set:
        variables["SITE_URL"] = f"http://localhost:{port}"
    family = []
    if environment.redis_url:
        if not broker.answers(environment.redis_url):
            raise broker.BrokerFault("REDIS_URL: no broker answers there; start it, or leave REDIS_URL empty.")
    else:
        family.append(children.embedded_broker(broker.find_server(), state, base))
        variables["REDIS_URL"] = broker.url_of(state / "broker")
    return [
        *family,
        children.worker(base, variables, processes=environment.worker_processes),
        children.beat(base, variables, state=state),
        children.web(base, variables, address=f"{host}:{port}", workers=environment.web_workers),
    ]


def refuse_busy_port(host: str, port: int) -> None:
    """
    Check that the port is free.

    :raises CommandError: when something listens there already
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as fault:
            raise CommandError(f"Port {port} cannot be used ({fault}). Choose another: PORT=8100 make run") from None


@contextmanager
def only_stack(state: Path) -> Iterator[None]:
    """
    Hold the state folder: two stacks on one database file and one broker would disturb each other.

    :raises CommandError: when another stack holds it
    """
    with (state / "stack.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(f"Another stack runs on {state}. Stop it, or choose another STATE_DIR.") from None
        yield


def is_serving(host: str, port: int) -> bool:
    """Tell whether the web server answers, whatever it answers."""
    connection = http.client.HTTPConnection("127.0.0.1" if host == "0.0.0.0" else host, port, timeout=5)  # noqa: S104
    try:
        connection.request("GET", "/livez", headers={"Host": environment.hosts[0] if environment.hosts else host})
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
