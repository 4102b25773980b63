"""What a margin account is asked: the routes of ``/sapi/v1/margin`` with their weights, for cross or for one pair.

A minute allows an IP address 12000 on each route. The history of orders and of order lists costs 200 a call, twenty
times as much as anything else: it is asked for last, so that a budget that does not suffice goes to trades and to the
orders that are known.

Without a symbol, the open orders of a cross account cost 10 for every symbol that trades, by the page that describes
them: the whole minute of an address, and the next question is refused. So they are asked for symbol by symbol: those
that were named, that the stream has shown, or that have an open order list. Orders on other symbols show in what is
locked: then symbols are guessed, and while the locks stay without an order, no gap is complete.

Source: Binance Margin Trading, "Trade" and "Account" (2026-01-15). A client library reckons with a weight of 40 for all
open orders; the page is believed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from trio_binance_uds.products import MarginAccount
from trio_binance_uds.stream.recovery.margin.answers import (
    read_borrowed,
    read_cross_account,
    read_isolated_account,
    read_order,
    read_repaid,
    read_trade,
)
from trio_binance_uds.stream.recovery.spot.book import Book, Call, LoanCall
from trio_binance_uds.stream.recovery.symbols import BAD_MARGIN_PAIR

_ROOT = "GET /sapi/v1/margin/"


def margin_book(account: MarginAccount) -> Book:
    """Return what this account can be asked; an order's amendments and its allocations are not among it."""
    symbol = account.symbol
    is_isolated = {"isIsolated": "FALSE" if symbol is None else "TRUE"}
    whole = is_isolated if symbol is None else {**is_isolated, "symbol": symbol}

    def call(route: str, weight: int, *, params: dict[str, Any] = is_isolated, page: int = 1000) -> Call:
        return Call(_ROOT + route, weight, params=params, page=page)

    loans = {} if symbol is None else {"isolatedSymbol": symbol}
    return Book(
        account=call("account", 10, params={})
        if symbol is None
        else call("isolated/account", 10, params={"symbols": symbol}),
        open_orders=call("openOrders", 10, params=whole),
        open_lists=call("openOrderList", 10, params=whole),
        orders=call("allOrders", 200, page=500),
        trades=call("myTrades", 10),
        trades_of_order=call("myTrades", 10),
        order=call("order", 10),
        preventions_of_order=call("myPreventedMatches", 10),
        prevention=call("myPreventedMatches", 10),
        order_list=call("orderList", 10, params=whole),
        order_lists=call("allOrderList", 200, params=whole, page=500),
        loans=(
            LoanCall(
                call("borrow-repay", 10, params={"type": "BORROW", **loans}, page=100),
                partial(read_borrowed, symbol=symbol),
            ),
            LoanCall(
                call("borrow-repay", 10, params={"type": "REPAY", **loans}, page=100),
                partial(read_repaid, symbol=symbol),
            ),
        ),
        do_orders_name_lists=False,
        symbol=symbol,
        are_orders_dear=True,
        are_open_orders_by_symbol=symbol is None,
        no_such_symbol=BAD_MARGIN_PAIR,
        read_account=read_cross_account if symbol is None else read_isolated_account,
        read_order=read_order,
        read_trade=read_trade,
    )
