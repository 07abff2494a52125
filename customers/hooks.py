"""
What upper rooms do when an association begins, ends or changes its model: the one list of hooks (decisions.md 4).

An upper room adds its function in `AppConfig.ready()`. Hooks run inside the transaction of the deed, behind the lock of
the association and before the logs are written; what one raises undoes the deed.
"""

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from customers.models import Association
from partner_center.tenancy.actors import Actor


class Moment(StrEnum):
    """When a hook is called."""

    ASSOCIATED = "associated"
    ENDED = "ended"
    MODEL_SWITCHED = "model_switched"


class Hook(Protocol):
    """Do what follows from it; `actor` is who did the deed, the hook logs in its own name."""

    def __call__(self, association: Association, /, *, actor: Actor, now: datetime) -> None: ...


_hooks: dict[Moment, list[Hook]] = {moment: [] for moment in Moment}


def add(moment: Moment, hook: Hook) -> Callable[[], None]:
    """Have a hook called from now on; returns what takes it away again, for tests."""
    _hooks[moment].append(hook)
    return lambda: _hooks[moment].remove(hook)


def call(moment: Moment, association: Association, *, actor: Actor, now: datetime) -> None:
    """Call every hook of a moment in the order they were added."""
    for hook in _hooks[moment]:
        hook(association, actor=actor, now=now)
