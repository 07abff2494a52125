"""Sending over real sockets to a server that drops, refuses, stalls and lies (reliability.md 1.8)."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from partner_center.mail.models import MailOutbox, SenderHeartbeat
from partner_center.mail.queries import suppressed_addresses
from partner_center.mail.rules import Verdict
from partner_center.mail.sending import send_due
from partner_center.tenancy.models import Partner
from tests.mail.letters import Letters, make_due, queue, row, send
from tests.mail.sink import Fault, Sink

MAILS = 30
BEFORE_DOT = ("mail", "rcpt", "data")
PIPELINED = ("PIPELINING", "SIZE 1000000")


def names(count: int = MAILS) -> list[str]:
    return [f"c{number:03}" for number in range(count)]


def drain() -> None:
    """Send until nothing waits, as if every pause were over."""
    for _round in range(10):
        make_due()
        send()
        if not MailOutbox.objects.filter(state="queued").exists():
            return


def copies(sink: Sink) -> Counter[str]:
    return Counter(sink.message_ids)


def assert_all_arrived(sink: Sink) -> None:
    """Every mail arrived, and what arrived bears the Message-ID of its row."""
    assert set(copies(sink)) == set(MailOutbox.objects.values_list("message_id", flat=True))
    assert set(MailOutbox.objects.values_list("state", flat=True)) == {"sent"}


def test_mails_go_out_over_one_connection(letters: Letters, partner: Partner, sink: Sink) -> None:
    queue(letters, partner, *names())
    assert send().sent == MAILS
    assert_all_arrived(sink)
    assert max(copies(sink).values()) == 1
    assert sink.connections == 1
    mail = sink.received[0]
    assert mail.recipients == ["c000@customer.example"] == [mail.message["To"]]
    assert mail.sender.startswith(f"b+{row('c000').public_id}.")
    assert not SenderHeartbeat.objects.exists()


@pytest.mark.parametrize("extensions", [(), PIPELINED])
@pytest.mark.parametrize("stage", [*BEFORE_DOT, "body", "dot_before_store"])
def test_drop_before_the_server_stored_costs_no_mail_and_no_copy(
    letters: Letters, partner: Partner, sink: Sink, stage: str, extensions: tuple[str, ...]
) -> None:
    sink.extensions = extensions
    queue(letters, partner, *names())
    sink.will([Fault(stage)] * 10)
    drain()
    assert_all_arrived(sink)
    assert max(copies(sink).values()) == 1


@pytest.mark.parametrize("stage", ["dot_after_store", "half_reply"])
def test_drop_after_the_server_stored_costs_one_copy_each(
    letters: Letters, partner: Partner, sink: Sink, stage: str
) -> None:
    queue(letters, partner, *names())
    sink.will([Fault(stage)] * 10)
    drain()
    assert_all_arrived(sink)
    assert sum(copies(sink).values()) == MAILS + 10
    assert max(copies(sink).values()) == 2


@pytest.mark.parametrize("reply", [b"421 4.3.0 closing", b"451 4.3.0 later"])
def test_doubtful_answer_after_the_dot_is_ambiguous(
    letters: Letters, partner: Partner, sink: Sink, reply: bytes
) -> None:
    queue(letters, partner, "a")
    sink.will([Fault("dot_after_store", reply)])
    send()
    assert (row("a").state, row("a").ambiguous, row("a").attempts) == ("queued", 1, 0)
    assert row("a").last_code == reply.decode()[:9]
    drain()
    assert copies(sink) == {row("a").message_id: 2}


def test_no_mail_arrives_more_than_three_times(letters: Letters, partner: Partner, sink: Sink) -> None:
    queue(letters, partner, "a")
    sink.will([Fault("dot_after_store")] * 5)
    drain()
    assert copies(sink) == {row("a").message_id: 3}
    assert row("a").state == "unknown"
    assert letters.news("a") == ["deferred", "deferred", "unknown"]


@pytest.mark.parametrize("stage", ["dot_after_store", "dot_before_store", "half_reply"])
def test_mail_whose_copy_does_harm_is_held(secrets_kind: Letters, partner: Partner, sink: Sink, stage: str) -> None:
    queue(secrets_kind, partner, "a", "b")
    sink.will([Fault(stage)])
    drain()
    assert (row("a").state, row("b").state) == ("unknown", "sent")
    assert max(copies(sink).values()) == 1
    assert secrets_kind.news("a") == ["unknown"]


@pytest.mark.parametrize("extensions", [(), PIPELINED])
@pytest.mark.parametrize("reply", [b"450 4.2.1 busy", b"451 greylisted", b"452 4.2.2 full", b"421 bye"])
def test_temporary_refusal_is_retried_after_a_minute(
    letters: Letters, partner: Partner, sink: Sink, reply: bytes, extensions: tuple[str, ...]
) -> None:
    sink.extensions = extensions
    queue(letters, partner, "a", "b")
    sink.will([Fault("rcpt", reply)])
    before = timezone.now()
    assert send().sent == 1
    mail = row("a")
    assert (mail.state, mail.attempts, mail.ambiguous) == ("queued", 1, 0)
    assert mail.last_code.startswith(reply[:3].decode())
    assert timedelta(seconds=59) < mail.next_at - before < timedelta(seconds=90)
    assert letters.news("a") == ["deferred"]
    assert send().tried == {}
    drain()
    assert_all_arrived(sink)


def test_sixth_temporary_refusal_is_final(letters: Letters, partner: Partner, sink: Sink) -> None:
    queue(letters, partner, "a")
    sink.will([Fault("rcpt", b"450 4.2.1 busy")] * 6)
    drain()
    assert (row("a").state, row("a").attempts) == ("failed", 5)
    assert letters.news("a") == ["deferred"] * 5 + ["bounced"]
    assert sink.received == []


@pytest.mark.parametrize("way", [("rcpt", ()), ("rcpt", PIPELINED), ("dot_before_store", ())])
@pytest.mark.parametrize("reply", [b"550 no", b"552 too big", b"554 5.7.1 spam"])
def test_final_refusal_is_never_retried(
    letters: Letters, partner: Partner, sink: Sink, reply: bytes, way: tuple[str, tuple[str, ...]]
) -> None:
    stage, sink.extensions = way
    queue(letters, partner, "a", "b")
    sink.will([Fault(stage, reply)])
    drain()
    assert (row("a").state, row("a").attempts) == ("failed", 0)
    assert letters.news("a") == ["bounced"]
    assert copies(sink) == {row("b").message_id: 1}
    assert suppressed_addresses(["a@customer.example"], partner=partner) == set()


def test_address_that_does_not_exist_gets_no_further_mail(
    letters: Letters, partner: Partner, other_partner: Partner, sink: Sink
) -> None:
    queue(letters, partner, "a")
    sink.will([Fault("rcpt", b"550 5.1.1 no such user")])
    send()
    assert row("a").last_code == "550 5.1.1"
    assert suppressed_addresses(["a@customer.example"], partner=partner) == {"a@customer.example"}
    assert suppressed_addresses(["a@customer.example"], partner=other_partner) == set()
    queue(letters, partner, "a", generation=2)
    assert send().sent == 0
    assert sink.received == []


def test_refused_sender_is_our_fault_and_tried_again(letters: Letters, partner: Partner, sink: Sink) -> None:
    queue(letters, partner, "a")
    sink.will([Fault("mail", b"550 5.7.1 relay denied")])
    send()
    assert (row("a").state, row("a").attempts) == ("queued", 1)
    drain()
    assert_all_arrived(sink)


@pytest.mark.parametrize("fault", [Fault("banner"), Fault("ehlo"), Fault("banner", b"421 too busy")])
def test_unreachable_server_leaves_mail_untouched(letters: Letters, partner: Partner, sink: Sink, fault: Fault) -> None:
    queue(letters, partner, "a")
    sink.will([fault])
    assert send().tried == {}
    assert (row("a").state, row("a").attempts, row("a").last_code) == ("queued", 0, "")
    assert send().sent == 1


def test_nobody_listening_leaves_mail_untouched(letters: Letters, partner: Partner, settings: Any) -> None:
    with Sink() as gone:
        settings.MAIL_URL = gone.url
    queue(letters, partner, "a")
    assert send().tried == {}
    assert row("a").state == "queued"


def test_server_that_dies_between_mails_stops_the_run(letters: Letters, partner: Partner, sink: Sink) -> None:
    queue(letters, partner, "a", "b", "c")
    sink.will([Fault("dot_after_store"), Fault("banner")])
    tally = send()
    assert tally.tried == {Verdict.AMBIGUOUS: 1, Verdict.UNREACHABLE: 1}
    assert (row("b").state, row("b").attempts, row("b").ambiguous) == ("queued", 0, 0)
    assert (row("c").state, row("c").last_code) == ("queued", "")
    drain()
    assert_all_arrived(sink)


def test_stale_connection_is_replaced_without_a_retry(letters: Letters, partner: Partner, sink: Sink) -> None:
    queue(letters, partner, "a", "b", "c")
    sink.close_after = 1
    assert send().sent == 3
    assert sink.connections == 3
    assert set(MailOutbox.objects.values_list("attempts", flat=True)) == {0}
    assert max(copies(sink).values()) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("stage", ["mail", "dot_after_store"])
def test_stalled_server_is_given_up(letters: Letters, partner: Partner, sink: Sink, settings: Any, stage: str) -> None:
    settings.MAIL_TIME_SCALE = 0.005
    sink.will([Fault(stage, stall=True)])
    queue(letters, partner, "a")
    tally = send()
    assert set(tally.tried) <= {Verdict.DEFERRED, Verdict.AMBIGUOUS}
    assert row("a").last_code == "timeout"
    assert row("a").ambiguous == (1 if stage == "dot_after_store" else 0)


@pytest.mark.parametrize("reply", [b"x" * 9_000, b"999 what", b"abc", b"", b"250\n250 ok", b"-1"])
@pytest.mark.parametrize("stage", ["mail", "rcpt", "dot_after_store"])
def test_unreadable_answer_never_counts_as_refusal(
    letters: Letters, partner: Partner, sink: Sink, reply: bytes, stage: str
) -> None:
    queue(letters, partner, "a")
    sink.will([Fault(stage, reply)])
    send()
    assert row("a").state != "failed"
    drain()
    assert row("a").state == "sent"
    assert row("a").message_id in copies(sink)


def test_short_answers_are_understood(letters: Letters, partner: Partner, sink: Sink) -> None:
    queue(letters, partner, "a")
    sink.will([Fault("dot_after_store", b"250")])
    assert send().sent == 1
    assert copies(sink) == {row("a").message_id: 1}


def test_refused_recipient_whose_server_wants_data_all_the_same(letters: Letters, partner: Partner, sink: Sink) -> None:
    """RFC 2920 3.1: a pipelined DATA may be answered 354 though nobody is left to receive it."""
    sink.eager = True
    queue(letters, partner, "a", "b")
    sink.will([Fault("rcpt", b"550 no")])
    assert send().sent == 1
    assert row("a").state == "failed"
    assert copies(sink) == {row("b").message_id: 1}


def test_dots_at_the_beginning_of_lines_arrive(letters: Letters, partner: Partner, sink: Sink) -> None:
    text = "\n.\n..\n.x\nhttp://localhost:8000/i/a\n"
    letters.changes["a"] = {"text": text}
    queue(letters, partner, "a")
    assert send().sent == 1
    body = sink.received[0].message.get_body(("plain",))
    assert body is not None
    assert str(body.get_content()).replace("\r\n", "\n") == text


def test_run_ends_when_its_time_is_over(letters: Letters, partner: Partner, sink: Sink) -> None:
    queue(letters, partner, *names())
    assert send_due(clock=timezone.now, seconds=0).tried == {}
    assert set(MailOutbox.objects.values_list("state", flat=True)) == {"queued"}
