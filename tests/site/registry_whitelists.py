"""The addresses of whitelists: finance and partner admins import and activate, the auditor reads."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from partner_center.tenancy.permissions import Permission
from tests.people import actor_of
from tests.site import world as w
from tests.site.addresses import ANSWER_REDIRECT, Address, public_id
from tests.site.world import World
from vouchers.actions import whitelists
from vouchers.models import WhitelistVersion
from vouchers.rules.whitelists import ListedRow

LOGGED_DOWNLOAD = dict.fromkeys(("audit_auditentry", "audit_audithead"), "a download is a link, and each is logged")
READ, IMPORT = Permission.WHITELIST_READ, Permission.WHITELIST_IMPORT


def draft(world: World) -> WhitelistVersion:
    """Import a list of one customer, and a row that names nobody."""
    account = world.accounts[w.ASSOCIATED]
    rows = [ListedRow(2, account.account_name, account.customer_name), ListedRow(3, "nobody-at-all", "Nobody")]
    return whitelists.import_version(
        kind="customer",
        rows=rows,
        file_name="list.csv",
        member=world.finance,
        actor=actor_of(world.finance),
        now=timezone.now(),
    )


def superseded(world: World) -> WhitelistVersion:
    first = draft(world)
    for version in (first, draft(world)):
        actor, now = actor_of(world.finance), timezone.now()
        fresh = whitelists.compare_again(version=version, actor=actor, now=now)
        whitelists.activate(version=fresh, actor=actor, now=now)
    first.refresh_from_db()
    return first


def _file(world: World) -> dict[str, Any]:
    account = world.accounts[w.ASSOCIATED]
    text = f"account_name,customer_name\n{account.account_name},{account.customer_name}\n"
    return {"upload": SimpleUploadedFile("list.csv", text.encode(), "text/csv")}


def _import(name: str) -> Address:
    return Address(
        name=name,
        who=IMPORT,
        method="GET POST",
        right="finance",
        data=_file,
        answer=ANSWER_REDIRECT,
        deeds=("whitelist_imported",),
    )


def _deed(name: str, deed: str, version: Any = draft) -> Address:
    return Address(
        name=f"vouchers:whitelist_{name}",
        who=IMPORT,
        method="POST",
        right="finance",
        args=public_id(version),
        answer=ANSWER_REDIRECT,
        deeds=(deed,),
    )


ADDRESSES = [
    Address(name="vouchers:whitelists", who=READ, right="finance"),
    Address(name="vouchers:whitelists_pickup", who=READ, right="finance"),
    Address(name="vouchers:whitelist_template", who=IMPORT, right="finance"),
    Address(
        name="vouchers:eligibility",
        who=READ,
        method="GET POST",
        right="finance",
        data=lambda world: {"wanted": world.accounts[w.ASSOCIATED].account_name},
    ),
    _import("vouchers:whitelist_import"),
    _import("vouchers:whitelist_import_pickup"),
    Address(name="vouchers:whitelist_version", who=READ, right="finance", args=public_id(draft)),
    Address(name="vouchers:whitelist_changes", who=READ, right="finance", args=public_id(draft)),
    Address(name="vouchers:whitelist_rejected", who=READ, right="finance", args=public_id(draft)),
    Address(
        name="vouchers:whitelist_rejected_file",
        who=IMPORT,
        right="finance",
        args=public_id(draft),
        deeds=("faulty_rows_downloaded",),
        others={"alice": 404},
        reading_writes=LOGGED_DOWNLOAD,
    ),
    _deed("activate", "whitelist_activated"),
    _deed("discard", "whitelist_discarded"),
    _deed("compare", "whitelist_imported"),
    _deed("reactivate", "whitelist_imported", superseded),
]
