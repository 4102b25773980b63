"""Writes the answers of the options desk as Binance does.

Source: Binance Options Trading, "Trade" and "Account" (2026-05-28).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from trio_binance_uds.sandbox.derivatives.amounts import ZERO, decimal_places, milliseconds, plain, wire_amount
from trio_binance_uds.sandbox.derivatives.events import price_shown
from trio_binance_uds.sandbox.derivatives.options.contracts import OptionContract
from trio_binance_uds.sandbox.derivatives.options.events import greeks

if TYPE_CHECKING:
    from decimal import Decimal

    from trio_binance_uds.sandbox.derivatives.contracts import Contract
    from trio_binance_uds.sandbox.derivatives.options.accounts import OptionsAccount
    from trio_binance_uds.sandbox.derivatives.orders import Fill, Order
    from trio_binance_uds.sandbox.derivatives.positions import Position
    from trio_binance_uds.sandbox.derivatives.records import Income

Answer = dict[str, Any]

FIRST_FILL_ID = 4_611_875_134_427_365_377
BILL_TYPES = {"COMMISSION": "FEE", "PREMIUM": "CONTRACT", "EXERCISE": "CONTRACT", "TRANSFER": "TRANSFER"}


def _terms(contract: Contract) -> Answer:
    assert isinstance(contract, OptionContract)
    return {
        "priceScale": decimal_places(contract.tick_size),
        "quantityScale": decimal_places(contract.step_size),
        "optionSide": contract.option_side,
        "quoteAsset": contract.quote,
    }


def queried(order: Order) -> Answer:
    """An order as all queries tell it."""
    request = order.request
    return {
        "orderId": order.order_id,
        "symbol": order.contract.name,
        "price": plain(order.price),
        "quantity": plain(order.quantity),
        "executedQty": plain(order.executed),
        "side": request.side,
        "type": request.type,
        "timeInForce": request.time_in_force,
        "reduceOnly": request.reduce_only,
        "createTime": milliseconds(order.created),
        "updateTime": milliseconds(order.updated),
        "status": order.status,
        "avgPrice": plain(order.average_price),
        "clientOrderId": order.client_order_id,
        **_terms(order.contract),
        "mmp": False,
        "selfTradePreventionMode": request.stp_mode,
    }


def placed(order: Order) -> Answer:
    """The answer to a placement."""
    return queried(order) | {"source": "API"}


def canceled(order: Order) -> Answer:
    """The answer to a cancellation, which has a name of its own for the time of placement."""
    answer = placed(order)
    answer["createDate"] = answer.pop("createTime")
    return answer


def traded(fill: Fill) -> Answer:
    """A fill as ``userTrades`` lists it; a fee that was paid is negative."""
    order = fill.order
    return {
        "id": fill_id(fill),
        "tradeId": fill.id,
        "orderId": order.order_id,
        "symbol": order.contract.name,
        "price": plain(fill.price),
        "quantity": plain(fill.quantity),
        "fee": wire_amount(-fill.commission),
        "realizedProfit": wire_amount(fill.realized),
        "side": order.side,
        "type": order.type,
        "liquidity": "MAKER" if fill.is_maker else "TAKER",
        "time": milliseconds(fill.time),
        **_terms(order.contract),
    }


def fill_id(fill: Fill) -> int:
    return FIRST_FILL_ID + fill.serial


def position(held: Position) -> Answer:
    """A position as ``position`` lists it."""
    contract = held.contract
    assert isinstance(contract, OptionContract)
    return {
        "entryPrice": price_shown(held.entry_price),
        "symbol": contract.name,
        "side": "LONG" if held.amount > 0 else "SHORT",
        "quantity": plain(held.amount),
        "markValue": plain(held.notional),
        "unrealizedPNL": plain(held.profit),
        "markPrice": plain(contract.mark or ZERO),
        "strikePrice": plain(contract.strike),
        "expiryDate": contract.expiry,
        **_terms(contract),
        "time": milliseconds(held.updated),
        "bidQuantity": plain(held.bid_quantity),
        "askQuantity": plain(held.ask_quantity),
    }


def account(state: OptionsAccount, assets: list[str], now: int) -> Answer:
    """The answer to ``marginAccount``."""
    return {
        "asset": [
            {
                "asset": asset,
                "marginBalance": wire_amount(state.balance(asset)),
                "equity": wire_amount(state.equity(asset)),
                "available": wire_amount(max(ZERO, state.available(asset))),
                "initialMargin": wire_amount(state.initial_margin),
                "maintMargin": wire_amount(state.maintenance_margin),
                "unrealizedPNL": wire_amount(state.unrealized_profit),
                "adjustedEquity": wire_amount(state.adjusted_equity(asset)),
            }
            for asset in assets
        ],
        "greek": [
            {"underlying": underlying, **{name: plain(amount) for name, amount in sums.items()}}
            for underlying, sums in greeks(state).items()
        ],
        "time": milliseconds(now),
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "reduceOnly": state.risk_level == "REDUCE_ONLY",
        "tradeGroupId": -1,
    }


def bill(row: Income) -> Answer:
    """A movement of money as ``bill`` lists it."""
    return {
        "id": row.tran_id,
        "asset": row.asset,
        "amount": plain(row.amount),
        "type": BILL_TYPES[row.kind],
        "createDate": milliseconds(row.time),
    }


@attrs.frozen(kw_only=True)
class Exercise:
    """One position that an option's end has settled."""

    id: int
    contract: OptionContract
    quantity: Decimal
    """Negative when short."""
    amount: Decimal
    price: Decimal
    time: int


def exercise(record: Exercise) -> Answer:
    """A settled position as ``exerciseRecord`` lists it."""
    return {
        "id": str(record.id),
        "currency": record.contract.margin_asset,
        "symbol": record.contract.name,
        "exercisePrice": wire_amount(record.price),
        "quantity": wire_amount(abs(record.quantity)),
        "amount": wire_amount(record.amount),
        "fee": wire_amount(ZERO),
        "createDate": milliseconds(record.time),
        "positionSide": "LONG" if record.quantity > 0 else "SHORT",
        **_terms(record.contract),
    }
