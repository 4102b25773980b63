"""What the venue is asked in a recovery: which routes, with which parameters, at which weight, page by page.

By which of its times an order, a trade or an income is listed is not documented, nor in which order a page is cut. So a
full window is halved instead of paged; only trades are paged, by their ids.

Source: Binance USD-M and COIN-M Futures and Portfolio Margin, "Account" and "Trade" (2026-05-28).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from trio_binance_uds.stream.recovery.futures.answers import (
    AmendmentAnswer,
    FillAnswer,
    IncomeAnswer,
    Key,
    OrderAnswer,
    read_balances,
    read_leverages,
    read_multi_assets_mode,
    read_positions,
)
from trio_binance_uds.stream.recovery.futures.conditional import ConditionalAnswer
from trio_binance_uds.stream.recovery.futures.dialect import Call, Dialect
from trio_binance_uds.stream.recovery.futures.evidence import Evidence
from trio_binance_uds.stream.recovery.futures.knowledge import Knowledge
from trio_binance_uds.stream.recovery.inquiry import Question
from trio_binance_uds.stream.recovery.reading import Unreadable, read_all
from trio_binance_uds.stream.recovery.unproven import Span
from trio_binance_uds.stream.recovery.windows import DAY_MS, halves, to_ms, windows

_NO_SUCH_ORDER = -2013
_PARAMETER_MISSING = -1102
# A path that is not there is answered with a code of its own, or with a page, which has none.
_NO_SUCH_PATH = -5000
_NO_CODE = 0


class Questions:
    """Makes the questions of one recovery; their answers go into the evidence."""

    def __init__(
        self,
        dialect: Dialect,
        evidence: Evidence,
        knowledge: Knowledge,
        *,
        since: datetime,
        until: datetime,
        placed_since: datetime | None = None,
        earlier: Iterable[Span] = (),
    ) -> None:
        self._dialect = dialect
        self._evidence = evidence
        self._knowledge = knowledge
        self._since = to_ms(since)
        self._until = max(to_ms(until), self._since)
        self._placed_since = self._since if placed_since is None else to_ms(placed_since)
        # Before that, when orders may have been placed that nobody knows.
        self._earlier = [(to_ms(first), to_ms(last)) for first, last in earlier]

    # The state of the account.

    def balances(self) -> Question:
        def use(result: Any) -> None:
            self._evidence.balances = read_balances(result)
            self._knowledge.learn_from(self._evidence.balances.values(), ())

        return _question(self._dialect.balances, "the balances", use)

    def positions(self) -> Question:
        def use(result: Any) -> None:
            positions = read_positions(result)
            self._evidence.positions = positions
            self._knowledge.learn_from((), positions.values())
            leverages = {row.symbol: row.leverage for row in positions.values() if row.leverage is not None}
            self._evidence.leverages = self._evidence.leverages or leverages

        return _question(self._dialect.positions, "the positions", use)

    def open_orders(self) -> Question:
        def use(result: Any) -> None:
            self._evidence.add_open_orders(read_all(result, OrderAnswer.read))

        return _question(self._dialect.open_orders, "the open orders", use)

    def settings(self) -> Iterator[Question]:
        """Ask for what is configured."""

        def use_leverages(result: Any) -> None:
            self._evidence.leverages = read_leverages(result)

        def use_mode(result: Any) -> None:
            self._evidence.is_multi_assets_mode = read_multi_assets_mode(result)

        if self._dialect.symbol_config is not None:
            yield _question(self._dialect.symbol_config, "the leverages", use_leverages)
        if self._dialect.account_config is not None:
            yield _question(self._dialect.account_config, "the multi-assets mode", use_mode)

    def open_conditionals(self) -> Iterator[Question]:
        """Ask for the open conditional orders, unless it is known that this cannot be asked."""
        dialect = self._dialect.conditional

        def use(result: Any) -> None:
            self._evidence.add_open_conditionals(read_all(result, dialect.read))

        if not self._knowledge.lacks_conditional_routes:
            yield self._about_conditionals(dialect.open, {}, "the open conditional orders", use)

    # The history.

    def orders(self, symbols: Sequence[str]) -> Iterator[Question]:
        """Ask for all orders since then: at once, or symbol by symbol where that is not possible.

        The last window is open to the future: an order that changes just now must not fall out of it.
        """
        call = self._dialect.all_orders
        if self._dialect.history_needs_symbol or self._knowledge.history_needs_symbol:
            for symbol in symbols:
                yield from (self._orders_between(symbol, *window) for window in self._placements(call))
        else:
            yield from (self._orders_between(None, *window) for window in self._placements(call))

    def orders_before(self, symbols: Sequence[str]) -> Iterator[Question]:
        """Ask for the orders that were placed shortly before, of which nothing may have been sent."""
        if self._placed_since < self._since:
            is_by_symbol = self._dialect.history_needs_symbol or self._knowledge.history_needs_symbol
            for symbol in symbols if is_by_symbol else [None]:
                yield self._orders_between(symbol, self._placed_since, self._since - 1)

    def _windows(self, call: Call) -> Iterator[tuple[int, int]]:
        yield from windows(self._since, self._until, call.days)

    def _placements(self, call: Call) -> Iterator[tuple[int, int]]:
        """Return the windows in which orders may have been placed that are to be told: a history goes by that time."""
        yield from self._windows(call)
        for first, last in self._earlier:
            yield from ((start, min(end, last)) for start, end in windows(first, last, call.days))

    def _orders_between(self, symbol: str | None, start: int, end: int) -> Question:
        call = self._dialect.all_orders

        def use(result: Any) -> Sequence[Question]:
            orders = read_all(result, OrderAnswer.read)
            self._evidence.add_history(symbol, orders)
            return [self._orders_between(symbol, *half) for half in self._halves(call, orders, start, end)]

        def needs_symbol() -> None:
            self._knowledge.history_needs_symbol = True

        params = {"startTime": start, "endTime": end, "limit": call.limit}
        if symbol is None:
            return _question(call, "the orders", use, params, {_PARAMETER_MISSING: needs_symbol})
        return _question(call, f"the orders of {symbol}", use, {"symbol": symbol, **params})

    def _halves(self, call: Call, page: Sequence[object], start: int, end: int) -> Sequence[tuple[int, int]]:
        return halves(page, call.limit, (start, end), self._until)

    def incomes(self) -> Iterator[Question]:
        """Ask for all movements of the wallets since then."""
        call = self._dialect.income
        yield from (self._incomes_between(*window) for window in self._windows(call))

    def _incomes_between(self, start: int, end: int) -> Question:
        call = self._dialect.income

        def use(result: Any) -> Sequence[Question]:
            incomes = read_all(result, IncomeAnswer.read)
            self._evidence.add_incomes(incomes)
            return [self._incomes_between(*half) for half in self._halves(call, incomes, start, end)]

        return _question(call, "the income", use, {"startTime": start, "endTime": end, "limit": call.limit})

    def trades_of(self, symbol: str) -> Question:
        """Ask for all trades after the last one that was told, or else since then."""
        last = self._knowledge.last_trade_ids.get(symbol)
        # With the last one itself: its other half may be missing, where both orders were of this account.
        return self._trades_between(symbol, self._since) if last is None else self._trades_from(symbol, last, {})

    def trades_of_order(self, key: Key) -> Question:
        """Ask for all trades of an order."""
        return self._trades_from(key[0], None, {"orderId": key[1]})

    def _trades_from(self, symbol: str, first: int | None, more: Mapping[str, Any]) -> Question:
        params = dict(more) if first is None else {"fromId": first, **more}
        return self._trades(symbol, params, lambda fills: self._next_trades(symbol, fills, first, more))

    def _next_trades(
        self, symbol: str, fills: list[FillAnswer], first: int | None, more: Mapping[str, Any]
    ) -> Sequence[Question]:
        if len(fills) < self._dialect.trades.limit:
            return ()
        last = max(fill.trade_id for fill in fills)
        if last == first:
            raise Unreadable(f"a page of {len(fills)} trades holds a single trade id")
        return (self._trades_from(symbol, last, more),)

    def _trades_between(self, symbol: str, start: int) -> Question:
        step = self._dialect.trades.days * DAY_MS

        def following(fills: list[FillAnswer]) -> Sequence[Question]:
            # From a full page on, the ids lead the way, beyond the window too.
            if len(fills) >= self._dialect.trades.limit:
                return self._next_trades(symbol, fills, None, {})
            after = start + step
            return (self._trades_between(symbol, after),) if after <= self._until else ()

        return self._trades(symbol, {"startTime": start, "endTime": start + step - 1}, following)

    def _trades(
        self, symbol: str, params: dict[str, Any], following: Callable[[list[FillAnswer]], Sequence[Question]]
    ) -> Question:
        call = self._dialect.trades

        def use(result: Any) -> Sequence[Question]:
            fills = read_all(result, FillAnswer.read)
            self._evidence.add_fills(fills)
            return following(fills)

        return _question(call, f"the trades of {symbol}", use, {"symbol": symbol, **params, "limit": call.limit})

    # The details of an order.

    def order(self, key: Key) -> Question:
        def use(result: Any) -> None:
            self._evidence.add_order(OrderAnswer.read(result))

        return _question(
            self._dialect.order,
            _name(key),
            use,
            {"symbol": key[0], "orderId": key[1]},
            {_NO_SUCH_ORDER: lambda: self._evidence.not_found.add(key)},
        )

    def amendments_of(self, key: Key) -> Question:
        call = self._dialect.amendments

        def use(result: Any) -> None:
            self._evidence.add_amendments(key, read_all(result, AmendmentAnswer.read))
            if len(result) >= call.limit:
                raise Unreadable(f"there are more than {call.limit}")

        params = {"symbol": key[0], "orderId": key[1], "limit": call.limit}
        return _question(call, f"the amendments of {_name(key)}", use, params)

    def forced_orders_of(self, symbol: str) -> Question:
        """Ask for the orders by which the venue has liquidated or deleveraged positions."""
        call = self._dialect.forced_orders

        def use(result: Any) -> None:
            self._evidence.add_orders(read_all(result, OrderAnswer.read))

        # A time at both ends: alone, the one would set the other by a rule that is not documented.
        params = {"symbol": symbol, "startTime": self._since, "endTime": self._until + DAY_MS, "limit": call.limit}
        return _question(call, f"the forced orders of {symbol}", use, params)

    # Conditional orders.

    def conditional(self, number: int, symbol: str) -> Question:
        """Ask for one conditional order."""
        dialect = self._dialect.conditional

        def use(result: Any) -> None:
            self._evidence.add_conditional(dialect.read(result))

        params: dict[str, Any] = {dialect.number: number}
        if dialect.names_symbol:
            params["symbol"] = symbol
        not_found = {_NO_SUCH_ORDER: lambda: self._evidence.conditionals_not_found.add(number)}
        return self._about_conditionals(dialect.one, params, f"conditional order {number}", use, not_found)

    def conditionals(self, symbols: Sequence[str], *, days_before: int = 0) -> Iterator[Question]:
        """Ask for all conditional orders since then, or since some days before."""
        dialect = self._dialect.conditional
        needs_symbol = dialect.history_needs_symbol or self._knowledge.conditional_history_needs_symbol
        for symbol in symbols if needs_symbol else [None] if symbols else []:
            for start, end in self._placements(dialect.history):
                yield self._conditionals_between(symbol, start - days_before * DAY_MS, end - days_before * DAY_MS)

    def conditionals_before(self, symbols: Sequence[str]) -> Iterator[Question]:
        """Ask for the conditional orders that were placed shortly before, of which nothing may have been sent."""
        dialect = self._dialect.conditional
        if self._placed_since < self._since:
            is_by_symbol = dialect.history_needs_symbol or self._knowledge.conditional_history_needs_symbol
            for symbol in symbols if is_by_symbol else [None] if symbols else []:
                yield self._conditionals_between(symbol, self._placed_since, self._since - 1)

    def _conditionals_between(self, symbol: str | None, start: int, end: int) -> Question:
        call, read = self._dialect.conditional.history, self._dialect.conditional.read

        def use(result: Any) -> Sequence[Question]:
            found: list[ConditionalAnswer] = read_all(result, read)
            self._evidence.add_conditionals(found)
            return [self._conditionals_between(symbol, *half) for half in self._halves(call, found, start, end)]

        def needs_symbol() -> None:
            self._knowledge.conditional_history_needs_symbol = True

        params: dict[str, Any] = {"startTime": start, "endTime": end, "limit": call.limit}
        if symbol is None:
            excuses = {_PARAMETER_MISSING: needs_symbol}
            return self._about_conditionals(call, params, "the conditional orders", use, excuses)
        about = f"the conditional orders of {symbol}"
        return self._about_conditionals(call, {**params, "symbol": symbol}, about, use)

    def _about_conditionals(
        self,
        call: Call,
        params: Mapping[str, Any],
        about: str,
        use: Callable[[Any], Sequence[Question] | None],
        excuses: Mapping[int, Callable[[], None]] | None = None,
    ) -> Question:
        def lack() -> None:
            self._knowledge.lacks_conditional_routes = True

        lacking = {_NO_SUCH_PATH: lack, _NO_CODE: lack} if self._dialect.conditional.may_lack else {}
        return _question(call, about, use, params, {**lacking, **(excuses or {})})


def _question(
    call: Call,
    about: str,
    use: Callable[[Any], Sequence[Question] | None],
    params: Mapping[str, Any] | None = None,
    excuses: Mapping[int, Callable[[], None]] | None = None,
) -> Question:
    return Question(
        method=call.route, params=params or {}, weight=call.weight, about=about, use=use, excuses=excuses or {}
    )


def _name(key: Key) -> str:
    return f"order {key[1]} of {key[0]}"
