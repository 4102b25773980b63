"""Shows what happens to orders, of whichever product and kind, as the cells of one line with the same columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import attrs

from trio_binance_uds import (
    AlgoUpdate,
    ConditionalOrderTradeUpdate,
    ConditionalOrderTriggerReject,
    ExecutionReport,
    FuturesExpiryReason,
    GridUpdate,
    ListStatus,
    OptionsOrderTradeUpdate,
    OrderReport,
    OrderTradeUpdate,
    PortfolioMarginExecutionReport,
    StrategyUpdate,
    TradeLite,
)
from trio_binance_uds.cli.columns import Cell, kind, name, unit
from trio_binance_uds.cli.plain import NOT_SAID, printable, short, signed, tail, word, words

_SIDES = {"BUY": "bold green", "SELL": "bold red"}
_STATUSES = {
    "NEW": ("NEW", "cyan"),
    "ACCEPTED": ("ACCEPTED", "cyan"),
    "PENDING_NEW": ("PENDING", "cyan"),
    "PARTIALLY_FILLED": ("PARTIAL", "yellow"),
    "FILLED": ("FILLED", "bold green"),
    "CANCELED": ("CANCELED", "magenta"),
    "PENDING_CANCEL": ("CANCELING", "magenta"),
    "REJECTED": ("REJECTED", "bold red"),
    "EXPIRED": ("EXPIRED", "red"),
    "EXPIRED_IN_MATCH": ("EXPIRED", "red"),
    "TRIGGERING": ("TRIGGERS", "yellow"),
    "TRIGGERED": ("TRIGGERED", "yellow"),
    "FINISHED": ("FINISHED", "bold green"),
}
_TYPES = {
    "STOP_LOSS": "STOP",
    "STOP_LOSS_LIMIT": "STOP LIMIT",
    "TAKE_PROFIT": "TAKE",
    "TAKE_PROFIT_LIMIT": "TAKE LIMIT",
    "LIMIT_MAKER": "LIMIT MAKER",
}
# On futures the bare words are limit orders.
_FUTURES_TYPES = {
    "STOP": "STOP LIMIT",
    "STOP_MARKET": "STOP",
    "TAKE_PROFIT": "TAKE LIMIT",
    "TAKE_PROFIT_MARKET": "TAKE",
    "TRAILING_STOP_MARKET": "TRAILING",
}
_ZERO = Decimal(0)
_FUTURES_WIDTH = 11
_OPTIONS_WIDTH = 19


@attrs.frozen(kw_only=True)
class _Order:
    """An order and what has just happened to it, in words that all products share.

    Attributes:
        word: the kind of line; a fill is one in any case.
        filled: what is filled of the quantity, as text.
        fill: quantity and price of a fill; ``None``: it is none.
        fee: a commission as text.
        profit: what a fill has realised.
        reason: why it has ended, or what else there is to say.
        wallet: the part of a Portfolio Margin account.
        width: that of the column of symbols.
    """

    word: str = "order"
    symbol: str
    side: str
    type: str | None
    status: str
    filled: str
    price: Decimal | None
    trigger: Decimal | None = _ZERO
    order_id: int | str
    fill: tuple[Decimal, Decimal] | None = None
    fee: str = ""
    profit: Decimal | None = _ZERO
    reason: str = ""
    position_side: str | None = "BOTH"
    client_id: str | None
    wallet: str = ""
    width: int = 9


def _cells(order: _Order) -> list[Cell]:
    is_fill = order.fill is not None
    status, style = _STATUSES.get(order.status, (printable(order.status), "bold"))
    cells = [
        kind("fill", "bold") if is_fill and order.word == "order" else kind(order.word, "dim"),
        *unit(order.wallet),
        name(order.symbol, order.width),
        Cell(printable(order.side), _SIDES.get(order.side, ""), 4),
        Cell(printable(order.type), "", 11, needs=114),
        Cell(status, style, 9),
        Cell(order.filled, "bold" if is_fill else "", 11, right=True),
        Cell(_price(order.price, order.trigger), "", 10, spare=3),
        Cell(tail(str(order.order_id), 7), "dim", 7, needs=100),
    ]
    if order.position_side not in ("BOTH", None):
        cells.append(Cell(printable(order.position_side).lower(), "dim", spare=5))
    if order.fill is not None:
        quantity, price = order.fill
        cells.append(Cell(f"+{short(quantity)} @ {short(price)}", "bold", spare=2))
    if order.fee:
        cells.append(Cell(order.fee, "dim", spare=6))
    if order.profit:
        cells.append(Cell(f"profit {signed(order.profit)}", "bold red" if order.profit < 0 else "bold green", spare=4))
    if order.reason:
        cells.append(Cell(order.reason, style, spare=2))
    cells.append(Cell(tail(order.client_id or "", 12), "dim", spare=7))
    return cells


def _price(price: Decimal | None, trigger: Decimal | None) -> str:
    limit = f"@ {short(price)}" if price else ""
    return f"{limit} if {short(trigger)}".strip() if trigger else limit


def _of(done: Decimal, quantity: Decimal) -> str:
    return f"{short(done)}/{short(quantity)}"


def _fee(amount: Decimal | None, asset: str | None) -> str:
    return "" if asset is None or amount is None else f"fee {short(amount)} {printable(asset)}"


# Spot and margin


def _execution_report(report: ExecutionReport, wallet: str = "") -> list[Cell]:
    is_trade = report.execution_type == "TRADE"
    # Once it has been triggered an order works like any other.
    waits = report.stop_price and not report.is_on_book and not report.cumulative_filled_quantity
    return _cells(
        _Order(
            symbol=report.symbol,
            side=word(report.side),
            type=_TYPES.get(word(report.order_type), word(report.order_type) or None),
            status=word(report.order_status),
            filled=_of(report.cumulative_filled_quantity, report.order_quantity),
            price=report.order_price,
            trigger=report.stop_price if waits else _ZERO,
            order_id=report.order_id,
            fill=(report.last_executed_quantity, report.last_executed_price) if is_trade else None,
            fee=_fee(report.commission_amount, report.commission_asset) if is_trade else "",
            reason="" if is_trade else _reason(report),
            client_id=report.placed_client_order_id or report.client_order_id,
            wallet=wallet,
            width=_FUTURES_WIDTH if wallet else 9,
        )
    )


def _portfolio_margin_report(report: PortfolioMarginExecutionReport) -> list[Cell]:
    return _execution_report(report, wallet="margin")


def _reason(report: ExecutionReport) -> str:
    for reason in (report.reject_reason, report.expiry_reason):
        if reason not in (None, "NONE"):
            return words(str(reason))
    return ""


def _order_list(event: ListStatus) -> list[Cell]:
    ids = " ".join(tail(str(order.order_id), 7) for order in event.orders)
    return [
        kind("list", "dim"),
        name(event.symbol),
        Cell(printable(event.contingency_type), "bold", 4),
        Cell(f"#{event.order_list_id}", "dim", 11, needs=114),
        Cell(printable(event.list_order_status).replace("_", " "), "cyan", 9),
        Cell(f"of {ids}", "dim", spare=4),
    ]


# Futures and options


def _order_trade_update(report: OrderTradeUpdate) -> list[Cell]:
    is_fill = report.fill_key is not None
    return _cells(
        _Order(
            symbol=report.symbol,
            side=word(report.side),
            type=_FUTURES_TYPES.get(word(report.order_type), word(report.order_type) or None),
            status=word(report.order_status),
            filled=_of(report.filled_accumulated_quantity, report.original_quantity),
            price=report.original_price,
            order_id=report.order_id,
            fill=(report.last_filled_quantity, report.last_filled_price) if is_fill else None,
            fee=_fee(report.commission, report.commission_asset) if is_fill else "",
            profit=report.realized_profit,
            reason=_futures_reason(report),
            position_side=word(report.position_side) or None,
            client_id=report.client_order_id,
            wallet=str(getattr(report, "business_unit", None) or ""),
            width=_FUTURES_WIDTH,
        )
    )


def _futures_reason(report: OrderTradeUpdate) -> str:
    if report.execution_type == "AMENDMENT":
        return "modified"
    if report.execution_type == "CALCULATED":
        return "liquidation"
    reason = report.expiry_reason
    if reason in (None, FuturesExpiryReason.NONE):
        return ""
    return words(reason.name if isinstance(reason, FuturesExpiryReason) else f"reason {reason}")


def _trade_lite(event: TradeLite) -> list[Cell]:
    return _cells(
        _Order(
            word="lite",
            symbol=event.symbol,
            side=word(event.side),
            type="",
            status="",
            filled=f"of {short(event.original_quantity)}",
            price=event.original_price,
            order_id=event.order_id,
            fill=(event.last_filled_quantity, event.last_filled_price),
            client_id=event.client_order_id,
            width=_FUTURES_WIDTH,
        )
    )


def _algo(event: AlgoUpdate) -> list[Cell]:
    done = event.executed_quantity or _ZERO
    born = "" if event.order_id is None else f"is order {tail(str(event.order_id), 7)}"
    return _cells(
        _Order(
            word="algo",
            symbol=event.symbol,
            side=word(event.side),
            type=_FUTURES_TYPES.get(word(event.order_type), word(event.order_type) or None),
            status=word(event.algo_status),
            filled=_of(done, event.quantity) if event.quantity else "all",
            price=event.price,
            trigger=event.trigger_price,
            order_id=event.algo_id,
            reason=printable(event.failed_reason or born),
            position_side=word(event.position_side) or None,
            client_id=event.client_algo_id,
            wallet=str(event.business_unit or ""),
            width=_FUTURES_WIDTH,
        )
    )


def _conditional(event: ConditionalOrderTradeUpdate) -> list[Cell]:
    return _cells(
        _Order(
            word="algo",
            symbol=event.symbol,
            side=word(event.side),
            type=_FUTURES_TYPES.get(word(event.strategy_type), word(event.strategy_type) or None),
            status=word(event.order_status),
            filled=short(event.quantity) if event.quantity else "all",
            price=event.price,
            trigger=event.stop_price,
            order_id=event.strategy_id,
            reason="" if event.order_id is None else f"is order {tail(str(event.order_id), 7)}",
            position_side=word(event.position_side) or None,
            client_id=event.strategy_client_id,
            wallet=word(event.business_unit),
            width=_FUTURES_WIDTH,
        )
    )


def _trigger_reject(event: ConditionalOrderTriggerReject) -> list[Cell]:
    return [
        kind("algo", "dim"),
        name(event.symbol, _FUTURES_WIDTH),
        Cell("REJECTED", "bold red", 9),
        Cell(tail(str(event.order_id), 7), "dim", 7),
        Cell(printable(event.reject_reason), "bold red"),
    ]


def _options_order(report: OptionsOrderTradeUpdate) -> list[Cell]:
    is_fill = report.fill_key is not None
    # Here, what is paid is negative.
    paid = None if report.commission is None else -report.commission
    return _cells(
        _Order(
            symbol=report.symbol,
            side=word(report.side),
            type=word(report.order_type) or None,
            status=word(report.order_status),
            filled=_of(report.filled_accumulated_quantity, report.original_quantity),
            price=report.original_price,
            order_id=report.order_id,
            fill=(report.last_filled_quantity, report.last_filled_price) if is_fill else None,
            fee=_fee(paid, report.commission_asset) if is_fill else "",
            profit=report.realized_profit,
            client_id=report.client_order_id,
            width=_OPTIONS_WIDTH,
        )
    )


def _order_report(report: OrderReport) -> list[Cell]:
    filled = report.filled_quantity or _ZERO
    by_notional = report.notional is not None
    done, whole = (report.filled_notional, report.notional) if by_notional else (filled, report.quantity)
    # What is filled is told as a sum, and not by fill.
    worth = "" if not filled or report.filled_notional is None else f"worth {short(report.filled_notional)}"
    return _cells(
        _Order(
            symbol=report.symbol,
            side=word(report.side).upper(),
            type=(word(report.order_type) or NOT_SAID).upper(),
            status=word(report.order_status).upper(),
            filled=_of(done or _ZERO, whole or _ZERO),
            price=report.price or _ZERO,
            order_id=report.order_id,
            reason=worth,
            client_id="",
        )
    )


def _strategy(event: StrategyUpdate) -> list[Cell]:
    return [
        *_strategy_head("strategy", event),
        Cell(f"operation {NOT_SAID if event.op_code is None else event.op_code}", "dim"),
    ]


def _grid(event: GridUpdate) -> list[Cell]:
    return [*_strategy_head("grid", event), Cell(f"profit {signed(event.realized_pnl)}", "bold")]


def _strategy_head(word: str, event: StrategyUpdate | GridUpdate) -> list[Cell]:
    return [
        kind(word, "dim"),
        name(event.symbol, _FUTURES_WIDTH),
        Cell(printable(event.strategy_type), "", 4),
        Cell(printable(event.strategy_status), "cyan", 9),
        Cell(tail(str(event.strategy_id), 7), "dim", 7),
    ]


ORDER_LINES: Mapping[type[Any], Callable[[Any], list[Cell]]] = MappingProxyType(
    {
        ExecutionReport: _execution_report,
        PortfolioMarginExecutionReport: _portfolio_margin_report,
        ListStatus: _order_list,
        OrderTradeUpdate: _order_trade_update,
        TradeLite: _trade_lite,
        AlgoUpdate: _algo,
        ConditionalOrderTradeUpdate: _conditional,
        ConditionalOrderTriggerReject: _trigger_reject,
        OptionsOrderTradeUpdate: _options_order,
        OrderReport: _order_report,
        StrategyUpdate: _strategy,
        GridUpdate: _grid,
    }
)
"""What makes a line of an event of one of these classes, or of one derived from it."""
