"""How whitelists look: the versions, the customers on one, what a draft would change."""

from html import escape

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from partner_center.listing import reveal
from partner_center.listing.columns import (
    Cell,
    Column,
    MaskedColumn,
    Paint,
    StackedColumn,
    StatusColumn,
    TextColumn,
    TimeColumn,
)
from partner_center.listing.counts import grouped
from partner_center.listing.keyset import PUBLIC_ID, Row
from partner_center.listing.tables import BaseTable
from partner_center.masking import mask_account, mask_name
from vouchers.queries import whitelists as queries
from vouchers.rules import WhitelistVersionStatus
from vouchers.rules.whitelists import Change

KIND = "whitelist_entry"
MASKED_FIELDS = ("customer_name", "account_name")
KIND_OF_STATUS: dict[str, str] = {
    WhitelistVersionStatus.DRAFT: "info",
    WhitelistVersionStatus.ACTIVE: "success",
}
KIND_OF_CHANGE: dict[str, str] = {Change.ADDED: "success", Change.REMOVED: "warning"}


def register_reveal() -> None:
    """Let the masked columns be revealed; called once by the app."""
    reveal.register(KIND, fields={name: name for name in MASKED_FIELDS}, rows=queries.accounts_of_member)


class VersionColumn(Column):
    """The number that people say, as the link to the version."""

    def cell(self, paint: Paint) -> Cell:
        number, public_id, address = paint.getter(self.field), paint.getter(PUBLIC_ID), paint.row_address
        label = escape(_("Version %(number)s"))

        def draw(row: Row) -> str:
            text = label % {"number": number(row)}
            return f'<a data-row-link href="{address(public_id(row))}">{text}</a>' if address else text

        return draw


class CountColumn(Column):
    """A number of customers or rows."""

    css = "number"

    def cell(self, paint: Paint) -> Cell:
        value = paint.getter(self.field)
        return lambda row: grouped(value(row))


class VersionTable(BaseTable):
    """The versions of one list, newest first."""

    kind = "whitelist_version"
    caption = gettext_lazy("Versions")
    row_url_name = "vouchers:whitelist_version"

    version = VersionColumn(gettext_lazy("Version"), field="number", css="primary")
    status = StatusColumn(
        gettext_lazy("Status"), field="status", choices=WhitelistVersionStatus.choices, kinds=KIND_OF_STATUS
    )
    entries = CountColumn(gettext_lazy("Customers"), field="entry_count")
    added = CountColumn(gettext_lazy("Added"), field="added_count")
    removed = CountColumn(gettext_lazy("Removed"), field="removed_count")
    rejected = CountColumn(gettext_lazy("Rejected rows"), field="rejected_count")
    imported = StackedColumn(
        gettext_lazy("Imported"),
        parts={
            "imported_by": TextColumn(gettext_lazy("Imported by"), field="imported_by__user__name"),
            "imported_at": TimeColumn(gettext_lazy("Imported at"), field="created_at"),
        },
    )
    activated = TimeColumn(gettext_lazy("Activated at"), field="activated_at")


class EntryTable(BaseTable):
    """The customers on one version."""

    kind = KIND
    caption = gettext_lazy("Customers on this version")
    default_sort = "id"

    customer_name = MaskedColumn(gettext_lazy("Customer name"), field="customer_name", mask=mask_name, css="primary")
    account_name = MaskedColumn(gettext_lazy("Account name"), field="account_name", mask=mask_account)


class ChangeTable(EntryTable):
    """The customers that a version adds or removes."""

    caption = gettext_lazy("Changes of this version")

    change = StatusColumn(gettext_lazy("Change"), field="change", choices=Change.choices, kinds=KIND_OF_CHANGE)
