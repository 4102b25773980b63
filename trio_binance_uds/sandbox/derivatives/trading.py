"""Places, modifies and cancels futures orders, plain and conditional: what the trading routes of a desk do.

Source: Binance USD-M and COIN-M Futures, "Trade Endpoints" (2026-05-28).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.derivatives import answers, entry, refusals
from trio_binance_uds.sandbox.derivatives.amounts import milliseconds

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
    from trio_binance_uds.sandbox.derivatives.algos import AlgoOrder
    from trio_binance_uds.sandbox.derivatives.futures import FuturesDesk
    from trio_binance_uds.sandbox.derivatives.orders import Order
    from trio_binance_uds.sandbox.exchange.parameters import Parameters

RESPONSE_TYPES = ("ACK", "RESULT")


def place(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``POST order``: acknowledged as NEW, or with ``newOrderRespType=RESULT`` as it is afterwards."""
    contract = desk.contract_of(p)
    request = entry.read_order(p, account, contract, milliseconds(desk.time()))
    response_type = p.choice("newOrderRespType", RESPONSE_TYPES) or "ACK"
    p.finish()
    acknowledged: list[dict[str, Any]] = []

    def acknowledge(order: Order) -> None:
        acknowledged.append(answers.placed(desk.dialect, order))

    with desk.step() as step:
        order = desk.engine.submit(step, account, contract, request, acknowledge=acknowledge)
        return acknowledged[0] if response_type == "ACK" else answers.placed(desk.dialect, order)


def cancel(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``DELETE order``"""
    order = _open_order(desk, account, p, refusals.cancel_rejected())
    p.finish()
    with desk.step() as step:
        desk.engine.cancel(step, order)
    return answers.placed(desk.dialect, order)


def cancel_all(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``DELETE allOpenOrders``: the plain orders of a symbol."""
    contract = desk.contract_of(p)
    p.finish()
    with desk.step() as step:
        for order in list(account.records_of(contract.name).open.values()):
            desk.engine.cancel(step, order)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def modify(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``PUT order``: price and quantity of a limit order, both of them."""
    order = _open_order(desk, account, p, refusals.no_such_order())
    contract = order.contract
    side = entry.read_side(p)
    quantity = entry.read_quantity(p, contract)
    price = entry.read_limit_price(p, contract, side, entry.read_price_match(p))
    p.choice("positionSide", ("BOTH", "LONG", "SHORT"))
    p.text("origType")
    modify_id = p.text("modifyId")
    p.finish()
    if order.type != "LIMIT":
        raise refusals.only_limit_orders()
    if side != order.side:
        raise refusals.not_valid("side")
    with desk.step() as step:
        desk.engine.modify(step, order, price, quantity, modify_id)
    return answers.placed(desk.dialect, order)


def _open_order(desk: FuturesDesk, account: FuturesAccount, p: Parameters, refusal: refusals.Refusal) -> Order:
    contract = desk.contract_of(p)
    order_id, client_id = p.integer("orderId"), p.text("origClientOrderId")
    if order_id is None and client_id is None:
        raise refusals.mandatory("orderId")
    records = account.records_of(contract.name)
    order = records.by_id.get(order_id) if order_id is not None else account.open_by_client_id.get(client_id or "")
    if order is None or order.contract is not contract or not order.is_open:
        raise refusal
    return order


def place_algo(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``POST algoOrder``"""
    contract = desk.contract_of(p)
    p.need_choice("algoType", ("CONDITIONAL",))
    algo = _place_algo(desk, account, p, entry.ALGO_NAMES, contract.name)
    return answers.algo_placed(algo)


def _place_algo(
    desk: FuturesDesk, account: FuturesAccount, p: Parameters, names: entry.AlgoNames, symbol: str
) -> AlgoOrder:
    contract = desk.contracts[symbol]
    request = entry.read_algo(p, account, contract, milliseconds(desk.time()), names)
    p.choice("newOrderRespType", RESPONSE_TYPES)
    p.finish()
    with desk.step() as step:
        return desk.algos.submit(step, account, contract, request)


def cancel_algo(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``DELETE algoOrder``; needs no symbol."""
    algo = _waiting(account, p, "algoId", "clientAlgoId")
    with desk.step() as step:
        desk.algos.cancel(step, algo)
    return {"algoId": algo.algo_id, "clientAlgoId": algo.client_algo_id, "code": "200", "msg": "success"}


def _waiting(account: FuturesAccount, p: Parameters, id_name: str, client_id_name: str) -> AlgoOrder:
    algo_id, client_id = p.integer(id_name), p.text(client_id_name)
    p.finish()
    if algo_id is None and client_id is None:
        raise refusals.mandatory(id_name)
    algo = account.algos.find(algo_id, client_id)
    if algo is None or not algo.waits:
        raise refusals.cancel_rejected()
    return algo


def cancel_all_algos(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``DELETE algoOpenOrders``: the conditional orders of a symbol that have not gone off."""
    contract = desk.contract_of(p)
    p.finish()
    with desk.step() as step:
        for algo in list(account.algos.open.values()):
            if algo.contract is contract:
                desk.algos.cancel(step, algo)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


def place_strategy(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``POST conditional/order`` of Portfolio Margin."""
    contract = desk.contract_of(p)
    return answers.strategy(_place_algo(desk, account, p, entry.STRATEGY_NAMES, contract.name))


def cancel_strategy(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``DELETE conditional/order`` of Portfolio Margin."""
    contract = desk.contract_of(p)
    algo = _waiting(account, p, "strategyId", "newClientStrategyId")
    if algo.contract is not contract:
        raise refusals.cancel_rejected()
    with desk.step() as step:
        desk.algos.cancel(step, algo)
    return answers.strategy(algo)
