"""The only writer of keys: make, revoke, note that one was used."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from partner_center.api.models import ApiKey
from partner_center.api.rules import PARTNER_SCOPES, PLATFORM_SCOPES, SHOWN_OF_SECRET, Scope, hash_of, new_secret
from partner_center.audit import actions as audit
from partner_center.audit.models import Deed
from partner_center.refusals import Refusal
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Partner

# Reading must not write each time: "used today" is what people ask of a key.
NOTED_EVERY = timedelta(minutes=5)


class ScopesRefused(Refusal):
    code = "scopes_refused"
    message = _("This key cannot have these scopes: %(scopes)s.")
    next_step = _("Choose from: %(allowed)s.")
    status = 422


def create_key(
    *, name: str, partner: Partner | None, scopes: Iterable[Scope], actor: Actor, now: datetime
) -> tuple[ApiKey, str]:
    """
    Make a key; returns it and its secret, which nobody can ever read again.

    :param partner: whose key it is; None is the vendor's
    :raises ScopesRefused: when there is none, or one that is not for this owner
    """
    wanted, allowed = frozenset(scopes), PARTNER_SCOPES if partner else PLATFORM_SCOPES
    if not wanted or wanted - allowed:
        raise ScopesRefused(scopes=", ".join(sorted(wanted - allowed)) or "-", allowed=", ".join(sorted(allowed)))
    secret = new_secret()
    with transaction.atomic():
        key = ApiKey.objects.create(
            name=name,
            partner=partner,
            beginning=secret[:SHOWN_OF_SECRET],
            secret_hash=hash_of(secret),
            scopes=sorted(scope.value for scope in wanted),
            created_at=now,
        )
        audit.record(
            deed=Deed.API_KEY_CREATED,
            actor=actor,
            partner=partner,
            target=key,
            now=now,
            details={"scopes": key.scopes},
        )
    return key, secret


def revoke_key(*, key: ApiKey, actor: Actor, now: datetime) -> bool:
    """Let a key open nothing from now on; returns whether it did until now."""
    with transaction.atomic():
        revoked = ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now)
        if revoked:
            audit.record(deed=Deed.API_KEY_REVOKED, actor=actor, partner=key.partner, target=key, now=now)
    return bool(revoked)


def note_use(*, key: ApiKey, now: datetime) -> None:
    """Write down that a key was used, every few minutes at most."""
    if key.last_used_at is None or key.last_used_at <= now - NOTED_EVERY:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=now - NOTED_EVERY)
        ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=now)
