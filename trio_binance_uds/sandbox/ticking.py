"""Lets the desks look at the clock now and then: for orders whose date has come, and for what they tell unasked."""

from __future__ import annotations

from collections.abc import Callable

from trio_binance_uds.sandbox.agenda import Agenda
from trio_binance_uds.sandbox.desk import Desk, Ticking

_SECOND = 1_000_000


class Ticker:
    """Ticks those desks that have an account, each ``interval`` seconds; an infinite one is never over.

    A desk without accounts has nothing to do, and on a virtual clock every tick that it does not need takes time.
    """

    def __init__(self, agenda: Agenda, now: Callable[[], int], interval: float) -> None:
        self._agenda = agenda
        self._now = now
        self._interval = interval
        self._desks: list[Ticking] = []

    def start(self, desk: Desk) -> None:
        """Tick a desk from now on, if it is one that ticks."""
        if isinstance(desk, Ticking) and desk not in self._desks and self._interval != float("inf"):
            self._desks.append(desk)
            self._wait(desk)

    def _wait(self, desk: Ticking) -> None:
        def tick() -> None:
            desk.tick()
            self._wait(desk)

        self._agenda.at(self._now() + round(self._interval * _SECOND), tick)
