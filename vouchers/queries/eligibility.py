"""Why a customer may be given coupons or may not: the answers of the engine that plans and issues (peers.md O32)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from customers.models import Account, Association
from partner_center.tenancy.models import Member, Partner
from vouchers.models import Quota, WhitelistEntry, WhitelistVersion
from vouchers.queries import receivers
from vouchers.queries.whitelists import active_version, kinds_of, listed_accounts
from vouchers.rules import QuotaStatus, Reason, WhitelistKind
from vouchers.rules.issuing import why_not_issued, why_quota_refused

MOST_QUOTAS = 20


@dataclass(frozen=True)
class OnList:
    """
    Whether a customer stands on the version of a list that is in force.

    :param version: in force, None where there is none
    :param last: the newest version that was in force and named the customer, where the present one does not
    """

    kind: WhitelistKind
    version: WhitelistVersion | None
    is_listed: bool
    last: WhitelistVersion | None


@dataclass(frozen=True)
class FromQuota:
    """Why a customer gets nothing from a quota now, None where nothing stands against it; and who would hold it."""

    quota: Quota
    reason: Reason | None
    holder: Account | None


@dataclass(frozen=True)
class Eligibility:
    """All that is said about one customer."""

    customer: Association
    lists: Sequence[OnList]
    quotas: Sequence[FromQuota]


def eligibility_of(customers: Sequence[Association], *, member: Member, now: datetime) -> list[Eligibility]:
    """
    Answer for some customers of a member: each list of the partner, each quota that has not ended.

    :param customers: as `receivers.search` finds them
    """
    lists = [(kind, active_version(member.partner, kind)) for kind in kinds_of(member.partner)]
    by_quota = [_from_quota(quota, customers, member, now) for quota in _quotas(member.partner, now)]
    return [
        Eligibility(
            customer=customer,
            lists=[_on_list(kind, version, customer) for kind, version in lists],
            quotas=[answers[position] for answers in by_quota],
        )
        for position, customer in enumerate(customers)
    ]


def _quotas(partner: Partner, now: datetime) -> list[Quota]:
    quotas = Quota.objects.of(partner).exclude(status=QuotaStatus.INVALID).filter(expires_at__gt=now)
    return list(quotas.select_related("partner").order_by("-pk")[:MOST_QUOTAS])


def _from_quota(quota: Quota, customers: Sequence[Association], member: Member, now: datetime) -> list[FromQuota]:
    refused = why_quota_refused(quota, now=now)
    known = receivers.known_about(customers, quota, receivers.active_list(quota))
    return [
        FromQuota(
            quota,
            refused or why_not_issued(receivers.receiver_of(customer, quota, known, member), quota),
            receivers.holder_of(customer, quota),
        )
        for customer in customers
    ]


def _on_list(kind: WhitelistKind, version: WhitelistVersion | None, customer: Association) -> OnList:
    is_listed = version is not None and bool(listed_accounts(version, [customer.account_id]))
    return OnList(kind, version, is_listed, None if is_listed else _last_version(kind, customer))


def _last_version(kind: WhitelistKind, customer: Association) -> WhitelistVersion | None:
    named = WhitelistEntry.objects.filter(account=customer.account_id).values("version")
    versions = WhitelistVersion.objects.filter(partner=customer.partner_id, kind=kind, pk__in=named)
    return versions.exclude(activated_at=None).order_by("-activated_at").first()
