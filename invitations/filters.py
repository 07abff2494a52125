"""What the history records can be asked: the six filters of the field, and what tells who must act (domain.md 4.7)."""

from collections.abc import Iterable

from django.db.models import Case, F, Value, When
from django.db.models.expressions import Combinable
from django.utils.translation import gettext_lazy as _

from customers.rules import CAUSES, Model, WhoActs
from customers.rules.contact import normalise_mobile
from invitations.rules import Delivery, Method, Status, name_key
from partner_center.jobs.models import Job
from partner_center.listing.columns import Text
from partner_center.listing.filters import (
    ChoiceFilter,
    DayFilter,
    ListFilters,
    PersonalFilter,
    Preset,
    PublicIdFilter,
    TextFilter,
)
from partner_center.listing.keyset import Rows
from partner_center.mail.addresses import safe_display
from partner_center.masking import mask_account, mask_email, mask_mobile, mask_name
from partner_center.tenancy.models import Member

MOST_INVITERS = 200
READY = "1"
FAILED = Status.ASSOCIATION_FAILED
# What people call "failed, the customer must act" covers the vendor's part too: the partner can only wait or ask.
CAUSES_BY_ACTOR = {
    actor: [code for code, cause in CAUSES.items() if cause.who_acts == actor] for actor in WhoActs.values
}


def _in_status(rows: Rows, status: str, filters: ListFilters) -> Rows:
    """Ask for the status people see: expiry counts from its time (decisions.md 5.6)."""
    return rows.in_status(status, now=filters.now)  # type: ignore[attr-defined,no-any-return]


def _expired(rows: Rows, filters: ListFilters) -> tuple[Rows, ...]:
    """Take what is written down as expired and what only its time has ended apart: an index answers each."""
    return rows.filter(status=Status.EXPIRED), rows.filter(status=Status.INVITED, expires_at__lte=filters.now)


def _invited(rows: Rows, filters: ListFilters) -> tuple[Rows, ...]:
    return (_in_status(rows, Status.INVITED, filters),)


def _status_now(filters: ListFilters) -> Combinable:
    over = When(status=Status.INVITED, expires_at__lte=filters.now, then=Value(Status.EXPIRED.value))
    return Case(over, default=F("status"))


def _to_act(rows: Rows, actor: str, filters: ListFilters) -> Rows:
    return rows.filter(status=Status.ASSOCIATION_FAILED, cause__in=CAUSES_BY_ACTOR[actor])


def _ready_to_retry(rows: Rows, value: str, filters: ListFilters) -> Rows:
    return rows.filter(status=Status.ASSOCIATION_FAILED, ready_to_retry_at__isnull=False)


def _of_batch(rows: Rows, public_id: str, filters: ListFilters) -> Rows:
    return rows.filter(job__in=Job.objects.of(filters.member.partner).filter(public_id=public_id))


def _of_inviter(rows: Rows, public_id: str, filters: ListFilters) -> Rows:
    return rows.filter(owner__in=Member.objects.of(filters.member.partner).filter(public_id=public_id))


def _inviters(filters: ListFilters) -> Iterable[tuple[str, Text]]:
    """List the colleagues whose invitations the member sees; an account manager sees only his own."""
    members = Member.objects.of(filters.member.partner)
    if not filters.member.sees_everybody:
        members = members.filter(pk=filters.member.pk)
    return members.order_by("user__name", "pk").values_list("public_id", "user__name")[:MOST_INVITERS]


def _visible(text: str) -> str:
    return safe_display(text, longest=len(text) + 1)


def _name(text: str) -> str:
    return name_key(_visible(text))


def _word(text: str) -> str:
    return _visible(text).lower()


class HistoryFilters(ListFilters):
    """Filters of the history records; status stands as tabs."""

    tab = "status"
    presets = (
        Preset(_("Expired"), {"status": Status.EXPIRED}),
        Preset(_("Failed, you must act"), {"status": Status.ASSOCIATION_FAILED, "acts": WhoActs.PARTNER}),
        Preset(_("Failed, the customer must act"), {"status": Status.ASSOCIATION_FAILED, "acts": WhoActs.CUSTOMER}),
        Preset(_("Ready to retry"), {"status": Status.ASSOCIATION_FAILED, "ready": READY}),
        Preset(_("Bounced"), {"delivery": Delivery.BOUNCED}),
    )

    customer_name = PersonalFilter(_("Customer name"), field="customer_name_key", mask=mask_name, normalise=_name)
    account_name = PersonalFilter(_("Account name"), field="account_name", mask=mask_account, normalise=_word)
    custom_tag = TextFilter(_("Custom tag"), field="custom_tag")
    email = PersonalFilter(_("E-mail"), field="email", mask=mask_email, normalise=_word)
    method = ChoiceFilter(_("Invitation method"), field="method", choices=Method.choices)
    status = ChoiceFilter(
        _("Status"),
        field="status",
        choices=Status.choices,
        condition=_in_status,
        parts={Status.INVITED: _invited, Status.EXPIRED: _expired},
        group=_status_now,
    )
    mobile = PersonalFilter(
        _("Mobile number"),
        field="mobile",
        mask=mask_mobile,
        normalise=normalise_mobile,
        by_prefix=False,
        by_last_digits=True,
        hint=_("Whole, or last 4 digits"),
        more=True,
    )
    model = ChoiceFilter(_("Association model"), field="model", choices=Model.choices, more=True)
    delivery = ChoiceFilter(_("Delivery"), field="delivery", choices=Delivery.choices, more=True)
    acts = ChoiceFilter(_("Who must act"), choices=WhoActs.choices, condition=_to_act, within=FAILED, more=True)
    ready = ChoiceFilter(
        _("Retry"), choices=[(READY, _("Ready to retry"))], condition=_ready_to_retry, within=FAILED, more=True
    )
    owner = ChoiceFilter(_("Invited by"), choices=_inviters, condition=_of_inviter, more=True)
    invited_from = DayFilter(_("Invited from"), field="created_at", edge="from", more=True)
    invited_to = DayFilter(_("Invited to"), field="created_at", edge="to", more=True)
    expires_from = DayFilter(_("Expires from"), field="expires_at", edge="from", more=True)
    expires_to = DayFilter(_("Expires to"), field="expires_at", edge="to", more=True)
    job = PublicIdFilter(_("Batch"), condition=_of_batch)
