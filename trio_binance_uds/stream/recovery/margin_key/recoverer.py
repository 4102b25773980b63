"""The recovery of one margin account whose account and risk events come on one stream.

It is that of the account stream and that of the risk stream, side by side; what those cannot tell, this one cannot.
Each looks at its own kinds of events only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import attrs
import trio

from trio_binance_uds.events import Event
from trio_binance_uds.nurseries import start
from trio_binance_uds.products import MarginHistory, MarginListenKeyHistory
from trio_binance_uds.stream.recovery.contract import Echoes, Recovered, Recoverer
from trio_binance_uds.stream.recovery.inquiry import Request
from trio_binance_uds.stream.recovery.joined import in_order_of_time, joined_reasons
from trio_binance_uds.stream.recovery.margin.recoverer import MarginRecoverer
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.own_reports import OrderName, Searched
from trio_binance_uds.stream.recovery.risk.recoverer import RiskRecoverer
from trio_binance_uds.stream.recovery.timing import VenueClock

# Of the weight that one recovery may cost; debts and loans cost 41, and a little more for each page of loans.
_SHARE_OF_RISK = 10


class MarginKeyRecoverer:
    """Knows what was delivered of an account and of its risk, and recovers both."""

    def __init__(self, history: MarginListenKeyHistory, options: Recovery) -> None:
        account, weight = history.account, options.weight_allowed
        for_risk = weight // _SHARE_OF_RISK
        self._account = MarginRecoverer(
            MarginHistory(rest=history.rest, accounts=(account,)), attrs.evolve(options, max_weight=weight - for_risk)
        )
        self._risk = RiskRecoverer(attrs.evolve(options, max_weight=for_risk), account.name, account.symbol)

    def observe(self, event: Event) -> None:
        """Note an event that was accepted for delivery."""
        self._account.observe(event)
        self._risk.observe(event)

    @property
    def no_baseline_because(self) -> str:
        """Why it is not known what was there before the stream began; empty where it is."""
        account, risk = self._account.no_baseline_because, self._risk.no_baseline_because
        return joined_reasons({"account": account, "risk": risk})

    async def take_baseline(self, request: Request, clock: VenueClock) -> None:
        """Ask what was there before the stream began."""
        async with trio.open_nursery() as nursery:
            # Where it is asked again, one of the parts may have been answered.
            if self._account.no_baseline_because:
                start(nursery, self._account.take_baseline, request, clock)
            if self._risk.no_baseline_because:
                start(nursery, self._risk.take_baseline, request, clock)

    async def recover(self, request: Request, since: datetime, clock: VenueClock) -> Recovered:
        """Ask for what was missed since then, for both at once."""
        found: dict[Recoverer, Recovered] = {}

        async def recover_one(recoverer: Recoverer) -> None:
            found[recoverer] = await recoverer.recover(request, since, clock)

        async with trio.open_nursery() as nursery:
            start(nursery, recover_one, self._account)
            start(nursery, recover_one, self._risk)
        return _Together((found[self._account], found[self._risk]))

    async def search(self, request: Request, orders: Sequence[OrderName], clock: VenueClock) -> Searched:
        """Ask for the fills of orders whose delivered reports do not add up."""
        return await self._account.search(request, orders, clock)

    async def check(self, request: Request, clock: VenueClock) -> str:
        """Say how the open orders differ from what was delivered."""
        return await self._account.check(request, clock)

    def note_gap(self, since: datetime, until: datetime, *, complete: bool) -> None:
        """Note that a gap was delivered."""
        self._account.note_gap(since, until, complete=complete)
        self._risk.note_gap(since, until, complete=complete)

    def abandon(self) -> None:
        """Forget what the last recovery has learned, as what it found is not delivered."""
        self._account.abandon()
        self._risk.abandon()


@attrs.frozen
class _Together:
    """What the recoveries of the account and of its risk have brought."""

    parts: tuple[Recovered, Recovered]

    @property
    def events(self) -> tuple[Event, ...]:
        return in_order_of_time([part.events for part in self.parts])

    @property
    def complete(self) -> bool:
        return all(part.complete for part in self.parts)

    @property
    def detail(self) -> str:
        return "; ".join(part.detail for part in self.parts if part.detail)

    def without(self, parked: Iterable[Event]) -> _Together:
        """Return what remains of each part beside the live events."""
        waiting = list(parked)
        account, risk = self.parts
        return _Together((account.without(waiting), risk.without(waiting)))

    def echoes(self) -> Echoes:
        """Return what to look out for."""
        return _TogetherEchoes([part.echoes() for part in self.parts])


class _TogetherEchoes:
    def __init__(self, parts: list[Echoes]) -> None:
        self._parts = parts

    def is_echo(self, event: Event) -> bool:
        # Each looks at its own kinds of events, which the other ignores.
        return any(part.is_echo(event) for part in self._parts)
