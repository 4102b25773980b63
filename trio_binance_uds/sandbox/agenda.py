"""Does things at their time on the sandbox's clock: what expires, and what is due every hour."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count

import attrs
import trio

from trio_binance_uds.sandbox.clock import Clock

_SECOND = 1_000_000
# A clock that follows the machine's time can lag a little behind trio's.
_SHORTEST = 0.001


@attrs.define(eq=False)
class _Entry:
    action: Callable[[], None] | None


class Agenda:
    """A list of things to do, each at a time in microseconds since the epoch.

    Whoever looks at what such a thing changes calls :meth:`catch_up` first, and then sees the truth even when the
    task of :meth:`run` has not had its turn yet.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: list[tuple[int, int, _Entry]] = []
        self._numbers = count()
        self._wake = trio.Event()
        clock.on_change = self._look_again

    def at(self, time: int, action: Callable[[], None]) -> Callable[[], None]:
        """Do something at a time, or at the next opportunity when that has passed.

        Returned is what takes it off the list, which may be called at any time and twice.
        """
        entry = _Entry(action)
        heapq.heappush(self._entries, (time, next(self._numbers), entry))
        self._look_again()

        def cancel() -> None:
            entry.action = None

        return cancel

    def catch_up(self) -> None:
        """Do all that is due, in the order of its times."""
        now = self._clock.now()
        while self._entries and self._entries[0][0] <= now:
            action = heapq.heappop(self._entries)[2].action
            if action is not None:
                action()

    async def run(self) -> None:
        """Catch up whenever something is due."""
        while True:
            self.catch_up()
            self._wake = trio.Event()
            wait = float("inf")
            if self._entries:
                wait = max((self._entries[0][0] - self._clock.now()) / _SECOND, _SHORTEST)
            with trio.move_on_after(wait):
                await self._wake.wait()

    def _look_again(self) -> None:
        self._wake.set()
