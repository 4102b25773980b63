"""Counts what has been seen of a stream, for the summary at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

import attrs

from trio_binance_uds import (
    AccountUpdate,
    AccountUpdatePosition,
    BalancePositionUpdate,
    Disconnected,
    Event,
    ExecutionReport,
    Gap,
    MarginLevelStatusChange,
    Notice,
    OptionsOrderTradeUpdate,
    OptionsRiskLevelChange,
    OrderTradeUpdate,
    OutboundAccountPosition,
    PortfolioMarginOutboundAccountPosition,
    RiskLevelChange,
    Shedding,
)
from trio_binance_uds.cli.account_lines import AnyBalance, AnyPosition
from trio_binance_uds.cli.pretty import line_word


@attrs.define(kw_only=True)
class Tally:
    """What has been seen so far.

    Attributes:
        kinds: how many of each kind of event and notice, by the word that its line has.
        fills: how many trades of each symbol, by the reports of orders: a ``TradeLite`` tells one of them before.
        recovered: how many events came from a query after a gap.
        gaps: every gap.
        blind_since: when the stream went blind, while it is.
        balances: the last that was said of each asset, by whose it is and its name; what has not changed is not in it.
        positions: likewise, by whose it is, its symbol and its side.
        risk: the last word on how much the account is at risk.
    """

    kinds: Counter[str] = attrs.field(factory=Counter)
    fills: Counter[str] = attrs.field(factory=Counter)
    recovered: int = 0
    gaps: list[Gap] = attrs.field(factory=list)
    blind_since: datetime | None = None
    balances: dict[tuple[str, str], AnyBalance] = attrs.field(factory=dict)
    positions: dict[tuple[str, str, str], AnyPosition] = attrs.field(factory=dict)
    risk: str = ""

    def add(self, item: Event | Notice) -> None:
        """Count one event or notice, in the order of the stream."""
        self.kinds[line_word(item)] += 1
        if isinstance(item, Event):
            self.recovered += item.recovered
        match item:
            case ExecutionReport(execution_type="TRADE", symbol=symbol):
                self.fills[symbol] += 1
            case OrderTradeUpdate() | OptionsOrderTradeUpdate() if item.fill_key is not None:
                self.fills[item.symbol] += 1
            case OutboundAccountPosition():
                self._take(item, item.balances, ())
            case AccountUpdate() | BalancePositionUpdate():
                self._take(item, item.balances, item.positions)
            case MarginLevelStatusChange(margin_level_status=level):
                self.risk = str(level or self.risk)
            case RiskLevelChange(risk_level=level) | OptionsRiskLevelChange(risk_level=level):
                self.risk = str(level or self.risk)
            case Disconnected(at=at) | Shedding(at=at):
                self.blind_since = at if self.blind_since is None else min(at, self.blind_since)
            case Gap():
                self.gaps.append(item)
                self.blind_since = None
            case _:
                pass

    def _take(self, event: Event, balances: Iterable[AnyBalance], positions: Iterable[AnyPosition]) -> None:
        whose = _whose(event)
        self.balances.update({(whose, balance.asset): balance for balance in balances})
        self.positions.update({(whose, position.symbol, _side(position)): position for position in positions})

    @property
    def incomplete_gaps(self) -> int:
        """How many gaps may hide something for good."""
        return sum(not gap.complete for gap in self.gaps)

    def blind_seconds(self, now: datetime, blind_since: datetime | None) -> float:
        """Return for how long, in all, events could be missed or late; gaps that overlap count once.

        ``blind_since`` is when the blindness began that has not ended.
        """
        spans = [(gap.since, gap.until) for gap in self.gaps]
        if blind_since is not None:
            spans.append((blind_since, now))
        total, end = 0.0, None
        for since, until in sorted(spans):
            start = since if end is None else max(since, end)
            if until > start:
                total += (until - start).total_seconds()
                end = until
        return total


def _whose(event: Event) -> str:
    """Return the part of an account that an event is about, or the account that has no parts."""
    match event:
        case AccountUpdate(business_unit=unit) if unit:
            return str(unit)
        case PortfolioMarginOutboundAccountPosition():
            return "margin"
        case _:
            return event.account or ""


def _side(position: AnyPosition) -> str:
    return str(position.position_side or "BOTH") if isinstance(position, AccountUpdatePosition) else ""
