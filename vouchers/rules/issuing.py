"""Whether a coupon may be issued: its terms by the quota's, each customer by both (domain.md 4.13, 6.6). Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from vouchers.rules.kinds import CouponKind, OrderType, QuotaPhase, quota_phase
from vouchers.rules.reasons import Reason, Verdict

MOST_SCOPES = 10
LONGEST_REMARK = 256
LONGEST_SCOPE = 64
HIGHEST_RATIO = 100
RESELLER = "reseller"


class Policy(TextChoices):
    """What becomes of a batch when one of its rows fails (peers.md O27)."""

    SKIP = "skip", _("Skip faulty rows")
    ALL = "all", _("All or nothing")


GOES = frozenset({Verdict.ISSUE, Verdict.ISSUE_TO_MASTER})
# Only these carry a usage ratio limit (domain.md 4.13).
WITH_RATIO = frozenset({CouponKind.CASH, CouponKind.PICKUP})


class Issuer(Protocol):
    """The partner whose quota it is."""

    @property
    def own_coupon_mode(self) -> bool: ...


class Limits(Protocol):
    """What a quota allows, as its row tells it."""

    @property
    def partner(self) -> Issuer: ...
    @property
    def kind(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def currency(self) -> str: ...
    @property
    def effective_at(self) -> datetime: ...
    @property
    def expires_at(self) -> datetime: ...
    @property
    def balance_minor(self) -> int: ...
    @property
    def issued_count(self) -> int: ...
    @property
    def issued_face_minor(self) -> int: ...
    @property
    def min_face_minor(self) -> int | None: ...
    @property
    def max_face_minor(self) -> int | None: ...
    @property
    def max_count(self) -> int | None: ...
    @property
    def max_total_face_minor(self) -> int | None: ...
    @property
    def order_types(self) -> Sequence[str]: ...
    @property
    def services(self) -> Sequence[str]: ...
    @property
    def products(self) -> Sequence[str]: ...
    @property
    def allowed_models(self) -> Sequence[str]: ...
    @property
    def has_named_customers(self) -> bool: ...
    @property
    def first_associated_only(self) -> bool: ...


@dataclass(frozen=True, kw_only=True)
class Terms:
    """
    What every coupon of one issue is: amounts in minor units of the quota's currency, face value per customer.

    An empty list means that the quota's holds; `remark` is for the issuing partner only.
    """

    face_minor: int
    effective_at: datetime
    expires_at: datetime
    min_order_minor: int | None = None
    ratio_percent: int | None = None
    order_types: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    remark: str = ""

    def as_parameters(self) -> dict[str, Any]:
        """Write the terms as JSON takes them."""
        times = {"effective_at": self.effective_at.isoformat(), "expires_at": self.expires_at.isoformat()}
        lists = {name: list(getattr(self, name)) for name in _LISTS}
        return asdict(self) | times | lists

    @classmethod
    def from_parameters(cls, given: Mapping[str, Any]) -> "Terms":
        times = {name: datetime.fromisoformat(given[name]) for name in ("effective_at", "expires_at")}
        lists = {name: tuple(given[name]) for name in _LISTS}
        return cls(**{**given, **times, **lists})


_LISTS = ("order_types", "services", "products")


def terms_within(
    limits: Limits, *, face_minor: int, effective_at: datetime | None = None, expires_at: datetime | None = None,
    **others: Any,
) -> Terms:  # fmt: skip
    """
    Make terms; a validity that is left out is the quota's (domain.md 8.1).

    :param others: further fields of Terms
    """
    return Terms(
        face_minor=face_minor,
        effective_at=effective_at or limits.effective_at,
        expires_at=expires_at or limits.expires_at,
        **others,
    )


def inherited(terms: Terms, limits: Limits) -> Terms:
    """Return the terms as the coupon carries them: what was left empty is the quota's (domain.md 4.13)."""
    return replace(
        terms,
        order_types=tuple(terms.order_types or limits.order_types),
        services=tuple(terms.services or limits.services),
        products=tuple(terms.products or limits.products),
    )


# --- the request ---------------------------------------------------------------------------------


def why_terms_refused(terms: Terms, limits: Limits, *, now: datetime) -> Reason | None:
    """Return why nobody gets a coupon on these terms from this quota now, or None."""
    return why_quota_refused(limits, now=now) or next(
        (reason for reason, fails in _OF_TERMS if fails(terms, limits, now)), None
    )


def why_quota_refused(limits: Limits, *, now: datetime) -> Reason | None:
    """Return why nothing at all can be issued from a quota now, or None."""
    if limits.partner.own_coupon_mode:
        return Reason.PARTNER_USES_COUPONS
    phase = quota_phase(status=limits.status, effective_at=limits.effective_at, expires_at=limits.expires_at, now=now)
    if phase in {QuotaPhase.NOT_YET, QuotaPhase.EXPIRED}:
        return Reason.QUOTA_NOT_EFFECTIVE
    return None if phase == QuotaPhase.NORMAL else Reason.QUOTA_NOT_NORMAL


def _is_misshapen(terms: Terms, limits: Limits, now: datetime) -> bool:
    """Tell what no form lets pass, but a caller of the API may send."""
    ratio, least = terms.ratio_percent, terms.min_order_minor
    return (
        terms.face_minor <= 0
        or (least is not None and least <= 0)
        or (ratio is not None and (limits.kind not in WITH_RATIO or not 1 <= ratio <= HIGHEST_RATIO))
        or not set(terms.order_types) <= set(OrderType.values)
        or max(len(terms.services), len(terms.products)) > MOST_SCOPES
        or any(len(scope) > LONGEST_SCOPE for scope in (*terms.services, *terms.products))
        or len(terms.remark) > LONGEST_REMARK
        or terms.expires_at <= max(now, terms.effective_at)
    )


def _exceeds(wanted: Sequence[str], allowed: Sequence[str]) -> bool:
    return bool(allowed) and not set(wanted) <= set(allowed)


TermsCheck = Callable[[Terms, Limits, datetime], bool]
_OF_TERMS: tuple[tuple[Reason, TermsCheck], ...] = (
    (Reason.BAD_REQUEST, _is_misshapen),
    (Reason.FACE_TOO_SMALL, lambda terms, limits, _now: terms.face_minor < (limits.min_face_minor or 0)),
    (
        Reason.FACE_TOO_LARGE,
        lambda terms, limits, _now: limits.max_face_minor is not None and terms.face_minor > limits.max_face_minor,
    ),
    (
        Reason.VALIDITY_EXCEEDS_QUOTA,
        lambda terms, limits, _now: terms.effective_at < limits.effective_at or terms.expires_at > limits.expires_at,
    ),
    (
        Reason.SCOPE_EXCEEDS_QUOTA,
        lambda terms, limits, _now: (
            _exceeds(terms.services, limits.services) or _exceeds(terms.products, limits.products)
        ),
    ),
    (Reason.ORDER_TYPES_EXCEED_QUOTA, lambda terms, limits, _now: _exceeds(terms.order_types, limits.order_types)),
)


# --- one customer --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """
    What is known about the customer of one row.

    :param account: pk of whom the partner picked
    :param holder: pk of who will hold the coupon, None when that is a master account nobody knows
    :param has_whitelist: whether a list is in force, or none is needed
    """

    account: int
    holder: int | None
    model: str
    currency: str
    is_own: bool = True
    is_permitted: bool = True
    is_issuer: bool = False
    is_custody_member: bool = False
    is_named: bool = False
    is_first_associated: bool = True
    has_whitelist: bool = True
    is_listed: bool = True


def goes_to_master(kind: str, *, is_member: bool) -> bool:
    """Say whether a coupon for this customer goes to its enterprise's master account (domain.md 8 row 21)."""
    return is_member and kind == CouponKind.CASH


def why_not_issued(receiver: Receiver, limits: Limits) -> Reason | None:
    """Return why this customer gets nothing from this quota, or None. The same for plans, API and dialogs."""
    return next((reason for reason, fails in _OF_RECEIVER if fails(receiver, limits)), None)


ReceiverCheck = Callable[[Receiver, Limits], bool]
_OF_RECEIVER: tuple[tuple[Reason, ReceiverCheck], ...] = (
    (Reason.NOT_OWN_CUSTOMER, lambda receiver, _limits: not receiver.is_own),
    (Reason.NOT_PERMITTED, lambda receiver, _limits: not receiver.is_permitted),
    (Reason.OWN_ACCOUNT, lambda receiver, _limits: receiver.is_issuer),
    # Without a word about models a quota is for the reseller model (domain.md 8 row 19).
    (Reason.MODEL_NOT_ALLOWED, lambda receiver, limits: receiver.model not in (limits.allowed_models or [RESELLER])),
    (
        Reason.CUSTODY_MEMBER,
        lambda receiver, limits: receiver.is_custody_member and not goes_to_master(limits.kind, is_member=True),
    ),
    (Reason.MASTER_MISSING, lambda receiver, _limits: receiver.holder is None),
    (Reason.OTHER_CURRENCY, lambda receiver, limits: receiver.currency != limits.currency),
    (Reason.NOT_NAMED, lambda receiver, limits: limits.has_named_customers and not receiver.is_named),
    (
        Reason.NOT_FIRST_ASSOCIATED,
        lambda receiver, limits: limits.first_associated_only and not receiver.is_first_associated,
    ),
    (Reason.NO_WHITELIST, lambda receiver, _limits: not receiver.has_whitelist),
    (Reason.NOT_ON_WHITELIST, lambda receiver, _limits: not receiver.is_listed),
)


# --- a list of customers -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Judgement:
    """What happens to a row, why, and the quota's balance before and after it (minor units)."""

    verdict: Verdict
    before: int
    after: int
    reason: Reason | None = None

    @property
    def goes(self) -> bool:
        return self.verdict in GOES


class Passage:
    """One way through a list, in its order: counts down what is left of the quota, and remembers who came before."""

    def __init__(self, limits: Limits, *, face_minor: int) -> None:
        self.limits, self.face = limits, face_minor
        self.balance = limits.balance_minor
        self.count, self.total_face = limits.issued_count, limits.issued_face_minor
        self.chosen: set[int] = set()
        self.holders: set[int] = set()

    def judge(self, receiver: Receiver | None, fault: Reason | None = None) -> Judgement:
        """
        Decide about the next row.

        :param receiver: None when the row names nobody
        :param fault: what was wrong with the row before anybody looked at its customer
        """
        if fault is not None or receiver is None or receiver.holder is None:
            return self._refused(fault or self._why(receiver))
        is_repeated = receiver.account in self.chosen
        self.chosen.add(receiver.account)
        if is_repeated:
            return self._refused(Reason.DUPLICATE, Verdict.DUPLICATE)
        if reason := why_not_issued(receiver, self.limits):
            return self._refused(reason)
        if receiver.holder in self.holders:
            return self._refused(Reason.DUPLICATE_MASTER, Verdict.DUPLICATE)
        if reason := self._why_not_enough():
            return self._refused(reason, Verdict.OVER_QUOTA)
        return self._passed(receiver.account, receiver.holder)

    def _why(self, receiver: Receiver | None) -> Reason:
        return (receiver and why_not_issued(receiver, self.limits)) or Reason.UNKNOWN_CUSTOMER

    def _refused(self, reason: Reason, verdict: Verdict = Verdict.REFUSED) -> Judgement:
        return Judgement(verdict, self.balance, self.balance, reason)

    def _why_not_enough(self) -> Reason | None:
        limits = self.limits
        if self.balance < self.face:
            return Reason.NOT_ENOUGH_BALANCE
        if limits.max_count is not None and self.count >= limits.max_count:
            return Reason.TOO_MANY_COUPONS
        if limits.max_total_face_minor is not None and self.total_face + self.face > limits.max_total_face_minor:
            return Reason.TOO_MUCH_FACE
        return None

    def _passed(self, account: int, holder: int) -> Judgement:
        before = self.balance
        self.balance, self.count, self.total_face = before - self.face, self.count + 1, self.total_face + self.face
        self.holders.add(holder)
        verdict = Verdict.ISSUE if account == holder else Verdict.ISSUE_TO_MASTER
        return Judgement(verdict, before, self.balance)
