"""Issue coupons: judge every customer under locks, take the amount from the quota, write, book - or say why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from customers.models import Account, Association
from partner_center.audit import actions as audit
from partner_center.jobs.models import Job
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner
from partner_center.verification import actions as verification
from partner_center.verification.proofs import Proof
from partner_center.verification.rules import ProtectedOperation, payload_digest
from vouchers.actions import balances
from vouchers.actions.announcing import announce_issued
from vouchers.actions.booking import Operation, book
from vouchers.models import Coupon, Quota, WhitelistVersion
from vouchers.queries import receivers
from vouchers.rules import OperationType, Reason, Verdict, words
from vouchers.rules.issuing import Judgement, Passage, Receiver, Terms, inherited, why_terms_refused

INSERTED_AT_ONCE = 1000
MOST_AT_ONCE = 100


class IssueRefused(Refusal):
    """Nobody gets a coupon from this quota on these terms now."""

    code = "issue_refused"
    message = "%(why)s"
    status = 400

    def __init__(self, reason: Reason) -> None:
        super().__init__(why=words(reason))
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """
    One row of what is to be issued.

    :param customer: pk of an association, None when the row names nobody
    :param holder: pk of who held the coupon in the plan; None without a plan
    :param fault: what was wrong with the row before
    """

    customer: int | None
    holder: int | None = None
    fault: Reason | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one row: a coupon, or a reason; `account` is whom the partner picked."""

    wanted: Wanted
    account: Account | None
    holder: Account | None
    reason: Reason | None = None
    coupon: Coupon | None = None


@dataclass(frozen=True)
class _Row:
    wanted: Wanted
    customer: Association | None
    judgement: Judgement


@dataclass(frozen=True, kw_only=True)
class _Deed:
    """What the coupons of one call share."""

    quota: Quota
    terms: Terms
    carried: Terms
    version: WhitelistVersion | None
    member: Member | None
    job: Job | None
    now: datetime


def issue(
    *,
    quota: Quota,
    wanted: Sequence[Wanted],
    terms: Terms,
    member: Member | None,
    actor: Actor,
    now: datetime,
    job: Job | None = None,
    all_or_none: bool = False,
) -> list[Outcome]:
    """
    Issue a coupon to each wanted customer that may have one, in the caller's transaction, and book every row.

    Locks in the order of the house: whitelist, associations, quota. What was true when a plan was made counts for
    nothing here: every row is judged again by what stands behind the locks.

    :param member: who issues; None where the partner itself does
    :param all_or_none: one row that fails stops all of them
    :returns: one outcome for each row, in their order
    """
    with audit.written_last():
        version = receivers.active_list(quota, lock=True)
        pks = [row.customer for row in wanted if row.customer is not None]
        customers = receivers.locked(pks, partner=quota.partner)
        locked = balances.lock_quotas([quota.pk])[quota.pk]
        carried = inherited(terms, locked)
        deed = _Deed(quota=locked, terms=terms, carried=carried, version=version, member=member, job=job, now=now)
        rows = _judged(deed, wanted, customers)
        if all_or_none:
            rows = _none_unless_all(rows)
        outcomes = _written(deed, _taken(deed, rows), _left(deed, pks, customers))
        coupons = [each.coupon for each in outcomes if each.coupon]
        announce_issued(coupons, partner=locked.partner, now=now)
        book([_operation(deed, each) for each in outcomes], partner=locked.partner, actor=actor, now=now)
    return outcomes


def _judged(deed: _Deed, wanted: Sequence[Wanted], customers: dict[int, Association]) -> list[_Row]:
    known = receivers.known_about(customers.values(), deed.quota, deed.version)
    passage = Passage(deed.quota, face_minor=deed.terms.face_minor)
    refused = why_terms_refused(deed.terms, deed.quota, now=deed.now)
    rows = []
    for row in wanted:
        customer = customers.get(row.customer or 0)
        receiver = receivers.receiver_of(customer, deed.quota, known, deed.member) if customer else None
        fault = row.fault or refused or _drift(row, receiver)
        rows.append(_Row(row, customer, passage.judge(receiver, fault)))
    return rows


def _drift(row: Wanted, receiver: Receiver | None) -> Reason | None:
    """Say what has changed since a row was looked up or planned."""
    if receiver is None:
        return Reason.NOT_OWN_CUSTOMER
    moved = row.holder is not None and receiver.holder is not None and receiver.holder != row.holder
    return Reason.CHANGED_SINCE_PLAN if moved else None


def _none_unless_all(rows: list[_Row]) -> list[_Row]:
    if all(row.judgement.goes for row in rows):
        return rows
    return [_refused(row, Reason.ALL_OR_NOTHING) for row in rows]


def _refused(row: _Row, reason: Reason) -> _Row:
    """Refuse a row that went; one that did not keeps its own reason."""
    if not row.judgement.goes:
        return row
    before = row.judgement.before
    return _Row(row.wanted, row.customer, Judgement(Verdict.REFUSED, before, before, reason))


def _taken(deed: _Deed, rows: list[_Row]) -> list[_Row]:
    """Take the amount of all rows that go in one guarded update: it decides, whatever was judged before."""
    count = sum(row.judgement.goes for row in rows)
    if not count or balances.take(deed.quota, face_minor=deed.terms.face_minor, count=count, now=deed.now):
        return rows
    return [_refused(row, Reason.NOT_ENOUGH_BALANCE) for row in rows]


def _left(deed: _Deed, pks: Sequence[int], customers: dict[int, Association]) -> dict[int, Account]:
    """Return the accounts of those who were customers and are none any more, for the record of their refusal."""
    return receivers.accounts_of([pk for pk in pks if pk not in customers], partner=deed.quota.partner)


def _written(deed: _Deed, rows: Sequence[_Row], left: dict[int, Account]) -> list[Outcome]:
    outcomes = [_outcome(deed, row, left) for row in rows]
    Coupon.objects.bulk_create([each.coupon for each in outcomes if each.coupon], batch_size=INSERTED_AT_ONCE)
    return outcomes


def _outcome(deed: _Deed, row: _Row, left: dict[int, Account]) -> Outcome:
    if row.customer is None:
        return Outcome(row.wanted, left.get(row.wanted.customer or 0), None, row.judgement.reason)
    holder = receivers.holder_of(row.customer, deed.quota)
    coupon = _coupon(deed, row.customer, holder) if row.judgement.goes and holder else None
    return Outcome(row.wanted, row.customer.account, holder, row.judgement.reason, coupon)


def _coupon(deed: _Deed, customer: Association, holder: Account) -> Coupon:
    quota, terms = deed.quota, deed.carried
    return Coupon(
        partner=quota.partner,
        quota=quota,
        kind=quota.kind,
        account=holder,
        chosen_account=customer.account,
        association=customer,
        model=customer.model,
        currency=quota.currency,
        face_minor=terms.face_minor,
        balance_minor=terms.face_minor,
        effective_at=terms.effective_at,
        expires_at=terms.expires_at,
        min_order_minor=terms.min_order_minor,
        ratio_percent=terms.ratio_percent,
        order_types=list(terms.order_types),
        services=list(terms.services),
        products=list(terms.products),
        remark=terms.remark,
        whitelist_version=deed.version,
        job=deed.job,
        issued_by=deed.member,
        created_at=deed.now,
    )


def _operation(deed: _Deed, outcome: Outcome) -> Operation:
    return Operation(
        operation=OperationType.ISSUE,
        quota=deed.quota,
        amount_minor=deed.terms.face_minor,
        coupon=outcome.coupon,
        account=outcome.holder or outcome.account,
        chosen_account=outcome.account,
        reason=outcome.reason,
        whitelist_version=deed.version.number if deed.version else 0,
        remark=deed.terms.remark,
        job_id=deed.job.public_id if deed.job else "",
    )


# --- at once -------------------------------------------------------------------------------------


@transaction.atomic
def issue_now(
    *,
    quota: Quota,
    accounts: Sequence[str],
    terms: Terms,
    member: Member | None,
    partner: Partner,
    proof: Proof,
    actor: Actor,
    now: datetime,
) -> list[Outcome]:
    """
    Issue to a few customers in one transaction: those who may have one get it, in the order given (domain.md 8.1).

    :param accounts: public ids of accounts, at most MOST_AT_ONCE
    :param member: None where the partner itself issues (API)
    :param proof: for the operation ISSUE and `digest_of` exactly this
    :returns: one outcome for each account, in their order
    :raises IssueRefused: when nobody could get a coupon on these terms from this quota; nothing is logged then
    :raises AlreadySpent: when the proof is not for this, or was used
    """
    if quota.partner_id != partner.pk:
        raise IssueRefused(Reason.QUOTA_NOT_NORMAL)
    if not 1 <= len(accounts) <= MOST_AT_ONCE:
        raise IssueRefused(Reason.BAD_REQUEST)
    if reason := why_terms_refused(terms, quota, now=now):
        raise IssueRefused(reason)
    digest = digest_of(quota=quota, accounts=accounts, terms=terms)
    with audit.written_last():
        verification.spend(proof, member=member, operation=ProtectedOperation.ISSUE, digest=digest, now=now)
        found = receivers.by_account_id(accounts, partner=partner)
        wanted = [Wanted(customer=found[each].pk if each in found else None) for each in accounts]
        return issue(quota=quota, wanted=wanted, terms=terms, member=member, actor=actor, now=now)


def digest_of(*, quota: Quota, accounts: Sequence[str], terms: Terms) -> str:
    """Return what a proof for `issue_now` is bound to: quota, terms, and the accounts in their order."""
    return payload_digest({"quota": quota.public_id, "accounts": list(accounts), "terms": terms.as_parameters()})
