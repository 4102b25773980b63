"""The margin part of a Portfolio Margin account: what it can be asked, and how its events look.

It is recovered as margin is, which is as spot is, through a translation of what differs:

* Open orders are asked for symbol by symbol: those that were named, that the stream has shown, or that have an open
  order list. Orders that were open before on other symbols are not known.
* Balances are the margin columns of the whole account's, without a time.
* What self-trade prevention took off an order is not listed at all, and loans only by asset: where either is needed to
  explain something, the recovery is incomplete.

Source: Binance Portfolio Margin, "Trade" and "Account" (2026-05-28).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import attrs

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
from trio_binance_uds.stream.recovery.inquiry import Attentive, Budget, Request
from trio_binance_uds.stream.recovery.margin.answers import read_order, read_trade
from trio_binance_uds.stream.recovery.matching import check_answer
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.reading import each, member, text, whole
from trio_binance_uds.stream.recovery.spot.answers import AccountAnswer, read_balances
from trio_binance_uds.stream.recovery.spot.book import Book, Call
from trio_binance_uds.stream.recovery.spot.knowledge import Knowledge
from trio_binance_uds.stream.recovery.spot.recovery import baseline, recover
from trio_binance_uds.stream.recovery.timing import BETWEEN_SERVERS, VenueClock

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

_ROOT = "GET /papi/v1/margin/"
_OPEN_ORDERS = f"{_ROOT}openOrders"
_OPEN_LISTS = f"{_ROOT}openOrderList"
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


def _book(symbols: int) -> Book:
    """Return what the margin part can be asked, where open orders are asked for so many symbols."""
    return Book(
        account=Call("GET /papi/v1/balance", 20),
        open_orders=Call(_OPEN_ORDERS, 5 * max(symbols, 1)),
        open_lists=Call(_OPEN_LISTS, 5),
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
        read_account=_read_account,
        read_order=read_order,
        read_trade=read_trade,
    )


class MarginPart:
    """Knows what the user was told of the margin part, and recovers what was missed."""

    def __init__(self, account: str, options: Recovery) -> None:
        self._account = account
        self._options = options
        # Open order lists show symbols that the stream has not.
        self._listed: dict[str, None] = {}
        self.knowledge: Knowledge = Knowledge()

    def observe(self, event: Event) -> None:
        """Take in an event that was accepted for delivery."""
        self.knowledge.observe(event)

    @property
    def no_baseline_because(self) -> str:
        """Why it is not known what was there before the stream began; empty where it is."""
        return self.knowledge.no_baseline_because

    async def take_baseline(self, request: Request, clock: VenueClock, *, budget: Budget) -> None:
        """Ask what was there before the stream began."""
        unknown = await baseline(
            self._translated(request), self.knowledge, self._options, clock, book=self._book(), budget=budget
        )
        if unknown:
            log.warning("gaps of margin orders cannot be proven complete: %s", unknown)

    async def recover(self, request: Request, since: datetime, clock: VenueClock, *, budget: Budget) -> Recovered:
        """Ask for what was missed since then; it raises no ordinary exception."""
        return await recover(
            self._translated(request),
            self.knowledge,
            since,
            self._options,
            clock,
            book=self._book(),
            budget=budget,
            account=self._account,
        )

    def note_gap(self, since: datetime, until: datetime, *, complete: bool) -> None:
        """Do nothing: the history lists what has changed of late, whenever it began."""

    def note_listed(self, symbols: Iterable[str]) -> None:
        """Record symbols that have an open order list."""
        self._listed.update(dict.fromkeys(symbols))

    def symbols(self) -> list[str]:
        """Return the symbols whose open orders are asked for."""
        return list(dict.fromkeys([*self._options.symbols, *self.knowledge.symbols, *self._listed]))

    def _book(self) -> Book:
        return _book(len(self.symbols()))

    def _translated(self, request: Request) -> Request:
        """Return what asks the routes of spot's questions as they are here."""
        return _Translated(request, self)


@attrs.frozen
class _Translated:
    request: Request
    part: MarginPart

    async def __call__(self, method: str, params: Mapping[str, Any] | None) -> Any:
        if method == _PREVENTIONS:
            raise ApiError(method=method, status=404, code=0, msg="Portfolio Margin does not list them")
        if method != _OPEN_ORDERS:
            answer = await self.request(method, params)
            if method == _OPEN_LISTS:
                self.part.note_listed(_symbols_of(answer))
            return answer
        found: list[Any] = []
        for symbol in self.part.symbols():
            asked = {**(params or {}), "symbol": symbol}
            answer = await self.request(method, asked)
            check_answer(asked, answer)
            found += each(answer)
        return found

    def note_refused(self, error: AuthenticationFailed) -> None:
        if isinstance(self.request, Attentive):
            self.request.note_refused(error)


def _symbols_of(lists: Any) -> Iterable[str]:
    return [member(row, "symbol", text) for row in each(lists)]


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
