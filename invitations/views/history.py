"""History records: everybody who was invited, and what became of it."""

from django.http import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from invitations.filters import HistoryFilters
from invitations.models import Invitation
from invitations.tables import HistoryTable, SenderTable
from partner_center.listing.pages import list_page
from partner_center.tenancy.access import member_required
from partner_center.tenancy.permissions import Permission
from partner_center.tenancy.requests import PartnerRequest


@member_required(Permission.INVITATION_READ)
@require_http_methods(["GET", "HEAD", "POST"])
def history(request: PartnerRequest) -> HttpResponseBase:
    """List the invitations the member sees; a POST is the filter form, nothing is written."""
    may_send = request.member.may(Permission.INVITATION_SEND)
    return list_page(
        request,
        rows=Invitation.objects.visible_to(request.member),
        filters=HistoryFilters,
        table=SenderTable if may_send else HistoryTable,
        template="invitations/history.html",
        now=timezone.now(),
        context={
            "may_send": may_send,
            "may_export": request.member.may(Permission.INVITATION_EXPORT),
            "toolbar_template": "invitations/_history_toolbar.html" if may_send else "",
            "filter_form": "export-form",
            "empty_template": "invitations/_history_empty.html",
        },
    )
