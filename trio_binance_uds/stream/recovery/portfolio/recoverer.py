"""The recovery of a Portfolio Margin stream: that of its three parts, side by side.

What cannot be recovered, besides what the recoveries of futures and of margin name: changes of the account's debt
(``liabilityChange``), what is reserved for losses (``openOrderLoss``), and its risk level (``riskLevelChange``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

import attrs
import trio

from trio_binance_uds.errors import ApiError, AuthenticationFailed
from trio_binance_uds.events import Event, OutboundAccountPosition
from trio_binance_uds.stream.recovery.contract import Echoes, Recovered
from trio_binance_uds.stream.recovery.futures.recoverer import FuturesRecoverer
from trio_binance_uds.stream.recovery.futures.scope import Scope
from trio_binance_uds.stream.recovery.inquiry import Attentive, Budget, Request
from trio_binance_uds.stream.recovery.joined import joined_reasons
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.portfolio.dialects import CM, UM
from trio_binance_uds.stream.recovery.portfolio.margin import MarginPart, as_portfolio_margin
from trio_binance_uds.stream.recovery.timing import VenueClock

_NO_SUCH_SYMBOL = -1121
_BEGINNING = datetime.min.replace(tzinfo=UTC)
_OF_NOW = frozenset({"ACCOUNT_UPDATE", "ACCOUNT_CONFIG_UPDATE"})


class Part(Protocol):
    """One part of an account; its inquiries share the budget of the others."""

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

    def note_gap(self, since: datetime, until: datetime, *, complete: bool) -> None:
        """Take in that a gap has been told."""


class PortfolioRecoverer:
    """Knows what the user was told of each part, and recovers what was missed, within one budget."""

    def __init__(self, account: str, options: Recovery) -> None:
        self._options = options
        self.parts: Mapping[str, Part] = {
            "UM": FuturesRecoverer(Scope(dialect=UM, account=account), options),
            "CM": FuturesRecoverer(Scope(dialect=CM, account=account), options),
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
            await part.take_baseline(self._lenient(request), clock, budget=budget)

        async with trio.open_nursery() as nursery:
            for part in self.parts.values():
                if part.no_baseline_because:  # else it is asked again because of another part
                    nursery.start_soon(ask, part)

    async def recover(self, request: Request, since: datetime, clock: VenueClock) -> PortfolioRecovered:
        """Ask for what was missed since then; it raises no ordinary exception."""
        budget = Budget(self._options.weight_allowed)
        found: dict[str, Recovered] = {}

        async def ask(name: str, part: Part) -> None:
            found[name] = await part.recover(self._lenient(request), since, clock, budget=budget)

        async with trio.open_nursery() as nursery:
            for name, part in self.parts.items():
                nursery.start_soon(ask, name, part)
        return PortfolioRecovered({name: found[name] for name in self.parts})

    def note_gap(self, since: datetime, until: datetime, *, complete: bool) -> None:
        """Take in that a gap has been told."""
        for part in self.parts.values():
            part.note_gap(since, until, complete=complete)

    def _lenient(self, request: Request) -> Request:
        """Return what finds nothing of a symbol that was named, and that a part has not: another part will have it."""
        return _Lenient(request, frozenset(self._options.symbols))


@attrs.frozen
class _Lenient:
    request: Request
    named: frozenset[str]

    async def __call__(self, method: str, params: Mapping[str, Any] | None) -> Any:
        try:
            return await self.request(method, params)
        except ApiError as error:
            if error.code != _NO_SUCH_SYMBOL or (params or {}).get("symbol") not in self.named:
                raise
            return []

    def note_refused(self, error: AuthenticationFailed) -> None:
        if isinstance(self.request, Attentive):
            self.request.note_refused(error)


@attrs.frozen
class PortfolioRecovered:
    """What the recoveries of the parts have brought."""

    parts: Mapping[str, Recovered]

    @property
    def events(self) -> tuple[Event, ...]:
        """What was missed, in the order in which it happened; what is now comes last."""
        events = [as_portfolio_margin(event) for part in self.parts.values() for event in part.events]
        return tuple(sorted(events, key=_when))

    @property
    def complete(self) -> bool:
        """Whether it is proven that this is all of it."""
        return all(part.complete for part in self.parts.values())

    @property
    def detail(self) -> str:
        """Why not, for people."""
        return "; ".join(f"{name}: {part.detail}" for name, part in self.parts.items() if part.detail)

    def without(self, parked: Iterable[Event]) -> PortfolioRecovered:
        """Return what remains to be told beside the events that the new link has brought meanwhile."""
        waiting = tuple(parked)
        return PortfolioRecovered({name: part.without(waiting) for name, part in self.parts.items()})

    def echoes(self) -> Echoes:
        """Return what to look out for while a live event can still repeat one of these."""
        return _AnyEchoes(tuple([part.echoes() for part in self.parts.values()]))


@attrs.frozen
class _AnyEchoes:
    parts: tuple[Echoes, ...]

    def is_echo(self, event: Event) -> bool:
        return any(part.is_echo(event) for part in self.parts)


def _when(event: Event) -> tuple[bool, datetime]:
    is_of_now = event.event_type in _OF_NOW or isinstance(event, OutboundAccountPosition)
    return (is_of_now, event.event_time or _BEGINNING)
