"""Writes the results of trading methods and queries as Binance does.

Source: Binance Spot, WebSocket API, "Trading requests" and "Account requests" (2026-07-21).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.exchange.amounts import ZERO, milliseconds, wire_amount
from trio_binance_uds.sandbox.exchange.fees import DISCOUNT
from trio_binance_uds.sandbox.exchange.transaction import FEE_ASSET

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.exchange.accounts import Account
    from trio_binance_uds.sandbox.exchange.order_lists import OrderList
    from trio_binance_uds.sandbox.exchange.orders import Amendment, Order, PreventedMatch, Trade

Result = dict[str, Any]


def acknowledged(order: Order) -> Result:
    """The answer ``ACK``."""
    return {
        "symbol": order.symbol.name,
        "orderId": order.order_id,
        "orderListId": -1 if order.order_list is None else order.order_list.list_id,
        "clientOrderId": order.client_order_id,
        "transactTime": milliseconds(order.updated),
    }


def placed(order: Order, response_type: str) -> Result:
    """The answer to a placement, in the form that was asked for."""
    result = acknowledged(order)
    if response_type == "ACK":
        return result
    result |= _state(order)
    result["workingTime"] = _time_or_minus_one(order.working_since)
    if response_type == "FULL":
        result["fills"] = [_fill(trade) for trade in order.trades]
    prevented = [match for match in order.prevented_matches if match.taker_order_id == order.order_id]
    if prevented:
        result["preventedMatches"] = [_prevented_in_answer(match) for match in prevented]
    result["selfTradePreventionMode"] = order.request.stp_mode
    result |= _conditional(order, stops=False)
    return result


def canceled(order: Order, former_client_order_id: str) -> Result:
    """The answer to a cancellation."""
    result: Result = {"symbol": order.symbol.name, "origClientOrderId": former_client_order_id}
    result |= acknowledged(order) | _state(order)
    result["selfTradePreventionMode"] = order.request.stp_mode
    result |= _conditional(order, stops=False)
    return result


def amended(order: Order, former_client_order_id: str) -> Result:
    """The order inside the answer to an amendment, which spells some fields in its own way."""
    return {
        "symbol": order.symbol.name,
        "orderId": order.order_id,
        "orderListId": -1 if order.order_list is None else order.order_list.list_id,
        "origClientOrderId": former_client_order_id,
        "clientOrderId": order.client_order_id,
        "price": wire_amount(order.price),
        "qty": wire_amount(order.quantity),
        "executedQty": wire_amount(order.executed),
        "preventedQty": wire_amount(order.prevented),
        "quoteOrderQty": wire_amount(order.request.quote_quantity),
        "cumulativeQuoteQty": wire_amount(order.quote_executed),
        "status": order.status,
        "timeInForce": order.request.time_in_force,
        "type": order.type,
        "side": order.side,
        "workingTime": _time_or_minus_one(order.working_since),
        "selfTradePreventionMode": order.request.stp_mode,
    }


def queried(order: Order) -> Result:
    """An order as the query methods list it."""
    result: Result = {
        "symbol": order.symbol.name,
        "orderId": order.order_id,
        "orderListId": -1 if order.order_list is None else order.order_list.list_id,
        "clientOrderId": order.client_order_id,
    }
    result |= _state(order)
    result |= {
        "stopPrice": wire_amount(order.request.stop_price),
        "icebergQty": wire_amount(order.request.iceberg_quantity),
        "time": milliseconds(order.created),
        "updateTime": milliseconds(order.updated),
        "isWorking": order.working_since is not None,
        "workingTime": _time_or_minus_one(order.working_since),
        "selfTradePreventionMode": order.request.stp_mode,
    }
    # OPO pending orders have no quantity yet on placement, but a query always has the field.
    result.setdefault("origQty", wire_amount(order.quantity))
    result |= _conditional(order, stops=True)
    return result


def list_state(order_list: OrderList) -> Result:
    """An order list as the query methods list it."""
    return {
        "orderListId": order_list.list_id,
        "contingencyType": order_list.contingency,
        "listStatusType": order_list.status_type,
        "listOrderStatus": order_list.order_status,
        "listClientOrderId": order_list.client_id,
        "transactionTime": milliseconds(order_list.updated),
        "symbol": order_list.symbol,
        "orders": [
            {"symbol": order_list.symbol, "orderId": order_id, "clientOrderId": client_id}
            for order_id, client_id in order_list.members()
        ],
    }


def traded(trade: Trade) -> Result:
    """A trade as ``myTrades`` lists it."""
    order = trade.order
    return {
        "symbol": order.symbol.name,
        "id": trade.id,
        "orderId": order.order_id,
        "orderListId": -1 if order.order_list is None else order.order_list.list_id,
        "price": wire_amount(trade.price),
        "qty": wire_amount(trade.quantity),
        "quoteQty": wire_amount(trade.quote_quantity),
        "commission": wire_amount(trade.commission),
        "commissionAsset": trade.commission_asset,
        "time": milliseconds(trade.time),
        "isBuyer": order.is_buy,
        "isMaker": trade.is_maker,
        "isBestMatch": True,
    }


def prevented_match(match: PreventedMatch) -> Result:
    """A prevented match as ``myPreventedMatches`` lists it."""
    result: Result = {
        "symbol": match.symbol,
        "preventedMatchId": match.id,
        "takerOrderId": match.taker_order_id,
        "makerSymbol": match.symbol,
        "makerOrderId": match.maker_order_id,
        "tradeGroupId": match.trade_group_id,
        "selfTradePreventionMode": match.mode,
        "price": wire_amount(match.price),
    }
    result |= _prevented_quantities(match)
    result["transactTime"] = milliseconds(match.time)
    return result


def amendment(order: Order, change: Amendment) -> Result:
    """An amendment as ``order.amendments`` lists it."""
    return {
        "symbol": order.symbol.name,
        "orderId": order.order_id,
        "executionId": change.execution_id,
        "origClientOrderId": change.old_client_order_id,
        "newClientOrderId": change.new_client_order_id,
        "origQty": wire_amount(change.old_quantity),
        "newQty": wire_amount(change.new_quantity),
        "time": milliseconds(change.time),
    }


def account_state(account: Account, *, omit_zero: bool) -> Result:
    """The answer to ``account.status``."""
    return {
        "makerCommission": int(account.maker_commission * 10_000),
        "takerCommission": int(account.taker_commission * 10_000),
        "buyerCommission": 0,
        "sellerCommission": 0,
        "commissionRates": {
            "maker": wire_amount(account.maker_commission),
            "taker": wire_amount(account.taker_commission),
            "buyer": wire_amount(ZERO),
            "seller": wire_amount(ZERO),
        },
        "canTrade": True,
        "canWithdraw": True,
        "canDeposit": True,
        "brokered": False,
        "requireSelfTradePrevention": False,
        "preventSor": False,
        "updateTime": milliseconds(account.update_time),
        "accountType": "SPOT",
        "balances": [
            {"asset": asset, "free": wire_amount(balance.free), "locked": wire_amount(balance.locked)}
            for asset, balance in sorted(account.balances.items())
            if balance.free or balance.locked or not omit_zero
        ],
        "permissions": ["SPOT"],
        "uid": account.uid,
    }


def discount(account: Account) -> Result:
    """How commissions may be paid in BNB."""
    return {
        "enabledForAccount": account.uses_bnb,
        "enabledForSymbol": True,
        "discountAsset": FEE_ASSET,
        "discount": wire_amount(DISCOUNT),
    }


def _state(order: Order) -> Result:
    result: Result = {"price": wire_amount(order.price)}
    if order.request.quantity is not None or order.quantity or order.request.quote_quantity:
        result["origQty"] = wire_amount(order.quantity)
    result |= {
        "executedQty": wire_amount(order.executed),
        "origQuoteOrderQty": wire_amount(order.request.quote_quantity),
        "cummulativeQuoteQty": wire_amount(order.quote_executed),
        "status": order.status,
        "timeInForce": order.request.time_in_force,
        "type": order.type,
        "side": order.side,
    }
    return result


def _conditional(order: Order, *, stops: bool) -> Result:
    """The fields that are there only when they say something; ``stops``: the stop fields are there anyway."""
    request = order.request
    result: Result = {}
    if not stops and request.stop_price:
        result["stopPrice"] = wire_amount(request.stop_price)
    if not stops and request.iceberg_quantity:
        result["icebergQty"] = wire_amount(request.iceberg_quantity)
    if request.trailing_delta is not None:
        result["trailingDelta"] = request.trailing_delta
        result["trailingTime"] = _time_or_minus_one(order.trailing_since)
    if request.strategy_id is not None:
        result["strategyId"] = request.strategy_id
    if request.strategy_type is not None:
        result["strategyType"] = request.strategy_type
    if order.prevented_match_id is not None:
        if stops:
            result["preventedMatchId"] = order.prevented_match_id
        elif order.account.trade_group_id != -1:
            result["tradeGroupId"] = order.account.trade_group_id
        result["preventedQuantity"] = wire_amount(order.prevented)
    if order.expiry_reason is not None:
        result["expiryReason"] = order.expiry_reason
    return result


def _fill(trade: Trade) -> Result:
    return {
        "price": wire_amount(trade.price),
        "qty": wire_amount(trade.quantity),
        "commission": wire_amount(trade.commission),
        "commissionAsset": trade.commission_asset,
        "tradeId": trade.id,
    }


def _prevented_in_answer(match: PreventedMatch) -> Result:
    result: Result = {
        "preventedMatchId": match.id,
        "makerSymbol": match.symbol,
        "makerOrderId": match.maker_order_id,
        "price": wire_amount(match.price),
    }
    return result | _prevented_quantities(match)


def _prevented_quantities(match: PreventedMatch) -> Result:
    result: Result = {}
    if match.taker_quantity is not None:
        result["takerPreventedQuantity"] = wire_amount(match.taker_quantity)
    if match.maker_quantity is not None:
        result["makerPreventedQuantity"] = wire_amount(match.maker_quantity)
    return result


def _time_or_minus_one(time: int | None) -> int:
    return -1 if time is None else milliseconds(time)
