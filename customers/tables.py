"""How the preregistrations look: which columns, which masks, which buttons."""

from collections.abc import Callable
from html import escape

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import Preregistration, PreregistrationStatus
from partner_center.listing import reveal
from partner_center.listing.columns import (
    ActionsColumn,
    Cell,
    MaskedColumn,
    Paint,
    SelectColumn,
    StackedColumn,
    StatusColumn,
    TextColumn,
    TimeColumn,
)
from partner_center.listing.keyset import PUBLIC_ID, Row
from partner_center.listing.tables import ANY_ROW, BaseTable
from partner_center.masking import mask_account, mask_email, mask_mobile, mask_name

KIND = "preregistration"
MASKED_FIELDS = ("customer_name", "account_name", "email", "mobile")
KIND_OF_STATUS: dict[str, str] = {
    PreregistrationStatus.REGISTERED: "info",
    PreregistrationStatus.CONVERTED: "success",
    PreregistrationStatus.EXPIRED: "warning",
}


def register_reveal() -> None:
    """Let the masked columns be revealed; called once by the app."""
    reveal.register(KIND, fields={name: name for name in MASKED_FIELDS}, rows=Preregistration.objects.visible_to)


def invite_address() -> str:
    """Return where chosen preregistrations are invited, "" where no room offers that."""
    try:
        return reverse("invitations:invite_chosen")
    except NoReverseMatch:
        return ""


class EffectiveStatusColumn(StatusColumn):
    """The status now: a reservation whose time is over has expired, written down or not."""

    @property
    def fields(self) -> tuple[str, ...]:
        return "status", "valid_until"

    def cell(self, paint: Paint) -> Cell:
        status_of, valid_until, badges, now = *map(paint.getter, self.fields), self.badges(), paint.now

        def draw(row: Row) -> str:
            lapsed = status_of(row) == PreregistrationStatus.REGISTERED and valid_until(row) <= now
            return badges[PreregistrationStatus.EXPIRED if lapsed else status_of(row)]

        return draw


def _actions(paint: Paint) -> Cell:
    """Offer what can be done with a live reservation; an ended one needs nothing."""
    status_of, valid_until, public_id = map(paint.getter, ("status", "valid_until", PUBLIC_ID))
    invite, withdraw, now = _invite_button(), _withdraw_button(), paint.now

    def draw(row: Row) -> str:
        if status_of(row) != PreregistrationStatus.REGISTERED or valid_until(row) <= now:
            return ""
        return invite(public_id(row)) + withdraw(public_id(row))

    return draw


def _invite_button() -> Callable[[str], str]:
    """Post through a form the page holds once; offer nothing where no room can invite."""
    opening = '<button type="submit" class="button" data-size="small" form="invite-one" name="id" value="'
    closing = f'">{escape(_("Invite"))}</button>'
    return (lambda public_id: f"{opening}{public_id}{closing}") if invite_address() else lambda public_id: ""


def _withdraw_button() -> Callable[[str], str]:
    before, after = reverse("customers:withdraw", args=[ANY_ROW]).split(ANY_ROW)
    opening = '<a class="button" data-kind="quiet" data-size="small" hx-target="#dialog-slot"'
    label = escape(_("Withdraw"))

    def draw(public_id: str) -> str:
        address = f"{before}{public_id}{after}"
        return f'{opening} href="{address}" hx-get="{address}">{label}</a>'

    return draw


class PreregistrationTable(BaseTable):
    """Whom a partner has reserved, until when, and what became of it."""

    kind = KIND
    caption = gettext_lazy("Preregistrations")
    default_sort = "-created"

    customer = StackedColumn(
        gettext_lazy("Customer"),
        css="primary",
        parts={
            "customer_name": MaskedColumn(
                gettext_lazy("Customer name"), field="customer_name", sort="customer_name", mask=mask_name
            ),
            "account_name": MaskedColumn(
                gettext_lazy("Account name"), field="account_name", sort="account_name", mask=mask_account
            ),
        },
    )
    contact = StackedColumn(
        gettext_lazy("Contact"),
        parts={
            "email": MaskedColumn(gettext_lazy("E-mail"), field="email", sort="email", mask=mask_email),
            "mobile": MaskedColumn(gettext_lazy("Mobile number"), field="mobile", mask=mask_mobile),
        },
    )
    status = EffectiveStatusColumn(
        gettext_lazy("Status"), field="status", choices=PreregistrationStatus.choices, kinds=KIND_OF_STATUS
    )
    valid_until = TimeColumn(gettext_lazy("Valid until"), field="valid_until")
    owner = TextColumn(gettext_lazy("Made by"), field="owner__user__name")
    created = TimeColumn(gettext_lazy("Made at"), field="created_at", sort="id")


class WorkingTable(PreregistrationTable):
    """The same for those who may preregister: rows can be chosen, invited and withdrawn."""

    select = SelectColumn()
    actions = ActionsColumn(actions=_actions, needs=("status", "valid_until"))

    class Meta:
        sequence = ("select", "...", "actions")
