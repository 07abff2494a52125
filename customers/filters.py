"""What the list of preregistrations can be asked."""

from django.utils.translation import gettext_lazy as _

from customers.models import PreregistrationStatus
from customers.rules.contact import normalise_mobile
from partner_center.listing.filters import ChoiceFilter, DayFilter, ListFilters, PersonalFilter
from partner_center.listing.keyset import Rows
from partner_center.mail.addresses import safe_display
from partner_center.masking import mask_account, mask_email, mask_mobile, mask_name


def _in_status(rows: Rows, status: str, filters: ListFilters) -> Rows:
    """Ask for the status people see: expiry counts from its time (decisions.md 5.6)."""
    return rows.in_status(status, now=filters.now)  # type: ignore[attr-defined,no-any-return]


def _name(text: str) -> str:
    return safe_display(text, longest=len(text) + 1)


class PreregistrationFilters(ListFilters):
    """Filters of the preregistrations; status stands as tabs."""

    tab = "status"

    customer_name = PersonalFilter(_("Customer name"), field="customer_name", mask=mask_name, normalise=_name)
    email = PersonalFilter(_("E-mail"), field="email", mask=mask_email, normalise=str.lower)
    account_name = PersonalFilter(_("Account name"), field="account_name", mask=mask_account, normalise=str.lower)
    status = ChoiceFilter(_("Status"), choices=PreregistrationStatus.choices, condition=_in_status)
    mobile = PersonalFilter(
        _("Mobile number"),
        field="mobile",
        mask=mask_mobile,
        normalise=normalise_mobile,
        by_prefix=False,
        by_last_digits=True,
        hint=_("Whole, or last 4 digits"),
        more=True,
    )
    made_from = DayFilter(_("Made from"), field="created_at", edge="from", more=True)
    made_to = DayFilter(_("Made to"), field="created_at", edge="to", more=True)
    valid_from = DayFilter(_("Valid until, from"), field="valid_until", edge="from", more=True)
    valid_to = DayFilter(_("Valid until, to"), field="valid_until", edge="to", more=True)
