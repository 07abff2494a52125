"""The only writer of preregistrations, associations and the account directory."""

from customers.actions.associating import CONSENT_VERSION, AssociatedElsewhere, associate
from customers.actions.directory import (
    AccountExists,
    AccountsClash,
    FactsChanged,
    change_account_facts,
    import_account_facts,
    register_account,
)
from customers.actions.preregistering import (
    AlreadyAssociated,
    AlreadyRegistered,
    CapReached,
    NotLive,
    PartnerBlocked,
    Prospect,
    RegisteredByOther,
    Reservations,
    expire_preregistrations,
    lock_partner,
    preregister,
    reserve,
    withdraw_preregistration,
)

__all__ = [
    "CONSENT_VERSION",
    "AccountExists",
    "AccountsClash",
    "AlreadyAssociated",
    "AlreadyRegistered",
    "AssociatedElsewhere",
    "CapReached",
    "FactsChanged",
    "NotLive",
    "PartnerBlocked",
    "Prospect",
    "RegisteredByOther",
    "Reservations",
    "associate",
    "change_account_facts",
    "expire_preregistrations",
    "import_account_facts",
    "lock_partner",
    "preregister",
    "register_account",
    "reserve",
    "withdraw_preregistration",
]
