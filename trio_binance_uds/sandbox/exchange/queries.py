"""Answers an account's questions about itself: balances, orders, trades, lists, and their history.

History comes oldest first. The questions that Binance answers from its database are answered as of
``Exchange.database_lag`` ago.

Source: Binance Spot, WebSocket API, "Account requests" (2026-07-21).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import islice
from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.exchange import refusals, results
from trio_binance_uds.sandbox.exchange.amounts import wire_amount

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.exchange.accounts import Account
    from trio_binance_uds.sandbox.exchange.exchange import Exchange
    from trio_binance_uds.sandbox.exchange.orders import Order, Trade
    from trio_binance_uds.sandbox.exchange.parameters import Parameters
    from trio_binance_uds.sandbox.exchange.records import Records

DAY = 86_400_000_000
ARCHIVED_AFTER = 90 * DAY
TRADE_QUERIES: tuple[set[str], ...] = (
    set(),
    {"orderId"},
    {"startTime"},
    {"endTime"},
    {"fromId"},
    {"startTime", "endTime"},
    {"orderId", "fromId"},
)


def account_status(exchange: Exchange, account: Account, p: Parameters) -> dict[str, Any]:
    """``account.status``"""
    omit_zero = p.boolean("omitZeroBalances", default=False)
    p.finish()
    return results.account_state(account, omit_zero=omit_zero)


def account_commission(exchange: Exchange, account: Account, p: Parameters) -> dict[str, Any]:
    """``account.commission``"""
    symbol = exchange.symbol_of(p)
    p.finish()
    nothing = dict.fromkeys(("maker", "taker", "buyer", "seller"), "0.00000000")
    rates = {"maker": wire_amount(account.maker_commission), "taker": wire_amount(account.taker_commission)}
    return {
        "symbol": symbol.name,
        "standardCommission": nothing | rates,
        "specialCommission": dict(nothing),
        "taxCommission": dict(nothing),
        "discount": results.discount(account),
    }


def open_orders(exchange: Exchange, account: Account, p: Parameters) -> list[dict[str, Any]]:
    """``openOrders.status``: a flat list, also over all symbols."""
    symbol = exchange.symbol_of(p) if p.text("symbol") is not None else None
    p.finish()
    records = account.records.values() if symbol is None else [account.records_of(symbol.name)]
    return [results.queried(order) for record in records for order in record.open.values()]


def order_status(exchange: Exchange, account: Account, p: Parameters) -> dict[str, Any]:
    """``order.status``; a canceled order is found under its new client id."""
    symbol = exchange.symbol_of(p)
    order_id, client_id = p.integer("orderId"), p.text("origClientOrderId")
    p.finish()
    if order_id is None and client_id is None:
        raise refusals.one_of("origClientOrderId", "orderId")
    records = account.records_of(symbol.name)
    order = records.find(client_id or "") if order_id is None else records.by_id.get(order_id)
    if order is None:
        raise refusals.no_such_order()
    if client_id not in (None, order.client_order_id):
        raise refusals.Refusal(-2039, "The client order ID is not correct for this order ID.")
    if not order.is_open and not order.executed and exchange.time() - order.updated > ARCHIVED_AFTER:
        raise refusals.Refusal(
            -2026, "Order was canceled or expired with no executed qty over 90 days ago and has been archived."
        )
    return results.queried(order)


def all_orders(exchange: Exchange, account: Account, p: Parameters) -> list[dict[str, Any]]:
    """``allOrders``: by times of the last update, else from an id on, else the newest."""
    symbol = exchange.symbol_of(p)
    first_id = p.integer("orderId")
    start, end = _window(p)
    limit = p.limit()
    p.finish()
    records, horizon = account.records_of(symbol.name), exchange.horizon()
    if start is not None or end is not None:
        orders = _updated_between(records, start, end, limit, horizon)
    elif first_id is not None:
        first = bisect_left(records.orders, first_id, key=lambda order: order.order_id)
        known = (as_of(records.orders[i], horizon) for i in range(first, len(records.orders)))
        orders = list(islice((order for order in known if order is not None), limit))
    else:
        known = (as_of(order, horizon) for order in reversed(records.orders))
        orders = list(islice((order for order in known if order is not None), limit))[::-1]
    return [results.queried(order) for order in orders]


def as_of(order: Order, horizon: int | None) -> Order | None:
    """Return an order as it was at a time, or ``None`` if it was not there yet; without a time as it is now."""
    if horizon is None or order.updated <= horizon:
        return order
    newest = bisect_right(order.versions, horizon, key=lambda version: version.updated) - 1
    return order.versions[newest] if newest >= 0 else None


def _updated_between(
    records: Records, start: int | None, end: int | None, limit: int, horizon: int | None
) -> list[Order]:
    if horizon is not None:
        # What has changed since the horizon stands elsewhere in the log than it did then, so look at all of it.
        candidates = [as_of(order, horizon) for order in records.log.touched_since(start or 0)]
        known = [order for order in candidates if order is not None]
        known = [order for order in known if (start or 0) <= order.updated <= (horizon if end is None else end)]
        known.sort(key=lambda order: (order.updated, order.order_id))
        return known[-limit:] if start is None else known[:limit]
    if start is None:
        assert end is not None
        return list(islice(records.log.backward(end), limit))[::-1]
    found: list[Order] = []
    for order in records.log.forward(start):
        if len(found) == limit or (end is not None and order.updated > end):
            break
        found.append(order)
    return found


def my_trades(exchange: Exchange, account: Account, p: Parameters) -> list[dict[str, Any]]:
    """``myTrades``"""
    symbol = exchange.symbol_of(p)
    names = {name for name in ("orderId", "startTime", "endTime", "fromId") if p.text(name) is not None}
    order_id, from_id = p.integer("orderId"), p.integer("fromId")
    start, end = _window(p)
    limit = p.limit()
    p.finish()
    if names not in TRADE_QUERIES:
        raise refusals.bad_combination()
    records, horizon = account.records_of(symbol.name), exchange.horizon()
    trades: list[Trade] = records.trades
    if order_id is not None:
        order = records.by_id.get(order_id)
        trades = [] if order is None else order.trades
    first = 0
    last = len(trades)
    if horizon is not None:
        last = bisect_right(trades, horizon, key=lambda trade: trade.time)
    if from_id is not None:
        first = bisect_left(trades, from_id, key=lambda trade: trade.id)
    if start is not None:
        first = bisect_left(trades, start, key=lambda trade: trade.time)
    if end is not None:
        last = min(last, bisect_right(trades, end, key=lambda trade: trade.time))
    if from_id is None and start is None:
        first = max(first, last - limit)
    return [results.traded(trade) for trade in trades[first : min(last, first + limit)]]


def my_allocations(exchange: Exchange, account: Account, p: Parameters) -> list[dict[str, Any]]:
    """``myAllocations``: always empty, because nothing is routed."""
    exchange.symbol_of(p)
    _window(p)
    p.integer("fromAllocationId")
    p.integer("orderId")
    p.limit()
    p.finish()
    return []


def my_prevented_matches(exchange: Exchange, account: Account, p: Parameters) -> list[dict[str, Any]]:
    """``myPreventedMatches``: one by its id, or those of an order."""
    symbol = exchange.symbol_of(p)
    match_id, order_id = p.integer("preventedMatchId"), p.integer("orderId")
    from_id, limit = p.integer("fromPreventedMatchId"), p.limit()
    p.finish()
    if (match_id is None) == (order_id is None) or (match_id is not None and from_id is not None):
        raise refusals.bad_combination()
    records, horizon = account.records_of(symbol.name), exchange.horizon()
    if order_id is not None:
        order = records.by_id.get(order_id)
        matches = [] if order is None else order.prevented_matches
        matches = [match for match in matches if from_id is None or match.id >= from_id]
    else:
        assert match_id is not None
        first = bisect_left(records.prevented, match_id, key=lambda match: match.id)
        matches = [match for match in records.prevented[first : first + 1] if match.id == match_id]
    known = (match for match in matches if horizon is None or match.time <= horizon)
    return [results.prevented_match(match) for match in islice(known, limit)]


def order_amendments(exchange: Exchange, account: Account, p: Parameters) -> list[dict[str, Any]]:
    """``order.amendments``"""
    symbol = exchange.symbol_of(p)
    order_id, from_id, limit = p.need_integer("orderId"), p.integer("fromExecutionId"), p.limit()
    p.finish()
    horizon = exchange.horizon()
    order = account.records_of(symbol.name).by_id.get(order_id)
    if order is None:
        return []
    known = (
        change
        for change in order.amendments
        if (from_id is None or change.execution_id >= from_id) and (horizon is None or change.time <= horizon)
    )
    return [results.amendment(order, change) for change in islice(known, limit)]


def open_lists(exchange: Exchange, account: Account, p: Parameters) -> list[dict[str, Any]]:
    """``openOrderLists.status``"""
    p.finish()
    return [results.list_state(order_list) for order_list in account.open_lists.values()]


def list_status(exchange: Exchange, account: Account, p: Parameters) -> dict[str, Any]:
    """``orderList.status``; ``origClientOrderId`` is the list's own client id, and wins."""
    list_id, client_id = p.integer("orderListId"), p.text("origClientOrderId")
    p.finish()
    if list_id is None and client_id is None:
        raise refusals.one_of("origClientOrderId", "orderListId")
    found = (
        account.lists_by_client_id.get(client_id) if client_id is not None else account.order_lists.get(list_id or 0)
    )
    horizon = exchange.horizon()
    if found is None or (horizon is not None and found.created > horizon):
        raise refusals.no_such_order()
    return _list_as_of(results.list_state(found), found.updated, found.created, horizon)


def all_lists(exchange: Exchange, account: Account, p: Parameters) -> list[dict[str, Any]]:
    """``allOrderLists``: by times of placement, else from an id on, else the newest."""
    from_id = p.integer("fromId")
    start, end = _window(p)
    limit = p.limit()
    p.finish()
    lists, horizon = account.list_history, exchange.horizon()
    first, last = 0, len(lists)
    if horizon is not None:
        last = bisect_right(lists, horizon, key=lambda item: item.created)
    if start is not None:
        first = bisect_left(lists, start, key=lambda item: item.created)
    elif from_id is not None and end is None:
        first = bisect_left(lists, from_id, key=lambda item: item.list_id)
    if end is not None:
        last = min(last, bisect_right(lists, end, key=lambda item: item.created))
    if start is None and (from_id is None or end is not None):
        first = max(first, last - limit)
    return [
        _list_as_of(results.list_state(item), item.updated, item.created, horizon)
        for item in lists[first : min(last, first + limit)]
    ]


def _list_as_of(state: dict[str, Any], updated: int, created: int, horizon: int | None) -> dict[str, Any]:
    """Put a list that has ended since the horizon back to how it started."""
    if horizon is None or updated <= horizon:
        return state
    return state | {
        "listStatusType": "EXEC_STARTED",
        "listOrderStatus": "EXECUTING",
        "transactionTime": created // 1000,
    }


def _window(p: Parameters) -> tuple[int | None, int | None]:
    start, end = p.time("startTime"), p.time("endTime", ends=True)
    if start is not None and end is not None and end - start > DAY + 999:
        raise refusals.window_too_long()
    return start, end
