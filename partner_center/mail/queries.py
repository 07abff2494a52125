"""Reads: who gets no more mail, and the dev mailbox."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from partner_center.mail.addresses import BadAddress, normalise_address
from partner_center.mail.envelope import hashes_of
from partner_center.mail.models import DevMessage, MailOutbox, Suppression, SuppressionCause
from partner_center.tenancy.models import Partner

PAGE = 50
CHUNK = 500


def suppressed_addresses(addresses: Iterable[str], *, partner: Partner | None) -> set[str]:
    """Find the normalised addresses that bounced for this partner, or whose owners have complained to anybody."""
    return suppressed_of(list(addresses), partner_id=partner.pk if partner else None)


def suppressed_of(addresses: Sequence[str], *, partner_id: int | None) -> set[str]:
    """Do the same for a partner known by key; None stands for the vendor's own mail."""
    names = {name: address for address in addresses for name in hashes_of(address)}
    relevant = Suppression.objects.filter(Q(partner=partner_id) | Q(cause=SuppressionCause.COMPLAINT))
    hashes = list(names)
    found: set[str] = set()
    for start in range(0, len(hashes), CHUNK):
        chunk = relevant.filter(recipient_hash__in=hashes[start : start + CHUNK])
        found.update(names[name] for name in chunk.values_list("recipient_hash", flat=True))
    return found


def mails_about(object_id: str, *, partner: Partner) -> QuerySet[MailOutbox]:
    """Find the mails about one object, oldest first: the sends on its timeline."""
    return MailOutbox.objects.of(partner).filter(object_id=object_id).order_by("pk")


@dataclass(frozen=True)
class MailboxPage:
    """Newest first; `older` is the public id to go on from, or empty."""

    messages: Sequence[DevMessage]
    older: str


def mailbox_page(*, recipient: str = "", before: str = "") -> MailboxPage:
    """Read a page of the mailbox, of one recipient if an address is given; an unreadable address finds nothing."""
    found = DevMessage.objects.order_by("-pk")
    if recipient:
        try:
            found = found.filter(recipient=normalise_address(recipient))
        except BadAddress:
            found = found.none()
    if before:
        found = found.filter(pk__lt=DevMessage.objects.filter(public_id=before).values("pk"))
    messages = list(found[: PAGE + 1])
    more = len(messages) > PAGE
    return MailboxPage(messages[:PAGE], messages[PAGE - 1].public_id if more else "")
