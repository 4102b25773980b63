"""Writes the events of an options user data stream as Binance does: one function for each event type.

Source: Binance Options Trading, "User Data Streams" (2026-05-28), with the change log up to 2026-04.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.derivatives.amounts import ZERO, milliseconds, plain, wire_amount
from trio_binance_uds.sandbox.derivatives.events import price_shown
from trio_binance_uds.sandbox.derivatives.options.contracts import OptionContract

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trio_binance_uds.sandbox.derivatives.options.accounts import OptionsAccount
    from trio_binance_uds.sandbox.derivatives.orders import Fill, Order
    from trio_binance_uds.sandbox.derivatives.positions import Position

Event = dict[str, Any]

GAMMA = Decimal("0.0001")
THETA = Decimal("-12.5")
VEGA = Decimal("8.25")


def _head(name: str, time: int) -> Event:
    now = milliseconds(time)
    return {"e": name, "E": now, "T": now}


def order_trade_update(order: Order, execution: str, time: int, fill: Fill | None) -> Event:
    """Report the present state of an order and what just happened to it (``execution``)."""
    request, position = order.request, order.position
    return _head("ORDER_TRADE_UPDATE", time) | {
        "o": {
            "s": order.contract.name,
            "c": order.client_order_id,
            "S": request.side,
            "o": request.type,
            "f": request.time_in_force,
            "q": plain(order.quantity),
            "p": plain(order.price),
            "ap": plain(order.average_price),
            "x": execution,
            "X": order.status,
            "i": order.order_id,
            "l": "0" if fill is None else plain(fill.quantity),
            "z": plain(order.executed),
            "L": "0" if fill is None else plain(fill.price),
            "N": order.contract.margin_asset,
            # A commission that is paid is negative here.
            "n": "0" if fill is None else wire_amount(-fill.commission),
            "T": milliseconds(time),
            "t": 0 if fill is None else fill.id,
            "b": plain(position.bid_quantity),
            "a": plain(position.ask_quantity),
            "m": fill is not None and fill.is_maker,
            "R": request.reduce_only,
            "ot": request.type,
            "rp": "0" if fill is None else wire_amount(fill.realized),
            "V": request.stp_mode,
        }
    }


def balance_position_update(
    account: OptionsAccount, reason: str, time: int, asset: str, change: Decimal, positions: Iterable[Position]
) -> Event:
    """Tell a balance and positions that have changed; ``change``: what was not profit or commission."""
    return _head("BALANCE_POSITION_UPDATE", time) | {
        "m": reason,
        "B": [
            {
                "a": asset,
                "b": wire_amount(account.balance(asset)),
                "bc": wire_amount(change) if change else "0",
            }
        ],
        "P": [
            {
                "s": held.contract.name,
                "c": plain(held.amount),
                "p": wire_amount(held.notional),
                "a": price_shown(held.entry_price),
            }
            for held in positions
        ],
    }


def account_update(account: OptionsAccount, asset: str, time: int) -> Event:
    """Tell the totals of an account."""
    return _head("ACCOUNT_UPDATE", time) | {
        "eq": wire_amount(account.equity(asset)),
        "aeq": wire_amount(account.adjusted_equity(asset)),
        "b": wire_amount(account.balance(asset)),
        "m": wire_amount(account.position_value),
        "u": wire_amount(account.unrealized_profit),
        "i": wire_amount(account.initial_margin),
        "M": wire_amount(account.maintenance_margin),
    }


def greeks(account: OptionsAccount) -> dict[str, dict[str, Decimal]]:
    """Return the greeks of an account by underlying: figures that move with its positions, and no model of a market."""
    found: dict[str, dict[str, Decimal]] = {}
    for held in account.positions.values():
        contract = held.contract
        assert isinstance(contract, OptionContract)
        if not held.amount:
            continue
        in_the_money = contract.worth_at(contract.index_price) > 0
        delta = (Decimal("0.7") if in_the_money else Decimal("0.3")) * (1 if contract.is_call else -1)
        sums = found.setdefault(contract.underlying, dict.fromkeys(("delta", "gamma", "theta", "vega"), ZERO))
        for name, each in (("delta", delta), ("gamma", GAMMA), ("theta", THETA), ("vega", VEGA)):
            sums[name] += each * held.amount
    return found


def greek_update(account: OptionsAccount, time: int) -> Event:
    """Tell the greeks of an account."""
    return _head("GREEK_UPDATE", time) | {
        "G": [
            {
                "u": underlying,
                "d": wire_amount(sums["delta"]),
                "g": wire_amount(sums["gamma"]),
                "t": wire_amount(sums["theta"]),
                "v": wire_amount(sums["vega"]),
            }
            for underlying, sums in greeks(account).items()
        ]
    }


def risk_level_change(account: OptionsAccount, asset: str, time: int) -> Event:
    """Tell a changed risk level."""
    return {
        "e": "RISK_LEVEL_CHANGE",
        "E": milliseconds(time),
        "s": account.risk_level,
        "mb": wire_amount(account.equity(asset)),
        "mm": wire_amount(account.maintenance_margin),
    }
