"""
Causes on the partner's side.

The partner's own state is not the customer's business: what a customer reads here says only that
the partner account is not ready.
"""

from django.utils.translation import gettext_lazy as _

from customers.rules.cause import Cause, Remedy, Resend, Side, Topic, WhoActs
from customers.rules.facts import Model

_NOT_READY = _("The partner account cannot add customers in the reseller model now.")
_WAIT = _("There is nothing you need to do. The partner sees what to settle.")
_NOT_IN_REFERRAL = _("The partner account cannot associate with you in the referral model.")
_WAIT_FOR_RESELLER = _("Wait for a new invitation in the reseller model. If you agree, accept that one.")

PARTNER_CAUSES: tuple[Cause, ...] = (
    Cause(
        code="partner_model_not_allowed",
        side=Side.PARTNER,
        who_acts=WhoActs.PARTNER,
        remedy=Remedy.AFTER_ACTION,
        resend=Resend.AFTER_FIX,
        topic=Topic.PARTNER,
        label=_("Model not allowed"),
        partner_message=_("You are not allowed to use this association model."),
        partner_next_step=_("Invite in the other model, or ask your channel manager to allow this one."),
        customer_message=_("The partner account is not allowed to use this association model."),
        customer_next_step=_WAIT,
    ),
    # Raised when preregistering only (domain.md 4.1(1)); no association check looks at it.
    Cause(
        code="partner_contact_missing",
        side=Side.PARTNER,
        who_acts=WhoActs.PARTNER,
        remedy=Remedy.AFTER_ACTION,
        resend=Resend.AFTER_FIX,
        label=_("Partner contact missing"),
        partner_message=_("Your basic information has neither a mobile number nor an e-mail."),
        partner_next_step=_("Add a mobile number or an e-mail address to your basic information first."),
        customer_message=_("The partner account is not set up completely."),
        customer_next_step=_WAIT,
    ),
    Cause(
        code="partner_prepaid_no_reseller",
        side=Side.PARTNER,
        who_acts=WhoActs.PARTNER,
        remedy=Remedy.AFTER_ACTION,
        resend=Resend.AFTER_FIX,
        model=Model.RESELLER,
        topic=Topic.PARTNER,
        sources=("5.1/6",),
        label=_("Prepaid partner"),
        partner_message=_("A prepaid partner cannot develop customers in the reseller model."),
        partner_next_step=_("Invite in the referral model, or ask your channel manager to make you postpaid."),
        customer_message=_NOT_READY,
        customer_next_step=_WAIT,
    ),
    Cause(
        code="partner_not_enterprise_verified",
        side=Side.PARTNER,
        who_acts=WhoActs.PARTNER,
        remedy=Remedy.AFTER_ACTION,
        resend=Resend.AFTER_FIX,
        model=Model.RESELLER,
        topic=Topic.PARTNER,
        sources=("5.2/P1",),
        label=_("Partner not verified"),
        partner_message=_("Partner account {account} has no enterprise verification."),
        partner_next_step=_("Complete the enterprise verification of your account first."),
        customer_message=_NOT_READY,
        customer_next_step=_WAIT,
    ),
    Cause(
        code="partner_was_consignment_customer",
        side=Side.PARTNER,
        who_acts=WhoActs.PARTNER,
        remedy=Remedy.TERMINAL,
        resend=Resend.NO,
        model=Model.RESELLER,
        topic=Topic.PARTNER,
        sources=("5.2/P2",),
        label=_("Partner was a consignment customer"),
        partner_message=_("Partner account {account} is or once was a consignment customer of another partner."),
        partner_next_step=_("Check this, and invite from another partner account."),
        customer_message=_NOT_READY,
        customer_next_step=_WAIT,
    ),
    Cause(
        code="partner_in_custody",
        side=Side.PARTNER,
        who_acts=WhoActs.PARTNER,
        remedy=Remedy.AFTER_ACTION,
        resend=Resend.AFTER_FIX,
        model=Model.RESELLER,
        topic=Topic.PARTNER,
        sources=("5.2/P3",),
        label=_("Partner in custody"),
        partner_message=_("Partner account {account} has a financial custody relation."),
        partner_next_step=_("End the custody relation, or invite from another partner account."),
        customer_message=_NOT_READY,
        customer_next_step=_WAIT,
    ),
    Cause(
        code="partner_is_customer_multilevel",
        side=Side.PARTNER,
        who_acts=WhoActs.PARTNER,
        remedy=Remedy.TERMINAL,
        resend=Resend.NO,
        model=Model.RESELLER,
        topic=Topic.PARTNER,
        sources=("5.2/P4",),
        label=_("Partner is a customer itself"),
        partner_message=_(
            "Partner account {account} is itself a customer of another reselling partner. "
            "Reselling over several levels is not possible."
        ),
        partner_next_step=_("Check this, and invite from another partner account."),
        customer_message=_NOT_READY,
        customer_next_step=_WAIT,
    ),
    Cause(
        code="partner_negative_balance",
        side=Side.PARTNER,
        who_acts=WhoActs.PARTNER,
        remedy=Remedy.AFTER_ACTION,
        resend=Resend.AFTER_FIX,
        model=Model.RESELLER,
        topic=Topic.PARTNER,
        sources=("5.2/P5",),
        label=_("Partner balance negative"),
        partner_message=_("Partner account {account} has a negative available balance."),
        partner_next_step=_("Top up until the available balance is no longer negative."),
        customer_message=_NOT_READY,
        customer_next_step=_WAIT,
    ),
    Cause(
        code="referral_blocked_by_agreement",
        side=Side.PARTNER,
        who_acts=WhoActs.PARTNER,
        remedy=Remedy.SWITCH_MODEL,
        resend=Resend.OTHER_MODEL,
        model=Model.REFERRAL,
        topic=Topic.PARTNER,
        sources=("5.1/14",),
        label=_("Referral excluded by agreement"),
        partner_message=_("Your agreement with the vendor excludes the referral model here."),
        partner_next_step=_("Invite the customer in the reseller model."),
        customer_message=_NOT_IN_REFERRAL,
        customer_next_step=_WAIT_FOR_RESELLER,
    ),
    Cause(
        code="referral_blocked_by_country",
        side=Side.PARTNER,
        who_acts=WhoActs.PARTNER,
        remedy=Remedy.SWITCH_MODEL,
        resend=Resend.OTHER_MODEL,
        model=Model.REFERRAL,
        topic=Topic.PARTNER,
        sources=("5.1/15",),
        label=_("Referral excluded by country"),
        partner_message=_("Your country of registration excludes the referral model here."),
        partner_next_step=_("Invite the customer in the reseller model."),
        customer_message=_NOT_IN_REFERRAL,
        customer_next_step=_WAIT_FOR_RESELLER,
    ),
)
