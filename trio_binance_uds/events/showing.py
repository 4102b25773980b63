"""How events and notices are shown to people: all that is known of them by ``repr``, and one line by ``str``.

Amounts keep their digits (``0.00000000`` and not ``0E-8``), times are ISO 8601 in UTC, texts of the venue are escaped
and bounded. What is ``None`` or empty is left out, and what attrs keeps out of a repr: secrets and the raw payload.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from string import Formatter
from typing import Any

import attrs

from trio_binance_uds.texts import one_line, quoted

_TEXT_LIMIT = 100
_ITEMS_IN_REPR = 20
_ITEMS_IN_LINE = 4
_LINE_LIMIT = 300
# Written out, an exponent beyond this would be a line of zeros, and a larger one all of the memory.
_LONGEST_AMOUNT = 64

# What the class says already, or what says nothing about what happened.
_TAIL = ("event_time", "account", "stream", "subscription_id", "recovered", "faults")
_NOT_IN_REPR = ("event_type", *_TAIL)
_NOT_IN_LINE = ("at", "transaction_time", "update_time", "clear_time", *_NOT_IN_REPR)

_FUTURES_ORDER = (
    "{execution_type} {order_status}",
    "{symbol} {side} {order_type}",
    "order {order_id} ({client_order_id})",
    "fill {last_filled_quantity+} at {last_filled_price}",
    "filled {filled_accumulated_quantity} of {original_quantity}",
    "price {original_price+}",
    "commission {commission+} {commission_asset}",
)
# Parts of the line by class, for a class and those that inherit from it. A part is left out where one of its values is
# None, and where one with a plus sign is zero. A class that is not here shows its first fields.
_LINES: Mapping[str, tuple[str, ...]] = {
    "ExecutionReport": (
        "{execution_type} {order_status}",
        "{symbol} {side} {order_type}",
        "order {order_id} ({placed_client_order_id})",
        "fill {last_executed_quantity+} at {last_executed_price}",
        "filled {cumulative_filled_quantity} of {order_quantity}",
        "price {order_price+}",
        "commission {commission_amount+} {commission_asset}",
    ),
    "OrderTradeUpdate": _FUTURES_ORDER,
    "OptionsOrderTradeUpdate": _FUTURES_ORDER,
    "TradeLite": (
        "{symbol} {side}",
        "order {order_id} ({client_order_id})",
        "fill {last_filled_quantity} at {last_filled_price}",
        "of {original_quantity}",
    ),
    "AlgoUpdate": (
        "{algo_status}",
        "{symbol} {side} {order_type}",
        "algo order {algo_id} ({client_algo_id})",
        "{quantity} at trigger {trigger_price+}",
        "order {order_id}",
        "{failed_reason}",
    ),
    "ConditionalOrderTradeUpdate": (
        "{order_status}",
        "{symbol} {side} {strategy_type}",
        "conditional order {strategy_id} ({strategy_client_id})",
        "{quantity} at trigger {stop_price+}",
        "order {order_id}",
    ),
    "OrderReport": (
        "{execution_type} {order_status}",
        "{base_asset} {side} {order_type}",
        "order {order_id}",
        "filled {filled_quantity} of {quantity}",
        "price {price+}",
    ),
    "ListStatus": ("{list_status_type} {list_order_status}", "{symbol} {contingency_type}", "list {order_list_id}"),
    "OutboundAccountPosition": ("{balances}",),
    "AccountUpdate": ("{event_reason_type}", "{balances}", "{positions}"),
    "BalancePositionUpdate": ("{event_reason_type}", "{balances}", "{positions}"),
    "UntypedEvent": ("{event_type}", "{problem}"),
    "Gap": (
        "{cause}",
        "{since} to {until}",
        "{recovered} recovered",
        "complete={complete}",
        "{shed+} shed",
        "{detail}",
    ),
}


def represent(value: Any) -> str:
    """Return what an event, a notice, or a part of one is, with every field that says something."""
    return f"{type(value).__name__}({', '.join(_fields(value))})"


def line(value: Any) -> str:
    """Return what happened, in one line of at most three hundred characters."""
    parts = list(_parts(value))
    if getattr(value, "recovered", None) is True:
        parts.append("recovered")
    stream, at = getattr(value, "stream", None), getattr(value, "event_time", None) or getattr(value, "at", None)
    ending = "".join(f", {_plain(part)}" for part in (stream, at) if part is not None)
    text = f"{type(value).__name__} {', '.join(parts)}" if parts else type(value).__name__
    return one_line(text, _LINE_LIMIT - len(ending)) + ending


def amount(value: Decimal) -> str:
    """Return an amount digit for digit, as Binance writes it: ``0.00000000`` and not ``0E-8``."""
    exponent = value.as_tuple().exponent
    if isinstance(exponent, int) and max(abs(value.adjusted()), abs(exponent)) <= _LONGEST_AMOUNT:
        return f"{value:f}"
    return str(value)


def iso(at: datetime) -> str:
    """Return a time as ISO 8601 in UTC, with the microseconds only where there are some."""
    at = at.astimezone(UTC).replace(tzinfo=None)
    return at.isoformat(timespec="microseconds" if at.microsecond % 1000 else "milliseconds") + "Z"


def _fields(value: Any) -> Iterator[str]:
    fields = {field.name: getattr(value, field.name) for field in attrs.fields(type(value)) if field.repr}
    for name in [*[name for name in fields if name not in _NOT_IN_REPR], *[name for name in _TAIL if name in fields]]:
        shown = fields[name]
        if shown is None or shown == "" or shown == () or (name == "recovered" and shown is False):
            continue
        yield f"{name}={_value(shown)}"


def _value(value: Any) -> str:
    """Return a value as it stands in a repr."""
    match value:
        case Enum():
            return one_line(str(value.value), _TEXT_LIMIT)
        case str():
            return quoted(value, _TEXT_LIMIT)
        case Decimal():
            return amount(value)
        case datetime():
            return iso(value)
        case tuple():
            shown = [_value(item) for item in value[:_ITEMS_IN_REPR]]
            return f"({', '.join([*shown, *_rest(value, _ITEMS_IN_REPR)])})"
        case _ if attrs.has(type(value)):
            return represent(value)
        case _:
            return one_line(repr(value), _TEXT_LIMIT)


def _plain(value: Any) -> str:
    """Return a value as it stands in a line."""
    match value:
        case str():
            return one_line(str(value), _TEXT_LIMIT)
        case tuple():
            items = [_plain(item) for item in value[:_ITEMS_IN_LINE]]
            return "; ".join([*items, *_rest(value, _ITEMS_IN_LINE)])
        case _ if attrs.has(type(value)):
            shown = [_plain(getattr(value, field.name)) for field in attrs.fields(type(value))[:3]]
            return " ".join(shown)
        case _:
            return _value(value)


def _rest(items: tuple[Any, ...], shown: int) -> list[str]:
    return [f"{len(items) - shown} more"] if len(items) > shown else []


def _parts(value: Any) -> Iterator[str]:
    names = [cls.__name__ for cls in type(value).__mro__]
    templates = next((_LINES[name] for name in names if name in _LINES), None)
    if templates is None:
        own = [field.name for field in attrs.fields(type(value)) if field.repr and field.name not in _NOT_IN_LINE]
        templates = tuple([f"{name.replace('_', ' ')} {{{name}}}" for name in own[:8]])
    for template in templates:
        part = _filled(template, value)
        if part is not None:
            yield part


def _filled(template: str, value: Any) -> str | None:
    text = ""
    for literal, name, _, _ in Formatter().parse(template):
        text += literal
        if name is None:
            continue
        shown = getattr(value, name.rstrip("+"))
        if shown is None or shown == "" or shown == () or (name.endswith("+") and not shown):
            return None
        text += _plain(shown)
    return text
