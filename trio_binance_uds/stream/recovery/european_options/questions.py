"""What the venue is asked about an options account: by which routes, at which weight, page by page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from trio_binance_uds.stream.recovery.european_options.answers import (
    AccountAnswer,
    ExerciseAnswer,
    Key,
    OrderAnswer,
    PositionAnswer,
    TradeAnswer,
)
from trio_binance_uds.stream.recovery.european_options.evidence import Evidence, Taken
from trio_binance_uds.stream.recovery.inquiry import Question
from trio_binance_uds.stream.recovery.reading import read_all
from trio_binance_uds.stream.recovery.timing import VenueClock, earliest, latest
from trio_binance_uds.stream.recovery.unproven import Span
from trio_binance_uds.stream.recovery.windows import halves, to_ms, windows

_ROOT = "GET /eapi/v1/"
_PAGE = 1000
_NO_SUCH_ORDER = -2013
# The histories take no longer window than the orders are kept.
_WINDOW_DAYS = 5


class Questions:
    """Makes the questions of one recovery; their answers go into the evidence."""

    def __init__(self, evidence: Evidence, since: datetime, clock: VenueClock) -> None:
        self._evidence = evidence
        self._clock = clock
        self._since = to_ms(since)
        self._until = max(to_ms(latest(clock)), self._since)

    def state(self) -> list[Question]:
        """Ask for what is now."""
        return [self._account(), self._positions(), self.open_orders()]

    def _account(self) -> Question:
        asked = earliest(self._clock)

        def use(result: Any) -> None:
            self._evidence.add_account(AccountAnswer.read(result), Taken(asked, latest(self._clock)))

        return Question(method=f"{_ROOT}marginAccount", weight=3, about="the account", use=use)

    def _positions(self) -> Question:
        asked = earliest(self._clock)

        def use(result: Any) -> None:
            self._evidence.add_positions(read_all(result, PositionAnswer.read), Taken(asked, latest(self._clock)))

        return Question(method=f"{_ROOT}position", weight=5, about="the positions", use=use)

    def open_orders(self) -> Question:
        def use(result: Any) -> None:
            self._evidence.add_open_orders(read_all(result, OrderAnswer.read))

        return Question(method=f"{_ROOT}openOrders", weight=40, about="the open orders", use=use)

    def trades_of(self, symbol: str, since: datetime | None = None) -> Iterator[Question]:
        """Ask for all trades since then, or since an earlier time."""

        def use(rows: Any) -> Sequence[object]:
            trades = read_all(rows, TradeAnswer.read)
            self._evidence.add_trades(trades)
            return trades

        start = self._since if since is None else min(self._since, to_ms(since))
        for window in windows(start, self._until, _WINDOW_DAYS):
            yield self._between("userTrades", 5, f"the trades of {symbol}", symbol, use, window)

    def orders_of(self, symbol: str, placed: Span | None = None) -> Iterator[Question]:
        """Ask for all orders that were placed since then, or in an earlier span, and have ended."""

        def use(rows: Any) -> Sequence[object]:
            orders = read_all(rows, OrderAnswer.read)
            self._evidence.add_history(symbol, orders)
            return orders

        since, until = (self._since, self._until) if placed is None else (to_ms(placed[0]), to_ms(placed[1]))
        for start, end in windows(since, until, _WINDOW_DAYS):
            window = (start, end if placed is None else min(end, until))
            yield self._between("historyOrders", 3, f"the orders of {symbol}", symbol, use, window)

    def _between(
        self,
        route: str,
        weight: int,
        about: str,
        symbol: str,
        use: Callable[[Any], Sequence[object]],
        window: tuple[int, int],
    ) -> Question:
        """Ask for what a window holds."""

        def use_page(result: Any) -> Sequence[Question]:
            until = max(to_ms(latest(self._clock)), self._until)
            parts = halves(use(result), _PAGE, window, until)
            return [self._between(route, weight, about, symbol, use, part) for part in parts]

        params = {"symbol": symbol, "startTime": window[0], "endTime": window[1], "limit": _PAGE}
        return Question(method=_ROOT + route, params=params, weight=weight, about=about, use=use_page)

    def status_of(self, key: Key) -> Question:
        def use(result: Any) -> None:
            self._evidence.add_status(OrderAnswer.read(result))

        return Question(
            method=f"{_ROOT}order",
            params={"symbol": key[0], "orderId": key[1]},
            weight=1,
            about=f"order {key[1]} of {key[0]}",
            use=use,
            excuses={_NO_SUCH_ORDER: lambda: self._evidence.not_found.add(key)},
        )

    def exercises(self) -> Iterator[Question]:
        """Ask for the positions that were settled since then."""

        def use(result: Any) -> None:
            self._evidence.add_exercises(read_all(result, ExerciseAnswer.read))

        for start, end in windows(self._since, self._until, _WINDOW_DAYS):
            params = {"startTime": start, "endTime": end, "limit": _PAGE}
            yield Question(method=f"{_ROOT}exerciseRecord", params=params, weight=5, about="the exercises", use=use)
