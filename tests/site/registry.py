"""
Every address of the site: whom it lets in, what a right request looks like, and what that writes into the log.

An address without a line here fails the build (test_every_url.py), so a new page is asked about strangers, other
partners and missing rights before anybody sees it.
"""

import csv
import io
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.core.files.uploadedfile import SimpleUploadedFile

from customers.forms.facts import FactsForm
from partner_center.tenancy.permissions import Permission
from tests.people import PASSWORD
from tests.site import world as w
from tests.site.addresses import (
    ANSWER_NONE,
    ANSWER_REDIRECT,
    COUNTED_TRIES,
    EVERYBODY,
    MEMBERS,
    NEW_PASSWORD,
    PLATFORM,
    SIGNATURE,
    SIGNED_IN,
    VIEWERS,
    Address,
    Values,
    public_id,
)
from tests.site.world import World

# Jobs belong to who made them; a partner admin sees them, but works only his own.
JOB_OF_BOB = {"carol": 404, "dora": 404, "finance": 404, "nobody": 404}
JOB_TO_WORK = {**JOB_OF_BOB, "alice": 403}
OF_BOB = {"carol": 404}
LOGGED_DOWNLOAD = dict.fromkeys(("audit_auditentry", "audit_audithead"), "a download is a link, and each is logged")


def _invitation(world: World) -> dict[str, Any]:
    return {"public_id": world.invitation.public_id}


def _link(world: World) -> Any:
    return w.InvitationLink.objects.of(world.bob.partner).latest("pk")


def _digest(make: Callable[[World], Any]) -> Values:
    return lambda world: {"digest": w.Job.objects.latest("pk").digest}


def _reset_key(world: World) -> dict[str, Any]:
    return {"uidb36": user_pk_to_url_str(world.bob.user), "key": default_token_generator.make_token(world.bob.user)}


ACCOUNTS = [
    Address(
        name="account_login",
        who=EVERYBODY,
        method="GET POST",
        right="anonymous",
        data=lambda world: {"login": world.bob.user.email, "password": PASSWORD},
        answer=ANSWER_REDIRECT,
        reading_writes=COUNTED_TRIES,
        deeds=("signed_in",),
    ),
    Address(name="account_logout", who=EVERYBODY, method="GET POST", answer=ANSWER_REDIRECT, deeds=("signed_out",)),
    Address(name="account_inactive", who=EVERYBODY),
    Address(name="account_signup", who=EVERYBODY, answer=ANSWER_REDIRECT),
    Address(
        name="account_change_password",
        who=SIGNED_IN,
        method="GET POST",
        data=lambda _: {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD},
        answer=ANSWER_REDIRECT,
        reading_writes=COUNTED_TRIES,
    ),
    Address(name="account_set_password", who=SIGNED_IN, answer=ANSWER_REDIRECT, reading_writes=COUNTED_TRIES),
    Address(
        name="account_reset_password",
        who=EVERYBODY,
        method="GET POST",
        right="anonymous",
        data=lambda world: {"email": world.bob.user.email},
        answer=ANSWER_REDIRECT,
    ),
    Address(name="account_reset_password_done", who=EVERYBODY),
    Address(
        name="account_reset_password_from_key",
        who=EVERYBODY,
        method="GET POST",
        right="anonymous",
        args=_reset_key,
        data=lambda _: {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD},
        answer=ANSWER_REDIRECT,
        reading_writes={
            **COUNTED_TRIES,
            "account_emailaddress": "allauth copies the user's own address into its table",
            "django_session": "the key leaves the address and waits in the session",
        },
    ),
    Address(name="account_reset_password_from_key_done", who=EVERYBODY),
]

CONSOLE = [
    Address(name="console:home", who=EVERYBODY, answer=ANSWER_REDIRECT),
    Address(name="console:livez", who=EVERYBODY),
    Address(name="console:readyz", who=EVERYBODY),
    Address(
        name="console:language",
        who=EVERYBODY,
        method="POST",
        data=lambda _: {"language": "zh-hans", "next": "/"},
        answer=ANSWER_REDIRECT,
    ),
    Address(name="console:components", who=EVERYBODY),
    Address(name="console:component_dialog", who=EVERYBODY),
]

MAIL = [
    Address(name="mail:mailbox", who=EVERYBODY),
    Address(name="mail:message", who=EVERYBODY, args=public_id(w.mail)),
    Address(name="mail:message_body", who=EVERYBODY, args=public_id(w.mail)),
    Address(name="mail:bounces", who=SIGNATURE, method="POST", answer=404),
]

LISTING = [
    Address(
        name="listing:reveal",
        who=Permission.CUSTOMER_UNMASK,
        method="POST",
        data=lambda world: {
            "kind": "invitation",
            "field": "email",
            "id": world.invitation.public_id,
            "purpose": "support",
        },
        deeds=("field_revealed",),
        others={"charlie": 404, "carol": 404},
    ),
]

JOBS = [
    Address(name="jobs:list", who=VIEWERS),
    Address(name="jobs:detail", who=VIEWERS, args=public_id(w.make_plan), others=JOB_OF_BOB),
    Address(name="jobs:progress", who=VIEWERS, args=public_id(w.make_queued), others=JOB_OF_BOB),
    Address(
        name="jobs:apply",
        who=MEMBERS,
        method="POST",
        args=public_id(w.make_plan),
        data=_digest(w.make_plan),
        answer=ANSWER_REDIRECT,
        deeds=("job_applied",),
        others=JOB_TO_WORK,
    ),
    Address(
        name="jobs:cancel",
        who=VIEWERS,
        method="POST",
        args=public_id(w.make_queued),
        answer=ANSWER_REDIRECT,
        deeds=("job_cancelled",),
        others=JOB_OF_BOB,
    ),
    Address(
        name="jobs:retry",
        who=VIEWERS,
        method="POST",
        args=public_id(w.make_plan),
        answer=ANSWER_REDIRECT,
        others=JOB_TO_WORK,
    ),
    Address(
        name="jobs:discard",
        who=MEMBERS,
        method="POST",
        args=public_id(w.make_plan),
        answer=ANSWER_REDIRECT,
        deeds=("job_cancelled",),
        others=JOB_TO_WORK,
    ),
    Address(
        name="jobs:download",
        who=VIEWERS,
        args=public_id(w.make_export),
        deeds=("export_downloaded",),
        others=JOB_OF_BOB,
        reading_writes=LOGGED_DOWNLOAD,
    ),
    Address(
        name="jobs:faulty_rows",
        who=MEMBERS,
        args=public_id(w.make_plan),
        deeds=("faulty_rows_downloaded",),
        others=JOB_TO_WORK,
        reading_writes=LOGGED_DOWNLOAD,
    ),
]

SEND, READ = Permission.INVITATION_SEND, Permission.INVITATION_READ


def _pasted() -> str:
    stream = io.StringIO()
    rows = csv.writer(stream)
    rows.writerow(["name", "email"])
    rows.writerow([w.PLANNED.name, w.PLANNED.email])
    return stream.getvalue()


INVITATIONS = [
    Address(name="invitations:history", who=READ),
    Address(
        name="invitations:export",
        who=Permission.INVITATION_EXPORT,
        method="POST",
        data=lambda _: {"format": "csv"},
        answer=ANSWER_REDIRECT,
        deeds=("export_requested",),
    ),
    Address(
        name="invitations:resend_plan",
        who=SEND,
        method="POST",
        data=lambda world: {"id": world.invitation.public_id},
        answer=ANSWER_REDIRECT,
        deeds=("job_planned",),
    ),
    Address(name="invitations:invite", who=SEND),
    Address(
        name="invitations:invite_one",
        who=SEND,
        method="POST",
        data=lambda _: {
            "customer_name": w.PLANNED.name,
            "email": w.PLANNED.email,
            "mobile": w.PLANNED.mobile,
            "account_name": w.PLANNED.account_name,
            "model": "reseller",
            "language": "en",
        },
        answer=ANSWER_REDIRECT,
        deeds=("job_planned",),
    ),
    Address(
        name="invitations:invite_list",
        who=SEND,
        method="POST",
        data=lambda _: {"list-pasted": _pasted(), "list-model": "reseller", "list-language": "en"},
        answer=ANSWER_REDIRECT,
        deeds=("job_planned",),
    ),
    Address(
        name="invitations:invite_chosen",
        who=SEND,
        method="POST",
        data=lambda world: {"id": w.preregistration(world).public_id, "model": "reseller", "language": "en"},
        answer=ANSWER_REDIRECT,
        deeds=("job_planned",),
    ),
    Address(name="invitations:preview", who=SEND, method="POST", data=lambda _: {"model": "reseller"}),
    Address(name="invitations:template", who=SEND),
    Address(name="invitations:links", who=READ),
    Address(
        name="invitations:link_create",
        who=SEND,
        method="POST",
        data=lambda _: {"kind": "custom", "model": "reseller", "custom_tag": "fair"},
        answer=ANSWER_REDIRECT,
        deeds=("link_created",),
    ),
    Address(name="invitations:link", who=READ, args=public_id(_link), others=OF_BOB),
    Address(
        name="invitations:link_address",
        who=SEND,
        method="POST",
        args=public_id(_link),
        deeds=("link_copied",),
        others=OF_BOB,
    ),
    Address(
        name="invitations:link_qr",
        who=SEND,
        method="POST",
        args=lambda world: {"public_id": _link(world).public_id, "way": "svg"},
        deeds=("link_downloaded",),
        others=OF_BOB,
    ),
    Address(
        name="invitations:link_rotate",
        who=SEND,
        method="POST",
        args=public_id(_link),
        answer=ANSWER_REDIRECT,
        deeds=("link_rotated",),
        others=OF_BOB,
    ),
    Address(
        name="invitations:link_revoke",
        who=SEND,
        method="POST",
        args=public_id(_link),
        answer=ANSWER_REDIRECT,
        deeds=("link_revoked",),
        others=OF_BOB,
    ),
    Address(name="invitations:detail", who=READ, args=_invitation, others=OF_BOB),
    Address(
        name="invitations:address", who=SEND, method="POST", args=_invitation, deeds=("link_copied",), others=OF_BOB
    ),
    Address(
        name="invitations:cancel",
        who=SEND,
        method="POST",
        args=_invitation,
        answer=ANSWER_REDIRECT,
        deeds=("invitation_cancelled",),
        others=OF_BOB,
    ),
]

LANDING = [
    Address(
        name="invitations:open",
        who=EVERYBODY,
        right="anonymous",
        args=lambda world: {"token": w.mail_token(world)},
        answer=303,
    ),
    Address(
        name="invitations:open_qr",
        who=EVERYBODY,
        right="anonymous",
        args=lambda world: {"token": w.link_token(world)},
        answer=303,
    ),
    Address(name="invitations:landing", who=EVERYBODY, right="customer", arrives_by=w.mail_token),
    Address(
        name="invitations:opened",
        who=EVERYBODY,
        method="POST",
        right="anonymous",
        arrives_by=w.mail_token,
        answer=ANSWER_NONE,
        deeds=("invitation_opened",),
    ),
    Address(
        name="invitations:start",
        who=EVERYBODY,
        method="POST",
        right="anonymous",
        arrives_by=w.mail_token,
        answer=ANSWER_REDIRECT,
    ),
    Address(
        name="invitations:register",
        who=EVERYBODY,
        method="GET POST",
        right="anonymous",
        arrives_by=w.registration_token,
        data=lambda _: {
            "customer_name": w.PLANNED.name,
            "mobile": w.PLANNED.mobile,
            "account_name": w.PLANNED.account_name,
            "password": PASSWORD,
        },
        answer=ANSWER_REDIRECT,
        deeds=("account_registered", "signed_in"),
    ),
    Address(name="invitations:mailed", who=EVERYBODY, right="anonymous"),
    Address(
        name="invitations:accept",
        who=EVERYBODY,
        method="POST",
        right="customer",
        arrives_by=w.mail_token,
        data=lambda _: {"understood": "on"},
        answer=ANSWER_REDIRECT,
        deeds=("invitation_accepted", "association_created"),
    ),
    Address(
        name="invitations:decline",
        who=EVERYBODY,
        method="POST",
        right="customer",
        arrives_by=w.mail_token,
        data=lambda _: {"reason": "Not now"},
        answer=ANSWER_REDIRECT,
        deeds=("invitation_declined",),
    ),
    Address(name="invitations:new_link", who=EVERYBODY, method="POST", right="anonymous", arrives_by=w.mail_token),
]


def _facts(world: World) -> dict[str, Any]:
    """Fill the form with what it shows, and correct one fact."""
    form = FactsForm(None, instance=w.Account.objects.get(pk=world.accounts[w.DIRECTORY].pk))
    shown = {field.html_name: field.value() for field in form}
    left_empty = [name for name, value in shown.items() if value is None or value is False]
    return {name: value for name, value in shown.items() if name not in left_empty} | {"unfinished_orders": 3}


def _facts_file(world: World) -> dict[str, Any]:
    number = world.accounts[w.DIRECTORY].account_number
    return {"upload": SimpleUploadedFile("facts.csv", f"account_number,unfinished_orders\n{number},3\n".encode())}


PREREGISTER = Permission.CUSTOMER_PREREGISTER

CUSTOMERS = [
    Address(name="customers:preregistrations", who=Permission.CUSTOMER_READ),
    Address(
        name="customers:preregister",
        who=PREREGISTER,
        method="GET POST",
        data=lambda _: {
            "customer_name": w.PLANNED.name,
            "email": w.PLANNED.email,
            "mobile": w.PLANNED.mobile,
            "account_name": w.PLANNED.account_name,
        },
        answer=ANSWER_REDIRECT,
        deeds=("customer_preregistered",),
    ),
    Address(
        name="customers:withdraw",
        who=PREREGISTER,
        method="GET POST",
        args=public_id(w.preregistration),
        answer=ANSWER_REDIRECT,
        deeds=("preregistration_withdrawn",),
        others=OF_BOB,
    ),
    Address(name="customers:accounts", who=PLATFORM, right="vendor"),
    Address(
        name="customers:account_search",
        who=PLATFORM,
        method="POST",
        right="vendor",
        data=lambda world: {"wanted": world.accounts[w.DIRECTORY].account_number},
        answer=ANSWER_REDIRECT,
    ),
    Address(
        name="customers:account_upload",
        who=PLATFORM,
        method="GET POST",
        right="vendor",
        data=_facts_file,
        answer=ANSWER_REDIRECT,
        deeds=("account_facts_imported",),
    ),
    Address(
        name="customers:account",
        who=PLATFORM,
        method="GET POST",
        right="vendor",
        args=public_id(lambda world: world.accounts[w.DIRECTORY]),
        data=_facts,
        answer=ANSWER_REDIRECT,
        deeds=("account_facts_changed",),
    ),
]


def newer_rooms() -> Iterator[Address]:
    """Collect the addresses of tests/site/registry_*.py, each with a list ADDRESSES."""
    for path in sorted(Path(__file__).parent.glob("registry_*.py")):
        yield from import_module(f"tests.site.{path.stem}").ADDRESSES


# The newer rooms keep theirs in modules of their own, tests/site/registry_*.py.
ADDRESSES = [*ACCOUNTS, *CONSOLE, *MAIL, *LISTING, *JOBS, *INVITATIONS, *LANDING, *CUSTOMERS, *newer_rooms()]
