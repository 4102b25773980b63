"""What the venue is asked in a recovery: which methods, with which parameters, at which weight, page by page.

Windows of time are at most 24 hours and pages at most 1000 entries. Whether the entries of ``allOrders`` come in the
order of the time that they are filtered by is not documented, so a full window is halved instead of paged.

Source: Binance Spot, WebSocket API, "Account requests", and their weights (2026-07-21).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from trio_binance_uds.stream.recovery.inquiry import Question
from trio_binance_uds.stream.recovery.reading import Unreadable, read_all
from trio_binance_uds.stream.recovery.spot.answers import (
    AccountAnswer,
    AmendmentAnswer,
    FillAnswer,
    Key,
    ListAnswer,
    OrderAnswer,
    PreventionAnswer,
    read_assets,
)
from trio_binance_uds.stream.recovery.spot.evidence import Evidence
from trio_binance_uds.stream.recovery.spot.knowledge import Knowledge

PAGE = 1000
_NO_SUCH_ORDER = -2013
_NO_SUCH_SYMBOL = -1121
_DAY_MS = 86_400_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_ms(at: datetime) -> int:
    """Return a time as the epoch milliseconds of a parameter, rounded down."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


class Questions:
    """Makes the questions of one recovery; their answers go into the evidence."""

    def __init__(self, evidence: Evidence, knowledge: Knowledge, *, since: datetime, until: datetime) -> None:
        self._evidence = evidence
        self._knowledge = knowledge
        self._since = to_ms(since)
        self._until = max(to_ms(until), self._since)

    # The state of the account.

    def account(self) -> Question:
        def use(result: Any) -> None:
            self._evidence.account = AccountAnswer.read(result)

        params = {"omitZeroBalances": True}
        return Question(method="account.status", params=params, weight=20, about="the balances", use=use)

    def open_orders(self) -> Question:
        def use(result: Any) -> None:
            self._evidence.add_open_orders(read_all(result, OrderAnswer.read))

        return Question(method="openOrders.status", weight=80, about="the open orders", use=use)

    def open_lists(self) -> Question:
        def use(result: Any) -> None:
            self._evidence.add_open_lists(read_all(result, ListAnswer.read))

        return Question(method="openOrderLists.status", weight=6, about="the open order lists", use=use)

    def assets(self, symbols: list[str]) -> Question:
        def use(result: Any) -> None:
            self._knowledge.learn_assets(read_assets(result).items())

        params = {"symbols": symbols}
        return Question(method="exchangeInfo", params=params, weight=20, about="the assets of symbols", use=use)

    # The history of a symbol.

    def orders_of(self, symbol: str, *, is_guess: bool = False) -> Iterator[Question]:
        """Ask for all orders that changed since then; with a guess, there need not be such a symbol.

        The last window is open to the future: an order that changes just now must not fall out of it.
        """
        for start, end in self._windows():
            question = self._orders_between(symbol, start, end)
            yield attrs.evolve(question, excuses={_NO_SUCH_SYMBOL: _let_be}) if is_guess else question

    def _windows(self) -> Iterator[tuple[int, int]]:
        for start in range(self._since, self._until + 1, _DAY_MS):
            yield start, start + _DAY_MS - 1

    def _orders_between(self, symbol: str, start: int, end: int) -> Question:
        about = f"the orders of {symbol}"

        def use(result: Any) -> Sequence[Question]:
            orders = read_all(result, OrderAnswer.read)
            self._evidence.add_history(symbol, orders)
            return [self._orders_between(symbol, *half) for half in self._halves(orders, start, end)]

        params = {"symbol": symbol, "startTime": start, "endTime": end, "limit": PAGE}
        return Question(method="allOrders", params=params, weight=20, about=about, use=use)

    def _halves(self, page: Sequence[object], start: int, end: int) -> Sequence[tuple[int, int]]:
        """Return the halves of a window that holds more than its page shows."""
        if len(page) < PAGE:
            return ()
        middle = (start + min(end, max(self._until, start + 1))) // 2
        if middle >= end:
            raise Unreadable(f"there are more than {PAGE} in one millisecond")
        return ((start, middle), (middle + 1, end))

    def trades_of(self, symbol: str) -> Question:
        """Ask for all trades after the last one that was told, or else since then."""
        last = self._knowledge.record_of(symbol).last_trade_id
        # With the last one itself: its other half may be missing, where both orders were of this account.
        return self._trades_between(symbol, self._since) if last < 0 else self._trades_from(symbol, last)

    def _trades_from(self, symbol: str, first: int) -> Question:
        params = {"symbol": symbol, "fromId": first, "limit": PAGE}
        return self._trades(symbol, params, 20, lambda fills: self._next_trades(symbol, fills, {}, 20, first))

    def _next_trades(
        self, symbol: str, fills: list[FillAnswer], more: dict[str, Any], weight: int, first: int | None
    ) -> Sequence[Question]:
        if len(fills) < PAGE:
            return ()
        last = max(fill.trade_id for fill in fills)
        if last == first:
            raise Unreadable(f"a page of {PAGE} trades holds a single trade id")
        params = {"symbol": symbol, "fromId": last, "limit": PAGE, **more}
        return (self._trades(symbol, params, weight, lambda f: self._next_trades(symbol, f, more, weight, last)),)

    def _trades_between(self, symbol: str, start: int) -> Question:
        def following(fills: list[FillAnswer]) -> Sequence[Question]:
            # From a full page on, the ids lead the way, beyond the window too.
            if len(fills) >= PAGE:
                return self._next_trades(symbol, fills, {}, 20, None)
            after = start + _DAY_MS
            return (self._trades_between(symbol, after),) if after <= self._until else ()

        params = {"symbol": symbol, "startTime": start, "endTime": start + _DAY_MS - 1, "limit": PAGE}
        return self._trades(symbol, params, 20, following)

    def trades_of_order(self, key: Key) -> Question:
        symbol, order_id = key
        params = {"symbol": symbol, "orderId": order_id, "limit": PAGE}
        more = {"orderId": order_id}
        return self._trades(symbol, params, 5, lambda fills: self._next_trades(symbol, fills, more, 5, None))

    def _trades(
        self,
        symbol: str,
        params: dict[str, Any],
        weight: int,
        following: Callable[[list[FillAnswer]], Sequence[Question]],
    ) -> Question:
        def use(result: Any) -> Sequence[Question]:
            fills = read_all(result, FillAnswer.read_trade)
            self._evidence.add_fills(fills)
            return following(fills)

        about = f"the trades of {symbol}"
        return Question(method="myTrades", params=params, weight=weight, about=about, use=use)

    # The details of an order, and of an order list.

    def status_of(self, key: Key) -> Question:
        def use(result: Any) -> None:
            self._evidence.add_status(OrderAnswer.read(result))

        return Question(
            method="order.status",
            params={"symbol": key[0], "orderId": key[1]},
            weight=4,
            about=_name(key),
            use=use,
            excuses={_NO_SUCH_ORDER: lambda: self._evidence.not_found.add(key)},
        )

    def amendments_of(self, key: Key) -> Question:
        def use(result: Any) -> None:
            self._evidence.add_amendments(key, read_all(result, AmendmentAnswer.read))
            if len(result) >= PAGE:
                raise Unreadable(f"there are more than {PAGE}")

        params = {"symbol": key[0], "orderId": key[1], "limit": PAGE}
        about = f"the amendments of {_name(key)}"
        return Question(method="order.amendments", params=params, weight=4, about=about, use=use)

    def preventions_of(self, key: Key, match_id: int | None) -> Question:
        """Ask for the prevented matches of an order; with an id, for that one alone."""

        def use(result: Any) -> None:
            self._evidence.add_preventions(key, read_all(result, PreventionAnswer.read))

        which = {"orderId": key[1]} if match_id is None else {"preventedMatchId": match_id}
        params: dict[str, Any] = {"symbol": key[0], **which}
        weight, about = 20 if match_id is None else 2, f"the prevented matches of {_name(key)}"
        if match_id is None:
            params["limit"] = PAGE
        return Question(method="myPreventedMatches", params=params, weight=weight, about=about, use=use)

    def allocations_of(self, key: Key) -> Question:
        def use(result: Any) -> None:
            self._evidence.add_fills(read_all(result, FillAnswer.read_allocation))

        params = {"symbol": key[0], "orderId": key[1], "limit": PAGE}
        about = f"the allocations of {_name(key)}"
        return Question(method="myAllocations", params=params, weight=20, about=about, use=use)

    def lists(self, list_ids: Iterable[int]) -> Iterator[Question]:
        """Ask for order lists: one by one, or where they are many for all that were placed since then."""
        ids = list(list_ids)
        if len(ids) > 5:
            for start, end in self._windows():
                yield self._lists_between(start, end)
        else:
            for list_id in ids:
                yield self.list_of(list_id)

    def list_of(self, list_id: int) -> Question:
        def use(result: Any) -> None:
            self._evidence.add_lists([ListAnswer.read(result)])

        return Question(
            method="orderList.status",
            params={"orderListId": list_id},
            weight=4,
            about=f"order list {list_id}",
            use=use,
            excuses={_NO_SUCH_ORDER: _let_be},
        )

    def _lists_between(self, start: int, end: int) -> Question:
        def use(result: Any) -> Sequence[Question]:
            lists = read_all(result, ListAnswer.read)
            self._evidence.add_lists(lists)
            return [self._lists_between(*half) for half in self._halves(lists, start, end)]

        params = {"startTime": start, "endTime": end, "limit": PAGE}
        return Question(method="allOrderLists", params=params, weight=20, about="the order lists", use=use)


def _let_be() -> None:
    """There is no such thing, and nothing follows from it here."""


def _name(key: Key) -> str:
    return f"order {key[1]} of {key[0]}"
