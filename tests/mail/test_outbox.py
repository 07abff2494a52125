"""Mails are written with the deed that causes them, once."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from partner_center.mail.actions import (
    NothingToSendAgain,
    enqueue,
    enqueue_many,
    hold_all,
    lift_suppression,
    release_all,
    send_again,
    suppress,
    suppress_address,
)
from partner_center.mail.kinds import MailKind, OutboxKey, UnknownKind, kind_of, register
from partner_center.mail.models import DevMessage, MailOutbox, SuppressionCause
from partner_center.mail.queries import suppressed_addresses
from partner_center.tenancy.models import Partner
from tests.mail.letters import Letters, make_due, queue, row, send

NOW = timezone.now()


def test_same_dedupe_key_gives_the_mail_that_is_there(letters: Letters, partner: Partner) -> None:
    def ask() -> MailOutbox:
        return enqueue(
            kind=letters.key, partner=partner, object_id="wang", generation=2, dedupe_key="invite:wang:g2", now=NOW
        )

    first, second = ask(), ask()
    assert first.pk == second.pk
    assert MailOutbox.objects.count() == 1
    assert first.message_id == f"<{letters.key}.{first.public_id}.g2@partner-center.example>"
    assert (first.partner, first.lane, first.state, first.created_at) == (partner, partner.pk, "queued", NOW)


def test_many_are_written_once_each_and_counted(letters: Letters, partner: Partner) -> None:
    keys = [OutboxKey(f"c{number}", 1) for number in range(1_200)]

    def ask(keys: list[OutboxKey]) -> int:
        return enqueue_many(kind=letters.key, partner=partner, keys=keys, dedupe_prefix="invite", now=NOW)

    assert ask([*keys, *keys[:5]]) == 1_200
    assert ask(keys) == 0
    assert ask([*keys[:3], OutboxKey("c0", 2)]) == 1
    assert MailOutbox.objects.of(partner).count() == 1_201
    assert MailOutbox.objects.filter(dedupe_key="invite:c7:g1").count() == 1


@pytest.mark.django_db(transaction=True)
def test_mail_outside_of_a_deed_is_refused(letters: Letters) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        enqueue(kind=letters.key, partner=None, object_id="x", generation=1, dedupe_key="x", now=NOW)
    with pytest.raises(transaction.TransactionManagementError):
        enqueue_many(kind=letters.key, partner=None, keys=[OutboxKey("x", 1)], dedupe_prefix="x", now=NOW)
    assert not MailOutbox.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_deed_that_fails_takes_its_mail_with_it(letters: Letters) -> None:
    with transaction.atomic():
        enqueue(kind=letters.key, partner=None, object_id="x", generation=1, dedupe_key="x", now=NOW)
        transaction.set_rollback(True)
    assert not MailOutbox.objects.exists()


def test_unknown_kind_is_refused(db: None) -> None:
    with pytest.raises(UnknownKind):
        enqueue(kind="nobody", partner=None, object_id="x", generation=1, dedupe_key="x", now=NOW)


def test_registry_is_closed_to_a_second_kind_of_that_name(letters: Letters) -> None:
    twin = MailKind(key=letters.key, label="Twin", on_ambiguity="hold", render=letters.render)
    with pytest.raises(ValueError, match="already"):
        register(twin)
    register(kind_of(letters.key))
    with pytest.raises(ValueError, match="identifier"):
        register(MailKind(key="a>b", label="x", on_ambiguity="hold", render=letters.render))


@pytest.mark.parametrize("column", ["dedupe_key", "message_id"])
def test_database_refuses_a_double(letters: Letters, partner: Partner, column: str) -> None:
    queue(letters, partner, "a", "b")
    with pytest.raises(IntegrityError), transaction.atomic():
        MailOutbox.objects.filter(object_id="b").update(**{column: getattr(row("a"), column)})


@pytest.mark.parametrize("change", [{"state": "elsewhere"}, {"state": "sending"}, {"state": "leased", "owner": "x"}])
def test_database_refuses_impossible_states(letters: Letters, partner: Partner, change: dict[str, Any]) -> None:
    queue(letters, partner, "a")
    with pytest.raises(IntegrityError), transaction.atomic():
        MailOutbox.objects.update(**change)


def test_row_holds_nothing_of_the_person(letters: Letters, partner: Partner) -> None:
    queue(letters, partner, "a")
    letters.changes["a"] = {"recipient": "canary@secret.example"}
    assert send().sent == 1
    stored = " ".join(str(value) for value in MailOutbox.objects.values().get().values())
    assert "canary" not in stored
    assert "secret.example" not in stored
    assert "/i/a" not in stored


def test_mail_is_sent_to_the_mailbox_and_told(letters: Letters, partner: Partner) -> None:
    queue(letters, partner, "a", "b")
    assert send().sent == 2
    assert letters.news("a") == letters.news("b") == ["sent"]
    assert row("a").state == "sent"
    assert row("a").sent_at is not None
    mail = DevMessage.objects.get(recipient="a@customer.example")
    assert mail.message_id == row("a").message_id
    assert "http://localhost:8000/i/a" in mail.text
    assert send().sent == 0
    assert DevMessage.objects.count() == 2


def test_obsolete_mail_is_suppressed(letters: Letters, partner: Partner) -> None:
    queue(letters, partner, "old", "new")
    letters.obsolete.add("old")
    assert send().sent == 1
    assert (row("old").state, row("old").last_code) == ("suppressed", "obsolete")
    assert letters.news("old") == ["suppressed"]
    assert not DevMessage.objects.filter(recipient="old@customer.example").exists()


def test_broken_rendering_puts_off_only_its_own_mail(letters: Letters, partner: Partner) -> None:
    queue(letters, partner, "a", "bad", "c")
    letters.broken.add("bad")
    assert send().sent == 2
    assert (row("bad").state, row("bad").attempts, row("bad").last_code) == ("queued", 1, "render")
    letters.broken.clear()
    make_due()
    assert send().sent == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"subject": "x\nBcc: v@z.test"}, "unsafe"),
        ({"recipient": "a@localhost"}, "bad_address"),
        ({"text": "\ud800"}, "unsafe"),
    ],
)
def test_unsafe_mail_fails_and_the_others_go(letters: Letters, partner: Partner, changes: Any, code: str) -> None:
    queue(letters, partner, "a", "bad")
    letters.changes["bad"] = changes
    assert send().sent == 1
    assert (row("bad").state, row("bad").last_code) == ("failed", code)
    assert letters.news("bad") == ["bounced"]
    assert DevMessage.objects.get().recipient == "a@customer.example"


def test_suppress_stops_what_has_not_begun(letters: Letters, partner: Partner) -> None:
    queue(letters, partner, "a", "b")
    keys = [OutboxKey("a", 1), OutboxKey("a", 2)]
    assert suppress(kind=letters.key, keys=keys, code="cancelled", now=NOW) == 1
    assert send().sent == 1
    assert suppress(kind=letters.key, keys=[OutboxKey("b", 1)], code="cancelled", now=NOW) == 0
    assert letters.news("a") == ["suppressed"]
    assert row("b").state == "sent"


def test_all_mail_can_be_held_and_released(letters: Letters, partner: Partner) -> None:
    queue(letters, partner, "a", "b")
    assert hold_all(before=NOW - timedelta(days=1)) == 0
    assert hold_all() == 2
    assert send().sent == 0
    assert row("a").delivery == "queued"
    assert release_all() == 2
    assert send().sent == 2


def test_only_unknown_mail_is_sent_again_under_its_old_name(letters: Letters, partner: Partner) -> None:
    queue(letters, partner, "a", "b")
    send()
    MailOutbox.objects.filter(object_id="a").update(state="unknown", ambiguous=3)
    name = row("a").message_id
    assert send_again(mails=MailOutbox.objects.of(partner), now=NOW) == 1
    assert (row("a").state, row("a").message_id) == ("queued", name)
    assert row("b").state == "sent"
    assert letters.news("a") == ["sent", "queued"]
    send()
    with pytest.raises(NothingToSendAgain):
        send_again(mails=MailOutbox.objects.of(partner), now=NOW)


def test_suppressed_address_gets_no_mail_from_that_partner(
    letters: Letters, partner: Partner, other_partner: Partner
) -> None:
    bounced, complained = "a@customer.example", "b@customer.example"
    suppress_address(address=bounced, partner=partner, cause=SuppressionCause.BOUNCE, now=NOW)
    suppress_address(address=complained, partner=other_partner, cause=SuppressionCause.COMPLAINT, now=NOW)
    assert suppressed_addresses([bounced, complained, "c@x.test"], partner=partner) == {bounced, complained}
    assert suppressed_addresses([bounced, complained], partner=other_partner) == {complained}
    assert suppressed_addresses([bounced, complained], partner=None) == {complained}
    queue(letters, partner, "a", "b", "c")
    assert send().sent == 1
    assert (row("a").state, row("a").last_code) == ("suppressed", "suppressed_address")
    assert letters.news("b") == ["suppressed"]
    assert lift_suppression(address=bounced, partner=partner) == 1
    assert suppressed_addresses([bounced], partner=partner) == set()


def test_address_is_suppressed_once(partner: Partner) -> None:
    for _time in range(2):
        suppress_address(address="a@x.test", partner=partner, cause=SuppressionCause.BOUNCE, now=NOW)
        suppress_address(address="a@x.test", partner=None, cause=SuppressionCause.BOUNCE, now=NOW)
    assert lift_suppression(address="a@x.test", partner=partner) == 1
    assert suppressed_addresses(["a@x.test"], partner=None) == {"a@x.test"}


def test_news_and_state_change_together(letters: Letters, partner: Partner) -> None:
    """When the app behind a mail cannot take the news, the outbox does not change either."""
    queue(letters, partner, "a")
    letters.deaf = True
    with pytest.raises(ZeroDivisionError):
        suppress(kind=letters.key, keys=[OutboxKey("a", 1)], code="cancelled", now=NOW)
    assert row("a").state == "queued"
