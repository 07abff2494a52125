"""Proof: what a protected action wants to see, and who may make one."""

from dataclasses import dataclass
from enum import Enum

from partner_center.tenancy.actors import Actor


class Ground(Enum):
    """Why a proof is one."""

    CODE = "code"
    NOT_ASKED = "not asked"
    API_KEY = "api key"


class ForgedProof(TypeError):
    """A mistake of ours: somebody makes a proof who has not checked a code."""


_SEAL = object()


@dataclass(frozen=True, kw_only=True)
class Proof:
    """
    The word of `actions.check` that a deed may be done, good for this deed only and spent once by `actions.spend`.

    :param challenge_id: primary key of the challenge that was passed; None where no code was asked for
    """

    ground: Ground
    member_id: int | None
    operation: str
    digest: str
    actor: Actor | None = None
    challenge_id: int | None = None
    seal: object = None

    def __post_init__(self) -> None:
        if self.seal is not _SEAL:
            raise ForgedProof


def by_code(*, challenge_id: int, member_id: int, operation: str, digest: str, actor: Actor) -> Proof:
    """Make the proof of a code that was right; for verification/actions only."""
    return Proof(
        ground=Ground.CODE,
        challenge_id=challenge_id,
        member_id=member_id,
        operation=operation,
        digest=digest,
        actor=actor,
        seal=_SEAL,
    )


def not_asked(*, member_id: int, operation: str, digest: str) -> Proof:
    """Make the proof that the partner's switch is off; for verification/actions only, which looks again later."""
    return Proof(ground=Ground.NOT_ASKED, member_id=member_id, operation=operation, digest=digest, seal=_SEAL)


def for_api(*, operation: str, digest: str) -> Proof:
    """Make the proof of a call signed by a key, which is never asked for a code (domain.md 4.17); for APIs only."""
    return Proof(ground=Ground.API_KEY, member_id=None, operation=operation, digest=digest, seal=_SEAL)
