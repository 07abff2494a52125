"""Puts the demo together: the batches of the script, and the few events that have a story of their own."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils import timezone, translation

from customers import actions as customers
from customers.actions import Prospect
from customers.models import Account
from customers.rules import Custody, EnterpriseRole, Model
from invitations.actions import answering, linking, sweeping
from invitations.models import Invitation
from invitations.rules import LinkKind, Status
from partner_center.console.demo import DEMO_PEOPLE, XINGHE
from partner_center.management.demo import script
from partner_center.management.demo.cast import PARTNERS, gather, register
from partner_center.management.demo.coupons import tell_of_coupons
from partner_center.management.demo.names import prospect
from partner_center.management.demo.script import (
    BATCHES,
    DIRECTOR,
    HARBOUR_ADMIN,
    HARBOUR_OPERATOR,
    MANAGER,
    MANAGER_TWO,
    OPERATOR,
    XINGHE_ADMIN,
    Profile,
)
from partner_center.management.demo.story import NOBODY, Story, link_with
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Partner

FAIR, SPRING, LEAFLET, WINDOW = "华东云展 2026", "Autumn campaign", "Old leaflet", "Harbour front desk"
UNIVERSAL = "Olivia Park"


def seed(*, now: datetime) -> bool:
    """
    Fill an installation with the demo, all of it or nothing; where it stands already nothing changes.

    :return: whether there was anything to do
    """
    if Partner.objects.filter(account_number=PARTNERS[XINGHE]["account_number"]).exists():
        return False
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with transaction.atomic(), translation.override("en"), timezone.override(UTC):
        story = Story(gather(founded=midnight - timedelta(days=60)), midnight)
        for batch in BATCHES:
            story.invite(batch)
        for part in (
            _links,
            _visits,
            _preregistrations,
            _rivals,
            _second_chances,
            _guests,
            _directory,
            _waiting,
            tell_of_coupons,
        ):
            part(story)
        story.tell()
    return True


def _links(story: Story) -> None:
    """Hand out links: of every kind, one used up in part, one revoked."""
    at, moment = story.at, story.moment
    at(moment(35, 2), lambda now: story.make_link(OPERATOR, LinkKind.UNIVERSAL, UNIVERSAL, now))
    at(moment(34, 3), lambda now: story.make_link(MANAGER, LinkKind.CUSTOM, FAIR, now))
    at(moment(20, 1), lambda now: story.make_link(DIRECTOR, LinkKind.CAMPAIGN, SPRING, now, days=45, uses=50))
    at(moment(33, 2), lambda now: story.make_link(XINGHE_ADMIN, LinkKind.CUSTOM, LEAFLET, now))
    at(moment(14, 2), lambda now: story.make_link(HARBOUR_ADMIN, LinkKind.CUSTOM, WINDOW, now))
    at(moment(34, 4), lambda now: _hand_out(story, MANAGER, FAIR, "png", now))
    at(moment(20, 2), lambda now: _hand_out(story, DIRECTOR, SPRING, "copy", now))
    at(moment(8, 4), lambda now: _revoke(story, XINGHE_ADMIN, LEAFLET, now))


def _visits(story: Story) -> None:
    """Let customers come by the links: most associate, some fail the checks, some only look."""
    visits = (
        (30, 5, UNIVERSAL, "zh-hans", "blameless", False), (28, 6, FAIR, "zh-hans", "blameless", True),
        (28, 7, FAIR, "zh-hans", "unverified", True), (28, 8, FAIR, "zh-hans", "", True),
        (27, 3, FAIR, "zh-hans", "blameless", True), (26, 4, LEAFLET, "en", "blameless", False),
        (22, 9, UNIVERSAL, "en", "", False), (16, 5, SPRING, "zh-hans", "blameless", False),
        (15, 5, SPRING, "en", "open_orders", False), (13, 6, SPRING, "en", "", False),
        (7, 7, SPRING, "zh-hans", "blameless", False), (5, 2, UNIVERSAL, "en", "blameless", False),
        (3, 8, FAIR, "zh-hans", "too_old", True),
    )  # fmt: skip
    for days, hour, tag, language, profile, by_qr in visits:
        story.arrive(tag, story.new_customer(language), profile, story.moment(days, hour, 10), by_qr=by_qr)


def _hand_out(story: Story, member: str, tag: str, way: str, now: datetime) -> None:
    linking.hand_out(link=link_with(tag), way=way, actor=story.cast.actor(member), now=now)


def _revoke(story: Story, member: str, tag: str, now: datetime) -> None:
    linking.revoke_link(link=link_with(tag), actor=story.cast.actor(member), now=now)


def _preregistrations(story: Story) -> None:
    """Reserve customers without inviting them: live ones, one lapsed, one withdrawn, one about to lapse."""
    reserved = (
        (29, 3, OPERATOR, "zh-hans"), (14, 9, MANAGER, "zh-hans"), (13, 2, MANAGER_TWO, "en"),
        (7, 4, OPERATOR, "zh-hans"), (6, 3, MANAGER, "en"), (5, 6, OPERATOR, "en"), (4, 1, DIRECTOR, "zh-hans"),
        (2, 2, MANAGER_TWO, "en"), (1, 4, MANAGER, "zh-hans"), (1, 5, OPERATOR, "zh-hans"),
        (8, 2, HARBOUR_OPERATOR, "en"), (2, 3, HARBOUR_ADMIN, "en"),
    )  # fmt: skip
    for days, hour, member, language in reserved:
        _reserve(story, story.moment(days, hour), member, story.new_customer(language))
    regretted = story.new_customer("en")
    _reserve(story, story.moment(11, 3), OPERATOR, regretted)
    story.at(story.moment(9, 8), lambda now: story.withdraw(OPERATOR, regretted, now))


def _reserve(story: Story, moment: datetime, member: str, who: Prospect) -> None:
    story.at(moment, lambda now: story.preregister(member, who, now))


def _rivals(story: Story) -> None:
    """Invite somebody who has just become the second partner's customer: no partner can know that before."""
    who = story.new_customer("en")
    story.arrive(WINDOW, who, "blameless", story.moment(14, 5))
    story.at(story.moment(13, 3, 20), lambda now: story.send(MANAGER_TWO, [who], Model.RESELLER, "en", now))
    story.at(story.moment(11, 6, 20), lambda now: story.accept(who, now))


def _second_chances(story: Story) -> None:
    """Clear the causes of some failures, send expired invitations again, and let a customer ask for a new link."""
    clear = {"unpaid_bill": False, "stored_value_card_minor": 0, "bonus_balance_minor": 0}
    story.at(story.moment(5, 3), lambda now: _clear(story, "customer_unpaid_bill", clear, now))
    story.at(story.moment(5, 4), lambda now: _clear(story, "customer_stored_value_card", clear, now))
    left = {"promotion_program": False}
    story.at(story.moment(1, 15), lambda now: _clear(story, "customer_in_promo_program", left, now))
    story.at(story.moment(3, 2), lambda now: story.resend(DIRECTOR, _expired_before(story.moment(25), 6), now))
    story.at(story.moment(2, 12), _ask_for_new_link)


def _clear(story: Story, cause: str, changes: Mapping[str, object], now: datetime) -> None:
    """Let the vendor correct the facts behind a failure, so that the invitation is ready to be tried again."""
    account = Account.objects.filter(invitations__cause=cause).earliest("pk")
    actor = Actor.person(story.cast.vendor)
    customers.change_account_facts(account=account, changes=changes, actor=actor, now=now)
    sweeping.recheck_blocked(now=now)


def _expired_before(moment: datetime, count: int) -> list[Invitation]:
    expired = Invitation.objects.filter(status=Status.EXPIRED, sent_at__lt=moment, partner__company_name=XINGHE)
    return list(expired.select_related("partner").order_by("-pk")[:count])


def _ask_for_new_link(now: datetime) -> None:
    invitation = Invitation.objects.filter(status=Status.EXPIRED, sent_at__gt=now - timedelta(days=15)).earliest("pk")
    answering.request_new_link(invitation=invitation, actor=NOBODY, now=now)


def _guests(story: Story) -> None:
    """Invite the two customers whose logins are shown: one who can accept, and one with an overdue amount."""
    profiles = {"ready.customer@example.com": "blameless", "blocked.customer@example.org": "overdue"}
    for number, person in enumerate((person for person in DEMO_PEOPLE if person.email in profiles), start=1):
        who = Prospect(
            email=person.email,
            customer_name=person.name,
            account_name=person.email.split("@")[0].replace(".", "-"),
            mobile=prospect(number, is_chinese=True).mobile,
        )
        _invite_guest(story, who, profiles[person.email], person.language)


def _invite_guest(story: Story, who: Prospect, profile: str, language: str) -> None:
    story.register(who, profile, language, story.moment(1, 8))
    story.at(story.moment(1, 10), lambda now: story.send(OPERATOR, [who], Model.RESELLER, language, now))


def _directory(story: Story) -> None:
    """Know more accounts than were ever invited: an enterprise with its members, and accounts of every kind."""
    story.at(story.moment(39), lambda now: _enterprise(story, now))
    for place, profile in enumerate(sorted(script.PROFILES)):
        language = "zh-hans" if place % 2 else "en"
        story.register(story.new_customer(language), profile, language, story.moment(39 - place, 1))


def _enterprise(story: Story, now: datetime) -> None:
    master, *members = (story.new_customer("zh-hans") for _number in range(3))
    facts: dict[str, object] = {"enterprise_role": EnterpriseRole.MASTER, "has_independent_member": True}
    account = register(story.cast, master, Profile(facts), language="zh-hans", now=now)
    below = Profile({"enterprise_role": EnterpriseRole.MEMBER, "custody": Custody.INDEPENDENT, "master": account})
    for member in members:
        register(story.cast, member, below, language="zh-hans", now=now)


def _waiting(story: Story) -> None:
    """Leave one customer between accepting and being associated."""
    who = story.new_customer("zh-hans")
    story.at(story.moment(1, 12), lambda now: story.send(DIRECTOR, [who], Model.RESELLER, "zh-hans", now))
    story.at(story.moment(0, -2), lambda now: story.wait_for_account(who, now))
