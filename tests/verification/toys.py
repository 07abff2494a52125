"""A plan that has to be confirmed: each row counts that it was done."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from partner_center.jobs import kinds
from partner_center.jobs.models import Job, JobItem
from partner_center.jobs.rules import ItemState
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member
from partner_center.tenancy.permissions import Permission
from partner_center.verification import actions
from partner_center.verification.proofs import Proof
from partner_center.verification.rules import About, ProtectedOperation, payload_digest

FACE = 10_000
done: list[str] = []


class SignedToy(kinds.ItemJob):
    key = "signed_toy"
    label = "Signed toy"
    permission = Permission.COUPON_ISSUE

    def apply(self, job: Job, items: Sequence[JobItem], *, actor: Actor, now: datetime) -> Sequence[kinds.ItemOutcome]:
        done.extend(item.key for item in items)
        state = {"done": ItemState.DONE, "failed": ItemState.FAILED}
        return [kinds.ItemOutcome(item.pk, state[item.payload["outcome"]], "", "") for item in items]

    def check_code(self, job: Job, *, member: Member, code: str, actor: Actor, now: datetime) -> Proof:
        rows = job.items.filter(state__in=(ItemState.PLANNED, ItemState.FAILED)).count()
        about = About(amount_minor=rows * FACE, currency="CNY", count=rows, receivers=f"{rows} customers")
        return actions.check(about=about, code=code, member=member, actor=actor, now=now, **bound(job))

    def authorise(self, job: Job, *, member: Member, proof: Any, now: datetime) -> None:
        actions.spend(proof, member=member, now=now, **bound(job))


def bound(job: Job) -> dict[str, Any]:
    digest = payload_digest({"job": job.public_id, "digest": job.digest})
    return {"operation": ProtectedOperation.ISSUE, "digest": digest}
