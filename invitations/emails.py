"""What mails about invitations say, made anew at the moment of sending: nothing of a person waits in the outbox."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import datetime

from django.conf import settings
from django.urls import reverse
from django.utils import translation

from customers.rules import CAUSES, Model, with_account
from invitations.models import Invitation, Registration
from invitations.queries import token_of, valid_until
from invitations.rules import MAIL_LINK, REGISTER_LINK, Status
from partner_center.mail.kinds import Message, OutboxKey
from partner_center.mail.layout import Composed, compose
from partner_center.mail.moments import told
from partner_center.masking import mask_name, mask_number
from partner_center.tenancy.models import Partner

Messages = Mapping[OutboxKey, Message]


def invitations(keys: Sequence[OutboxKey]) -> Messages:
    """Invite the customer by the newest link; an invitation that was answered, cancelled or resent is left out."""
    rows = _rows(keys, {Status.INVITED})
    return {
        key: _to_customer("invitation", row, link=landing_url(row), deadline=row.expires_at)
        for key, row in rows.items()
    }


def associated_customers(keys: Sequence[OutboxKey]) -> Messages:
    """Tell the customer that the association stands."""
    # By way of sign-in, which whoever is signed in passes at once: signed out, the page could not show it to anybody.
    link = f"{settings.SITE_URL}{reverse('account_login')}?next={reverse('invitations:landing')}"
    rows = _rows(keys, {Status.ASSOCIATED})
    return {key: _to_customer("associated_customer", row, link=link) for key, row in rows.items()}


def associated_partners(keys: Sequence[OutboxKey]) -> Messages:
    """Tell the inviter that a customer was won."""
    return {key: _to_inviter("associated_partner", row, {}) for key, row in _rows(keys, {Status.ASSOCIATED}).items()}


def failed_partners(keys: Sequence[OutboxKey]) -> Messages:
    """Tell the inviter which check failed, and what to do next."""
    rows = _rows(keys, {Status.ASSOCIATION_FAILED})
    return {key: _to_inviter("association_failed_partner", row, _cause_texts(row)) for key, row in rows.items()}


def registrations(keys: Sequence[OutboxKey]) -> Messages:
    """Lead newcomers on to the registration; whether the address has an account is not said in the mail either."""
    found = Registration.objects.filter(public_id__in=[key.object_id for key in keys], used_at=None)
    rows = {row.public_id: row for row in found.select_related("link__partner", "invitation__partner")}
    return {key: _to_newcomer(rows[key.object_id]) for key in keys if key.object_id in rows}


def preview(*, model: Model, language: str, partner: Partner, customer_name: str, now: datetime) -> Composed:
    """Make the mail that a customer would get if it went out now, with a link that leads nowhere."""
    deadline = told(valid_until(now), zone=partner.time_zone, language=language)
    slots = {"partner_name": partner.company_name, "customer_name": customer_name, "deadline": deadline}
    return compose("emails/invitation", _shared(model), language, link=f"{settings.SITE_URL}/i/…", slots=slots)


def landing_url(invitation: Invitation, *, kind: str = MAIL_LINK) -> str:
    """
    Return the address of the newest link; its host comes from the settings, never from a request.

    :param kind: MAIL_LINK for the customer's own eyes, HANDED_LINK for anybody else's
    """
    token = token_of(invitation, kind=kind)
    return settings.SITE_URL + reverse("invitations:open", args=[token])


def _rows(keys: Sequence[OutboxKey], states: set[Status]) -> dict[OutboxKey, Invitation]:
    """Find the rows of the keys that are still of this generation and state."""
    rows = Invitation.objects.filter(public_id__in=[key.object_id for key in keys], status__in=states)
    rows = rows.select_related("partner", "owner__user", "account")
    by_key = {OutboxKey(row.public_id, row.generation): row for row in rows}
    return {key: by_key[key] for key in keys if key in by_key}


def _shared(model: Model) -> dict[str, Hashable]:
    """Return what templates may branch on; the rest of a mail is only printed."""
    return {"is_reseller": model is Model.RESELLER, "model_label": model.label}


def _cause_texts(row: Invitation) -> dict[str, Hashable]:
    cause = CAUSES[row.cause]
    number = mask_number(row.account.account_number) if row.account else ""
    with translation.override(row.owner.user.language):
        return {
            "cause": with_account(cause.partner_message, number),
            "next_step": with_account(cause.partner_next_step, number),
        }


def _to_customer(template: str, row: Invitation, *, link: str, deadline: datetime | None = None) -> Message:
    """Address the customer; a deadline is told in the zone of the partner, whom they would ask about it."""
    recipient = row.email or (row.account.email if row.account else "")
    slots = {"partner_name": row.partner.company_name, "customer_name": row.customer_name}
    if deadline is not None:
        slots["deadline"] = told(deadline, zone=row.partner.time_zone, language=row.language)
    return compose(f"emails/{template}", _shared(Model(row.model)), row.language, link=link, slots=slots).to(recipient)


def _to_newcomer(row: Registration) -> Message:
    came_by = row.link or row.invitation
    assert came_by is not None  # noqa: S101 - a constraint of the table
    partner = came_by.partner
    link = settings.SITE_URL + reverse("invitations:open", args=[token_of(row, kind=REGISTER_LINK)])
    deadline = told(row.expires_at, zone=partner.time_zone, language=row.language)
    slots = {"partner_name": partner.company_name, "deadline": deadline}
    return compose("emails/registration", {}, row.language, link=link, slots=slots).to(row.email)


def _to_inviter(template: str, row: Invitation, extra: Mapping[str, Hashable]) -> Message:
    """Address the member who invited, or the office if they have left; the customer appears masked."""
    user = row.owner.user
    link = settings.SITE_URL + reverse("invitations:detail", args=[row.public_id])
    slots = {"customer_name": mask_name(row.customer_name)}
    shared = {**_shared(Model(row.model)), **extra}
    has_left = row.owner.disabled_at is not None or not user.is_active
    recipient = row.partner.contact_email if has_left and row.partner.contact_email else user.email
    return compose(f"emails/{template}", shared, user.language, link=link, slots=slots).to(recipient)


def languages() -> Iterator[tuple[str, str]]:
    """Yield the languages a mail can be written in, each by its own name."""
    for code, _name in settings.LANGUAGES:
        yield code, translation.get_language_info(code)["name_local"]
