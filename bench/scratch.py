"""A scratch database with a million invitations, of which one partner owns four in ten; made by INSERT … SELECT."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.utils import timezone

from customers.models import Account, Association
from customers.rules import CAUSES, WhoActs
from invitations.models import Invitation
from partner_center.tenancy.models import Member, Partner, User

if TYPE_CHECKING:
    from django.db import models

SHARE_OF_TEN = 4
SMALL_PARTNERS = 60
ROWS_AT_ONCE = 100_000


@contextmanager
def database(rows: int, *, keep: bool) -> Iterator[Member]:
    """
    Make the database and fill it; gives the admin of the partner who owns most rows.

    :param keep: leave the database for the next run, and use the one that an earlier run has left
    """
    started = time.perf_counter()
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False, keepdb=keep)
    try:
        if not Invitation.objects.exists():
            _fill(rows)
        count = Invitation.objects.count()
        print(f"{connection.vendor}: {count:,} invitations, ready after {time.perf_counter() - started:.0f} s\n")
        yield Member.objects.get(user__email="admin0@bench.example")
    finally:
        connection.creation.destroy_test_db(name, verbosity=0, keepdb=keep)


def _fill(rows: int) -> None:
    members = [_partner(number) for number in range(SMALL_PARTNERS + 1)]
    statement = _statement(members)
    for first in range(0, rows, ROWS_AT_ONCE):
        with connection.cursor() as cursor:
            cursor.execute(statement, [first, min(first + ROWS_AT_ONCE, rows) - 1])
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def _partner(number: int) -> Member:
    partner = Partner.objects.create(company_name=f"Partner {number}", account_number=f"{number:020}", may_refer=True)
    user = User.objects.create_user(f"admin{number}@bench.example", name=f"Admin {number}")
    account = Account.objects.create(
        account_number=f"B{number:019}", account_name=f"bench_{number}", customer_name="Bench",
        email=f"customer{number}@bench.example",
    )  # fmt: skip
    Association.objects.create(
        partner=partner, account=account, model="reseller", consent_version="1", created_at=timezone.now()
    )
    return Member.objects.create(partner=partner, user=user, roles=["admin"])


def _statement(members: Sequence[Member]) -> str:
    """Write INSERT … SELECT for the rows n of a series; h is n stirred, so that no column follows another."""
    is_postgresql = connection.vendor == "postgresql"
    values = _values(members, is_postgresql=is_postgresql)
    fields = [field for field in Invitation._meta.concrete_fields if not field.primary_key]  # noqa: SLF001
    columns = ", ".join(f'"{field.column}"' for field in fields)
    selected = ", ".join(values.get(str(field.column), _default(field)) for field in fields)
    numbers = (
        "SELECT n FROM generate_series(%s::bigint, %s::bigint) AS n"
        if is_postgresql
        else "WITH RECURSIVE s(n) AS (SELECT %s UNION ALL SELECT n + 1 FROM s WHERE n < %s) SELECT n FROM s"
    )
    # The driver reads %: what is arithmetic is doubled, what is a parameter is not.
    series = f"SELECT n, (n * 7919 + 13) %% 1000003 AS h FROM ({numbers}) numbers"
    return f'INSERT INTO "{Invitation._meta.db_table}" ({columns}) SELECT {selected} FROM ({series}) t'  # noqa: SLF001


def _default(field: "models.Field[Any, Any]") -> str:
    if field.null:
        return "NULL"
    if field.get_internal_type() == "JSONField":
        return "'[]'"
    if field.get_internal_type() in {"CharField", "TextField"}:
        return f"'{field.get_default() or ''}'"
    return str(int(field.get_default() or 0))


def _values(members: Sequence[Member], *, is_postgresql: bool) -> dict[str, str]:
    now = datetime.now(UTC).replace(microsecond=0)
    blamed = next(code for code, cause in CAUSES.items() if cause.who_acts == WhoActs.PARTNER)
    found = {row.partner_id: row.pk for row in Association.objects.all()}
    associations = _by_owner([found[member.partner_id] for member in members])
    status = _case(
        "h %% 20",
        {6: "invited", 12: "expired", 16: "associated", 18: "association_failed", 19: "declined"},
        "cancelled",
    )
    made = _moment(now - timedelta(days=400), "n * 30", is_postgresql)
    return {
        "public_id": "substr(md5(n::text), 1, 22)" if is_postgresql else "lower(hex(randomblob(11)))",
        "nonce": "md5((n + 1)::text)" if is_postgresql else "lower(hex(randomblob(16)))",
        "partner_id": _by_owner([member.partner_id for member in members]),
        "owner_id": _by_owner([member.pk for member in members]),
        "method": _case("h %% 10", {7: "email", 8: "link", 9: "qr"}, "campaign"),
        "model": _case("h %% 3", {2: "reseller"}, "referral"),
        "language": "'en'",
        "customer_name": "'Customer ' || h",
        "customer_name_key": "'customer ' || h",
        "account_name": "'account_' || h",
        "email": "'person' || n || '@example' || (h %% 50) || '.test'",
        "mobile": "'+8613' || (100000000 + h)",
        "custom_tag": "'tag ' || (h %% 200)",
        "status": status,
        "cause": f"CASE WHEN ({status}) <> 'association_failed' THEN '' WHEN n %% 5 = 0 THEN '{blamed}'"
        " ELSE 'customer_overdue' END",
        "association_id": f"CASE WHEN ({status}) = 'associated' THEN {associations} END",
        "delivery": _case("h %% 100", {97: "sent", 98: "bounced", 99: "deferred"}, "queued"),
        "generation": "1",
        "send_count": "1",
        "created_at": made,
        "sent_at": made,
        "expires_at": f"CASE WHEN ({status}) = 'invited' THEN {_moment(now, '3600 + h %% 600000', is_postgresql)}"
        f" ELSE {_moment(now - timedelta(days=393), 'n * 30', is_postgresql)} END",
    }


def _by_owner(keys: list[int]) -> str:
    """Give four rows of ten to the first, and the others to the rest in turn."""
    rest = " ".join(f"WHEN {number} THEN {key}" for number, key in enumerate(keys[1:]))
    return f"CASE WHEN n %% 10 < {SHARE_OF_TEN} THEN {keys[0]} ELSE CASE h %% {len(keys) - 1} {rest} END END"


def _case(expression: str, below: dict[int, str], rest: str) -> str:
    whens = " ".join(f"WHEN {expression} < {limit} THEN '{value}'" for limit, value in below.items())
    return f"CASE {whens} ELSE '{rest}' END"


def _moment(start: datetime, seconds: str, is_postgresql: bool) -> str:
    """Write an instant some seconds after another, in the form that Django stores; never after today."""
    seconds = f"(({seconds}) %% 34000000)"
    if is_postgresql:
        return f"(timestamptz '{start.isoformat()}' + {seconds} * interval '1 second')"
    return f"datetime('{start:%Y-%m-%d %H:%M:%S}', '+' || {seconds} || ' seconds')"
