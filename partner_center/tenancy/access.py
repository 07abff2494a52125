"""Decorators that let the right people in: signed out goes to sign-in, wrong role is 403."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse

from partner_center.tenancy.permissions import Permission
from partner_center.tenancy.requests import PartnerRequest, PlatformRequest, ViewerRequest

P = ParamSpec("P")
Answer = HttpResponseBase


def member_required(
    permission: Permission | None = None,
) -> Callable[[Callable[Concatenate[PartnerRequest, P], Answer]], Callable[Concatenate[HttpRequest, P], Answer]]:
    """
    Let in members of a partner who hold the permission.

    :raises PermissionDenied: when signed in without the permission, or not a member
    """

    def decorate(
        view: Callable[Concatenate[PartnerRequest, P], Answer],
    ) -> Callable[Concatenate[HttpRequest, P], Answer]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> Answer:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            member = getattr(request, "member", None)
            if member is None or (permission is not None and not member.may(permission)):
                raise PermissionDenied
            return view(request, *args, **kwargs)  # type: ignore[arg-type]

        guarded.required_permission = permission  # type: ignore[attr-defined]
        return guarded

    return decorate


def platform_required(
    view: Callable[Concatenate[PlatformRequest, P], Answer],
) -> Callable[Concatenate[HttpRequest, P], Answer]:
    """
    Let in the vendor's staff only.

    :raises PermissionDenied: when signed in as anybody else
    """

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> Answer:
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        if not request.user.is_platform_admin:
            raise PermissionDenied
        return view(request, *args, **kwargs)  # type: ignore[arg-type]

    return guarded


def viewer_required(
    view: Callable[Concatenate[ViewerRequest, P], Answer],
) -> Callable[Concatenate[HttpRequest, P], Answer]:
    """
    Let in members of a partner and the vendor's staff; the view asks what the one or the other may.

    :raises PermissionDenied: when signed in as a customer
    """

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> Answer:
        if not request.user.is_authenticated:
            return _to_sign_in(request)
        if getattr(request, "viewer", None) is None:
            raise PermissionDenied
        return view(request, *args, **kwargs)  # type: ignore[arg-type]

    return guarded


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """Send to sign-in; a fragment request is told to load the whole sign-in page instead of swapping it in."""
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": reverse("account_login")})
    return redirect_to_login(request.get_full_path())
