"""Shows each event and notice as a person likes to read it: one line, aligned, coloured; what was lost stands out.

Everything here is a pure function to a :class:`rich.text.Text`. Nothing that the venue sends is taken for markup.
"""

from __future__ import annotations

import attrs
from rich.text import Text

from trio_binance_uds import (
    Balance,
    BalanceUpdate,
    Disconnected,
    Event,
    EventStreamTerminated,
    ExecutionReport,
    ExternalLockUpdate,
    Gap,
    ListStatus,
    Notice,
    OutboundAccountPosition,
    ServerShutdown,
    UndecodableEvent,
    UntypedEvent,
)
from trio_binance_uds.cli.columns import Cell, banner, line
from trio_binance_uds.cli.json_lines import as_json_line
from trio_binance_uds.cli.plain import clock, printable, short, signed, tail

_SIDES = {"BUY": "bold green", "SELL": "bold red"}
_STATUSES = {
    "NEW": ("NEW", "cyan"),
    "PENDING_NEW": ("PENDING", "cyan"),
    "PARTIALLY_FILLED": ("PARTIAL", "yellow"),
    "FILLED": ("FILLED", "bold green"),
    "CANCELED": ("CANCELED", "magenta"),
    "PENDING_CANCEL": ("CANCELING", "magenta"),
    "REJECTED": ("REJECTED", "bold red"),
    "EXPIRED": ("EXPIRED", "red"),
    "EXPIRED_IN_MATCH": ("EXPIRED", "red"),
}
_TYPES = {
    "STOP_LOSS": "STOP",
    "STOP_LOSS_LIMIT": "STOP LIMIT",
    "TAKE_PROFIT": "TAKE",
    "TAKE_PROFIT_LIMIT": "TAKE LIMIT",
    "LIMIT_MAKER": "LIMIT MAKER",
}
# How much of a payload that could not be read is shown.
_RAW_SHOWN = 240


def render(item: Event | Notice, width: int | None = None) -> Text:
    """Return what to print for an event or a notice; ``width`` is that of the terminal, ``None`` without one."""
    match item:
        case Gap():
            return _gap(item, width)
        case Disconnected():
            return _disconnected(item, width)
        case Event():
            cells = [Cell(clock(item.event_time), "dim", 12, needs=66), *_cells(item)]
            if item.recovered:
                cells.append(Cell("recovered", "bold yellow"))
            row = line(cells, width)
            return row + _raw(item) if isinstance(item, UntypedEvent) else row
        case _:
            return banner(_described(item), width, "bold yellow")


def _cells(event: Event) -> list[Cell]:
    match event:
        case ExecutionReport():
            return _order(event)
        case OutboundAccountPosition(balances=balances):
            return [_kind("balance", "blue"), *[Cell(balance_text(balance)) for balance in balances]]
        case BalanceUpdate():
            style = "bold red" if event.balance_delta < 0 else "bold green"
            return [_kind("transfer", "blue"), _name(event.asset), Cell(signed(event.balance_delta), style)]
        case ExternalLockUpdate():
            return [_kind("lock", "blue"), _name(event.asset), Cell(signed(event.delta), "bold")]
        case ListStatus():
            return _order_list(event)
        case ServerShutdown():
            return [_kind("server", "bold yellow"), Cell("is going to close this connection", "yellow")]
        case EventStreamTerminated():
            return [_kind("stream", "bold yellow"), Cell("the subscription has ended", "yellow")]
        case UntypedEvent():
            word = "faulty" if isinstance(event, UndecodableEvent) else "unknown"
            name = Cell(printable(event.event_type or "-"), "bold")
            return [_kind(word, "bold magenta"), name, Cell(printable(event.problem), "magenta")]
        case _:
            return [_kind("event"), Cell(_described(event))]


def _order(report: ExecutionReport) -> list[Cell]:
    is_trade = report.execution_type == "TRADE"
    status, style = _STATUSES.get(report.order_status, (printable(report.order_status), "bold"))
    order_type = _TYPES.get(report.order_type, printable(report.order_type))
    filled = f"{short(report.cumulative_filled_quantity)}/{short(report.order_quantity)}"
    cells = [
        _kind("fill" if is_trade else "order", "bold" if is_trade else "dim"),
        _name(report.symbol),
        Cell(printable(report.side), _SIDES.get(report.side, ""), 4),
        Cell(order_type, "", 11, needs=114),
        Cell(status, style, 9),
        Cell(filled, "bold" if is_trade else "", 11, right=True),
        Cell(_price(report), "", 10, spare=3),
        Cell(tail(str(report.order_id), 7), "dim", 7, needs=100),
    ]
    if is_trade:
        cells.append(
            Cell(f"+{short(report.last_executed_quantity)} @ {short(report.last_executed_price)}", "bold", spare=2)
        )
        if report.commission_asset:
            fee = f"fee {short(report.commission_amount)} {printable(report.commission_asset)}"
            cells.append(Cell(fee, "dim", spare=6))
    elif reason := _reason(report):
        cells.append(Cell(reason, style, spare=2))
    cells.append(Cell(tail(report.original_client_order_id or report.client_order_id, 12), "dim", spare=7))
    return cells


def _price(report: ExecutionReport) -> str:
    price = f"@ {short(report.order_price)}" if report.order_price else ""
    # Once it has been triggered an order works like any other.
    waits = report.stop_price and not report.is_on_book and not report.cumulative_filled_quantity
    return f"{price} if {short(report.stop_price)}".strip() if waits else price


def _reason(report: ExecutionReport) -> str:
    for reason in (report.reject_reason, report.expiry_reason):
        if reason not in (None, "NONE"):
            return printable(str(reason)).lower().replace("_", " ")
    return ""


def _order_list(event: ListStatus) -> list[Cell]:
    ids = " ".join(tail(str(order.order_id), 7) for order in event.orders)
    status = printable(event.list_order_status)
    return [
        _kind("list", "dim"),
        _name(event.symbol),
        Cell(printable(event.contingency_type), "bold", 4),
        Cell(f"#{event.order_list_id}", "dim", 11, needs=114),
        Cell(status.replace("_", " "), "cyan", 9),
        Cell(f"of {ids}", "dim", spare=4),
    ]


def balance_text(balance: Balance) -> str:
    """Return an asset with what is free of it, and what is locked."""
    locked = f" (+{short(balance.locked)} locked)" if balance.locked else ""
    return f"{printable(balance.asset)} {short(balance.free)}{locked}"


def _disconnected(notice: Disconnected, width: int | None) -> Text:
    label = f"DISCONNECTED {clock(notice.at)} · {_words(notice.cause)} · blind from here on"
    return _with_detail(banner(label, width, "bold red"), notice.detail, "red")


def _gap(gap: Gap, width: int | None) -> Text:
    seconds = (gap.until - gap.since).total_seconds()
    complete = "complete" if gap.complete else "NOT PROVEN COMPLETE"
    label = f"GAP {clock(gap.since)} to {clock(gap.until)} ({seconds:.3f} s) · {_words(gap.cause)} · {complete}"
    details = [f"{gap.recovered} recovered"] if gap.recovered or gap.complete else []
    if gap.shed:
        details.append(f"{gap.shed} shed")
    if gap.detail:
        details.append(gap.detail)
    if not gap.complete:
        details.append("ask for balances and open orders to be sure of them")
    style = "green" if gap.complete else "yellow"
    return _with_detail(banner(label, width, f"bold {style}"), "; ".join(details), style)


def _with_detail(text: Text, detail: str, style: str) -> Text:
    return text.append(f"\n   {printable(detail)}", style=style) if detail else text


def _raw(event: UntypedEvent) -> Text:
    raw = as_json_line(event).partition(',"raw":')[2][:-1]
    shown = raw if len(raw) <= _RAW_SHOWN else f"{raw[:_RAW_SHOWN]}…"
    return Text(f"\n   {shown}", style="dim")


def _kind(word: str, style: str = "") -> Cell:
    return Cell(word, style, 8)


def _name(text: str) -> Cell:
    return Cell(printable(text), "bold", 9)


def _words(cause: str) -> str:
    return printable(cause).replace("_", " ")


def _described(item: Event | Notice) -> str:
    """Return an event or a notice that has no line of its own here, field by field."""
    shown = ("account", "subscription_id", "recovered", "event_type", "event_time")
    fields = [field.name for field in attrs.fields(type(item)) if field.repr and field.name not in shown]
    return printable(" ".join([type(item).__name__, *[f"{name}={getattr(item, name)!s}" for name in fields]]))
