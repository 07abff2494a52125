"""What is known of an address: whom it lets in, what a right request looks like, and what that writes into the log."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.site.world import World

Values = Callable[[World], dict[str, Any]]

# Besides a Permission, these may be asked for.
EVERYBODY, SIGNED_IN, MEMBERS, PLATFORM, SIGNATURE = "everybody", "signed in", "members", "platform", "signature"
# An address of the API: it knows keys only, so no session of anybody's opens it (tests/api/ walks it with keys).
KEY = "key"
# A partner's members and the vendor's staff.
VIEWERS = "viewers"

NEW_PASSWORD = "battery staple horse correct"
ANSWER_REDIRECT, ANSWER_NONE = 302, 204
# For the addresses whose tries allauth counts.
COUNTED_TRIES = {"limits_cacheentry": "all but a GET is a try and counted, whatever comes of it"}


def nothing(_world: World) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Address:
    """
    One address.

    :param name: as reverse() knows it
    :param who: a Permission, or one of the words above
    :param method: GET for pages, POST for what changes something
    :param right: who makes the right request
    :param args: what stands in the address
    :param data: what is posted
    :param arrives_by: the token of the invitation link that was opened before
    :param answer: status of the right answer
    :param deeds: what the right request writes into the log, in order
    :param others: people who get another answer than their rights let expect, and which
    :param reading_writes: tables that a GET or HEAD may write to, and why
    """

    name: str
    who: str
    method: str = "GET"
    right: str = "bob"
    args: Values = nothing
    data: Values = nothing
    arrives_by: Callable[[World], str] | None = None
    answer: int = 200
    deeds: tuple[str, ...] = ()
    others: Mapping[str, int] = field(default_factory=dict)
    reading_writes: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    @property
    def is_of_an_object(self) -> bool:
        return self.args is not nothing


def public_id(make: Callable[[World], Any]) -> Values:
    return lambda world: {"public_id": make(world).public_id}
