"""The product's addresses, an empty page behind the same sign-in, the bare shell, and the admin's list."""

from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import path

from invitations.models import Invitation
from partner_center.tenancy.access import member_required
from partner_center.tenancy.requests import PartnerRequest
from partner_center.urls import handler400, handler403, handler404, handler500, urlpatterns

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


@member_required()
def blank(request: PartnerRequest) -> HttpResponseBase:
    """Answer nothing, to somebody who is signed in: what every page costs before it does anything."""
    return HttpResponse("")


@member_required()
def shell(request: PartnerRequest) -> HttpResponseBase:
    """Answer the frame of every page with nothing in it."""
    return render(request, "base.html")


class OpenSite(AdminSite):
    """Lets everybody in: the yardstick is the list, not its doors."""

    def has_permission(self, request: HttpRequest) -> bool:
        return True


class InvitationAdmin(ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        "customer_name", "account_name", "custom_tag", "email", "mobile", "method", "model", "status", "delivery",
        "created_at", "expires_at",
    )  # fmt: skip
    list_filter = ("status", "method")
    list_per_page = 50
    ordering = ("-id",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        """Ask for the same rows as the product does."""
        return super().get_queryset(request).filter(partner=request.partner)  # type: ignore[attr-defined]

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return True

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    has_change_permission = has_add_permission = has_delete_permission = lambda *_arguments: False  # type: ignore[assignment]


site = OpenSite(name="admin")
site.register(Invitation, InvitationAdmin)
urlpatterns = [*urlpatterns, path("blank/", blank), path("shell/", shell), path("admin/", site.urls)]
