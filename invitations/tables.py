"""How the history records look: which columns, which masks, which buttons (domain.md 4.7)."""

from functools import lru_cache
from html import escape
from operator import itemgetter
from typing import NamedTuple, cast

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from customers.rules import CAUSES, Model
from invitations import rules
from invitations.models import Invitation
from invitations.queries import RESEND_COOLDOWN
from invitations.rules import Delivery, Method, Status
from partner_center.listing import reveal
from partner_center.listing.columns import (
    ActionsColumn,
    Cell,
    ChoiceColumn,
    Column,
    MaskedColumn,
    Paint,
    SelectColumn,
    StackedColumn,
    StatusColumn,
    TextColumn,
    badge,
    time_html,
)
from partner_center.listing.keyset import PUBLIC_ID, Row
from partner_center.listing.tables import BaseTable
from partner_center.masking import mask_account, mask_email, mask_mobile, mask_name

KIND = "invitation"
MASKED_FIELDS = ("customer_name", "account_name", "email", "mobile")
KIND_OF_STATUS: dict[str, str] = {
    Status.INVITED: "info",
    Status.ASSOCIATING: "info",
    Status.ASSOCIATED: "success",
    Status.ASSOCIATION_FAILED: "danger",
    Status.DECLINED: "warning",
    Status.EXPIRED: "warning",
}
KIND_OF_DELIVERY: dict[str, str] = {
    Delivery.QUEUED: "info",
    Delivery.DEFERRED: "warning",
    Delivery.BOUNCED: "danger",
    Delivery.UNKNOWN: "warning",
    Delivery.SUPPRESSED: "danger",
}


def register_reveal() -> None:
    """Let the masked columns be revealed; called once by the app."""
    reveal.register(KIND, fields={name: name for name in MASKED_FIELDS}, rows=Invitation.objects.visible_to)


class OutcomeColumn(StatusColumn):
    """The status now, the cause of a failure in words, and the mail's state unless it was simply sent."""

    @property
    def fields(self) -> tuple[str, ...]:
        return "status", "expires_at", "cause", "ready_to_retry_at", "delivery"

    def cell(self, paint: Paint) -> Cell:
        status_of, expires_of, cause_of, ready_of, delivery_of = map(paint.getter, self.fields)
        badges, causes, deliveries = self.badges(), _cause_lines(get_language()), _delivery_lines()
        ready = f'<span class="cell-sub">{badge("success", _("Ready to retry"))}</span>'
        now = paint.now

        def draw(row: Row) -> str:
            status = rules.status_at(status=status_of(row), expires_at=expires_of(row), now=now)
            text = badges[status]
            if status == Status.ASSOCIATION_FAILED:
                text += causes.get(cause_of(row), "") + (ready if ready_of(row) else "")
            return text + deliveries.get(delivery_of(row), "")

        return draw


@lru_cache
def _cause_lines(language: str) -> dict[str, str]:
    """Write every cause once per language: the catalogue is long, and a page shows few of it."""
    return {code: f'<span class="cell-reason">{escape(str(cause.label))}</span>' for code, cause in CAUSES.items()}


def _delivery_lines() -> dict[str, str]:
    """Say the states of a mail that need attention; a sent one needs none, and of no mail there is nothing to say."""
    mail = _("Mail: %(state)s")
    return {
        state: f'<span class="cell-sub">{badge(kind, mail % {"state": Delivery(state).label})}</span>'
        for state, kind in KIND_OF_DELIVERY.items()
    }


class DatesColumn(Column):
    """When the invitation was made, until when it is valid, and when the customer answered."""

    css = "nowrap"

    @property
    def fields(self) -> tuple[str, ...]:
        return "created_at", "expires_at", "status", "accepted_at", "ended_at"

    def cell(self, paint: Paint) -> Cell:
        created_at, expires_at, status_of, accepted_at, ended_at = map(paint.getter, self.fields)
        invited, expires, associated, answered = (
            f'<span class="cell-sub">{escape(label)} '
            for label in (_("Invited"), _("Expires"), _("Associated"), _("Answered"))
        )
        zone = paint.zone

        def draw(row: Row) -> str:
            text = f"{invited}{time_html(created_at(row), zone)}</span>"
            if end := expires_at(row):
                text += f"{expires}{time_html(end, zone)}</span>"
            if status_of(row) == Status.ASSOCIATED:
                return f"{text}{associated}{time_html(ended_at(row), zone)}</span>"
            answer = accepted_at(row) or (ended_at(row) if status_of(row) == Status.DECLINED else None)
            return f"{text}{answered}{time_html(answer, zone)}</span>" if answer else text

        return draw


class _Resendable(NamedTuple):
    """What `rules.why_not_resendable` reads of an invitation."""

    email: str
    status: str
    cause: str
    delivery: str
    sent_at: object
    expires_at: object


def _actions(paint: Paint) -> Cell:
    """Offer to send again what may be sent again now; the button posts through a form the page holds once."""
    facts = itemgetter(*(paint.index[name] for name in _Resendable._fields))
    public_id, now = paint.getter(PUBLIC_ID), paint.now
    opening = '<button class="button" data-size="small" form="resend-one" name="id" value="'
    closing = f'">{escape(_("Resend"))}</button>'

    def draw(row: Row) -> str:
        invitation = cast(Invitation, _Resendable._make(facts(row)))
        if rules.why_not_resendable(invitation, now=now, cooldown=RESEND_COOLDOWN) is not None:
            return ""
        return f"{opening}{public_id(row)}{closing}"

    return draw


class HistoryTable(BaseTable):
    """Everybody a partner invited, and what became of it."""

    kind = KIND
    caption = gettext_lazy("History records")
    default_sort = "-invited"
    row_url_name = "invitations:detail"

    customer = StackedColumn(
        gettext_lazy("Customer"),
        css="primary",
        parts={
            "customer_name": MaskedColumn(
                gettext_lazy("Customer name"),
                field="customer_name",
                sort="customer_name_key",
                mask=mask_name,
                is_link=True,
            ),
            "account_name": MaskedColumn(
                gettext_lazy("Account name"), field="account_name", sort="account_name", mask=mask_account
            ),
        },
    )
    contact = StackedColumn(
        gettext_lazy("Contact"),
        parts={
            "email": MaskedColumn(gettext_lazy("E-mail"), field="email", sort="email", mask=mask_email),
            "mobile": MaskedColumn(gettext_lazy("Mobile number"), field="mobile", mask=mask_mobile),
        },
    )
    custom_tag = TextColumn(gettext_lazy("Custom tag"), field="custom_tag", sort="custom_tag", css="wrap")
    how = StackedColumn(
        gettext_lazy("Invited by way of"),
        css="narrow",
        parts={
            "method": ChoiceColumn(
                gettext_lazy("Invitation method"), field="method", sort="method", choices=Method.choices
            ),
            "model": ChoiceColumn(gettext_lazy("Model"), field="model", choices=Model.choices),
        },
    )
    status = OutcomeColumn(
        gettext_lazy("Status"), field="status", sort="status", choices=Status.choices, kinds=KIND_OF_STATUS
    )
    invited = DatesColumn(gettext_lazy("Dates"), sort="created_at")
    owner = TextColumn(gettext_lazy("Invited by"), field="owner__user__name", css="wrap")


class SenderTable(HistoryTable):
    """The same for those who may send: rows can be chosen and sent again."""

    select = SelectColumn()
    actions = ActionsColumn(actions=_actions, needs=_Resendable._fields)

    class Meta:
        sequence = ("select", "...", "actions")
