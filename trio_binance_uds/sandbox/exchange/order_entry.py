"""Reads what kind of order a request asks for: which parameters each type must, may and must not have.

Source: Binance Spot, WebSocket API, "Place new order" and the order list methods (2026-07-21).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from trio_binance_uds.sandbox.exchange import refusals
from trio_binance_uds.sandbox.exchange.amounts import ZERO
from trio_binance_uds.sandbox.exchange.orders import LIMIT_TYPES, ORDER_TYPES, STOP_TYPES, OrderRequest
from trio_binance_uds.sandbox.exchange.refusals import Refusal
from trio_binance_uds.sandbox.exchange.symbols import STP_MODES

if TYPE_CHECKING:
    from collections.abc import Collection

    from trio_binance_uds.sandbox.exchange.parameters import Parameters
    from trio_binance_uds.sandbox.exchange.symbols import Symbol

SIDES = ("BUY", "SELL")
TIMES_IN_FORCE = ("GTC", "IOC", "FOK")
RESPONSE_TYPES = ("ACK", "RESULT", "FULL")
PEG = ("pegPriceType", "pegOffsetType", "pegOffsetValue")
MIN_STRATEGY_TYPE = 1_000_000


def read_side(p: Parameters) -> str:
    return p.need_choice("side", SIDES, Refusal(-1117, "Invalid side."))


def read_type(p: Parameters, allowed: Collection[str] = ORDER_TYPES, refusal: Refusal | None = None) -> str:
    order_type = p.need_choice("type", ORDER_TYPES, Refusal(-1116, "Invalid orderType."))
    if order_type not in allowed:
        raise refusal or Refusal(-1116, "Invalid orderType.")
    return order_type


def read_stp_mode(p: Parameters, symbol: Symbol) -> str:
    return p.choice("selfTradePreventionMode", STP_MODES) or symbol.default_stp_mode


def read_response_type(p: Parameters) -> str | None:
    return p.choice("newOrderRespType", RESPONSE_TYPES)


def read_single(p: Parameters, symbol: Symbol) -> OrderRequest:
    """Read the order of ``order.place`` and its like."""
    side, order_type = read_side(p), read_type(p)
    quantity, quote_quantity = p.positive("quantity"), p.positive("quoteOrderQty")
    if order_type == "MARKET":
        if quantity is None and quote_quantity is None:
            raise refusals.one_of("quantity", "quoteOrderQty")
        if quantity is not None and quote_quantity is not None:
            raise refusals.bad_combination()
    else:
        if quantity is None:
            raise refusals.mandatory("quantity")
        p.forbid("quoteOrderQty")
    return read_order(
        p,
        symbol,
        side=side,
        order_type=order_type,
        quantity=quantity,
        quote_quantity=quote_quantity or ZERO,
        client_order_id=p.client_id("newClientOrderId"),
        stp_mode=read_stp_mode(p, symbol),
    )


def read_order(
    p: Parameters,
    symbol: Symbol,
    *,
    side: str,
    order_type: str,
    quantity: Decimal | None,
    client_order_id: str | None,
    stp_mode: str,
    quote_quantity: Decimal = ZERO,
) -> OrderRequest:
    """Read the rest of an order whose side, type and quantity are known, and apply the filters."""
    price = stop_price = trailing_delta = iceberg = time_in_force = None
    if order_type in LIMIT_TYPES:
        price = p.need_positive("price")
        iceberg = p.decimal("icebergQty")
    else:
        p.forbid("price", "icebergQty")
    if order_type in LIMIT_TYPES and order_type != "LIMIT_MAKER":
        time_in_force = p.need_choice("timeInForce", TIMES_IN_FORCE, Refusal(-1115, "Invalid timeInForce."))
    else:
        p.forbid("timeInForce")
    if order_type in STOP_TYPES:
        stop_price, trailing_delta = p.positive("stopPrice"), p.integer("trailingDelta")
        if stop_price is None and trailing_delta is None:
            raise refusals.one_of(p.name("stopPrice"), p.name("trailingDelta"))
    else:
        p.forbid("stopPrice", "trailingDelta")
    if any(p.text(name) is not None for name in PEG):
        raise refusals.rejected("Pegged orders are not supported for this symbol.")
    strategy_type = p.integer("strategyType")
    if strategy_type is not None and strategy_type < MIN_STRATEGY_TYPE:
        raise Refusal(-1134, "strategyType was less than 1000000.")
    if iceberg:
        if time_in_force not in (None, "GTC"):
            raise Refusal(-1014, "Unsupported order combination.")
        if quantity is not None and iceberg > quantity:
            raise refusals.rejected("IcebergQty exceeds QTY.")
    request = OrderRequest(
        side=side,
        type=order_type,
        time_in_force=time_in_force or "GTC",
        price=price or ZERO,
        quantity=quantity,
        quote_quantity=quote_quantity,
        stop_price=stop_price or ZERO,
        trailing_delta=trailing_delta,
        iceberg_quantity=iceberg or ZERO,
        client_order_id=client_order_id,
        strategy_id=p.integer("strategyId"),
        strategy_type=strategy_type,
        stp_mode=stp_mode,
    )
    symbol.check(request)
    return request
