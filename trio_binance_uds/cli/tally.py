"""Counts what has been seen of a stream, for the summary at its end."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import attrs

from trio_binance_uds import Balance, Disconnected, Event, ExecutionReport, Gap, Notice, OutboundAccountPosition


@attrs.define(kw_only=True)
class Tally:
    """What has been seen so far.

    Attributes:
        kinds: how many of each class of event and notice.
        fills: how many trades of each symbol.
        recovered: how many events came from a query after a gap.
        gaps: every gap.
        blind_since: when the stream went blind, while it is.
        balances: the last that was said of each asset; assets that have not changed are not in it.
    """

    kinds: Counter[str] = attrs.field(factory=Counter)
    fills: Counter[str] = attrs.field(factory=Counter)
    recovered: int = 0
    gaps: list[Gap] = attrs.field(factory=list)
    blind_since: datetime | None = None
    balances: dict[str, Balance] = attrs.field(factory=dict)

    def add(self, item: Event | Notice) -> None:
        """Count one event or notice, in the order of the stream."""
        self.kinds[type(item).__name__] += 1
        if isinstance(item, Event):
            self.recovered += item.recovered
        match item:
            case ExecutionReport(execution_type="TRADE", symbol=symbol):
                self.fills[symbol] += 1
            case OutboundAccountPosition(balances=balances):
                self.balances.update({balance.asset: balance for balance in balances})
            case Disconnected(at=at):
                self.blind_since = at
            case Gap():
                self.gaps.append(item)
                self.blind_since = None
            case _:
                pass

    @property
    def incomplete_gaps(self) -> int:
        """How many gaps may hide something for good."""
        return sum(not gap.complete for gap in self.gaps)

    def blind_seconds(self, now: datetime) -> float:
        """Return for how long, in all, events could be missed or late; gaps that overlap count once."""
        spans = [(gap.since, gap.until) for gap in self.gaps]
        if self.blind_since is not None:
            spans.append((self.blind_since, now))
        total, end = 0.0, None
        for since, until in sorted(spans):
            start = since if end is None else max(since, end)
            if until > start:
                total += (until - start).total_seconds()
                end = until
        return total
