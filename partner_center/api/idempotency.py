"""
The same request twice has one effect and one answer: for programs by Idempotency-Key, for forms by a one-shot `op_id`.

The row of the key is written in the transaction of the effect (reliability.md 1.2): what was done has its answer kept,
what was not done leaves the key free. Of two at once the second waits for the end of the first.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from partner_center.api.models import KeptAnswer
from partner_center.refusals import Refusal
from partner_center.tenancy.models import new_public_id

KEPT = timedelta(days=30)
DELETED_AT_ONCE = 5_000


class KeyReused(Refusal):
    code = "key_reused"
    message = _("This key was already used for another request.")
    next_step = _("Send the new request with a new key.")


@dataclass(frozen=True)
class Answer:
    """
    What was answered.

    :param status: of HTTP; a form may keep what it likes
    :param body: text that tells the answer, such as JSON or the public id of the result
    :param is_replayed: whether the effect is an earlier request's
    """

    status: int
    body: str = ""
    is_replayed: bool = False


def new_op_id() -> str:
    """Make the hidden one-shot id of a form, when the form is shown."""
    return new_public_id()


def digest_of(asked: Mapping[str, object]) -> str:
    """Return the digest of what is asked for, whatever the order of its parts."""
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def once(*, owner: str, key: str, digest: str, now: datetime, work: Callable[[], Answer]) -> Answer:
    """
    Do the work and keep its answer in one transaction, or give the answer again that was kept for this key.

    A refusal that `work` raises is passed on and leaves the key free; what it has logged stays.

    :param owner: who asks; nobody meets the keys of others
    :param digest: of everything that decides on the effect, see `digest_of`
    :raises KeyReused: when the key belongs to another request
    """
    refusal: Refusal | None = None
    with transaction.atomic():
        kept, is_new = KeptAnswer.objects.get_or_create(
            owner=owner, key=key, defaults={"digest": digest, "created_at": now}
        )
        if not is_new:
            return _again(kept, digest)
        try:
            answer = work()
        except Refusal as caught:
            # Leaving the block by the exception would undo the record of the failed operation.
            refusal = caught
            kept.delete()
        else:
            KeptAnswer.objects.filter(pk=kept.pk).update(status=answer.status, body=answer.body)
    if refusal is not None:
        raise refusal
    return replace(answer, is_replayed=False)


def delete_old(*, now: datetime) -> int:
    """Delete some answers that nobody will ask for again; returns how many."""
    old = KeptAnswer.objects.filter(created_at__lte=now - KEPT).order_by("created_at")
    pks = list(old.values_list("pk", flat=True)[:DELETED_AT_ONCE])
    deleted, _per_model = KeptAnswer.objects.filter(pk__in=pks).delete()
    return deleted


def _again(kept: KeptAnswer, digest: str) -> Answer:
    if kept.digest != digest:
        raise KeyReused
    return Answer(kept.status, kept.body, is_replayed=True)
