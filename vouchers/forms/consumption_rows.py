"""Rows of a file of billing's: which coupon, which order, how much, when; every fault named by row."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from partner_center import imports, money
from partner_center.imports.intake import UploadedFile
from partner_center.refusals import Text
from vouchers.actions.consuming import ImportedRow
from vouchers.models import Coupon
from vouchers.rules import LARGEST_AMOUNT, OperationType

MOST_ROWS = 10_000
KINDS = {
    "consume": OperationType.CONSUME,
    "消费": OperationType.CONSUME,
    "refund": OperationType.REFUND,
    "退款": OperationType.REFUND,
}
COLUMNS = (
    imports.UploadColumn("coupon_number", "coupon_number", ("代金券编号", "券编号"), required=True, longest=16),
    imports.UploadColumn("kind", "kind", ("类型",), required=True, longest=16),
    imports.UploadColumn("amount", "amount", ("金额",), longest=20),
    imports.UploadColumn("order_id", "order_id", ("订单号",), required=True, digits=True, longest=64),
    imports.UploadColumn("time", "time", ("时间",), required=True, longest=40),
)
_ORDER_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


@dataclass(frozen=True)
class ConsumptionRows:
    """What a file says: rows ready for `import_consumption`, and the rows that cannot be read, each with its reason."""

    rows: list[ImportedRow]
    faults: list[tuple[int, Text]]


def read_consumption(file: UploadedFile, *, now: datetime) -> ConsumptionRows:
    """
    Read a CSV file or the first sheet of a workbook; without an amount a refund gives back all.

    :raises UploadRefusal: when the file as a whole cannot be taken
    """
    upload = imports.read_upload(file, columns=COLUMNS, max_rows=MOST_ROWS)
    numbers = {row.values["coupon_number"] for row in upload.rows}
    coupons = {coupon.number: coupon for coupon in Coupon.objects.filter(number__in=numbers)}
    found = ConsumptionRows([], [(fault.number, fault.reason) for fault in upload.faults])
    for row in upload.rows:
        try:
            found.rows.append(_read(row.number, row.values, coupons, now))
        except ValidationError as fault:
            found.faults.append((row.number, " ".join(fault.messages)))
    return found


def _read(number: int, values: Mapping[str, str], coupons: Mapping[str, Coupon], now: datetime) -> ImportedRow:
    coupon = coupons.get(values["coupon_number"])
    if coupon is None:
        raise ValidationError(_("There is no coupon with this number."))
    kind = KINDS.get(values["kind"].casefold())
    if kind is None:
        raise ValidationError(_("The kind should be “consume” or “refund”."))
    if not _ORDER_ID.fullmatch(values["order_id"]):
        raise ValidationError(_("An order number has 1 to 64 letters, digits and marks such as - and _."))
    amount = _amount(values["amount"], coupon.currency, may_be_empty=kind == OperationType.REFUND)
    at = _moment(values["time"], now)
    return ImportedRow(
        number=number, coupon=coupon.pk, operation=kind, order_id=values["order_id"], amount_minor=amount, at=at
    )


def _amount(text: str, currency: str, *, may_be_empty: bool) -> int | None:
    if not text and may_be_empty:
        return None
    try:
        amount = money.parse(text, currency)
    except money.NotAnAmount:
        amount = 0
    if not 0 < amount <= LARGEST_AMOUNT:
        raise ValidationError(_("This is not an amount in %(currency)s."), params={"currency": currency})
    return amount


def _moment(text: str, now: datetime) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValidationError(_("The time should have its offset, such as 2026-11-20T08:30:00+08:00."))
    if moment > now:
        raise ValidationError(_("The time lies in the future."))
    return moment
