"""Writes the events of a user data stream as Binance does: one function for each event type.

Source: Binance Spot, "User data stream", "Market orders FAQ" and "STP FAQ" (2026-07-21).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.exchange.amounts import ZERO, milliseconds, wire_amount

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trio_binance_uds.sandbox.exchange.accounts import Account
    from trio_binance_uds.sandbox.exchange.order_lists import OrderList
    from trio_binance_uds.sandbox.exchange.orders import Order, PreventedMatch, Trade

Event = dict[str, Any]

NOTHING = wire_amount(ZERO)


def execution_report(
    order: Order,
    execution: str,
    time: int,
    execution_id: int,
    *,
    trade: Trade | None = None,
    prevention: PreventedMatch | None = None,
    former_client_order_id: str = "",
    reject_reason: str = "NONE",
) -> Event:
    """Report the present state of an order and what just happened to it (``execution``)."""
    request = order.request
    # A market order counts as on the book only in its NEW report, a limit order until it ends.
    on_book = order.is_open and order.working_since is not None and (order.is_limit or execution == "NEW")
    event: Event = {
        "e": "executionReport",
        "E": milliseconds(time),
        "s": order.symbol.name,
        "c": order.client_order_id,
        "S": request.side,
        "o": request.type,
        "f": request.time_in_force,
        "q": wire_amount(order.quantity),
        "p": wire_amount(request.price),
        "P": wire_amount(request.stop_price),
        "F": wire_amount(request.iceberg_quantity),
        "g": -1 if order.order_list is None else order.order_list.list_id,
        "C": former_client_order_id,
        "x": execution,
        "X": order.status,
        "r": reject_reason,
        "i": order.order_id,
        "l": NOTHING if trade is None else wire_amount(trade.quantity),
        "z": wire_amount(order.executed),
        "L": NOTHING if trade is None else wire_amount(trade.price),
        "n": "0" if trade is None else wire_amount(trade.commission),
        "N": None if trade is None else trade.commission_asset,
        "T": milliseconds(time),
        "t": -1 if trade is None else trade.id,
        "I": execution_id,
        "w": on_book,
        "m": trade is not None and trade.is_maker,
        "M": trade is not None,
        "O": milliseconds(order.created),
        "Z": wire_amount(order.quote_executed),
        "Y": NOTHING if trade is None else wire_amount(trade.quote_quantity),
        "Q": wire_amount(request.quote_quantity),
        "V": request.stp_mode,
    }
    if order.working_since is not None:
        event["W"] = milliseconds(order.working_since)
    if request.trailing_delta is not None:
        event["d"] = request.trailing_delta
    if order.trailing_since is not None:
        event["D"] = milliseconds(order.trailing_since)
    if request.strategy_id is not None:
        event["j"] = request.strategy_id
    if request.strategy_type is not None:
        event["J"] = request.strategy_type
    if order.prevented_match_id is not None:
        event["v"] = order.prevented_match_id
        event["A"] = wire_amount(order.prevented)
    if prevention is not None:
        event |= _prevention_fields(order, prevention)
    if order.expiry_reason is not None:
        event["eR"] = order.expiry_reason
    return event


def _prevention_fields(order: Order, prevention: PreventedMatch) -> Event:
    is_taker = order.order_id == prevention.taker_order_id
    taken = prevention.taker_quantity if is_taker else prevention.maker_quantity
    return {
        "B": wire_amount(taken or ZERO),
        "u": prevention.trade_group_id,
        "U": prevention.maker_order_id if is_taker else prevention.taker_order_id,
        "Cs": prevention.symbol,
        "pl": wire_amount(prevention.executable),
        "pL": wire_amount(prevention.price),
        "pY": wire_amount(prevention.price * prevention.executable),
    }


def account_position(account: Account, assets: Iterable[str], time: int) -> Event:
    """Tell the present balances of the assets that may have changed."""
    balances = [(asset, account.balance(asset)) for asset in assets]
    return {
        "e": "outboundAccountPosition",
        "E": milliseconds(time),
        "u": milliseconds(time),
        "B": [
            {"a": asset, "f": wire_amount(balance.free), "l": wire_amount(balance.locked)}
            for asset, balance in balances
        ],
    }


def balance_update(asset: str, delta: Decimal, time: int) -> Event:
    """Tell by how much the free balance changed other than by trading."""
    now = milliseconds(time)
    return {"e": "balanceUpdate", "E": now, "a": asset, "d": wire_amount(delta), "T": now}


def external_lock_update(asset: str, delta: Decimal, time: int) -> Event:
    """Tell by how much the part of the balance that is locked from outside changed."""
    now = milliseconds(time)
    return {"e": "externalLockUpdate", "E": now, "a": asset, "d": wire_amount(delta), "T": now}


def list_status(order_list: OrderList, status_type: str, time: int) -> Event:
    """Tell how an order list is doing."""
    return {
        "e": "listStatus",
        "E": milliseconds(time),
        "s": order_list.symbol,
        "g": order_list.list_id,
        "c": order_list.contingency,
        "l": status_type,
        "L": order_list.order_status,
        "r": "NONE",
        "C": order_list.client_id,
        "T": milliseconds(time),
        "O": [{"s": order_list.symbol, "i": order_id, "c": client_id} for order_id, client_id in order_list.members()],
    }
