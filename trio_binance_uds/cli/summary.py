"""Sums up what has been seen of a stream, when it is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from rich.table import Table
from rich.text import Text

from trio_binance_uds import Balance
from trio_binance_uds.cli.account_lines import balance_text, position_text
from trio_binance_uds.cli.columns import banner
from trio_binance_uds.cli.plain import printable
from trio_binance_uds.cli.tally import Tally


def heading(width: int | None) -> Text:
    """Return the line above the summary."""
    return banner("SUMMARY", width, "bold")


def summary(
    tally: Tally, *, links_opened: int, seconds: float, now: datetime, balances: Iterable[Balance] | None = None
) -> Table:
    """Return the summary as a table of two columns; ``balances`` are the venue's own, if it was asked."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    table.add_row("watched", f"{seconds:.1f} s over {_count(links_opened, 'connection')}")
    table.add_row("events", _counted(tally.kinds))
    table.add_row("fills", _counted(tally.fills))
    if tally.gaps or tally.blind_since is not None:
        table.add_row("gaps", _gaps(tally), style="yellow" if tally.incomplete_gaps else "")
        table.add_row("blind", f"{tally.blind_seconds(now):.3f} s, {_count(tally.recovered, 'event')} recovered")
    else:
        table.add_row("gaps", "none: nothing was missed", style="green")
    if balances is not None:
        table.add_row("balances", ", ".join(map(balance_text, balances)) or "none")
    elif tally.balances:
        told = _listed((whose, balance_text(balance)) for (whose, _), balance in tally.balances.items())
        table.add_row("balances", f"{told}  (of what has changed)")
    if tally.positions:
        positions = ((whose, position_text(position)) for (whose, *_), position in tally.positions.items())
        table.add_row("positions", _listed(positions))
    if tally.risk:
        table.add_row("risk", printable(tally.risk))
    return table


def _listed(texts: Iterable[tuple[str, str]]) -> str:
    """Return the texts, each after whose it is where that is not the same for all."""
    pairs = list(texts)
    is_of_one = len({whose for whose, _ in pairs}) == 1
    return ", ".join(text if is_of_one else f"{printable(whose)} {text}" for whose, text in pairs)


def _gaps(tally: Tally) -> str:
    complete = len(tally.gaps) - tally.incomplete_gaps
    text = f"{len(tally.gaps)}: {complete} complete, {tally.incomplete_gaps} not proven complete"
    return text if tally.blind_since is None else f"{text}; blind at the end"


def _counted(counter: Counter[str]) -> str:
    names = ", ".join(f"{printable(name)} {count}" for name, count in counter.most_common())
    return f"{counter.total()}: {names}" if names else "none"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
