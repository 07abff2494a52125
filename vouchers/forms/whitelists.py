"""Input of whitelists: the uploaded list, and the name of a customer who is looked for."""

from collections.abc import Iterator

from django import forms
from django.utils.translation import gettext_lazy as _

from partner_center import imports
from partner_center.imports.intake import UploadedFile
from vouchers.rules.whitelists import ListedRow, RowFault

MOST_ROWS = 100_000
# A hundred thousand rows of two names each: 5 MB, as for other uploads, do not hold them (reliability.md 4.7).
MOST_MEGABYTES = 20
LONGEST_NAME = 64

COLUMNS = (
    imports.UploadColumn(
        "account_name",
        _("Account name"),
        ("account", "账号名", "账号名称", "账户名", "登录名称"),
        required=True,
        longest=LONGEST_NAME,
    ),
    imports.UploadColumn(
        "customer_name",
        _("Customer name"),
        ("name", "customer", "客户名称", "客户名", "姓名"),
        required=True,
        longest=LONGEST_NAME,
    ),
)


class ImportForm(forms.Form):
    """A whole list; it replaces the one before."""

    upload = forms.FileField(
        label=_("File with all customers of the list"), help_text=_("XLSX or CSV, at most 20 MB and 100,000 rows.")
    )


class CheckForm(forms.Form):
    """A customer by name; it is posted, so that no name stands in an address."""

    wanted = forms.CharField(label=_("Customer name or account name"), min_length=2, max_length=LONGEST_NAME)


def read_list(file: UploadedFile) -> list[ListedRow]:
    """
    Read the rows of a whitelist, faulty ones too, in the order of the file.

    :raises UploadRefusal: when the file as a whole cannot be taken
    """
    upload = imports.read_upload(file, columns=COLUMNS, max_rows=MOST_ROWS, max_megabytes=MOST_MEGABYTES)
    return sorted([*_good(upload), *_faulty(upload)], key=lambda row: row.number)


def _good(upload: imports.Upload) -> Iterator[ListedRow]:
    for row in upload.rows:
        yield ListedRow(row.number, row.values["account_name"], row.values["customer_name"])


def _faulty(upload: imports.Upload) -> Iterator[ListedRow]:
    for fault in upload.faults:
        account_name, customer_name = (fault.values.get(column.name, "") for column in COLUMNS)
        yield ListedRow(fault.number, account_name, customer_name, _fault(account_name, customer_name))


def _fault(account_name: str, customer_name: str) -> RowFault:
    if not account_name:
        return RowFault.ACCOUNT_NAME_MISSING
    return RowFault.TOO_LONG if customer_name else RowFault.CUSTOMER_NAME_MISSING
