"""Causes on the customer's side that hold in both models."""

from django.utils.translation import gettext_lazy as _

from customers.rules.cause import Cause, Remedy, Resend, Side, Topic, WhoActs

_INVITE_OTHER_ACCOUNT = _("Ask the customer for another account, and invite that one.")
_USE_OTHER_ACCOUNT = _("Use another account to accept an invitation.")

CUSTOMER_CAUSES: tuple[Cause, ...] = (
    # All a partner may know of the customer's side before the customer has consented.
    Cause(
        code="customer_must_act",
        side=Side.CUSTOMER,
        who_acts=WhoActs.CUSTOMER,
        remedy=Remedy.AFTER_ACTION,
        resend=Resend.AFTER_FIX,
        label=_("Customer must act"),
        partner_message=_("Something on the customer's side stands in the way."),
        partner_next_step=_(
            "Only the customer sees what it is. Ask them to open the invitation and follow the check list."
        ),
        customer_message=_("Something on your side stands in the way of the association."),
        customer_next_step=_("Follow the check list on the invitation page."),
    ),
    Cause(
        code="customer_registered_by_other_partner",
        side=Side.CUSTOMER,
        who_acts=WhoActs.CUSTOMER,
        remedy=Remedy.TERMINAL,
        resend=Resend.NO,
        topic=Topic.RELATIONS,
        sources=("5.1/7",),
        label=_("Preregistered by another partner"),
        partner_message=_("Another partner has preregistered this customer."),
        partner_next_step=_(
            "A preregistration protects a customer for a limited time. Preregister the customer "
            "when it has ended, or ask your channel manager to review the case."
        ),
        customer_message=_("Another partner has preregistered you."),
        customer_next_step=_("Contact the partner you work with. If this is wrong, contact support."),
    ),
    Cause(
        code="customer_is_partner_or_applying",
        side=Side.CUSTOMER,
        who_acts=WhoActs.CUSTOMER,
        remedy=Remedy.TERMINAL,
        resend=Resend.NO,
        topic=Topic.IDENTITY,
        sources=("5.1/8",),
        label=_("Account of a partner or applicant"),
        partner_message=_("The customer's account is a partner or is applying to become one."),
        partner_next_step=_INVITE_OTHER_ACCOUNT,
        customer_message=_("Your account is a partner or is applying to become one."),
        customer_next_step=_USE_OTHER_ACCOUNT,
    ),
    Cause(
        code="customer_associated_other_partner",
        side=Side.CUSTOMER,
        who_acts=WhoActs.CUSTOMER,
        remedy=Remedy.AFTER_ACTION,
        resend=Resend.AFTER_FIX,
        topic=Topic.RELATIONS,
        sources=("5.1/9", "5.2/C2"),
        label=_("Associated with another partner"),
        partner_message=_("Customer account {account} is associated with another partner."),
        partner_next_step=_(
            "Ask the customer to end that association or to use a new account. Your channel manager can help to end it."
        ),
        customer_message=_("Your account is associated with another partner."),
        customer_next_step=_("End that association first, or use a new account. Then accept again."),
    ),
    Cause(
        code="customer_special_contract",
        side=Side.CUSTOMER,
        who_acts=WhoActs.PARTNER,
        remedy=Remedy.AFTER_ACTION,
        resend=Resend.AFTER_FIX,
        topic=Topic.CONTRACTS,
        sources=("5.1/10", "5.2/C4", "5.3/customer_direct_contract"),
        label=_("Contract with the vendor"),
        partner_message=_("Customer account {account} has a contract in force with the vendor."),
        partner_next_step=_(
            "Ask your channel manager to end the contract price, or ask the customer to use a new account."
        ),
        customer_message=_("Your account has a contract in force with the vendor."),
        customer_next_step=_("Contact your partner to have it ended, or use a new account."),
    ),
    Cause(
        code="customer_internal_account",
        side=Side.CUSTOMER,
        who_acts=WhoActs.VENDOR,
        remedy=Remedy.TERMINAL,
        resend=Resend.NO,
        topic=Topic.IDENTITY,
        sources=("5.1/11",),
        label=_("Internal account"),
        partner_message=_("The customer's account is an internal account of the vendor."),
        partner_next_step=_INVITE_OTHER_ACCOUNT,
        customer_message=_("Your account is an internal account of the vendor."),
        customer_next_step=_USE_OTHER_ACCOUNT,
    ),
    Cause(
        code="customer_has_consumption",
        side=Side.CUSTOMER,
        who_acts=WhoActs.CUSTOMER,
        remedy=Remedy.AFTER_ACTION,
        resend=Resend.AFTER_FIX,
        topic=Topic.HISTORY,
        sources=("5.1/16",),
        label=_("Spending records"),
        partner_message=_("The customer already has spending records."),
        partner_next_step=_("Ask the customer to file a ticket or to contact support."),
        customer_message=_("Your account already has spending records."),
        customer_next_step=_("File a ticket or contact support, and name the partner you want to associate with."),
    ),
    Cause(
        code="customer_balance_and_invoice_debt",
        side=Side.CUSTOMER,
        who_acts=WhoActs.CUSTOMER,
        remedy=Remedy.AFTER_ACTION,
        resend=Resend.AFTER_FIX,
        topic=Topic.MONEY,
        sources=("5.1/17",),
        label=_("Balance with outstanding invoices"),
        partner_message=_("The customer has a top-up balance, and the outstanding invoice amount exceeds the limit."),
        partner_next_step=_("Ask the customer to settle the invoices, or to file a ticket or contact support."),
        customer_message=_("Your account has a top-up balance, and its outstanding invoice amount exceeds the limit."),
        customer_next_step=_(
            "Return the invoices issued for too much, then accept again. "
            "If that is not possible, file a ticket or contact support."
        ),
    ),
    Cause(
        code="customer_registered_too_long",
        side=Side.CUSTOMER,
        who_acts=WhoActs.CUSTOMER,
        remedy=Remedy.AFTER_ACTION,
        resend=Resend.AFTER_FIX,
        topic=Topic.HISTORY,
        sources=("5.1/18",),
        label=_("Registered too long ago"),
        partner_message=_("The customer registered longer ago than allowed."),
        partner_next_step=_(
            "Preregister the customer and ask your channel manager for the vendor's review, "
            "or ask the customer to use a new account."
        ),
        customer_message=_("Your account was registered longer ago than allowed."),
        customer_next_step=_("File a ticket or contact support, or use a new account."),
    ),
    Cause(
        code="customer_overdue",
        side=Side.CUSTOMER,
        who_acts=WhoActs.CUSTOMER,
        remedy=Remedy.AFTER_ACTION,
        resend=Resend.AFTER_FIX,
        topic=Topic.MONEY,
        sources=("5.1/19", "5.2/C6"),
        label=_("Overdue payment"),
        partner_message=_("Customer account {account} has an overdue payment."),
        partner_next_step=_("Ask the customer to top up and repay it. Resend the invitation when that is done."),
        customer_message=_("Your account has an overdue payment."),
        customer_next_step=_("Top up and repay it, then accept again."),
    ),
    Cause(
        code="customer_unpaid_bill",
        side=Side.CUSTOMER,
        who_acts=WhoActs.CUSTOMER,
        remedy=Remedy.AFTER_ACTION,
        resend=Resend.AFTER_FIX,
        topic=Topic.MONEY,
        sources=("5.3/customer_unpaid_bill",),
        label=_("Unpaid bills"),
        partner_message=_("The customer has unpaid bills."),
        partner_next_step=_("Ask the customer to pay them. Resend the invitation when that is done."),
        customer_message=_("Your account has unpaid bills."),
        customer_next_step=_("Pay the bills, then accept again."),
    ),
)
