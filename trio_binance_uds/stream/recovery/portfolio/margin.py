"""The margin part of a Portfolio Margin account: what it can be asked, and how its events look.

It is recovered as margin is, which is as spot is, through a translation of what differs:

* Open orders are asked for symbol by symbol, as on a cross margin account: those that were named, that the stream has
  shown, or that have an open order list.
* Balances are the margin columns of the whole account's, without a time.
* What self-trade prevention took off an order is not listed at all, and loans only by asset: where either is needed to
  explain something, the recovery is incomplete.

Source: Binance Portfolio Margin, "Trade" and "Account" (2026-05-28).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import trio

from trio_binance_uds.errors import ApiError, AuthenticationFailed
from trio_binance_uds.events import (
    Event,
    ExecutionReport,
    OutboundAccountPosition,
    PortfolioMarginExecutionReport,
    PortfolioMarginOutboundAccountPosition,
)
from trio_binance_uds.logs import stream_logger
from trio_binance_uds.stream.recovery.contract import Recovered
from trio_binance_uds.stream.recovery.inquiry import Attentive, Budget, Inquiry, Metered, Request
from trio_binance_uds.stream.recovery.margin.answers import read_order, read_trade
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.own_reports import OrderName, Searched
from trio_binance_uds.stream.recovery.reading import each, member, text, whole
from trio_binance_uds.stream.recovery.spot.answers import AccountAnswer, read_balances
from trio_binance_uds.stream.recovery.spot.book import Book, Call
from trio_binance_uds.stream.recovery.spot.knowledge import Knowledge
from trio_binance_uds.stream.recovery.spot.own_reports import search
from trio_binance_uds.stream.recovery.spot.recovery import baseline, check, recover
from trio_binance_uds.stream.recovery.symbols import BAD_MARGIN_PAIR, Gone
from trio_binance_uds.stream.recovery.timing import BETWEEN_SERVERS, VenueClock

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

_ROOT = "GET /papi/v1/margin/"
_PREVENTIONS = f"{_ROOT}myPreventedMatches"


def _read_account(raw: Any, asked: datetime, answered: datetime) -> AccountAnswer:
    """Read the margin columns of the whole account's balances."""
    rows = [
        {
            "asset": member(row, "asset", text),
            "free": member(row, "crossMarginFree", whole),
            "locked": member(row, "crossMarginLocked", whole),
        }
        for row in each(raw)
    ]
    found = read_balances(rows)
    return AccountAnswer(
        raw={"balances": raw},
        updated=asked - BETWEEN_SERVERS,
        not_after=answered + BETWEEN_SERVERS,
        names=frozenset(found),
        balances={asset: held for asset, held in found.items() if any(held)},
    )


_BOOK = Book(
    account=Call("GET /papi/v1/balance", 20),
    open_orders=Call(f"{_ROOT}openOrders", 5),
    open_lists=Call(f"{_ROOT}openOrderList", 5),
    orders=Call(f"{_ROOT}allOrders", 100, page=500),
    trades=Call(f"{_ROOT}myTrades", 5),
    trades_of_order=Call(f"{_ROOT}myTrades", 5),
    order=Call(f"{_ROOT}order", 10),
    preventions_of_order=Call(_PREVENTIONS, 0),
    prevention=Call(_PREVENTIONS, 0),
    order_list=Call(f"{_ROOT}orderList", 5),
    order_lists=Call(f"{_ROOT}allOrderList", 100, page=500),
    do_orders_name_lists=False,
    are_orders_dear=True,
    are_open_orders_by_symbol=True,
    no_such_symbol=BAD_MARGIN_PAIR,
    read_account=_read_account,
    read_order=read_order,
    read_trade=read_trade,
)


class MarginPart:
    """Knows what the user was told of the margin part, and recovers what was missed."""

    def __init__(self, account: str, options: Recovery) -> None:
        self._account = account
        self._options = options
        self.knowledge: Knowledge = Knowledge(Gone(leaves_named=True))

    def observe(self, event: Event) -> None:
        """Take in an event that was accepted for delivery."""
        self.knowledge.observe(event)

    @property
    def no_baseline_because(self) -> str:
        """Why it is not known what was there before the stream began; empty where it is."""
        return self.knowledge.no_baseline_because

    async def take_baseline(self, request: Request, clock: VenueClock, *, budget: Budget) -> None:
        """Ask what was there before the stream began."""
        unknown = await baseline(_Translated(request), self.knowledge, self._options, clock, book=_BOOK, budget=budget)
        if unknown:
            log.warning("gaps of margin orders cannot be proven complete: %s", unknown)

    async def recover(self, request: Request, since: datetime, clock: VenueClock, *, budget: Budget) -> Recovered:
        """Ask for what was missed since then; it raises no ordinary exception."""
        self._budget = budget
        return await recover(
            _Translated(request),
            self.knowledge,
            since,
            self._options,
            clock,
            book=_BOOK,
            budget=budget,
            account=self._account,
        )

    async def search(self, request: Request, orders: Sequence[OrderName], clock: VenueClock) -> Searched:
        """Ask for the fills of orders whose delivered reports do not add up."""
        with trio.move_on_at(self._budget.began + self._options.max_seconds):
            inquiry = Inquiry(_Translated(request), self._budget, self.knowledge.whose)
            return await search(inquiry, _BOOK, orders, clock)
        return {}

    async def check(self, request: Request, clock: VenueClock) -> str:
        """Say how the open orders differ from what was delivered."""
        return await check(_Translated(request), self.knowledge, self._options, clock, book=_BOOK)

    def note_gap(self, since: datetime, until: datetime, *, complete: bool) -> None:
        """Take in that a gap has been told; the history lists what has changed of late, whenever it began."""
        self.knowledge.learned.record()

    def abandon(self) -> None:
        """Forget what the last recovery has learned, as what it found is not delivered."""
        self.knowledge.learned.forget()


@attrs.frozen
class _Translated:
    """Asks the routes of spot's questions as they are here."""

    request: Request

    async def __call__(self, method: str, params: Mapping[str, Any] | None) -> Any:
        if method == _PREVENTIONS:
            raise ApiError(method=method, status=404, code=0, msg="Portfolio Margin does not list them")
        return await self.request(method, params)

    def weight_left(self, method: str) -> int | None:
        return self.request.weight_left(method) if isinstance(self.request, Metered) else None

    def note_refused(self, error: AuthenticationFailed) -> None:
        if isinstance(self.request, Attentive):
            self.request.note_refused(error)


def as_portfolio_margin(event: Event) -> Event:
    """Return a recovered margin event as the class that Portfolio Margin has for it."""
    if isinstance(event, ExecutionReport):
        fields: dict[str, Any] = {**_fields(ExecutionReport, event), "is_best_match": None}
        return PortfolioMarginExecutionReport(**fields)
    if isinstance(event, OutboundAccountPosition):
        return PortfolioMarginOutboundAccountPosition(**_fields(OutboundAccountPosition, event), update_id=None)
    return event


def _fields(of: type[Any], event: Event) -> dict[str, Any]:
    return {field.name: getattr(event, field.name) for field in attrs.fields(of)}
