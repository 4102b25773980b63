"""Answers an account's questions about itself: orders, fills, positions, balances, and their history.

History is listed oldest first. Without times it is that of the last seven days, and a window may be no longer; orders
that ended unfilled are gone after three days, everything after ninety. What Binance answers from its database is
answered as of ``FuturesDesk.lag`` ago. ``allOrders`` goes by the times of placement, as ids do.

Source: Binance USD-M and COIN-M Futures, "Trade Endpoints" and "Account Endpoints" (2026-05-28), with the change logs
up to 2026-08-26.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.derivatives import answers, refusals
from trio_binance_uds.sandbox.derivatives.records import Window, as_of

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
    from trio_binance_uds.sandbox.derivatives.algos import AlgoOrder
    from trio_binance_uds.sandbox.derivatives.contracts import Contract
    from trio_binance_uds.sandbox.derivatives.core import DeskCore
    from trio_binance_uds.sandbox.derivatives.futures import FuturesDesk
    from trio_binance_uds.sandbox.derivatives.orders import Fill, Order
    from trio_binance_uds.sandbox.exchange.parameters import Parameters

DAY = 86_400_000_000
UNFILLED_STAY = 3 * DAY
ORDERS_STAY = 90 * DAY
FILLS_STAY = 92 * DAY
"""Three months."""
INCOME_LIMIT = (100, 1000)
FORCED_LIMIT = (50, 100)


def read_window(desk: DeskCore[Any, Any], p: Parameters, *, days: int, stay: int) -> Window:
    """Read ``startTime`` and ``endTime``: ``days`` a window may have, ``stay`` is how long things are kept."""
    start, end = p.time("startTime"), p.time("endTime", ends=True)
    now = desk.time()
    newest = start is None
    if start is not None and end is not None:
        if start > end:
            raise refusals.starts_after_end()
        if end - start > days * DAY + 999:
            raise refusals.window_too_long(days * 24)
    if start is None:
        start = (now if end is None else end) - min(days, 7) * DAY
    if end is None:
        end = start + days * DAY
    horizon = desk.horizon()
    return Window(start=max(start, now - stay), end=end if horizon is None else min(end, horizon), newest=newest)


def since_id(desk: DeskCore[Any, Any], *, stay: int) -> Window:
    """Return the window of a query that goes by ids: all that is kept, the oldest first."""
    now, horizon = desk.time(), desk.horizon()
    return Window(start=now - stay, end=now if horizon is None else horizon, newest=False)


def read_limit(p: Parameters, bounds: tuple[int, int]) -> int:
    default, maximum = bounds
    return p.limit(default=default, maximum=maximum)


def _selected(desk: FuturesDesk, p: Parameters, *, required: bool = False) -> list[Contract] | None:
    """Read ``symbol`` and, where the product knows it, ``pair``; ``None``: all."""
    symbol = p.text("symbol")
    pair = p.text("pair") if desk.dialect.pairs else None
    if symbol is not None and pair is not None:
        raise refusals.bad_combination()
    if symbol is not None:
        return [desk.contract(symbol)]
    if pair is not None:
        found = [contract for contract in desk.contracts.values() if contract.pair == pair]
        if not found:
            raise refusals.bad_symbol()
        return found
    if required:
        raise refusals.mandatory("symbol")
    return None


# --- orders ---


def order(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``GET order``"""
    return answers.queried(desk.dialect, _find(desk, account, p))


def open_order(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``GET openOrder``: the same, of open orders only."""
    found = _find(desk, account, p)
    if not found.is_open:
        raise refusals.no_such_order()
    return answers.queried(desk.dialect, found)


def _find(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> Order:
    contract = desk.contract_of(p)
    order_id, client_id = p.integer("orderId"), p.text("origClientOrderId")
    p.finish()
    if order_id is None and client_id is None:
        raise refusals.mandatory("orderId")
    found = account.records_of(contract.name).find(order_id, client_id)
    if found is None or is_gone(found, desk.time()):
        raise refusals.no_such_order()
    return found


def is_gone(order: Order, now: int) -> bool:
    """Tell whether an order has left the store, which depends on when it was placed."""
    age = now - order.created
    return age > ORDERS_STAY or (age > UNFILLED_STAY and not order.is_open and not order.executed)


def open_orders(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> list[dict[str, Any]]:
    """``GET openOrders``: plain orders only."""
    contracts = _selected(desk, p)
    p.finish()
    records = account.records.values() if contracts is None else [account.records_of(each.name) for each in contracts]
    return [answers.queried(desk.dialect, each) for record in records for each in record.open.values()]


def all_orders(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> list[dict[str, Any]]:
    """``GET allOrders``: from an id on, or by times of placement."""
    contracts = _selected(desk, p, required=desk.dialect.pairs) or list(desk.contracts.values())
    first_id = p.integer("orderId")
    window = read_window(desk, p, days=7, stay=ORDERS_STAY)
    limit = read_limit(p, desk.dialect.order_limit)
    p.finish()
    if first_id is not None:
        if len(contracts) > 1:
            raise refusals.bad_combination()
        window = since_id(desk, stay=ORDERS_STAY)
    now, horizon = desk.time(), desk.horizon()
    found: list[Order] = []
    for contract in contracts:
        orders = account.records_of(contract.name).orders
        first = 0 if first_id is None else bisect_left(orders, first_id, key=lambda order: order.order_id)
        found += window.chosen(
            orders, lambda order: order.created, limit, lambda order: not is_gone(order, now), since=first
        )
    found.sort(key=lambda order: (order.created, order.order_id))
    chosen = found[-limit:] if window.newest else found[:limit]
    known = (as_of(each, horizon) for each in chosen)
    return [answers.past(desk.dialect, each) for each in known if each is not None]


def amendments(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> list[dict[str, Any]]:
    """``GET orderAmendment``: newest first."""
    contract = desk.contract_of(p)
    order_id, client_id = p.integer("orderId"), p.text("origClientOrderId")
    window = read_window(desk, p, days=92, stay=FILLS_STAY)
    limit = read_limit(p, FORCED_LIMIT)
    p.finish()
    if order_id is None and client_id is None:
        raise refusals.mandatory("orderId")
    found = account.records_of(contract.name).find(order_id, client_id)
    if found is None:
        return []
    changes = window.of(found.amendments, lambda change: change.time, limit)
    return [answers.amendment(found, change) for change in reversed(changes)]


def forced_orders(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> list[dict[str, Any]]:
    """``GET forceOrders``: liquidations; nothing is ever deleveraged here."""
    contracts = None if p.text("symbol") is None else [desk.contract_of(p)]
    kind = p.choice("autoCloseType", ("LIQUIDATION", "ADL"))
    window = read_window(desk, p, days=7, stay=ORDERS_STAY)
    limit = read_limit(p, FORCED_LIMIT)
    p.finish()
    wanted = kind != "ADL"
    found = window.chosen(
        account.forced,
        lambda order: order.created,
        limit,
        lambda order: wanted and (contracts is None or order.contract in contracts),
    )
    return [answers.forced(desk.dialect, each) for each in found]


# --- conditional orders ---


def algo(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``GET algoOrder``; needs no symbol."""
    return answers.algo_queried(_find_algo(desk, account, p, "algoId", "clientAlgoId"))


def _find_algo(desk: FuturesDesk, account: FuturesAccount, p: Parameters, *names: str) -> AlgoOrder:
    algo_id, client_id = p.integer(names[0]), p.text(names[1])
    p.finish()
    if algo_id is None and client_id is None:
        raise refusals.mandatory(names[0])
    found = account.algos.find(algo_id, client_id)
    if found is None or _is_algo_gone(found, desk.time()):
        raise refusals.no_such_order()
    return found


def _is_algo_gone(algo: AlgoOrder, now: int) -> bool:
    age = now - algo.created
    return age > ORDERS_STAY or (age > UNFILLED_STAY and not algo.is_open and algo.order is None)


def open_algos(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> list[dict[str, Any]]:
    """``GET openAlgoOrders``"""
    p.choice("algoType", ("CONDITIONAL",))
    algo_id = p.integer("algoId")
    contract = None if p.text("symbol") is None else desk.contract_of(p)
    p.finish()
    return [
        answers.algo_queried(each)
        for each in account.algos.open.values()
        if contract in (None, each.contract) and algo_id in (None, each.algo_id)
    ]


def all_algos(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> list[dict[str, Any]]:
    """``GET allAlgoOrders``: by times of placement, or from an id on."""
    return [answers.algo_queried(each) for each in _all_algos(desk, account, p, "algoId")]


def _all_algos(desk: FuturesDesk, account: FuturesAccount, p: Parameters, id_name: str) -> list[AlgoOrder]:
    contract = desk.contract_of(p)
    first_id = p.integer(id_name)
    window = read_window(desk, p, days=7, stay=ORDERS_STAY)
    limit = p.limit(default=500, maximum=1000)
    p.finish()
    now, horizon = desk.time(), desk.horizon()
    algos = account.algos.orders_of.get(contract.name, [])
    first = 0
    if first_id is not None:
        window = since_id(desk, stay=ORDERS_STAY)
        first = bisect_left(algos, first_id, key=lambda algo: algo.algo_id)
    found = window.chosen(
        algos, lambda algo: algo.created, limit, lambda algo: not _is_algo_gone(algo, now), since=first
    )
    known = (as_of(each, horizon) for each in found)
    return [each for each in known if each is not None]


def strategy(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``GET conditional/orderHistory`` of Portfolio Margin."""
    desk.contract_of(p)
    return answers.strategy(_find_algo(desk, account, p, "strategyId", "newClientStrategyId"))


def open_strategy(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``GET conditional/openOrder`` of Portfolio Margin: the same, of those that have not gone off only."""
    desk.contract_of(p)
    found = _find_algo(desk, account, p, "strategyId", "newClientStrategyId")
    if not found.waits:
        raise refusals.no_such_order()
    return answers.strategy(found)


def open_strategies(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> list[dict[str, Any]]:
    """``GET conditional/openOrders`` of Portfolio Margin."""
    contract = None if p.text("symbol") is None else desk.contract_of(p)
    p.finish()
    return [answers.strategy(each) for each in account.algos.open.values() if contract in (None, each.contract)]


def all_strategies(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> list[dict[str, Any]]:
    """``GET conditional/allOrders`` of Portfolio Margin."""
    return [answers.strategy(each) for each in _all_algos(desk, account, p, "strategyId")]


# --- fills and income ---


def fills(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> list[dict[str, Any]]:
    """``GET userTrades``: from an id on, or by times."""
    contracts = _selected(desk, p, required=True) or []
    timed = p.text("startTime") is not None or p.text("endTime") is not None
    order_id, from_id = p.integer("orderId"), p.integer("fromId")
    window = read_window(desk, p, days=desk.dialect.trade_days, stay=FILLS_STAY)
    limit = read_limit(p, desk.dialect.trade_limit)
    p.finish()
    by_id = from_id is not None
    if (by_id and (timed or len(contracts) > 1)) or (order_id is not None and p.text("symbol") is None):
        raise refusals.bad_combination()
    if by_id or (order_id is not None and not timed):
        window = since_id(desk, stay=FILLS_STAY)
    found: list[Fill] = []
    for contract in contracts:
        records = account.records_of(contract.name)
        rows = records.fills if order_id is None else records.fills_of.get(order_id, [])
        first = 0 if from_id is None else bisect_left(rows, from_id, key=lambda fill: fill.id)
        found += window.of(rows, lambda fill: fill.time, limit, since=first)
    found.sort(key=lambda fill: fill.time)
    chosen = found[-limit:] if window.newest else found[:limit]
    return [answers.traded(desk.dialect, each) for each in chosen]


def income(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> list[dict[str, Any]]:
    """``GET income``"""
    symbol = p.text("symbol")
    if symbol is not None:
        desk.contract(symbol)
    kind = p.text("incomeType")
    window = read_window(desk, p, days=desk.dialect.income_days, stay=desk.dialect.income_days * DAY)
    limit = read_limit(p, INCOME_LIMIT)
    p.finish()
    rows = window.of(account.income.rows(symbol, kind), lambda row: row.time, limit)
    return [answers.income(desk.dialect, row) for row in rows]
