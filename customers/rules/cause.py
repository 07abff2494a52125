"""What a cause is: why an invitation or an association cannot go on, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from customers.rules.facts import Model
from partner_center.refusals import Text


class Side(TextChoices):
    """Whose side stands in the way."""

    SYSTEM = "system", _("System")
    INVITATION = "invitation", _("Invitation")
    PARTNER = "partner", _("Partner account")
    CUSTOMER = "customer", _("Customer account")


class WhoActs(TextChoices):
    """Who must move before another try can succeed."""

    SYSTEM = "system", _("System")
    PARTNER = "partner", _("Partner")
    CUSTOMER = "customer", _("Customer")
    VENDOR = "vendor", _("Vendor")


class Remedy(TextChoices):
    """The class of a cause (peers.md 8): what kind of remedy it has."""

    RETRY_NOW = "retry_now", _("Retry works now")
    AFTER_ACTION = "after_action", _("Retry after somebody acts")
    SWITCH_MODEL = "switch_model", _("Switch the model")
    TERMINAL = "terminal", _("No remedy for this account")


class Resend(StrEnum):
    """Whether resending this invitation may help (domain.md 8 row 5)."""

    YES = "yes"
    AFTER_FIX = "after_fix"
    OTHER_MODEL = "other_model"
    NO = "no"


class Topic(TextChoices):
    """The headings of the customer's check list, in their order on the page."""

    PARTNER = "partner", _("The partner's account")
    IDENTITY = "identity", _("Account and verification")
    RELATIONS = "relations", _("Other partners and preregistration")
    HISTORY = "history", _("Account age and spending")
    CONTRACTS = "contracts", _("Contracts, credit and programmes")
    ENTERPRISE = "enterprise", _("Enterprise accounts and custody")
    MONEY = "money", _("Payments, balances and invoices")
    ORDERS = "orders", _("Orders and resources")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """
    One reason why an invitation or an association failed.

    ``model`` None means both models. ``sources`` are the rows of domain.md section 5 the cause
    covers, as "section/row". ``topic`` is None where no check list shows the cause. Texts for
    the partner may hold ``{account}``: see :func:`with_account`.
    """

    code: str
    side: Side
    who_acts: WhoActs
    remedy: Remedy
    resend: Resend
    model: Model | None = None
    topic: Topic | None = None
    sources: tuple[str, ...] = ()
    label: Text
    partner_message: Text
    partner_next_step: Text
    customer_message: Text
    customer_next_step: Text

    @property
    def retryable(self) -> bool:
        return self.remedy is not Remedy.TERMINAL

    @property
    def other_model(self) -> Model | None:
        """The model in which this cause does not arise, None if it arises in both."""
        return self.model.other if self.model else None

    def applies_to(self, model: Model) -> bool:
        return self.model is None or self.model == model


def with_account(text: Text, masked_account: str) -> str:
    """Return a cause's text with the number of the account it speaks of, masked by the caller."""
    return str(text).replace("{account}", masked_account)
