"""Shows each event and notice as a person likes to read it: one line, aligned, coloured; what was lost stands out.

Everything here is a pure function to a :class:`rich.text.Text`. Nothing that the venue sends is taken for markup.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
from rich.text import Text

from trio_binance_uds import (
    BaselineKnown,
    BaselineMissing,
    CredentialsRefused,
    Disconnected,
    Event,
    EventStreamTerminated,
    Gap,
    LeaseAtRisk,
    ListenKeyExpired,
    Notice,
    Proven,
    ReconnectFailed,
    ServerShutdown,
    Shedding,
    UndecodableEvent,
    Unproven,
    UntypedEvent,
    event_to_json,
)
from trio_binance_uds.cli.account_lines import ACCOUNT_LINES
from trio_binance_uds.cli.columns import MARK, Cell, banner, kind, line
from trio_binance_uds.cli.order_lines import ORDER_LINES
from trio_binance_uds.cli.plain import clock, command_words, printable, words

# How much of a payload that could not be read is shown.
_RAW_SHOWN = 240


def render(item: Event | Notice, width: int | None = None, accounts: Sequence[str] = ()) -> Text:
    """Return what to print for an event or a notice.

    Args:
        item: what to print.
        width: that of the terminal; ``None`` without one.
        accounts: the names to tell accounts apart by, where there are several.
    """
    match item:
        case Gap():
            return _gap(item, width)
        case Disconnected():
            return _disconnected(item, width)
        case LeaseAtRisk():
            return _lease_at_risk(item, width)
        case Shedding():
            return _shedding(item, width)
        case ReconnectFailed():
            return _reconnect_failed(item, width)
        case BaselineMissing(at=at, detail=detail):
            label = f"BASELINE MISSING {clock(at)} · no gap can be complete until it is known"
            return _with_detail(banner(label, width, "bold yellow"), detail, "yellow")
        case BaselineKnown(at=at):
            return banner(f"BASELINE KNOWN {clock(at)} · gaps can be complete from here on", width, "bold green")
        case CredentialsRefused(at=at, detail=detail):
            label = f"KEY REFUSED {clock(at)} · gaps stay incomplete until it is accepted again"
            return _with_detail(banner(label, width, "bold red"), detail, "red")
        case Unproven():
            return _unproven(item, width)
        case Proven(at=at, account=account):
            return banner(f"PROVEN {clock(at)} · {printable(account)} · its events arrive", width, "bold green")
        case Event():
            cells = [Cell(clock(item.event_time), "dim", 12, needs=66)]
            if len(accounts) > 1:
                cells.append(Cell(printable(item.account or ""), "cyan", max(map(len, accounts))))
            first, *others = _cells(item)
            cells += [attrs.evolve(first, mark=MARK) if item.recovered else first, *others]
            if item.faults and not isinstance(item, UntypedEvent):
                cells.append(Cell(f"without {', '.join(printable(fault.name) for fault in item.faults)}", "magenta"))
            row = line(cells, width)
            return row + _raw(item) if isinstance(item, UntypedEvent) else row
        case _:
            return banner(_described(item), width, "bold yellow")


def line_word(item: Event | Notice) -> str:
    """Return the word that an event has on its line, or what a notice is, in words."""
    if isinstance(item, Event):
        return _cells(item)[0].text
    return re.sub("(?<!^)(?=[A-Z])", " ", type(item).__name__).lower()


def _cells(event: Event) -> list[Cell]:
    return next(_LINES[cls] for cls in type(event).__mro__ if cls in _LINES)(event)


def _untyped(event: UntypedEvent) -> list[Cell]:
    word = "faulty" if isinstance(event, UndecodableEvent) else "unknown"
    return [
        kind(word, "bold magenta"),
        Cell(printable(event.event_type or "-"), "bold"),
        Cell(printable(event.problem), "magenta"),
    ]


def _saying(word: str, text: str) -> Callable[[Event], list[Cell]]:
    return lambda event: [kind(word, "bold yellow"), Cell(text, "yellow")]


def _any(event: Event) -> list[Cell]:
    return [kind("event"), Cell(_described(event))]


_LINES: Mapping[type[Any], Callable[[Any], list[Cell]]] = {
    **ORDER_LINES,
    **ACCOUNT_LINES,
    ServerShutdown: _saying("server", "is going to close this connection"),
    EventStreamTerminated: _saying("stream", "the subscription has ended"),
    ListenKeyExpired: _saying("stream", "a listen key has expired"),
    UntypedEvent: _untyped,
    Event: _any,
}


def _disconnected(notice: Disconnected, width: int | None) -> Text:
    label = f"DISCONNECTED {clock(notice.at)} · {words(notice.cause)} · blind from here on"
    return _with_detail(banner(label, width, "bold red"), notice.detail, "red")


def _lease_at_risk(notice: LeaseAtRisk, width: int | None) -> Text:
    label = f"LEASE AT RISK {clock(notice.at)} · {printable(notice.account)} · ends at {clock(notice.expires_at)}"
    return _with_detail(banner(label, width, "bold yellow"), notice.detail, "yellow")


def _shedding(notice: Shedding, width: int | None) -> Text:
    label = f"SHEDDING {clock(notice.at)} · {notice.shed} events so far · blind until after {clock(notice.resumes_at)}"
    return _with_detail(banner(label, width, "bold red"), notice.detail, "red")


def _reconnect_failed(notice: ReconnectFailed, width: int | None) -> Text:
    count = "1 attempt" if notice.attempts == 1 else f"{notice.attempts} attempts"
    label = f"STILL BLIND {clock(notice.at)} · {count} failed · next at {clock(notice.next_attempt_at)}"
    return _with_detail(banner(label, width, "bold red"), notice.detail, "red")


def _unproven(notice: Unproven, width: int | None) -> Text:
    label = f"UNPROVEN {clock(notice.at)} · {printable(notice.account)} · until the first event comes"
    return _with_detail(banner(label, width, "bold yellow"), notice.detail, "yellow")


def _gap(gap: Gap, width: int | None) -> Text:
    seconds = (gap.until - gap.since).total_seconds()
    complete = "complete" if gap.complete else "NOT PROVEN COMPLETE"
    label = f"GAP {clock(gap.since)} to {clock(gap.until)} ({seconds:.3f} s) · {words(gap.cause)} · {complete}"
    marked = f", marked {MARK}" if gap.recovered else ""
    details = [f"{gap.recovered} recovered{marked}"] if gap.recovered or gap.complete else []
    if gap.shed:
        details.append(f"{gap.shed} shed")
    if gap.detail:
        details.append(gap.detail)
    if not gap.complete:
        details.append("ask for balances and open orders to be sure of them")
    style = "green" if gap.complete else "yellow"
    return _with_detail(banner(label, width, f"bold {style}"), "; ".join(details), style)


def _with_detail(text: Text, detail: str, style: str) -> Text:
    return text.append(f"\n   {printable(command_words(detail))}", style=style) if detail else text


def _raw(event: UntypedEvent) -> Text:
    raw = event_to_json(event).partition(',"raw":')[2][:-1]
    shown = raw if len(raw) <= _RAW_SHOWN else f"{raw[:_RAW_SHOWN]}…"
    return Text(f"\n   {shown}", style="dim")


def _described(item: Event | Notice) -> str:
    """Return an event or a notice that has no line of its own here, field by field."""
    shown = ("stream", "account", "subscription_id", "recovered", "faults", "event_type", "event_time")
    fields = [field.name for field in attrs.fields(type(item)) if field.repr and field.name not in shown]
    return printable(" ".join([type(item).__name__, *[f"{name}={getattr(item, name)!s}" for name in fields]]))
