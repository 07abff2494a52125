"""Who can be in the demo: shown under the sign-in form, printed by `seed_demo`, and never there in production."""

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from partner_center.environment import environment
from partner_center.refusals import Text
from partner_center.tenancy.models import User
from partner_center.tenancy.permissions import Role

# Known to everybody who can read: production has no demo, and refuses to make one.
DEMO_PASSWORD = "northwind-demo-2026"  # noqa: S105

XINGHE, HARBOUR, VENDOR = "星河数字科技有限公司", "Harbour Lights Ltd", "Northwind Cloud"


@dataclass(frozen=True, kw_only=True)
class DemoPerson:
    """
    Somebody the demo knows.

    :param partner: company name; empty for customers
    :param role: of a member; empty for the vendor's staff and for customers
    :param title: what the person is called in a list of logins
    """

    email: str
    name: str
    title: Text
    partner: str = ""
    role: str = ""
    language: str = "en"


def _member(email: str, name: str, role: Role, partner: str = XINGHE, language: str = "en") -> DemoPerson:
    return DemoPerson(email=email, name=name, title=role.label, partner=partner, role=role.value, language=language)


DEMO_PEOPLE = (
    _member("admin@xinghe.example.com", "周敏", Role.ADMIN, language="zh-hans"),
    _member("operator@xinghe.example.com", "Olivia Park", Role.OPERATOR),
    _member("manager@xinghe.example.com", "李晓梅", Role.ACCOUNT_MANAGER, language="zh-hans"),
    _member("manager.two@xinghe.example.com", "James Carter", Role.ACCOUNT_MANAGER),
    _member("director@xinghe.example.com", "陈建国", Role.ACCOUNT_DIRECTOR, language="zh-hans"),
    _member("finance@xinghe.example.com", "Grace Liu", Role.FINANCE),
    _member("auditor@xinghe.example.com", "王静", Role.AUDITOR, language="zh-hans"),
    _member("admin@harbour.example.org", "Hannah Reid", Role.ADMIN, HARBOUR),
    _member("operator@harbour.example.org", "Tom Okafor", Role.OPERATOR, HARBOUR),
    DemoPerson(
        email="platform@northwind.example.com", name="Nora Field", title=_("Platform admin"), partner=VENDOR, role=""
    ),
    DemoPerson(email="ready.customer@example.com", name="林子涵", title=_("Customer, can accept"), language="zh-hans"),
    DemoPerson(email="blocked.customer@example.org", name="Amelia Brooks", title=_("Customer, overdue amount")),
)


def demo_logins() -> list[dict[str, Text]]:
    """List who can sign in, as dicts of email, password, role and partner."""
    return [
        {"email": person.email, "password": DEMO_PASSWORD, "role": person.title, "partner": person.partner}
        for person in DEMO_PEOPLE
    ]


def shown_demo_logins() -> list[dict[str, Text]]:
    """List the logins where the demo stands, and nothing in production or in an installation without it."""
    if environment.is_production or not User.objects.filter(email=DEMO_PEOPLE[0].email).exists():
        return []
    return demo_logins()
