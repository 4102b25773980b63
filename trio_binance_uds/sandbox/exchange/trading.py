"""Executes the methods that place, cancel, replace and amend single orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.exchange import refusals, results
from trio_binance_uds.sandbox.exchange.amounts import milliseconds, wire_amount
from trio_binance_uds.sandbox.exchange.lifecycle import end, has_ended
from trio_binance_uds.sandbox.exchange.order_entry import read_response_type, read_single
from trio_binance_uds.sandbox.exchange.orders import Amendment, Order
from trio_binance_uds.sandbox.exchange.refusals import Refusal

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.exchange.accounts import Account
    from trio_binance_uds.sandbox.exchange.exchange import Exchange
    from trio_binance_uds.sandbox.exchange.parameters import Parameters
    from trio_binance_uds.sandbox.exchange.symbols import Symbol
    from trio_binance_uds.sandbox.exchange.transaction import Transaction

FULL_BY_DEFAULT = ("MARKET", "LIMIT")
RESTRICTIONS = {"ONLY_NEW": "NEW", "ONLY_PARTIALLY_FILLED": "PARTIALLY_FILLED"}


def place(exchange: Exchange, account: Account, p: Parameters) -> dict[str, Any]:
    """``order.place``"""
    symbol = exchange.symbol_of(p)
    request = read_single(p, symbol)
    response_type = read_response_type(p)
    p.finish()
    with exchange.transaction() as tx:
        order = exchange.engine.submit(tx, account, symbol, request)
    return results.placed(order, response_type or _default_response(order))


def test(exchange: Exchange, account: Account, p: Parameters) -> dict[str, Any]:
    """``order.test``: the parameters and the filters are checked, balances and prices are not."""
    symbol = exchange.symbol_of(p)
    read_single(p, symbol)
    read_response_type(p)
    with_rates = p.boolean("computeCommissionRates", default=False)
    p.finish()
    if not with_rates:
        return {}
    nothing = {"maker": "0.00000000", "taker": "0.00000000"}
    return {
        "standardCommissionForOrder": {
            "maker": wire_amount(account.maker_commission),
            "taker": wire_amount(account.taker_commission),
        },
        "specialCommissionForOrder": nothing,
        "taxCommissionForOrder": dict(nothing),
        "discount": results.discount(account),
    }


def cancel(exchange: Exchange, account: Account, p: Parameters) -> dict[str, Any]:
    """``order.cancel``; an order of a list takes the whole list with it."""
    symbol = exchange.symbol_of(p)
    order_id, client_id = p.integer("orderId"), p.text("origClientOrderId")
    new_client_id = p.client_id("newClientOrderId")
    restriction = _read_restriction(p)
    p.finish()
    if order_id is None and client_id is None:
        raise refusals.one_of("origClientOrderId", "orderId")
    order = _to_cancel(account, symbol, order_id, client_id, restriction)
    with exchange.transaction() as tx:
        return cancel_order(exchange, tx, order, new_client_id)


def cancel_all(exchange: Exchange, account: Account, p: Parameters) -> list[dict[str, Any]]:
    """``openOrders.cancelAll``"""
    symbol = exchange.symbol_of(p)
    p.finish()
    orders = list(account.records_of(symbol.name).open.values())
    if not orders:
        raise refusals.cancel_rejected()
    with exchange.transaction() as tx:
        # The legs of a list go together, with the first of them.
        return [cancel_order(exchange, tx, order, None) for order in orders if order.is_open]


def cancel_order(exchange: Exchange, tx: Transaction, order: Order, client_id: str | None) -> dict[str, Any]:
    """Cancel an open order, or the list it belongs to, and return the answer."""
    new_client_id = client_id or exchange.new_client_id()
    order_list = order.order_list
    if order_list is None:
        return results.canceled(order, exchange.engine.cancel(tx, order, new_client_id))
    former = exchange.engine.cancel_list(tx, order_list, new_client_id)
    reports = [results.canceled(leg, former_id) for leg, former_id in former.items()]
    return results.list_state(order_list) | {"orderReports": reports}


def cancel_replace(exchange: Exchange, account: Account, p: Parameters) -> dict[str, Any]:
    """``order.cancelReplace``: two steps, of which the second may fail after the first was done."""
    symbol = exchange.symbol_of(p)
    mode = p.need_choice("cancelReplaceMode", ("STOP_ON_FAILURE", "ALLOW_FAILURE"))
    order_id, client_id = p.integer("cancelOrderId"), p.text("cancelOrigClientOrderId")
    new_client_id = p.client_id("cancelNewClientOrderId")
    restriction = _read_restriction(p)
    p.choice("orderRateLimitExceededMode", ("DO_NOTHING", "CANCEL_ONLY"))  # Limits belong to the front.
    request = read_single(p, symbol)
    response_type = read_response_type(p)
    p.finish()
    if order_id is None and client_id is None:
        raise refusals.one_of("cancelOrigClientOrderId", "cancelOrderId")
    cancel_result = order_result = "SUCCESS"
    cancel_answer: dict[str, Any]
    order_answer: dict[str, Any] | None = None
    with exchange.transaction() as tx:
        try:
            to_cancel = _to_cancel(account, symbol, order_id, client_id, restriction)
        except Refusal as refusal:
            cancel_result, cancel_answer = "FAILURE", _error(refusal)
        else:
            cancel_answer = cancel_order(exchange, tx, to_cancel, new_client_id)
        order: Order | None = None
        if cancel_result == "FAILURE" and mode == "STOP_ON_FAILURE":
            order_result = "NOT_ATTEMPTED"
        else:
            try:
                order = exchange.engine.submit(tx, account, symbol, request)
            except Refusal as refusal:
                order_result, order_answer = "FAILURE", _error(refusal)
                if cancel_result == "SUCCESS" and refusal.code == -2010:
                    exchange.engine.reject(tx, account, symbol, request, refusal)
    if order is not None:
        order_answer = results.placed(order, response_type or _default_response(order))
    answer = {
        "cancelResult": cancel_result,
        "newOrderResult": order_result,
        "cancelResponse": cancel_answer,
        "newOrderResponse": order_answer,
    }
    if cancel_result == order_result == "SUCCESS":
        return answer
    if "SUCCESS" in (cancel_result, order_result):
        raise Refusal(-2021, "Order cancel-replace partially failed.", 409, answer)
    raise Refusal(-2022, "Order cancel-replace failed.", 400, answer)


def amend(exchange: Exchange, account: Account, p: Parameters) -> dict[str, Any]:
    """``order.amend.keepPriority``: make an order smaller without losing its place in the book."""
    symbol = exchange.symbol_of(p)
    order_id, client_id = p.integer("orderId"), p.text("origClientOrderId")
    quantity = p.need_positive("newQty")
    new_client_id = p.client_id("newClientOrderId")
    p.finish()
    if order_id is None and client_id is None:
        raise refusals.one_of("origClientOrderId", "orderId")
    symbol.check_quantity(quantity)
    order = _find_open(account, symbol, order_id, client_id)
    if order is None:
        raise refusals.amend_rejected("Unknown order sent.")
    if order.request.quantity is None and order.status == "PENDING_NEW":
        raise refusals.amend_rejected("Order amend (pending OPO order) is not supported.")
    if quantity == order.quantity:
        raise refusals.amend_rejected("The requested action would change no state; rejecting")
    if quantity > order.quantity:
        raise refusals.amend_rejected("Order amend (quantity increase) is not supported.")
    if account.records_of(symbol.name).open_by_client_id.get(new_client_id or "") not in (None, order):
        raise refusals.amend_rejected("Duplicate order sent.")
    former = order.client_order_id
    order_list = order.order_list
    with exchange.transaction() as tx:
        rivals = [] if order_list is None else order_list.rivals(order)
        for leg in (order, *rivals):
            leg_former, former_quantity = leg.client_order_id, leg.quantity
            leg.quantity = quantity
            account.records_of(symbol.name).rename(
                leg, new_client_id if leg is order and new_client_id else exchange.new_client_id()
            )
            expires = leg.open_quantity <= 0
            if expires:
                end(leg, "EXPIRED")
            execution_id = tx.report(leg, "EXPIRED" if expires else "REPLACED", former_client_order_id=leg_former)
            leg.amendments.append(
                Amendment(
                    execution_id=execution_id,
                    old_client_order_id=leg_former,
                    new_client_order_id=leg.client_order_id,
                    old_quantity=former_quantity,
                    new_quantity=quantity,
                    time=tx.time,
                )
            )
        if order.is_open and order.reservation is not None:
            order.reservation.trim_to(max(leg.needs() for leg in (order, *rivals)))
        if order_list is not None:
            order_list.client_order_ids = [leg.client_order_id for leg in order_list.orders]
            if order.is_open:
                tx.report_list(order_list, "UPDATED")
            else:
                has_ended(tx, order)
    answer: dict[str, Any] = {
        "transactTime": milliseconds(order.updated),
        "executionId": order.amendments[-1].execution_id,
        "amendedOrder": results.amended(order, former),
    }
    if order_list is not None:
        state = results.list_state(order_list)
        answer["listStatus"] = {
            name: value for name, value in state.items() if name not in ("listStatusType", "transactionTime")
        }
    return answer


def _default_response(order: Order) -> str:
    return "FULL" if order.type in FULL_BY_DEFAULT else "ACK"


def _error(refusal: Refusal) -> dict[str, Any]:
    return {"code": refusal.code, "msg": refusal.msg}


def _read_restriction(p: Parameters) -> str | None:
    return p.choice("cancelRestrictions", RESTRICTIONS, Refusal(-1145, "Invalid cancelRestrictions"))


def _find_open(account: Account, symbol: Symbol, order_id: int | None, client_id: str | None) -> Order | None:
    records = account.records_of(symbol.name)
    if order_id is None:
        return records.open_by_client_id.get(client_id or "")
    order = records.open.get(order_id)
    return None if order is None or client_id not in (None, order.client_order_id) else order


def _to_cancel(
    account: Account, symbol: Symbol, order_id: int | None, client_id: str | None, restriction: str | None
) -> Order:
    order = _find_open(account, symbol, order_id, client_id)
    if order is None:
        raise refusals.cancel_rejected()
    if restriction is not None and order.status != RESTRICTIONS[restriction]:
        raise refusals.cancel_rejected("Order was not canceled due to cancel restrictions.")
    return order
