"""What the venue is asked about an options account: by which routes, at which weight, page by page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
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
from trio_binance_uds.stream.recovery.reading import Unreadable, read_all
from trio_binance_uds.stream.recovery.timing import VenueClock, earliest, latest
from trio_binance_uds.stream.recovery.unproven import Span

_ROOT = "GET /eapi/v1/"
_PAGE = 1000
_NO_SUCH_ORDER = -2013
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_MS = 86_400_000


class Questions:
    """Makes the questions of one recovery; their answers go into the evidence."""

    def __init__(self, evidence: Evidence, since: datetime, clock: VenueClock) -> None:
        self._evidence = evidence
        self._clock = clock
        self._since = _to_ms(since)

    def state(self) -> list[Question]:
        """Ask for what is now."""
        return [self._account(), self._positions(), self._open_orders()]

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

    def _open_orders(self) -> Question:
        def use(result: Any) -> None:
            self._evidence.add_open_orders(read_all(result, OrderAnswer.read))

        return Question(method=f"{_ROOT}openOrders", weight=40, about="the open orders", use=use)

    def trades_of(self, symbol: str, since: datetime | None = None) -> Question:
        """Ask for all trades since then, or since an earlier time."""

        def use(rows: Any) -> Sequence[object]:
            trades = read_all(rows, TradeAnswer.read)
            self._evidence.add_trades(trades)
            return trades

        start, end = self._window()
        window = (start if since is None else min(start, _to_ms(since)), end)
        return self._between("userTrades", 5, f"the trades of {symbol}", symbol, use, window)

    def orders_of(self, symbol: str, placed: Span | None = None) -> Question:
        """Ask for all orders that were placed since then, or in an earlier span, and have ended."""

        def use(rows: Any) -> Sequence[object]:
            orders = read_all(rows, OrderAnswer.read)
            self._evidence.add_orders(orders)
            return orders

        window = self._window() if placed is None else (_to_ms(placed[0]), _to_ms(placed[1]))
        return self._between("historyOrders", 3, f"the orders of {symbol}", symbol, use, window)

    def _window(self) -> tuple[int, int]:
        """Return since when to ask, and an end in the future: what happens just now must not fall out of it."""
        return self._since, max(_to_ms(latest(self._clock)), self._since) // _DAY_MS * _DAY_MS + 2 * _DAY_MS

    def _between(
        self,
        route: str,
        weight: int,
        about: str,
        symbol: str,
        use: Callable[[Any], Sequence[object]],
        window: tuple[int, int],
    ) -> Question:
        """Ask for what a window holds; whether a page is in order is not documented, so a full window is halved."""
        start, end = window

        def use_page(result: Any) -> Sequence[Question]:
            if len(use(result)) < _PAGE:
                return ()
            middle = (start + min(end, max(_to_ms(latest(self._clock)), start + 1))) // 2
            if middle >= end:
                raise Unreadable(f"there are more than {_PAGE} in one millisecond")
            halves = ((start, middle), (middle + 1, end))
            return [self._between(route, weight, about, symbol, use, half) for half in halves]

        params = {"symbol": symbol, "startTime": start, "endTime": end, "limit": _PAGE}
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

    def exercises(self) -> Question:
        """Ask for the positions that were settled since then."""

        def use(result: Any) -> None:
            self._evidence.add_exercises(read_all(result, ExerciseAnswer.read))

        start, end = self._window()
        params = {"startTime": start, "endTime": end, "limit": _PAGE}
        return Question(method=f"{_ROOT}exerciseRecord", params=params, weight=5, about="the exercises", use=use)


def _to_ms(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)
