"""The recovery of a Portfolio Margin stream: that of its three parts, side by side.

What cannot be recovered, besides what the recoveries of futures and of margin name: changes of the account's debt
(``liabilityChange``), what is reserved for losses (``openOrderLoss``), and its risk level (``riskLevelChange``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

import attrs
import trio

from trio_binance_uds.events import Event, OutboundAccountPosition
from trio_binance_uds.nurseries import start
from trio_binance_uds.stream.recovery.contract import Echoes, Recovered
from trio_binance_uds.stream.recovery.futures.recoverer import FuturesRecoverer
from trio_binance_uds.stream.recovery.futures.scope import Scope
from trio_binance_uds.stream.recovery.futures.units import unit_of
from trio_binance_uds.stream.recovery.inquiry import Budget, Request
from trio_binance_uds.stream.recovery.joined import joined_reasons
from trio_binance_uds.stream.recovery.learned import Learned
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.own_reports import OrderName, OwnReports, Searched
from trio_binance_uds.stream.recovery.portfolio.dialects import CM, UM
from trio_binance_uds.stream.recovery.portfolio.margin import MarginPart, as_portfolio_margin
from trio_binance_uds.stream.recovery.symbols import Gone
from trio_binance_uds.stream.recovery.symbols import unknown as unknown_symbol
from trio_binance_uds.stream.recovery.timing import VenueClock

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_OF_NOW = frozenset({"ACCOUNT_UPDATE", "ACCOUNT_CONFIG_UPDATE"})


class HasGone(Protocol):
    """What knows which symbols do not exist."""

    @property
    def gone(self) -> Gone:
        """Those symbols."""
        ...


class Part(Protocol):
    """One part of an account; its inquiries share the budget of the others."""

    @property
    def knowledge(self) -> HasGone:
        """What was told of it."""
        ...

    def observe(self, event: Event) -> None:
        """Take in an event that was accepted for delivery."""

    @property
    def no_baseline_because(self) -> str:
        """Why it is not known what was there before the stream began; empty where it is."""
        ...

    async def take_baseline(self, request: Request, clock: VenueClock, *, budget: Budget) -> None:
        """Ask what was there before the stream began."""

    async def recover(self, request: Request, since: datetime, clock: VenueClock, *, budget: Budget) -> Recovered:
        """Ask for what was missed since then."""
        ...

    async def search(self, request: Request, orders: Sequence[OrderName], clock: VenueClock) -> Searched:
        """Ask for the fills of orders whose delivered reports do not add up."""
        ...

    async def check(self, request: Request, clock: VenueClock) -> str:
        """Say how the open orders differ from what was delivered."""
        ...

    def note_gap(self, since: datetime, until: datetime, *, complete: bool) -> None:
        """Take in that a gap has been told."""

    def abandon(self) -> None:
        """Forget what the last recovery has learned, as what it found is not delivered."""


class PortfolioRecoverer:
    """Knows what the user was told of each part, and recovers what was missed, within one budget."""

    def __init__(self, account: str, options: Recovery) -> None:
        self._options = options
        # Symbols that were named and that no part has, as was said.
        self._unknown: frozenset[str] = frozenset()
        self._learned = Learned()
        self.parts: Mapping[str, Part] = {
            "UM": FuturesRecoverer(Scope(dialect=UM, account=account), options, Gone(leaves_named=True)),
            "CM": FuturesRecoverer(Scope(dialect=CM, account=account), options, Gone(leaves_named=True)),
            "margin": MarginPart(account, options),
        }

    def observe(self, event: Event) -> None:
        """Take in an event that was accepted for delivery."""
        for part in self.parts.values():
            part.observe(event)

    @property
    def no_baseline_because(self) -> str:
        """Why it is not known what was there before the stream began; empty where it is."""
        return joined_reasons({name: part.no_baseline_because for name, part in self.parts.items()})

    async def take_baseline(self, request: Request, clock: VenueClock) -> None:
        """Ask what was there before the stream began."""
        budget = Budget(self._options.weight_allowed)

        async def ask(part: Part) -> None:
            await part.take_baseline(request, clock, budget=budget)

        async with trio.open_nursery() as nursery:
            for part in self.parts.values():
                if part.no_baseline_because:  # else it is asked again because of another part
                    start(nursery, ask, part)

    async def recover(self, request: Request, since: datetime, clock: VenueClock) -> PortfolioRecovered:
        """Ask for what was missed since then; it raises no ordinary exception."""
        budget = Budget(self._options.weight_allowed)
        self._learned.forget()
        found: dict[str, Recovered] = {}

        async def ask(name: str, part: Part) -> None:
            found[name] = await part.recover(request, since, clock, budget=budget)

        async with trio.open_nursery() as nursery:
            for name, part in self.parts.items():
                start(nursery, ask, name, part)
        gone = [part.knowledge.gone for part in self.parts.values()]
        unknown = [symbol for symbol in self._options.symbols if all(symbol in one for one in gone)]
        reasons = tuple([unknown_symbol(symbol) for symbol in unknown if symbol not in self._unknown])
        remarks = tuple([unknown_symbol(symbol) for symbol in unknown if symbol in self._unknown])
        self._learned.add(partial(self._note_unknown, frozenset(unknown)))
        return PortfolioRecovered({name: found[name] for name in self.parts}, reasons, remarks)

    async def check(self, request: Request, clock: VenueClock) -> str:
        """Say how the open orders differ from what was delivered."""
        return joined_reasons({name: await part.check(request, clock) for name, part in self.parts.items()})

    def _note_unknown(self, symbols: frozenset[str]) -> None:
        self._unknown |= symbols

    async def search(self, request: Request, orders: Sequence[OrderName], clock: VenueClock) -> Searched:
        """Ask for the fills of orders whose delivered reports do not add up, part by part."""
        found: dict[OrderName, OwnReports] = {}
        for name, part in self.parts.items():
            if wanted := [order for order in orders if name == _part_of(order)]:
                for order, own in (await part.search(request, wanted, clock)).items():
                    reports = tuple([as_portfolio_margin(report) for report in own.reports])
                    found[order] = attrs.evolve(own, reports=reports)
        return found

    def note_gap(self, since: datetime, until: datetime, *, complete: bool) -> None:
        """Take in that a gap has been told."""
        for part in self.parts.values():
            part.note_gap(since, until, complete=complete)
        self._learned.record()

    def abandon(self) -> None:
        """Forget what the last recovery has learned, as what it found is not delivered."""
        for part in self.parts.values():
            part.abandon()
        self._learned.forget()


@attrs.frozen
class PortfolioRecovered:
    """What the recoveries of the parts have brought."""

    parts: Mapping[str, Recovered]
    reasons: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def events(self) -> tuple[Event, ...]:
        """What was missed, in the order in which it happened; what is now comes last."""
        events = [as_portfolio_margin(event) for part in self.parts.values() for event in part.events]
        return tuple(sorted(events, key=_when))

    @property
    def complete(self) -> bool:
        """Whether it is proven that this is all of it."""
        return not self.reasons and all(part.complete for part in self.parts.values())

    @property
    def detail(self) -> str:
        """Why not, for people."""
        of_parts = [f"{name}: {part.detail}" for name, part in self.parts.items() if part.detail]
        return "; ".join([*self.reasons, *of_parts, *self.remarks])

    def without(self, parked: Iterable[Event]) -> PortfolioRecovered:
        """Return what remains to be told beside the events that the new link has brought meanwhile."""
        waiting = tuple(parked)
        return attrs.evolve(self, parts={name: part.without(waiting) for name, part in self.parts.items()})

    def echoes(self) -> Echoes:
        """Return what to look out for while a live event can still repeat one of these."""
        return _AnyEchoes(tuple([part.echoes() for part in self.parts.values()]))


@attrs.frozen
class _AnyEchoes:
    parts: tuple[Echoes, ...]

    def is_echo(self, event: Event) -> bool:
        return any(part.is_echo(event) for part in self.parts)


def _part_of(order: OrderName) -> str:
    return "margin" if order.is_spot else order.unit or unit_of(order.symbol)


def _when(event: Event) -> tuple[bool, datetime]:
    is_of_now = event.event_type in _OF_NOW or isinstance(event, OutboundAccountPosition)
    return (is_of_now, event.event_time or _BEGINNING)
