"""How often a member may make the server read an upload or plan a batch (reliability.md 4.4)."""

from datetime import timedelta

from django.http import HttpResponse
from django.utils import timezone

from partner_center.limits import actions as limits
from partner_center.refusals import Refusal
from partner_center.tenancy.requests import PartnerRequest

UPLOADS_AN_HOUR = BATCHES_AN_HOUR = 60


def spend_upload(request: PartnerRequest) -> None:
    """
    Count an upload before it is read: what cannot be read costs as much.

    :raises TooMany: when this member has uploaded enough
    """
    _spend(request, "upload", UPLOADS_AN_HOUR)


def spend_batch(request: PartnerRequest) -> None:
    """
    Count a plan of several rows.

    :raises TooMany: when this member has planned enough
    """
    _spend(request, "batch", BATCHES_AN_HOUR)


def _spend(request: PartnerRequest, what: str, allowed: int) -> None:
    key = f"{what}:member:{request.member.pk}"
    limits.spend(key=key, allowed=allowed, per=timedelta(hours=1), now=timezone.now())


def with_retry_after(answer: HttpResponse, refusal: Refusal | None) -> HttpResponse:
    """Add to an answer when it is worth trying again."""
    if isinstance(refusal, limits.TooMany):
        answer["Retry-After"] = str(refusal.retry_after)
    return answer
