"""How the operation log looks: to the partner whose log it is, and to the vendor's staff who review it."""

from collections.abc import Callable
from html import escape
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from partner_center import money
from partner_center.listing import reveal
from partner_center.listing.columns import (
    NOTHING,
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
    badge,
)
from partner_center.listing.keyset import Row
from partner_center.listing.tables import ANY_ROW, BaseTable
from partner_center.masking import mask_account, mask_name
from vouchers.models import OperationResult, ReviewMark
from vouchers.queries import operations
from vouchers.rules import CouponKind, OperationType, words
from vouchers.rules.hints import Hint, explain

KIND, REVIEW_KIND = "operation", "reviewed_operation"
MASKED_FIELDS = ("customer_name", "account_name")
KIND_OF_RESULT: dict[str, str] = {OperationResult.SUCCESS: "success", OperationResult.FAILURE: "danger"}
KIND_OF_MARK: dict[str, str] = {ReviewMark.REVIEWED: "success", ReviewMark.FLAGGED: "danger"}


def register_reveal() -> None:
    """Let the masked columns be revealed; called once by the app."""
    fields = {name: name for name in MASKED_FIELDS}
    reveal.register(KIND, fields=fields, rows=operations.of_member)
    reveal.register_for_staff(REVIEW_KIND, fields=fields, rows=operations.of_everybody)


class ResultColumn(StatusColumn):
    """How it ended, and why it was refused."""

    @property
    def fields(self) -> tuple[str, ...]:
        return "result", "reason"

    def cell(self, paint: Paint) -> Cell:
        result, reason = map(paint.getter, self.fields)
        badges = self.badges()

        def draw(row: Row) -> str:
            why = reason(row)
            return badges[result(row)] + (f'<span class="cell-reason">{escape(str(words(why)))}</span>' if why else "")

        return draw


class AmountColumn(Column):
    """What moved; of a refusal, what would have moved."""

    css = "number nowrap"

    @property
    def fields(self) -> tuple[str, ...]:
        return "amount_minor", "currency"

    def cell(self, paint: Paint) -> Cell:
        amount, currency = map(paint.getter, self.fields)
        return lambda row: money.shown(amount(row), escape(currency(row)))


class CouponColumn(Column):
    """The number of the coupon, which opens its page for those who have one."""

    css = "nowrap"

    def __init__(self, *args: object, url_name: str = "", **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.url_name = url_name

    @property
    def fields(self) -> tuple[str, ...]:
        return "coupon_number", "coupon_id"

    def cell(self, paint: Paint) -> Cell:
        number, public_id = map(paint.getter, self.fields)
        address = _address(self.url_name)

        def draw(row: Row) -> str:
            text = escape(number(row))
            if not text or address is None:
                return text or NOTHING
            return f'<a href="{address(public_id(row))}">{text}</a>'

        return draw


class OperatorColumn(Column):
    """Who did it, and the batch it was part of."""

    @property
    def fields(self) -> tuple[str, ...]:
        return "actor_name", "actor_kind", "job_id"

    def cell(self, paint: Paint) -> Cell:
        name, kind, job = map(paint.getter, self.fields)
        system, batch = escape(_("System")), escape(_("Batch"))

        def draw(row: Row) -> str:
            text = system if kind(row) == "system" else escape(name(row)) or NOTHING
            if job_id := job(row):
                text += f'<span class="cell-sub"><a href="?{escape(urlencode({"job": job_id}))}">{batch}</a></span>'
            return text

        return draw


class RemarkColumn(Column):
    """What the partner typed, the order that was paid, and the whitelist version that judged."""

    css = "wrap"

    def __init__(self, *args: object, with_remark: bool = True, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.with_remark = with_remark

    @property
    def fields(self) -> tuple[str, ...]:
        own = ("remark",) if self.with_remark else ()
        return ("order_id", "whitelist_version", *own)

    def cell(self, paint: Paint) -> Cell:
        order, version = map(paint.getter, ("order_id", "whitelist_version"))
        remark = paint.getter("remark") if self.with_remark else lambda _row: ""
        ordered, listed = escape(_("Order %(order)s")), escape(_("Whitelist version %(version)d"))

        def draw(row: Row) -> str:
            text = f"<bdi>{escape(remark(row))}</bdi>" if remark(row) else ""
            if order(row):
                text += f'<span class="cell-sub">{ordered % {"order": escape(order(row))}}</span>'
            if version(row):
                text += f'<span class="cell-sub">{listed % {"version": version(row)}}</span>'
            return text or NOTHING

        return draw


class HintsColumn(Column):
    """What a rule noticed, in words."""

    css = "wrap"

    @property
    def fields(self) -> tuple[str, ...]:
        return operations.FACTS

    def cell(self, paint: Paint) -> Cell:
        getters = {name: paint.getter(name) for name in operations.FACTS}
        lines = {
            hint: f'{badge("warning", hint.label)}<span class="cell-sub">{escape(explain(hint))}</span>'
            for hint in Hint
        }

        def draw(row: Row) -> str:
            hints = operations.hints_of_row({name: get(row) for name, get in getters.items()})
            return "".join(lines[hint] for hint in hints) or NOTHING

        return draw


class MarkColumn(StatusColumn):
    """The newest mark, who set it, and the note."""

    css = "wrap"

    @property
    def fields(self) -> tuple[str, ...]:
        return "mark", "marked_by", "mark_note"

    def cell(self, paint: Paint) -> Cell:
        mark, marked_by, note = map(paint.getter, self.fields)
        badges, none = self.badges(), f'<span class="muted">{escape(_("Not reviewed"))}</span>'

        def draw(row: Row) -> str:
            if not mark(row):
                return none
            lines = "".join(
                f'<span class="cell-sub">{escape(line)}</span>' for line in (marked_by(row), note(row)) if line
            )
            return badges[mark(row)] + lines

        return draw


def _address(url_name: str) -> Callable[[str], str] | None:
    """Return what writes the address of a page about one object, None where no room offers it."""
    try:
        before, after = reverse(url_name, args=[ANY_ROW]).split(ANY_ROW)
    except NoReverseMatch:
        return None
    return lambda public_id: f"{before}{public_id}{after}"


class LogTable(BaseTable):
    """What everybody sees of an operation."""

    kind = KIND
    caption = gettext_lazy("Operation records")
    default_sort = "-time"

    what = StackedColumn(
        gettext_lazy("Operation"),
        css="primary",
        parts={
            "operation": ChoiceColumn(gettext_lazy("Operation type"), field="operation", choices=OperationType.choices),
            "coupon_kind": ChoiceColumn(gettext_lazy("Kind"), field="kind", choices=CouponKind.choices),
        },
    )
    time = TimeColumn(gettext_lazy("Time"), field="occurred_at", sort="id")
    result = ResultColumn(gettext_lazy("Result"), choices=OperationResult.choices, kinds=KIND_OF_RESULT)
    amount = AmountColumn(gettext_lazy("Amount"))
    customer = StackedColumn(
        gettext_lazy("Customer"),
        parts={
            "customer_name": MaskedColumn(gettext_lazy("Customer name"), field="customer_name", mask=mask_name),
            "account_name": MaskedColumn(gettext_lazy("Account name"), field="account_name", mask=mask_account),
        },
    )
    numbers = StackedColumn(
        gettext_lazy("Numbers"),
        css="nowrap",
        parts={
            "coupon": CouponColumn(gettext_lazy("Coupon"), url_name="vouchers:coupon"),
            "quota": TextColumn(gettext_lazy("Quota"), field="quota_number", css="nowrap"),
        },
    )
    operator = OperatorColumn(gettext_lazy("Operator"))
    remark = RemarkColumn(gettext_lazy("Remark"))


class PlainCouponsTable(LogTable):
    """The same for a member who may not open coupons."""

    numbers = StackedColumn(
        gettext_lazy("Numbers"),
        css="nowrap",
        parts={
            "coupon": CouponColumn(gettext_lazy("Coupon")),
            "quota": TextColumn(gettext_lazy("Quota"), field="quota_number", css="nowrap"),
        },
    )


class ReviewTable(PlainCouponsTable):
    """The operations of all partners, with hints and marks; what partners remark is theirs alone (domain.md 4.21)."""

    kind = REVIEW_KIND

    select = SelectColumn()
    what = StackedColumn(
        gettext_lazy("Operation"),
        css="primary wrap",
        parts={
            "operation": ChoiceColumn(gettext_lazy("Operation type"), field="operation", choices=OperationType.choices),
            "coupon_kind": ChoiceColumn(gettext_lazy("Kind"), field="kind", choices=CouponKind.choices),
            "order": RemarkColumn(gettext_lazy("Order"), with_remark=False),
        },
    )
    operator = StackedColumn(
        gettext_lazy("Partner"),
        css="wrap",
        parts={
            "partner": TextColumn(gettext_lazy("Partner"), field="partner__company_name"),
            "operator": OperatorColumn(gettext_lazy("Operator")),
        },
    )
    hints = HintsColumn(gettext_lazy("Hints"))
    mark = MarkColumn(gettext_lazy("Review state"), choices=ReviewMark.choices, kinds=KIND_OF_MARK)

    class Meta:
        exclude = ("remark",)
        sequence = ("select", "what", "time", "operator", "result", "amount", "customer", "hints", "...", "mark")
