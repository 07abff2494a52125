"""What the checks know about a partner and about an account, as plain typed values."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Model(TextChoices):
    """The association model: who holds the contract and who is paid (domain.md 2)."""

    RESELLER = "reseller", _("Reseller model")
    REFERRAL = "referral", _("Referral model")

    @property
    def other(self) -> "Model":
        return Model.REFERRAL if self is Model.RESELLER else Model.RESELLER


class BillingMode(TextChoices):
    PREPAID = "prepaid", _("Prepaid")
    POSTPAID = "postpaid", _("Postpaid")


class Custody(TextChoices):
    """How an account's finance hangs on the account above it (domain.md 1.1)."""

    NONE = "none", _("No custody")
    INDEPENDENT = "independent", _("Independent accounting")
    UNIFIED = "unified", _("Financial custody")


class EnterpriseRole(TextChoices):
    NONE = "none", _("No enterprise")
    MASTER = "master", _("Enterprise master account")
    MEMBER = "member", _("Enterprise member account")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLimits:
    """The limits a site sets for the checks; amounts in minor units of the account's currency."""

    registered_max_days: int = 7
    invoice_debt_limit_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerFacts:
    """
    A partner as the checks see it (domain.md 3.1); amounts in minor units.

    ``referral_blocked_countries`` are the countries of registration whose partners may not use
    the referral model. Partner facts never hold anything about a customer: what the partner may
    read before a customer's consent is decided from this class alone.
    """

    site: str = ""
    country: str = ""
    billing_mode: BillingMode = BillingMode.POSTPAID
    allowed_models: frozenset[Model] = frozenset({Model.RESELLER})
    enterprise_verified: bool = True
    was_consignment_customer: bool = False
    in_custody: bool = False
    is_customer_of_other_partner: bool = False
    available_balance_minor: int = 0
    referral_blocked_by_agreement: bool = False
    referral_blocked_countries: frozenset[str] = frozenset()
    has_contact: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """
    A customer's account as the checks see it (domain.md 3.2): by default new and blameless.

    Amounts are in minor units of ``currency``; partner ids are opaque. ``registered_at`` None
    means registered just now. ``preregistered_partner_id`` names the partner that holds a live
    preregistration, and ``preregistration_reviewed`` says that the vendor reviewed that one and
    lets the customer through. ``custody`` is the bond to the account *above*; a master's bond to
    its members is ``has_independent_member``.
    """

    site: str = ""
    country: str = ""
    currency: str = "CNY"
    registered_at: datetime | None = None
    verified: bool = True
    is_partner: bool = False
    partner_application_pending: bool = False
    internal_account: bool = False
    consumer_cloud: bool = False
    agent_identity: bool = False
    associated_partner_id: str | None = None
    preregistered_partner_id: str | None = None
    preregistration_reviewed: bool = False
    preregistered_by_vendor: bool = False
    special_contract: bool = False
    effective_contract: bool = False
    subsidy_program: bool = False
    promotion_program: bool = False
    enterprise_role: EnterpriseRole = EnterpriseRole.NONE
    has_independent_member: bool = False
    custody: Custody = Custody.NONE
    has_consumption: bool = False
    unpaid_bill: bool = False
    credit_bill_overdue: bool = False
    overdue_minor: int = 0
    credit_line_minor: int = 0
    balance_minor: int = 0
    bonus_balance_minor: int = 0
    stored_value_card_minor: int = 0
    outstanding_invoice_minor: int = 0
    unfinished_orders: int = 0
    reserved_instances: int = 0
    vouchers_count: int = 0
    vouchers_total_minor: int = 0
    has_discounts: bool = False
