"""Plans of issue: what would happen to every row of a choice, before anything happens (peers.md O3)."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from customers.models import Account, Association
from partner_center import money
from partner_center.jobs import actions as jobs
from partner_center.jobs.models import Job
from partner_center.masking import mask_account, mask_name
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner
from vouchers.actions.issuing import IssueRefused
from vouchers.models import Quota, WhitelistVersion
from vouchers.queries import receivers
from vouchers.rules import Reason, Verdict
from vouchers.rules.issuing import Judgement, Passage, Policy, Terms, why_terms_refused

ISSUE = "issue"


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """
    One row of a choice of customers.

    :param number: of the row in the list it came in
    :param customer: None when the row names no customer of the partner
    :param account_name: as it was typed; empty where customers were ticked or filtered
    :param customer_name: the same
    :param fault: what is wrong with the row as it was written; `note` says it in words
    """

    number: int
    customer: Association | None = None
    account_name: str = ""
    customer_name: str = ""
    fault: Reason | None = None
    note: str = ""


@dataclass(frozen=True)
class _Line:
    chosen: Chosen
    holder: Account | None
    judgement: Judgement


def of_customers(customers: Iterable[Association]) -> list[Chosen]:
    """Make a choice of customers that were ticked or filtered."""
    return [Chosen(number=number, customer=customer) for number, customer in enumerate(customers, start=1)]


def of_names(rows: Sequence[Chosen], *, partner: Partner) -> list[Chosen]:
    """Find the customers of a typed list; a name that is typed too must be the customer's (domain.md 4.11)."""
    found = receivers.by_account_name([row.account_name for row in rows if row.fault is None], partner=partner)
    return [row if row.fault else _looked_up(row, found.get(row.account_name)) for row in rows]


def _looked_up(row: Chosen, customer: Association | None) -> Chosen:
    if customer is None:
        return replace(row, fault=Reason.UNKNOWN_CUSTOMER)
    if row.customer_name and row.customer_name != customer.account.customer_name:
        return replace(row, customer=customer, fault=Reason.NAME_DIFFERS)
    return replace(row, customer=customer)


@transaction.atomic
def plan_issue(
    *,
    quota: Quota,
    choice: Sequence[Chosen],
    terms: Terms,
    policy: Policy,
    member: Member,
    actor: Actor,
    now: datetime,
) -> Job:
    """
    Plan to issue a coupon to each customer of a choice; nothing is issued until the plan is applied.

    :raises IssueRefused: when nobody could get a coupon on these terms from this quota
    """
    if reason := why_terms_refused(terms, quota, now=now):
        raise IssueRefused(reason)
    version = receivers.active_list(quota)
    parameters = _parameters(quota, choice, terms, policy, version)
    job = jobs.open_plan(
        kind=ISSUE,
        title=quota.number,
        member=member,
        partner=quota.partner,
        parameters=parameters,
        actor=actor,
        now=now,
    )
    lines = list(_lines(quota, choice, Passage(quota, face_minor=terms.face_minor), member, version))
    if policy == Policy.ALL:
        lines = _none_unless_all(lines)
    items = _items(lines, quota=quota, terms=terms, seal=seal_of(parameters))
    return jobs.seal_plan(job=job, items=items, actor=actor, now=now)


def _parameters(
    quota: Quota, choice: Sequence[Chosen], terms: Terms, policy: Policy, version: WhitelistVersion | None
) -> dict[str, Any]:
    return {
        "quota": quota.public_id,
        "kind": quota.kind,
        "currency": quota.currency,
        "balance": quota.balance_minor,
        "terms": terms.as_parameters(),
        "policy": policy.value,
        "is_list": any(row.account_name for row in choice),
        "whitelist_version": version.number if version else 0,
    }


def seal_of(parameters: Mapping[str, Any]) -> str:
    """Condense what holds for all rows of a plan; each row carries it, so that the plan's digest covers it too."""
    text = json.dumps(dict(parameters), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _lines(
    quota: Quota, choice: Sequence[Chosen], passage: Passage, member: Member, version: WhitelistVersion | None
) -> Iterator[_Line]:
    for start in range(0, len(choice), receivers.CHUNK):
        chunk = choice[start : start + receivers.CHUNK]
        known = receivers.known_about([row.customer for row in chunk if row.customer], quota, version)
        for row in chunk:
            if row.customer is None:
                yield _Line(row, None, passage.judge(None, row.fault))
                continue
            receiver = receivers.receiver_of(row.customer, quota, known, member)
            holder = receivers.holder_of(row.customer, quota)
            yield _Line(row, holder, passage.judge(receiver, row.fault))


def _none_unless_all(lines: list[_Line]) -> list[_Line]:
    """Refuse every row when one is refused; the balance then stays what it was."""
    if all(line.judgement.goes for line in lines):
        return lines
    start = lines[0].judgement.before
    return [
        replace(line, judgement=Judgement(Verdict.REFUSED, start, start, Reason.ALL_OR_NOTHING))
        if line.judgement.goes
        else replace(line, judgement=replace(line.judgement, before=start, after=start))
        for line in lines
    ]


def _items(lines: Iterable[_Line], *, quota: Quota, terms: Terms, seal: str) -> Iterator[jobs.PlannedItem]:
    for line in lines:
        chosen, judgement = line.chosen, line.judgement
        yield jobs.PlannedItem(
            key=str(chosen.number),
            label=_label(line),
            verdict=judgement.verdict,
            reason=judgement.reason or "",
            note=_amounts(judgement, terms.face_minor, quota.currency) if judgement.goes else chosen.note,
            payload={
                "customer": chosen.customer.pk if chosen.customer else None,
                "holder": line.holder.pk if line.holder else None,
                "amount": terms.face_minor,
                "before": judgement.before,
                "after": judgement.after,
                "account_name": chosen.account_name,
                "customer_name": chosen.customer_name,
                "plan": seal,
            },
            goes=judgement.goes,
        )


def _label(line: _Line) -> str:
    """Name the chosen customer, and who gets the coupon instead; what was typed of nobody is masked too."""
    chosen, customer = line.chosen, line.chosen.customer
    if customer is None:
        return f"{mask_name(chosen.customer_name)} · {mask_account(chosen.account_name)}".removeprefix(" · ")
    told = masked(customer.account)
    is_other = line.holder is not None and line.holder.pk != customer.account_id
    return f"{told} → {masked(line.holder)}" if is_other and line.holder else told


def masked(account: Account) -> str:
    """Name an account the way everybody may see it."""
    return f"{mask_name(account.customer_name)} · {mask_account(account.account_name)}"


def _amounts(judgement: Judgement, face_minor: int, currency: str) -> str:
    before, after = (money.shown(amount, currency) for amount in (judgement.before, judgement.after))
    return f"{money.shown(face_minor, currency)} · {before} → {after}"
