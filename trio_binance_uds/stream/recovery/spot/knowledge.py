"""What the user has been told so far, as far as it matters for telling the rest after a gap.

It takes in every event that is accepted for delivery, live or recovered, in order: so at any time it is exactly what
was delivered, and what a query knows beyond it was missed. The rules:

* An open order is known by its last report, and a finished one by its key for a while. What has been told as final
  stays final. Finished orders are forgotten by time, and by number where there are very many; an order whose last
  change is not newer than what was forgotten counts as told.
* A fill is known by the last report of its order, which is not older, and within one millisecond by the highest
  trade id told for its symbol: ids rise within a symbol.
* A balance is known by the last position that named it. Fills that were told but whose position was not yet are
  kept until it is.
* What was there before the stream began is known from the *baseline*, which tells the user nothing. It never
  replaces what the stream has told.

The memory is bounded by open orders, open lists, symbols and assets. Each event costs a few dictionary accesses.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import datetime
from decimal import Decimal

import attrs

from trio_binance_uds.events import BalanceUpdate, Event, ExecutionReport, ListStatus, OutboundAccountPosition
from trio_binance_uds.stream.recovery.finished import Finished
from trio_binance_uds.stream.recovery.learned import Learned
from trio_binance_uds.stream.recovery.matching import Whose
from trio_binance_uds.stream.recovery.spot.answers import (
    FINAL_STATUSES,
    AccountAnswer,
    FillAnswer,
    Key,
    ListAnswer,
    OrderAnswer,
)
from trio_binance_uds.stream.recovery.spot.reports import list_status_of, report_of
from trio_binance_uds.stream.recovery.symbols import Gone

# Positions follow their reports at once: more than this waits for one only if the venue stopped sending them.
_UNSETTLED_AT_MOST = 10_000


@attrs.frozen
class BaselineAnswers:
    """What was there before the stream began."""

    account: AccountAnswer
    orders: tuple[OrderAnswer, ...]
    lists: tuple[ListAnswer, ...]


@attrs.define
class SymbolRecord:
    """What was told of one symbol.

    Attributes:
        last_trade_id: the highest trade id told; -1 for none.
        last_trade_orders: the orders of that trade that were told: an order can trade with one of the same account.
        last_allocation_id: the highest allocation id told; -1 for none.
        seen: when something was last told of it; ``None`` for never.
        assets: its base and quote asset, once they were asked for.
    """

    last_trade_id: int = -1
    last_trade_orders: tuple[int, ...] = ()
    last_allocation_id: int = -1
    seen: datetime | None = None
    assets: tuple[str, str] | None = None


@attrs.frozen
class ToldBalance:
    """What was last told of an asset, and as of when; ``is_baseline``: only we were told."""

    free: Decimal
    locked: Decimal
    at: datetime
    is_baseline: bool = False

    def includes(self, at: datetime, baseline: datetime | None = None) -> bool:
        """Whether what was not told before has happened before this balance, or before the time of the baseline.

        Within its very millisecond it has not, as the stream is in order; of the baseline nobody can say.
        """
        return at <= (baseline or self.at) if self.is_baseline else at < self.at

    @property
    def total(self) -> Decimal:
        return self.free + self.locked


class Knowledge:
    """What has been told; see the module."""

    def __init__(self, gone: Gone | None = None) -> None:
        self.whose: Whose = Whose()
        self.orders: dict[Key, ExecutionReport] = {}
        self.finished: Finished[Key] = Finished()
        # Fills whose reports lacked the trade, by what else they said.
        self.unnumbered_fills: Finished[Hashable] = Finished()
        self.lists: dict[int, ListStatus] = {}
        self.finished_lists: Finished[int] = Finished()
        # Lists that orders were told to belong to, and of which themselves nothing was told yet.
        self.lists_to_come: set[int] = set()
        self.symbols: dict[str, SymbolRecord] = {}
        self.balances: dict[str, ToldBalance] = {}
        self.balances_at: datetime | None = None
        self.unsettled: list[ExecutionReport | BalanceUpdate] = []
        # Until when the last recovered position holds all that has happened.
        self._settled_until: datetime | None = None
        self.began: datetime | None = None
        self.newest: datetime | None = None
        self.baseline_updated: datetime | None = None
        # Until when the baseline may have been taken, where it does not say as of when it is.
        self.baseline_not_after: datetime | None = None
        self.no_baseline_because: str = "it was never asked for"
        self.gone: Gone = gone or Gone()
        self.learned: Learned = Learned()
        # Assets of which more is locked than the known open orders lock.
        self.strange_locks: frozenset[str] = frozenset()

    # On the way of every event: no more than needed.

    def observe(self, event: Event) -> None:
        """Take in an event that was accepted for delivery."""
        if isinstance(event, ExecutionReport):
            self._report(event)
        elif isinstance(event, OutboundAccountPosition):
            self._position(event)
            self._note_time(event.last_account_update)
        elif isinstance(event, ListStatus):
            self._list(event)
            self._note_time(event.transaction_time)
        elif isinstance(event, BalanceUpdate):
            self._wait_for_position(event)
            self._note_time(event.clear_time)

    def _report(self, report: ExecutionReport) -> None:
        symbol, at, status = report.symbol, report.transaction_time, report.order_status
        record = self.symbols.get(symbol)
        if record is None:
            record = self.symbols[symbol] = SymbolRecord()
        record.seen = at
        if report.execution_type == "TRADE":
            self._fill(record, report)
        list_id = report.order_list_id
        if list_id is not None and list_id != -1 and list_id not in self.lists and list_id not in self.finished_lists:
            self.lists_to_come.add(list_id)
        key = (symbol, report.order_id)
        if status in FINAL_STATUSES:
            self.orders.pop(key, None)
            self.finished.add(key, at, status)
        elif key not in self.finished:
            self.orders[key] = report
        self._note_time(at)

    def _fill(self, record: SymbolRecord, report: ExecutionReport) -> None:
        trade_id = report.trade_id
        if trade_id is None:
            at, key = report.transaction_time, (report.symbol, report.order_id)
            what = (key, at, report.last_executed_price, report.last_executed_quantity)
            self.unnumbered_fills.add(what, at, "")
        elif trade_id > record.last_trade_id:
            record.last_trade_id = trade_id
            record.last_trade_orders = (report.order_id,)
        elif trade_id == record.last_trade_id and report.order_id not in record.last_trade_orders:
            record.last_trade_orders += (report.order_id,)
        if report.allocation_id is not None and report.allocation_id > record.last_allocation_id:
            record.last_allocation_id = report.allocation_id
        self._wait_for_position(report)

    def _position(self, position: OutboundAccountPosition) -> None:
        for balance in position.balances:
            self.balances[balance.asset] = ToldBalance(balance.free, balance.locked, position.last_account_update)
        settled = position.last_account_update
        if self.balances_at is None or settled > self.balances_at:
            self.balances_at = settled
        if position.recovered:
            self._settled_until = settled
        if self.unsettled:
            self.unsettled = [event for event in self.unsettled if time_of(event) > settled]

    def _list(self, status: ListStatus) -> None:
        self.lists_to_come.discard(status.order_list_id)
        if status.list_order_status != "EXECUTING":
            self.lists.pop(status.order_list_id, None)
            self.finished_lists.add(status.order_list_id, status.transaction_time, str(status.list_order_status))
        elif status.order_list_id not in self.finished_lists:
            self.lists[status.order_list_id] = status

    def _wait_for_position(self, event: ExecutionReport | BalanceUpdate) -> None:
        # What comes late is in a position that was recovered before it, which no other follows.
        is_settled = self._settled_until is not None and time_of(event) <= self._settled_until
        if not is_settled and len(self.unsettled) < _UNSETTLED_AT_MOST:
            self.unsettled.append(event)

    def _note_time(self, at: datetime) -> None:
        if self.newest is None or at > self.newest:
            self.newest = at
            if self.began is None:
                self.began = at

    # The baseline.

    def begin(self, at: datetime) -> None:
        """Note that the stream began at this time at the latest."""
        at = at.replace(microsecond=at.microsecond // 1000 * 1000)  # as coarse as the venue's times
        if self.began is None or at < self.began:
            self.began = at

    def take_baseline(self, answers: BaselineAnswers, at: datetime) -> None:
        """Take in what was there when the stream began: what was asked for at this time, shortly after.

        Events may have been told meanwhile, and what the stream has told stands. What has changed since the stream
        began is left to the stream: to take it from here would hide that it was not told.
        """
        self.begin(at)
        assert self.began is not None
        for order in answers.orders:
            self._symbol(order.symbol)
            is_told = order.key in self.orders or order.key in self.finished
            if order.updated < self.began and not order.is_final and not is_told:
                self.orders[order.key] = report_of(order)
        for order_list in answers.lists:
            self._symbol(order_list.symbol)
            listed = order_list.list_id
            is_told = listed in self.lists or listed in self.finished_lists
            if order_list.time < self.began and not order_list.is_done and not is_told:
                self.lists[listed] = list_status_of(order_list)
                self.lists_to_come.discard(listed)
        updated = answers.account.updated
        for asset, (free, locked) in answers.account.balances.items():
            if asset not in self.balances:
                self.balances[asset] = ToldBalance(free, locked, updated, is_baseline=True)
        if answers.account.is_dated:
            self._note_time(updated)
        self.baseline_updated, self.no_baseline_because = updated, ""
        self.baseline_not_after = answers.account.not_after

    # For the recovery.

    @property
    def has_baseline(self) -> bool:
        """Whether it is known what was there before the stream began."""
        return self.baseline_updated is not None

    # A history lists an order by its last change: so what ended while the baseline was asked for, or in an unproven gap
    # and after it, is listed.
    asked_until: None = None
    unproven: None = None

    def forget_quiet(self, before: datetime) -> None:
        """Forget the symbols on which nothing is open, and of which nothing was seen since then."""
        busy = self.symbols_with_something_open()
        for symbol, record in list(self.symbols.items()):
            seen = record.seen or self.began
            if symbol not in busy and seen is not None and seen < before:
                del self.symbols[symbol]

    def symbols_with_something_open(self) -> set[str]:
        """Return the symbols on which an order or an order list is open, as far as it was told."""
        return {symbol for symbol, _ in self.orders} | {status.symbol for status in self.lists.values()}

    def note_strange_locks(self, locks: frozenset[str]) -> None:
        """Record the assets of which more is locked than the known open orders lock."""
        self.strange_locks = locks

    def drop_gone(self) -> None:
        """Forget the symbols that the last recovery has found not to exist, and what was open on them."""
        for symbol in self.gone.settle():
            self.symbols.pop(symbol, None)
            self.orders = {key: report for key, report in self.orders.items() if key[0] != symbol}
            self.lists = {number: status for number, status in self.lists.items() if status.symbol != symbol}

    def _symbol(self, symbol: str) -> SymbolRecord:
        return self.symbols.setdefault(symbol, SymbolRecord())

    def record_of(self, symbol: str) -> SymbolRecord:
        """Return what was told of a symbol, which may be nothing."""
        return self.symbols.get(symbol) or SymbolRecord()

    def learn_assets(self, assets: Iterable[tuple[str, tuple[str, str]]]) -> None:
        """Take in the base and quote assets of symbols."""
        for symbol, pair in assets:
            self._symbol(symbol).assets = pair

    def told_balance(self, asset: str) -> ToldBalance | None:
        """Return what was last told of an asset; ``None`` if nobody knows."""
        told = self.balances.get(asset)
        if told is None and self.baseline_updated is not None:
            return ToldBalance(Decimal(0), Decimal(0), self.baseline_updated, is_baseline=True)
        return told

    def has_newer_balances(self, account: AccountAnswer | None) -> bool:
        """Whether newer balances were told than these."""
        return account is not None and self.balances_at is not None and account.latest < self.balances_at

    def is_fill_told(self, fill: FillAnswer) -> bool:
        """Whether a fill was told, going by its id alone."""
        record = self.record_of(fill.symbol)
        if fill.allocation_id is not None:
            return fill.allocation_id <= record.last_allocation_id
        return (
            fill.trade_id < record.last_trade_id
            or (fill.trade_id == record.last_trade_id and fill.order_id in record.last_trade_orders)
            or fill.but_for_its_number in self.unnumbered_fills
        )


def time_of(event: ExecutionReport | BalanceUpdate) -> datetime:
    """Return when it happened."""
    return event.transaction_time if isinstance(event, ExecutionReport) else event.clear_time
