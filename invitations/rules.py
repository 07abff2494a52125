"""States of an invitation, what may follow what, and the shape of its link. Pure."""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from customers.rules import CAUSES, Model, Resend

if TYPE_CHECKING:
    from invitations.models import Invitation, InvitationLink


class Method(TextChoices):
    """How the customer was reached (domain.md 3.4)."""

    EMAIL = "email", _("E-mail")
    LINK = "link", _("Link")
    QR = "qr", _("QR code")
    CAMPAIGN = "campaign", _("Campaign link")


class Status(TextChoices):
    """What became of an invitation (domain.md 3.4, with the customer's own answer added)."""

    INVITED = "invited", _("Invited")
    ASSOCIATING = "associating", _("Associating")
    ASSOCIATED = "associated", _("Associated")
    ASSOCIATION_FAILED = "association_failed", _("Association failed")
    DECLINED = "declined", _("Declined")
    EXPIRED = "expired", _("Expired")
    CANCELLED = "cancelled", _("Cancelled")


LIVE = (Status.INVITED, Status.ASSOCIATING)

# Every guard of an action asks this table; tests/invitations/test_transitions.py holds the actions to it.
NEXT: dict[Status, frozenset[Status]] = {
    Status.INVITED: frozenset({Status.ASSOCIATING, Status.DECLINED, Status.EXPIRED, Status.CANCELLED, Status.INVITED}),
    Status.ASSOCIATING: frozenset({Status.ASSOCIATED, Status.ASSOCIATION_FAILED}),
    Status.ASSOCIATED: frozenset(),
    Status.ASSOCIATION_FAILED: frozenset({Status.INVITED, Status.ASSOCIATING, Status.DECLINED, Status.CANCELLED}),
    Status.DECLINED: frozenset(),
    Status.EXPIRED: frozenset({Status.INVITED, Status.CANCELLED}),
    Status.CANCELLED: frozenset(),
}


def before(status: Status) -> tuple[Status, ...]:
    """Return the states that may become this one."""
    return tuple(earlier for earlier, later in NEXT.items() if status in later)


class Delivery(TextChoices):
    """How far the newest mail of an invitation got."""

    NONE = "none", _("Nothing to mail")
    QUEUED = "queued", _("Queued")
    SENT = "sent", _("Sent")
    DEFERRED = "deferred", _("Deferred")
    BOUNCED = "bounced", _("Bounced")
    UNKNOWN = "unknown", _("Unknown")
    SUPPRESSED = "suppressed", _("Suppressed")


class LinkKind(TextChoices):
    UNIVERSAL = "universal", _("Universal link")
    CUSTOM = "custom", _("Custom link")
    CAMPAIGN = "campaign", _("Campaign link")


class Verdict(TextChoices):
    """What a plan will do with a row."""

    SEND = "send", _("Will be sent")
    RESEND = "resend", _("Will be sent again")
    DUPLICATE = "duplicate", _("Duplicate")
    REFUSED = "refused", _("Refused")
    OVER_LIMIT = "over_limit", _("Over the limit")


class RowReason(TextChoices):
    """Why a row of a plan is not sent, or was not sent after all."""

    DUPLICATE_IN_LIST = "duplicate_in_list", _("The same address stands in an earlier row.")
    ALREADY_INVITED = "already_invited", _("This customer is already invited; the invitation is sent again.")
    ALREADY_ASSOCIATED = "already_associated", _("This customer is already associated with you.")
    IN_COOLDOWN = "in_cooldown", _("The invitation was sent a moment ago. Wait until the pause is over.")
    OVER_BUDGET = "over_budget", _("Your mails for today are used up. Send this row tomorrow.")
    OVER_CAP = "over_cap", _("You hold as many preregistrations as allowed. Wait until some expire.")
    REGISTERED_BY_OTHER = "customer_registered_by_other_partner", _("Another partner has preregistered this customer.")
    CUSTOMER_MUST_ACT = "customer_must_act", _("The customer has to act first. The invitation tells them what to do.")
    BAD_ROW = "bad_row", _("The row has a fault.")
    BAD_ADDRESS = "bad_address", _("This is not an e-mail address that mail can be sent to.")
    BAD_NAME = "bad_name", _("The name is missing, too long, or looks like a web address or markup.")
    BAD_MOBILE = "bad_mobile", _("This is not a mobile number.")
    BAD_ACCOUNT_NAME = (
        "bad_account_name",
        _("An account name has 5 to 32 letters, digits, - or _, and begins with a letter."),
    )
    BAD_TAG = "bad_tag", _("The tag is too long or holds invisible characters.")
    MODEL_NOT_ALLOWED = "model_not_allowed", _("You may not invite in this association model.")
    ADDRESS_SUPPRESSED = "address_suppressed", _("Mail to this address came back. Correct the address first.")
    IS_MEMBER = "is_member", _("This address belongs to a member of a partner.")
    NOT_EXPIRED = "not_expired", _("The invitation is still valid.")
    IS_ASSOCIATED = "is_associated", _("The customer is already associated.")
    IS_CANCELLED = "is_cancelled", _("The invitation was cancelled.")
    IS_DECLINED = "is_declined", _("The customer declined. If they have changed their mind, invite them anew.")
    IS_BEING_CHECKED = "is_being_checked", _("The customer has accepted and checks are running.")
    CAUSE_FORBIDS = "cause_forbids", _("The cause of the failure rules out another invitation.")
    NOTHING_TO_MAIL = "nothing_to_mail", _("The customer came by link or QR code; there is no address to mail.")
    CHANGED_SINCE_PLAN = "changed_since_plan", _("The row changed after the plan was made, so it was left out.")
    NEWER_EXISTS = "newer_exists", _("A newer invitation to the same address exists.")
    MODEL_SWITCHED = "model_switched", _("The invitation proposes the other association model.")
    HELD_BY_COLLEAGUE = "held_by_colleague", _("A colleague of yours has invited this customer and looks after them.")
    NOT_YOURS = "not_yours", _("The row is not in your list any more.")


class LinkState(TextChoices):
    """What a reusable link is good for."""

    ACTIVE = "active", _("Active")
    EXPIRED = "expired", _("Expired")
    USED_UP = "used_up", _("Used up")
    REVOKED = "revoked", _("Revoked")


MODEL_SWITCH_CAUSES = frozenset(code for code, cause in CAUSES.items() if cause.resend == Resend.OTHER_MODEL)
RESENDABLE_CAUSES = frozenset(code for code, cause in CAUSES.items() if cause.resend in {Resend.YES, Resend.AFTER_FIX})


def status_at(*, status: str, expires_at: datetime | None, now: datetime) -> Status:
    """Return the status with expiry applied: an invitation is expired because its time is over (decisions.md 5.6)."""
    if status == Status.INVITED and expires_at is not None and expires_at <= now:
        return Status.EXPIRED
    return Status(status)


def link_state(link: "InvitationLink", *, now: datetime) -> LinkState:
    """Return the state of a reusable link (domain.md 4.3)."""
    if link.revoked_at is not None:
        return LinkState.REVOKED
    if link.expires_at is not None and link.expires_at <= now:
        return LinkState.EXPIRED
    if link.max_uses is not None and link.uses >= link.max_uses:
        return LinkState.USED_UP
    return LinkState.ACTIVE


def link_admits(link: "InvitationLink", *, generation: int, came_before: bool, now: datetime) -> bool:
    """
    Whether a customer gets through by a reusable link; who failed before may try again by one that is used up.

    :param generation: of the address the customer came by
    """
    usable = {LinkState.ACTIVE, LinkState.USED_UP} if came_before else {LinkState.ACTIVE}
    is_newest = link.generation == generation and link.partner.disabled_at is None
    return is_newest and link_state(link, now=now) in usable


def why_not_resendable(
    invitation: "Invitation", *, now: datetime, cooldown: timedelta, may_be_valid: bool = False
) -> RowReason | None:
    """
    Return why this invitation cannot be sent again now, or None if it can (domain.md 4.6, 8 row 5).

    :param cooldown: pause after the last send
    :param may_be_valid: let one that has not run out go too, as when its customer asks for it
    """
    if not invitation.email:
        return RowReason.NOTHING_TO_MAIL
    status = status_at(status=invitation.status, expires_at=invitation.expires_at, now=now)
    by_status = {
        Status.ASSOCIATED: RowReason.IS_ASSOCIATED,
        Status.ASSOCIATING: RowReason.IS_BEING_CHECKED,
        Status.CANCELLED: RowReason.IS_CANCELLED,
        Status.DECLINED: RowReason.IS_DECLINED,
    }
    if status in by_status:
        return by_status[status]
    if status == Status.ASSOCIATION_FAILED and not cause_allows_resend(invitation.cause):
        return RowReason.CAUSE_FORBIDS
    undelivered = invitation.delivery in {Delivery.BOUNCED, Delivery.UNKNOWN, Delivery.SUPPRESSED}
    if status == Status.INVITED and not (undelivered or may_be_valid):
        return RowReason.NOT_EXPIRED
    if invitation.sent_at is not None and invitation.sent_at + cooldown > now:
        return RowReason.IN_COOLDOWN
    return None


def model_after_resend(invitation: "Invitation", allowed_models: Collection[str]) -> str | None:
    """
    Return the model the next mail proposes: the same, or the other one where the cause says so (domain.md 8 row 6).

    :param allowed_models: the models the partner may use today
    :return: None if the partner may not use the model it would take
    """
    model = Model(invitation.model)
    if invitation.status == Status.ASSOCIATION_FAILED and invitation.cause in MODEL_SWITCH_CAUSES:
        model = model.other
    return str(model) if model in allowed_models else None


def cause_allows_resend(cause: str) -> bool:
    return cause in RESENDABLE_CAUSES or cause in MODEL_SWITCH_CAUSES


# --- links ---------------------------------------------------------------------------------------

# A mailed link proves that its holder reads the mail of that address, and so does the one that a newcomer asks for to
# register; one that a member has taken out proves nothing.
MAIL_LINK, HANDED_LINK, OFFLINE_LINK, REGISTER_LINK = "m", "h", "k", "r"
_TOKEN = re.compile(r"^([mhkr])([A-Za-z0-9_-]{22})([0-9]{1,4})\.([A-Za-z0-9_-]{27})$")


@dataclass(frozen=True)
class Token:
    """The parts of a link: which row, which generation, and the proof that we made it."""

    kind: str
    public_id: str
    generation: int
    proof: str


def new_nonce() -> str:
    return secrets.token_hex(16)


def make_token(*, key: bytes, kind: str, public_id: str, generation: int, nonce: str) -> str:
    """
    Derive the secret part of a link again, so that it is never stored.

    Neither the database (no key) nor the key (no nonce) alone is enough to forge one.

    :param key: INVITE_KEY
    :param nonce: 32 hexadecimal digits, random per row
    """
    return f"{kind}{public_id}{generation}.{_proof(key, kind, public_id, generation, nonce)}"


def split_token(text: str) -> Token | None:
    """Return the parts of a link's token, or None for anything that this product never wrote."""
    match = _TOKEN.fullmatch(text)
    if match is None:
        return None
    return Token(kind=match[1], public_id=match[2], generation=int(match[3]), proof=match[4])


def proves(token: Token, *, key: bytes, nonce: str) -> bool:
    """Whether the token was derived from this key and the row's nonce, in constant time."""
    wanted = _proof(key, token.kind, token.public_id, token.generation, nonce)
    return hmac.compare_digest(wanted, token.proof)


def _proof(key: bytes, kind: str, public_id: str, generation: int, nonce: str) -> str:
    text = f"{kind}|{public_id}|{generation}|{nonce}".encode()
    return urlsafe_b64encode(hmac.new(key, text, hashlib.sha256).digest()[:20]).decode().rstrip("=")


def name_key(name: str) -> str:
    """Return the form of a customer name that lists sort and search by."""
    return name.casefold()[:64]
