"""The recovery of a stream of margin accounts: each of them for itself, as spot does it, and then joined.

Beyond what spot's recovery cannot tell, margin's cannot because its routes say less:

* When an account last changed. Balances hold what there was when they were asked for, give or take the clocks; a
  balance that nothing explains is not told where the stream has told one within half a minute before, as it may be
  the older one. That an order was placed and canceled on a symbol that the stream never showed leaves no trace at all.
* Amendments and allocations, which margin has not; were they needed, the recovery is incomplete.
* When a contingent order was triggered: that is concluded where it is certain, as from a fill as taker.
* Whether an order placed in the gap belongs to a list, without asking for all lists since then.
* What self-trade prevention took off an order, unless its end or its quantity gives it away, or its own mode is
  ``DECREMENT``.
* The size in quote asset of an order placed in the gap (0), why an order expired, and the trailing and strategy fields.
* A commission that the venue gives as null: the fill is told without one, and the recovery is incomplete.
* Transfers: the new balances are told, and the recovery is incomplete. Loans change balances too; they are asked for
  where a balance is not explained without.

Source: Binance Margin Trading, "Trade" and "Account" (2026-01-15).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

import trio

from trio_binance_uds.events import Event
from trio_binance_uds.logs import stream_logger
from trio_binance_uds.nurseries import start
from trio_binance_uds.products import MarginAccount, MarginHistory
from trio_binance_uds.stream.recovery.contract import Recovered
from trio_binance_uds.stream.recovery.inquiry import Budget, Inquiry, Request
from trio_binance_uds.stream.recovery.joined import JoinedRecovered, joined_reasons
from trio_binance_uds.stream.recovery.margin.book import margin_book
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.own_reports import OrderName, OwnReports, Searched
from trio_binance_uds.stream.recovery.spot.knowledge import Knowledge
from trio_binance_uds.stream.recovery.spot.own_reports import search
from trio_binance_uds.stream.recovery.spot.recovery import baseline, check, recover
from trio_binance_uds.stream.recovery.timing import VenueClock

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)


class MarginRecoverer:
    """Knows what the user was told of each account, and recovers what was missed."""

    def __init__(self, history: MarginHistory, options: Recovery) -> None:
        self._options = options
        # Of the last recovery.
        self._budget: Budget
        self._accounts = {account.name: _Account(account, options) for account in history.accounts}

    def observe(self, event: Event) -> None:
        """Take in an event that was accepted for delivery."""
        if (account := self._accounts.get(event.account or "")) is not None:
            account.knowledge.observe(event)

    @property
    def no_baseline_because(self) -> str:
        """Why it is not known what was there before the stream began; empty where it is."""
        return joined_reasons({name: account.no_baseline_because for name, account in self._accounts.items()})

    async def take_baseline(self, request: Request, clock: VenueClock) -> None:
        """Ask what was there before the stream began."""
        budget = Budget(self._options.weight_allowed)
        async with trio.open_nursery() as nursery:
            for account in self._accounts.values():
                if not account.no_baseline_because:
                    continue  # It is asked again, because that of another account was not answered.
                start(nursery, account.take_baseline, request, clock, budget)

    async def recover(self, request: Request, since: datetime, clock: VenueClock) -> Recovered:
        """Ask for what was missed since then, on all accounts at once within one budget."""
        self._budget = budget = Budget(self._options.weight_allowed)
        found: dict[str, Recovered] = {}

        async def recover_one(name: str, account: _Account) -> None:
            found[name] = await account.recover(request, since, clock, budget)

        async with trio.open_nursery() as nursery:
            for name, account in self._accounts.items():
                start(nursery, recover_one, name, account)
        return JoinedRecovered({name: found[name] for name in self._accounts})

    async def search(self, request: Request, orders: Sequence[OrderName], clock: VenueClock) -> Searched:
        """Ask for the fills of orders whose delivered reports do not add up, account by account."""
        found: dict[OrderName, OwnReports] = {}
        with trio.move_on_at(self._budget.began + self._options.max_seconds):
            for name, account in self._accounts.items():
                if wanted := [order for order in orders if order.account == name]:
                    found.update(await account.search(request, wanted, clock, self._budget))
        return found

    async def check(self, request: Request, clock: VenueClock) -> str:
        """Say how the open orders differ from what was delivered."""
        found = {name: await account.check(request, clock) for name, account in self._accounts.items()}
        return joined_reasons(found)

    def note_gap(self, since: datetime, until: datetime, *, complete: bool) -> None:
        """Take in that a gap has been told; the history lists what has changed of late, whenever it began."""
        for account in self._accounts.values():
            account.knowledge.learned.record()

    def abandon(self) -> None:
        """Forget what the last recovery has learned, as what it found is not delivered."""
        for account in self._accounts.values():
            account.knowledge.learned.forget()


class _Account:
    """One of the accounts."""

    def __init__(self, account: MarginAccount, options: Recovery) -> None:
        self._name = account.name
        self._options = options
        self._book = margin_book(account)
        self.knowledge = Knowledge()

    @property
    def no_baseline_because(self) -> str:
        """Why it is not known what was there before the stream began; empty where it is."""
        return self.knowledge.no_baseline_because

    async def take_baseline(self, request: Request, clock: VenueClock, budget: Budget) -> None:
        unknown = await baseline(request, self.knowledge, self._options, clock, book=self._book, budget=budget)
        if unknown:
            log.warning("gaps of %s cannot be proven complete: %s", self._name, unknown)

    async def recover(self, request: Request, since: datetime, clock: VenueClock, budget: Budget) -> Recovered:
        return await recover(
            request,
            self.knowledge,
            since,
            self._options,
            clock,
            book=self._book,
            budget=budget,
            account=self._name,
        )

    async def check(self, request: Request, clock: VenueClock) -> str:
        return await check(request, self.knowledge, self._options, clock, book=self._book)

    async def search(
        self, request: Request, orders: Sequence[OrderName], clock: VenueClock, budget: Budget
    ) -> Searched:
        return await search(Inquiry(request, budget, self.knowledge.whose), self._book, orders, clock)
