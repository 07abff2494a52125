"""What is protected by a code, what a code is bound to, and how long it lives (domain.md 4.17, reliability.md 4.3)."""

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from partner_center import money

DIGITS = 6
LIFE = timedelta(minutes=5)
MOST_TRIES = 5

# What may stand in the place of a code: the wish for a new one.
SEND_AGAIN = "send-again"
BY_MAIL = "by-mail"
WISHES = frozenset({SEND_AGAIN, BY_MAIL})


class ProtectedOperation(TextChoices):
    """The closed list of what a member confirms with a code (domain.md 4.17)."""

    ISSUE = "issue", gettext_lazy("Issue coupons")
    RECALL = "recall", gettext_lazy("Recall coupons")
    DISASSOCIATE = "disassociate", gettext_lazy("End an association")
    PAY_ON_BEHALF = "pay_on_behalf", gettext_lazy("Pay on behalf of a customer")
    PAY_CONTRACT = "pay_contract", gettext_lazy("Pay a contract")
    WITHDRAW = "withdraw", gettext_lazy("Withdraw money")
    ACTIVATE_REMITTANCE = "activate_remittance", gettext_lazy("Activate the remittance account")
    SWITCH_OFF = "switch_off", gettext_lazy("Switch verification codes off")


# Asked for whether the partner's switch is on or off.
ALWAYS_ASKED = frozenset({ProtectedOperation.WITHDRAW, ProtectedOperation.ACTIVATE_REMITTANCE})


# Those that this product offers to do.
OFFERED = (
    ProtectedOperation.ISSUE,
    ProtectedOperation.RECALL,
    ProtectedOperation.SWITCH_OFF,
)


class Channel(TextChoices):
    """Where the code comes from."""

    MAIL = "mail", gettext_lazy("E-mail")
    APP = "app", gettext_lazy("Authenticator app")


class State(TextChoices):
    """Where a challenge stands; one that is open and older than its life is dead too."""

    OPEN = "open", gettext_lazy("Open")
    USED = "used", gettext_lazy("Used")
    VOID = "void", gettext_lazy("Void")


class WhyVoid(TextChoices):
    """Why a code is dead, in words for the person who types it."""

    CHANGED = "changed", gettext_lazy("What you confirm has changed since the code was sent.")
    EXPIRED = "expired", gettext_lazy("The code is older than five minutes.")
    USED = "used", gettext_lazy("The code has already been used.")
    TRIES = "tries", gettext_lazy("The code was mistyped too often.")
    REPLACED = "replaced", gettext_lazy("A newer code has been sent since.")
    UNKNOWN = "unknown", gettext_lazy("No code was sent for this.")


class NotDigestible(TypeError):
    """A mistake of ours: a payload with a value that has no single way to be written."""


@dataclass(frozen=True, kw_only=True)
class About:
    """
    What a deed comes to, as the mail and the form name it.

    :param amount_minor: the total, in minor units; 0 with an empty currency where no money moves
    :param currency: ISO 4217 code, or ""
    :param count: of coupons, or of whatever the operation is about
    :param receivers: who gets or loses something, in the member's language, masked: "12 customers", "远**"
    :param what: the things by name with their number, such as "12 vouchers"; coupons when empty
    """

    amount_minor: int = 0
    currency: str = ""
    count: int = 0
    receivers: str = ""
    what: str = ""

    @property
    def amount(self) -> str:
        return money.shown(self.amount_minor, self.currency) if self.currency else ""


def payload_digest(payload: Mapping[str, object]) -> str:
    """
    Return the SHA-256 of a payload, the same whatever order its keys come in.

    :param payload: everything that decides what will happen, of texts, integers, booleans, None, lists and mappings
    :raises NotDigestible: for floats, dates and other values that can be written in several ways
    """
    text = json.dumps(_plain(payload), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping):
        return {_key(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    raise NotDigestible(type(value).__name__)


def _key(name: object) -> str:
    if not isinstance(name, str):
        raise NotDigestible(f"a key of type {type(name).__name__}")
    return name


def normalised(code: str) -> str:
    """Return the digits of a typed code: full-width ones as they are meant, blanks between them left out."""
    return "".join(unicodedata.normalize("NFKC", code).split())


def is_readable(code: str) -> bool:
    """Tell whether a normalised text can be a code at all; what cannot costs no try."""
    return len(code) == DIGITS and code.isascii() and code.isdigit()


def sentence(operation: str, about: About) -> str:
    """Say in one sentence what a code confirms, in the active language."""
    what = about.what or ngettext("%(count)d coupon", "%(count)d coupons", about.count) % {"count": about.count}
    values = {"what": what, "amount": about.amount, "receivers": about.receivers}
    match operation:
        case ProtectedOperation.ISSUE:
            return _("Issue %(what)s, %(amount)s in total, to %(receivers)s") % values
        case ProtectedOperation.RECALL:
            return _("Recall %(what)s, %(amount)s in total, from %(receivers)s") % values
        case ProtectedOperation.DISASSOCIATE:
            return _("End the association with %(receivers)s") % values
        case ProtectedOperation.SWITCH_OFF:
            return _("Switch verification codes off for %(receivers)s") % values
        case _:
            facts = filter(None, (str(ProtectedOperation(operation).label), about.amount, about.receivers))
            return ", ".join(facts)
