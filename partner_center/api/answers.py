"""What programs are answered: errors in one shape (domain.md 6.1), and the same answer to the same request."""

import hashlib
import json
import logging
from collections.abc import Callable
from datetime import datetime

from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from ninja import Schema
from ninja.errors import HttpError, ValidationError

from partner_center.api.auth import key_of
from partner_center.api.idempotency import Answer, digest_of, once
from partner_center.limits.actions import TooMany
from partner_center.refusals import Refusal

BAD_PARAMETER, NOT_FOUND, THROTTLED, BROKEN = "CBC.0100", "not_found", "APIGW.0308", "CBC.0999"
LONGEST_KEY = 255
LONGEST_MESSAGE = 1024
HEADER = "Idempotency-Key"

logger = logging.getLogger(__name__)


class BadParameter(Refusal):
    """A request that the shapes of its fields alone do not refuse."""

    code = BAD_PARAMETER
    message = gettext_lazy("Parameter error: %(why)s")
    status = 400


class ErrorBody(Schema):
    """What every error says."""

    error_code: str
    error_msg: str


# The errors that every address can answer with, for its description.
ERRORS = dict.fromkeys((400, 401, 403, 404, 409, 429, 500), ErrorBody)

# Parameters that ninja does not see, for the description of what changes something.
ONCE = {
    "parameters": [
        {
            "in": "header",
            "name": HEADER,
            "required": True,
            "description": "The same key with the same request has one effect and one answer, for 30 days.",
            "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
        }
    ]
}


def answer_once(
    request: HttpRequest, work: Callable[[], Answer], *, now: datetime, refused: "Refusing | None" = None
) -> HttpResponse:
    """
    Do what the request asks for, once: with the same Idempotency-Key the same request gets the same answer again.

    A refusal of the work is an answer too and is kept like any other: what it logged is logged once.

    :param refused: how a refusal is said, where the vendor has a code for it
    :raises BadParameter: without a key, or with one that is too long or not made of visible ASCII
    :raises KeyReused: when the key was used for another request
    """
    answer = once(
        owner=key_of(request).owner,
        key=_key_of(request),
        digest=_digest_of(request),
        now=now,
        work=lambda: _settled(work, refused or refusal_answer),
    )
    response = HttpResponse(answer.body, status=answer.status, content_type="application/json; charset=utf-8")
    if answer.is_replayed:
        response["Idempotent-Replayed"] = "true"
    return response


Refusing = Callable[[Refusal], Answer]


def done(body: Schema | None = None) -> Answer:
    """Say that it was done: with a body 200, without one 204."""
    return Answer(200, body.model_dump_json()) if body is not None else Answer(204)


def error(status: int, code: str, message: str) -> Answer:
    """Say an error in the shape of all errors."""
    body = {"error_code": code, "error_msg": message[:LONGEST_MESSAGE]}
    return Answer(status, json.dumps(body, ensure_ascii=False))


def refusal_answer(refusal: Refusal) -> Answer:
    """Say a refusal by its own code, with what to do next."""
    status = refusal.status if 400 <= refusal.status < 500 else 400  # noqa: PLR2004 - the class of client errors
    return error(status, refusal.code, " ".join(filter(None, (str(refusal), refusal.advice))))


# --- what goes wrong outside the work --------------------------------------------------------------------------------


def on_refusal(_request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Answer what is refused before anything was done; 429 tells when to come again."""
    if isinstance(refusal, TooMany):
        throttled = _response(error(429, THROTTLED, str(refusal)))
        throttled["Retry-After"] = str(refusal.retry_after)
        return throttled
    return _response(refusal_answer(refusal))


def on_wrong_shape(_request: HttpRequest, fault: ValidationError) -> HttpResponse:
    """Name the parameters at fault and what they should be, never the values that came."""
    faults = [f"{_place(found['loc'])}: {found['msg']}" for found in fault.errors]
    return _response(error(400, BAD_PARAMETER, "; ".join(faults)))


def on_http_error(_request: HttpRequest, fault: HttpError) -> HttpResponse:
    """Answer a body that is no JSON."""
    return _response(error(fault.status_code, BAD_PARAMETER, fault.message))


def on_too_large(_request: HttpRequest, _fault: RequestDataTooBig) -> HttpResponse:
    """Answer a body that nobody reads to its end."""
    return _response(error(413, BAD_PARAMETER, _("The request is too large.")))


def on_unknown(_request: HttpRequest, _fault: Http404) -> HttpResponse:
    """Answer with the same bytes what does not exist and what is somebody else's."""
    return _response(error(404, NOT_FOUND, _("There is no such object.")))


def on_fault(_request: HttpRequest, fault: Exception) -> HttpResponse:
    """Hide a fault of ours from the program, and show it to whoever reads the server's lines."""
    logger.error("a request of a program failed", exc_info=fault)
    return _response(error(500, BROKEN, _("Something went wrong on our side. Send the same request again later.")))


def _settled(work: Callable[[], Answer], refused: Refusing) -> Answer:
    try:
        return work()
    except Refusal as refusal:
        return refused(refusal)


def _response(answer: Answer) -> HttpResponse:
    return HttpResponse(answer.body, status=answer.status, content_type="application/json; charset=utf-8")


def _key_of(request: HttpRequest) -> str:
    key = request.headers.get(HEADER, "")
    if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable() or " " in key:
        raise BadParameter(why=_("%(header)s should be 1 to 255 visible ASCII characters.") % {"header": HEADER})
    return key


def _digest_of(request: HttpRequest) -> str:
    body = hashlib.sha256(request.body).hexdigest()
    return digest_of({"method": request.method, "path": request.path, "body": body})


def _place(location: tuple[object, ...]) -> str:
    """Leave out where ninja has put the parameters: body or query, and the name of the view's argument."""
    names = [str(part) for part in location if part not in {"body", "query", "path", "payload", "asked"}]
    return ".".join(names) or "body"
