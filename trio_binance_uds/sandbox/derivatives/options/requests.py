"""Does what the routes of the options desk are for: places and cancels orders, and answers an account's questions.

Source: Binance Options Trading, "Trade" and "Account" (2026-05-28).
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.derivatives import entry, refusals
from trio_binance_uds.sandbox.derivatives.operations import Operation, act, ask, by_symbol, table
from trio_binance_uds.sandbox.derivatives.options import answers
from trio_binance_uds.sandbox.derivatives.orders import OrderRequest
from trio_binance_uds.sandbox.derivatives.queries import DAY, FILLS_STAY, is_gone, read_window, since_id
from trio_binance_uds.sandbox.derivatives.records import as_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_binance_uds.sandbox.derivatives.options.accounts import OptionsAccount
    from trio_binance_uds.sandbox.derivatives.options.desk import OptionsDesk
    from trio_binance_uds.sandbox.derivatives.orders import Order
    from trio_binance_uds.sandbox.exchange.parameters import Parameters

HISTORY_DAYS = 5
TIMES_IN_FORCE = ("GTC", "IOC", "FOK", "GTX")
LIMITS = (100, 1000)


def place(desk: OptionsDesk, account: OptionsAccount, p: Parameters) -> dict[str, Any]:
    """``POST order``: acknowledged as NEW, or with ``newOrderRespType=RESULT`` as it is afterwards."""
    contract = desk.contract_of(p)
    side = entry.read_side(p)
    p.need_choice("type", ("LIMIT",), refusals.bad_order_type())
    quantity, price = entry.read_quantity(p, contract), entry.read_price(p, contract)
    time_in_force = p.choice("timeInForce", TIMES_IN_FORCE, refusals.bad_time_in_force()) or "GTC"
    post_only = p.boolean("postOnly", default=False)
    p.boolean("isMmp", default=False)
    response_type = p.choice("newOrderRespType", ("ACK", "RESULT")) or "ACK"
    request = OrderRequest(
        side=side,
        type="LIMIT",
        time_in_force="GTX" if post_only else time_in_force,
        quantity=quantity,
        price=price,
        reduce_only=p.boolean("reduceOnly", default=False),
        client_order_id=entry.read_client_id(p, "clientOrderId"),
        stp_mode=entry.read_stp_mode(p),
    )
    p.finish()
    acknowledged: list[dict[str, Any]] = []

    def acknowledge(order: Order) -> None:
        acknowledged.append(answers.placed(order))

    with desk.step() as step:
        order = desk.engine.submit(step, account, contract, request, acknowledge=acknowledge)
        return acknowledged[0] if response_type == "ACK" else answers.placed(order)


def cancel(desk: OptionsDesk, account: OptionsAccount, p: Parameters) -> dict[str, Any]:
    """``DELETE order``"""
    contract = desk.contract_of(p)
    order_id, client_id = _read_ids(p)
    order = account.records_of(contract.name).find_open(order_id, client_id)
    if order is None:
        raise refusals.unknown_option_order()
    with desk.step() as step:
        desk.engine.cancel(step, order)
    return answers.canceled(order)


def _read_ids(p: Parameters) -> tuple[int | None, str | None]:
    order_id, client_id = p.integer("orderId"), p.text("clientOrderId")
    p.finish()
    if order_id is None and client_id is None:
        raise refusals.mandatory("orderId")
    return order_id, client_id


def cancel_all(desk: OptionsDesk, account: OptionsAccount, p: Parameters) -> dict[str, Any]:
    """``DELETE allOpenOrders``: the orders of a symbol."""
    contract = desk.contract_of(p)
    p.finish()
    with desk.step() as step:
        for order in list(account.records_of(contract.name).open.values()):
            desk.engine.cancel(step, order)
    return {"code": 0, "msg": "success"}


def order(desk: OptionsDesk, account: OptionsAccount, p: Parameters) -> dict[str, Any]:
    """``GET order``"""
    contract = desk.contract_of(p)
    found = account.records_of(contract.name).find(*_read_ids(p))
    if found is None or is_gone(found, desk.time()):
        raise refusals.no_such_option_order()
    return answers.queried(found)


def open_orders(desk: OptionsDesk, account: OptionsAccount, p: Parameters) -> list[dict[str, Any]]:
    """``GET openOrders``"""
    contract = None if p.text("symbol") is None else desk.contract_of(p)
    p.finish()
    records = account.records.values() if contract is None else [account.records_of(contract.name)]
    return [answers.queried(each) for record in records for each in record.open.values()]


def past_orders(desk: OptionsDesk, account: OptionsAccount, p: Parameters) -> list[dict[str, Any]]:
    """``GET historyOrders``: those of a symbol that have ended, from an id on, or by times of placement."""
    contract = desk.contract_of(p)
    first_id = p.integer("orderId")
    window = read_window(desk, p, days=HISTORY_DAYS, stay=HISTORY_DAYS * DAY)
    default, maximum = LIMITS
    limit = p.limit(default=default, maximum=maximum)
    p.finish()
    now, horizon = desk.time(), desk.horizon()
    orders = account.records_of(contract.name).orders
    first = 0
    if first_id is not None:
        window = since_id(desk, stay=HISTORY_DAYS * DAY)
        first = bisect_left(orders, first_id, key=lambda order: order.order_id)

    def has_ended(order: Order) -> bool:
        past = as_of(order, horizon)
        return past is not None and not past.is_open and not is_gone(past, now)

    found = window.chosen(orders, lambda order: order.created, limit, has_ended, since=first)
    return [answers.queried(each) for each in found]


def fills(desk: OptionsDesk, account: OptionsAccount, p: Parameters) -> list[dict[str, Any]]:
    """``GET userTrades``: those of a symbol, from an id on, or by times."""
    contract = desk.contract_of(p)
    from_id = p.integer("fromId")
    window = read_window(desk, p, days=92, stay=FILLS_STAY)
    default, maximum = LIMITS
    limit = p.limit(default=default, maximum=maximum)
    p.finish()
    rows, first = account.records_of(contract.name).fills, 0
    if from_id is not None:
        window = since_id(desk, stay=FILLS_STAY)
        first = bisect_left(rows, from_id, key=answers.fill_id)
    return [answers.traded(fill) for fill in window.of(rows, lambda fill: fill.time, limit, since=first)]


def positions(desk: OptionsDesk, account: OptionsAccount, p: Parameters) -> list[dict[str, Any]]:
    """``GET position``: open positions only."""
    contract = None if p.text("symbol") is None else desk.contract_of(p)
    p.finish()
    past = account.as_of(desk.horizon())
    return [
        answers.position(held) for held in past.positions.values() if held.amount and contract in (None, held.contract)
    ]


def margin_account(desk: OptionsDesk, account: OptionsAccount, p: Parameters) -> dict[str, Any]:
    """``GET marginAccount``"""
    p.finish()
    past = account.as_of(desk.horizon())
    return answers.account(past, list(past.wallets), desk.time())


def exercises(desk: OptionsDesk, account: OptionsAccount, p: Parameters) -> list[dict[str, Any]]:
    """``GET exerciseRecord``"""
    contract = None if p.text("symbol") is None else desk.contract_of(p)
    window = read_window(desk, p, days=92, stay=FILLS_STAY)
    default, maximum = LIMITS
    limit = p.limit(default=default, maximum=maximum)
    p.finish()
    records = desk.exercises_of(account.uid)
    found = window.chosen(
        records, lambda record: record.time, limit, lambda record: contract in (None, record.contract)
    )
    return [answers.exercise(record) for record in found]


def bills(desk: OptionsDesk, account: OptionsAccount, p: Parameters) -> list[dict[str, Any]]:
    """``GET bill``"""
    currency = p.need_text("currency")
    first_id = p.integer("recordId")
    window = read_window(desk, p, days=92, stay=FILLS_STAY)
    default, maximum = LIMITS
    limit = p.limit(default=default, maximum=maximum)
    p.finish()
    rows, first = account.income.rows(), 0
    if first_id is not None:
        window = since_id(desk, stay=FILLS_STAY)
        first = bisect_left(rows, first_id, key=lambda row: row.tran_id)
    found = window.chosen(rows, lambda row: row.time, limit, lambda row: row.asset == currency, since=first)
    return [answers.bill(row) for row in found]


OPTIONS_OPERATIONS: Mapping[tuple[str, str], Operation] = table(
    "/eapi",
    {
        "POST /v1/order": act(place, orders=1),
        "DELETE /v1/order": act(cancel),
        "DELETE /v1/allOpenOrders": act(cancel_all),
        "GET /v1/order": ask(order),
        "GET /v1/openOrders": ask(open_orders, by_symbol(1, 40)),
        "GET /v1/historyOrders": ask(past_orders, 3),
        "GET /v1/userTrades": ask(fills, 5),
        "GET /v1/position": ask(positions, 5),
        "GET /v1/marginAccount": ask(margin_account, 3),
        "GET /v1/exerciseRecord": ask(exercises, 5),
        "GET /v1/bill": ask(bills),
    },
)
