"""The recovery of a Portfolio Margin stream: that of its futures parts, side by side.

What cannot be recovered, besides what the recovery of futures names: margin orders and balances, the debt of the
account, its reserved losses and its risk level. So no gap of such a stream is proven complete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

import attrs
import trio

from trio_binance_uds.events import Event, KnownEvent
from trio_binance_uds.stream.recovery.contract import Echoes
from trio_binance_uds.stream.recovery.futures.recovered import Recovered
from trio_binance_uds.stream.recovery.futures.recoverer import FuturesRecoverer
from trio_binance_uds.stream.recovery.futures.scope import Scope
from trio_binance_uds.stream.recovery.inquiry import Request
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.portfolio.dialects import CM, UM

_MARGIN_IS_UNKNOWN = "what the margin part of the account did is not recovered"


class PortfolioRecoverer:
    """Knows what the user was told of each part, and recovers what was missed; the weight is shared out among them."""

    def __init__(self, account: str, options: Recovery) -> None:
        share = attrs.evolve(options, max_weight=options.max_weight // 2)
        self.parts: tuple[FuturesRecoverer, ...] = tuple(
            [FuturesRecoverer(Scope(dialect=dialect, account=account), share) for dialect in (UM, CM)]
        )

    def observe(self, event: Event) -> None:
        """Take in an event that was accepted for delivery."""
        for part in self.parts:
            part.observe(event)

    async def take_baseline(self, request: Request, now: Callable[[], datetime]) -> None:
        """Ask what was there before the stream began."""
        async with trio.open_nursery() as nursery:
            for part in self.parts:
                nursery.start_soon(part.take_baseline, request, now)

    async def recover(self, request: Request, since: datetime, now: Callable[[], datetime]) -> PortfolioRecovered:
        """Ask for what was missed since then; it raises no ordinary exception."""
        found: dict[FuturesRecoverer, Recovered] = {}

        async def ask(part: FuturesRecoverer) -> None:
            found[part] = await part.recover(request, since, now)

        async with trio.open_nursery() as nursery:
            for part in self.parts:
                nursery.start_soon(ask, part)
        return PortfolioRecovered(tuple([found[part] for part in self.parts]))


@attrs.frozen
class PortfolioRecovered:
    """What the recoveries of the parts have brought."""

    parts: tuple[Recovered, ...]

    @property
    def events(self) -> tuple[Event, ...]:
        """What was missed, in the order in which it happened; what is now comes last."""
        events = [event for part in self.parts for event in part.events]
        return tuple(sorted(events, key=_when))

    @property
    def complete(self) -> bool:
        """Whether it is proven that this is all of it: of the margin part it never is."""
        return False

    @property
    def detail(self) -> str:
        """Why not, for people."""
        return "; ".join([part.detail for part in self.parts if part.detail] + [_MARGIN_IS_UNKNOWN])

    def without(self, parked: Iterable[Event]) -> PortfolioRecovered:
        """Return what remains to be told beside the events that the new link has brought meanwhile."""
        waiting = tuple(parked)
        return PortfolioRecovered(tuple([part.without(waiting) for part in self.parts]))

    def echoes(self) -> Echoes:
        """Return what to look out for while a live event can still repeat one of these."""
        return _AnyEchoes(tuple([part.echoes() for part in self.parts]))


@attrs.frozen
class _AnyEchoes:
    parts: tuple[Echoes, ...]

    def is_echo(self, event: Event) -> bool:
        return any(part.is_echo(event) for part in self.parts)


def _when(event: Event) -> tuple[bool, datetime]:
    assert isinstance(event, KnownEvent)
    return (event.event_type in ("ACCOUNT_UPDATE", "ACCOUNT_CONFIG_UPDATE"), event.event_time)
