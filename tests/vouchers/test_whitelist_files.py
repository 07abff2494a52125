"""What an uploaded list says: headers in both languages, faulty rows with their numbers, hostile files refused."""

import io

import pytest
from openpyxl import Workbook

from partner_center.imports import UploadRefusal
from tests.imports.conftest import NamedStream, stays_small
from tests.imports.test_hostile import HOSTILE
from vouchers.forms.whitelists import MOST_MEGABYTES, read_list
from vouchers.rules.whitelists import ListedRow, RowFault


def csv_file(text: str) -> NamedStream:
    return NamedStream(text.encode(), "list.csv")


def workbook(*rows: list[object]) -> NamedStream:
    book, content = Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(content)
    return NamedStream(content.getvalue(), "list.xlsx")


@pytest.mark.parametrize(
    "header",
    [
        "account_name,customer_name",
        "Account name,Customer name",
        "账号名,客户名称",
        "账户名，客户名",
        "Account *,Name *",
    ],
)
def test_headers_in_both_languages(header: str) -> None:
    separator = "，" if "，" in header else ","
    assert read_list(csv_file(f"{header}\nharbour-1{separator}海港 有限公司\n")) == [
        ListedRow(2, "harbour-1", "海港 有限公司")
    ]


def test_other_columns_and_the_reasons_of_a_corrected_file_are_ignored() -> None:
    rows = read_list(csv_file("Customer name,Account name,Reason,Phone\nAnn,ann-1,No customer,12\n"))
    assert rows == [ListedRow(2, "ann-1", "Ann")]


def test_faulty_rows_keep_their_numbers_and_their_order() -> None:
    rows = read_list(
        workbook(["Account name", "Customer name"], ["ann-1", ""], ["", "Ben"], ["x" * 65, "Cy"], ["dan-1", "Dan"])
    )
    assert [(row.number, row.fault) for row in rows] == [
        (2, RowFault.CUSTOMER_NAME_MISSING),
        (3, RowFault.ACCOUNT_NAME_MISSING),
        (4, RowFault.TOO_LONG),
        (5, None),
    ]


def test_account_names_of_digits_survive_a_spreadsheet() -> None:
    assert read_list(workbook(["Account name", "Customer name"], [20010001, "Ann"])) == [
        ListedRow(2, "20010001", "Ann")
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Account name\nann-1\n", "columns_missing"),
        ("Account name,Customer name\n", "rows_missing"),
        ("Account name,Customer name,Account name\na,b,c\n", "column_repeated"),
        ('Account name,Customer name\n"ann-1,Ann\n', "text_malformed"),
        ("Account name,Customer name\nann-1\0,Ann\n", "encoding_unknown"),
    ],
)
def test_what_is_no_list_is_refused_whole(text: str, code: str) -> None:
    with pytest.raises(UploadRefusal) as refused:
        read_list(csv_file(text))
    assert refused.value.code == code


@pytest.mark.parametrize("label", HOSTILE)
def test_the_wider_limits_of_a_whitelist_let_no_hostile_file_in(label: str) -> None:
    _code, build = HOSTILE[label]
    content = build()
    with stays_small(), pytest.raises(UploadRefusal):
        read_list(NamedStream(content, "list.xlsx"))


def test_a_list_of_100_000_rows_is_read_and_one_row_more_is_refused() -> None:
    header, row = "Account name,Customer name\n", "customer-{0},云上客户有限公司 {0}\n"
    body = "".join(row.format(number) for number in range(100_000))
    rows = read_list(csv_file(header + body))
    assert len(rows) == 100_000

    with pytest.raises(UploadRefusal) as refused:
        read_list(csv_file(header + body + row.format("last")))
    assert refused.value.code == "rows_too_many"


def test_a_file_beyond_its_megabytes_is_stopped() -> None:
    with stays_small(), pytest.raises(UploadRefusal) as refused:
        read_list(NamedStream(b"a" * (MOST_MEGABYTES * 1024 * 1024 + 1), "list.csv"))
    assert str(refused.value) == "The file is larger than 20 MB."


def test_texts_beyond_what_two_names_a_row_need_are_refused() -> None:
    body = "".join(f"a-{number},{'b' * 60},{'c' * 200}\n" for number in range(60_000))
    with pytest.raises(UploadRefusal) as refused:
        read_list(csv_file("Account name,Customer name,Notes\n" + body))
    assert refused.value.code == "workbook_too_large"
