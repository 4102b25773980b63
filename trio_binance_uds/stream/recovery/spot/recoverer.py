"""The recovery of a spot stream: what it has told, and how it asks for the rest."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

import trio

from trio_binance_uds.events import Event
from trio_binance_uds.logs import stream_logger
from trio_binance_uds.stream.recovery.inquiry import Budget, Inquiry
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.own_reports import OrderName, Searched
from trio_binance_uds.stream.recovery.spot.book import SPOT_BOOK
from trio_binance_uds.stream.recovery.spot.knowledge import Knowledge
from trio_binance_uds.stream.recovery.spot.own_reports import search
from trio_binance_uds.stream.recovery.spot.recovery import Recovered, Request, baseline, check, recover
from trio_binance_uds.stream.recovery.timing import VenueClock

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)


class SpotRecoverer:
    """Knows what the user was told, and recovers what was missed."""

    def __init__(self, options: Recovery, account: str | None = None) -> None:
        self._options = options
        self._account = account
        self._knowledge = Knowledge()
        # Of the last recovery.
        self._budget: Budget
        self.observe: Callable[[Event], None] = self._knowledge.observe

    @property
    def no_baseline_because(self) -> str:
        """Why it is not known what was there before the stream began; empty where it is."""
        return self._knowledge.no_baseline_because

    async def take_baseline(self, request: Request, clock: VenueClock) -> None:
        """Ask what was there before the stream began."""
        unknown = await baseline(request, self._knowledge, self._options, clock)
        if unknown:
            log.warning("gaps cannot be proven complete: %s", unknown)

    async def recover(self, request: Request, since: datetime, clock: VenueClock) -> Recovered:
        """Ask for what was missed since then; it raises no ordinary exception."""
        self._budget = budget = Budget(self._options.weight_allowed)
        return await recover(
            request, self._knowledge, since, self._options, clock, budget=budget, account=self._account
        )

    async def search(self, request: Request, orders: Sequence[OrderName], clock: VenueClock) -> Searched:
        """Ask for the fills of orders whose delivered reports do not add up."""
        with trio.move_on_at(self._budget.began + self._options.max_seconds):
            return await search(Inquiry(request, self._budget, self._knowledge.whose), SPOT_BOOK, orders, clock)
        return {}

    async def check(self, request: Request, clock: VenueClock) -> str:
        """Say how the open orders differ from what was delivered."""
        return await check(request, self._knowledge, self._options, clock)

    def note_gap(self, since: datetime, until: datetime, *, complete: bool) -> None:
        """Take in that a gap has been told; the history lists what has changed of late, whenever it began."""
        self._knowledge.learned.record()

    def abandon(self) -> None:
        """Forget what the last recovery has learned, as what it found is not delivered."""
        self._knowledge.learned.forget()
