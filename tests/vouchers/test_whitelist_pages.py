"""The pages of whitelists: what is shown to whom, what a posted file and each button do, and what they do not."""

import csv
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from customers.models import Association
from partner_center.audit.models import AuditEntry
from partner_center.tenancy.models import Member, Partner
from tests.bad_input import HYPERLINK, SCRIPT, picture
from tests.imports.test_hostile import HOSTILE
from tests.people import actor_of, signed_in
from tests.vouchers.making import make_customer, make_quota
from tests.vouchers.whitelisting import activate, import_list, list_in_force
from vouchers.actions import planning
from vouchers.models import Quota, WhitelistVersion
from vouchers.queries import receivers
from vouchers.queries.whitelists import active_version
from vouchers.rules.issuing import Policy, terms_within

pytestmark = pytest.mark.django_db

CHOSEN = ["one cell of 400 MB", "billion laughs", "macros", "cell at XFD1048576", "CSV named xlsx", "empty"]
HEADER = "Account name,Customer name\n"


@pytest.fixture
def customers(fiona: Member) -> list[Association]:
    return [
        make_customer(fiona, customer_name=f"Quillfeather {number}", account_name=f"quill-nest-{number}")
        for number in range(4)
    ]


def send(client: Client, content: bytes, name: str = "list.csv", kind: str = "") -> HttpResponse:
    address = reverse(f"vouchers:whitelist_import{kind}")
    return client.post(address, {"upload": SimpleUploadedFile(name, content)})


def lines(*customers: Association) -> bytes:
    rows = [f"{each.account.account_name},{each.account.customer_name}\n" for each in customers]
    return (HEADER + "".join(rows)).encode()


def page(client: Client, name: str, version: WhitelistVersion | None = None) -> str:
    answer = client.get(reverse(f"vouchers:{name}", args=[version.public_id] if version else []))
    assert answer.status_code == 200
    return answer.content.decode()


def do(client: Client, name: str, version: WhitelistVersion, **data: str) -> str:
    answer = client.post(reverse(f"vouchers:whitelist_{name}", args=[version.public_id]), data, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def plan(member: Member, quota: Quota, *customers: Association) -> None:
    chosen = receivers.customers_of(member.partner).filter(pk__in=[each.pk for each in customers])
    planning.plan_issue(
        quota=quota,
        choice=planning.of_customers(chosen),
        terms=terms_within(quota, face_minor=100),
        policy=Policy.SKIP,
        member=member,
        actor=actor_of(member),
        now=timezone.now(),
    )


# --- import ----------------------------------------------------------------------------------------------------------


def test_a_posted_file_becomes_a_draft_whose_changes_are_shown(fiona: Member, customers: list[Association]) -> None:
    first, client = list_in_force(fiona, *customers[:3]), signed_in(fiona)
    answer = send(client, lines(*customers[2:]) + b"nobody-x,Nobody\n")

    draft = WhitelistVersion.objects.get(number=2)
    assert answer.headers["Location"] == reverse("vouchers:whitelist_changes", args=[draft.public_id])
    shown = page(client, "whitelist_changes", draft)
    assert "This version removes 2, adds 1 and leaves 1 as they are" in shown
    assert (shown.count("Removed</span></td>"), shown.count("Added</span></td>")) == (2, 1)
    assert (draft.file_name, draft.rejected_count) == ("list.csv", 1)
    assert "Quillfeather" not in shown
    assert "quill-nest" not in shown
    assert active_version(fiona.partner, "customer") == first


def test_a_list_for_pickup_coupons_is_created_on_the_same_page(fiona: Member, customers: list[Association]) -> None:
    send(signed_in(fiona), lines(*customers), kind="_pickup")
    assert WhitelistVersion.objects.get().kind == "pickup"


def test_a_file_of_bad_rows_is_refused_with_each_reason(fiona: Member, customers: list[Association]) -> None:
    client, before = signed_in(fiona), picture()
    wrong = customers[0].account.account_name
    answer = send(client, f"{HEADER}nobody-x,Nobody\n{wrong},Somebody\n,Empty\n".encode())

    assert answer.status_code == 422
    shown = answer.content.decode()
    assert "No row of the file names a customer of yours. Nothing was changed." in shown
    for number, reason in ((2, "No customer of yours"), (3, "is not the one of this account"), (4, "cannot be read")):
        assert f">{number}</td>" in shown
        assert reason in shown
    assert picture() == before


@pytest.mark.parametrize("label", CHOSEN)
def test_a_hostile_file_changes_nothing(fiona: Member, label: str) -> None:
    _code, build = HOSTILE[label]
    client, before = signed_in(fiona), picture()
    answer = send(client, build(), "list.xlsx")
    assert answer.status_code in {413, 422}
    assert "field-error" in answer.content.decode()
    assert picture() == before


@pytest.mark.parametrize("text", [SCRIPT, HYPERLINK, "a\u202eb", "x" * 70, "' OR 1=1--"])
def test_what_stands_in_a_row_does_no_harm(fiona: Member, customers: list[Association], text: str) -> None:
    client, written = signed_in(fiona), io.StringIO()
    csv.writer(written).writerow([text, text])
    send(client, lines(customers[0]) + written.getvalue().encode())

    draft = WhitelistVersion.objects.get()
    assert (draft.entry_count, draft.rejected_count) == (1, 1)
    assert SCRIPT not in page(client, "whitelist_rejected", draft)
    file = client.get(reverse("vouchers:whitelist_rejected_file", args=[draft.public_id])).content.decode("utf-8-sig")
    assert not any(cell.startswith("=") for row in csv.reader(io.StringIO(file)) for cell in row)


def test_no_file_and_too_many_files_are_said(fiona: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    client = signed_in(fiona)
    assert client.post(reverse("vouchers:whitelist_import")).status_code == 422
    monkeypatch.setattr("vouchers.views.whitelists.UPLOADS_AN_HOUR", 1)
    assert send(client, b"x").status_code == 422
    answer = send(client, b"x")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3600")


def test_the_template_can_be_filled_in_and_imported(fiona: Member, customers: list[Association]) -> None:
    client = signed_in(fiona)
    template = client.get(reverse("vouchers:whitelist_template")).content
    send(client, template + lines(*customers).removeprefix(HEADER.encode()))
    assert WhitelistVersion.objects.get().entry_count == len(customers)


# --- versions --------------------------------------------------------------------------------------------------------


def test_the_first_step_is_offered_while_there_is_no_list(fiona: Member, dora: Member) -> None:
    assert "Create the whitelist" in page(signed_in(fiona), "whitelists")
    reading = page(signed_in(dora), "whitelists")
    assert "Create the whitelist" not in reading
    assert "Ask a partner admin or somebody of finance" in reading


def test_the_auditor_reads_and_is_offered_no_deed(fiona: Member, dora: Member, customers: list[Association]) -> None:
    list_in_force(fiona, *customers)
    draft = import_list(fiona, *customers[:1])
    client = signed_in(dora)
    assert "Version 2" in page(client, "whitelists")
    shown = page(client, "whitelist_changes", draft)
    assert "This version removes 3" in shown
    assert "data-open-dialog" not in shown.split("<main")[1].split("</main>")[0]
    assert "whitelist-import" not in shown


def test_pickup_coupons_have_their_tab_where_they_are_used(fiona: Member, partner: Partner) -> None:
    client = signed_in(fiona)
    assert "Pickup coupon whitelist" not in page(client, "whitelists")
    make_quota(partner, kind="pickup_coupon")
    assert "Pickup coupon whitelist" in page(client, "whitelists")


def test_government_cloud_partners_see_the_pickup_tab_from_the_start(fiona: Member, partner: Partner) -> None:
    Partner.objects.filter(pk=partner.pk).update(kind="gov")
    assert "Pickup coupon whitelist" in page(signed_in(fiona), "whitelists")


def test_customers_of_a_version_are_found_by_name_or_account(fiona: Member, customers: list[Association]) -> None:
    version, client = list_in_force(fiona, *customers), signed_in(fiona)
    address = reverse("vouchers:whitelist_version", args=[version.public_id])
    for asked in ({"customer_name": "Quillfeather 2"}, {"account_name": "QUILL-nest-2"}):
        answer = client.post(address, asked, follow=True)
        shown = answer.content.decode()
        assert "Showing 1–1 of 1" in shown
        assert f'id="row-{customers[2].account.public_id}"' in shown
        assert "Quill" not in str(answer.redirect_chain)


def test_names_are_revealed_to_who_may_and_only_of_own_lists(
    fiona: Member, charlie: Member, customers: list[Association]
) -> None:
    list_in_force(fiona, *customers[:1])
    asked = {
        "kind": "whitelist_entry", "field": "customer_name", "purpose": "support", "id": customers[0].account.public_id,
    }  # fmt: skip
    answer = signed_in(fiona).post(reverse("listing:reveal"), asked)
    assert answer.json() == {"values": {customers[0].account.public_id: "Quillfeather 0"}}
    assert signed_in(charlie).post(reverse("listing:reveal"), asked).status_code == 404
    unlisted = {**asked, "id": customers[1].account.public_id}
    assert signed_in(fiona).post(reverse("listing:reveal"), unlisted).status_code == 404


def test_a_long_version_costs_as_many_queries_as_a_short_one(
    fiona: Member, django_assert_max_num_queries: object
) -> None:
    short = list_in_force(fiona, *(make_customer(fiona) for _ in range(2)))
    long = list_in_force(fiona, *(make_customer(fiona) for _ in range(60)))
    client = signed_in(fiona)
    page(client, "whitelist_version", short)
    for version in (short, long):
        with django_assert_max_num_queries(16):
            page(client, "whitelist_version", version)
        with django_assert_max_num_queries(16):
            page(client, "whitelist_changes", version)


# --- deeds -----------------------------------------------------------------------------------------------------------


def test_activating_says_what_it_does_to_pending_plans(fiona: Member, customers: list[Association]) -> None:
    quota = make_quota(fiona.partner, kind="cash_coupon")
    list_in_force(fiona, *customers)
    plan(fiona, quota, *customers[:3])
    plan(fiona, make_quota(fiona.partner), *customers)
    client, draft = signed_in(fiona), import_list(fiona, *customers[2:])

    shown = page(client, "whitelist_changes", draft)
    assert "2 rows of pending plans name removed customers and would be left out:" in shown
    assert quota.number in shown
    assert shown.count('<dialog id="activate-version"') == 1


def test_plans_that_name_nobody_removed_are_not_counted(fiona: Member, customers: list[Association]) -> None:
    quota = make_quota(fiona.partner, kind="cash_coupon")
    list_in_force(fiona, *customers)
    plan(fiona, quota, customers[0])
    shown = page(signed_in(fiona), "whitelist_changes", import_list(fiona, *customers[:2]))
    assert "No pending plan names a customer whom it removes." in shown


def test_the_buttons_activate_bring_back_and_discard(fiona: Member, customers: list[Association]) -> None:
    client = signed_in(fiona)
    first = import_list(fiona, *customers[:2])
    assert "Version 1 is in force." in do(client, "activate", first, compared_with="")
    second = import_list(fiona, *customers)
    do(client, "activate", second, compared_with=first.public_id)
    assert "Version 3 is a draft of the same list." in do(client, "reactivate", first)
    third = WhitelistVersion.objects.get(number=3)
    assert "The same list as" in page(client, "whitelist_version", third)
    assert "Version 3 was discarded." in do(client, "discard", third)
    assert "This draft was discarded" in page(client, "whitelist_version", third)
    assert client.get(reverse("vouchers:whitelist_changes", args=[third.public_id])).status_code == 302
    assert active_version(fiona.partner, "customer") == second


def test_a_stale_page_does_not_activate_and_says_the_next_step(fiona: Member, customers: list[Association]) -> None:
    client = signed_in(fiona)
    slow, quick = import_list(fiona, *customers[:1]), import_list(fiona, *customers)
    activate(quick)
    shown = do(client, "activate", slow, compared_with="")
    assert "The list has changed since this version was compared with it." in shown
    assert "Compare again" in shown
    do(client, "compare", slow)
    # The page that was open before still names nothing as what the draft was compared with.
    assert "The list has changed" in do(client, "activate", slow, compared_with="")
    assert active_version(fiona.partner, "customer") == quick
    do(client, "activate", slow, compared_with=quick.public_id)
    assert active_version(fiona.partner, "customer") == slow


# --- rejected rows ---------------------------------------------------------------------------------------------------


def test_rejected_rows_go_back_to_who_uploaded_them_and_to_nobody_else(
    fiona: Member, alice: Member, customers: list[Association]
) -> None:
    client = signed_in(fiona)
    send(client, lines(customers[0]) + b"nobody-we-know,Nobody We Know\n")
    draft = WhitelistVersion.objects.get()
    file = reverse("vouchers:whitelist_rejected_file", args=[draft.public_id])

    rows = list(csv.reader(io.StringIO(client.get(file).content.decode("utf-8-sig"))))
    assert rows == [
        ["Account name", "Customer name", "Reason"],
        ["nobody-we-know", "Nobody We Know", "No customer of yours has this account name."],
    ]
    assert AuditEntry.objects.filter(deed="faulty_rows_downloaded", object_id=draft.public_id).count() == 1
    assert signed_in(alice).get(file).status_code == 404
    assert "Nobody We Know" not in page(client, "whitelist_rejected", draft)
    activate(draft)
    assert client.get(file).status_code == 404
    assert "No customer of yours has this account name." in page(client, "whitelist_rejected", draft)


def test_many_rejected_rows_stand_on_pages(fiona: Member, customers: list[Association]) -> None:
    client = signed_in(fiona)
    send(client, lines(customers[0]) + b"".join(b"nobody-%d,Nobody\n" % number for number in range(60)))
    address = reverse("vouchers:whitelist_rejected", args=[WhitelistVersion.objects.get().public_id])
    first = client.get(address).content.decode()
    assert first.count("<tr>") == 51
    assert "?after=52" in first
    assert client.get(f"{address}?after=52").content.decode().count("<tr>") == 11
    for wild in ("x", "-1", "9" * 40, "\u0664"):
        assert client.get(address, {"after": wild}).status_code == 200
