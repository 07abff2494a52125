"""Keeps the children of the stack alive, and ends them in order."""

import signal
import time
from collections.abc import Callable, Sequence
from types import FrameType

from partner_center.management.stack.broker import SECONDS_TO_START
from partner_center.management.stack.children import Child

GRACE = 30.0  # seconds for each child
MOST_DEATHS = 5
TICK = 0.1


class StackFault(Exception):
    """The stack cannot go on; the text says why."""


class Supervisor:
    """
    Starts children in the order given, restarts what dies, stops in the reverse order.

    `say` prints a line for the operator; `announce` is tried until it returns True: it tells when the site is up.
    """

    def __init__(
        self,
        children: Sequence[Child],
        *,
        say: Callable[[str], None],
        announce: Callable[[], bool],
        grace: float = GRACE,
    ) -> None:
        self.children = children
        self.say = say
        self.announce = announce
        self.grace = grace
        self.stop_requests = 0

    def run(self) -> None:
        """
        Run until SIGINT or SIGTERM, then stop everything; a second signal shortens the grace to nothing.

        :raises StackFault: when a child keeps dying; the others have been stopped then
        """
        before = {number: signal.signal(number, self._note_signal) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            self._start()
            self._watch()
        finally:
            self._stop()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note_signal(self, number: int, frame: FrameType | None) -> None:
        self.stop_requests += 1

    def _start(self) -> None:
        for child in self.children:
            if self.stop_requests:
                return
            child.start()
            self._wait_until_ready(child)

    def _wait_until_ready(self, child: Child) -> None:
        deadline = time.monotonic() + SECONDS_TO_START
        while child.is_ready is not None and not child.is_ready():
            if time.monotonic() > deadline or not child.is_running:
                raise StackFault(f"{child.name} did not start")
            time.sleep(0.02)

    def _watch(self) -> None:
        announced = False
        while not self.stop_requests:
            announced = announced or self.announce()
            for child in self.children:
                self._keep_alive(child)
            time.sleep(TICK)

    def _keep_alive(self, child: Child) -> None:
        if child.is_running:
            return
        if child.process_id:
            code = child.note_death()
            if child.deaths >= MOST_DEATHS:
                raise StackFault(
                    f"{child.name} ended {child.deaths} times in a row (exit code {code}); see the lines above"
                )
            self.say(f"{child.name} ended (exit code {code}) and is started again")
        elif time.monotonic() >= child.restart_at:
            child.start()

    def _stop(self) -> None:
        for child in reversed(self.children):
            if not child.is_running:
                continue
            self.say(f"stopping {child.name}")
            if not self._stop_one(child):
                self.say(f"{child.name} did not end in time and was killed")

    def _stop_one(self, child: Child) -> bool:
        # A second Ctrl-C while one child is waited for takes effect with the next one.
        return child.stop(grace=self.grace if self.stop_requests <= 1 else 0.5)
