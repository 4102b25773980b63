"""Knows what each method costs.

Source: Binance Spot, WebSocket API, the "Weight" of each method, and CHANGELOG 2026-03-27 and 2026-04-02 (read
2026-07-21): trading calls that succeed cost nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.exchange.refusals import UnknownMethod

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT_WEIGHT = 2
DEPTH_WEIGHTS = ((100, 5), (500, 25), (1000, 50))
DEEPEST = 250

FIXED = {
    "ping": 1,
    "time": 1,
    "exchangeInfo": 20,
    "avgPrice": 2,
    "trades.recent": 25,
    "session.logon": 2,
    "session.status": 2,
    "session.logout": 2,
    "session.subscriptions": 2,
    "userDataStream.subscribe": 2,
    "userDataStream.subscribe.signature": 2,
    "userDataStream.subscribe.listenToken": 2,
    "userDataStream.unsubscribe": 2,
    "userDataStream.start": 2,
    "userDataStream.ping": 2,
    "userDataStream.stop": 2,
    "order.amend.keepPriority": 4,
    "account.status": 20,
    "order.status": 4,
    "allOrders": 20,
    "orderList.status": 4,
    "openOrderLists.status": 6,
    "allOrderLists": 20,
    "account.rateLimits.orders": 40,
    "myAllocations": 20,
    "account.commission": 20,
    "order.amendments": 4,
    "myFilters": 40,
}
TRADING = {
    "order.place": 1,
    "order.cancel": 1,
    "order.cancelReplace": 1,
    "openOrders.cancelAll": 1,
    "orderList.place": 1,
    "orderList.place.oco": 1,
    "orderList.place.oto": 1,
    "orderList.place.otoco": 1,
    "orderList.place.opo": 1,
    "orderList.place.opoco": 1,
    "orderList.cancel": 1,
}
UNFILLED_ORDERS = {
    "order.place": 1,
    "order.cancelReplace": 1,
    "orderList.place": 1,
    "orderList.place.oco": 2,
    "orderList.place.oto": 2,
    "orderList.place.otoco": 3,
    "orderList.place.opo": 2,
    "orderList.place.opoco": 3,
}


def method_weight(method: str, params: Mapping[str, Any], *, succeeded: bool = False) -> int:
    """Return the request weight of a call; for a trading call that ``succeeded`` that is nothing.

    An amendment costs its weight in any case, although the venue waives it when the amendment makes the order
    expire: that is not known from the request.

    Raises:
        UnknownMethod: there is no such method.
    """
    if method in TRADING:
        return 0 if succeeded else TRADING[method]
    if method in FIXED:
        return FIXED[method]
    if method == "openOrders.status":
        return 80 if params.get("symbol") is None else 6
    if method in ("ticker.price", "ticker.book"):
        return 4 if params.get("symbol") is None else 2
    if method == "myTrades":
        return 20 if params.get("orderId") is None else 5
    if method == "myPreventedMatches":
        return 20 if params.get("preventedMatchId") is None else 2
    if method == "order.test":
        return 20 if str(params.get("computeCommissionRates")).lower() == "true" else 1
    if method == "depth":
        limit = params.get("limit", 100)
        depth = int(limit) if str(limit).isdecimal() else 100
        return next((weight for most, weight in DEPTH_WEIGHTS if depth <= most), DEEPEST)
    raise UnknownMethod(method)


def unfilled_order_count(method: str) -> int:
    """Return by how much a call of this method raises the count of unfilled orders."""
    return UNFILLED_ORDERS.get(method, 0)
