"""The plan of an issue as a job: what its page says of it, and what the worker does with its rows."""

from collections.abc import Sequence
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from partner_center import money
from partner_center.jobs.kinds import FaultyRows, ItemJob, ItemOutcome
from partner_center.jobs.models import Job, JobItem
from partner_center.refusals import Text
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member
from partner_center.tenancy.permissions import Permission
from partner_center.verification import actions as verification
from partner_center.verification.proofs import Proof
from partner_center.verification.rules import About, ProtectedOperation, payload_digest
from vouchers.actions import applying
from vouchers.rules import Reason, Verdict, words
from vouchers.rules.issuing import Policy


class IssueBatch(ItemJob):
    """Coupons for a list of customers, out of one quota, on the same terms."""

    key = "issue"
    label = _("Issue coupons")
    permission = Permission.COUPON_ISSUE
    faulty_verdicts = frozenset({Verdict.REFUSED, Verdict.OVER_QUOTA, Verdict.DUPLICATE})

    def apply(self, job: Job, items: Sequence[JobItem], *, actor: Actor, now: datetime) -> Sequence[ItemOutcome]:
        return applying.apply_issue(job, items, actor=actor, now=now)

    def chunk_size(self, job: Job) -> int:
        # One more than there are: the transaction that works the last row also ends the job.
        return job.total + 1 if job.parameters["policy"] == Policy.ALL else self.chunk_rows

    def on_applied(self, job: Job, *, actor: Actor, now: datetime) -> None:
        applying.book_refused(job, actor=actor, now=now)

    def check_code(self, job: Job, *, member: Member, code: str, actor: Actor, now: datetime) -> Proof:
        """Ask for the code of exactly this plan, once it is known that its quota still gives."""
        applying.refuse_closed_quota(job, now=now)
        return verification.check(
            member=member,
            operation=ProtectedOperation.ISSUE,
            digest=_digest(job),
            about=_about(job),
            code=code,
            actor=actor,
            now=now,
        )

    def authorise(self, job: Job, *, member: Member, proof: Proof, now: datetime) -> None:
        verification.spend(proof, member=member, operation=ProtectedOperation.ISSUE, digest=_digest(job), now=now)

    def reason_text(self, code: str) -> Text:
        # Counts stand behind the sentence.
        return str(words(code)).rstrip(".。") if code in Reason.values else super().reason_text(code)

    def verdict_label(self, code: str) -> Text:
        return Verdict(code).label if code in Verdict.values else code

    def action_label(self, count: int) -> str:
        return ngettext("Issue %(count)d coupon", "Issue %(count)d coupons", count) % {"count": count}

    def consequences(self, job: Job) -> Text:
        if not job.parameters:
            return ""
        currency, face = job.parameters["currency"], job.parameters["terms"]["face_minor"]
        count, before = job.total - job.skipped, job.parameters["balance"]
        told = ngettext(
            "%(count)d coupon of %(face)s, %(total)s in all. The quota's balance goes from %(before)s to %(after)s.",
            "%(count)d coupons of %(face)s, %(total)s in all. The quota's balance goes from %(before)s to %(after)s.",
            count,
        )
        amounts = {"face": face, "total": count * face, "before": before, "after": before - count * face}
        return told % {"count": count, **{name: money.shown(each, currency) for name, each in amounts.items()}}

    def result_text(self, job: Job) -> Text:
        if not job.parameters:
            return ""
        missed = job.total - job.done
        total = money.shown(job.done * job.parameters["terms"]["face_minor"], job.parameters["currency"])
        told = ngettext(
            "Issued to %(count)d customer, %(total)s in all.",
            "Issued to %(count)d customers, %(total)s in all.",
            job.done,
        )
        left = ngettext("%(count)d row was not issued.", "%(count)d rows were not issued.", missed)
        issued = told % {"count": job.done, "total": total}
        return f"{issued} {left % {'count': missed}}" if missed else issued

    def result_url(self, job: Job) -> str | None:
        return f"{reverse('vouchers:coupons')}?job={job.public_id}"

    def item_url(self, item: JobItem) -> str | None:
        return reverse("vouchers:coupon", args=[item.object_id]) if item.object_id else None

    def faulty_rows(self, job: Job) -> FaultyRows | None:
        if not job.parameters.get("is_list"):
            return None
        names = ("account_name", "customer_name")
        return FaultyRows((_("Account name"), _("Customer name")), lambda item: [item.payload[name] for name in names])


def _digest(job: Job) -> str:
    """Bind to the rows and to what they add up to: another amount or receiver is another plan."""
    about = _about(job)
    return payload_digest(
        {
            "job": job.public_id,
            "plan": job.digest,
            "quota": job.parameters["quota"],
            "count": about.count,
            "amount": about.amount_minor,
            "currency": about.currency,
        }
    )


def _about(job: Job) -> About:
    count = job.items.to_confirm().count()
    return About(
        amount_minor=count * job.parameters["terms"]["face_minor"],
        currency=job.parameters["currency"],
        count=count,
        receivers=ngettext("%(count)d customer", "%(count)d customers", count) % {"count": count},
    )
