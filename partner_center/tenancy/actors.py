"""Actor: who does a deed, as the log will name them."""

from dataclasses import dataclass
from typing import Literal, Self, TypedDict

from partner_center.tenancy.models import Member, User

ActorKind = Literal["member", "platform", "customer", "system", "api"]


class Trace(TypedDict):
    """What tells two clicks of the same person apart."""

    session_ref: str
    ip: str
    request_id: str


@dataclass(frozen=True, kw_only=True)
class Actor:
    """The author of a deed, with what the log needs to tell two clicks apart."""

    kind: ActorKind
    name: str
    user_id: int | None = None
    member_id: int | None = None
    public_id: str = ""
    session_ref: str = ""
    ip: str = ""
    request_id: str = ""

    @classmethod
    def system(cls, name: str) -> Self:
        """Speak for a sweep or a job that nobody pressed a button for."""
        return cls(kind="system", name=name)

    @classmethod
    def member(cls, member: Member, *, session_ref: str = "", ip: str = "", request_id: str = "") -> Self:
        return cls(
            kind="member",
            name=member.user.name,
            user_id=member.user_id,
            member_id=member.pk,
            public_id=member.public_id,
            session_ref=session_ref,
            ip=ip,
            request_id=request_id,
        )

    @classmethod
    def person(cls, user: User, *, session_ref: str = "", ip: str = "", request_id: str = "") -> Self:
        """Speak for the vendor's staff or for a customer."""
        return cls(
            kind="platform" if user.is_platform_admin else "customer",
            name=user.name if user.is_platform_admin else "",
            user_id=user.pk,
            public_id=user.public_id,
            session_ref=session_ref,
            ip=ip,
            request_id=request_id,
        )
