"""
A small world in which every address of the site has something to show.

Alice runs partner A, Bob invites for it, Carol manages her own customers, Dora audits, Nobody has no role at all;
Charlie runs partner B; Vendor is the vendor's staff. The customers bear values found nowhere else: the canaries.
"""

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime

from django.test import Client
from django.utils import timezone

from customers import actions as customers
from customers.actions import Prospect
from customers.models import Account, Preregistration
from customers.rules import Model
from invitations import queries
from invitations.actions import answering, linking, registering
from invitations.actions.answering import Arrival
from invitations.actions.planning import Row, plan_invitations, plan_resend
from invitations.models import Invitation, InvitationLink, Registration
from invitations.rules import MAIL_LINK, OFFLINE_LINK, REGISTER_LINK, LinkKind, RowReason
from partner_center.jobs import actions as jobs
from partner_center.jobs import worker
from partner_center.jobs.models import Job
from partner_center.mail.models import DevMessage
from partner_center.mail.sending import send_due
from partner_center.tenancy.models import Member, User
from tests.people import PASSWORD, actor_of, make_account, make_member, make_partner, signed_in

LINK_TAG = "spring-fair"


@dataclass(frozen=True)
class Canary:
    """A customer whose values are found nowhere else; `number` makes them unlike those of the other canaries."""

    number: int
    surname: str

    @property
    def name(self) -> str:
        return f"{self.surname}·云雀{self.number}"

    @property
    def email(self) -> str:
        return f"{self.surname.lower()}.lark{self.number}@aviary.example"

    @property
    def mobile(self) -> str:
        return f"+86139{self.number}04{self.number}"

    @property
    def account_name(self) -> str:
        return f"{self.surname.lower()}_nest{self.number}"

    @property
    def prospect(self) -> Prospect:
        return Prospect(email=self.email, customer_name=self.name, account_name=self.account_name, mobile=self.mobile)

    def account(self, **fields: object) -> Account:
        values = {"customer_name": self.name, "account_name": self.account_name, "mobile": self.mobile, **fields}
        return make_account(self.email, **values)


INVITED = Canary(731, "Quillfeather")
ASSOCIATED = Canary(642, "Heronshaw")
BLOCKED = Canary(853, "Wagtailor")
DECLINED = Canary(964, "Nightjarvis")
PLANNED = Canary(375, "Kestrelman")
RESERVED = Canary(486, "Goldcrestly")
BY_LINK = Canary(597, "Bitternham")
CAROLS = Canary(618, "Plovering")
DIRECTORY = Canary(729, "Sandpiperly")
CHARLIES = Canary(148, "Turnstonea")
CANARIES = (
    INVITED, ASSOCIATED, BLOCKED, DECLINED, PLANNED, RESERVED, BY_LINK, CAROLS, DIRECTORY, CHARLIES,
)  # fmt: skip


@dataclass
class World:
    """Everybody, and one of everything that has an address."""

    now: datetime
    alice: Member
    bob: Member
    carol: Member
    dora: Member
    finance: Member
    nobody: Member
    charlie: Member
    vendor: User
    clients: dict[str, Client] = field(default_factory=dict)
    accounts: dict[Canary, Account] = field(default_factory=dict)
    invitations: dict[Canary, Invitation] = field(default_factory=dict)

    def client(self, person: str, **options: bool) -> Client:
        """Open a browser of its own for a person: a name above, "customer" (who is invited) or "anonymous"."""
        client = Client(**options)
        client.cookies = deepcopy(self.clients[person].cookies)
        return client

    @property
    def invitation(self) -> Invitation:
        return self.invitations[INVITED]


def make_world() -> World:
    a, b = make_partner("Harbour Lights Ltd"), make_partner("星河数字科技")
    world = World(
        now=timezone.now(),
        alice=make_member(a, "Alice", "admin"),
        bob=make_member(a, "Bob", "operator"),
        carol=make_member(a, "Carol", "account_manager"),
        dora=make_member(a, "Dora", "auditor"),
        finance=make_member(a, "Finn", "finance"),
        nobody=make_member(a, "Nobody"),
        charlie=make_member(b, "Charlie", "admin"),
        vendor=User.objects.create_user("vendor@staff.example", PASSWORD, name="Vendor", is_platform_admin=True),
    )
    _invite(world)
    send_due(clock=timezone.now)
    _answer(world)
    _reserve(world)
    send_due(clock=timezone.now)
    _sign_in(world)
    return world


def _invite(world: World) -> None:
    for member, canaries in (
        (world.bob, (INVITED, ASSOCIATED, BLOCKED, DECLINED)),
        (world.carol, (CAROLS,)),
        (world.charlie, (CHARLIES,)),
    ):
        job = plan(member, canaries, now=world.now)
        jobs.apply_plan(job=job, digest=job.digest, actor=actor_of(member), now=world.now)
        worker.work_due(now=world.now, budget=60)
        rows = {row.email: row for row in Invitation.objects.of(member.partner)}
        world.invitations.update({canary: rows[canary.email] for canary in canaries})


def plan(member: Member, canaries: tuple[Canary, ...], *, now: datetime) -> Job:
    """Plan to invite some, and list one row that cannot be read."""
    rows = [Row(number=number, prospect=canary.prospect) for number, canary in enumerate(canaries, start=1)]
    rows.append(Row(number=len(rows) + 1, prospect=PLANNED.prospect, fault=RowReason.BAD_MOBILE))
    return plan_invitations(
        rows=rows, model=Model.RESELLER, language="en", title="", member=member, actor=actor_of(member), now=now
    )


def _answer(world: World) -> None:
    world.accounts = {
        INVITED: INVITED.account(),
        ASSOCIATED: ASSOCIATED.account(),
        BLOCKED: BLOCKED.account(overdue_minor=100),
        DECLINED: DECLINED.account(),
        BY_LINK: BY_LINK.account(is_partner=True),
        DIRECTORY: DIRECTORY.account(with_sign_in=False),
    }
    for canary in (ASSOCIATED, BLOCKED):
        answering.accept(**_arrival(world, canary))
    answering.decline(**_arrival(world, DECLINED), reason="Not now")
    link = make_link(world)
    came = {**_arrival(world, INVITED), "arrival": Arrival(link=link, generation=link.generation)}
    answering.accept(**{**came, "account": world.accounts[BY_LINK], "actor": actor_of(world.accounts[BY_LINK])})


def _arrival(world: World, canary: Canary) -> dict[str, object]:
    invitation, account = world.invitations[canary], world.accounts[canary]
    arrival = Arrival(invitation=invitation, generation=invitation.generation)
    return {"arrival": arrival, "account": account, "actor": actor_of(account), "now": world.now}


def _reserve(world: World) -> None:
    customers.preregister(prospect=RESERVED.prospect, owner=world.bob, actor=actor_of(world.bob), now=world.now)


def _sign_in(world: World) -> None:
    for name in ("alice", "bob", "carol", "dora", "finance", "nobody", "charlie", "vendor"):
        world.clients[name] = signed_in(getattr(world, name))
    world.clients["customer"] = signed_in(world.accounts[INVITED])
    world.clients["anonymous"] = Client()


# --- one of everything, made when an address asks for it -------------------------------------------------------------


def make_link(world: World) -> InvitationLink:
    return linking.create_link(
        kind=LinkKind.CUSTOM,
        model=Model.RESELLER,
        custom_tag=LINK_TAG,
        expires_at=None,
        max_uses=None,
        member=world.bob,
        actor=actor_of(world.bob),
        now=world.now,
    )


def make_plan(world: World) -> Job:
    return plan(world.bob, (PLANNED,), now=world.now)


def make_resend_plan(world: World) -> Job:
    rows = Invitation.objects.of(world.bob.partner).order_by("-pk")
    return plan_resend(invitations=rows, member=world.bob, actor=actor_of(world.bob), now=world.now)


def make_queued(world: World) -> Job:
    job = make_plan(world)
    return jobs.apply_plan(job=job, digest=job.digest, actor=actor_of(world.bob), now=world.now)


def make_export(world: World, file_format: str = "csv") -> Job:
    """Queue an export and let the worker write it."""
    job = jobs.queue_file(
        kind="history_export",
        file_format=file_format,
        title="",
        member=world.bob,
        partner=world.bob.partner,
        parameters={"filter": ""},
        actor=actor_of(world.bob),
        now=world.now,
    )
    worker.work_due(now=world.now, budget=60)
    job.refresh_from_db()
    return job


def preregistration(world: World) -> Preregistration:
    return Preregistration.objects.get(email=RESERVED.email)


def mail(world: World) -> DevMessage:
    return DevMessage.objects.get(recipient=INVITED.email)


def mail_token(world: World, canary: Canary = INVITED) -> str:
    return queries.token_of(world.invitations[canary], kind=MAIL_LINK)


def link_token(world: World) -> str:
    link = InvitationLink.objects.latest("pk")
    return queries.token_of(link, kind=OFFLINE_LINK)


def registration_token(world: World) -> str:
    """Let a newcomer come by a link, and give the token of the mail to the address they name."""
    link = InvitationLink.objects.latest("pk")
    registering.request_mail(
        arrival=Arrival(link=link, generation=link.generation), address=PLANNED.email, language="en", now=world.now
    )
    return queries.token_of(Registration.objects.latest("pk"), kind=REGISTER_LINK)
