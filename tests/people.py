"""The cast: alice runs partner A, bob invites, carol manages, dora audits, fiona pays; charlie of B sees nothing."""

from itertools import count

import pytest
from django.test import Client

from customers.models import Account
from partner_center.tenancy.actors import Actor
from partner_center.tenancy.models import Member, Partner, User

_numbers = count(1)
PASSWORD = "correct horse battery"


def make_partner(name: str = "Harbour Lights Ltd", **fields: object) -> Partner:
    fields.setdefault("account_number", f"2000{next(_numbers):06}")
    fields.setdefault("contact_email", "office@harbour.example")
    fields.setdefault("may_refer", True)
    return Partner.objects.create(company_name=name, **fields)


def make_member(partner: Partner, name: str, *roles: str, **fields: object) -> Member:
    user = User.objects.create_user(f"{name.lower()}{next(_numbers)}@staff.example", PASSWORD, name=name, **fields)
    return Member.objects.create(partner=partner, user=user, roles=list(roles))


def make_account(email: str = "", *, with_sign_in: bool = True, **fields: object) -> Account:
    number = next(_numbers)
    email = email or f"customer{number}@customer.example"
    fields.setdefault("account_number", f"2001{number:06}")
    fields.setdefault("account_name", f"customer-{number}")
    fields.setdefault("customer_name", "Wei Customer")
    user = User.objects.create_user(email, PASSWORD, name="Wei Customer") if with_sign_in else None
    return Account.objects.create(email=email, user=user, **fields)


def signed_in(person: Member | User | Account) -> Client:
    user = person if isinstance(person, User) else person.user
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


def actor_of(person: Member | Account) -> Actor:
    return Actor.member(person) if isinstance(person, Member) else Actor.person(person.user)


@pytest.fixture
def partner(db: None) -> Partner:
    return make_partner()


@pytest.fixture
def other_partner(db: None) -> Partner:
    return make_partner("星河数字科技")


@pytest.fixture
def alice(partner: Partner) -> Member:
    return make_member(partner, "Alice", "admin")


@pytest.fixture
def bob(partner: Partner) -> Member:
    return make_member(partner, "Bob", "operator")


@pytest.fixture
def carol(partner: Partner) -> Member:
    return make_member(partner, "Carol", "account_manager")


@pytest.fixture
def dora(partner: Partner) -> Member:
    return make_member(partner, "Dora", "auditor")


@pytest.fixture
def fiona(partner: Partner) -> Member:
    return make_member(partner, "Fiona", "finance")


@pytest.fixture
def charlie(other_partner: Partner) -> Member:
    return make_member(other_partner, "Charlie", "admin")


@pytest.fixture
def platform_admin(db: None) -> User:
    return User.objects.create_user("vendor@staff.example", PASSWORD, name="Vendor", is_platform_admin=True)
