"""The plan of a recall as a job: what its page says of it, and what the worker does with its rows."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from partner_center import money
from partner_center.jobs.kinds import ItemJob, ItemOutcome
from partner_center.jobs.models import Job, JobItem
from partner_center.refusals import Text
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member
from partner_center.tenancy.permissions import Permission
from partner_center.verification import actions as verification
from partner_center.verification.proofs import Proof
from partner_center.verification.rules import About, ProtectedOperation, payload_digest
from vouchers.actions import recall_batches
from vouchers.models import Coupon
from vouchers.queries import coupons
from vouchers.rules import Reason, Verdict, words
from vouchers.rules.issuing import Policy


class RecallBatch(ItemJob):
    """Many coupons taken back at once, each with all that is left of it."""

    key = "recall"
    label = gettext_lazy("Recall coupons")
    permission = Permission.COUPON_RECALL

    def apply(self, job: Job, items: Sequence[JobItem], *, actor: Actor, now: datetime) -> Sequence[ItemOutcome]:
        return recall_batches.apply_recalls(job, items, actor=actor, now=now)

    def chunk_size(self, job: Job) -> int:
        # One more than there are: the transaction that works the last row also ends the job.
        return job.total + 1 if job.parameters["policy"] == Policy.ALL else self.chunk_rows

    def on_applied(self, job: Job, *, actor: Actor, now: datetime) -> None:
        recall_batches.book_left_out(job, actor=actor, now=now)

    def check_code(self, job: Job, *, member: Member, code: str, actor: Actor, now: datetime) -> Proof:
        """Ask for the code of exactly this plan."""
        return verification.check(
            member=member,
            operation=ProtectedOperation.RECALL,
            digest=_digest(job),
            about=_about(job),
            code=code,
            actor=actor,
            now=now,
        )

    def authorise(self, job: Job, *, member: Member, proof: Proof, now: datetime) -> None:
        verification.spend(proof, member=member, operation=ProtectedOperation.RECALL, digest=_digest(job), now=now)

    def reason_text(self, code: str) -> Text:
        return words(code) if code in Reason.values else super().reason_text(code)

    def verdict_label(self, code: str) -> Text:
        return Verdict(code).label if code in Verdict.values else code

    def action_label(self, count: int) -> str:
        return ngettext("Recall %(count)d coupon", "Recall %(count)d coupons", count) % {"count": count}

    def consequences(self, job: Job) -> Text:
        if not job.parameters.get("totals"):
            return ""
        told = _("%(amounts)s in all will come back to the quotas. This cannot be undone; you can only issue anew.")
        return told % {"amounts": shown_totals(job.parameters["totals"])}

    def result_text(self, job: Job) -> Text:
        recalled = coupons.recalled_by_job(Coupon.objects.of(job.partner), job.public_id, partner=job.partner)
        left_out = job.total - job.done
        told = ngettext("%(count)d coupon was left out.", "%(count)d coupons were left out.", left_out)
        result = told_result(job.done, coupons.recalled_in_all(recalled))
        return f"{result} {told % {'count': left_out}}" if left_out else result

    def result_url(self, job: Job) -> str | None:
        return f"{reverse('vouchers:coupons')}?recall={job.public_id}"

    def item_url(self, item: JobItem) -> str | None:
        return reverse("vouchers:coupon", args=[item.object_id]) if item.object_id else None


def told_result(count: int, totals: dict[str, int]) -> str:
    """Say what really came back, in all."""
    told = ngettext(
        "%(amounts)s recalled, from %(count)d coupon.", "%(amounts)s recalled, from %(count)d coupons.", count
    )
    return told % {"count": count, "amounts": shown_totals(totals) or "0"}


def shown_totals(totals: dict[str, int]) -> str:
    """Write sums of several currencies in one line."""
    return " + ".join(money.shown(amount, currency) for currency, amount in sorted(totals.items()))


def _digest(job: Job) -> str:
    """Bind to this job, its rows, and the words that go with them."""
    words = {name: job.parameters[name] for name in ("reason", "remark", "policy")}
    return payload_digest({"job": job.public_id, "plan": job.digest, **words})


def _about(job: Job) -> About:
    """Name the amount of the rows to confirm; with several currencies all of them stand in its words."""
    rows = list(job.items.to_confirm().values_list("payload", flat=True))
    totals: Counter[str] = Counter()
    for row in rows:
        totals[row["currency"]] += row["amount_minor"]
    receivers = len({row["account"] for row in rows})
    customers = ngettext("%(count)d customer", "%(count)d customers", receivers) % {"count": receivers}
    if len(totals) == 1:
        ((currency, amount),) = totals.items()
        return About(amount_minor=amount, currency=currency, count=len(rows), receivers=customers)
    return About(count=len(rows), receivers=f"{customers} ({shown_totals(totals)})")
