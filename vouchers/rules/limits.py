"""The limits of a quota in words. Pure."""

from collections.abc import Iterator
from typing import NamedTuple

from django.utils.translation import gettext as _

from customers.rules import Model
from partner_center import money
from partner_center.refusals import Text
from vouchers.rules.kinds import OrderType


class LimitFacts(NamedTuple):
    """The columns of a quota that limit what is issued from it, under their names."""

    currency: str
    min_face_minor: int | None
    max_face_minor: int | None
    max_count: int | None
    issued_count: int
    max_total_face_minor: int | None
    issued_face_minor: int
    order_types: list[str]
    services: list[str]
    products: list[str]
    allowed_models: list[str]
    whitelist_required: bool
    first_associated_only: bool
    has_named_customers: bool


def limit_words(facts: LimitFacts) -> list[str]:
    """Say every limit of a quota in the reader's language, one sentence each; nothing where there is none."""
    return [*_about_amounts(facts), *_about_use(facts), *_about_customers(facts)]


def _about_amounts(facts: LimitFacts) -> Iterator[str]:
    least, most = facts.min_face_minor, facts.max_face_minor
    if least is not None and most is not None:
        ends = {"least": money.shown(least, facts.currency), "most": money.shown(most, facts.currency)}
        yield _("Face value from %(least)s to %(most)s") % ends
    elif least is not None:
        yield _("Face value at least %(least)s") % {"least": money.shown(least, facts.currency)}
    elif most is not None:
        yield _("Face value at most %(most)s") % {"most": money.shown(most, facts.currency)}
    if facts.max_count is not None:
        counted = {"most": facts.max_count, "issued": facts.issued_count}
        yield _("At most %(most)d coupons (%(issued)d issued)") % counted
    if facts.max_total_face_minor is not None:
        total = money.shown(facts.max_total_face_minor, facts.currency)
        issued = money.shown(facts.issued_face_minor, facts.currency)
        yield _("At most %(most)s in all (%(issued)s issued)") % {"most": total, "issued": issued}


def _about_use(facts: LimitFacts) -> Iterator[str]:
    if facts.order_types:
        yield _("Orders: %(names)s") % {"names": _joined(OrderType(each).label for each in facts.order_types)}
    if facts.services:
        yield _("Services: %(names)s") % {"names": _joined(iter(facts.services))}
    if facts.products:
        yield _("Products: %(names)s") % {"names": _joined(iter(facts.products))}


def _about_customers(facts: LimitFacts) -> Iterator[str]:
    if facts.allowed_models:
        yield _("Customers: %(names)s") % {"names": _joined(Model(each).label for each in facts.allowed_models)}
    if facts.whitelist_required:
        yield _("Customers on the whitelist only")
    if facts.first_associated_only:
        yield _("Customers associated for the first time only")
    if facts.has_named_customers:
        yield _("Named customers only")


def _joined(names: Iterator[Text]) -> str:
    return ", ".join(map(str, names))
