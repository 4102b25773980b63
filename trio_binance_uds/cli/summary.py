"""Sums up what has been seen of a stream, when it is over: as a table for people, as members for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

import attrs
from rich.table import Table
from rich.text import Text

from trio_binance_uds import Balance
from trio_binance_uds.cli.account_lines import AnyBalance, AnyPosition, balance_text, position_text
from trio_binance_uds.cli.columns import MARK, banner
from trio_binance_uds.cli.plain import clock, exact, iso, printable
from trio_binance_uds.cli.tally import Tally


@attrs.frozen(kw_only=True)
class Summary:
    """All there is to say at the end.

    Attributes:
        tally: what has been seen.
        links_opened: how many connections there were.
        seconds: for how long.
        now: the end.
        proven_at: when the stream was last proven to be alive, if it ever was.
        blind_since: since when events may be missing, where they may be at the end.
        balances: what the account has, as the venue says, if it was asked.
    """

    tally: Tally
    links_opened: int
    seconds: float
    now: datetime
    proven_at: datetime | None = None
    blind_since: datetime | None = None
    balances: Iterable[Balance] | None = None

    def heading(self, width: int | None) -> Text:
        """Return the line above the table."""
        return banner("SUMMARY", width, "bold")

    def table(self) -> Table:
        """Return it as two columns."""
        tally, table = self.tally, Table.grid(padding=(0, 2))
        table.add_column(style="bold", no_wrap=True)
        table.add_column()
        table.add_row("watched", f"{self.seconds:.1f} s over {_count(self.links_opened, 'connection')}")
        table.add_row("events", _counted(tally.kinds))
        table.add_row("fills", _counted(tally.fills))
        if tally.gaps or self.blind_since is not None:
            table.add_row("gaps", self._gaps(), style="yellow" if tally.incomplete_gaps else "")
            recovered = _count(tally.recovered, "event") + " recovered"
            marked = f", marked {MARK}" if tally.recovered else ""
            table.add_row("blind", f"{self._blind_seconds:.3f} s, {recovered}{marked}")
        else:
            table.add_row("gaps", "none: nothing was missed", style="green")
        if self.proven_at is not None:
            table.add_row("alive", f"proven at {clock(self.proven_at)}")
        if self.balances is not None:
            table.add_row("balances", ", ".join(map(balance_text, self.balances)) or "none")
        elif tally.balances:
            said = _listed((whose, balance_text(balance)) for (whose, _), balance in tally.balances.items())
            table.add_row("balances", f"{said}  (of what has changed)")
        if tally.positions:
            positions = ((whose, position_text(position)) for (whose, *_), position in tally.positions.items())
            table.add_row("positions", _listed(positions))
        if tally.risk:
            table.add_row("risk", printable(tally.risk))
        return table

    def members(self) -> dict[str, object]:
        """Return it as what JSON can hold, with exact amounts."""
        tally = self.tally
        return {
            "seconds": round(self.seconds, 3),
            "connections": self.links_opened,
            "events": dict(tally.kinds),
            "fills": dict(tally.fills),
            "recovered": tally.recovered,
            "gaps_complete": len(tally.gaps) - tally.incomplete_gaps,
            "gaps_incomplete": tally.incomplete_gaps,
            "blind_seconds": round(self._blind_seconds, 3),
            "blind_since": None if self.blind_since is None else iso(self.blind_since),
            "proven_at": None if self.proven_at is None else iso(self.proven_at),
            "balances": self._balances(),
            "positions": [_members(whose, position) for (whose, *_), position in tally.positions.items()],
            "risk": tally.risk or None,
        }

    def _balances(self) -> list[dict[str, str]]:
        if self.balances is not None:
            return [_members("", balance) for balance in self.balances]
        return [_members(whose, balance) for (whose, _), balance in self.tally.balances.items()]

    @property
    def _blind_seconds(self) -> float:
        return self.tally.blind_seconds(self.now, self.blind_since)

    def _gaps(self) -> str:
        tally = self.tally
        complete = len(tally.gaps) - tally.incomplete_gaps
        text = f"{len(tally.gaps)}: {complete} complete, {tally.incomplete_gaps} not proven complete"
        return text if self.blind_since is None else f"{text}; blind at the end"


def _members(whose: str, held: AnyBalance | AnyPosition) -> dict[str, str]:
    return {"account": whose, **dict(_texts(held))}


def _texts(held: AnyBalance | AnyPosition) -> Iterator[tuple[str, str]]:
    for field in attrs.fields(type(held)):
        value = getattr(held, field.name)
        if isinstance(value, Decimal):
            yield field.name, exact(value)
        elif isinstance(value, str):
            yield field.name, str(value)


def _listed(texts: Iterable[tuple[str, str]]) -> str:
    """Return the texts, each after whose it is where that is not the same for all."""
    pairs = list(texts)
    is_of_one = len({whose for whose, _ in pairs}) == 1
    return ", ".join(text if is_of_one else f"{printable(whose)} {text}" for whose, text in pairs)


def _counted(counter: Counter[str]) -> str:
    names = ", ".join(f"{printable(name)} {count}" for name, count in counter.most_common())
    return f"{counter.total()}: {names}" if names else "none"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
