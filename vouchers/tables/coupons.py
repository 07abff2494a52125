"""How issued coupons look: which columns, which masks, which buttons (domain.md 4.14)."""

from datetime import datetime
from html import escape

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.rules import Model
from partner_center import money
from partner_center.listing import reveal
from partner_center.listing.columns import (
    ActionsColumn,
    Cell,
    ChoiceColumn,
    Column,
    MaskedColumn,
    Paint,
    SelectColumn,
    StackedColumn,
    StatusColumn,
    TextColumn,
    TimeColumn,
    time_html,
)
from partner_center.listing.keyset import PUBLIC_ID, Row
from partner_center.listing.tables import ANY_ROW, BaseTable
from partner_center.masking import mask_account, mask_name
from partner_center.refusals import Text
from vouchers.models import Coupon
from vouchers.rules import CouponKind, CouponStatus, coupon_status

KIND = "coupon"
CUSTOMER_NAME, ACCOUNT_NAME = "account__customer_name", "account__account_name"
MASKED_FIELDS = (CUSTOMER_NAME, ACCOUNT_NAME, "chosen_account__customer_name", "chosen_account__account_name")
KIND_OF_STATUS: dict[str, str] = {
    CouponStatus.USABLE: "success",
    CouponStatus.USED: "neutral",
    CouponStatus.EXPIRED: "warning",
    CouponStatus.RECALLED: "info",
}
_STATE = ("status", "expires_at", "locked_by_order")
# The parts of a face value, in the order of the bar; the first word is the part's colour.
PARTS: tuple[tuple[str, str, Text], ...] = (
    ("coupon", "balance_minor", gettext_lazy("Balance")),
    ("consumed", "consumed_minor", gettext_lazy("Consumed")),
    ("quota", "recalled_minor", gettext_lazy("Recalled")),
    ("lapsed", "expired_minor", gettext_lazy("Expired")),
)


def register_reveal() -> None:
    """Let the masked columns be revealed; called once by the app."""
    reveal.register(KIND, fields={name: name for name in MASKED_FIELDS}, rows=Coupon.objects.visible_to)


class NumberColumn(Column):
    """The number of a coupon, which opens it, and its kind."""

    css = "primary"

    @property
    def fields(self) -> tuple[str, ...]:
        return "number", "kind"

    def cell(self, paint: Paint) -> Cell:
        number, kind, public_id = map(paint.getter, ("number", "kind", PUBLIC_ID))
        labels = {each.value: escape(str(each.label)) for each in CouponKind}
        address = paint.row_address or str

        def draw(row: Row) -> str:
            link = f'<a class="nowrap" data-row-link href="{address(public_id(row))}">{escape(number(row))}</a>'
            return f'{link}<span class="cell-sub">{labels[kind(row)]}</span>'

        return draw


class StateColumn(StatusColumn):
    """The status now, and whether an unpaid order holds the coupon."""

    @property
    def fields(self) -> tuple[str, ...]:
        return _STATE

    def cell(self, paint: Paint) -> Cell:
        status, ends, order = map(paint.getter, _STATE)
        badges, now, held = self.badges(), paint.now, escape(_("Held by an unpaid order"))

        def draw(row: Row) -> str:
            state = coupon_status(status=status(row), expires_at=ends(row), now=now)
            is_held = state == CouponStatus.USABLE and order(row)
            return badges[state] + (f'<span class="cell-sub">{held}</span>' if is_held else "")

        return draw


class AmountColumn(Column):
    """What is left of the face value; of a recalled coupon what came back."""

    css = "number nowrap"

    @property
    def fields(self) -> tuple[str, ...]:
        return "face_minor", "balance_minor", "recalled_minor", "currency"

    def cell(self, paint: Paint) -> Cell:
        face, balance, recalled, currency = map(paint.getter, self.fields)
        of_face, came_back = escape(_("of %(face)s")), escape(_("%(amount)s recalled"))

        def draw(row: Row) -> str:
            left, whole = money.shown(balance(row), currency(row)), money.shown(face(row), currency(row))
            text = f'{left}<span class="cell-sub">{of_face % {"face": whole}}</span>'
            if back := recalled(row):
                text += f'<span class="cell-sub">{came_back % {"amount": money.shown(back, currency(row))}}</span>'
            return text

        return draw


class ValidityColumn(Column):
    """From when to when."""

    css = "nowrap"

    @property
    def fields(self) -> tuple[str, ...]:
        return "effective_at", "expires_at"

    def cell(self, paint: Paint) -> Cell:
        begins, ends = map(paint.getter, self.fields)
        zone, word = paint.zone, escape(_("to"))
        return lambda row: (
            f'{time_html(begins(row), zone)}<span class="cell-sub">{word} {time_html(ends(row), zone)}</span>'
        )


def _actions(paint: Paint) -> Cell:
    """Offer to recall what can be recalled now: the link opens the dialog, or its page without scripts."""
    status, ends, order = map(paint.getter, _STATE)
    public_id, now = paint.getter(PUBLIC_ID), paint.now
    before, after = reverse("vouchers:coupon_recall", args=[ANY_ROW]).split(ANY_ROW)
    label = escape(_("Recall"))

    def draw(row: Row) -> str:
        if order(row) or coupon_status(status=status(row), expires_at=ends(row), now=now) != CouponStatus.USABLE:
            return ""
        address = f"{before}{public_id(row)}{after}"
        return (
            f'<a class="button" data-size="small" href="{address}" hx-get="{address}" hx-target="#dialog-slot"'
            f' hx-swap="innerHTML">{label}</a>'
        )

    return draw


class ReadingTable(BaseTable):
    """What a partner has issued, for those who may look."""

    kind = KIND
    caption = gettext_lazy("Issued coupons")
    default_sort = "-id"
    row_url_name = "vouchers:coupon"

    number = NumberColumn(gettext_lazy("Coupon"))
    customer = StackedColumn(
        gettext_lazy("Customer"),
        parts={
            "customer_name": MaskedColumn(gettext_lazy("Customer name"), field=CUSTOMER_NAME, mask=mask_name),
            "account_name": MaskedColumn(gettext_lazy("Account name"), field=ACCOUNT_NAME, mask=mask_account),
        },
    )
    status = StateColumn(gettext_lazy("Status"), field="status", choices=CouponStatus.choices, kinds=KIND_OF_STATUS)
    amount = AmountColumn(gettext_lazy("Balance"))
    validity = ValidityColumn(gettext_lazy("Validity"))
    issued = TimeColumn(gettext_lazy("Issued"), field="created_at", sort="id")
    model = ChoiceColumn(gettext_lazy("Model"), field="model", choices=Model.choices)
    quota = TextColumn(gettext_lazy("Quota number"), field="quota__number", css="nowrap")


class RecallerTable(ReadingTable):
    """The same for those who may recall: rows can be chosen and taken back."""

    select = SelectColumn()
    actions = ActionsColumn(actions=_actions, needs=_STATE)

    class Meta:
        sequence = ("select", "...", "actions")


def bar_of(coupon: Coupon) -> SafeString:
    """Draw what became of a face value, as a bar that says it in words too."""
    position, drawn, said = 0.0, [], []
    for part, column, label in PARTS:
        amount = int(getattr(coupon, column))
        width = amount * 100 / coupon.face_minor
        drawn.append((part, f"{position:.2f}", f"{width:.2f}"))
        said.append(f"{label}: {money.shown(amount, coupon.currency)}")
        position += width
    parts = format_html_join("", '<rect data-part="{}" x="{}" width="{}" height="8"></rect>', drawn)
    shape = '<svg class="quota-bar" role="img" aria-label="{}" viewBox="0 0 100 8" preserveAspectRatio="none">{}</svg>'
    return format_html(shape, "; ".join(said), parts)


def amounts_of(coupon: Coupon) -> list[tuple[str, Text, str]]:
    """List the parts of a face value with their colour, name and amount."""
    return [(part, label, money.shown(int(getattr(coupon, column)), coupon.currency)) for part, column, label in PARTS]


def status_of(coupon: Coupon, *, now: datetime) -> tuple[str, Text]:
    """Return the kind of badge and the words of a coupon's status."""
    status = coupon.status_at(now)
    return KIND_OF_STATUS[status], status.label
