"""The API as a whole: partner_center/urls.py hands in the rooms' routers."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import RequestDataTooBig
from django.http import Http404
from ninja import NinjaAPI, Router
from ninja.errors import HttpError, ValidationError

from partner_center.api import answers
from partner_center.environment import environment
from partner_center.refusals import Refusal

TITLE = "Partner Center API"
VERSION = "1"

_HANDLERS: dict[type[Exception], Any] = {
    Refusal: answers.on_refusal,
    ValidationError: answers.on_wrong_shape,
    HttpError: answers.on_http_error,
    RequestDataTooBig: answers.on_too_large,
    Http404: answers.on_unknown,
    Exception: answers.on_fault,
}


def make_api(*routers: Router) -> NinjaAPI:
    """Compose the API from the routers of the rooms; only people who are signed in may read its description."""
    api = NinjaAPI(
        title=f"{environment.vendor_name} {TITLE}",
        version=VERSION,
        urls_namespace="api",
        openapi_url="/openapi.json",
        docs_url=None,
        docs_decorator=login_required,
    )
    for kind, answer in _HANDLERS.items():
        api.add_exception_handler(kind, answer)
    for router in routers:
        api.add_router("", router)
    return api
