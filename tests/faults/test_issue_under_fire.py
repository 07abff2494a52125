"""
Programs issue coupons while the web server is killed again and again: what was acknowledged is there, nothing twice.

FAULTS_SEED=N repeats the choices of an earlier run; what the machine does in between differs.
"""

import http.client
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from customers.models import Association
from partner_center.api.models import KeptAnswer
from partner_center.management.stack import children
from tests.api.calling import make_program
from tests.faults.house import await_that
from tests.people import make_member, make_partner
from tests.processes import environment_of_child
from tests.run import free_port
from tests.vouchers.making import make_customer, make_quota
from vouchers.models import Coupon, LedgerEntry, OperationRecord, Quota

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]

PROGRAMS, REQUESTS, CUSTOMERS = 6, 60, 3
KILLS = 20
FACE = 1_00
# Less than what is asked for, so that the quota runs out on the way.
COUPONS = PROGRAMS * REQUESTS * CUSTOMERS * 4 // 5
PATIENCE = 300  # seconds


class Server:
    """A real gunicorn on the database of the test."""

    def __init__(self) -> None:
        self.port = free_port()
        environment = environment_of_child(PYTHONWARNINGS="ignore")
        address = f"127.0.0.1:{self.port}"
        self.web = children.web(settings.BASE_DIR, environment, address=address, workers=2)

    def kill(self) -> None:
        """Kill master and workers at the same moment, in the middle of whatever they do, and start again."""
        os.killpg(self.web.process_id, signal.SIGKILL)
        await_that(lambda: not self.web.is_running, seconds=10, what="the server is dead")
        self.web.note_death()
        self.web.start()

    def answers(self) -> bool:
        try:
            connection_ = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection_.request("GET", "/livez")
            return connection_.getresponse().status == 200
        except OSError:
            return False


@dataclass
class Issuer:
    """A program that sends each request with the same key until it has an answer."""

    port: int
    secret: str
    name: str
    bodies: list[dict[str, Any]]
    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)
    lost: int = 0
    replayed: int = 0
    faults: list[str] = field(default_factory=list)

    def work(self) -> None:
        deadline = time.monotonic() + PATIENCE
        for body in self.bodies:
            while not self._is_acknowledged(body):
                if time.monotonic() > deadline or self.faults:
                    return

    def _is_acknowledged(self, body: dict[str, Any]) -> bool:
        try:
            status, headers, text = self._send(body)
        except (OSError, http.client.HTTPException):
            self.lost += 1
            time.sleep(0.05)
            return False
        if status != 200:
            # Nothing else was asked for, so only a server that dies may answer anything else.
            self.faults += [f"{status} {text}"] if status < 500 else []
            return False
        self.replayed += "Idempotent-Replayed" in headers
        self.acknowledged[body["memo"]] = json.loads(text)
        return True

    def _send(self, body: dict[str, Any]) -> tuple[int, dict[str, str], str]:
        connection_ = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {
            "Authorization": f"Bearer {self.secret}",
            "Idempotency-Key": body["memo"],
            "Content-Type": "application/json",
        }
        try:
            connection_.request("POST", "/api/v1/coupons", json.dumps(body), headers)
            response = connection_.getresponse()
            return response.status, dict(response.headers), response.read().decode()
        finally:
            connection_.close()


@pytest.fixture
def quota(db: None) -> Quota:
    return make_quota(make_partner(), COUPONS * FACE)


@pytest.fixture
def customers(quota: Quota) -> list[Association]:
    manager = make_member(quota.partner, "Boss", "admin")
    return [make_customer(manager) for _number in range(CUSTOMERS * 4)]


def issuers(server: Server, quota: Quota, customers: list[Association], chance: random.Random) -> list[Issuer]:
    """Give each program its own key and its own requests; the customers are chosen by lot, so that orders differ."""
    ids = [customer.account.public_id for customer in customers]

    def body(name: str) -> dict[str, Any]:
        chosen = chance.sample(ids, CUSTOMERS)
        return {"quota_id": quota.public_id, "customer_ids": chosen, "face_value": "1.00", "memo": name}

    return [
        Issuer(
            port=server.port,
            secret=make_program(quota.partner).secret,
            name=f"P{program}",
            bodies=[body(f"P{program}-R{request}") for request in range(REQUESTS)],
        )
        for program in range(PROGRAMS)
    ]


def rage(server: Server, programs: list[Issuer], chance: random.Random) -> None:
    """Kill whenever a number of acknowledged requests drawn by lot is reached."""

    def count() -> int:
        return sum(len(program.acknowledged) for program in programs)

    for moment in sorted(chance.sample(range(1, int(PROGRAMS * REQUESTS * 0.95)), KILLS)):
        await_that(
            lambda moment=moment: count() >= moment or any(program.faults for program in programs),
            seconds=PATIENCE,
            what=f"{moment} requests are acknowledged",
        )
        time.sleep(chance.uniform(0, 0.05))
        server.kill()


def check(quota: Quota, programs: list[Issuer]) -> None:
    """What was acknowledged is there and nothing else is, each once; the books and the log agree."""
    acknowledged = {memo: body for program in programs for memo, body in program.acknowledged.items()}
    assert len(acknowledged) == PROGRAMS * REQUESTS
    promised = {each["coupon_id"]: memo for memo, body in acknowledged.items() for each in body["coupon_infos"]}
    there = dict(Coupon.objects.values_list("public_id", "remark"))
    assert there == promised
    refused = [each for body in acknowledged.values() for each in body["error_details"]]
    assert len(promised) + len(refused) == PROGRAMS * REQUESTS * CUSTOMERS
    assert {each["error_code"] for each in refused} == {"CBC.99000013"}
    quota.refresh_from_db()
    assert (len(there), quota.balance_minor, quota.outstanding_minor) == (COUPONS, 0, COUPONS * FACE)
    assert LedgerEntry.objects.filter(operation="issue").count() == COUPONS
    results = Counter(OperationRecord.objects.filter(operation="issue").values_list("result", flat=True))
    assert results == {"success": COUPONS, "failure": len(refused)}
    assert KeptAnswer.objects.count() == PROGRAMS * REQUESTS
    call_command("reconcile")
    call_command("verify_log")


Say = Callable[..., None]


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str]) -> Say:
    """Print what people who run `make faults` came for, also when the test passes."""

    def aloud(*lines: str) -> None:
        with capfd.disabled():
            print("", *lines, sep="\n", flush=True)  # noqa: T201 - what the run is for

    return aloud


def test_what_was_acknowledged_is_there_and_nothing_twice(quota: Quota, customers: list[Association], say: Say) -> None:
    seed = int(os.environ.get("FAULTS_SEED") or random.SystemRandom().randrange(10**6))
    say(f"FAULTS_SEED={seed}")
    chance, server = random.Random(seed), Server()
    programs = issuers(server, quota, customers, chance)
    threads = [Thread(target=program.work, name=program.name) for program in programs]
    started = time.monotonic()
    server.web.start()
    try:
        await_that(server.answers, seconds=30, what="the web server answers")
        for thread in threads:
            thread.start()
        rage(server, programs, chance)
        for thread in threads:
            thread.join(PATIENCE)
    finally:
        server.web.stop(grace=20)
    lost, replayed = (sum(getattr(program, name) for program in programs) for name in ("lost", "replayed"))
    say(
        f"{connection.vendor}: {KILLS} kills in {time.monotonic() - started:.0f} s, {PROGRAMS * REQUESTS} requests,"
        f" {lost} answers lost, {replayed} given again"
    )
    assert [fault for program in programs for fault in program.faults] == []
    check(quota, programs)
