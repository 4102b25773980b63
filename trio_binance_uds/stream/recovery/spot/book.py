"""What the accounts of a family are asked, as values: by which methods or routes, at which weight, and how to read it.

Spot and margin keep orders, trades, order lists and balances in the same way. What one of them cannot be asked is
``None`` in its book.

Source: Binance Spot, WebSocket API, "Account requests", and their weights (2026-07-21).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, TypeAlias

import attrs

from trio_binance_uds.stream.recovery.spot.answers import AccountAnswer, FillAnswer, OrderAnswer
from trio_binance_uds.stream.recovery.spot.ledger import Loan
from trio_binance_uds.stream.recovery.symbols import BAD_SYMBOL

ReadAccount: TypeAlias = Callable[[Any, datetime, datetime], AccountAnswer]
"""Reads balances that were asked for and answered at these times."""


def _read_only(params: Mapping[str, Any]) -> Mapping[str, Any]:
    return MappingProxyType(dict(params))


@attrs.frozen
class Call:
    """One thing that can be asked.

    Attributes:
        method: the method of the WebSocket API, or the route.
        params: what is sent with every call.
        page: how many entries an answer has at most.
    """

    method: str
    weight: int
    params: Mapping[str, Any] = attrs.field(factory=dict, converter=_read_only, kw_only=True)
    page: int = attrs.field(default=1000, kw_only=True)


@attrs.frozen
class LoanCall:
    """One kind of loans that can be asked for, by pages of ``rows``; of rows that do not count, nothing is read."""

    call: Call
    read: Callable[[Any], Loan | None]


@attrs.frozen(kw_only=True, eq=False)
class Book:
    """All that a family of accounts can be asked.

    Attributes:
        assets: the base and quote assets of symbols; ``None``: they are concluded from the names of symbols and assets.
        loans: what was borrowed and what was repaid, which changes balances without a word of why on the stream.
        do_orders_name_lists: whether an order says which list it belongs to; otherwise the lists say it.
        symbol: the only symbol that there can be; ``None``: any.
        are_orders_dear: whether the history of a symbol's orders costs so much more than its trades that it is asked
            for after everything else.
        are_open_orders_by_symbol: whether open orders are asked for symbol by symbol, at that weight each: without a
            symbol the question costs as much as there are symbols, which nobody knows beforehand.
        no_such_symbol: the codes by which the venue says that a symbol does not exist.
    """

    account: Call
    open_orders: Call
    open_lists: Call
    orders: Call
    trades: Call
    trades_of_order: Call
    order: Call
    preventions_of_order: Call
    prevention: Call
    order_list: Call
    order_lists: Call
    amendments: Call | None = None
    allocations: Call | None = None
    assets: Call | None = None
    loans: tuple[LoanCall, ...] = ()
    do_orders_name_lists: bool = True
    symbol: str | None = None
    are_orders_dear: bool = False
    are_open_orders_by_symbol: bool = False
    no_such_symbol: frozenset[int] = BAD_SYMBOL
    read_account: ReadAccount
    read_order: Callable[[Any], OrderAnswer] = OrderAnswer.read
    read_trade: Callable[[Any], FillAnswer] = FillAnswer.read_trade


SPOT_BOOK = Book(
    account=Call("account.status", 20, params={"omitZeroBalances": True}),
    open_orders=Call("openOrders.status", 80),
    open_lists=Call("openOrderLists.status", 6),
    orders=Call("allOrders", 20),
    trades=Call("myTrades", 20),
    trades_of_order=Call("myTrades", 5),
    order=Call("order.status", 4),
    preventions_of_order=Call("myPreventedMatches", 20),
    prevention=Call("myPreventedMatches", 2),
    order_list=Call("orderList.status", 4),
    order_lists=Call("allOrderLists", 20),
    amendments=Call("order.amendments", 4),
    allocations=Call("myAllocations", 20),
    assets=Call("exchangeInfo", 20),
    read_account=lambda raw, asked, answered: AccountAnswer.read(raw),
)
