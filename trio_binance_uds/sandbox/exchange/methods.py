"""Names the methods of the WebSocket API that the exchange executes, and what executes each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.exchange import list_trading, market, queries, trading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trio_binance_uds.sandbox.exchange.accounts import Account
    from trio_binance_uds.sandbox.exchange.exchange import Exchange
    from trio_binance_uds.sandbox.exchange.parameters import Parameters

PUBLIC_METHODS: Mapping[str, Callable[[Exchange, Parameters], Any]] = {
    "ping": market.ping,
    "time": market.time,
    "exchangeInfo": market.exchange_info,
    "depth": market.depth,
    "trades.recent": market.recent_trades,
    "avgPrice": market.average_price,
    "ticker.price": market.ticker_price,
    "ticker.book": market.ticker_book,
}
ACCOUNT_METHODS: Mapping[str, Callable[[Exchange, Account, Parameters], Any]] = {
    "order.place": trading.place,
    "order.test": trading.test,
    "order.cancel": trading.cancel,
    "order.cancelReplace": trading.cancel_replace,
    "order.amend.keepPriority": trading.amend,
    "openOrders.cancelAll": trading.cancel_all,
    "orderList.place": list_trading.place_deprecated_oco,
    "orderList.place.oco": list_trading.place_oco,
    "orderList.place.oto": list_trading.place_oto,
    "orderList.place.otoco": list_trading.place_otoco,
    "orderList.place.opo": list_trading.place_opo,
    "orderList.place.opoco": list_trading.place_opoco,
    "orderList.cancel": list_trading.cancel_list,
    "account.status": queries.account_status,
    "account.commission": queries.account_commission,
    "openOrders.status": queries.open_orders,
    "order.status": queries.order_status,
    "allOrders": queries.all_orders,
    "myTrades": queries.my_trades,
    "myAllocations": queries.my_allocations,
    "myPreventedMatches": queries.my_prevented_matches,
    "order.amendments": queries.order_amendments,
    "openOrderLists.status": queries.open_lists,
    "orderList.status": queries.list_status,
    "allOrderLists": queries.all_lists,
}
