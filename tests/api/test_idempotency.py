"""The same request twice: one effect and one answer, whatever dies in between."""

import json
from datetime import timedelta
from typing import NoReturn

import pytest
from django.utils import timezone

from partner_center.api import idempotency
from partner_center.api.idempotency import KEPT, Answer, KeyReused, delete_old, digest_of, once
from partner_center.api.models import KeptAnswer
from partner_center.refusals import Refusal
from partner_center.tenancy.models import Member
from tests.api.calling import Program, error, make_program
from tests.rivals import run_together
from tests.vouchers.making import make_coupon, make_customer, make_quota
from vouchers.models import Coupon, LedgerEntry, OperationRecord, Quota

pytestmark = pytest.mark.django_db

PARALLEL = 40


@pytest.fixture
def coupon(carol: Member) -> Coupon:
    return make_coupon(make_quota(carol.partner), make_customer(carol), 100_00)


def use(coupon: Coupon, amount: str = "37.50", order_id: str = "O-1") -> dict[str, str]:
    return {"coupon_number": coupon.number, "order_id": order_id, "amount": amount}


def consumed(coupon: Coupon) -> int:
    coupon.refresh_from_db()
    return coupon.consumed_minor


def test_a_lost_answer_is_given_again(billing: Program, coupon: Coupon) -> None:
    lost = billing.post("/consumptions", use(coupon), key="K")
    again = billing.post("/consumptions", use(coupon), key="K")

    assert (lost.status_code, again.status_code) == (200, 200)
    assert again.content == lost.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in lost.headers
    assert consumed(coupon) == 37_50
    assert LedgerEntry.objects.filter(operation="consume").count() == 1


@pytest.mark.parametrize("other", [{"amount": "37.51"}, {"order_id": "O-2"}], ids=str)
def test_the_same_key_for_something_else_is_refused(billing: Program, coupon: Coupon, other: dict[str, str]) -> None:
    billing.post("/consumptions", use(coupon), key="K")

    assert error(billing.post("/consumptions", use(coupon) | other, key="K")) == (409, "key_reused")
    assert error(billing.post("/refunds", use(coupon), key="K")) == (409, "key_reused")
    assert consumed(coupon) == 37_50


def test_nobody_meets_the_keys_of_others(billing: Program, coupon: Coupon) -> None:
    billing.post("/consumptions", use(coupon), key="K")

    other = make_program(None).post("/consumptions", use(coupon, order_id="O-2"), key="K")

    assert other.status_code == 200
    assert consumed(coupon) == 75_00


@pytest.mark.parametrize("key", ["", "x" * 256, "a b", "schlüssel", "\x7f", "a\tb"], ids=repr)
def test_what_changes_something_needs_a_key(billing: Program, coupon: Coupon, key: str) -> None:
    assert error(billing.post("/consumptions", use(coupon), key=key)) == (400, "CBC.0100")
    assert consumed(coupon) == 0
    assert not KeptAnswer.objects.exists()


def test_a_refusal_is_an_answer_too_and_is_logged_once(billing: Program, coupon: Coupon) -> None:
    first = billing.post("/consumptions", use(coupon, "100.01"), key="K")
    again = billing.post("/consumptions", use(coupon, "100.01"), key="K")

    assert error(first) == (400, "not_enough_on_coupon")
    assert again.content == first.content
    assert OperationRecord.objects.filter(result="failure").count() == 1


def test_what_was_misspelt_leaves_the_key_free(billing: Program, coupon: Coupon) -> None:
    assert error(billing.post("/consumptions", use(coupon, "a lot"), key="K")) == (400, "CBC.0100")
    assert error(billing.post("/consumptions", {}, key="K")) == (400, "CBC.0100")

    assert billing.post("/consumptions", use(coupon), key="K").status_code == 200


def test_who_dies_before_the_end_has_done_nothing(
    billing: Program, coupon: Coupon, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vouchers.api import billing as address

    def die(_settled: object) -> NoReturn:
        raise MemoryError("the effect is written, the answer is not")

    with monkeypatch.context() as broken:
        broken.setattr(address, "_moved", die)
        assert error(billing.post("/consumptions", use(coupon), key="K")) == (500, "CBC.0999")
    assert (consumed(coupon), KeptAnswer.objects.count()) == (0, 0)
    assert not OperationRecord.objects.filter(operation="consume").exists()

    assert billing.post("/consumptions", use(coupon), key="K").status_code == 200
    assert consumed(coupon) == 37_50


def test_who_dies_after_the_end_answers_the_next_time(
    billing: Program, coupon: Coupon, monkeypatch: pytest.MonkeyPatch
) -> None:
    from partner_center.api import answers

    def die(*_arguments: object, **_more: object) -> NoReturn:
        raise ConnectionResetError("committed, and the client is gone")

    billing.client.raise_request_exception = True
    with monkeypatch.context() as broken:
        broken.setattr(answers, "_response", die)
        broken.setattr(answers, "HttpResponse", die)
        with pytest.raises(ConnectionResetError):
            billing.post("/consumptions", use(coupon), key="K")
    assert consumed(coupon) == 37_50

    again = billing.post("/consumptions", use(coupon), key="K")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert again.json()["balance"] == "62.50"
    assert consumed(coupon) == 37_50


@pytest.mark.django_db(transaction=True)
def test_forty_at_once_have_one_effect_and_one_answer(billing: Program, coupon: Coupon) -> None:
    def call(_thread: int) -> object:
        return Program(billing.secret).post("/consumptions", use(coupon), key="K")

    answers = run_together(PARALLEL, call)

    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
    assert consumed(coupon) == 37_50
    assert OperationRecord.objects.filter(operation="consume").count() == 1
    assert Quota.objects.get(pk=coupon.quota_id).consumed_minor == 37_50


@pytest.mark.django_db(transaction=True)
def test_of_forty_different_requests_with_one_key_one_is_done(billing: Program, coupon: Coupon) -> None:
    def call(thread: int) -> object:
        return Program(billing.secret).post("/consumptions", use(coupon, "1.00", f"O-{thread}"), key="K")

    statuses = sorted(answer.status_code for answer in run_together(PARALLEL, call))

    assert statuses == [200] + [409] * (PARALLEL - 1)
    assert consumed(coupon) == 1_00


# --- forms -----------------------------------------------------------------------------------------------------------


class Unlucky(Refusal):
    code = "unlucky"


def ask(work: object, *, owner: str = "member:1", key: str = "op", digest: str = "d") -> Answer:
    return once(owner=owner, key=key, digest=digest, now=timezone.now(), work=work)


def test_a_form_sent_twice_gets_the_same_result(db: None) -> None:
    done: list[int] = []

    def work() -> Answer:
        done.append(1)
        return Answer(302, "/coupons/")

    assert ask(work) == Answer(302, "/coupons/")
    assert ask(work) == Answer(302, "/coupons/", is_replayed=True)
    assert ask(work, owner="member:2") == Answer(302, "/coupons/")
    assert done == [1, 1]
    with pytest.raises(KeyReused):
        ask(work, digest="other")


def test_a_refused_form_may_be_sent_again_and_what_was_logged_stays(db: None, carol: Member) -> None:
    def refuse() -> NoReturn:
        make_quota(carol.partner)
        raise Unlucky

    with pytest.raises(Unlucky):
        ask(refuse)

    assert OperationRecord.objects.filter(operation="grant").count() == 1
    assert not KeptAnswer.objects.exists()
    assert ask(lambda: Answer(200)) == Answer(200)


def test_the_order_of_what_is_asked_does_not_matter() -> None:
    assert digest_of({"a": 1, "b": [1, 2]}) == digest_of({"b": [1, 2], "a": 1})
    assert digest_of({"a": 1, "b": [1, 2]}) != digest_of({"a": 1, "b": [2, 1]})
    assert len({idempotency.new_op_id() for _form in range(100)}) == 100


def test_answers_are_kept_for_thirty_days(db: None) -> None:
    now = timezone.now()
    for days in (29, 30, 31):
        once(owner="o", key=str(days), digest="", now=now - timedelta(days=days), work=lambda: Answer(200))

    assert delete_old(now=now) == 2
    assert timedelta(days=30) == KEPT
    assert list(KeptAnswer.objects.values_list("key", flat=True)) == ["29"]
    assert delete_old(now=now) == 0


def test_a_kept_answer_is_json(billing: Program, coupon: Coupon) -> None:
    billing.post("/consumptions", use(coupon), key="K")

    assert json.loads(KeptAnswer.objects.get().body)["coupon_number"] == coupon.number
