"""
Hints: what an admin who reviews operations should look at first. Pure.

A hint accuses nobody; it says in words what was noticed. Its thresholds stand here and nowhere else.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from vouchers.rules.ledger import OperationType

# What a partner does to coupons of its own will; all else is the vendor's, the customer's or the clock's.
JUDGED = frozenset({OperationType.ISSUE, OperationType.RECALL})
MEMBER = "member"


class Hint(TextChoices):
    """What can be noticed about an operation."""

    BURST = "burst", gettext_lazy("Burst")
    NIGHT = "night", gettext_lazy("At night")
    LOOP = "loop", gettext_lazy("Issued and recalled")
    FIRST_HIGH = "first_high", gettext_lazy("First coupon, high value")


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """
    From when on something is noticed.

    :param burst_count: operations of one operator within `burst`
    :param day_begins: hour in the partner's zone; what happens before it or from `day_ends` on happens at night
    :param loop: between an issue to a customer and a recall from the same customer, in either order
    :param high_minor: value of a first coupon, in minor units
    """

    burst_count: int = 50
    burst: timedelta = timedelta(minutes=10)
    day_begins: int = 7
    day_ends: int = 22
    loop: timedelta = timedelta(days=7)
    high_minor: int = 5_000_00


THRESHOLDS = Thresholds()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """
    What is known of one operation and of what happened before it.

    :param zone: of the partner
    :param burst_from: when the same operator did the operation that is `burst_count` back, this one counted
    :param last_issue_at: when the same customer was last issued a coupon before this operation
    :param last_recall_at: when a coupon was last recalled from the same customer before this operation
    """

    operation: str
    succeeded: bool
    actor_kind: str
    amount_minor: int
    occurred_at: datetime
    zone: tzinfo
    burst_from: datetime | None = None
    last_issue_at: datetime | None = None
    last_recall_at: datetime | None = None


def hints_of(facts: Facts, limits: Thresholds = THRESHOLDS) -> tuple[Hint, ...]:
    """Return what is to be noticed about an operation; nothing about what no partner decided."""
    if facts.operation not in JUDGED:
        return ()
    noticed = {
        Hint.BURST: facts.actor_kind == MEMBER and is_burst(facts, limits),
        Hint.NIGHT: facts.actor_kind == MEMBER and is_night(facts, limits),
        Hint.LOOP: is_loop(facts, limits),
        Hint.FIRST_HIGH: is_first_high(facts, limits),
    }
    return tuple(hint for hint, holds in noticed.items() if holds)


def is_burst(facts: Facts, limits: Thresholds) -> bool:
    return facts.burst_from is not None and facts.occurred_at - facts.burst_from <= limits.burst


def is_night(facts: Facts, limits: Thresholds) -> bool:
    return not limits.day_begins <= facts.occurred_at.astimezone(facts.zone).hour < limits.day_ends


def is_loop(facts: Facts, limits: Thresholds) -> bool:
    """A recall soon after an issue to the same customer, or an issue soon after a recall."""
    before = facts.last_recall_at if facts.operation == OperationType.ISSUE else facts.last_issue_at
    return facts.succeeded and before is not None and facts.occurred_at - before <= limits.loop


def is_first_high(facts: Facts, limits: Thresholds) -> bool:
    is_first = facts.operation == OperationType.ISSUE and facts.last_issue_at is None
    return facts.succeeded and is_first and facts.amount_minor >= limits.high_minor


def explain(hint: Hint, limits: Thresholds = THRESHOLDS) -> str:
    """Say what a hint has noticed, with its threshold."""
    words = {
        Hint.BURST: _("%(count)d or more operations of this operator within %(minutes)d minutes")
        % {"count": limits.burst_count, "minutes": limits.burst // timedelta(minutes=1)},
        Hint.NIGHT: _("Outside %(begins)02d:00–%(ends)02d:00 in the partner's time zone")
        % {"begins": limits.day_begins, "ends": limits.day_ends},
        Hint.LOOP: _("Issued to and recalled from the same customer within %(days)d days") % {"days": limits.loop.days},
        Hint.FIRST_HIGH: _("The customer's first coupon from this partner, and of a high value"),
    }
    return words[hint]
