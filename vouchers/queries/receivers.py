"""Who may receive a coupon: a partner's own customers, found and looked up with all that judging them needs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q

from customers.models import Account, Association, AssociationQuerySet
from customers.rules import Custody, EnterpriseRole
from partner_center.tenancy.models import Member, Partner
from partner_center.tenancy.permissions import Permission
from vouchers.models import Quota, WhitelistVersion
from vouchers.queries.whitelists import active_version, listed_accounts
from vouchers.rules import whitelist_for
from vouchers.rules.issuing import Receiver, goes_to_master

CHUNK = 500
MASKED_FIELDS = {name: f"account__{name}" for name in ("customer_name", "account_name")}
FOUND_AT_ONCE = 50

# What judging and labelling read of a customer and of its master account.
_COLUMNS = (
    "id",
    "public_id",
    "account_number",
    "account_name",
    "customer_name",
    "currency",
    "enterprise_role",
    "custody",
)
_READ = (
    "id", "public_id", "partner_id", "model", "custom_tag", "account_manager_id", "ended_at",
    *(f"account__{name}" for name in _COLUMNS), "account__master_id",
    *(f"account__master__{name}" for name in _COLUMNS),
)  # fmt: skip


def customers_of(partner: Partner) -> AssociationQuerySet:
    """Return the customers a partner has now, each with its account and that one's master."""
    return Association.objects.of(partner).active().select_related("account__master").only(*_READ)


def customers_seen_by(member: Member) -> AssociationQuerySet:
    """Return those of them a member works with."""
    rows = customers_of(member.partner)
    return rows if member.sees_everybody else rows.filter(account_manager=member)


# --- finding -------------------------------------------------------------------------------------


def search(member: Member, text: str) -> list[Association]:
    """
    Find customers by name or account name: whole, or by its beginning for those who may reveal (decisions.md 6).

    :returns: at most FOUND_AT_ONCE + 1, the newest first
    """
    if member.may(Permission.CUSTOMER_UNMASK):
        wanted = Q(account__customer_name__istartswith=text) | Q(account__account_name__startswith=text.lower())
    else:
        wanted = Q(account__customer_name=text) | Q(account__account_name=text.lower())
    return list(customers_seen_by(member).filter(wanted).order_by("-pk")[: FOUND_AT_ONCE + 1])


def matching(member: Member, *, model: str, custom_tag: str) -> AssociationQuerySet:
    """Return the customers of a model and a custom tag, oldest first; empty means any."""
    rows = customers_seen_by(member).order_by("pk")
    if model:
        rows = rows.filter(model=model)
    return rows.filter(custom_tag=custom_tag) if custom_tag else rows


def custom_tags(member: Member) -> list[tuple[str, int]]:
    """Return the tags of a member's customers, each with their number, commonest first."""
    rows = Association.objects.visible_to(member).active().exclude(custom_tag="")
    return list(rows.order_by().values_list("custom_tag").annotate(count=Count("pk")).order_by("-count", "custom_tag"))


def by_account_name(names: Sequence[str], *, partner: Partner) -> dict[str, Association]:
    """Look customers up by their account names; those the partner does not have are left out."""
    rows = _read(customers_of(partner), "account__account_name", names)
    return {row.account.account_name: row for row in rows}


def by_account_id(public_ids: Sequence[str], *, partner: Partner) -> dict[str, Association]:
    """Look customers up by the public ids of their accounts; those the partner does not have are left out."""
    rows = _read(customers_of(partner), "account__public_id", public_ids)
    return {row.account.public_id: row for row in rows}


def locked(pks: Iterable[int], *, partner: Partner) -> dict[int, Association]:
    """Lock associations that have not ended, in the order of their pks; who has left is left out."""
    rows = customers_of(partner).select_for_update(of=("self",), no_key=True).order_by("pk")
    return {row.pk: row for row in _read(rows, "pk", sorted(set(pks)))}


def accounts_of(pks: Sequence[int], *, partner: Partner) -> dict[int, Account]:
    """Return the accounts behind associations, by the pks of these, whether they have ended or not."""
    rows = Association.objects.of(partner).select_related("account")
    return {row.pk: row.account for row in _read(rows, "pk", pks)}


def _read(rows: AssociationQuerySet, field: str, values: Sequence[object]) -> Iterator[Association]:
    for start in range(0, len(values), CHUNK):
        yield from rows.filter(**{f"{field}__in": values[start : start + CHUNK]})


# --- knowing -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """
    What is known about some customers, as far as a quota asks for it.

    :param version: of the whitelist that judges them, None where none is in force or none is needed
    :param listed: pks of accounts on it
    :param named: pks of accounts the quota is for
    :param returned: pks of accounts that have been somebody's customer before
    """

    version: WhitelistVersion | None
    listed: frozenset[int]
    named: frozenset[int]
    returned: frozenset[int]


def active_list(quota: Quota, *, lock: bool = False) -> WhitelistVersion | None:
    """Return the version of the whitelist that judges a quota's coupons, None where none does or none is in force."""
    kind = whitelist_for(quota.kind, required=quota.whitelist_required)
    return active_version(quota.partner, kind, lock=lock) if kind else None


def known_about(customers: Iterable[Association], quota: Quota, version: WhitelistVersion | None) -> Known:
    """Look up what the quota asks about customers; what it does not ask costs nothing."""
    accounts = [row.account_id for row in customers]
    named = quota.named_customers.filter(pk__in=accounts).values_list("pk", flat=True)
    ended = Association.objects.filter(account__in=accounts).exclude(ended_at=None)
    return Known(
        version=version,
        listed=frozenset(listed_accounts(version, accounts) if version else ()),
        named=frozenset(named if quota.has_named_customers else ()),
        returned=frozenset(ended.values_list("account_id", flat=True) if quota.first_associated_only else ()),
    )


def receiver_of(customer: Association, quota: Quota, known: Known, member: Member | None) -> Receiver:
    """
    Put together what the rules ask about one customer.

    :param member: who issues, None where the partner itself does (API)
    """
    account, holder = customer.account, holder_of(customer, quota)
    needs_list = whitelist_for(quota.kind, required=quota.whitelist_required) is not None
    return Receiver(
        account=account.pk,
        holder=holder.pk if holder else None,
        model=customer.model,
        currency=(holder or account).currency,
        is_own=customer.ended_at is None,
        is_permitted=member is None or member.sees_everybody or customer.account_manager_id == member.pk,
        is_issuer=account.account_number == quota.partner.account_number,
        is_custody_member=_is_member(account) and account.custody == Custody.UNIFIED,
        is_named=account.pk in known.named,
        is_first_associated=account.pk not in known.returned,
        has_whitelist=known.version is not None or not needs_list,
        is_listed=account.pk in known.listed or not needs_list,
    )


def holder_of(customer: Association, quota: Quota) -> Account | None:
    """Return the account that will hold the coupon: a member's master for cash coupons, else the customer's own."""
    if goes_to_master(quota.kind, is_member=_is_member(customer.account)):
        return customer.account.master
    return customer.account


def _is_member(account: Account) -> bool:
    return account.enterprise_role == EnterpriseRole.MEMBER
