"""What partners give in the demo: quotas, whitelists, coupons, what customers use of them, and the vendor's review."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from django.db.models import QuerySet

from customers.models import Account, Association
from customers.rules import Custody, EnterpriseRole
from partner_center.console.demo import XINGHE
from partner_center.management.demo.script import FINANCE, HARBOUR_ADMIN
from partner_center.management.demo.story import Story
from partner_center.tenancy.actors import Actor
from vouchers.actions import consuming, expiring, planning, quotas, recalling, reviewing, whitelists
from vouchers.actions.planning import Chosen
from vouchers.actions.quotas import Limits
from vouchers.models import Coupon, OperationRecord, Quota, ReviewMark
from vouchers.rules import CouponKind, QuotaStatus
from vouchers.rules.issuing import Policy, Terms
from vouchers.rules.whitelists import ListedRow, WhitelistKind

BILLING = Actor.system("billing")
YUAN = 100


def tell_of_coupons(story: Story) -> None:
    """Let vendor, finance and customers do what they do with coupons in forty days."""
    for part in (_quotas, _whitelists, _issues, _consumption, _recalls, _reviews):
        part(story)
    for day in range(1, 30):
        story.at(story.moment(day, -1, 30), lambda now: expiring.expire_due(now=now))


# --- quotas


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A quota that the vendor gives, in yuan; `life` in days."""

    days: int
    member: str
    kind: CouponKind
    total: int
    limits: Limits = field(default_factory=Limits)
    life: int = 365


GRANTS = (
    Grant(
        days=36, member=FINANCE, kind=CouponKind.VOUCHER, total=50_000,
        limits=Limits(min_face_minor=10 * YUAN, max_face_minor=2_000 * YUAN),
    ),
    Grant(days=35, member=FINANCE, kind=CouponKind.CASH, total=20_000),
    Grant(
        days=30, member=FINANCE, kind=CouponKind.VOUCHER, total=5_000, life=36,
        limits=Limits(services=["ECS", "OBS"], order_types=["new"], max_count=40),
    ),
    Grant(days=28, member=FINANCE, kind=CouponKind.PICKUP, total=6_000),
    Grant(days=21, member=FINANCE, kind=CouponKind.VOUCHER, total=3_000),
    Grant(days=20, member=HARBOUR_ADMIN, kind=CouponKind.VOUCHER, total=8_000),
)  # fmt: skip


def _quotas(story: Story) -> None:
    for each in GRANTS:
        story.at(story.moment(each.days, 1), partial(_grant, story, each))
    story.at(story.moment(12, 1), partial(_freeze, story))
    story.at(story.moment(9, 2), partial(_raise_total, story))


def _grant(story: Story, grant: Grant, now: datetime) -> None:
    quotas.grant(
        partner=story.cast.members[grant.member].partner,
        kind=grant.kind,
        total_minor=grant.total * YUAN,
        currency="CNY",
        effective_at=now,
        expires_at=now + timedelta(days=grant.life),
        limits=grant.limits,
        actor=Actor.person(story.cast.vendor),
        now=now,
    )


def _freeze(story: Story, now: datetime) -> None:
    newest = Quota.objects.filter(partner__company_name=XINGHE).latest("pk")
    vendor = Actor.person(story.cast.vendor)
    quotas.change_status(quota=newest, status=QuotaStatus.FROZEN, note="Contract under review", actor=vendor, now=now)


def _raise_total(story: Story, now: datetime) -> None:
    vendor = Actor.person(story.cast.vendor)
    cash = _quota(story, FINANCE, CouponKind.CASH)
    quotas.change_total(quota=cash, total_minor=25_000 * YUAN, note="Autumn campaign", actor=vendor, now=now)


def _quota(story: Story, member: str, kind: CouponKind) -> Quota:
    """Return the first quota of a kind that a member's partner was granted."""
    rows = Quota.objects.select_related("partner").of(story.cast.members[member].partner)
    return rows.filter(kind=kind).earliest("pk")


# --- whitelists


def _whitelists(story: Story) -> None:
    story.at(story.moment(26, 2), lambda now: _import(story, slice(3, 6), now, kind=WhitelistKind.PICKUP))
    story.at(story.moment(25, 2), lambda now: _import(story, slice(0, 6), now))
    story.at(story.moment(24, 2), lambda now: _join_an_enterprise(story, now))
    story.at(story.moment(10, 2), lambda now: _import(story, slice(1, 9), now))
    story.at(story.moment(1, 9), lambda now: _import(story, slice(2, 11), now, activates=False))


def _import(
    story: Story,
    which: slice,
    now: datetime,
    *,
    kind: WhitelistKind = WhitelistKind.CUSTOMER,
    activates: bool = True,
) -> None:
    accounts = [customer.account for customer in _customers(story, FINANCE)[which]]
    rows = [
        ListedRow(number=number, account_name=account.account_name, customer_name=account.customer_name)
        for number, account in enumerate(accounts, start=2)
    ]
    rows.append(ListedRow(number=len(rows) + 2, account_name="no-such-customer", customer_name=""))
    member, actor = story.cast.members[FINANCE], story.cast.actor(FINANCE)
    draft = whitelists.import_version(
        kind=kind, rows=rows, file_name="whitelist.csv", member=member, actor=actor, now=now
    )
    if activates:
        whitelists.activate(version=draft, actor=actor, now=now)


def _join_an_enterprise(story: Story, now: datetime) -> None:
    """Let a listed customer become a member of an enterprise: its cash coupons go to the master account from now on."""
    master = Account.objects.filter(enterprise_role=EnterpriseRole.MASTER).earliest("pk")
    member = _customers(story, FINANCE)[2].account
    facts = {"enterprise_role": EnterpriseRole.MEMBER, "custody": Custody.UNIFIED, "master": master}
    Account.objects.filter(pk=member.pk).update(**facts, updated_at=now)


# --- coupons


def _customers(story: Story, member: str) -> list[Association]:
    """List the customers of a member's partner, first come first."""
    rows = Association.objects.of(story.cast.members[member].partner).active()
    return list(rows.select_related("account").order_by("pk"))


@dataclass(frozen=True, kw_only=True)
class Issue:
    """A batch of coupons: face value in yuan, which of the partner's customers, and for how many days."""

    days: int
    face: int
    who: slice
    kind: CouponKind = CouponKind.VOUCHER
    member: str = FINANCE
    life: int = 90
    remark: str = ""


ISSUES = (
    Issue(days=23, face=100, who=slice(0, 8), remark="Welcome 2026"),
    Issue(days=22, face=300, who=slice(0, 6), kind=CouponKind.CASH),
    Issue(days=19, face=80, who=slice(3, 6), kind=CouponKind.PICKUP),
    Issue(days=18, face=500, who=slice(2, 5), life=60),
    Issue(days=15, face=50, who=slice(0, 6), life=10, remark="Two-week trial"),
    Issue(days=6, face=200, who=slice(4, 12), life=120, remark="展会客户"),
    Issue(days=4, face=150, who=slice(0, 2), member=HARBOUR_ADMIN),
    Issue(days=3, face=120, who=slice(0, 5), kind=CouponKind.CASH),
    Issue(days=1, face=100, who=slice(-3, None)),
)


def _issues(story: Story) -> None:
    for each in ISSUES:
        story.at(story.moment(each.days, 3), partial(_issue, story, each))


def _issue(story: Story, issue: Issue, now: datetime) -> None:
    quota = _quota(story, issue.member, issue.kind)
    chosen = _customers(story, issue.member)[issue.who]
    ends = min(now + timedelta(days=issue.life), quota.expires_at)
    plan = planning.plan_issue(
        quota=quota,
        choice=[Chosen(number=number, customer=customer) for number, customer in enumerate(chosen, start=1)],
        terms=Terms(face_minor=issue.face * YUAN, effective_at=now, expires_at=ends, remark=issue.remark),
        policy=Policy.SKIP,
        member=story.cast.members[issue.member],
        actor=story.cast.actor(issue.member),
        now=now,
    )
    story.carry_out(plan, issue.member, now)


def _consumption(story: Story) -> None:
    """Let customers use some of what they hold: a part, all of it, and one that waits for its payment."""
    used = ((20, 3_750), (19, 10_000), (14, 6_200), (11, 30_000), (7, 2_599), (2, 5_000))
    for number, (days, amount) in enumerate(used):
        story.at(story.moment(days, 9), partial(_use, amount, f"CS-26{number:04}"))
    story.at(story.moment(2, 10), partial(_hold, "CS-269001"))


def _untouched(now: datetime) -> QuerySet[Coupon]:
    rows = Coupon.objects.usable(now=now).select_related("partner", "account").order_by("pk")
    return rows.filter(consumed_minor=0, locked_by_order="", partner__company_name=XINGHE)


def _use(amount: int, order: str, now: datetime) -> None:
    coupon = _untouched(now).filter(balance_minor__gte=amount)[0]
    consuming.consume(coupon=coupon, amount_minor=amount, order_id=order, actor=BILLING, now=now)


def _hold(order: str, now: datetime) -> None:
    consuming.lock(coupon=_untouched(now)[0], order_id=order, actor=BILLING, now=now)


def _recalls(story: Story) -> None:
    story.at(story.moment(13, 3), partial(_recall, story, "The campaign has ended."))
    story.at(story.moment(8, 6), partial(_recall, story, ""))


def _recall(story: Story, reason: str, now: datetime) -> None:
    coupon = _untouched(now)[0]
    member, actor, shown = story.cast.members[FINANCE], story.cast.actor(FINANCE), coupon.balance_minor
    proof = recalling.ask_for_code(
        coupon=coupon,
        reason_for_customer=reason,
        remark="",
        shown_minor=shown,
        member=member,
        code="",
        actor=actor,
        now=now,
    )
    recalling.recall_one(
        coupon=coupon,
        reason_for_customer=reason,
        remark="",
        partner=coupon.partner,
        member=member,
        proof=proof,
        actor=actor,
        now=now,
        shown_minor=shown,
    )


def _reviews(story: Story) -> None:
    story.at(story.moment(5, 1), lambda now: _review(story, now))


def _review(story: Story, now: datetime) -> None:
    vendor = Actor.person(story.cast.vendor)
    records = list(OperationRecord.objects.select_related("partner").order_by("pk")[:12])
    reviewing.mark(records=records[:11], as_=ReviewMark.REVIEWED, note="", actor=vendor, now=now)
    flag = "Please send us the agreement with this customer."
    reviewing.mark(records=records[11:], as_=ReviewMark.FLAGGED, note=flag, actor=vendor, now=now)
