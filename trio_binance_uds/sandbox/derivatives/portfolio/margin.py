"""Is the margin side of a Portfolio Margin account: an account of the spot exchange, in the words of ``/papi``.

The exchange does the work. Its answers lose what is not told here, and its events become those of Portfolio Margin.

Source: Binance Portfolio Margin, "Trade", "Account" and "User Data Streams" (2026-05-28), with the change log of
2026-04-09.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from trio_binance_uds.sandbox.catalogue import Permission
from trio_binance_uds.sandbox.derivatives import refusals
from trio_binance_uds.sandbox.derivatives.dialects import Shape, pick, shape
from trio_binance_uds.sandbox.desk import Route

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.exchange import Account, Exchange

_PLACED = shape(
    """symbol orderId clientOrderId transactTime price origQty executedQty cummulativeQuoteQty status timeInForce type
    side fills selfTradePreventionMode"""
)
_CANCELED = shape(
    """symbol orderId origClientOrderId clientOrderId price origQty executedQty cummulativeQuoteQty status timeInForce
    type side"""
)
_ORDER = shape(
    """clientOrderId cummulativeQuoteQty executedQty icebergQty isWorking orderId origQty price side status stopPrice
    symbol time timeInForce type updateTime selfTradePreventionMode preventedMatchId preventedQuantity"""
)
_FILL = shape("commission commissionAsset id isBestMatch isBuyer isMaker orderId price qty symbol time")
_LIST = shape(
    "orderListId contingencyType listStatusType listOrderStatus listClientOrderId transactionTime symbol orders"
)
_EVENTS = frozenset({"executionReport", "listStatus", "outboundAccountPosition", "balanceUpdate"})


@attrs.frozen
class MarginOperation:
    """The method of the exchange behind a route, and the members of its answer."""

    method: str
    members: Shape
    route: Route
    is_order: bool = False
    needs_symbol: bool = False


def _ask(
    method: str, members: Shape, weight: int, *, is_order: bool = False, needs_symbol: bool = False
) -> MarginOperation:
    route = Route(permission=Permission.USER_DATA, weight=lambda params: weight)
    return MarginOperation(method, members, route, is_order, needs_symbol)


def _act(method: str, members: Shape, weight: int = 1, *, orders: int = 0) -> MarginOperation:
    return MarginOperation(
        method, members, Route(permission=Permission.TRADE, weight=lambda params: weight, orders=orders)
    )


MARGIN_OPERATIONS: Mapping[tuple[str, str], MarginOperation] = {
    ("POST", "/papi/v1/margin/order"): _act("order.place", _PLACED, orders=1),
    ("DELETE", "/papi/v1/margin/order"): _act("order.cancel", _CANCELED, 2),
    ("DELETE", "/papi/v1/margin/allOpenOrders"): _act("openOrders.cancelAll", _CANCELED, 5),
    ("POST", "/papi/v1/margin/order/oco"): _act("orderList.place", (*_LIST, "orderReports"), orders=2),
    ("DELETE", "/papi/v1/margin/orderList"): _act("orderList.cancel", (*_LIST, "orderReports"), 2),
    ("GET", "/papi/v1/margin/order"): _ask("order.status", _ORDER, 10, is_order=True),
    ("GET", "/papi/v1/margin/openOrders"): _ask("openOrders.status", _ORDER, 5, is_order=True, needs_symbol=True),
    ("GET", "/papi/v1/margin/allOrders"): _ask("allOrders", _ORDER, 100, is_order=True),
    ("GET", "/papi/v1/margin/myTrades"): _ask("myTrades", _FILL, 5),
    ("GET", "/papi/v1/margin/orderList"): _ask("orderList.status", _LIST, 5),
    ("GET", "/papi/v1/margin/openOrderList"): _ask("openOrderLists.status", _LIST, 5),
    ("GET", "/papi/v1/margin/allOrderList"): _ask("allOrderLists", _LIST, 100),
}


def do(exchange: Exchange, account: Account, operation: MarginOperation, params: Mapping[str, Any]) -> Any:
    """Do what a margin route does, and return its answer.

    Raises:
        Refusal: the exchange says no.
    """
    given = dict(params)
    # Orders that borrow or repay by themselves are left out.
    if given.pop("sideEffectType", "NO_SIDE_EFFECT") != "NO_SIDE_EFFECT":
        raise refusals.not_valid("sideEffectType")
    if operation.needs_symbol and "symbol" not in given:
        raise refusals.mandatory("symbol")
    result = exchange.call(account, operation.method, given)
    if isinstance(result, list):
        return [_told(account, operation, row) for row in result]
    return _told(account, operation, result)


def _told(account: Account, operation: MarginOperation, row: Mapping[str, Any]) -> dict[str, Any]:
    answer = pick(row, operation.members)
    if operation.is_order:
        nothing = {"preventedMatchId": None, "preventedQuantity": None}
        return nothing | answer | {"accountId": account.uid}
    return answer


def translate(event: Mapping[str, Any], update_id: int) -> dict[str, Any] | None:
    """Return an event of the exchange as Portfolio Margin tells it; ``None``: it does not."""
    if event["e"] not in _EVENTS:
        return None
    told = dict(event)
    if event["e"] == "executionReport":
        del told["M"]
    elif event["e"] != "listStatus":
        told["U"] = update_id
    return told
