"""What an association changes for the customer, shown before they accept (domain.md 3.5, 4.4(3))."""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from customers.rules.facts import AccountFacts, Model, PartnerFacts
from partner_center.refusals import Text


class Weight(StrEnum):
    """How a consequence is to be shown."""

    LOSS = "loss"
    CHANGE = "change"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """
    One thing that an association changes.

    :param count: how many things it touches, where that can be counted
    :param total_minor: what they are worth, in minor units of ``currency``
    """

    code: str
    weight: Weight
    title: Text
    text: Text
    count: int | None = None
    total_minor: int | None = None
    currency: str = ""

    def told(self, *, total: str = "") -> str:
        """
        Return the text with its numbers.

        :param total: total_minor as the page writes money
        """
        return str(self.text).replace("{count}", str(self.count)).replace("{total}", total)


ACCOUNT_FROZEN = Consequence(
    code="account_frozen",
    weight=Weight.CHANGE,
    title=_("Account frozen at first"),
    text=_("Your account is frozen until the partner has set a budget for it."),
)
PAY_THE_PARTNER = Consequence(
    code="pay_the_partner",
    weight=Weight.CHANGE,
    title=_("You pay the partner"),
    text=_("The partner is responsible for contract, bills, invoices and support, and you pay the partner."),
)
PAY_THE_VENDOR = Consequence(
    code="pay_the_vendor",
    weight=Weight.NOTE,
    title=_("You pay the vendor"),
    text=_("Your contract, bills and invoices stay with the vendor, and you go on paying the vendor."),
)
OLD_BALANCE = Consequence(
    code="old_balance",
    weight=Weight.CHANGE,
    title=_("Old balance for old spending"),
    text=_("Balance and cash coupons from before the association pay only for spending from before it."),
)
DISCOUNTS_VOID = Consequence(
    code="discounts_void",
    weight=Weight.LOSS,
    title=_("Discounts become void"),
    text=_("The discounts your account has now become void as soon as you accept."),
)
PARTNER_SEES = Consequence(
    code="partner_sees",
    weight=Weight.NOTE,
    title=_("What the partner sees"),
    text=_("The partner can see your account, your contact data and your spending."),
)
HOW_TO_LEAVE = Consequence(
    code="how_to_leave",
    weight=Weight.NOTE,
    title=_("How to leave"),
    text=_("You can ask to end the association later. The partner answers, and both of you are told."),
)


def consequences(account_facts: AccountFacts, partner_facts: PartnerFacts, model: Model) -> list[Consequence]:
    """
    Return what an association in this model changes for the account, losses first.

    A model the partner may not use changes nothing, because no association comes of it.
    """
    if model not in partner_facts.allowed_models:
        return []
    if model == Model.REFERRAL:
        return [PAY_THE_VENDOR, PARTNER_SEES, HOW_TO_LEAVE]
    losses = _losses(account_facts)
    old_balance = [OLD_BALANCE] if account_facts.balance_minor > 0 or account_facts.vouchers_count else []
    return [*losses, ACCOUNT_FROZEN, PAY_THE_PARTNER, *old_balance, PARTNER_SEES, HOW_TO_LEAVE]


def _losses(account_facts: AccountFacts) -> list[Consequence]:
    losses = []
    if account_facts.vouchers_count:
        losses.append(_vouchers_void(account_facts))
    if account_facts.has_discounts:
        losses.append(DISCOUNTS_VOID)
    return losses


def _vouchers_void(account_facts: AccountFacts) -> Consequence:
    return Consequence(
        code="vouchers_void",
        weight=Weight.LOSS,
        title=_("Vouchers become void"),
        text=_("Vouchers that become void as soon as you accept: {count}, worth {total} in all."),
        count=account_facts.vouchers_count,
        total_minor=account_facts.vouchers_total_minor,
        currency=account_facts.currency,
    )
