"""Is this customer on the list, and if nothing can be given: why not?"""

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from partner_center.limits import actions as limits
from partner_center.listing.pages import count_search
from partner_center.tenancy.access import member_required
from partner_center.tenancy.permissions import Permission
from partner_center.tenancy.requests import PartnerRequest
from vouchers.forms.whitelists import CheckForm
from vouchers.queries import receivers
from vouchers.queries.eligibility import Eligibility, eligibility_of

MOST_ANSWERED = 5


@member_required(Permission.WHITELIST_READ)
@require_http_methods(["GET", "HEAD", "POST"])
def eligibility(request: PartnerRequest) -> HttpResponseBase:
    """Look a customer up by name and say what stands against giving coupons; a POST is the search, nothing else."""
    form = CheckForm(request.POST if request.method == "POST" else None)
    if not form.is_bound:
        return _page(request, form)
    if not form.is_valid():
        return _page(request, form, status=422)
    now = timezone.now()
    try:
        count_search(request.member, now=now)
    except limits.TooMany as refusal:
        form.add_error("wanted", f"{refusal} {refusal.advice}")
        answer = _page(request, form, status=refusal.status)
        answer["Retry-After"] = str(refusal.retry_after)
        return answer
    found = receivers.search(request.member, form.cleaned_data["wanted"])
    answers = eligibility_of(found[:MOST_ANSWERED], member=request.member, now=now)
    # The name is not said again: who looks over a shoulder would read what the answer masks.
    return _page(request, CheckForm(), answers=answers, has_more=len(found) > MOST_ANSWERED)


def _page(
    request: PartnerRequest,
    form: CheckForm,
    *,
    answers: list[Eligibility] | None = None,
    has_more: bool = False,
    status: int = 200,
) -> HttpResponse:
    context = {
        "form": form,
        "answers": answers,
        "has_more": has_more,
        "may_reveal": request.member.may(Permission.CUSTOMER_UNMASK),
    }
    return render(request, "vouchers/whitelist_check.html", context, status=status)
