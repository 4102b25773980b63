"""What the user has been told so far, as far as it matters for telling the rest after a gap.

It takes in every event that is accepted for delivery, live or recovered, in order: so at any time it is exactly what
was delivered, and what a query knows beyond it was missed. The rules:

* An open order is known by its last report, and by the highest trade id told of it: ids rise within a symbol. A
  finished one is known by its key for a while; what has been told as final stays final.
* A fill is told by its order report alone. A ``TradeLite`` says less, and tells none.
* A conditional order is known by the rung of its life that was told last.
* Balances and positions are known by the last update that named them. Updates are in order, so at the time of the
  last one what it does not name is as it was. Fills of that time and after it are kept until a later update comes.
* What was there before the stream began is known from the *baseline*, which tells the user nothing. It never
  replaces what the stream has told.

The memory is bounded by open orders, symbols, positions and assets. Each event costs a few dictionary accesses.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import datetime
from typing import Generic, TypeVar

import attrs

from trio_binance_uds.events import AccountConfigUpdate, AccountUpdate, Event, OrderTradeUpdate
from trio_binance_uds.stream.recovery.finished import Finished
from trio_binance_uds.stream.recovery.futures.answers import (
    FINAL_STATUSES,
    BalanceAnswer,
    FillAnswer,
    Key,
    OrderAnswer,
    PositionAnswer,
    PositionKey,
    time_of,
)
from trio_binance_uds.stream.recovery.futures.conditional import END_RUNG, ConditionalAnswer, ConditionalPlace, place_of
from trio_binance_uds.stream.recovery.futures.states import BalanceState, PositionState, key_of
from trio_binance_uds.stream.recovery.futures.units import is_of_unit
from trio_binance_uds.stream.recovery.learned import Learned
from trio_binance_uds.stream.recovery.matching import Whose
from trio_binance_uds.stream.recovery.symbols import Gone
from trio_binance_uds.stream.recovery.unproven import Unproven

# Updates of the account follow their reports at once: more than this waits for one only if the venue stopped sending
# them.
_UNSETTLED_AT_MOST = 10_000

_StateT = TypeVar("_StateT")
_KeyT = TypeVar("_KeyT", bound=Hashable)


@attrs.frozen(kw_only=True)
class BaselineAnswers:
    """What was there before the stream began."""

    balances: Mapping[str, BalanceAnswer]
    positions: Mapping[PositionKey, PositionAnswer]
    orders: tuple[OrderAnswer, ...]
    conditionals: tuple[ConditionalAnswer, ...]
    leverages: Mapping[str, int]
    is_multi_assets_mode: bool | None


@attrs.define
class OrderRecord:
    """What was told of one open order.

    Attributes:
        last: the last report, or the answer of the baseline.
        created: when it was placed, if that was said.
        last_trade_id: the highest trade id told of it; 0 for none.
    """

    last: OrderTradeUpdate | OrderAnswer
    created: datetime | None = None
    last_trade_id: int = 0

    def state(self) -> OrderAnswer:
        """Return the order as it was told."""
        return self.last if isinstance(self.last, OrderAnswer) else OrderAnswer.of_report(self.last, self.created)


@attrs.frozen
class Told(Generic[_StateT]):
    """A balance or a position as it was last told, and as of when; ``is_baseline``: only we were told."""

    state: _StateT
    at: datetime
    is_baseline: bool = False


class Knowledge:
    """What has been told; see the module."""

    def __init__(self, unit: str | None = None, *, follows_account: bool = True, gone: Gone | None = None) -> None:
        self.whose: Whose = Whose()
        self._unit = unit
        self._follows_account = follows_account
        self.orders: dict[Key, OrderRecord] = {}
        self.finished: Finished[Key] = Finished()
        # What was told of late: a history that does not show it is behind.
        self.placed: Finished[Key] = Finished()
        self.paid_trades: Finished[tuple[str, int]] = Finished()
        # Fills whose reports lacked the trade, by what else they said.
        self.unnumbered_fills: Finished[Hashable] = Finished()
        # Orders that changed while the baseline was asked for, and of which nothing was told yet.
        self.untold_at_start: dict[Key, None] = {}
        self.untold_conditionals_at_start: dict[int, str] = {}
        self.conditionals: dict[int, ConditionalPlace] = {}
        self.finished_conditionals: Finished[int] = Finished()
        self.symbols: dict[str, datetime] = {}
        self.last_trade_ids: dict[str, int] = {}
        self.margin_assets: dict[str, str] = {}
        self.balances: dict[str, Told[BalanceState]] = {}
        self.positions: dict[PositionKey, Told[PositionState]] = {}
        self.balances_at: datetime | None = None
        self.positions_at: datetime | None = None
        self.unsettled: list[OrderTradeUpdate] = []
        self.leverages: dict[str, int] = {}
        self.is_multi_assets_mode: bool | None = None
        self.account_alias: str = ""
        self.has_seen_conditionals: bool = False
        self.began: datetime | None = None
        self.newest: datetime | None = None
        self.baseline_until: datetime | None = None
        self.no_baseline_because: str = "it was never asked for"
        self.unproven: Unproven = Unproven()
        self.gone: Gone = gone or Gone()
        self.learned: Learned = Learned()
        # What the venue was found not to offer.
        self.history_needs_symbol: bool = False
        self.conditional_history_needs_symbol: bool = False
        self.lacks_conditional_routes: bool = False

    # On the way of every event: no more than needed.

    def observe(self, event: Event) -> None:
        """Take in an event that was accepted for delivery."""
        if getattr(event, "business_unit", None) != self._unit and not is_of_unit(event, self._unit):
            return  # It is about the other part of a Portfolio Margin account.
        if isinstance(event, OrderTradeUpdate):
            self._report(event)
            self._note_time(event.transaction_time)
        elif isinstance(event, AccountUpdate):
            self._account(event)
            self._note_time(event.transaction_time)
        elif isinstance(event, AccountConfigUpdate):
            self._config(event)
        elif (place := place_of(event)) is not None:
            self._conditional(place)
            self._note_time(place.at)

    def _report(self, report: OrderTradeUpdate) -> None:
        symbol, at = report.symbol, time_of(report)
        key = (symbol, report.order_id)
        self.symbols[symbol] = at
        if self.untold_at_start:
            self.untold_at_start.pop(key, None)
        record = self.orders.get(key)
        if record is None:
            record = OrderRecord(report)
        record.last = report
        if report.execution_type == "NEW":
            record.created = at
            self.placed.add(key, at, "")
        trade_id = report.trade_id
        if trade_id is None:
            is_fill = report.last_filled_quantity > 0
            if is_fill:
                self.unnumbered_fills.add(FillAnswer.of_report(report).but_for_its_number, at, "")
        elif is_fill := trade_id > 0:
            record.last_trade_id = max(record.last_trade_id, trade_id)
            self.last_trade_ids[symbol] = max(trade_id, self.last_trade_ids.get(symbol, 0))
            if report.commission:
                self.paid_trades.add((symbol, trade_id), at, "")
        if is_fill and self._follows_account and len(self.unsettled) < _UNSETTLED_AT_MOST:
            self.unsettled.append(report)
        if report.order_status in FINAL_STATUSES:
            self.orders.pop(key, None)
            self.finished.add(key, at, report.order_status)
        elif key not in self.finished:
            self.orders[key] = record

    def _account(self, update: AccountUpdate) -> None:
        at = update.transaction_time
        for balance in update.balances:
            self.balances[balance.asset] = Told(BalanceState.of_event(balance), at)
        for position in update.positions:
            key = key_of(position)
            self.positions[key] = Told(PositionState.of_event(position), at)
            if position.margin_asset is not None:
                self.margin_assets[position.symbol] = position.margin_asset
        if update.account_alias is not None:
            self.account_alias = update.account_alias
        # What was recovered tells balances and positions as of two times.
        if update.balances or not update.recovered:
            self.balances_at = max(at, self.balances_at or at)
        if update.positions or not update.recovered:
            self.positions_at = max(at, self.positions_at or at)
        if self.unsettled and self.balances_at is not None and self.positions_at is not None:
            settled = min(self.balances_at, self.positions_at)
            self.unsettled = [report for report in self.unsettled if time_of(report) >= settled]

    def _config(self, update: AccountConfigUpdate) -> None:
        if update.symbol is not None and update.leverage is not None:
            self.leverages[update.symbol] = update.leverage
        if update.is_multi_assets_mode is not None:
            self.is_multi_assets_mode = update.is_multi_assets_mode

    def _conditional(self, place: ConditionalPlace) -> None:
        self.has_seen_conditionals = True
        self.untold_conditionals_at_start.pop(place.number, None)
        self.symbols[place.symbol] = max(place.at, self.symbols.get(place.symbol, place.at))
        if place.rung == END_RUNG:
            self.conditionals.pop(place.number, None)
            self.finished_conditionals.add(place.number, place.at, "")
        elif place.number not in self.finished_conditionals:
            self.conditionals[place.number] = place

    def _note_time(self, at: datetime) -> None:
        if self.newest is None or at > self.newest:
            self.newest = at
            if self.began is None:
                self.began = at

    # The baseline.

    def begin(self, at: datetime) -> None:
        """Note that the stream began at this time at the latest."""
        at = _coarse(at)
        if self.began is None or at < self.began:
            self.began = at

    def take_baseline(self, answers: BaselineAnswers, at: datetime, until: datetime) -> None:
        """Take in what was there when the stream began: what was asked for between these times, shortly after.

        Events may have been told meanwhile, and what the stream has told stands. An order that has changed since the
        stream began is left to the stream: to take it from here would hide that it was not told. Should the stream
        not tell it, it is asked about by its id, as no list need have it then.
        """
        self.begin(at)
        assert self.began is not None
        for order in answers.orders:
            self.symbols.setdefault(order.symbol, order.updated)
            is_told = order.key in self.orders or order.key in self.finished
            if not is_told and order.updated < self.began:
                self.orders[order.key] = OrderRecord(order, order.created)
            elif not is_told:
                self.untold_at_start[order.key] = None
        for answer in answers.conditionals:
            self.has_seen_conditionals = True
            self.symbols.setdefault(answer.symbol, answer.updated)
            is_told = answer.number in self.conditionals or answer.number in self.finished_conditionals
            if not is_told and answer.updated >= self.began:
                self.untold_conditionals_at_start[answer.number] = answer.symbol
            elif not is_told:
                place = ConditionalPlace(answer.number, answer.symbol, answer.rung, answer.updated)
                self.conditionals[answer.number] = place
        for balance in answers.balances.values():
            _learn(self.balances, balance.asset, BalanceState.of_answer(balance), balance.updated or self.began)
        for position in answers.positions.values():
            _learn(self.positions, position.key, PositionState.of_answer(position), position.updated or self.began)
        for symbol, leverage in answers.leverages.items():
            self.leverages.setdefault(symbol, leverage)
        if self.is_multi_assets_mode is None:
            self.is_multi_assets_mode = answers.is_multi_assets_mode
        self.learn_from(answers.balances.values(), answers.positions.values())
        self.baseline_until, self.no_baseline_because = until, ""

    # For the recovery.

    @property
    def has_baseline(self) -> bool:
        """Whether it is known what was there before the stream began."""
        return self.baseline_until is not None

    @property
    def asked_until(self) -> datetime | None:
        """Until when the baseline was asked for: what ended meanwhile may be in no answer."""
        return self.baseline_until

    def symbols_with_something_open(self) -> set[str]:
        """Return the symbols on which an order, a conditional order or a position is open, as far as it was told."""
        return {
            *(symbol for symbol, _ in self.orders),
            *(symbol for symbol, _ in self.untold_at_start),
            *(place.symbol for place in self.conditionals.values()),
            *self.untold_conditionals_at_start.values(),
            *(symbol for (symbol, _), told in self.positions.items() if told.state.amount),
        }

    def forget_quiet(self, before: datetime) -> None:
        """Forget the symbols on which nothing is open, and of which nothing was seen since then."""
        busy = self.symbols_with_something_open()
        for symbol, seen in list(self.symbols.items()):
            if symbol not in busy and seen < before:
                del self.symbols[symbol]
                self.last_trade_ids.pop(symbol, None)

    def drop_gone(self) -> None:
        """Forget the symbols that the last recovery has found not to exist, and what was open on them."""
        for symbol in self.gone.settle():
            self.symbols.pop(symbol, None)
            self.last_trade_ids.pop(symbol, None)
            self.orders = {key: record for key, record in self.orders.items() if key[0] != symbol}
            self.positions = {key: told for key, told in self.positions.items() if key[0] != symbol}
            self.untold_at_start = {key: None for key in self.untold_at_start if key[0] != symbol}
            self.conditionals = {n: place for n, place in self.conditionals.items() if place.symbol != symbol}
            untold = self.untold_conditionals_at_start
            self.untold_conditionals_at_start = {n: named for n, named in untold.items() if named != symbol}

    def learn_from(self, balances: Iterable[BalanceAnswer], positions: Iterable[PositionAnswer]) -> None:
        """Take in the names that answers tell: the account's alias, and what a symbol is margined in."""
        for balance in balances:
            self.account_alias = balance.account_alias or self.account_alias
        for position in positions:
            if position.margin_asset is not None:
                self.margin_assets[position.symbol] = position.margin_asset

    def told_balance(self, asset: str) -> Told[BalanceState] | None:
        """Return what was last told of an asset; ``None`` if nobody knows."""
        return self._told(self.balances, asset, BalanceState.nothing, self.balances_at)

    def told_position(self, key: PositionKey) -> Told[PositionState] | None:
        """Return what was last told of a position; ``None`` if nobody knows."""
        return self._told(self.positions, key, PositionState.nothing, self.positions_at)

    def _told(
        self,
        table: Mapping[_KeyT, Told[_StateT]],
        key: _KeyT,
        nothing: Callable[[], _StateT],
        settled: datetime | None,
    ) -> Told[_StateT] | None:
        told = table.get(key)
        if told is None and self.baseline_until is not None:
            assert self.began is not None
            # The baseline lists all that there is, and what came later was told.
            told = Told(nothing(), self.began, is_baseline=True)
        if told is not None and settled is not None and settled > told.at:
            return attrs.evolve(told, at=settled)
        return told

    def is_fill_told(self, fill: FillAnswer) -> bool:
        """Whether a fill was told, or was there before the stream began."""
        if self.began is not None and fill.time < self.began:
            return True
        record = self.orders.get(fill.key)
        if record is None:
            return self.finished.is_told(fill.key, fill.time)
        return fill.trade_id <= record.last_trade_id or fill.but_for_its_number in self.unnumbered_fills


def _coarse(at: datetime) -> datetime:
    """Return a time as coarse as the venue's."""
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _learn(table: dict[_KeyT, Told[_StateT]], key: _KeyT, state: _StateT, at: datetime) -> None:
    if key not in table:
        table[key] = Told(state, at, is_baseline=True)
