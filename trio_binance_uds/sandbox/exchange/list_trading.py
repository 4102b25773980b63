"""Executes the methods that place and cancel order lists.

Source: Binance Spot, WebSocket API, "Order lists", and "Error codes" -1158 to -1199 (2026-07-21).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.exchange import refusals, results
from trio_binance_uds.sandbox.exchange.order_entry import (
    read_order,
    read_response_type,
    read_side,
    read_stp_mode,
    read_type,
)
from trio_binance_uds.sandbox.exchange.order_lists import OrderList
from trio_binance_uds.sandbox.exchange.orders import ORDER_TYPES, OrderRequest
from trio_binance_uds.sandbox.exchange.refusals import Refusal
from trio_binance_uds.sandbox.exchange.trading import cancel_order

if TYPE_CHECKING:
    from decimal import Decimal

    from trio_binance_uds.sandbox.exchange.accounts import Account
    from trio_binance_uds.sandbox.exchange.exchange import Exchange
    from trio_binance_uds.sandbox.exchange.parameters import Parameters
    from trio_binance_uds.sandbox.exchange.symbols import Symbol

LEG_TYPES = ORDER_TYPES - {"LIMIT", "MARKET"}
WORKING_TYPES = ("LIMIT", "LIMIT_MAKER")
WRONG_PLACE = {
    # side, kind of leg, whether it is the upper one: where the leg must not be
    ("BUY", "LIMIT_MAKER", True): Refusal(-1165, "Limit orders in a buy OCO must be below."),
    ("SELL", "LIMIT_MAKER", False): Refusal(-1166, "Limit orders in a sell OCO must be above."),
    ("BUY", "STOP_LOSS", False): Refusal(-1196, "Stop loss orders in a buy OCO must be above."),
    ("SELL", "STOP_LOSS", True): Refusal(-1197, "Stop loss orders in a sell OCO must be below."),
    ("BUY", "TAKE_PROFIT", True): Refusal(-1198, "Take profit orders in a buy OCO must be below."),
    ("SELL", "TAKE_PROFIT", False): Refusal(-1199, "Take profit orders in a sell OCO must be above."),
}


def place_oco(exchange: Exchange, account: Account, p: Parameters) -> dict[str, Any]:
    """``orderList.place.oco``"""
    symbol = exchange.symbol_of(p)
    side, quantity, stp_mode = read_side(p), p.need_positive("quantity"), read_stp_mode(p, symbol)
    above, below = (
        _read_leg(p.leg(name), symbol, side=side, quantity=quantity, stp_mode=stp_mode) for name in ("above", "below")
    )
    return _place(exchange, account, p, symbol, None, _alternatives(symbol, above, below))


def place_deprecated_oco(exchange: Exchange, account: Account, p: Parameters) -> dict[str, Any]:
    """``orderList.place``, which knows only a limit maker order with a stop loss."""
    symbol = exchange.symbol_of(p)
    side, quantity, stp_mode = read_side(p), p.need_positive("quantity"), read_stp_mode(p, symbol)
    limit = OrderRequest(
        side=side,
        type="LIMIT_MAKER",
        time_in_force="GTC",
        price=p.need_positive("price"),
        quantity=quantity,
        iceberg_quantity=p.decimal("limitIcebergQty") or quantity * 0,
        client_order_id=p.client_id("limitClientOrderId"),
        strategy_id=p.integer("limitStrategyId"),
        strategy_type=p.integer("limitStrategyType", minimum=1_000_000),
        stp_mode=stp_mode,
    )
    stop_price, trailing_delta = p.positive("stopPrice"), p.integer("trailingDelta")
    if stop_price is None and trailing_delta is None:
        raise refusals.one_of("stopPrice", "trailingDelta")
    stop_limit = p.positive("stopLimitPrice")
    time_in_force = p.choice("stopLimitTimeInForce", ("GTC", "IOC", "FOK"), Refusal(-1115, "Invalid timeInForce."))
    if stop_limit is not None and time_in_force is None:
        raise refusals.mandatory("stopLimitTimeInForce")
    stop = OrderRequest(
        side=side,
        type="STOP_LOSS" if stop_limit is None else "STOP_LOSS_LIMIT",
        time_in_force=time_in_force or "GTC",
        price=stop_limit or quantity * 0,
        quantity=quantity,
        stop_price=stop_price or quantity * 0,
        trailing_delta=trailing_delta,
        iceberg_quantity=p.decimal("stopIcebergQty") or quantity * 0,
        client_order_id=p.client_id("stopClientOrderId"),
        strategy_id=p.integer("stopStrategyId"),
        strategy_type=p.integer("stopStrategyType", minimum=1_000_000),
        stp_mode=stp_mode,
    )
    symbol.check(limit)
    symbol.check(stop)
    pair = (limit, stop) if side == "SELL" else (stop, limit)
    return _place(exchange, account, p, symbol, None, _alternatives(symbol, *pair))


def place_oto(exchange: Exchange, account: Account, p: Parameters) -> dict[str, Any]:
    """``orderList.place.oto``"""
    return _place_oto(exchange, account, p, pairs=False, by_fill=False)


def place_otoco(exchange: Exchange, account: Account, p: Parameters) -> dict[str, Any]:
    """``orderList.place.otoco``"""
    return _place_oto(exchange, account, p, pairs=True, by_fill=False)


def place_opo(exchange: Exchange, account: Account, p: Parameters) -> dict[str, Any]:
    """``orderList.place.opo``"""
    return _place_oto(exchange, account, p, pairs=False, by_fill=True)


def place_opoco(exchange: Exchange, account: Account, p: Parameters) -> dict[str, Any]:
    """``orderList.place.opoco``"""
    return _place_oto(exchange, account, p, pairs=True, by_fill=True)


def cancel_list(exchange: Exchange, account: Account, p: Parameters) -> dict[str, Any]:
    """``orderList.cancel``"""
    symbol = exchange.symbol_of(p)
    list_id, client_id = p.integer("orderListId"), p.text("listClientOrderId")
    new_client_id = p.client_id("newClientOrderId")
    p.finish()
    if list_id is None and client_id is None:
        raise refusals.one_of("orderListId", "listClientOrderId")
    found = account.lists_by_client_id.get(client_id or "") if list_id is None else account.open_lists.get(list_id)
    matches = found is not None and found.is_open and found.symbol == symbol.name
    if found is None or not matches or client_id not in (None, found.client_id):
        raise refusals.cancel_rejected()
    first_open = next(order for order in found.orders if order.is_open)
    with exchange.transaction() as tx:
        return cancel_order(exchange, tx, first_open, new_client_id)


def _place_oto(exchange: Exchange, account: Account, p: Parameters, *, pairs: bool, by_fill: bool) -> dict[str, Any]:
    """Place a list with a working order; ``by_fill``: what it buys is what the pending orders sell."""
    symbol = exchange.symbol_of(p)
    stp_mode = read_stp_mode(p, symbol)
    working_p, pending_p = p.leg("working"), p.leg("pending")
    working_type = read_type(working_p, WORKING_TYPES)
    working = read_order(
        working_p,
        symbol,
        side=read_side(working_p),
        order_type=working_type,
        quantity=working_p.need_positive("quantity"),
        client_order_id=working_p.client_id("clientOrderId"),
        stp_mode=stp_mode,
    )
    side = read_side(pending_p)
    quantity = None if by_fill else pending_p.need_positive("quantity")
    if by_fill and working.side != "BUY":
        raise Refusal(-1222, "The working order of an OPO must be a buy.")
    if by_fill and side != "SELL":
        raise Refusal(-1223, "The pending orders of an OPO must be sells.")
    if pairs:
        above, below = (
            _read_leg(p.leg(name), symbol, side=side, quantity=quantity, stp_mode=stp_mode)
            for name in ("pendingAbove", "pendingBelow")
        )
        pending = _alternatives(symbol, above, below, against_market=False)
    else:
        pending = [_read_leg(pending_p, symbol, side=side, quantity=quantity, stp_mode=stp_mode, allowed=ORDER_TYPES)]
    return _place(exchange, account, p, symbol, working, pending)


def _read_leg(
    p: Parameters,
    symbol: Symbol,
    *,
    side: str,
    quantity: Decimal | None,
    stp_mode: str,
    allowed: frozenset[str] = LEG_TYPES,
) -> OrderRequest:
    return read_order(
        p,
        symbol,
        side=side,
        order_type=read_type(p, allowed, Refusal(-1158, "Order type not supported in OCO.")),
        quantity=quantity,
        client_order_id=p.client_id("clientOrderId"),
        stp_mode=stp_mode,
    )


def _alternatives(
    symbol: Symbol, above: OrderRequest, below: OrderRequest, *, against_market: bool = True
) -> list[OrderRequest]:
    """Check the two legs of an OCO against each other and the last price; the stop loss comes first."""
    if above.type == below.type == "LIMIT_MAKER":
        raise Refusal(-1168, "At least one OCO order must be contingent.")
    for leg in (above, below):
        wrong = WRONG_PLACE.get((leg.side, leg.type.removesuffix("_LIMIT"), leg is above))
        if wrong is not None:
            raise Refusal(wrong.code, wrong.msg)
    upper, lower = (leg.stop_price or (leg.price if leg.type == "LIMIT_MAKER" else None) for leg in (above, below))
    last = symbol.last_price if against_market else None
    ladder = [price for price in (lower, last, upper) if price is not None]
    if any(first >= second for first, second in pairwise(ladder)):
        raise refusals.bad_list_prices()
    return sorted((above, below), key=lambda leg: not leg.type.startswith("STOP_LOSS"))


def _place(
    exchange: Exchange,
    account: Account,
    p: Parameters,
    symbol: Symbol,
    working: OrderRequest | None,
    alternatives: list[OrderRequest],
) -> dict[str, Any]:
    list_client_id = p.client_id("listClientOrderId")
    response_type = read_response_type(p) or "RESULT"
    p.finish()
    requests = alternatives if working is None else [working, *alternatives]
    given = [request.client_order_id for request in requests if request.client_order_id is not None]
    known = account.lists_by_client_id.get(list_client_id or "")
    if len(set(given)) < len(given) or (known is not None and known.is_open):
        raise refusals.rejected("Duplicate order sent.")
    engine = exchange.engine
    for request in requests:
        # Pending orders meet the market only when the working order is filled.
        if working is None or request is working:
            engine.check(account, symbol, request)
        else:
            engine.check_entry(account, symbol, request)
    with exchange.transaction() as tx:
        orders = [engine.draft(account, symbol, request, tx.time) for request in requests]
        starting = orders if working is None else orders[:1]
        engine.reserve_alternatives(starting)
        for order in orders:
            engine.number(order)
        order_list = OrderList(
            list_id=exchange.next_list_id(),
            client_id=list_client_id or exchange.new_client_id(),
            contingency="OCO" if working is None else "OTO",
            symbol=symbol.name,
            created=tx.time,
            updated=tx.time,
            orders=orders,
            client_order_ids=[order.client_order_id for order in orders],
        )
        account.add_list(order_list)
        tx.report_list(order_list, "EXEC_STARTED")
        for order in orders:
            order.order_list = order_list
            engine.admit(tx, order, pending=order not in starting)
        for order in starting:
            engine.enter(tx, order)
    reports = [results.placed(order, response_type) for order in orders]
    return results.list_state(order_list) | {"orderReports": reports}
