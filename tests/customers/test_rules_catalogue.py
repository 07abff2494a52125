"""The catalogue of causes as data: every source row once, every text there, no useless advice."""

import re

import pytest

from customers.rules import CAUSES, Cause, Model, Remedy, Resend, Side, WhoActs, cause_choices, with_account
from customers.rules.checks import CHECKS, REFUSE_PREREGISTRATION, REVIEW_PREREGISTRATION

# domain.md section 5, by hand, so that a row lost from the catalogue is missed here.
ROWS_5_1 = {f"5.1/{row}" for row in range(1, 21)}
ROWS_5_2 = {"5.2/0", *(f"5.2/P{row}" for row in range(1, 6)), *(f"5.2/C{row}" for row in range(1, 9))}
ROWS_5_3 = {
    "5.3/customer_other_site",
    "5.3/customer_needs_preregistration",
    "5.3/customer_preregistered_by_vendor",
    "5.3/customer_in_subsidy_program",
    "5.3/customer_in_promo_program",
    "5.3/customer_consumer_cloud",
    "5.3/customer_custody_member",
    "5.3/customer_reserved_instances",
    "5.3/customer_stored_value_card",
    "5.3/customer_bonus_balance",
    "5.3/customer_outstanding_invoice",
    "5.3/customer_direct_contract",
    "5.3/customer_unpaid_bill",
}
WITHOUT_SOURCE_ROW = {
    "inv_link_superseded",
    "inv_link_exhausted",
    "inv_cancelled",
    "inv_link_unusable",
    "mail_bounced",
    "customer_declined",
    "customer_must_act",
    "partner_model_not_allowed",
    "partner_contact_missing",
    "customer_country_mismatch",
}
RESEND_ADVICE = re.compile(r"\bresend\b", re.IGNORECASE)

every_cause = pytest.mark.parametrize("cause", CAUSES.values(), ids=list(CAUSES))


def texts_for_partner(cause: Cause) -> tuple[str, str, str]:
    return str(cause.label), str(cause.partner_message), str(cause.partner_next_step)


def texts_for_customer(cause: Cause) -> tuple[str, str]:
    return str(cause.customer_message), str(cause.customer_next_step)


def test_every_source_row_is_covered_by_exactly_one_cause() -> None:
    covered = [row for cause in CAUSES.values() for row in cause.sources]

    assert sorted(covered) == sorted(ROWS_5_1 | ROWS_5_2 | ROWS_5_3)


def test_only_the_named_extras_have_no_source_row() -> None:
    assert {code for code, cause in CAUSES.items() if not cause.sources} == WITHOUT_SOURCE_ROW


@pytest.mark.parametrize(
    ("code", "rows"),
    [
        ("customer_overdue", {"5.1/19", "5.2/C6"}),
        ("customer_associated_other_partner", {"5.1/9", "5.2/C2"}),
        ("customer_special_contract", {"5.1/10", "5.2/C4", "5.3/customer_direct_contract"}),
        ("customer_invoice_debt", {"5.2/C7", "5.3/customer_outstanding_invoice"}),
    ],
)
def test_one_thing_under_two_names_is_one_cause(code: str, rows: set[str]) -> None:
    assert set(CAUSES[code].sources) == rows


@every_cause
def test_every_text_is_there(cause: Cause) -> None:
    for text in (*texts_for_partner(cause), *texts_for_customer(cause)):
        assert text.strip() == text
        assert text
    for sentence in (*texts_for_partner(cause)[1:], *texts_for_customer(cause)):
        assert sentence.endswith("."), sentence


@every_cause
def test_texts_hold_no_placeholder_but_the_account_and_no_amount(cause: Cause) -> None:
    for text in texts_for_partner(cause):
        assert set(re.findall(r"{[^}]*}", text)) <= {"{account}"}
        assert not re.search(r"[0-9%¥$]", text)
    for text in texts_for_customer(cause):
        assert "{" not in text


@every_cause
def test_resending_is_not_advised_where_it_cannot_help(cause: Cause) -> None:
    advice = str(cause.partner_next_step)
    if cause.resend in {Resend.NO, Resend.OTHER_MODEL}:
        assert not RESEND_ADVICE.search(advice)
    if cause.resend == Resend.AFTER_FIX:
        assert not advice.startswith("Resend")


@every_cause
def test_remedy_resend_and_model_agree(cause: Cause) -> None:
    assert cause.retryable == (cause.remedy != Remedy.TERMINAL)
    assert (cause.resend == Resend.OTHER_MODEL) == (cause.remedy == Remedy.SWITCH_MODEL)
    if cause.remedy == Remedy.TERMINAL:
        assert cause.resend == Resend.NO
    if cause.remedy == Remedy.SWITCH_MODEL:
        assert cause.other_model is not None
        assert str(cause.other_model) in str(cause.partner_next_step)


@every_cause
def test_the_partners_own_causes_are_the_partners_to_solve_and_not_told_to_the_customer(cause: Cause) -> None:
    if cause.side == Side.PARTNER:
        assert cause.who_acts == WhoActs.PARTNER
        assert not re.search(r"balance|custody|prepaid|verif|consignment", " ".join(texts_for_customer(cause)))


@every_cause
def test_a_code_says_its_side(cause: Cause) -> None:
    side = {"sys": Side.SYSTEM, "inv": Side.INVITATION, "mail": Side.INVITATION, "partner": Side.PARTNER}
    side |= {"referral": Side.PARTNER, "customer": Side.CUSTOMER}
    expected = Side.INVITATION if cause.code == "customer_declined" else side[cause.code.split("_")[0]]

    assert cause.side == expected
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", cause.code)


def test_every_customer_and_partner_cause_is_checked_somewhere() -> None:
    checked = {code for code, _ in (*CHECKS, *REFUSE_PREREGISTRATION, *REVIEW_PREREGISTRATION)}
    of_accounts = {code for code, cause in CAUSES.items() if cause.side in {Side.PARTNER, Side.CUSTOMER}}

    assert of_accounts - checked == {"customer_must_act"}
    assert checked <= of_accounts


def test_every_checked_cause_has_a_heading_on_the_check_list() -> None:
    assert all(CAUSES[code].topic is not None for code, _ in CHECKS)


@pytest.mark.parametrize(
    ("code", "model", "remedy", "resend"),
    [
        # The documents say "resend", which cannot work (peers.md 8).
        ("partner_prepaid_no_reseller", Model.RESELLER, Remedy.AFTER_ACTION, Resend.AFTER_FIX),
        # The documents say "impossible", though the customer can disassociate first (peers.md 8).
        ("customer_associated_other_partner", None, Remedy.AFTER_ACTION, Resend.AFTER_FIX),
        ("customer_master_has_independent_member", Model.RESELLER, Remedy.AFTER_ACTION, Resend.AFTER_FIX),
        ("customer_is_enterprise_member", Model.RESELLER, Remedy.SWITCH_MODEL, Resend.OTHER_MODEL),
        ("referral_blocked_by_country", Model.REFERRAL, Remedy.SWITCH_MODEL, Resend.OTHER_MODEL),
        ("customer_internal_account", None, Remedy.TERMINAL, Resend.NO),
        ("inv_link_expired", None, Remedy.RETRY_NOW, Resend.YES),
    ],
)
def test_remedies_follow_the_corrected_table(code: str, model: Model | None, remedy: Remedy, resend: Resend) -> None:
    cause = CAUSES[code]

    assert (cause.model, cause.remedy, cause.resend) == (model, remedy, resend)


def test_the_catalogue_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        CAUSES["sys_busy"] = CAUSES["inv_link_used"]  # type: ignore[index]


def test_choices_name_every_cause_by_its_own_label() -> None:
    labels = [str(label) for _, label in cause_choices()]

    assert [code for code, _ in cause_choices()] == list(CAUSES)
    assert len(set(labels)) == len(labels)


def test_the_account_is_written_into_a_text_as_given() -> None:
    told = with_account(CAUSES["customer_overdue"].partner_message, "200****1234")

    assert told == "Customer account 200****1234 has an overdue payment."
