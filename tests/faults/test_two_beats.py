"""Two beats and two workers by mistake (reliability.md 1.2.14): every row changes once, every mail leaves once."""

from collections import Counter
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from invitations.models import Invitation
from partner_center.audit.models import AuditEntry
from partner_center.jobs.models import Job
from partner_center.mail.models import MailOutbox
from partner_center.management.stack import children
from tests.faults.house import await_that, house
from tests.faults.test_resend_under_fire import all_is_over, expired_invitations, signed_in
from tests.people import make_member, make_partner

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True)]
ROWS = 1_500


def test_two_beats_change_each_row_once(tmp_path: Path) -> None:
    boss = make_member(make_partner(), "Boss", "admin")
    expired_invitations(boss, ROWS)
    Invitation.objects.update(status="invited")
    (tmp_path / "second").mkdir()
    with house(tmp_path) as running:
        second = [
            children.worker(settings.BASE_DIR, running.environment, processes=2),
            children.beat(settings.BASE_DIR, running.environment, state=tmp_path / "second"),
        ]
        try:
            for child in second:
                child.start()
            due = Invitation.objects.filter(status="invited")
            await_that(lambda: not due.exists(), seconds=120, what="every invitation is written down as expired")
            visitor = signed_in(running, boss)
            form = {"all_matching": ROWS, "filter": "status=expired"}
            assert visitor.apply(visitor.plan(form, at="/invitations/resend/")).is_fine
            await_that(all_is_over, seconds=240, what="every mail has left")
        finally:
            for child in reversed(second):
                child.stop(grace=20)
        assert running.copies() == Counter(MailOutbox.objects.values_list("message_id", flat=True))
    assert MailOutbox.objects.filter(state="sent").count() == ROWS
    assert (Job.objects.get().state, Job.objects.get().done) == ("done", ROWS)
    for deed in ("invitation_expired", "invitation_resent"):
        entries = Counter(AuditEntry.objects.filter(deed=deed).values_list("object_id", flat=True))
        assert len(entries) == ROWS, deed
        assert set(entries.values()) == {1}, deed
    call_command("verify_log")
