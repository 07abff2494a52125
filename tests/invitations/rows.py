"""History records to look at: written straight into the table, in whatever state a test wants to see."""

from datetime import datetime, timedelta
from itertools import count

from django.utils import timezone

from customers.models import Association
from invitations.models import Invitation
from invitations.rules import Status, name_key
from partner_center.tenancy.models import Member
from tests.people import make_account

_numbers = count(1)


def make_record(owner: Member, **fields: object) -> Invitation:
    """Write one invitation, live unless told otherwise."""
    number = next(_numbers)
    now = timezone.now()
    fields.setdefault("customer_name", f"Person {number}")
    fields.setdefault("email", f"person{number}@customer.example")
    fields.setdefault("method", "email")
    fields.setdefault("model", "reseller")
    fields.setdefault("created_at", now - timedelta(hours=1) + timedelta(milliseconds=number))
    fields.setdefault("sent_at", fields["created_at"])
    fields.setdefault("expires_at", now + timedelta(days=7))
    fields.setdefault("delivery", "sent")
    if fields.get("status") == Status.ASSOCIATION_FAILED:
        fields.setdefault("cause", "customer_overdue")
    if fields.get("status") == Status.ASSOCIATED:
        fields.setdefault("association", _association(owner, now))
    fields.setdefault("customer_name_key", name_key(str(fields["customer_name"])))
    return Invitation.objects.create(partner=owner.partner, owner=owner, **fields)


def make_records(owner: Member, number: int, **fields: object) -> list[Invitation]:
    return [make_record(owner, **fields) for _ in range(number)]


def _association(owner: Member, now: datetime) -> Association:
    return Association.objects.create(
        partner=owner.partner, account=make_account(), model="reseller", consent_version="1", created_at=now
    )
