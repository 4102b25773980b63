"""What the user of an options stream has been told so far, as far as it matters for telling the rest after a gap.

* An open order is known by its last update, and a finished one by its key for a while.
* A fill is known by its symbol, trade and order; the last twenty thousand are remembered.
* A wallet and a position are known by the last update that named them. Fills that were told but whose update was not
  yet are kept until it is.
* What was there before the stream began is known from the *baseline*, which tells the user nothing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal

import attrs

from trio_binance_uds.events import (
    BalancePositionUpdate,
    Event,
    GreekUpdate,
    OptionsAccountUpdate,
    OptionsOrderTradeUpdate,
    OptionsRiskLevelChange,
)
from trio_binance_uds.stream.recovery.european_options.answers import (
    FINAL_STATUSES,
    ZERO,
    Key,
    OrderAnswer,
    Totals,
    totals_of,
)
from trio_binance_uds.stream.recovery.european_options.reports import update_of
from trio_binance_uds.stream.recovery.finished import Finished
from trio_binance_uds.stream.recovery.learned import Learned
from trio_binance_uds.stream.recovery.matching import Whose
from trio_binance_uds.stream.recovery.symbols import Gone
from trio_binance_uds.stream.recovery.unproven import Unproven

_FILLS_REMEMBERED = 20_000
_UNSETTLED_AT_MOST = 10_000

Greeks = Mapping[str, tuple[Decimal | None, Decimal | None, Decimal | None, Decimal | None]]


@attrs.frozen
class Told:
    """An amount, and as of when it was told; of the baseline from when to when that may have been."""

    amount: Decimal
    at: datetime
    until: datetime


@attrs.frozen(kw_only=True)
class BaselineAnswers:
    """What was there when the stream began."""

    orders: tuple[OrderAnswer, ...]
    wallets: Mapping[str, Decimal]
    positions: Mapping[str, Decimal]
    totals: Totals | None
    greeks: Greeks
    risk_level: str
    until: datetime


class Knowledge:
    """What has been told; see the module."""

    def __init__(self) -> None:
        self.whose: Whose = Whose()
        self.orders: dict[Key, OptionsOrderTradeUpdate] = {}
        self.finished: Finished[Key] = Finished()
        # What was delivered as placed of late: a history that does not show it is behind.
        self.placed: Finished[Key] = Finished()
        # When something was last told of them, or when they were found in the baseline.
        self.symbols: dict[str, datetime] = {}
        self.wallets: dict[str, Told] = {}
        self.positions: dict[str, Told] = {}
        self.unsettled: list[OptionsOrderTradeUpdate] = []
        self.totals: Totals | None = None
        self.greeks: Greeks | None = None
        self.risk_level: str | None = None
        self.began: datetime | None = None
        self.newest: datetime | None = None
        self.baseline_at: datetime | None = None
        self.baseline_until: datetime | None = None
        # Until when the baseline was asked for: what ended meanwhile is in no answer.
        self.asked_until: datetime | None = None
        self.unproven: Unproven = Unproven()
        self.gone: Gone = Gone()
        self.learned: Learned = Learned()
        self.no_baseline_because: str = "it was never asked for"
        self._fills: OrderedDict[Hashable, None] = OrderedDict()

    def observe(self, event: Event) -> None:
        """Take in an event that was accepted for delivery."""
        if isinstance(event, OptionsOrderTradeUpdate):
            self._order(event)
            self._note_time(event.transaction_time)
        elif isinstance(event, BalancePositionUpdate):
            self._settle(event)
            self._note_time(event.transaction_time)
        elif isinstance(event, OptionsAccountUpdate):
            self.totals = totals_of(event)
        elif isinstance(event, GreekUpdate):
            self.greeks = {row.underlying: (row.delta, row.gamma, row.theta, row.vega) for row in event.greeks}
        elif isinstance(event, OptionsRiskLevelChange):
            self.risk_level = self.risk_level if event.risk_level is None else str(event.risk_level)

    def _order(self, update: OptionsOrderTradeUpdate) -> None:
        key = (update.symbol, update.order_id)
        self.symbols[update.symbol] = update.transaction_time
        if update.execution_type == "NEW":
            self.placed.add(key, update.transaction_time, "")
        elif update.execution_type == "TRADE":
            self._fills[_fill_of(update)] = None
            if len(self._fills) > _FILLS_REMEMBERED:
                self._fills.popitem(last=False)
            if len(self.unsettled) < _UNSETTLED_AT_MOST:
                self.unsettled.append(update)
        if update.order_status in FINAL_STATUSES:
            self.orders.pop(key, None)
            self.finished.add(key, update.transaction_time, update.order_status)
        elif key not in self.finished:
            self.orders[key] = update

    def note_fills(self, reports: Iterable[Event]) -> None:
        """Record fills up to the last report of their order, which that has in its sum: they are not news any more."""
        for report in reports:
            assert isinstance(report, OptionsOrderTradeUpdate)
            last = self.orders.get((report.symbol, report.order_id))
            if last is not None and report.transaction_time <= last.transaction_time:
                self._fills[_fill_of(report)] = None

    def _settle(self, update: BalancePositionUpdate) -> None:
        at = update.transaction_time
        for balance in update.balances:
            self.wallets[balance.asset] = Told(balance.balance, at, at)
        for position in update.positions:
            self.symbols[position.symbol] = at
            self.positions[position.symbol] = Told(position.quantity, at, at)
        if self.unsettled:
            self.unsettled = [fill for fill in self.unsettled if fill.transaction_time > at]

    def _note_time(self, at: datetime) -> None:
        if self.newest is None or at > self.newest:
            self.newest = at

    def begin(self, at: datetime) -> None:
        """Note that the stream began at this time at the latest."""
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)  # as coarse as the venue's times
        if self.began is None or at < self.began:
            self.began = at

    def take_baseline(self, answers: BaselineAnswers, at: datetime, until: datetime) -> None:
        """Take in what was there when the stream began: what was asked for between these times, shortly after.

        What the stream has told stands, and what has changed since the stream began is left to the stream.
        """
        self.begin(at)
        assert self.began is not None
        for order in answers.orders:
            self.symbols.setdefault(order.symbol, self.began)
            is_told = order.key in self.orders or order.key in self.finished
            if order.updated < self.began and not order.is_final and not is_told:
                self.orders[order.key] = update_of(order)
        for asset, balance in answers.wallets.items():
            self.wallets.setdefault(asset, Told(balance, self.began, answers.until))
        for symbol, quantity in answers.positions.items():
            self.symbols.setdefault(symbol, self.began)
            self.positions.setdefault(symbol, Told(quantity, self.began, answers.until))
        self.totals = self.totals or answers.totals
        self.greeks = self.greeks if self.greeks is not None else answers.greeks
        self.risk_level = self.risk_level or answers.risk_level
        self.baseline_at, self.baseline_until, self.no_baseline_because = self.began, answers.until, ""
        self.asked_until = until

    @property
    def has_baseline(self) -> bool:
        """Whether it is known what was there before the stream began."""
        return self.baseline_at is not None

    def symbols_with_something_open(self) -> set[str]:
        """Return the contracts of which an order or a position is open, as far as it was told."""
        held = [symbol for symbol, told in self.positions.items() if told.amount]
        return {*(symbol for symbol, _ in self.orders), *held}

    def forget_quiet(self, before: datetime) -> None:
        """Forget the contracts of which nothing is open, and nothing was seen since then: most have expired."""
        busy = self.symbols_with_something_open()
        for symbol, seen in list(self.symbols.items()):
            if symbol not in busy and seen < before:
                del self.symbols[symbol]
                self.positions.pop(symbol, None)

    def drop_gone(self) -> None:
        """Forget the contracts that the last recovery has found not to exist, and what was open on them."""
        for symbol in self.gone.settle():
            self.symbols.pop(symbol, None)
            self.positions.pop(symbol, None)
            self.orders = {key: update for key, update in self.orders.items() if key[0] != symbol}

    def told_position(self, symbol: str) -> Told | None:
        """Return what was last told of a position; ``None`` if nobody knows."""
        return self._told(self.positions, symbol)

    def told_wallet(self, asset: str) -> Told | None:
        """Return what was last told of a wallet; ``None`` if nobody knows."""
        return self._told(self.wallets, asset)

    def _told(self, table: Mapping[str, Told], name: str) -> Told | None:
        told = table.get(name)
        if told is None and self.baseline_at is not None and self.baseline_until is not None:
            return Told(ZERO, self.baseline_at, self.baseline_until)
        return told

    def is_fill_told(self, identity: Hashable) -> bool:
        """Whether a fill was told, as far as anybody remembers."""
        return identity in self._fills


def _fill_of(update: OptionsOrderTradeUpdate) -> Hashable:
    """Return what tells a fill from others: as :class:`TradeAnswer` has it, with its number or without."""
    if update.trade_id is None:
        price, quantity = update.last_filled_price, update.last_filled_quantity
        return (update.symbol, update.order_id, update.transaction_time, price, quantity)
    return (update.symbol, update.trade_id, update.order_id)
