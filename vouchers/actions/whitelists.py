"""
Whitelists: import a version as a draft, put it in force, bring an old one back (domain.md 4.11, peers.md O31).

An import is worked in the request that brings it and is no job: 100,000 rows take some seconds (bench/whitelist.py),
nearly all of them before the list is locked, and the person wants to see the difference and nothing else. What it
writes is a draft that judges nothing, so an import that dies on the way has changed nothing.

Whoever changes a list locks its row first, and so does whoever issues by it (queries.whitelists.active_version): a
coupon is judged by the version that is in force at that moment, by no other.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import islice

from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext_lazy as _

from partner_center.audit import actions as audit
from partner_center.audit.models import Deed
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner
from vouchers.models import Whitelist, WhitelistEntry, WhitelistRejection, WhitelistVersion
from vouchers.queries import whitelists as queries
from vouchers.rules import WhitelistVersionStatus
from vouchers.rules.whitelists import ListedRow, Rejected, difference, list_digest, sort_rows

WRITTEN_AT_ONCE = 1000
LONGEST_FILE_NAME = 150


class NoRowNamesCustomer(Refusal):
    """Every row was rejected; `rejected` tells each with its reason."""

    code = "no_row_names_customer"
    message = _("No row of the file names a customer of yours. Nothing was changed.")
    next_step = _("Correct the rows and import the file again.")
    status = 422

    def __init__(self, rejected: Sequence[Rejected]) -> None:
        super().__init__()
        self.rejected = rejected


class ListChanged(Refusal):
    code = "whitelist_changed"
    message = _("The list has changed since this version was compared with it. Nothing was activated.")
    next_step = _("Compare again, look at the difference, then activate.")


class NoDraft(Refusal):
    code = "whitelist_version_no_draft"
    message = _("This version is no draft any more.")
    next_step = _("Reload the page to see its present state.")


class NeverInForce(Refusal):
    code = "whitelist_version_never_in_force"
    message = _("Only a version that was in force before can be brought back.")
    next_step = _("Choose a superseded version.")


def import_version(
    *, kind: str, rows: Sequence[ListedRow], file_name: str, member: Member, actor: Actor, now: datetime
) -> WhitelistVersion:
    """
    Write a draft of the customers that a file names, compared with the version in force, which it would replace.

    :param kind: a WhitelistKind
    :param rows: of the file, faulty ones too
    :raises NoRowNamesCustomer: when every row is rejected; nothing is written then
    """
    names = [row.account_name.lower() for row in rows if row.fault is None]
    found = sort_rows(rows, queries.own_customers(member.partner, names))
    if not found.customers:
        raise NoRowNamesCustomer(found.rejected)
    with transaction.atomic():
        draft = _draft(
            kind=kind,
            member=member,
            now=now,
            file_name=file_name[:LONGEST_FILE_NAME],
            row_count=len(rows),
            rejected_count=len(found.rejected),
            entry_count=len(found.customers),
            digest=list_digest(customer.public_id for customer in found.customers),
        )
        _write_entries(draft, (customer.pk for customer in found.customers))
        _write_rejected(draft, found.rejected)
        _compare(draft)
        _log(Deed.WHITELIST_IMPORTED, draft, actor, now)
    return draft


def activate(*, version: WhitelistVersion, actor: Actor, now: datetime) -> WhitelistVersion:
    """
    Put a draft in force in the place of the version it was compared with, which is kept as superseded.

    Coupons that were issued to customers it removes stay with them.

    :param version: as the person saw it, with what it was compared with
    :raises NoDraft: when it was activated or discarded meanwhile
    :raises ListChanged: when another version is in force now, or the draft was compared with another one since
    """
    with transaction.atomic():
        whitelist = _locked(version.partner, version.kind)
        draft = WhitelistVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
        if draft.status != WhitelistVersionStatus.DRAFT:
            raise NoDraft
        if not whitelist.active_id == draft.compared_with_id == version.compared_with_id:
            raise ListChanged
        versions = WhitelistVersion.objects.of(version.partner).filter(kind=version.kind)
        versions.filter(status=WhitelistVersionStatus.ACTIVE).update(status=WhitelistVersionStatus.SUPERSEDED)
        versions.filter(pk=draft.pk).update(status=WhitelistVersionStatus.ACTIVE, activated_at=now)
        Whitelist.objects.filter(pk=whitelist.pk).update(active=draft)
        _forget_rejected(draft)
        _log(Deed.WHITELIST_ACTIVATED, draft, actor, now)
    version.refresh_from_db()
    return version


def discard(*, version: WhitelistVersion, actor: Actor, now: datetime) -> WhitelistVersion:
    """
    Throw a draft away with its entries; its number stays used.

    :raises NoDraft: when it was activated or discarded meanwhile
    """
    with transaction.atomic():
        draft = WhitelistVersion.objects.filter(pk=version.pk, status=WhitelistVersionStatus.DRAFT)
        if not draft.update(status=WhitelistVersionStatus.DISCARDED):
            raise NoDraft
        version.refresh_from_db()
        WhitelistEntry.objects.filter(version=version).delete()
        _forget_rejected(version)
        _log(Deed.WHITELIST_DISCARDED, version, actor, now)
    return version


def compare_again(*, version: WhitelistVersion, actor: Actor, now: datetime) -> WhitelistVersion:
    """
    Compare a draft with the version that is in force now.

    :raises NoDraft: when it was activated or discarded meanwhile
    """
    with transaction.atomic():
        whitelist = _locked(version.partner, version.kind)
        draft = WhitelistVersion.objects.filter(pk=version.pk, status=WhitelistVersionStatus.DRAFT)
        if not draft.update(compared_with=whitelist.active):
            raise NoDraft
        version.refresh_from_db()
        _compare(version)
        _log(Deed.WHITELIST_IMPORTED, version, actor, now)
    return version


def reactivate(*, version: WhitelistVersion, member: Member, actor: Actor, now: datetime) -> WhitelistVersion:
    """
    Write a draft with the entries of a version that was in force before; its equal digest proves that it is the same.

    It is compared and activated like an import: the person sees what would change, and the old version stays.

    :raises NeverInForce: for any other version
    """
    if version.status != WhitelistVersionStatus.SUPERSEDED:
        raise NeverInForce
    with transaction.atomic():
        draft = _draft(
            kind=version.kind,
            member=member,
            now=now,
            row_count=version.entry_count,
            entry_count=version.entry_count,
            digest=version.digest,
        )
        _write_entries(draft, queries.entries_of(version))
        _compare(draft)
        _log(Deed.WHITELIST_IMPORTED, draft, actor, now, same_as=version.number)
    return draft


def _locked(partner: Partner, kind: str) -> Whitelist:
    """Lock a list, and begin it if there is none yet."""
    lists = Whitelist.objects.of(partner).filter(kind=kind).select_for_update(no_key=True)
    found = lists.first()
    if found is None:
        Whitelist.objects.bulk_create([Whitelist(partner=partner, kind=kind)], ignore_conflicts=True)
        found = lists.get()
    return found


def _draft(*, kind: str, member: Member, now: datetime, **fields: object) -> WhitelistVersion:
    """Begin a draft with the next number, behind the lock of its list: numbers have no gaps."""
    whitelist = _locked(member.partner, kind)
    last = WhitelistVersion.objects.of(member.partner).filter(kind=kind).aggregate(last=Max("number"))["last"]
    return WhitelistVersion.objects.create(
        partner=member.partner,
        kind=kind,
        number=(last or 0) + 1,
        status=WhitelistVersionStatus.DRAFT,
        imported_by=member,
        compared_with=whitelist.active,
        created_at=now,
        **fields,
    )


def _write_entries(version: WhitelistVersion, account_pks: Iterable[int]) -> None:
    """Write all entries in one statement: a hundred thousand objects of Django's take several times as long."""
    table = WhitelistEntry._meta.db_table  # noqa: SLF001 - Django documents it
    insert = f"INSERT INTO {table} (version_id, account_id) {_LISTED[connection.vendor]}"
    with connection.cursor() as cursor:
        cursor.execute(insert, [version.pk, json.dumps(list(account_pks))])


_LISTED = {
    "postgresql": "SELECT %s, value::bigint FROM json_array_elements_text(%s::json)",
    "sqlite": "SELECT %s, value FROM json_each(%s)",
}


def _write_rejected(version: WhitelistVersion, rejected: Iterable[Rejected]) -> None:
    longest = WhitelistRejection.LONGEST_NAME
    rows = (
        WhitelistRejection(
            version=version,
            row=each.row.number,
            reason=each.fault,
            account_name=each.row.account_name[:longest],
            customer_name=each.row.customer_name[:longest],
        )
        for each in rejected
    )
    while piece := list(islice(rows, WRITTEN_AT_ONCE)):
        WhitelistRejection.objects.bulk_create(piece)


def _compare(version: WhitelistVersion) -> None:
    """Count what the draft would change, against the version that it says it is compared with."""
    before = queries.entries_of(version.compared_with) if version.compared_with else ()
    change = difference(queries.entries_of(version), before)
    version.added_count, version.removed_count = change.added, change.removed
    version.save(update_fields=["added_count", "removed_count"])


def _forget_rejected(version: WhitelistVersion) -> None:
    """Blank the names in rejected rows: whose they are was never asked, and the draft was all they were kept for."""
    version.rejections.update(account_name="", customer_name="")


def _log(deed: Deed, version: WhitelistVersion, actor: Actor, now: datetime, **details: object) -> None:
    counts = {name: getattr(version, f"{name}_count") for name in ("entry", "added", "removed", "rejected")}
    told = {"kind": version.kind, "number": version.number, "digest": version.digest, **counts, **details}
    audit.record(deed=deed, actor=actor, partner=version.partner, target=version, now=now, details=told)
