"""Which operation stands behind each route of the futures products, with its permission and its cost.

Source: Binance USD-M Futures, COIN-M Futures and Portfolio Margin, the page of each route (2026-05-28), with the change
logs up to 2026-08-26 and the CM-UM Integration Notice (2026-06-10).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from trio_binance_uds.sandbox.catalogue import Permission
from trio_binance_uds.sandbox.derivatives import account_queries, queries, settings, trading
from trio_binance_uds.sandbox.desk import Route

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.exchange.parameters import Parameters

    Do = Callable[[Any, Any, Parameters], Any]
    """Takes a desk, one of its accounts, and the parameters."""

Weight = Callable[[Mapping[str, Any]], int]


@attrs.frozen
class Operation:
    """What a route does, and what it costs."""

    do: Do
    route: Route


def costs(weight: int) -> Weight:
    return lambda params: weight


def by_symbol(with_symbol: int, without: int) -> Weight:
    return lambda params: with_symbol if "symbol" in params else without


def ask(do: Do, weight: int | Weight = 1) -> Operation:
    """Return an operation that only looks."""
    return Operation(do, Route(permission=Permission.USER_DATA, weight=_weight(weight)))


def act(do: Do, weight: int | Weight = 1, *, orders: int = 0) -> Operation:
    """Return an operation that changes something."""
    return Operation(do, Route(permission=Permission.TRADE, weight=_weight(weight), orders=orders))


def _weight(weight: int | Weight) -> Weight:
    return costs(weight) if isinstance(weight, int) else weight


def table(prefix: str, operations: Mapping[str, Operation]) -> Mapping[tuple[str, str], Operation]:
    """Return a table by verb and path of what is written as ``"GET /v1/order"`` under a prefix."""
    places = {}
    for name, operation in operations.items():
        verb, _, path = name.partition(" ")
        places[verb, prefix + path] = operation
    return MappingProxyType(places)


_TRADING = {
    "POST /v1/order": act(trading.place, 0, orders=1),
    "PUT /v1/order": act(trading.modify, orders=1),
    "DELETE /v1/order": act(trading.cancel),
    "DELETE /v1/allOpenOrders": act(trading.cancel_all),
    "POST /v1/algoOrder": act(trading.place_algo, 0, orders=1),
    "DELETE /v1/algoOrder": act(trading.cancel_algo),
    "DELETE /v1/algoOpenOrders": act(trading.cancel_all_algos),
    "POST /v1/leverage": act(settings.set_leverage),
    "POST /v1/marginType": act(settings.set_margin_type),
    "POST /v1/positionSide/dual": act(settings.set_position_mode),
}
_ASKING = {
    "GET /v1/order": ask(queries.order),
    "GET /v1/openOrder": ask(queries.open_order),
    "GET /v1/openOrders": ask(queries.open_orders, by_symbol(1, 40)),
    "GET /v1/allOrders": ask(queries.all_orders, 5),
    "GET /v1/userTrades": ask(queries.fills, 5),
    "GET /v1/forceOrders": ask(queries.forced_orders, by_symbol(20, 50)),
    "GET /v1/orderAmendment": ask(queries.amendments),
    "GET /v1/algoOrder": ask(queries.algo),
    "GET /v1/openAlgoOrders": ask(queries.open_algos, by_symbol(1, 40)),
    "GET /v1/allAlgoOrders": ask(queries.all_algos, 5),
    "GET /v1/positionSide/dual": ask(settings.position_mode, 30),
    "GET /v1/commissionRate": ask(account_queries.commission_rate, 20),
}

USDM_OPERATIONS = table(
    "/fapi",
    {
        **_TRADING,
        **_ASKING,
        "POST /v1/multiAssetsMargin": act(settings.set_multi_assets),
        "GET /v1/multiAssetsMargin": ask(settings.multi_assets, 30),
        "GET /v1/income": ask(queries.income, 30),
        "GET /v1/symbolConfig": ask(account_queries.symbol_config, 5),
        "GET /v1/accountConfig": ask(account_queries.account_config, 5),
        "GET /v2/balance": ask(account_queries.balances, 5),
        "GET /v3/balance": ask(account_queries.balances, 5),
        "GET /v2/account": ask(partial(account_queries.account_status, view=account_queries.USDM_ACCOUNT_V2), 5),
        "GET /v3/account": ask(partial(account_queries.account_status, view=account_queries.USDM_ACCOUNT_V3), 5),
        "GET /v2/positionRisk": ask(partial(account_queries.positions, view=account_queries.USDM_POSITIONS_V2), 5),
        "GET /v3/positionRisk": ask(partial(account_queries.positions, view=account_queries.USDM_POSITIONS_V3), 5),
    },
)
COINM_OPERATIONS = table(
    "/dapi",
    {
        **_TRADING,
        **_ASKING,
        "GET /v1/income": ask(queries.income, 20),
        "GET /v1/balance": ask(account_queries.balances),
        "GET /v1/account": ask(partial(account_queries.account_status, view=account_queries.COINM_ACCOUNT), 5),
        "GET /v1/positionRisk": ask(partial(account_queries.positions, view=account_queries.COINM_POSITIONS)),
    },
)
