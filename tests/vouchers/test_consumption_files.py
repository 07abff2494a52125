"""Consumption from files: all rows judged first, faults by row, all or none, the same file twice changes nothing."""

from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from partner_center.exports import plain_columns, write_xlsx
from partner_center.tenancy.models import Member
from tests.vouchers.making import make_coupon, make_customer, make_quota
from vouchers.models import Coupon, LedgerEntry, OperationRecord, Quota

pytestmark = pytest.mark.django_db

HEADER = "coupon_number,kind,amount,order_id,time\n"
Line = tuple[str, ...]


@pytest.fixture
def coupon(carol: Member) -> Coupon:
    return make_coupon(make_quota(carol.partner), make_customer(carol), 100_00)


@pytest.fixture
def other(charlie: Member) -> Coupon:
    return make_coupon(make_quota(charlie.partner), make_customer(charlie), 50_00)


def at(**ago: int) -> str:
    return (timezone.now() - timedelta(**ago)).isoformat()


def line(coupon: Coupon, amount: str = "37.50", order_id: str = "O-1", *, kind: str = "consume") -> Line:
    return (coupon.number, kind, amount, order_id, at(minutes=5))


def written(folder: Path, *lines: Line) -> Path:
    file = folder / "consumption.csv"
    file.write_text(HEADER + "".join(",".join(cells) + "\n" for cells in lines), encoding="utf-8")
    return file


def run(file: Path, *options: str) -> tuple[str, str]:
    """Return what is printed, and the error that ends the command with exit code 1."""
    out = StringIO()
    try:
        call_command("import_consumption", str(file), *options, stdout=out, stderr=out)
    except CommandError as error:
        if error.returncode != 1:
            raise
        return out.getvalue(), str(error)
    return out.getvalue(), ""


def picture() -> tuple[object, ...]:
    return (
        list(Coupon.objects.order_by("pk").values()),
        list(Quota.objects.order_by("pk").values()),
        LedgerEntry.objects.count(),
        OperationRecord.objects.count(),
    )


def test_a_file_books_what_orders_used_and_got_back(tmp_path: Path, coupon: Coupon, other: Coupon) -> None:
    file = written(
        tmp_path,
        line(coupon),
        line(other, "50", "O-2"),
        line(coupon, "7.50", "O-1", kind="refund"),
        line(other, "", "O-2", kind="退款"),
    )

    assert run(file) == ("4 booked, 0 unchanged, 0 refused\n", "")
    coupon.refresh_from_db()
    other.refresh_from_db()
    assert (coupon.balance_minor, coupon.consumed_minor) == (70_00, 30_00)
    assert (other.status, other.balance_minor) == ("usable", 50_00)
    record = OperationRecord.objects.filter(partner=coupon.partner).latest("pk")
    assert (record.operation, record.actor_kind, record.actor_name) == ("refund", "system", "import_consumption")


def test_the_same_file_twice_changes_nothing(tmp_path: Path, coupon: Coupon) -> None:
    file = written(tmp_path, line(coupon), line(coupon, "7.50", kind="refund"), line(coupon, "62.50", "O-2"))
    assert run(file)[1] == ""
    before = picture()

    assert run(file) == ("0 booked, 3 unchanged, 0 refused\n", "")
    assert picture() == before


def test_what_was_given_back_can_be_used_again_in_the_same_file(tmp_path: Path, coupon: Coupon) -> None:
    file = written(
        tmp_path,
        line(coupon, "100"),
        line(coupon, "", kind="refund"),
        line(coupon, "100", "O-2"),
        line(coupon, "1", "O-3"),
    )

    printed, _error = run(file, "--skip-faulty")

    assert printed == "row 5: This coupon is used up.\n"
    coupon.refresh_from_db()
    quota = coupon.quota
    assert (coupon.status, coupon.balance_minor, coupon.consumed_minor) == ("used", 0, 100_00)
    quota.refresh_from_db()
    assert (quota.outstanding_minor, quota.consumed_minor) == (0, 100_00)
    assert LedgerEntry.objects.filter(coupon=coupon).count() == 4


def test_a_refund_of_all_gives_back_what_a_part_left_and_that_once(tmp_path: Path, coupon: Coupon) -> None:
    assert run(written(tmp_path, line(coupon, "30"), line(coupon, "10", kind="refund")))[1] == ""
    file = written(tmp_path, line(coupon, "", kind="refund"))

    assert run(file)[0] == "1 booked, 0 unchanged, 0 refused\n"
    coupon.refresh_from_db()
    assert (coupon.balance_minor, coupon.consumed_minor) == (100_00, 0)
    assert run(file)[0] == "0 booked, 1 unchanged, 0 refused\n"


def test_a_row_that_stands_twice_is_booked_once(tmp_path: Path, coupon: Coupon) -> None:
    assert run(written(tmp_path, line(coupon), line(coupon)))[0] == "1 booked, 1 unchanged, 0 refused\n"


def test_one_refused_row_leaves_everything_as_it_was(tmp_path: Path, coupon: Coupon, other: Coupon) -> None:
    before = picture()
    file = written(tmp_path, line(other, "1", "O-9"), line(coupon, "60"), line(coupon, "60", "O-2"))

    printed, error = run(file)

    assert printed == "row 4: The coupon's balance is too small.\n"
    assert error == "Nothing was changed; faults: 1"
    assert picture() == before


def test_the_good_rows_are_booked_where_that_is_asked_for(tmp_path: Path, coupon: Coupon) -> None:
    file = written(tmp_path, line(coupon, "60"), line(coupon, "60", "O-2"), line(coupon, "x", "O-3"))

    printed, error = run(file, "--skip-faulty")
    assert error == "1 booked, 0 unchanged, 2 refused"
    assert printed.count("row ") == 2
    before = picture()

    assert run(file, "--skip-faulty")[1] == "0 booked, 1 unchanged, 2 refused"
    assert picture() == before


def test_another_amount_of_the_same_order_is_refused(tmp_path: Path, coupon: Coupon) -> None:
    run(written(tmp_path, line(coupon), line(coupon, "1.00", kind="refund")))

    printed, _error = run(written(tmp_path, line(coupon, "37.51"), line(coupon, "2.00", kind="refund")))

    assert printed == (
        "row 2: This order has already used the coupon.\nrow 3: The order has not used that much of the coupon.\n"
    )


def test_validity_is_judged_by_the_time_of_the_row(tmp_path: Path, coupon: Coupon) -> None:
    Coupon.objects.filter(pk=coupon.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    late = (coupon.number, "consume", "1.00", "O-2", at(seconds=30))

    assert run(written(tmp_path, late))[0] == "row 2: This coupon has expired.\n"
    assert run(written(tmp_path, line(coupon, "1.00")))[1] == ""


WRONG = {
    "number": ("C222-2222-2222", "consume", "1", "O-1", "2026-01-01T00:00:00Z"),
    "kind": ("", "spent", "1", "O-1", "2026-01-01T00:00:00Z"),
    "no amount": ("", "consume", "", "O-1", "2026-01-01T00:00:00Z"),
    "amount": ("", "consume", "1.001", "O-1", "2026-01-01T00:00:00Z"),
    "nothing": ("", "refund", "0", "O-1", "2026-01-01T00:00:00Z"),
    "order": ("", "consume", "1", "O 1", "2026-01-01T00:00:00Z"),
    "mangled order": ("", "consume", "1", "2.02E+12", "2026-01-01T00:00:00Z"),
    "time": ("", "consume", "1", "O-1", "yesterday"),
    "time without offset": ("", "consume", "1", "O-1", "2026-01-01T00:00:00"),
    "no such day": ("", "consume", "1", "O-1", "2026-02-30T00:00:00Z"),
    "future": ("", "consume", "1", "O-1", "2999-01-01T00:00:00Z"),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_cannot_be_read_is_told_by_row_with_what_is_refused(tmp_path: Path, coupon: Coupon, wrong: Line) -> None:
    row = (wrong[0] or coupon.number, *wrong[1:])
    before = picture()

    printed, error = run(written(tmp_path, line(coupon), row, line(coupon, "99", "O-5")))

    assert [told.split(":")[0] for told in printed.splitlines()] == ["row 3", "row 4"]
    assert error == "Nothing was changed; faults: 2"
    assert picture() == before


def test_a_workbook_is_read_too(tmp_path: Path, coupon: Coupon) -> None:
    file = tmp_path / "consumption.xlsx"
    write_xlsx(plain_columns(HEADER.strip().split(",")), [list(line(coupon))], file, title="Consumption")

    assert run(file)[0] == "1 booked, 0 unchanged, 0 refused\n"


@pytest.mark.parametrize("name", ["missing.csv", "consumption.txt"])
def test_a_file_that_cannot_be_taken(tmp_path: Path, name: str) -> None:
    if name.endswith(".txt"):
        (tmp_path / name).write_text(HEADER)

    assert run(tmp_path / name)[1]
