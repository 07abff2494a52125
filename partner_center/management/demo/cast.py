"""The people of the demo: partners with members of every role, the vendor's staff, and customers who can sign in."""

from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.hashers import make_password

from customers.actions import Prospect
from customers.models import Account
from partner_center.audit import actions as audit
from partner_center.audit.models import Deed
from partner_center.console.demo import DEMO_PASSWORD, DEMO_PEOPLE, HARBOUR, VENDOR, XINGHE, DemoPerson
from partner_center.management.demo.script import Profile
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner, User

FIRST_ACCOUNT = 2_001_100_001

PARTNERS: dict[str, dict[str, object]] = {
    XINGHE: {
        "account_number": "2000100001",
        "may_refer": True,
        "available_balance_minor": 125_000_00,
        "contact_email": "office@xinghe.example.com",
        "contact_mobile": "+862150000001",
        "language": "zh-hans",
    },
    HARBOUR: {
        "account_number": "2000100002",
        "country": "HK",
        "available_balance_minor": 48_300_00,
        "contact_email": "office@harbour.example.org",
        "time_zone": "Asia/Hong_Kong",
    },
}


@dataclass
class Cast:
    """Everybody who acts; customers join when they register."""

    password: str
    vendor: User
    members: dict[str, Member]
    accounts: dict[str, Account] = field(default_factory=dict)

    def actor(self, member: str) -> Actor:
        return Actor.member(self.members[member])

    def customer(self, email: str) -> Actor:
        return Actor.person(User.objects.get(email=email))


def gather(*, founded: datetime) -> Cast:
    """Make partners and members; one hash of the one password serves all, because a hash takes a third of a second."""
    password = make_password(DEMO_PASSWORD)
    partners = {
        name: Partner.objects.create(company_name=name, created_at=founded, **about) for name, about in PARTNERS.items()
    }
    users = {person.email: _user(person, password, founded) for person in DEMO_PEOPLE if person.partner}
    members = {
        person.email: Member.objects.create(
            partner=partners[person.partner], user=users[person.email], roles=[person.role], created_at=founded
        )
        for person in DEMO_PEOPLE
        if person.role
    }
    vendor = next(users[person.email] for person in DEMO_PEOPLE if person.partner == VENDOR)
    return Cast(password=password, vendor=vendor, members=members)


def _user(person: DemoPerson, password: str, founded: datetime) -> User:
    return User.objects.create(
        email=person.email,
        name=person.name,
        language=person.language,
        is_platform_admin=person.partner == VENDOR,
        password=password,
        created_at=founded,
    )


def register(cast: Cast, who: Prospect, profile: Profile, *, language: str, now: datetime) -> Account:
    """
    Put an account with a sign-in into the directory.

    One that is older than this moment was there before the story began to look, so the log knows nothing of it.
    """
    registered_at = now - profile.age
    user = User.objects.create(
        email=who.email, name=who.customer_name, language=language, password=cast.password, created_at=registered_at
    )
    account = Account.objects.create(
        user=user,
        account_number=str(FIRST_ACCOUNT + len(cast.accounts)),
        account_name=who.account_name,
        customer_name=who.customer_name,
        email=who.email,
        mobile=who.mobile,
        registered_at=registered_at,
        updated_at=now,
        **profile.facts,
    )
    if not profile.age:
        actor = Actor.person(user)
        audit.record(deed=Deed.ACCOUNT_REGISTERED, actor=actor, partner=None, target=account, now=now)
    cast.accounts[who.email] = account
    return account
