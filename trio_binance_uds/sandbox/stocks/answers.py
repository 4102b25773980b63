"""The answers of the stocks routes, and the event of the stream.

In the answers amounts are texts and words are in upper case; on the stream amounts are numbers and words are in lower
case.

Source: ``binance-sdk-stocks`` 1.6.0 (2026-10), the models of its REST API and of its order report.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from trio_binance_uds.sandbox.stocks.orders import ZERO, Fill, Order

Answer = dict[str, Any]
SESSIONS: Mapping[str, str] = MappingProxyType({"RTH": "Regular", "EXTENDED": "Extended", "24H": "24 Hours Trading"})


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value.normalize() if value else ZERO, "f")


def _number(value: Decimal | None) -> int | float | None:
    """Return an amount as JSON has it; amounts here have few enough digits for a float to keep them."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def order_row(order: Order) -> Answer:
    """An order as ``open-orders`` and ``history`` list it."""
    return {
        "orderId": order.id,
        "symbol": order.symbol,
        "quote": order.quote,
        "side": order.side,
        "orderType": order.type,
        "limitPrice": _text(order.price),
        "avgFilledPrice": _text(order.average_price),
        "qty": _text(order.quantity),
        "notional": _text(order.notional),
        "filledQty": _text(order.filled),
        "filledTotal": _text(order.filled_notional) if order.notional is not None else None,
        "fee": _text(order.fee),
        "session": order.session,
        "status": order.status,
        "createdAt": order.created // 1000,
        "updatedAt": order.updated // 1000,
    }


def order_detail(order: Order) -> Answer:
    """An order as ``detail`` has it, with its fills, the newest first."""
    trades = [
        {
            "executionId": fill.id,
            "executionAt": fill.time // 1000,
            "price": _text(fill.price),
            "qty": _text(fill.quantity),
        }
        for fill in reversed(order.fills)
    ]
    return {**order_row(order), "clientOrderId": order.client_id, "trades": trades}


def trade_row(fill: Fill) -> Answer:
    """A fill as ``trade/history`` lists it."""
    order = fill.order
    return {
        "executionId": fill.id,
        "orderId": order.id,
        "symbol": order.symbol,
        "quote": order.quote,
        "side": order.side,
        "orderType": order.type,
        "price": _text(fill.price),
        "qty": _text(fill.quantity),
        "total": _text(fill.total),
        "executionAt": fill.time // 1000,
        "updatedAt": fill.time // 1000,
    }


def order_report(order: Order, time: int) -> Answer:
    """The event that tells how an order stands."""
    whole = order.notional if order.notional is not None else order.quantity
    done = order.filled_notional if order.notional is not None else order.filled
    assert whole is not None, "an order has one of the two"
    return {
        "e": "orderReport",
        "E": time // 1000,
        "x": "ORDER_UPDATE" if order.is_open else "ORDER_TERMINAL",
        "i": order.id,
        "ai": f"asset-{order.symbol.lower()}",
        "b": f"EQ_{order.symbol}",
        "q": order.quote,
        "S": order.side.lower(),
        "o": order.type.lower(),
        "p": _number(order.price),
        "Q": _number(order.quantity or ZERO),
        "N": _number(order.notional),
        "fq": _number(order.filled),
        "FN": _number(order.filled_notional),
        "tc": _number(order.filled_notional + order.fee),
        "Z": _number((100 * done / whole).quantize(Decimal("0.01"))),
        "n": SESSIONS.get(order.session or "RTH"),
        "s": order.status.lower(),
        "T": order.created // 1000,
        "U": order.updated // 1000,
    }
