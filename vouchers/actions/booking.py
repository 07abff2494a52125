"""
Booking: the ledger entry and the operation record of what was done, written together as the last thing of an action.

The action has changed the balances by guarded updates before; the entry says which amount moved, the record who moved
it and why. `manage.py reconcile` proves that balances, entries and records agree.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from customers.models import Account
from partner_center.audit import actions as audit
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Partner, new_public_id
from vouchers.models import Coupon, LedgerEntry, OperationRecord, OperationResult, Quota
from vouchers.rules import OperationType, Reason, posting

INSERTED_AT_ONCE = 1000


@dataclass(frozen=True, kw_only=True)
class Operation:
    """
    One thing that was done, or refused, to one quota or coupon.

    :param amount_minor: what moved that time; of a refusal, what would have moved
    :param account: holder of the coupon, or who would have been
    :param chosen_account: whom the partner picked, where that is somebody else
    :param reason: empty when it was done
    :param lapses: the amount does not come back to the quota because that has ended
    :param job_id: public id of the batch
    """

    operation: OperationType
    quota: Quota
    amount_minor: int
    coupon: Coupon | None = None
    account: Account | None = None
    chosen_account: Account | None = None
    reason: Reason | None = None
    lapses: bool = False
    order_id: str = ""
    whitelist_version: int = 0
    remark: str = ""
    job_id: str = ""


def book(operations: Sequence[Operation], *, partner: Partner, actor: Actor, now: datetime) -> list[OperationRecord]:
    """
    Write the entries and the records of one partner's operations, in their order.

    Locks the end of the partner's operation log until the transaction ends: call it behind every other lock.

    :raises TransactionManagementError: outside a transaction
    """
    ids = [new_public_id() if _moves(each) else "" for each in operations]
    LedgerEntry.objects.bulk_create(_entries(operations, ids, partner, now), batch_size=INSERTED_AT_ONCE)
    records = [_record(each, id_, actor, now) for each, id_ in zip(operations, ids, strict=True)]
    audit.append(records, partner=partner)
    return records


def _moves(operation: Operation) -> bool:
    return operation.reason is None and posting(operation.operation) is not None


def _entries(
    operations: Iterable[Operation], ids: Iterable[str], partner: Partner, now: datetime
) -> Iterable[LedgerEntry]:
    for operation, operation_id in zip(operations, ids, strict=True):
        move = posting(operation.operation, lapses=operation.lapses)
        if operation_id and move:
            yield LedgerEntry(
                operation_id=operation_id,
                partner=partner,
                quota=operation.quota,
                coupon=operation.coupon,
                operation=operation.operation,
                debit=move[0],
                credit=move[1],
                amount_minor=operation.amount_minor,
                currency=operation.quota.currency,
                order_id=operation.order_id,
                occurred_at=now,
            )


def _record(operation: Operation, operation_id: str, actor: Actor, now: datetime) -> OperationRecord:
    return OperationRecord(
        occurred_at=now,
        operation=operation.operation.value,
        kind=operation.quota.kind,
        result=(OperationResult.SUCCESS if operation.reason is None else OperationResult.FAILURE).value,
        reason=operation.reason.value if operation.reason else "",
        amount_minor=operation.amount_minor,
        currency=operation.quota.currency,
        quota_number=operation.quota.number,
        coupon_id=operation.coupon.public_id if operation.coupon else "",
        account_id=operation.account.public_id if operation.account else "",
        chosen_account_id=operation.chosen_account.public_id if operation.chosen_account else "",
        operation_id=operation_id,
        order_id=operation.order_id,
        whitelist_version=operation.whitelist_version,
        remark=operation.remark,
        job_id=operation.job_id,
        actor_kind=actor.kind,
        actor_id=actor.public_id,
        actor_name=actor.name,
        session_ref=actor.session_ref,
        ip=actor.ip,
        request_id=actor.request_id,
    )
