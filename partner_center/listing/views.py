"""The one address that answers clear values."""

from django.http import HttpResponseBase, JsonResponse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_POST

from partner_center.limits.actions import TooMany
from partner_center.listing import reveal
from partner_center.listing.reveal import Purpose, PurposeNeeded, Wish
from partner_center.refusals import Refusal
from partner_center.tenancy.access import viewer_required
from partner_center.tenancy.permissions import Permission
from partner_center.tenancy.requests import ViewerRequest

PURPOSE = "reveal_purpose"


@viewer_required
def _reveal(request: ViewerRequest) -> HttpResponseBase:
    """Answer {"values": {id: text}}, or why not; the purpose is asked once per session."""
    purpose = request.POST.get("purpose", "") or request.session.get(PURPOSE, "")
    wish = Wish(
        kind=request.POST.get("kind", ""),
        field=request.POST.get("field", ""),
        ids=frozenset(request.POST.getlist("id")),
        purpose=purpose,
    )
    try:
        values = reveal.reveal(wish, viewer=request.viewer, actor=request.actor, now=timezone.now())
    except PurposeNeeded as refusal:
        purposes = [[key, str(label)] for key, label in Purpose.choices]
        return _answer({"purposes": purposes, "message": str(refusal)}, refusal.status)
    except Refusal as refusal:
        return _refused(refusal)
    if request.session.get(PURPOSE) != purpose:
        request.session[PURPOSE] = purpose
    return _answer({"values": values}, 200)


def _refused(refusal: Refusal) -> JsonResponse:
    response = _answer({"message": f"{refusal} {refusal.advice}".strip(), "code": refusal.code}, refusal.status)
    if isinstance(refusal, TooMany):
        response["Retry-After"] = str(refusal.retry_after)
    return response


def _answer(body: dict[str, object], status: int) -> JsonResponse:
    response = JsonResponse(body, status=status)
    add_never_cache_headers(response)
    response["Cache-Control"] = "no-store"
    return response


reveal_field = require_POST(_reveal)
# The right is checked where a refusal can be logged and answered as JSON; whoever walks the addresses reads it here.
reveal_field.required_permission = Permission.CUSTOMER_UNMASK  # type: ignore[attr-defined]
