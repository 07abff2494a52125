"""The dev mailbox, and the door through which mail systems report."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from partner_center.headers import CONTENT_SECURITY_POLICY
from partner_center.mail.bounces import apply, is_signed
from partner_center.mail.config import mail_config
from partner_center.mail.envelope import urls_in
from partner_center.mail.models import DevMessage
from partner_center.mail.queries import mailbox_page
from partner_center.mail.reports import LARGEST_REPORT, Report, UnreadableReport, read_event, read_report

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
PUBLIC_ID = re.compile(r"[A-Za-z0-9_-]{22}")
LONGEST_QUERY = 254
# The body of a mail brings its own styles and nothing else; links open nothing from inside the frame.
MAIL_BODY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"


def mailbox_only(view: View[P]) -> View[P]:
    """Show the view where mail goes to the mailbox of a demo; anywhere else there is no such page."""

    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        config = mail_config()
        if config.is_production or not config.uses_mailbox:
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


@require_safe
@mailbox_only
def mailbox(request: HttpRequest) -> HttpResponse:
    recipient = request.GET.get("to", "").strip()[:LONGEST_QUERY]
    before = request.GET.get("before", "")
    page = mailbox_page(recipient=recipient, before=before if PUBLIC_ID.fullmatch(before) else "")
    return render(request, "mail/mailbox.html", {"page": page, "recipient": recipient, "is_first_page": not before})


@require_safe
@mailbox_only
def message(request: HttpRequest, public_id: str) -> HttpResponse:
    mail = get_object_or_404(DevMessage, public_id=public_id)
    links = urls_in(mail.text)
    context = {"mail": mail, "link": links[0] if links else "", "sender": mail_config().sender}
    response = render(request, "mail/message.html", context)
    policy = CONTENT_SECURITY_POLICY.format(nonce=getattr(request, "csp_nonce", ""))
    response["Content-Security-Policy"] = f"{policy}; frame-src 'self'"
    return response


@require_safe
@mailbox_only
def message_body(request: HttpRequest, public_id: str) -> HttpResponse:
    """Show the HTML part for the frame on the message's page: no script runs and nothing is loaded."""
    mail = get_object_or_404(DevMessage, public_id=public_id)
    return HttpResponse(
        mail.html,
        headers={"Content-Security-Policy": MAIL_BODY_POLICY, "X-Frame-Options": "SAMEORIGIN"},
    )


@csrf_exempt
@require_POST
def bounces(request: HttpRequest) -> HttpResponse:
    """
    Take a delivery report, signed with BOUNCE_WEBHOOK_KEY; a repeat or an unknown event is answered 200.

    `X-Mail-Timestamp` holds Unix seconds, `X-Mail-Signature` the hex HMAC-SHA256 over `timestamp.body`.
    """
    key = mail_config().bounce_key
    if not key:
        raise Http404
    body = _body(request)
    if body is None:
        return _answer("too_large", 413)
    timestamp, signature = request.headers.get("X-Mail-Timestamp", ""), request.headers.get("X-Mail-Signature", "")
    if not is_signed(key=key, timestamp=timestamp, signature=signature, body=body, now=timezone.now()):
        return _answer("bad_signature", 401)
    try:
        report = _read(request, body)
    except UnreadableReport:
        return _answer("unreadable", 400)
    return _answer("ignored" if report is None else apply(report, now=timezone.now()).value, 200)


def _body(request: HttpRequest) -> bytes | None:
    """Read the body within the report's own limit, which is larger than that of forms."""
    body: bytes = request.read(LARGEST_REPORT + 1)
    return body if len(body) <= LARGEST_REPORT else None


def _read(request: HttpRequest, body: bytes) -> Report | None:
    return read_report(body) if request.content_type == "message/rfc822" else read_event(body)


def _answer(result: str, status: int) -> JsonResponse:
    return JsonResponse({"result": result}, status=status)
