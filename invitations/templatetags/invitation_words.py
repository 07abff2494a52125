"""How states and causes of invitations are shown."""

from django import template

from customers.models import Account
from customers.rules import with_account as fill_account
from invitations.rules import LinkState, Status
from partner_center.masking import mask_number
from partner_center.refusals import Text

register = template.Library()

STATUS_KINDS = {
    Status.INVITED: "info",
    Status.ASSOCIATING: "info",
    Status.ASSOCIATED: "success",
    Status.ASSOCIATION_FAILED: "danger",
    Status.DECLINED: "warning",
    Status.EXPIRED: "warning",
    Status.CANCELLED: "neutral",
}
LINK_KINDS = {
    LinkState.ACTIVE: "success",
    LinkState.EXPIRED: "warning",
    LinkState.USED_UP: "warning",
    LinkState.REVOKED: "neutral",
}


@register.filter
def status_kind(status: str) -> str:
    return STATUS_KINDS[Status(status)]


@register.filter
def link_state_kind(state: str) -> str:
    return LINK_KINDS[LinkState(state)]


@register.filter
def with_account(text: Text, account: Account | None) -> str:
    """Name the account that a cause speaks of, its number masked."""
    return fill_account(text, mask_number(account.account_number) if account else "")
