"""How the ledger of a quota looks: what moved, from where to where, and what the entries add up to."""

from collections.abc import Callable
from dataclasses import replace
from html import escape
from typing import ClassVar

from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from partner_center import money
from partner_center.listing.columns import NOTHING, Cell, ChoiceColumn, Column, Paint, TimeColumn
from partner_center.listing.keyset import Row
from partner_center.listing.tables import BaseTable
from partner_center.refusals import Text
from vouchers.rules import LedgerAccount, OperationType, signed

# Values that stand in no column of the database: body() puts them behind each row.
SIGNED, SO_FAR = "signed", "so_far"


class SignedColumn(Column):
    """
    An amount with its sign, as seen from the chosen account.

    :param value: SIGNED or SO_FAR
    """

    css = "number nowrap"

    def __init__(self, label: Text, *, value: str) -> None:
        super().__init__(label)
        self.value = value

    @property
    def fields(self) -> tuple[str, ...]:
        return "amount_minor", "debit", "credit", "currency"

    def cell(self, paint: Paint) -> Cell:
        amount, currency = paint.getter(self.value), paint.getter("currency")
        sign = "+" if self.value == SIGNED else ""

        def draw(row: Row) -> str:
            minor = amount(row)
            return f"{sign if minor > 0 else ''}{escape(money.shown(minor, currency(row)))}"

        return draw


class WayColumn(Column):
    """From which account to which."""

    @property
    def fields(self) -> tuple[str, ...]:
        return "debit", "credit"

    def cell(self, paint: Paint) -> Cell:
        debit, credit = map(paint.getter, self.fields)
        labels = {account.value: escape(str(account.label)) for account in LedgerAccount}
        return lambda row: f'<span>{labels[debit(row)]} <span aria-hidden="true">→</span> {labels[credit(row)]}</span>'


class CouponColumn(Column):
    """The coupon it was about, and the order that a consumption paid."""

    @property
    def fields(self) -> tuple[str, ...]:
        return "coupon__number", "coupon__public_id", "order_id"

    def cell(self, paint: Paint) -> Cell:
        number, public_id, order = map(paint.getter, self.fields)
        opens = _coupon_address()

        def draw(row: Row) -> str:
            if number(row) is None:
                return NOTHING
            shown = f'<span class="nowrap">{escape(number(row))}</span>'
            linked = f'<a href="{opens(public_id(row))}">{shown}</a>' if opens else shown
            return linked + (f'<span class="cell-sub">{escape(order(row))}</span>' if order(row) else "")

        return draw


def _coupon_address() -> Callable[[str], str] | None:
    try:
        before, after = reverse("vouchers:coupon", args=["0" * 22]).split("0" * 22)
    except NoReverseMatch:
        return None
    return lambda public_id: f"{before}{public_id}{after}"


class LedgerTable(BaseTable):
    """Entries of one quota, newest first."""

    kind = "ledgerentry"
    caption = gettext_lazy("Ledger entries")
    account: ClassVar[str] = ""
    sum_before: ClassVar[Callable[[int], int] | None] = None

    occurred = TimeColumn(gettext_lazy("Time"), field="occurred_at", sort="id")
    operation = ChoiceColumn(gettext_lazy("Operation"), field="operation", choices=OperationType.choices, css="primary")
    way = WayColumn(gettext_lazy("From and to"))
    coupon = CouponColumn(gettext_lazy("Coupon and order"))
    signed = SignedColumn(gettext_lazy("Amount"), value=SIGNED)

    @classmethod
    def body(cls, rows: list[Row], paint: Paint) -> SafeString:
        """Put the sign before each amount, and walk up from what the entries before this page add up to."""
        pk, amount, debit, credit = map(paint.getter, ("id", "amount_minor", "debit", "credit"))
        so_far = cls.sum_before(min(map(pk, rows), default=0)) if cls.sum_before else 0
        told: dict[int, tuple[int, int]] = {}
        for row in sorted(rows, key=pk):
            minor = signed(amount(row), debit=debit(row), credit=credit(row), account=cls.account)
            so_far += minor
            told[pk(row)] = (minor, so_far)
        index = {**paint.index, SIGNED: len(paint.index), SO_FAR: len(paint.index) + 1}
        return super().body([(*row, *told[pk(row)]) for row in rows], replace(paint, index=index))


class SummedTable(LedgerTable):
    """The same with what the matching entries add up to, up to each of them."""

    so_far = SignedColumn(gettext_lazy("Sum so far"), value=SO_FAR)


def summed_table(account: str, sum_before: Callable[[int], int]) -> type[SummedTable]:
    """
    Make the table of one request.

    :param account: a LedgerAccount, or empty
    :param sum_before: pk of an entry to what the matching entries before it add up to, in minor units
    """
    return type("SummedTable", (SummedTable,), {"account": account, "sum_before": staticmethod(sum_before)})
