"""Queue a file of a list: all of it, or what the present filter matches."""

from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.http import QueryDict

from partner_center.jobs import actions as jobs
from partner_center.jobs.models import Job
from partner_center.jobs.rules import FileFormat
from partner_center.listing.asking import read_address
from partner_center.listing.filters import ListFilters
from partner_center.tenancy.requests import PartnerRequest


def queue_export(request: PartnerRequest, *, kind: str, filters: type[ListFilters], now: datetime) -> Job:
    """
    Queue what the export dialog asks for (templates/listing/_export.html).

    :param kind: of a registered FileJob, whose parameter "filter" is a `filter_query`
    :raises PermissionDenied: for a form that is not ours
    :raises TooManyFiles: when the member has too many files waiting
    """
    file_format = request.POST.get("format", FileFormat.CSV)
    if file_format not in FileFormat.values:
        raise PermissionDenied
    query = request.POST.get("filter", "") if request.POST.get("scope") == "filter" else ""
    asked = read_address(QueryDict(query), filters, viewer=request.member)
    return jobs.queue_file(
        kind=kind,
        file_format=file_format,
        title="",
        member=request.member,
        partner=request.partner,
        parameters={"filter": asked.filter_query()},
        actor=request.actor,
        now=now,
    )
