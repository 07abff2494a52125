"""Reads of the customers room that span tables."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, TextChoices
from django.utils.translation import gettext_lazy as _

from customers.models import Account, Association, Preregistration
from customers.rules import (
    CUSTOMER_MUST_ACT,
    AccountFacts,
    BillingMode,
    Cause,
    CheckLimits,
    Custody,
    EnterpriseRole,
    Model,
    PartnerFacts,
    Side,
    blockers_for_partner,
    failing_causes,
    preregistration_refusals,
)
from partner_center.environment import environment
from partner_center.tenancy.models import Member, Partner

LIMITS = CheckLimits(
    registered_max_days=environment.registered_max_days,
    invoice_debt_limit_minor=environment.invoice_debt_limit_minor,
)

CHUNK = 500
DIRECTORY_PAGE = 50

# What somebody who has no account yet would start from.
NEW_ACCOUNT = AccountFacts()


def partner_facts(partner: Partner) -> PartnerFacts:
    """Read a partner as the checks see it."""
    return PartnerFacts(
        site=partner.site,
        country=partner.country,
        billing_mode=BillingMode(partner.billing_mode),
        allowed_models=frozenset(Model(model) for model in partner.allowed_models),
        enterprise_verified=partner.enterprise_verified,
        was_consignment_customer=partner.was_consignment_customer,
        in_custody=partner.in_custody,
        is_customer_of_other_partner=partner.is_customer_of_other_partner,
        available_balance_minor=partner.available_balance_minor,
        referral_blocked_by_agreement=partner.referral_blocked_by_agreement,
        referral_blocked_countries=frozenset(environment.referral_blocked_country_list),
        has_contact=bool(partner.contact_email or partner.contact_mobile),
    )


_SAME_NAME = (
    "site",
    "country",
    "currency",
    "registered_at",
    "verified",
    "is_partner",
    "partner_application_pending",
    "internal_account",
    "consumer_cloud",
    "agent_identity",
    "preregistered_by_vendor",
    "special_contract",
    "effective_contract",
    "subsidy_program",
    "promotion_program",
    "has_independent_member",
    "has_consumption",
    "unpaid_bill",
    "credit_bill_overdue",
    "overdue_minor",
    "credit_line_minor",
    "balance_minor",
    "bonus_balance_minor",
    "stored_value_card_minor",
    "outstanding_invoice_minor",
    "unfinished_orders",
    "reserved_instances",
    "vouchers_count",
    "vouchers_total_minor",
    "has_discounts",
)


def account_facts(account: Account, *, now: datetime) -> AccountFacts:
    """Read a customer's account as the checks see it: the one port through which facts come."""
    return facts_of([account], now=now)[account.email]


def facts_of(accounts: Sequence[Account], *, now: datetime) -> dict[str, AccountFacts]:
    """Read several accounts at once, by address, in two queries whatever their number."""
    associations = Association.objects.active().filter(account__in=accounts)
    holders = dict(associations.values_list("account_id", "partner__public_id"))
    reservations = Preregistration.objects.live(now=now).filter(email__in=[account.email for account in accounts])
    reserved = dict(reservations.values_list("email", "partner__public_id"))
    return {
        account.email: _facts(account, holders.get(account.pk), reserved.get(account.email)) for account in accounts
    }


def _facts(account: Account, holder: str | None, reserved_by: str | None) -> AccountFacts:
    return AccountFacts(
        **{name: getattr(account, name) for name in _SAME_NAME},
        enterprise_role=EnterpriseRole(account.enterprise_role),
        custody=Custody(account.custody),
        associated_partner_id=holder,
        preregistered_partner_id=reserved_by,
    )


def partner_side_refusals(partner: Partner, *, now: datetime) -> list[Cause]:
    """Return what on a partner's own side keeps it from preregistering anybody: what it may always be told."""
    causes = preregistration_refusals(
        partner_facts(partner), NEW_ACCOUNT, partner_id=partner.public_id, now=now, limits=LIMITS
    )
    return [cause for cause in blockers_for_partner(causes, consented=False) if cause.side == Side.PARTNER]


def partner_side_blockers(partner: Partner, model: Model, *, now: datetime) -> list[Cause]:
    """Return what on a partner's own side would fail every association in this model today."""
    causes = failing_causes(
        partner_facts(partner), NEW_ACCOUNT, model, partner_id=partner.public_id, now=now, limits=LIMITS
    )
    return [cause for cause in causes if cause.side == Side.PARTNER]


def customer_must_act(email: str, *, partner: Partner, now: datetime) -> bool:
    """
    Say whether something on the customer's side stands between this account and the partner.

    Yes or no is all that a partner learns before the customer consents (decisions.md 8).
    """
    account = Account.objects.filter(email=email).first()
    if account is None:
        return False
    about_account = account_facts(account, now=now)
    causes = preregistration_refusals(
        partner_facts(partner), about_account, partner_id=partner.public_id, now=now, limits=LIMITS
    )
    return CUSTOMER_MUST_ACT in blockers_for_partner(causes, consented=False)


def accounts_by_number(numbers: Sequence[str]) -> dict[str, Account]:
    """Read accounts by their numbers, locked when inside a transaction that will write them."""
    found: dict[str, Account] = {}
    rows = Account.objects.select_for_update(of=("self",), no_key=True).order_by("pk")
    for start in range(0, len(numbers), CHUNK):
        found |= {row.account_number: row for row in rows.filter(account_number__in=numbers[start : start + CHUNK])}
    return found


def taken(field: str, values: Sequence[str]) -> dict[str, str]:
    """Map each value of a unique field that an account has to that account's number."""
    found: dict[str, str] = {}
    for start in range(0, len(values), CHUNK):
        rows = Account.objects.filter(**{f"{field}__in": values[start : start + CHUNK]})
        found |= dict(rows.values_list(field, "account_number"))
    return found


def reservations_held(partner: Partner, *, now: datetime) -> int:
    """Count the live preregistrations of a partner: those that the cap allows for."""
    return Preregistration.objects.of(partner).live(now=now).count()


def reservations_by_email(emails: Iterable[str], *, now: datetime) -> dict[str, int]:
    """Map each reserved address to the pk of the partner that holds it now."""
    rows = Preregistration.objects.live(now=now).filter(email__in=list(emails))
    return dict(rows.values_list("email", "partner_id"))


def associated_emails(emails: Iterable[str], *, partner: Partner) -> set[str]:
    """Return those addresses whose account is already associated with this partner."""
    rows = Association.objects.of(partner).active().filter(account__email__in=list(emails))
    return set(rows.values_list("account__email", flat=True))


def addresses_that_must_act(emails: Iterable[str], *, partner: Partner, model: Model, now: datetime) -> set[str]:
    """
    Return those addresses whose account fails a check today.

    The answer is only yes or no: before a customer consents, no partner learns which check (decisions.md 8).
    """
    accounts = list(Account.objects.filter(email__in=list(emails)))
    about_partner = partner_facts(partner)
    facts = facts_of(accounts, now=now)
    return {
        email
        for email, about_account in facts.items()
        if any(
            cause.side == Side.CUSTOMER
            for cause in failing_causes(
                about_partner, about_account, model, partner_id=partner.public_id, now=now, limits=LIMITS
            )
        )
    }


def member_emails(emails: Iterable[str]) -> set[str]:
    """Return those addresses that belong to a member of any partner."""
    return set(Member.objects.filter(user__email__in=list(emails)).values_list("user__email", flat=True))


# --- the directory -------------------------------------------------------------------------------


class DirectoryKind(TextChoices):
    ASSOCIATED = "associated", _("Associated")
    FREE = "free", _("Without a partner")


@dataclass(frozen=True)
class DirectoryRow:
    """An account as the list of the directory shows it."""

    account: Account
    association: Association | None


@dataclass(frozen=True)
class DirectoryPage:
    """A page of the directory, newest first; `older` is the public id to go on behind, or empty."""

    rows: tuple[DirectoryRow, ...]
    older: str


def directory_page(*, kind: str, before: str) -> DirectoryPage:
    """
    Read a page of the vendor's directory.

    :param kind: a DirectoryKind, or empty for all
    :param before: public id of the account that the page begins behind; an unknown one gives nothing
    """
    active = Association.objects.active().filter(account=OuterRef("pk"))
    rows = Account.objects.select_related("master").order_by("-pk")
    if kind in DirectoryKind.values:
        rows = rows.filter(Exists(active) if kind == DirectoryKind.ASSOCIATED else ~Exists(active))
    # PostgreSQL cannot even be asked for a text with a null character.
    if before and before.isprintable():
        rows = rows.filter(pk__lt=Account.objects.filter(public_id=before).values("pk"))
    found = list(rows[: DIRECTORY_PAGE + 1])
    shown = found[:DIRECTORY_PAGE]
    held = Association.objects.active().filter(account__in=shown).select_related("partner")
    by_account = {association.account_id: association for association in held}
    older = shown[-1].public_id if len(found) > DIRECTORY_PAGE else ""
    return DirectoryPage(tuple(DirectoryRow(each, by_account.get(each.pk)) for each in shown), older)


def account_called(text: str) -> Account | None:
    """Find the account with exactly this number or account name."""
    wanted = text.strip()
    return Account.objects.filter(Q(account_number=wanted) | Q(account_name=wanted.lower())).first()


def association_of(account: Account) -> Association | None:
    return Association.objects.active().filter(account=account).select_related("partner").first()


def reservation_of(account: Account, *, now: datetime) -> Preregistration | None:
    rows = Preregistration.objects.live(now=now).filter(email=account.email)
    return rows.select_related("partner").first()
