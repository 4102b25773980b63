"""The table of the stocks routes: what each needs and costs, and what does it.

Source: ``binance-sdk-stocks`` 1.6.0 (2026-10), "Trade".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from trio_binance_uds.sandbox.catalogue import Permission
from trio_binance_uds.sandbox.desk import Route
from trio_binance_uds.sandbox.exchange import Refusal
from trio_binance_uds.sandbox.exchange.parameters import Parameters
from trio_binance_uds.sandbox.exchange.refusals import mandatory, not_valid
from trio_binance_uds.sandbox.stocks import answers
from trio_binance_uds.sandbox.stocks.orders import Order

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.stocks.desk import StocksDesk

_RowT = TypeVar("_RowT")
_LISTED = ("FILLED", "PARTIALLY_FILLED", "CANCELED", "EXPIRED", "REJECTED")
_MOST = 100
# By side and type: what an order must have, of what it may have any.
_NEEDS = {
    ("BUY", "LIMIT"): ("price", "quantity", "tradingSession"),
    ("SELL", "LIMIT"): ("price", "quantity", "tradingSession"),
    ("BUY", "MARKET"): ("notional",),
    ("SELL", "MARKET"): ("quantity",),
}
_TERMS = ("price", "quantity", "notional", "tradingSession")

Do = Callable[["StocksDesk", int, Parameters], Any]
"""Does what a route asks for, for an owner."""


@attrs.frozen(kw_only=True)
class Operation:
    """One route of the desk, and what does it."""

    route: Route
    do: Do


def place(desk: StocksDesk, uid: int, p: Parameters) -> Any:
    """``POST order/place``"""
    symbol = p.need_choice("symbol", desk.prices)
    side, kind = p.need_choice("side", ("BUY", "SELL")), p.need_choice("orderType", ("LIMIT", "MARKET"))
    needs = _NEEDS[side, kind]
    p.forbid(*[name for name in _TERMS if name not in needs])
    for name in needs:
        p.need_text(name)
    now = desk.time()
    order = Order(
        id=desk.new_id(),
        client_id=p.text("clientOrderId") or desk.new_id(),
        owner=uid,
        symbol=symbol,
        quote=p.text("quoteAsset") or "USDC",
        side=side,
        type=kind,
        price=p.positive("price"),
        quantity=p.positive("quantity"),
        notional=p.positive("notional"),
        session=p.choice("tradingSession", answers.SESSIONS),
        created=now,
        updated=now,
    )
    for name, allowed in (("timeInForce", ("DAY", "GTC")), ("walletType", ("CARD", "MAIN"))):
        p.choice(name, allowed)
    p.boolean("tokenize", default=True)
    p.finish()
    desk.add(order)
    return {"status": "S", "orderId": order.id, "clientOrderId": order.client_id}


def cancel(desk: StocksDesk, uid: int, p: Parameters) -> Any:
    """``POST order/cancel``"""
    order = desk.find(uid, p.need_text("orderId"))
    p.finish()
    if not order.is_open:
        return {"orderId": order.id, "status": "F"}
    desk.cancel(order)
    return {"orderId": order.id, "status": "S"}


def cancel_all(desk: StocksDesk, uid: int, p: Parameters) -> Any:
    """``POST order/cancel-all``"""
    p.finish()
    for order in desk.orders_of(uid):
        if order.is_open:
            desk.cancel(order)
    return {"success": True}


def open_orders(desk: StocksDesk, uid: int, p: Parameters) -> Any:
    """``GET order/open-orders``"""
    p.finish()
    return [answers.order_row(order) for order in desk.orders_of(uid) if order.is_open]


def detail(desk: StocksDesk, uid: int, p: Parameters) -> Any:
    """``GET order/detail``"""
    order_id, client_id = p.text("orderId"), p.text("clientOrderId")
    p.finish()
    if order_id is None and client_id is None:
        raise mandatory("orderId")
    for order in desk.orders_of(uid):
        if order_id in (None, order.id) and client_id in (None, order.client_id):
            return answers.order_detail(order)
    raise Refusal(-2013, "Order does not exist.")


def history(desk: StocksDesk, uid: int, p: Parameters) -> Any:
    """``GET order/history``: what has ended or was filled in part, the newest first."""

    def time_of(order: Order) -> int:
        return order.updated if desk.lists_by_update else order.created

    orders = _within(p, desk.orders_of(uid), time_of)
    wanted = (p.text("orderStatus") or ",".join(_LISTED)).split(",")
    if not set(wanted) <= set(_LISTED):
        raise not_valid("orderStatus")
    symbol, side, kind = p.text("symbol"), p.choice("side", ("BUY", "SELL")), p.choice("orderType", ("LIMIT", "MARKET"))
    return _page(
        p,
        [
            answers.order_row(order)
            for order in orders
            if order.status in wanted
            and symbol in (None, order.symbol)
            and side in (None, order.side)
            and kind in (None, order.type)
        ],
    )


def trade_history(desk: StocksDesk, uid: int, p: Parameters) -> Any:
    """``GET trade/history``: the fills, the newest first."""
    every = [fill for order in desk.orders_of(uid) for fill in order.fills]
    fills = _within(p, every, lambda fill: fill.time)
    symbol, side, order_id = p.text("symbol"), p.choice("side", ("BUY", "SELL")), p.text("orderId")
    return _page(
        p,
        [
            answers.trade_row(fill)
            for fill in fills
            if symbol in (None, fill.order.symbol)
            and side in (None, fill.order.side)
            and order_id in (None, fill.order.id)
        ],
    )


def _within(p: Parameters, rows: Iterable[_RowT], time_of: Callable[[_RowT], int]) -> list[_RowT]:
    """Return the rows between ``startTime`` and ``endTime``, which must both be given, the newest first."""
    start, end = p.need_integer("startTime"), p.need_integer("endTime")
    return sorted([row for row in rows if start <= time_of(row) // 1000 <= end], key=time_of, reverse=True)


def _page(p: Parameters, rows: list[dict[str, Any]]) -> Any:
    page, size = p.integer("current", minimum=1) or 1, p.integer("size", minimum=1, maximum=_MOST) or 20
    p.finish()
    first = (page - 1) * size
    return {"total": len(rows), "page": page, "size": size, "rows": rows[first : first + size]}


def _of(permission: Permission, do: Do, *, orders: int = 0) -> Operation:
    return Operation(route=Route(permission=permission, orders=orders), do=do)


OPERATIONS: Mapping[tuple[str, str], Operation] = MappingProxyType(
    {
        (verb, f"/sapi/v1/equity/{path}"): operation
        for (verb, path), operation in {
            ("POST", "order/place"): _of(Permission.TRADE, place, orders=1),
            ("POST", "order/cancel"): _of(Permission.TRADE, cancel),
            ("POST", "order/cancel-all"): _of(Permission.TRADE, cancel_all),
            ("GET", "order/open-orders"): _of(Permission.USER_DATA, open_orders),
            ("GET", "order/detail"): _of(Permission.USER_DATA, detail),
            ("GET", "order/history"): _of(Permission.USER_DATA, history),
            ("GET", "trade/history"): _of(Permission.USER_DATA, trade_history),
        }.items()
    }
)
