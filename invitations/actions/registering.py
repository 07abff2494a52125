"""How a newcomer gets an account: a mail proves the address, once, and only then is anything opened or told."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from customers import actions as customers
from customers.models import Account
from invitations.actions.answering import Arrival, LinkUnusable
from invitations.models import Registration
from partner_center.limits import actions as limits
from partner_center.mail import actions as mail
from partner_center.mail.envelope import hash_of

MAIL_KIND = "registration"
LIFE_HOURS = 2
LIFE = timedelta(hours=LIFE_HOURS)
MAILS_AN_HOUR = 3
KEPT_AFTER_END = timedelta(days=1)


@dataclass(frozen=True)
class Newcomer:
    """What a customer says about themselves; the address is not theirs to say."""

    customer_name: str
    account_name: str
    mobile: str
    password: str
    language: str


@transaction.atomic
def request_mail(*, arrival: Arrival, address: str, language: str, now: datetime) -> None:
    """
    Mail a one-use link to an address that somebody at the door says is theirs.

    Nothing is looked up about the address: neither the words nor the time of the answer tell whether it has an account.
    It is not logged either: strangers must not be able to fill the chained log. To who asked too often for one address
    nothing more is mailed, and nothing else is said.

    :param address: in its normal form
    :raises LinkUnusable: if the newcomer came by no link of ours
    """
    if arrival.link is None and arrival.invitation is None:
        raise LinkUnusable
    try:
        key = f"registration:address:{hash_of(address)}"
        limits.spend(key=key, allowed=MAILS_AN_HOUR, per=timedelta(hours=1), now=now)
    except limits.TooMany:
        return
    row = Registration.objects.create(
        email=address,
        language=language,
        link=arrival.link,
        invitation=arrival.invitation,
        link_generation=arrival.generation,
        by_qr=arrival.by_qr,
        created_at=now,
        expires_at=now + LIFE,
    )
    # The vendor's mail, not the partner's: a partner must not see who began to register.
    mail.enqueue(
        kind=MAIL_KIND,
        partner=None,
        object_id=row.public_id,
        generation=row.generation,
        dedupe_key=f"{MAIL_KIND}:{row.public_id}",
        now=now,
    )


@transaction.atomic
def register(*, arrival: Arrival, newcomer: Newcomer, now: datetime) -> Account:
    """
    Open the account of the address that an arrival has proven, and use its proof up.

    :raises LinkUnusable: if the address is not proven, or the mailed link was used or became too old meanwhile
    :raises AccountExists: if the address or the account name is taken; the mailed link stays good
    """
    address = arrival.proven_address
    if not address or not _use_up(arrival.registration, now):
        raise LinkUnusable
    return customers.register_account(
        email=address,
        customer_name=newcomer.customer_name,
        account_name=newcomer.account_name,
        mobile=newcomer.mobile,
        password=newcomer.password,
        language=newcomer.language,
        now=now,
    )


def _use_up(registration: Registration | None, now: datetime) -> bool:
    """Use a newcomer's link once, whoever presses at the same moment; an invitation's own link has its own life."""
    if registration is None:
        return True
    return Registration.objects.usable(now=now).filter(pk=registration.pk).update(used_at=now) == 1


def delete_ended(*, now: datetime) -> int:
    """Forget newcomers a day after their link ended, and with them the addresses they gave; return how many."""
    deleted, _per_model = Registration.objects.filter(expires_at__lte=now - KEPT_AFTER_END).delete()
    return deleted
