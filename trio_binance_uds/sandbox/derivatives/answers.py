"""Writes the answers of a futures desk as Binance does; the dialect says which members a product has.

Source: Binance USD-M Futures, COIN-M Futures and Portfolio Margin, "Account Endpoints" and "Trade Endpoints"
(2026-05-28), with the change logs up to 2026-08.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.derivatives.amounts import ZERO, milliseconds, plain, wire_amount
from trio_binance_uds.sandbox.derivatives.dialects import pick
from trio_binance_uds.sandbox.derivatives.events import price_shown

if TYPE_CHECKING:
    from decimal import Decimal

    from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
    from trio_binance_uds.sandbox.derivatives.algos import AlgoOrder
    from trio_binance_uds.sandbox.derivatives.dialects import Dialect
    from trio_binance_uds.sandbox.derivatives.orders import Amendment, Fill, Order
    from trio_binance_uds.sandbox.derivatives.positions import Position, Wallet
    from trio_binance_uds.sandbox.derivatives.records import Income

Answer = dict[str, Any]


def _order(order: Order) -> Answer:
    request, contract, algo = order.request, order.contract, order.algo
    # The venue's own orders are limit orders to those who ask.
    order_type = "LIMIT" if request.type == "LIQUIDATION" else request.type
    inverse = contract.contract_size is not None
    quote = order.executed * contract.contract_size if contract.contract_size else order.executed_value
    answer: Answer = {
        "symbol": contract.name,
        "pair": contract.pair,
        "orderId": order.order_id,
        "clientOrderId": order.client_order_id,
        "status": order.status,
        "price": plain(order.price),
        "avgPrice": format(order.average_price, ".5f"),
        "origQty": plain(order.quantity),
        "executedQty": plain(order.executed),
        "cumQty": plain(order.executed),
        "cumQuote": plain(quote),
        "cumBase": plain(order.executed_value if inverse else order.executed),
        "timeInForce": request.time_in_force,
        "type": order_type,
        "origType": order_type if algo is None else algo.request.type,
        "side": request.side,
        "positionSide": request.position_side,
        "reduceOnly": request.reduce_only,
        "closePosition": request.close_position,
        "stopPrice": "0" if algo is None else plain(algo.request.trigger_price),
        "workingType": request.working_type,
        "priceProtect": request.price_protect,
        "priceMatch": request.price_match,
        "selfTradePreventionMode": request.stp_mode,
        "goodTillDate": request.good_till,
        "time": milliseconds(order.created),
        "updateTime": milliseconds(order.updated),
    }
    if algo is not None and algo.trails:
        answer |= {
            "activatePrice": plain(algo.request.activation_price),
            "priceRate": plain(algo.request.callback_rate or ZERO),
        }
    return answer


def placed(dialect: Dialect, order: Order) -> Answer:
    """The answer to a placement, a modification and a cancellation."""
    return pick(_order(order), dialect.placed)


def queried(dialect: Dialect, order: Order) -> Answer:
    """An order as the queries for open and single ones tell it."""
    return pick(_order(order), dialect.order)


def past(dialect: Dialect, order: Order) -> Answer:
    """An order as ``allOrders`` lists it."""
    return pick(_order(order), dialect.past_order)


def forced(dialect: Dialect, order: Order) -> Answer:
    """A liquidation as ``forceOrders`` lists it."""
    return pick(_order(order), dialect.forced)


def traded(dialect: Dialect, fill: Fill) -> Answer:
    """A fill as ``userTrades`` lists it."""
    order, contract = fill.order, fill.order.contract
    answer = {
        "symbol": contract.name,
        "pair": contract.pair,
        "id": fill.id,
        "orderId": order.order_id,
        "side": order.side,
        "positionSide": order.request.position_side,
        "price": plain(fill.price),
        "qty": plain(fill.quantity),
        "quoteQty": plain(contract.quote_quantity(fill.price, fill.quantity)),
        "baseQty": plain(contract.base_quantity(fill.price, fill.quantity)),
        "realizedPnl": wire_amount(fill.realized),
        "marginAsset": contract.margin_asset,
        "commission": wire_amount(fill.commission),
        "commissionAsset": contract.margin_asset,
        "time": milliseconds(fill.time),
        "buyer": order.is_buy,
        "maker": fill.is_maker,
    }
    return pick(answer, dialect.trade)


def income(dialect: Dialect, row: Income) -> Answer:
    """A movement of money as ``income`` lists it."""
    return {
        "symbol": row.symbol,
        "incomeType": row.kind,
        "income": wire_amount(row.amount),
        "asset": row.asset,
        "info": row.kind if dialect.tells_info else "",
        "time": milliseconds(row.time),
        "tranId": str(row.tran_id) if dialect.text_tran_id else row.tran_id,
        "tradeId": "" if row.trade_id is None else str(row.trade_id),
    }


def amendment(order: Order, change: Amendment) -> Answer:
    """A modification as ``orderAmendment`` lists it."""
    return {
        "amendmentId": change.id,
        "symbol": order.contract.name,
        "pair": order.contract.pair,
        "orderId": order.order_id,
        "clientOrderId": order.client_order_id,
        "time": milliseconds(change.time),
        "amendment": {
            "price": {"before": plain(change.old_price), "after": plain(change.price)},
            "origQty": {"before": plain(change.old_quantity), "after": plain(change.quantity)},
            "count": change.count,
        },
    }


def algo_placed(algo: AlgoOrder) -> Answer:
    """A conditional order as the answer to its placement tells it."""
    request = algo.request
    return {
        "algoId": algo.algo_id,
        "clientAlgoId": algo.client_algo_id,
        "algoType": "CONDITIONAL",
        "orderType": request.type,
        "symbol": algo.contract.name,
        "side": request.side,
        "positionSide": request.position_side,
        "timeInForce": request.time_in_force,
        "quantity": plain(request.quantity),
        "algoStatus": algo.status,
        "triggerPrice": plain(request.trigger_price),
        "price": plain(request.price),
        "icebergQuantity": None,
        "selfTradePreventionMode": request.stp_mode,
        "workingType": request.working_type,
        "priceMatch": request.price_match,
        "closePosition": request.close_position,
        "priceProtect": request.price_protect,
        "reduceOnly": request.reduce_only,
        "activatePrice": plain(request.activation_price) if algo.trails else "",
        "callbackRate": "" if request.callback_rate is None else plain(request.callback_rate),
        "createTime": milliseconds(algo.created),
        "updateTime": milliseconds(algo.updated),
        "triggerTime": 0 if algo.triggered is None else milliseconds(algo.triggered),
        "goodTillDate": request.good_till,
    }


def algo_queried(algo: AlgoOrder) -> Answer:
    """A conditional order as the queries tell it."""
    answer = algo_placed(algo)
    if not algo.trails:
        del answer["activatePrice"], answer["callbackRate"]
    order = algo.order
    return answer | {
        "actualOrderId": "" if order is None else str(order.order_id),
        "actualPrice": "0.00000" if order is None else format(order.average_price, ".5f"),
        "tpTriggerPrice": "0.000",
        "tpPrice": "0.000",
        "slTriggerPrice": "0.000",
        "slPrice": "0.000",
        "tpOrderType": "",
    }


def strategy(algo: AlgoOrder) -> Answer:
    """A conditional order as the strategy routes of Portfolio Margin tell it."""
    request = algo.request
    answer: Answer = {
        "newClientStrategyId": algo.client_algo_id,
        "strategyId": algo.algo_id,
        "strategyStatus": {"TRIGGERING": "TRIGGERED", "REJECTED": "EXPIRED"}.get(algo.status, algo.status),
        "strategyType": request.type,
        "origQty": plain(request.quantity),
        "price": plain(request.price),
        "reduceOnly": request.reduce_only,
        "side": request.side,
        "positionSide": request.position_side,
        "stopPrice": plain(request.trigger_price),
        "symbol": algo.contract.name,
        "bookTime": milliseconds(algo.created),
        "updateTime": milliseconds(algo.updated),
        "timeInForce": request.time_in_force,
    }
    if algo.order is not None:
        answer |= {"orderId": algo.order.order_id, "status": algo.order.status}
    if algo.trails:
        answer |= {
            "activatePrice": plain(request.activation_price),
            "priceRate": plain(request.callback_rate or ZERO),
        }
    return answer


def balance(dialect: Dialect, account: FuturesAccount, wallet: Wallet) -> Answer:
    """A wallet as ``balance`` lists it."""
    asset = wallet.asset
    answer = {
        "accountAlias": account.alias,
        "asset": asset,
        "balance": wire_amount(wallet.balance),
        "crossWalletBalance": wire_amount(account.cross_wallet(asset)),
        "crossUnPnl": wire_amount(account.cross_profit(asset)),
        "availableBalance": wire_amount(max(ZERO, account.available(asset))),
        "maxWithdrawAmount": wire_amount(account.withdrawable(asset)),
        "withdrawAvailable": wire_amount(account.withdrawable(asset)),
        "marginAvailable": True,
        "updateTime": milliseconds(wallet.updated),
    }
    return pick(answer, dialect.balance)


def sums(account: FuturesAccount, asset: str) -> dict[str, Decimal]:
    """Return what the positions of one margin asset add up to."""
    positions = list(account.margined_in(asset))
    position_margin = sum((position.initial_margin for position in positions), ZERO)
    order_margin = sum((position.order_margin for position in positions), ZERO)
    profit = sum((position.profit for position in positions), ZERO)
    return {
        "unrealizedProfit": profit,
        "marginBalance": account.balance(asset) + profit,
        "maintMargin": sum((position.maintenance_margin for position in positions), ZERO),
        "initialMargin": position_margin + order_margin,
        "positionInitialMargin": position_margin,
        "openOrderInitialMargin": order_margin,
    }


def asset(account: FuturesAccount, wallet: Wallet) -> Answer:
    """A wallet as ``account`` lists it."""
    name = wallet.asset
    return {
        "asset": name,
        "walletBalance": wire_amount(wallet.balance),
        **{member: wire_amount(amount) for member, amount in sums(account, name).items()},
        "crossWalletBalance": wire_amount(account.cross_wallet(name)),
        "crossUnPnl": wire_amount(account.cross_profit(name)),
        "availableBalance": wire_amount(max(ZERO, account.available(name))),
        "maxWithdrawAmount": wire_amount(account.withdrawable(name)),
        "marginAvailable": True,
        "updateTime": milliseconds(wallet.updated),
    }


def totals(account: FuturesAccount, assets: list[str]) -> Answer:
    """The members of ``account`` that begin with ``total``: of one asset, or of all that count as dollars."""
    each = [sums(account, name) for name in assets]

    def total(member: str) -> Decimal:
        return sum((one[member] for one in each), ZERO)

    names = {
        "totalInitialMargin": "initialMargin",
        "totalMaintMargin": "maintMargin",
        "totalUnrealizedProfit": "unrealizedProfit",
        "totalMarginBalance": "marginBalance",
        "totalPositionInitialMargin": "positionInitialMargin",
        "totalOpenOrderInitialMargin": "openOrderInitialMargin",
    }
    available = account.available(assets[0]) if assets else ZERO
    return {name: wire_amount(total(member)) for name, member in names.items()} | {
        "totalWalletBalance": wire_amount(sum((account.balance(name) for name in assets), ZERO)),
        "totalCrossWalletBalance": wire_amount(sum((account.cross_wallet(name) for name in assets), ZERO)),
        "totalCrossUnPnl": wire_amount(sum((account.cross_profit(name) for name in assets), ZERO)),
        "availableBalance": wire_amount(max(ZERO, available)),
        "maxWithdrawAmount": wire_amount(sum((account.withdrawable(name) for name in assets), ZERO)),
    }


def position(account: FuturesAccount, held: Position) -> Answer:
    """A position with every member that any query has."""
    contract = held.contract
    return {
        "symbol": contract.name,
        "positionSide": held.side,
        "positionAmt": plain(held.amount),
        "entryPrice": price_shown(held.entry_price),
        "breakEvenPrice": price_shown(held.break_even_price),
        "markPrice": wire_amount(contract.mark or ZERO),
        "unRealizedProfit": wire_amount(held.profit),
        "unrealizedProfit": wire_amount(held.profit),
        "liquidationPrice": price_shown(_liquidation_price(account, held)),
        "leverage": str(held.leverage),
        "maxNotionalValue": str(contract.max_notional),
        "maxNotional": str(contract.max_notional),
        "maxQty": plain(contract.max_quantity),
        "marginType": "isolated" if held.isolated else "cross",
        "isolated": held.isolated,
        "isolatedMargin": wire_amount(held.isolated_wallet + held.profit if held.isolated else ZERO),
        "isolatedWallet": wire_amount(held.isolated_wallet),
        "isAutoAddMargin": "false",
        "notional": wire_amount(held.notional),
        "notionalValue": wire_amount(held.notional),
        "marginAsset": contract.margin_asset,
        "initialMargin": wire_amount(held.initial_margin + held.order_margin),
        "maintMargin": wire_amount(held.maintenance_margin),
        "positionInitialMargin": wire_amount(held.initial_margin),
        "openOrderInitialMargin": wire_amount(held.order_margin),
        "adl": 0,
        "bidNotional": plain(held.bids),
        "askNotional": plain(held.asks),
        "updateTime": milliseconds(held.updated),
    }


def _liquidation_price(account: FuturesAccount, held: Position) -> Decimal:
    """Return the mark price at which what backs a position is just its maintenance margin; 0 where there is none."""
    contract = held.contract
    if not held.amount:
        return ZERO
    backing = held.isolated_wallet
    if not held.isolated:
        others = [each for each in account.margined_in(contract.margin_asset) if each is not held and not each.isolated]
        backing = account.cross_wallet(contract.margin_asset)
        backing += sum((each.profit - each.maintenance_margin for each in others), ZERO)
    worth = (held.cost - backing) / (contract.direction * held.sign - contract.maintenance_rate)
    return contract.price_of(worth, held.size) if worth > 0 else ZERO
