"""What the venue is asked in a recovery: by the calls of a book, with which parameters, page by page.

Windows of time are at most 24 hours. Whether the entries of ``allOrders`` come in the order of the time that they are
filtered by is not documented, so a full window is halved instead of paged.

Source: Binance Spot, WebSocket API, "Account requests", and their weights (2026-07-21).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import attrs

from trio_binance_uds.stream.recovery.inquiry import Question
from trio_binance_uds.stream.recovery.reading import Unreadable, each, member, read_all, whole
from trio_binance_uds.stream.recovery.spot.answers import (
    AmendmentAnswer,
    FillAnswer,
    Key,
    ListAnswer,
    PreventionAnswer,
    read_assets,
)
from trio_binance_uds.stream.recovery.spot.book import Book, Call, LoanCall
from trio_binance_uds.stream.recovery.spot.evidence import Evidence
from trio_binance_uds.stream.recovery.spot.knowledge import Knowledge
from trio_binance_uds.stream.recovery.spot.ledger import split_names
from trio_binance_uds.stream.recovery.timing import VenueClock, earliest, latest
from trio_binance_uds.stream.recovery.windows import DAY_MS, halves, to_ms, windows

_NO_SUCH_ORDER = -2013
# On margin there are hundreds of assets, and each guess costs as much as a symbol that is known.
_GUESSES_AT_MOST = 30


class Questions:
    """Makes the questions of one recovery; their answers go into the evidence."""

    def __init__(
        self,
        book: Book,
        evidence: Evidence,
        knowledge: Knowledge,
        *,
        since: datetime,
        clock: VenueClock,
    ) -> None:
        self._book = book
        self._evidence = evidence
        self._knowledge = knowledge
        self._clock = clock
        self._since = to_ms(since)
        self._until = max(to_ms(latest(clock)), self._since)

    def _ask(self, call: Call, about: str, use: Callable[[Any], Sequence[Question] | None], **params: Any) -> Question:
        return Question(method=call.method, params={**params, **call.params}, weight=call.weight, about=about, use=use)

    # The state of the account.

    def account(self) -> Question:
        asked = earliest(self._clock)

        def use(result: Any) -> None:
            self._evidence.account = self._book.read_account(result, asked, latest(self._clock))

        return self._ask(self._book.account, "the balances", use)

    def open_orders(self, symbols: Iterable[str]) -> list[Question]:
        """Ask for all open orders, or where that must be for those of these symbols, one by one."""
        if self._book.are_open_orders_by_symbol:
            wanted = list(symbols)
            self._evidence.expect_open_orders(wanted)
            return [self._open_orders_of(symbol) for symbol in wanted]

        def use(result: Any) -> None:
            self._evidence.add_open_orders(read_all(result, self._book.read_order))

        return [self._ask(self._book.open_orders, "the open orders", use)]

    def guess_open_orders(self, locked: Iterable[str]) -> list[Question]:
        """Ask for open orders on symbols that nobody named, and that need not exist, but that may lock these assets."""
        account = self._evidence.account
        assert account is not None, "what is locked strangely is known from it"
        # Those of which there is something come first.
        assets = dict.fromkeys([*sorted(account.balances), *sorted(account.names)])
        pairs = [pair for asset in locked for other in assets for pair in (asset + other, other + asset)]
        guesses = [pair for pair in dict.fromkeys(pairs) if not self._evidence.is_asked_for_open_orders(pair)]
        return [
            attrs.evolve(self._open_orders_of(pair), excuses=dict.fromkeys(self._book.no_such_symbol, _let_be))
            for pair in guesses[:_GUESSES_AT_MOST]
        ]

    def _open_orders_of(self, symbol: str) -> Question:
        def use(result: Any) -> None:
            self._evidence.add_open_orders_of(symbol, read_all(result, self._book.read_order))

        def is_gone() -> None:
            self._knowledge.gone.note(symbol)
            self._evidence.add_open_orders_of(symbol, [])

        question = self._ask(self._book.open_orders, f"the open orders of {symbol}", use, symbol=symbol)
        return attrs.evolve(question, excuses=dict.fromkeys(self._book.no_such_symbol, is_gone))

    def open_lists(self) -> Question:
        def use(result: Any) -> None:
            self._evidence.add_open_lists(read_all(result, ListAnswer.read))

        return self._ask(self._book.open_lists, "the open order lists", use)

    def assets(self, symbols: list[str]) -> Iterator[Question]:
        """Ask for the base and quote assets of symbols; where that cannot be asked, conclude them."""

        def use(result: Any) -> None:
            self._knowledge.learn_assets(read_assets(result).items())

        if self._book.assets is not None:
            yield self._ask(self._book.assets, "the assets of symbols", use, symbols=symbols)
        elif self._evidence.account is not None:
            self._knowledge.learn_assets(split_names(symbols, self._evidence.account.names))

    def loans(self) -> Iterator[Question]:
        """Ask what was borrowed and repaid since then."""
        for loans in self._book.loans:
            for start, end in self._windows():
                yield self._loans_between(loans, start, end, 1)

    def _loans_between(self, loans: LoanCall, start: int, end: int, page: int) -> Question:
        def use(result: Any) -> Sequence[Question]:
            rows = each(member(result, "rows", whole))
            self._evidence.add_loans([loan for row in rows if (loan := loans.read(row)) is not None])
            return (self._loans_between(loans, start, end, page + 1),) if len(rows) >= loans.call.page else ()

        params = {"startTime": start, "endTime": end, "current": page, "size": loans.call.page}
        return self._ask(loans.call, "what was borrowed and repaid", use, **params)

    # The history of a symbol.

    def orders_of(self, symbol: str) -> Iterator[Question]:
        """Ask for all orders that changed since then.

        The last window is open to the future: an order that changes just now must not fall out of it.
        """
        for start, end in self._windows():
            yield self._orders_between(symbol, start, end)

    def guess(self, symbol: str) -> Iterator[Question]:
        """Ask what there was on a symbol that need not exist."""
        dear = self._book.are_orders_dear
        for question in [self.trades_of(symbol)] if dear else self.orders_of(symbol):
            yield attrs.evolve(question, excuses=dict.fromkeys(self._book.no_such_symbol, _let_be))

    def _windows(self) -> Iterator[tuple[int, int]]:
        return windows(self._since, self._until, 1)

    def _orders_between(self, symbol: str, start: int, end: int) -> Question:
        call, about = self._book.orders, f"the orders of {symbol}"

        def use(result: Any) -> Sequence[Question]:
            orders = read_all(result, self._book.read_order)
            self._evidence.add_history(symbol, orders)
            return [self._orders_between(symbol, *half) for half in self._halves(call, orders, start, end)]

        return self._ask(call, about, use, symbol=symbol, startTime=start, endTime=end, limit=call.page)

    def _halves(self, call: Call, page: Sequence[object], start: int, end: int) -> Sequence[tuple[int, int]]:
        return halves(page, call.page, (start, end), self._until)

    def trades_of(self, symbol: str) -> Question:
        """Ask for all trades after the last one that was told, or else since then."""
        last = self._knowledge.record_of(symbol).last_trade_id
        # With the last one itself: its other half may be missing, where both orders were of this account.
        return self._trades_between(symbol, self._since) if last < 0 else self._trades_from(symbol, last)

    def _trades_from(self, symbol: str, first: int) -> Question:
        call = self._book.trades
        return self._trades(call, symbol, lambda f: self._next_trades(call, symbol, f, {}, first), fromId=first)

    def _next_trades(
        self, call: Call, symbol: str, fills: list[FillAnswer], more: dict[str, Any], first: int | None
    ) -> Sequence[Question]:
        if len(fills) < call.page:
            return ()
        last = max(fill.trade_id for fill in fills)
        if last == first:
            raise Unreadable(f"a page of {call.page} trades holds a single trade id")
        return (
            self._trades(call, symbol, lambda f: self._next_trades(call, symbol, f, more, last), fromId=last, **more),
        )

    def _trades_between(self, symbol: str, start: int) -> Question:
        call = self._book.trades

        def following(fills: list[FillAnswer]) -> Sequence[Question]:
            # From a full page on, the ids lead the way, beyond the window too.
            if len(fills) >= call.page:
                return self._next_trades(call, symbol, fills, {}, None)
            after = start + DAY_MS
            return (self._trades_between(symbol, after),) if after <= self._until else ()

        return self._trades(call, symbol, following, startTime=start, endTime=start + DAY_MS - 1)

    def trades_of_order(self, key: Key) -> Question:
        symbol, order_id = key
        call, more = self._book.trades_of_order, {"orderId": order_id}
        return self._trades(call, symbol, lambda f: self._next_trades(call, symbol, f, more, None), **more)

    def _trades(
        self, call: Call, symbol: str, following: Callable[[list[FillAnswer]], Sequence[Question]], **params: Any
    ) -> Question:
        def use(result: Any) -> Sequence[Question]:
            fills = read_all(result, self._book.read_trade)
            self._evidence.add_fills(fills)
            return following(fills)

        return self._ask(call, f"the trades of {symbol}", use, symbol=symbol, limit=call.page, **params)

    # The details of an order, and of an order list.

    def status_of(self, key: Key) -> Question:
        def use(result: Any) -> None:
            self._evidence.add_status(self._book.read_order(result))

        question = self._ask(self._book.order, _name(key), use, symbol=key[0], orderId=key[1])
        return attrs.evolve(question, excuses={_NO_SUCH_ORDER: lambda: self._evidence.not_found.add(key)})

    def amendments_of(self, key: Key) -> Iterator[Question]:
        call = self._book.amendments
        if call is None:
            return
        page = call.page

        def use(result: Any) -> None:
            self._evidence.add_amendments(key, read_all(result, AmendmentAnswer.read))
            if len(result) >= page:
                raise Unreadable(f"there are more than {page}")

        about = f"the amendments of {_name(key)}"
        yield self._ask(call, about, use, symbol=key[0], orderId=key[1], limit=page)

    def preventions_of(self, key: Key, match_id: int | None) -> Question:
        """Ask for the prevented matches of an order; with an id, for that one alone."""

        def use(result: Any) -> None:
            self._evidence.add_preventions(key, read_all(result, PreventionAnswer.read))

        about = f"the prevented matches of {_name(key)}"
        if match_id is not None:
            return self._ask(self._book.prevention, about, use, symbol=key[0], preventedMatchId=match_id)
        call = self._book.preventions_of_order
        return self._ask(call, about, use, symbol=key[0], orderId=key[1], limit=call.page)

    def allocations_of(self, key: Key) -> Iterator[Question]:
        def use(result: Any) -> None:
            self._evidence.add_fills(read_all(result, FillAnswer.read_allocation))

        if (call := self._book.allocations) is not None:
            about = f"the allocations of {_name(key)}"
            yield self._ask(call, about, use, symbol=key[0], orderId=key[1], limit=call.page)

    def lists(self, list_ids: Iterable[int], *, are_more: bool = False) -> Iterator[Question]:
        """Ask for order lists: one by one, or for all that were placed since then.

        The latter where they are many, or where there may be more than those that are known.
        """
        ids = list(list_ids)
        if len(ids) > 5 or are_more:
            for start, end in self._windows():
                yield self._lists_between(start, end)
        else:
            for list_id in ids:
                yield self.list_of(list_id)

    def list_of(self, list_id: int) -> Question:
        def use(result: Any) -> None:
            self._evidence.add_lists([ListAnswer.read(result)])

        question = self._ask(self._book.order_list, f"order list {list_id}", use, orderListId=list_id)
        return attrs.evolve(question, excuses={_NO_SUCH_ORDER: _let_be})

    def _lists_between(self, start: int, end: int) -> Question:
        call = self._book.order_lists

        def use(result: Any) -> Sequence[Question]:
            lists = read_all(result, ListAnswer.read)
            self._evidence.add_lists(lists)
            return [self._lists_between(*half) for half in self._halves(call, lists, start, end)]

        return self._ask(call, "the order lists", use, startTime=start, endTime=end, limit=call.page)


def _let_be() -> None:
    """There is no such thing, and nothing follows from it here."""


def _name(key: Key) -> str:
    return f"order {key[1]} of {key[0]}"
