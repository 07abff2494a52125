"""The demo's forty days, told in order through the actions that people's clicks run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from customers import actions as customers
from customers.actions import Prospect
from customers.models import Preregistration
from customers.rules import Model
from invitations.actions import answering, linking, planning, sending, sweeping
from invitations.actions.answering import Arrival
from invitations.models import Invitation, InvitationLink
from invitations.rules import LinkKind, Status
from partner_center.audit import actions as audit
from partner_center.audit.models import Deed
from partner_center.jobs import actions as jobs
from partner_center.jobs.models import Job
from partner_center.jobs.rules import JobState
from partner_center.management.demo import script
from partner_center.management.demo.cast import Cast, register
from partner_center.management.demo.names import prospect
from partner_center.management.demo.post import deliver
from partner_center.management.demo.script import Batch
from partner_center.tenancy.actors import Actor

Play = Callable[[datetime], object]
NOBODY = Actor(kind="customer", name="")
DAYS = 40
# How long after opening an invitation a customer registers, and how long after it he decides.
TO_READ, TO_DECIDE = timedelta(minutes=2), timedelta(minutes=5)


class StoryStuck(RuntimeError):
    """A deed of the demo did not do what the story needs."""


@dataclass
class Story:
    """
    Deeds by their moment. They are collected in any order and happen in the order of time, as the logs must read.

    :param midnight: where the story ends: today's midnight, UTC
    """

    cast: Cast
    midnight: datetime
    troubles: dict[str, str] = field(default_factory=dict)
    deeds: list[tuple[datetime, Play]] = field(default_factory=list)
    customers_made: int = 0

    def moment(self, days: int, hour: int = 0, minute: int = 0) -> datetime:
        return self.midnight - timedelta(days=days) + timedelta(hours=hour, minutes=minute)

    def at(self, moment: datetime, play: Play) -> None:
        if moment > self.midnight:
            raise StoryStuck("a deed lies in the future")
        self.deeds.append((moment, play))

    def tell(self) -> None:
        """Let everything happen; the sweeps ring every night, and every mail is settled before the next deed."""
        for day in range(DAYS):
            self.at(self.midnight - timedelta(days=day, hours=1), _sweep)
        for moment, play in sorted(self.deeds, key=lambda deed: deed[0]):
            play(moment)
            deliver(troubles=self.troubles, at=moment)

    def new_customer(self, language: str) -> Prospect:
        self.customers_made += 1
        return prospect(self.customers_made, is_chinese=language == "zh-hans")

    # --- by mail

    def invite(self, batch: Batch) -> None:
        """Invite a list of customers, and let each of them do what the script says."""
        invited = [self.new_customer(batch.language) for _fate in batch.fates]
        self.troubles |= {invited[place].email: word for place, word in batch.trouble.items()}
        sent_at = self.moment(batch.days, batch.hour)
        self.at(sent_at, lambda now: self.send(batch.member, invited, batch.model, batch.language, now))
        answers = [(who, fate) for who, fate in zip(invited, batch.fates, strict=True) if fate != script.SILENT]
        for place, (who, fate) in enumerate(answers):
            self._answer(who, fate, batch, sent_at + script.FIRST_ANSWER + place * script.NEXT_ANSWER)

    def send(self, member: str, who: Sequence[Prospect], model: Model, language: str, now: datetime) -> None:
        """Plan a batch and apply it."""
        rows = [planning.Row(number=number, prospect=each) for number, each in enumerate(who, start=2)]
        plan = planning.plan_invitations(
            rows=rows,
            model=model,
            language=language,
            title="",
            member=self.cast.members[member],
            actor=self.cast.actor(member),
            now=now,
        )
        self.carry_out(plan, member, now)

    def resend(self, member: str, rows: Sequence[Invitation], now: datetime) -> None:
        plan = planning.plan_resend(
            invitations=rows, member=self.cast.members[member], actor=self.cast.actor(member), now=now
        )
        self.carry_out(plan, member, now)

    def carry_out(self, plan: Job, member: str, now: datetime) -> None:
        jobs.apply_plan(job=plan, digest=plan.digest, actor=self.cast.actor(member), now=now)
        jobs.work_due(now=now)
        plan.refresh_from_db()
        if plan.state != JobState.DONE:
            raise StoryStuck(f"a batch of {member} is {plan.state}")

    def _answer(self, who: Prospect, fate: str, batch: Batch, moment: datetime) -> None:
        if fate == script.CANCELLED:
            actor = self.cast.actor(batch.member)
            self.at(moment, lambda now: sending.cancel(invitation=_newest(who.email), actor=actor, now=now))
            return
        self.at(moment, lambda now: answering.record_opening(arrival=_by_mail(who.email), actor=NOBODY, now=now))
        if fate in script.PROFILES:
            self.register(who, fate, batch.language, moment + TO_READ)
            self.at(moment + TO_DECIDE, lambda now: self.accept(who, now))
        elif fate == script.DECLINES:
            self.register(who, "blameless", batch.language, moment + TO_READ)
            self.at(moment + TO_DECIDE, lambda now: self.decline(who, batch.language, now))

    def register(self, who: Prospect, profile: str, language: str, moment: datetime) -> None:
        """Let a customer open an account, or have had one for as long as the profile says."""
        about = script.PROFILES[profile]
        self.at(moment, lambda now: register(self.cast, who, about, language=language, now=now))

    def accept(self, who: Prospect, now: datetime) -> None:
        """Let a customer say yes; the checks say what comes of it."""
        account = self.cast.accounts[who.email]
        answering.accept(arrival=_by_mail(who.email), account=account, actor=self.cast.customer(who.email), now=now)

    def decline(self, who: Prospect, language: str, now: datetime) -> None:
        reason = "我们已有合作伙伴。" if language == "zh-hans" else "We already work with somebody else."
        account = self.cast.accounts[who.email]
        actor = self.cast.customer(who.email)
        answering.decline(arrival=_by_mail(who.email), account=account, reason=reason, actor=actor, now=now)

    # --- by link

    def make_link(
        self, member: str, kind: LinkKind, tag: str, now: datetime, *, days: int | None = None, uses: int | None = None
    ) -> None:
        linking.create_link(
            kind=kind,
            model=Model.RESELLER,
            custom_tag=tag,
            expires_at=now + timedelta(days=days) if days else None,
            max_uses=uses,
            member=self.cast.members[member],
            actor=self.cast.actor(member),
            now=now,
        )

    def arrive(self, tag: str, who: Prospect, profile: str, moment: datetime, *, by_qr: bool = False) -> None:
        """Let a customer come through a reusable link; with an empty profile he looks at it and goes away."""
        self.at(moment, lambda now: answering.record_opening(arrival=_by_link(tag, by_qr), actor=NOBODY, now=now))
        if not profile:
            return
        self.register(who, profile, "zh-hans" if who.email.endswith(".com") else "en", moment + TO_READ)
        self.at(moment + TO_DECIDE, lambda now: self.accept_link(tag, who, now, by_qr=by_qr))

    def accept_link(self, tag: str, who: Prospect, now: datetime, *, by_qr: bool) -> None:
        arrival = _by_link(tag, by_qr)
        answering.record_start(arrival=arrival)
        account, actor = self.cast.accounts[who.email], self.cast.customer(who.email)
        answering.accept(arrival=arrival, account=account, actor=actor, now=now)

    # --- without a mail

    def preregister(self, member: str, who: Prospect, now: datetime) -> None:
        owner = self.cast.members[member]
        customers.preregister(prospect=who, owner=owner, actor=self.cast.actor(member), now=now)

    def withdraw(self, member: str, who: Prospect, now: datetime) -> None:
        row = Preregistration.objects.live(now=now).get(email=who.email)
        customers.withdraw_preregistration(preregistration=row, actor=self.cast.actor(member), now=now)

    def wait_for_account(self, who: Prospect, now: datetime) -> None:
        """Leave an accepted invitation whose account the vendor is still opening: nothing can be checked before."""
        invitation = _newest(who.email)
        rows = Invitation.objects.acceptable(generation=invitation.generation, now=now).filter(pk=invitation.pk)
        rows.update(status=Status.ASSOCIATING, accepted_at=now, opened_at=now)
        audit.record(
            deed=Deed.INVITATION_ACCEPTED, actor=NOBODY, partner=invitation.partner, target=invitation, now=now
        )


def _sweep(now: datetime) -> None:
    sweeping.expire_due(now=now)
    customers.expire_preregistrations(now=now)


def _newest(email: str) -> Invitation:
    return Invitation.objects.select_related("partner", "owner__user").filter(email=email).latest("pk")


def _by_mail(email: str) -> Arrival:
    invitation = _newest(email)
    return Arrival(invitation=invitation, generation=invitation.generation)


def _by_link(tag: str, by_qr: bool) -> Arrival:
    link = link_with(tag)
    return Arrival(link=link, generation=link.generation, by_qr=by_qr)


def link_with(tag: str) -> InvitationLink:
    return InvitationLink.objects.select_related("partner", "created_by__user").get(custom_tag=tag)
