"""Who sends which mail: races, turns, leases, fences and what dead senders leave behind."""

import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from partner_center.mail.claims import Done, advance, claim, recover, release
from partner_center.mail.heartbeat import beat, beating, live_senders
from partner_center.mail.models import MailOutbox, SenderHeartbeat, from_now
from partner_center.mail.rules import Outcome, Verdict
from partner_center.mail.sending import send_due
from partner_center.tenancy.models import Partner
from tests.mail.letters import Letters, make_partner, queue, row, send

SENT = Outcome(Verdict.SENT, "250")


def in_threads(count: int, work: Callable[[int], None]) -> None:
    """Run the same work in real threads at the same moment, each with its own connection."""
    barrier = threading.Barrier(count)
    faults: list[BaseException] = []

    def run(number: int) -> None:
        try:
            barrier.wait(10)
            work(number)
        except BaseException as fault:  # noqa: BLE001 - told to the test below
            faults.append(fault)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not faults, faults


@pytest.mark.django_db(transaction=True)
def test_claimers_never_get_the_same_mail(letters: Letters) -> None:
    queue(letters, None, *(f"c{number}" for number in range(1_000)))
    claimed: list[int] = []

    def work(number: int) -> None:
        while True:
            mails, _turn = claim(f"owner{number}", turn=-1)
            if not mails:
                return
            claimed.extend(mail.pk for mail in mails)

    in_threads(8, work)
    assert len(claimed) == len(set(claimed)) == 1_000


@pytest.mark.django_db(transaction=True)
def test_claimers_without_the_guard_do_get_the_same_mail(letters: Letters) -> None:
    """The twin of the test above: reading and then saving shows that it can fail."""
    queue(letters, None, *(f"c{number}" for number in range(200)))
    claimed: list[int] = []
    both_have_read = threading.Barrier(8)

    def naive(number: int) -> None:
        mails = list(MailOutbox.objects.due().order_by("pk")[:50])
        both_have_read.wait(10)
        for mail in mails:
            mail.state, mail.owner, mail.lease_until = "leased", f"owner{number}", timezone.now()
            mail.save(update_fields=["state", "owner", "lease_until"])
            claimed.append(mail.pk)

    in_threads(8, naive)
    assert max(Counter(claimed).values()) > 1


@pytest.mark.django_db(transaction=True)
def test_one_of_many_fences_holds(letters: Letters) -> None:
    queue(letters, None, "a")
    mails, _turn = claim("me", turn=-1)
    won: list[int] = []

    def work(number: int) -> None:
        if advance("me", done=None, following=mails[0], recipient_hash="h", at=timezone.now()):
            won.append(number)

    in_threads(8, work)
    assert len(won) == 1
    assert row("a").state == "sending"


def test_partners_take_turns(letters: Letters, partner: Partner, other_partner: Partner) -> None:
    queue(letters, partner, *(f"many{number}" for number in range(400)))
    queue(letters, other_partner, "single")
    queue(letters, None, "vendor")
    seen, turn = [], -1
    for _claim in range(6):
        mails, turn = claim("me", turn=turn)
        seen.append({mail.lane for mail in mails})
    many, single = partner.pk, other_partner.pk
    assert seen == [{0, many}, {single}, {many}, {many}, {many}, {many}]


def test_many_small_partners_fill_one_claim(letters: Letters, db: None) -> None:
    for number in range(80):
        queue(letters, make_partner(f"small-{number}"), f"mail{number}")
    first, turn = claim("me", turn=-1)
    second, _turn = claim("me", turn=turn)
    assert (len(first), len(second)) == (50, 30)


def test_single_mail_waits_for_one_chunk_only(letters: Letters, partner: Partner, other_partner: Partner) -> None:
    queue(letters, partner, *(f"many{number:04}" for number in range(500)))
    queue(letters, other_partner, "single")
    send_due(clock=timezone.now, seconds=60)
    order = [change.object_id for change in letters.told]
    assert order.index("single") <= 50
    assert len(order) == 501


def test_oldest_mail_of_a_partner_goes_first(letters: Letters, partner: Partner) -> None:
    queue(letters, partner, *(f"c{number:02}" for number in range(70)))
    mails, _turn = claim("me", turn=-1)
    assert [mail.object_id for mail in mails] == [f"c{number:02}" for number in range(50)]


def test_mail_that_is_not_due_stays(letters: Letters, partner: Partner) -> None:
    queue(letters, partner, "later")
    MailOutbox.objects.update(next_at=from_now(60))
    assert claim("me", turn=-1) == ([], -1)


def test_fence_needs_the_owner_and_a_valid_lease(letters: Letters, partner: Partner) -> None:
    queue(letters, partner, "a", "b")
    (first, second), _turn = claim("me", turn=-1)
    now = timezone.now()
    assert not advance("other", done=None, following=first, recipient_hash="h", at=now)
    MailOutbox.objects.filter(pk=first.pk).update(lease_until=from_now(-1))
    assert not advance("me", done=None, following=first, recipient_hash="h", at=now)
    assert row("a").state == "leased"
    assert advance("me", done=None, following=second, recipient_hash="h", at=now)
    assert not advance("me", done=None, following=second, recipient_hash="h", at=now)


def test_release_gives_back_only_what_was_not_begun(letters: Letters, partner: Partner) -> None:
    queue(letters, partner, "a", "b")
    (first, _second), _turn = claim("me", turn=-1)
    advance("me", done=None, following=first, recipient_hash="h", at=timezone.now())
    assert release("other") == 0
    assert release("me") == 1
    assert (row("a").state, row("b").state) == ("sending", "queued")


def begin(letters: Letters, owner: str) -> None:
    """Let a sender die with one mail open (a) and one leased (b)."""
    beat(owner)
    queue(letters, None, "a", "b")
    (first, _second), _turn = claim(owner, turn=-1)
    advance(owner, done=None, following=first, recipient_hash="h", at=timezone.now())


def silence(owner: str) -> None:
    SenderHeartbeat.objects.filter(owner=owner).update(beat_at=from_now(-31))


def test_living_sender_keeps_what_it_has(letters: Letters, db: None) -> None:
    begin(letters, "me")
    recovered = recover(at=timezone.now())
    assert (recovered.put_back, recovered.sent_again, recovered.unknown) == (0, 0, 0)
    assert (row("a").state, row("b").state) == ("sending", "leased")


@pytest.mark.parametrize("death", ["silent", "never_beat", "lease_over"])
def test_dead_senders_mail_is_taken_over(letters: Letters, db: None, death: str) -> None:
    begin(letters, "me")
    if death == "lease_over":
        MailOutbox.objects.update(lease_until=from_now(-1))
    elif death == "silent":
        silence("me")
    else:
        SenderHeartbeat.objects.all().delete()
    recovered = recover(at=timezone.now())
    assert (recovered.put_back, recovered.sent_again, recovered.unknown) == (1, 1, 0)
    assert (row("a").state, row("a").ambiguous, row("a").attempts) == ("queued", 1, 0)
    assert (row("b").state, row("b").ambiguous) == ("queued", 0)
    assert letters.news("a") == ["deferred"]
    assert letters.news("b") == []
    assert send().sent == 2


def test_open_mail_whose_copy_does_harm_is_held(secrets_kind: Letters, db: None) -> None:
    begin(secrets_kind, "me")
    silence("me")
    assert recover(at=timezone.now()).unknown == 1
    assert secrets_kind.news("a") == ["unknown"]
    assert send().sent == 1
    assert row("a").state == "unknown"


def test_third_death_leaves_the_mail_unknown(letters: Letters, db: None) -> None:
    queue(letters, None, "a")
    for _death in range(3):
        (mail,), _turn = claim("me", turn=-1)
        advance("me", done=None, following=mail, recipient_hash="h", at=timezone.now())
        recover(at=timezone.now())
    assert (row("a").state, row("a").ambiguous) == ("unknown", 3)
    assert letters.news("a") == ["deferred", "deferred", "unknown"]


def test_sender_taken_for_dead_still_reports_what_it_sent(letters: Letters, db: None) -> None:
    begin(letters, "me")
    silence("me")
    mail = row("a")
    recover(at=timezone.now())
    advance("me", done=Done(mail, SENT), following=None, recipient_hash="", at=timezone.now())
    assert row("a").state == "sent"
    assert letters.news("a") == ["deferred", "sent"]


def test_late_failure_of_a_sender_taken_for_dead_changes_nothing(letters: Letters, db: None) -> None:
    begin(letters, "me")
    mail = row("a")
    silence("me")
    recover(at=timezone.now())
    refused = Outcome(Verdict.FAILED, "550")
    advance("me", done=Done(mail, refused), following=None, recipient_hash="", at=timezone.now())
    assert row("a").state == "queued"


@pytest.mark.django_db(transaction=True)
def test_two_recoveries_at_once_count_one_death(letters: Letters) -> None:
    begin(letters, "me")
    silence("me")
    in_threads(6, lambda _number: recover(at=timezone.now()) and None)
    assert (row("a").state, row("a").ambiguous) == ("queued", 1)
    assert letters.news("a") == ["deferred"]


@pytest.mark.django_db(transaction=True)
def test_heart_beats_while_the_sender_waits(settings: Any) -> None:
    settings.MAIL_TIME_SCALE = 0.01
    with beating("me"):
        first = SenderHeartbeat.objects.get().beat_at
        until = time.monotonic() + 10
        while SenderHeartbeat.objects.get().beat_at == first:
            assert time.monotonic() < until, "the heart has stopped"
            time.sleep(0.02)
        assert live_senders() == 1
    assert live_senders() == 0


def test_no_more_senders_than_allowed(letters: Letters, partner: Partner) -> None:
    queue(letters, partner, "a")
    SenderHeartbeat.objects.create(owner="somebody", beat_at=Now())
    assert send_due(clock=timezone.now, most_senders=1).sent == 0
    assert send_due(clock=timezone.now, most_senders=2).sent == 1


@pytest.mark.postgres
def test_sender_inside_of_a_transaction_does_not_wait_for_its_own_heart(db: None, settings: Any) -> None:
    """On PostgreSQL a heart that signed on by itself would wait for the row that is not committed yet, for ever."""
    settings.MAIL_TIME_SCALE = 0.01
    with beating("me"):
        threading.Event().wait(0.3)
    assert live_senders() == 0
