"""
The catalogue of causes: the union of both vendors' rows, one cause for one thing.

Merged because domain.md 5.4 calls them the same: overdue and arrears; associated with another
partner and resale relation; special, effective and direct contract; invoice debt and outstanding
invoice. "Balance and invoice debt" stays its own cause: it is narrower (both at once), holds in
both models, and spending the balance cures it.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from customers.rules.cause import Cause
from customers.rules.causes_customer import CUSTOMER_CAUSES
from customers.rules.causes_directory import DIRECTORY_CAUSES
from customers.rules.causes_invitation import INVITATION_CAUSES, SYSTEM_CAUSES
from customers.rules.causes_partner import PARTNER_CAUSES
from customers.rules.causes_reseller import RESELLER_CAUSES
from partner_center.refusals import Text


def _by_code(causes: Iterable[Cause]) -> Mapping[str, Cause]:
    catalogue: dict[str, Cause] = {}
    for cause in causes:
        if cause.code in catalogue:
            raise ValueError(f"two causes are called {cause.code}")
        catalogue[cause.code] = cause
    return MappingProxyType(catalogue)


CAUSES: Mapping[str, Cause] = _by_code(
    (
        *SYSTEM_CAUSES,
        *INVITATION_CAUSES,
        *PARTNER_CAUSES,
        *CUSTOMER_CAUSES,
        *DIRECTORY_CAUSES,
        *RESELLER_CAUSES,
    )
)

CUSTOMER_MUST_ACT = CAUSES["customer_must_act"]


def cause_choices() -> list[tuple[str, Text]]:
    """Return (code, label) of every cause, for filters and funnels."""
    return [(cause.code, cause.label) for cause in CAUSES.values()]
