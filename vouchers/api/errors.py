"""How the API says a reason: by the vendor's code where there is one, else by our own."""

from partner_center.api.answers import error, refusal_answer
from partner_center.api.idempotency import Answer
from partner_center.refusals import Refusal
from vouchers.actions.issuing import IssueRefused
from vouchers.rules import Reason, answer


def said(refusal: Refusal) -> Answer:
    """Say a refusal of an action on quotas and coupons (domain.md 6.6)."""
    code = refusal.reason.value if isinstance(refusal, IssueRefused) else refusal.code
    if code not in Reason.values:
        return refusal_answer(refusal)
    known = answer(Reason(code))
    return error(known.status, known.code, " ".join(filter(None, (str(refusal), refusal.advice))))
