"""Writes the events of a futures user data stream as Binance does: one function for each event type.

Source: Binance USD-M Futures, COIN-M Futures and Portfolio Margin, "User Data Streams" (2026-05-28), with the change
logs up to 2026-08.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.derivatives.amounts import UNIT, ZERO, milliseconds, plain, wire_amount
from trio_binance_uds.sandbox.derivatives.dialects import pick
from trio_binance_uds.sandbox.derivatives.orders import REASONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
    from trio_binance_uds.sandbox.derivatives.algos import AlgoOrder
    from trio_binance_uds.sandbox.derivatives.dialects import Dialect
    from trio_binance_uds.sandbox.derivatives.orders import Fill, Order
    from trio_binance_uds.sandbox.derivatives.positions import Position

Event = dict[str, Any]


def _head(
    dialect: Dialect, name: str, time: int, account: FuturesAccount | None = None, *, transaction: bool = True
) -> Event:
    """Begin an event; ``account``: it tells the alias where the product does."""
    now = milliseconds(time)
    head: Event = {"e": name}
    if dialect.unit is not None:
        head["fs"] = dialect.unit
    head["E"] = now
    if transaction:
        head["T"] = now
    if account is not None and dialect.alias is not None:
        head["i"] = account.alias if dialect.alias else ""
    return head


def order_trade_update(
    dialect: Dialect, order: Order, execution: str, time: int, *, fill: Fill | None = None, modify_id: str | None = None
) -> Event:
    """Report the present state of an order and what just happened to it (``execution``)."""
    request, contract, algo = order.request, order.contract, order.algo
    positions = list(order.account.positions_of(contract))
    members: Event = {
        "s": contract.name,
        "c": order.client_order_id,
        "S": request.side,
        "o": request.type,
        "f": request.time_in_force,
        "q": plain(order.quantity),
        "p": plain(order.price),
        "ap": plain(order.average_price),
        "sp": "0" if algo is None else plain(algo.request.trigger_price),
        "x": execution,
        "X": order.status,
        "i": order.order_id,
        "l": "0" if fill is None else plain(fill.quantity),
        "z": plain(order.executed),
        "L": "0" if fill is None else plain(fill.price),
        "ma": contract.margin_asset,
        "T": milliseconds(time),
        "t": 0 if fill is None else fill.id,
        "b": plain(sum((position.bids for position in positions), ZERO)),
        "a": plain(sum((position.asks for position in positions), ZERO)),
        "m": fill is not None and fill.is_maker,
        "R": request.reduce_only,
        "wt": request.working_type,
        "ot": request.type if algo is None else algo.request.type,
        "ps": request.position_side,
        "cp": request.close_position,
        "pP": request.price_protect,
        "rp": "0" if fill is None else wire_amount(fill.realized),
        "V": request.stp_mode,
        "pm": request.price_match,
        "gtd": request.good_till,
        "er": REASONS[order.expiry_reason],
        **dialect.event_constants,
    }
    if fill is not None or dialect.tells_no_commission:
        members["N"] = contract.margin_asset
        members["n"] = "0" if fill is None else wire_amount(fill.commission)
    if modify_id is not None:
        members["M"] = modify_id
    if algo is not None:
        if algo.trails:
            members |= {"AP": plain(algo.request.activation_price), "cr": plain(algo.request.callback_rate or ZERO)}
        if dialect.unit is not None:
            members |= {"st": f"C_{algo.request.type}", "si": algo.algo_id}
    return _head(dialect, "ORDER_TRADE_UPDATE", time, order.account) | {"o": pick(members, dialect.event_order)}


def trade_lite(order: Order, time: int, fill: Fill) -> Event:
    """Tell a fill in short."""
    now = milliseconds(time)
    return {
        "e": "TRADE_LITE",
        "E": now,
        "T": now,
        "s": order.contract.name,
        "q": plain(order.quantity),
        "p": plain(order.price),
        "m": fill.is_maker,
        "c": order.client_order_id,
        "S": order.side,
        "L": plain(fill.price),
        "l": plain(fill.quantity),
        "t": fill.id,
        "i": order.order_id,
    }


def account_update(
    dialect: Dialect,
    account: FuturesAccount,
    reason: str,
    time: int,
    *,
    changes: Mapping[str, Decimal],
    positions: Iterable[Position],
    symbol: str | None = None,
) -> Event:
    """Tell balances and positions that have changed; ``changes``: by asset, what was not profit or commission."""
    listed = list(positions)
    if listed and dialect.tells_all_positions:
        listed += [other for other in account.positions.values() if other.amount and other not in listed]
    told: Event = {
        "m": reason,
        "B": [
            {
                "a": asset,
                "wb": wire_amount(account.balance(asset)),
                "cw": wire_amount(account.cross_wallet(asset)),
                "bc": wire_amount(change) if change else "0",
            }
            for asset, change in changes.items()
        ],
        "P": [pick(_position(position), dialect.event_position) for position in listed],
    }
    if symbol is not None:
        told["S"] = symbol
    return _head(dialect, "ACCOUNT_UPDATE", time, account) | {"a": told}


def price_shown(price: Decimal) -> str:
    """Write a price that was worked out, which may have no end."""
    return plain(price.quantize(UNIT))


def _position(position: Position) -> Event:
    return {
        "s": position.contract.name,
        "pa": plain(position.amount),
        "ep": price_shown(position.entry_price),
        "bep": price_shown(position.break_even_price),
        "cr": wire_amount(position.realized),
        "up": wire_amount(position.profit),
        "mt": "isolated" if position.isolated else "cross",
        "iw": wire_amount(position.isolated_wallet),
        "ps": position.side,
        "ma": position.contract.margin_asset,
    }


def leverage_update(dialect: Dialect, symbol: str, leverage: int, time: int) -> Event:
    """Tell a changed leverage."""
    return _head(dialect, "ACCOUNT_CONFIG_UPDATE", time) | {"ac": {"s": symbol, "l": leverage}}


def multi_assets_update(dialect: Dialect, on: bool, time: int) -> Event:
    """Tell a changed multi-assets mode."""
    return _head(dialect, "ACCOUNT_CONFIG_UPDATE", time) | {"ai": {"j": on}}


def margin_call(dialect: Dialect, account: FuturesAccount, positions: Iterable[Position], time: int) -> Event:
    """Tell positions that are close to liquidation, all of one margin asset."""
    called = list(positions)
    event = _head(dialect, "MARGIN_CALL", time, account, transaction=False)
    cross = [position for position in called if not position.isolated]
    if cross:
        event["cw"] = wire_amount(account.cross_wallet(cross[0].contract.margin_asset))
    event["p"] = [
        {
            "s": position.contract.name,
            "ps": position.side,
            "pa": plain(position.amount),
            "mt": "ISOLATED" if position.isolated else "CROSSED",
            "iw": wire_amount(position.isolated_wallet) if position.isolated else "0",
            "mp": wire_amount(position.contract.mark or ZERO),
            "up": wire_amount(position.profit),
            "mm": wire_amount(position.maintenance_margin),
        }
        for position in called
    ]
    return event


def algo_update(dialect: Dialect, algo: AlgoOrder, time: int) -> Event:
    """Report the present state of a conditional order."""
    if dialect.algo_key is None:
        return _head(dialect, "CONDITIONAL_ORDER_TRADE_UPDATE", time) | {"so": _strategy(algo)}
    request, order = algo.request, algo.order
    members: Event = {
        "caid": algo.client_algo_id,
        "aid": algo.algo_id,
        "at": "CONDITIONAL",
        "o": request.type,
        "s": algo.contract.name,
        "S": request.side,
        "ps": request.position_side,
        "f": request.time_in_force,
        "q": plain(request.quantity),
        "X": algo.status,
        "ai": "" if order is None else str(order.order_id),
    }
    if algo.status != "NEW":
        members |= {
            "ap": "0.00000" if order is None else format(order.average_price, ".5f"),
            "aq": "0.00000" if order is None else format(order.executed, ".5f"),
            "act": "0" if order is None else order.type,
        }
    members |= {
        "tp": plain(request.trigger_price),
        "p": plain(request.price),
        "V": request.stp_mode,
        "wt": request.working_type,
        "pm": request.price_match,
        "cp": request.close_position,
        "pP": request.price_protect,
        "R": request.reduce_only,
        "tt": 0 if algo.triggered is None else milliseconds(algo.triggered),
        "gtd": request.good_till,
    }
    if algo.failure is not None:
        members["rm"] = algo.failure
    if algo.trails:
        members["ia"] = algo.is_activated
    return _head(dialect, "ALGO_UPDATE", time) | {dialect.algo_key: members}


def _strategy(algo: AlgoOrder) -> Event:
    request = algo.request
    members: Event = {
        "s": algo.contract.name,
        "c": algo.client_algo_id,
        "si": algo.algo_id,
        "S": request.side,
        "st": request.type,
        "f": request.time_in_force,
        "q": plain(request.quantity),
        "p": plain(request.price),
        "sp": plain(request.trigger_price),
        # There are no words here for what is on its way, nor for what the engine has refused.
        "os": {"TRIGGERING": "TRIGGERED", "REJECTED": "EXPIRED"}.get(algo.status, algo.status),
        "T": milliseconds(algo.created),
        "ut": milliseconds(algo.updated),
        "R": request.reduce_only,
        "wt": request.working_type,
        "ps": request.position_side,
        "cp": request.close_position,
        "V": request.stp_mode,
        "gtd": request.good_till,
    }
    if algo.trails:
        members |= {"AP": plain(request.activation_price), "cr": plain(request.callback_rate or ZERO)}
    if algo.order is not None:
        members["i"] = algo.order.order_id
    return members
