"""The vendor's directory of accounts: opened by customers, corrected and imported by the vendor's staff."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from customers import queries
from customers.models import Account
from partner_center.audit import actions as audit
from partner_center.audit.models import Deed
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import User


class AccountExists(Refusal):
    code = "account_exists"
    message = _("An account with this e-mail address or account name exists.")
    next_step = _("Sign in with it instead. If you have no password yet, open the link in the mail that invited you.")


class FactsChanged(Refusal):
    code = "facts_changed"
    message = _("Somebody else has changed this account while you were at it. Nothing was saved.")
    next_step = _("Load the account again and repeat your change.")


class AccountsClash(Refusal):
    code = "accounts_clash"
    message = _("An e-mail address or account name of the file belongs to another account. Nothing was saved.")
    next_step = _("Import the file again: the check names the row.")


@transaction.atomic
def register_account(
    *,
    email: str,
    customer_name: str,
    account_name: str,
    mobile: str,
    password: str,
    language: str,
    now: datetime,
) -> Account:
    """
    Open an account for a customer who has none, together with their sign-in.

    An account that the directory knows and nobody can sign in to yet becomes theirs, with the facts it has.

    :param email: in its normal form, and theirs: they have shown that they read its mail
    :raises AccountExists: if the address or the account name is taken
    """
    known = _nobodys_account(email)
    try:
        with transaction.atomic():
            user = User.objects.create(
                email=email, name=customer_name, language=language, password=make_password(password)
            )
            account = known or Account(
                account_number=_new_account_number(),
                account_name=account_name,
                customer_name=customer_name,
                email=email,
                mobile=mobile,
                registered_at=now,
                updated_at=now,
            )
            account.user = user
            account.save()
    except IntegrityError:
        raise AccountExists from None
    audit.record(deed=Deed.ACCOUNT_REGISTERED, actor=Actor.person(user), partner=None, target=account, now=now)
    return account


def _nobodys_account(email: str) -> Account | None:
    """Lock the account of an address that nobody can sign in to, if there is one."""
    return Account.objects.select_for_update(no_key=True).filter(email=email, user=None).first()


def _new_account_number() -> str:
    """Make a number in the series of customer accounts (2001…), by lot: counting up, two at once would get the same."""
    return f"2001{secrets.randbelow(10**12):012}"


@transaction.atomic
def change_account_facts(
    *,
    account: Account,
    changes: Mapping[str, object],
    actor: Actor,
    now: datetime,
    seen: datetime | None = None,
) -> Account:
    """
    Write facts that the vendor's staff corrected; the log keeps which, never a value.

    :param seen: `updated_at` of the facts that the person looked at; None writes whatever was there
    :raises FactsChanged: if they have been changed since
    """
    rows = Account.objects.filter(pk=account.pk)
    if seen is not None:
        rows = rows.filter(updated_at=seen)
    if not rows.update(**changes, updated_at=now):
        raise FactsChanged
    details = {"fields": sorted(changes)}
    audit.record(deed=Deed.ACCOUNT_FACTS_CHANGED, actor=actor, partner=None, target=account, now=now, details=details)
    account.refresh_from_db()
    return account


@transaction.atomic
def import_account_facts(*, rows: Sequence[Mapping[str, object]], actor: Actor, now: datetime) -> tuple[int, int]:
    """
    Synchronise the directory: known account numbers are updated, new ones created. All rows or none.

    A row that says nothing new is not written, so that the same file twice changes nothing the second time.

    :param rows: checked values by field name; `account_number` is the key, `master` an account number or None
    :return: how many were created, how many updated
    :raises AccountsClash: if an address or a name was taken while the rows were being checked
    """
    known = queries.accounts_by_number([_number(row) for row in rows])
    before = frozenset(known)
    changed: dict[str, set[str]] = {}
    try:
        with transaction.atomic():
            for row in rows:
                changed[_number(row)] = _write_facts(row, known, now)
            # Masters last: a member's row may stand before its master's.
            for row in rows:
                changed[_number(row)] |= _write_master(row, known, now)
    except IntegrityError:
        raise AccountsClash from None
    entries = [
        audit.Entry("account", known[number].public_id, {"fields": sorted(names)})
        for number, names in changed.items()
        if names
    ]
    audit.record_many(deed=Deed.ACCOUNT_FACTS_IMPORTED, actor=actor, partner=None, entries=entries, now=now)
    created = len(known.keys() - before)
    return created, len(entries) - created


def _number(row: Mapping[str, object]) -> str:
    return str(row["account_number"])


def _write_facts(row: Mapping[str, object], known: dict[str, Account], now: datetime) -> set[str]:
    """Create or update one account, and return the names of the fields that changed."""
    facts = {name: value for name, value in row.items() if name not in {"account_number", "master"}}
    account = known.get(_number(row))
    if account is None:
        facts = {"registered_at": now, **facts}
        known[_number(row)] = Account.objects.create(account_number=_number(row), updated_at=now, **facts)
        return set(facts)
    changes = {name: value for name, value in facts.items() if getattr(account, name) != value}
    if changes:
        Account.objects.filter(pk=account.pk).update(**changes, updated_at=now)
    return set(changes)


def _write_master(row: Mapping[str, object], known: dict[str, Account], now: datetime) -> set[str]:
    if "master" not in row:
        return set()
    number = row["master"]
    if isinstance(number, str) and number not in known:
        known |= queries.accounts_by_number([number])
    master = known[number] if isinstance(number, str) else None
    changed = Account.objects.filter(pk=known[_number(row)].pk).exclude(master=master)
    return {"master"} if changed.update(master=master, updated_at=now) else set()
