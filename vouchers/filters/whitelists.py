"""What the versions of a whitelist, the customers on one and its changes can be asked."""

from django.utils.translation import gettext_lazy as _

from partner_center.listing.filters import ChoiceFilter, DayFilter, ListFilters, PersonalFilter
from partner_center.mail.addresses import safe_display
from partner_center.masking import mask_account, mask_name
from vouchers.rules import WhitelistVersionStatus
from vouchers.rules.whitelists import Change


def _name(text: str) -> str:
    return safe_display(text, longest=len(text) + 1)


class VersionFilters(ListFilters):
    """Filters of the versions; their status stands as tabs."""

    tab = "status"

    status = ChoiceFilter(_("Status"), choices=WhitelistVersionStatus.choices)
    imported_from = DayFilter(_("Imported from"), field="created_at", edge="from")
    imported_to = DayFilter(_("Imported to"), field="created_at", edge="to")


class EntryFilters(ListFilters):
    """Filters of the customers on a version."""

    customer_name = PersonalFilter(_("Customer name"), field="customer_name", mask=mask_name, normalise=_name)
    account_name = PersonalFilter(_("Account name"), field="account_name", mask=mask_account, normalise=str.lower)


class ChangeFilters(EntryFilters):
    """Filters of what a version changes; whether it adds or removes stands as tabs."""

    tab = "change"

    change = ChoiceFilter(_("Change"), choices=Change.choices)
