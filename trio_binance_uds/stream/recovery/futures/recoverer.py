"""The recovery of a futures stream: what it has told, and how it asks for the rest."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

import trio

from trio_binance_uds.events import Event
from trio_binance_uds.logs import stream_logger
from trio_binance_uds.stream.recovery.futures.knowledge import Knowledge
from trio_binance_uds.stream.recovery.futures.own_reports import search
from trio_binance_uds.stream.recovery.futures.recovered import Recovered
from trio_binance_uds.stream.recovery.futures.recovery import baseline, check, recover
from trio_binance_uds.stream.recovery.futures.scope import Scope
from trio_binance_uds.stream.recovery.inquiry import Budget, Inquiry, Request
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.own_reports import OrderName, Searched
from trio_binance_uds.stream.recovery.symbols import Gone
from trio_binance_uds.stream.recovery.timing import VenueClock

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)


class FuturesRecoverer:
    """Knows what the user was told, and recovers what was missed."""

    def __init__(self, scope: Scope, options: Recovery, gone: Gone | None = None) -> None:
        self.scope: Scope = scope
        self._options = options
        # Of the last recovery.
        self._budget: Budget
        self.knowledge: Knowledge = Knowledge(
            None if scope.dialect.unit is None else str(scope.dialect.unit),
            follows_account=scope.tells("ACCOUNT_UPDATE"),
            gone=gone,
        )

    def observe(self, event: Event) -> None:
        """Take in an event that was accepted for delivery."""
        self.knowledge.observe(event)

    @property
    def no_baseline_because(self) -> str:
        """Why it is not known what was there before the stream began; empty where it is."""
        return self.knowledge.no_baseline_because

    async def take_baseline(self, request: Request, clock: VenueClock, *, budget: Budget | None = None) -> None:
        """Ask what was there before the stream began."""
        unknown = await baseline(request, self.knowledge, self.scope, self._options, clock, budget=budget)
        if unknown:
            log.warning("gaps cannot be proven complete: %s", unknown)

    async def recover(
        self, request: Request, since: datetime, clock: VenueClock, *, budget: Budget | None = None
    ) -> Recovered:
        """Ask for what was missed since then; it raises no ordinary exception. A ``budget`` can be shared."""
        self._budget = budget = budget or Budget(self._options.weight_allowed)
        return await recover(request, self.knowledge, self.scope, since, self._options, clock, budget=budget)

    async def search(self, request: Request, orders: Sequence[OrderName], clock: VenueClock) -> Searched:
        """Ask for the fills of orders whose delivered reports do not add up."""
        knowledge = self.knowledge
        with trio.move_on_at(self._budget.began + self._options.max_seconds):
            inquiry = Inquiry(request, self._budget, knowledge.whose)
            return await search(inquiry, self.scope, orders, clock, knowledge.account_alias)
        return {}

    async def check(self, request: Request, clock: VenueClock) -> str:
        """Say how the open orders differ from what was delivered."""
        return await check(request, self.knowledge, self.scope, self._options, clock)

    def note_gap(self, since: datetime, until: datetime, *, complete: bool) -> None:
        """Take in that a gap has been told."""
        self.knowledge.learned.record()
        self.knowledge.unproven.note_gap(since, until, complete=complete)

    def abandon(self) -> None:
        """Forget what the last recovery has learned, as what it found is not delivered."""
        self.knowledge.learned.forget()
