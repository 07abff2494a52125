"""The vendor's directory: only the vendor's staff, only masked values, no lost update, files all or nothing."""

from datetime import datetime
from html import unescape
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers import actions
from customers.models import Account
from customers.rules import Model
from partner_center import exports
from partner_center.audit.models import AuditEntry
from partner_center.tenancy.models import Member, User
from tests.people import actor_of, make_account, signed_in

LIST, SEARCH, UPLOAD = (reverse(f"customers:{name}") for name in ("accounts", "account_search", "account_upload"))
PERSONAL = {
    "account_name": "zhang-zixuan",
    "customer_name": "张子轩",
    "email": "zixuan.zhang@customer.example",
    "mobile": "+8613800002222",
    "account_number": "2001765432",
}


@pytest.fixture
def account(db: None) -> Account:
    return make_account(**PERSONAL, overdue_minor=128_050, credit_line_minor=500)


@pytest.fixture
def staff(platform_admin: User) -> Client:
    return signed_in(platform_admin)


def page_of(account: Account) -> str:
    return reverse("customers:account", args=[account.public_id])


def text_of(response: object) -> str:
    return unescape(response.content.decode())


def posted(client: Client, account: Account, **changed: str) -> dict[str, str]:
    """Return what a browser posts after somebody has changed some fields of the page."""
    form = client.get(page_of(account)).context["form"]
    with timezone.override("Asia/Shanghai"):
        values = {field.html_name: field.value() for field in form}
    data = {
        name: "on" if value is True else f"{value:%Y-%m-%dT%H:%M:%S}" if isinstance(value, datetime) else str(value)
        for name, value in values.items()
        if value is not None and value is not False and value != ""
    }
    return {**data, **changed}


# --- who --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["alice", "bob", "dora", "customer", "nobody"])
def test_nobody_but_the_vendors_staff_comes_in(account: Account, who: str, request: pytest.FixtureRequest) -> None:
    people = {"customer": lambda: signed_in(account), "nobody": Client}
    client = people[who]() if who in people else signed_in(request.getfixturevalue(who))
    wanted = 302 if who == "nobody" else 403
    for address in (LIST, UPLOAD, page_of(account)):
        assert client.get(address).status_code == wanted
    for address in (SEARCH, UPLOAD, page_of(account)):
        assert client.post(address, {"overdue_minor": "0"}).status_code == wanted
    account.refresh_from_db()
    assert account.overdue_minor == 128_050


def test_no_page_of_the_directory_holds_a_clear_value(account: Account, staff: Client) -> None:
    pages = [staff.get(LIST), staff.get(page_of(account)), staff.post(page_of(account), {"seen": "x"})]
    for page in pages:
        assert not [value for value in PERSONAL.values() if value in text_of(page)]
        assert "z***@customer.example" in text_of(page)
        assert "200*****432" in text_of(page)


# --- find -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wanted", ["2001765432", "zhang-zixuan", " ZHANG-zixuan "])
def test_an_account_is_found_by_exactly_its_number_or_name(account: Account, staff: Client, wanted: str) -> None:
    answer = staff.post(SEARCH, {"wanted": wanted})
    assert answer.url == page_of(account)


@pytest.mark.parametrize("wanted", ["200176543", "zhang", "张子轩", "%", "zhang\x00", ""])
def test_anything_else_finds_nothing_and_says_so(account: Account, staff: Client, wanted: str) -> None:
    answer = staff.post(SEARCH, {"wanted": wanted})
    assert answer.status_code == 422
    assert answer.context["form"].errors["wanted"]


def test_tabs_tell_associated_accounts_from_free_ones(account: Account, staff: Client, bob: Member) -> None:
    free = make_account()
    actions.associate(
        account=account, manager=bob, model=Model.RESELLER, custom_tag="", invitation_public_id="",
        actor=actor_of(bob), now=timezone.now(),
    )  # fmt: skip
    for kind, shown, hidden in (("associated", account, free), ("free", free, account)):
        page = text_of(staff.get(LIST, {"kind": kind}))
        assert page_of(shown) in page
        assert page_of(hidden) not in page
    assert bob.partner.company_name in text_of(staff.get(LIST, {"kind": "associated"}))


def test_older_accounts_stand_on_the_next_page(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("customers.queries.DIRECTORY_PAGE", 2)
    oldest, middle, newest = (make_account() for _number in range(3))
    first = text_of(staff.get(LIST))
    assert page_of(newest) in first
    assert page_of(oldest) not in first
    second = text_of(staff.get(LIST, {"before": middle.public_id}))
    assert page_of(oldest) in second
    assert page_of(middle) not in second
    assert staff.get(LIST, {"before": "nothing\x00"}).status_code == 200


# --- correct ----------------------------------------------------------------------------------------------------------


def test_only_what_was_changed_is_written_and_the_log_names_fields_not_values(account: Account, staff: Client) -> None:
    data = posted(staff, account, overdue_minor="0.00", mobile="+8613911112222", unfinished_orders="2")
    assert staff.post(page_of(account), data).url == page_of(account)
    before = Account.objects.get(pk=account.pk)
    assert (before.overdue_minor, before.mobile, before.unfinished_orders) == (0, "+8613911112222", 2)
    assert (before.credit_line_minor, before.customer_name) == (500, PERSONAL["customer_name"])
    entry = AuditEntry.objects.get(deed="account_facts_changed")
    assert entry.details == '{"fields":["mobile","overdue_minor","unfinished_orders"]}'
    assert entry.actor_kind == "platform"


def test_saving_an_unchanged_page_writes_nothing(account: Account, staff: Client) -> None:
    answer = staff.post(page_of(account), posted(staff, account), follow=True)
    assert "Nothing was changed." in text_of(answer)
    assert not AuditEntry.objects.filter(deed="account_facts_changed").exists()
    assert Account.objects.get(pk=account.pk).updated_at == account.updated_at


def test_a_page_that_is_out_of_date_is_refused(account: Account, staff: Client) -> None:
    mine, theirs = (posted(staff, account, overdue_minor=amount) for amount in ("1.00", "2.00"))
    staff.post(page_of(account), theirs)
    answer = staff.post(page_of(account), mine)
    assert answer.status_code == 409
    assert "Somebody else has changed this account" in text_of(answer)
    assert Account.objects.get(pk=account.pk).overdue_minor == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("overdue_minor", "12,50"), ("overdue_minor", "-1"), ("overdue_minor", "1.999"), ("balance_minor", ""),
        ("country", "china"), ("currency", "cny"), ("site", "The Moon"), ("unfinished_orders", "-1"),
        ("unfinished_orders", "9" * 30), ("registered_at", "yesterday"), ("enterprise_role", "boss"),
        ("mobile", "abc"), ("customer_name", "<b>"), ("master_number", "2001000000"), ("master_number", "2001765432"),
        ("seen", "long ago"), ("seen", ""),
    ],
)  # fmt: skip
def test_bad_facts_are_told_beside_their_field_and_change_nothing(
    account: Account, staff: Client, field: str, value: str
) -> None:
    answer = staff.post(page_of(account), posted(staff, account, **{"credit_line_minor": "7.00", field: value}))
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert Account.objects.get(pk=account.pk).credit_line_minor == 500


def test_a_master_is_named_by_number_and_taken_away_by_a_tick(account: Account, staff: Client) -> None:
    master = make_account(account_number="2001999999")
    staff.post(page_of(account), posted(staff, account, master_number="2001999999"))
    assert Account.objects.get(pk=account.pk).master == master
    assert "2001999999" not in text_of(staff.get(page_of(account)))
    staff.post(page_of(account), posted(staff, account, no_master="on"))
    assert Account.objects.get(pk=account.pk).master is None


def test_amounts_follow_the_currency_of_the_form(account: Account, staff: Client) -> None:
    data = posted(staff, account, currency="JPY", overdue_minor="1280")
    answer = staff.post(page_of(account), data)
    assert answer.status_code == 422
    assert "credit_line_minor" in answer.context["form"].errors
    whole = {name: "0" for name in data if name.endswith("_minor")}
    assert staff.post(page_of(account), {**data, **whole, "overdue_minor": "1280"}).status_code == 302
    account.refresh_from_db()
    assert (account.currency, account.overdue_minor) == ("JPY", 1280)


# --- import -----------------------------------------------------------------------------------------------------------


def csv(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("facts.csv", text.encode(), "text/csv")


def test_an_uploaded_file_updates_and_creates(account: Account, staff: Client) -> None:
    file = csv(
        "account_number,account_name,customer_name,email,overdue_minor\n"
        "2001765432,,,,0\n"
        "2001765433,acme-cloud,Acme,it@acme.example,9\n"
    )
    answer = staff.post(UPLOAD, {"upload": file}, follow=True)
    assert "Created 1, updated 1, unchanged 0." in text_of(answer)
    assert dict(Account.objects.values_list("account_number", "overdue_minor")) == {"2001765432": 0, "2001765433": 9}
    assert AuditEntry.objects.filter(deed="account_facts_imported", actor_kind="platform").count() == 2


def test_a_workbook_is_read_as_well(account: Account, staff: Client, tmp_path: Path) -> None:
    path = tmp_path / "facts.xlsx"
    exports.write_xlsx(
        exports.plain_columns(["account_number", "verified"]), [["2001765432", "no"]], path, title="Facts"
    )
    staff.post(UPLOAD, {"upload": SimpleUploadedFile("facts.xlsx", path.read_bytes())})
    assert Account.objects.get(pk=account.pk).verified is False


def test_faults_are_listed_by_row_and_field_and_nothing_is_imported(account: Account, staff: Client) -> None:
    answer = staff.post(UPLOAD, {"upload": csv("account_number,overdue_minor\n2001765432,0\n2001765432,x\n")})
    assert answer.status_code == 422
    assert [(fault.row, fault.field) for fault in answer.context["faults"]] == [
        (3, "overdue_minor"), (3, "account_number"),
    ]  # fmt: skip
    assert "nothing was imported" in text_of(answer)
    assert Account.objects.get(pk=account.pk).overdue_minor == 128_050
    assert not AuditEntry.objects.filter(deed="account_facts_imported").exists()


@pytest.mark.parametrize("name", ["facts.txt", "facts.xlsm", "facts.xlsx"])
def test_a_file_of_another_kind_is_refused_beside_the_field(staff: Client, name: str) -> None:
    answer = staff.post(UPLOAD, {"upload": SimpleUploadedFile(name, b"account_number\n2001765432\n")})
    assert 400 <= answer.status_code < 500
    assert answer.context["form"].errors["upload"]
    assert not Account.objects.exists()
