"""Whatever is protected refuses the direct request that skips the code, and nothing happens."""

import ast
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils import timezone

from partner_center.jobs import worker
from partner_center.tenancy.models import Member, Partner
from partner_center.verification.models import Challenge
from partner_center.verification.rules import ProtectedOperation
from tests.conftest import ROOT
from tests.people import actor_of, make_member, signed_in
from tests.verification.making import mailed_code, switch_on
from tests.vouchers.making import HUNDRED, make_coupon, make_customer, make_quota
from vouchers.actions import recall_batches
from vouchers.actions.planning import Chosen, plan_issue
from vouchers.models import Coupon, OperationRecord, Quota
from vouchers.rules.issuing import Policy, Terms

pytestmark = pytest.mark.django_db
Request = tuple[str, dict[str, str]]


@pytest.fixture
def boss(partner: Partner) -> Member:
    return make_member(partner, "Boss", "admin")


def issue(boss: Member) -> Request:
    now = timezone.now()
    terms = Terms(face_minor=HUNDRED, effective_at=now, expires_at=now + timedelta(days=30))
    job = plan_issue(
        quota=make_quota(boss.partner),
        choice=[Chosen(number=1, customer=make_customer(boss))],
        terms=terms,
        policy=Policy.SKIP,
        member=boss,
        actor=actor_of(boss),
        now=now,
    )
    return reverse("jobs:apply", args=[job.public_id]), {"digest": job.digest}


def recall(boss: Member) -> Request:
    coupon = make_coupon(make_quota(boss.partner), make_customer(boss))
    return reverse("vouchers:coupon_recall", args=[coupon.public_id]), {
        "reason": "",
        "shown": str(HUNDRED),
        "op_id": "o" * 22,
    }


def recall_batch(boss: Member) -> Request:
    make_coupon(make_quota(boss.partner), make_customer(boss))
    job = recall_batches.plan_recall(
        coupons=Coupon.objects.all(),
        reason_for_customer="",
        remark="",
        policy=Policy.SKIP,
        member=boss,
        actor=actor_of(boss),
        now=timezone.now(),
    )
    return reverse("jobs:apply", args=[job.public_id]), {"digest": job.digest}


def switch_off(_boss: Member) -> Request:
    return reverse("verification:switch_off"), {}


PROTECTED: dict[Callable[[Member], Request], ProtectedOperation] = {
    issue: ProtectedOperation.ISSUE,
    recall: ProtectedOperation.RECALL,
    recall_batch: ProtectedOperation.RECALL,
    switch_off: ProtectedOperation.SWITCH_OFF,
}


def state() -> list[object]:
    tables = (Coupon, Quota, Partner)
    return [list(table.objects.order_by("pk").values()) for table in tables] + [OperationRecord.objects.count()]


@pytest.mark.parametrize("code", ["", "000000", "12", "code"], ids=["none", "guess", "short", "word"])
@pytest.mark.parametrize("deed", PROTECTED, ids=lambda deed: deed.__name__)
def test_a_direct_request_without_the_code_is_refused(boss: Member, deed, code: str) -> None:
    address, data = deed(boss)
    switch_on(boss.partner)
    before = state()
    answer = signed_in(boss).post(address, {**data, "code": code})
    worker.work_due(now=timezone.now(), budget=10)

    assert answer.status_code == 403
    assert state() == before
    assert all(challenge.operation == PROTECTED[deed] for challenge in Challenge.objects.all())


@pytest.mark.parametrize("deed", PROTECTED, ids=lambda deed: deed.__name__)
def test_a_code_of_one_deed_does_not_do_another(boss: Member, deed) -> None:
    client, (address, data) = signed_in(boss), deed(boss)
    others = [other(boss) for other in PROTECTED if other is not deed]
    switch_on(boss.partner)
    before = state()
    client.post(address, data)
    code = mailed_code(boss)
    for other_address, other_data in others:
        if other_address != address:
            assert client.post(other_address, {**other_data, "code": code}).status_code == 403
    worker.work_due(now=timezone.now(), budget=10)
    assert state() == before


# --- what only some may call --------------------------------------------------------------------------


def sources() -> Iterator[tuple[str, ast.AST]]:
    for package in ("partner_center", "customers", "vouchers", "invitations"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())


def users_of(name: str) -> set[str]:
    """List the files that mention a name, as a bare one or behind a dot."""
    return {
        path
        for path, tree in sources()
        for node in ast.walk(tree)
        if getattr(node, "attr", getattr(node, "id", None)) == name
    }


def test_only_apis_speak_for_a_key() -> None:
    users = users_of("for_api")
    assert users
    assert all("api" in Path(path).parts for path in users), users


@pytest.mark.parametrize("factory", ["by_code", "not_asked"])
def test_only_the_check_makes_proofs(factory: str) -> None:
    assert users_of(factory) == {"partner_center/verification/actions.py"}


def test_every_operation_that_exists_stands_above() -> None:
    """A new protected operation has to be added to PROTECTED, and so is asked by a direct request."""
    own = {"partner_center/verification/rules.py"}
    used = {
        node.attr
        for path, tree in sources()
        if path not in own
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "ProtectedOperation"
    } & {operation.name for operation in ProtectedOperation}
    # No address leads to the end of an association yet; tests/customers/test_ending.py asks the action itself.
    assert used == {operation.name for operation in PROTECTED.values()} | {"DISASSOCIATE"}
