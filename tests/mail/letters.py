"""A kind of mail made for tests, and what tests do with the outbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from partner_center.mail.actions import enqueue_many
from partner_center.mail.kinds import DeliveryChange, Message, OutboxKey
from partner_center.mail.models import MailOutbox
from partner_center.mail.sending import Tally, send_due
from partner_center.tenancy.models import Partner


def message_for(key: OutboxKey, **changes: str) -> Message:
    link = f"http://localhost:8000/i/{key.object_id}"
    parts = {
        "recipient": f"{key.object_id}@customer.example",
        "subject": "Northwind invites you",
        "text": f"Hello,\n\n{link}\n",
        "html": f'<p>Hello</p><a href="{link}">Open</a>',
        "language": "en",
    }
    return Message(**{**parts, **changes})


@dataclass
class Letters:
    """A registered kind whose messages tests can change, and the news it was told."""

    key: str
    changes: dict[str, dict[str, str]] = field(default_factory=dict)
    obsolete: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    told: list[DeliveryChange] = field(default_factory=list)
    deaf: bool = False

    def render(self, keys: Sequence[OutboxKey]) -> Mapping[OutboxKey, Message]:
        if any(key.object_id in self.broken for key in keys):
            raise ZeroDivisionError("a template is broken")
        wanted = [key for key in keys if key.object_id not in self.obsolete]
        return {key: message_for(key, **self.changes.get(key.object_id, {})) for key in wanted}

    def hear(self, changes: Sequence[DeliveryChange]) -> None:
        if self.deaf:
            raise ZeroDivisionError("the app behind the mail is broken")
        self.told.extend(changes)

    def news(self, object_id: str) -> list[str]:
        return [change.state.value for change in self.told if change.object_id == object_id]


def make_partner(number: str) -> Partner:
    return Partner.objects.create(company_name=f"Partner {number}", account_number=number)


def queue(letters: Letters, partner: Partner | None, *object_ids: str, generation: int = 1) -> None:
    keys = [OutboxKey(object_id, generation) for object_id in object_ids]
    with transaction.atomic():
        enqueue_many(kind=letters.key, partner=partner, keys=keys, dedupe_prefix=letters.key, now=timezone.now())


def row(object_id: str) -> MailOutbox:
    return MailOutbox.objects.get(object_id=object_id)


def make_due() -> None:
    """Let the pause before a retry be over."""
    MailOutbox.objects.filter(state="queued").update(next_at=Now())


def send() -> Tally:
    return send_due(clock=timezone.now)
